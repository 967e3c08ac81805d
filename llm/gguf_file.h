/* SPDX-License-Identifier: MIT */
/* What gguf.c, gguf_parse.c and gguf_values.c share; nobody else includes this. */
#ifndef LLM_GGUF_FILE_H
#define LLM_GGUF_FILE_H

#include <string.h>

#include "gguf.h"

struct gguf {
	char *name;
	int fd;			/* -1: the bytes are the caller's memory */
	const uint8_t *base;
	uint64_t size;

	uint32_t version;
	uint64_t alignment;
	uint64_t data_start;	/* file offset where tensor data begins */

	struct gguf_kv *kv;
	uint32_t *kv_sorted;	/* indices into kv, by key */
	size_t n_kv;

	struct gguf_tensor *tensors;
	uint32_t *tensor_sorted;	/* indices into tensors, by name */
	size_t n_tensors;
};

/* Fills all of *@g below base and size; what is allocated stays for gguf_close(). */
int gguf_parse(struct gguf *g, struct llm_err *err);

/* Bytes of one scalar of enum gguf_vtype; 0 for strings, arrays and unknown types. */
uint32_t gguf_vtype_bytes(uint32_t type);

/* The file is little-endian and nothing in it is aligned. */
static inline uint32_t gguf_load32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t gguf_load64(const uint8_t *p)
{
	return gguf_load32(p) | (uint64_t)gguf_load32(p + 4) << 32;
}

/* Byte order first, then length: the order of kv_sorted and tensor_sorted. */
static inline int gguf_compare(const char *a, size_t an, const char *b, size_t bn)
{
	int c = memcmp(a, b, an < bn ? an : bn);

	return c ? c : (an > bn) - (an < bn);
}

#endif

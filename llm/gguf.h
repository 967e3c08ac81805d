/* SPDX-License-Identifier: MIT */
/*
 * GGUF v2 and v3, read only, memory-mapped.
 *
 * Nothing in the file is believed: gguf_open() checks every length, count,
 * offset, type and product against the file's size and the limits below, so a
 * struct gguf_tensor that it gives out lies inside the file and overlaps no
 * other. Memory used is bounded by the file's own size, whatever it claims.
 *
 * A file must not shrink while it is open: as with every mapping, touching what
 * is gone raises SIGBUS. gguf_tensor_read() reports it as an error instead.
 *
 * Calls on one struct gguf are safe from several threads; gguf_close() is not.
 */
#ifndef LLM_GGUF_H
#define LLM_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define GGUF_MAX_DIMS		4
#define GGUF_MAX_NAME		64	/* bytes of a tensor's name, as ggml has it */
#define GGUF_MAX_KEY		65535	/* bytes of a key, the specification's limit */
#define GGUF_MAX_KEYS		65536	/* real files have a few dozen */
#define GGUF_MAX_TENSORS	65536	/* the largest known models have thousands */
#define GGUF_MAX_ALIGNMENT	65536
#define GGUF_DEFAULT_ALIGNMENT	32

/* Types of metadata values, numbered as in the file. */
enum gguf_vtype {
	GGUF_V_U8, GGUF_V_I8, GGUF_V_U16, GGUF_V_I16, GGUF_V_U32, GGUF_V_I32,
	GGUF_V_F32, GGUF_V_BOOL, GGUF_V_STR, GGUF_V_ARRAY, GGUF_V_U64, GGUF_V_I64,
	GGUF_V_F64, GGUF_V_COUNT
};

/* Types of tensors, numbered as in the file; the ones that callers compare with. */
enum gguf_ttype {
	GGUF_T_F32 = 0, GGUF_T_F16 = 1, GGUF_T_Q4_0 = 2, GGUF_T_Q4_1 = 3,
	GGUF_T_Q8_0 = 8, GGUF_T_Q4_K = 12, GGUF_T_Q6_K = 14, GGUF_T_IQ4_NL = 20,
	GGUF_T_BF16 = 30, GGUF_T_MXFP4 = 39
};

/* A string inside the mapping: not terminated, any bytes. */
struct gguf_str {
	const char *p;
	size_t len;
};

/* An array value; read it with gguf_array_*(). */
struct gguf_array {
	uint32_t type;		/* enum gguf_vtype of the elements, never GGUF_V_ARRAY */
	uint64_t n;
	const uint8_t *data;
	const uint8_t *end;
};

/* A metadata pair, as gguf_kv() lists them. */
struct gguf_kv {
	struct gguf_str key;
	uint32_t type;		/* enum gguf_vtype */
	const uint8_t *data;	/* the value: a scalar, a string's length, an array's type */
	const uint8_t *end;
};

struct gguf_tensor {
	char name[GGUF_MAX_NAME + 1];
	uint32_t type;			/* see gguf_ttype_name() */
	uint32_t n_dims;		/* 1..4 */
	uint64_t dims[GGUF_MAX_DIMS];	/* dims[0] is contiguous; unused ones are 1 */
	uint64_t n_elements;
	uint64_t offset;		/* bytes from the start of the file */
	uint64_t size_bytes;
	const void *data;		/* in the mapping, aligned as the file says */
};

struct gguf;

/*
 * Opens a regular file or block device. On success *@out is the caller's to
 * gguf_close(). Errors: -ENOENT, -EACCES, ... from open(2) and mmap(2), -EISDIR,
 * -EINVAL not a GGUF file or a field that is wrong (@err names it), -E2BIG past
 * one of the limits above, -EMSGSIZE the file ends too early, -ENOMEM.
 */
int gguf_open(const char *path, struct gguf **out, struct llm_err *err);

/* The same on @size bytes at @data, which must outlive *@out; @name is for errors. */
int gguf_open_memory(const void *data, size_t size, const char *name, struct gguf **out,
		     struct llm_err *err);

/* Unmaps and frees; all pointers into the file end here. NULL is fine. */
void gguf_close(struct gguf *g);

/* The path or name it was opened with. */
const char *gguf_name(const struct gguf *g);
uint32_t gguf_version(const struct gguf *g);
uint64_t gguf_alignment(const struct gguf *g);
uint64_t gguf_file_bytes(const struct gguf *g);

/* Metadata in the file's order; @i below gguf_n_kv(). */
size_t gguf_n_kv(const struct gguf *g);
const struct gguf_kv *gguf_kv(const struct gguf *g, size_t i);

/* NULL when the file has no such key. */
const struct gguf_kv *gguf_find_kv(const struct gguf *g, const char *key);

/*
 * Values by key. Integers of any width are taken when the value fits; floats of
 * either width (and integers, exactly) by gguf_get_f64() and gguf_get_f32().
 * Errors, all with text: -ENOENT no such key, -EINVAL another type, -ERANGE the
 * value does not fit. *@out is unchanged on error.
 */
int gguf_get_u64(const struct gguf *g, const char *key, uint64_t *out, struct llm_err *err);
int gguf_get_u32(const struct gguf *g, const char *key, uint32_t *out, struct llm_err *err);
int gguf_get_f64(const struct gguf *g, const char *key, double *out, struct llm_err *err);
int gguf_get_f32(const struct gguf *g, const char *key, float *out, struct llm_err *err);
int gguf_get_bool(const struct gguf *g, const char *key, bool *out, struct llm_err *err);
int gguf_get_str(const struct gguf *g, const char *key, struct gguf_str *out,
		 struct llm_err *err);
int gguf_get_array(const struct gguf *g, const char *key, struct gguf_array *out,
		   struct llm_err *err);

/*
 * Element @i of an array of numbers, converted; -ERANGE past its end or when the
 * value does not fit, -EINVAL when its type is another. No text: the caller
 * knows which key this is.
 */
int gguf_array_u64(const struct gguf_array *a, uint64_t i, uint64_t *out);
int gguf_array_i64(const struct gguf_array *a, uint64_t i, int64_t *out);
int gguf_array_f64(const struct gguf_array *a, uint64_t i, double *out);

/* Walks an array of strings from the first: false at the end. Take @a->data as the first @pos. */
bool gguf_array_next_str(const struct gguf_array *a, const uint8_t **pos, struct gguf_str *out);

/* Tensors in the file's order; @i below gguf_n_tensors(). */
size_t gguf_n_tensors(const struct gguf *g);
const struct gguf_tensor *gguf_tensor(const struct gguf *g, size_t i);

/* NULL when the file has no such tensor. */
const struct gguf_tensor *gguf_lookup_tensor(const struct gguf *g, const char *name);

/*
 * Copies @n bytes of a tensor from byte @offset of it to @dst with pread(2): the
 * cheap way to fill a buffer object once, as no page is mapped and no page of
 * the file stays in this process. Errors: -EINVAL past the tensor's end, -EIO
 * the file is shorter than it was, else pread's.
 */
int gguf_tensor_read(const struct gguf *g, const struct gguf_tensor *t, uint64_t offset,
		     void *dst, size_t n, struct llm_err *err);

/* "Q4_0", ...; "unknown" for numbers this reader has never heard of. */
const char *gguf_ttype_name(uint32_t type);

/* Elements and bytes of one block of @type; false for unknown types. */
bool gguf_ttype_block(uint32_t type, uint32_t *elements, uint32_t *bytes);

/* "u32", "str", ... */
const char *gguf_vtype_name(uint32_t type);

#endif

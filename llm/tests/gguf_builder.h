/* SPDX-License-Identifier: MIT */
/* Writes GGUF files into memory, right or wrong on purpose. */
#ifndef LLM_GGUF_BUILDER_H
#define LLM_GGUF_BUILDER_H

#include <stddef.h>
#include <stdint.h>

struct builder {
	uint8_t *p;
	size_t n, room;
	uint64_t n_kv, n_tensors;
};

/* An empty file of version 3; builder_free() at the end. */
void builder_start(struct builder *b);
void builder_free(struct builder *b);

/* Pieces: little-endian numbers, bytes, a length-prefixed string. */
void builder_bytes(struct builder *b, const void *p, size_t n);
void builder_u8(struct builder *b, uint8_t v);
void builder_u16(struct builder *b, uint16_t v);
void builder_u32(struct builder *b, uint32_t v);
void builder_u64(struct builder *b, uint64_t v);
void builder_f32(struct builder *b, float v);
void builder_f64(struct builder *b, double v);
void builder_str(struct builder *b, const char *s);
void builder_strn(struct builder *b, const char *s, size_t n);

/* A key and its type; the value follows by the calls above. */
void builder_key(struct builder *b, const char *key, uint32_t type);
void builder_key_u32(struct builder *b, const char *key, uint32_t v);
void builder_key_str(struct builder *b, const char *key, const char *v);
void builder_key_bool(struct builder *b, const char *key, uint8_t v);

/* A key and the head of an array; the elements follow. */
void builder_key_array(struct builder *b, const char *key, uint32_t type, uint64_t n);

void builder_tensor(struct builder *b, const char *name, uint32_t n_dims, const uint64_t *dims,
		    uint32_t type, uint64_t offset);

/* Pads to @align and adds @n zero bytes of tensor data. */
void builder_data(struct builder *b, size_t align, size_t n);

/* Writes the counts into the header; to be called last. */
void builder_finish(struct builder *b);

/*
 * A byte-level BPE vocabulary: 256 byte tokens (id is the byte), then "he" "ll" "llo"
 * "hello" "\u0120hello", user-defined "<user>", control "<bos>" and "<|eot_id|>".
 */
enum {
	BPE_HE = 256, BPE_LL, BPE_LLO, BPE_HELLO, BPE_SPACE_HELLO, BPE_USER, BPE_BOS, BPE_EOT,
	BPE_COUNT,
};

void builder_bpe(struct builder *b, const char *pre);

#endif

// SPDX-License-Identifier: MIT
#include "gguf_builder.h"

#include <stdlib.h>
#include <string.h>

#include "gguf.h"

void builder_bytes(struct builder *b, const void *p, size_t n)
{
	if (b->n + n > b->room) {
		b->room = 2 * (b->n + n);
		b->p = realloc(b->p, b->room);
		if (!b->p)
			abort();
	}
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

void builder_u8(struct builder *b, uint8_t v)
{
	builder_bytes(b, &v, 1);
}

void builder_u16(struct builder *b, uint16_t v)
{
	builder_u8(b, (uint8_t)v);
	builder_u8(b, (uint8_t)(v >> 8));
}

void builder_u32(struct builder *b, uint32_t v)
{
	builder_u16(b, (uint16_t)v);
	builder_u16(b, (uint16_t)(v >> 16));
}

void builder_u64(struct builder *b, uint64_t v)
{
	builder_u32(b, (uint32_t)v);
	builder_u32(b, (uint32_t)(v >> 32));
}

void builder_f32(struct builder *b, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	builder_u32(b, bits);
}

void builder_f64(struct builder *b, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	builder_u64(b, bits);
}

void builder_strn(struct builder *b, const char *s, size_t n)
{
	builder_u64(b, n);
	builder_bytes(b, s, n);
}

void builder_str(struct builder *b, const char *s)
{
	builder_strn(b, s, strlen(s));
}

void builder_start(struct builder *b)
{
	*b = (struct builder){ 0 };
	builder_bytes(b, "GGUF", 4);
	builder_u32(b, 3);
	builder_u64(b, 0);
	builder_u64(b, 0);
}

void builder_free(struct builder *b)
{
	free(b->p);
	*b = (struct builder){ 0 };
}

void builder_key(struct builder *b, const char *key, uint32_t type)
{
	builder_str(b, key);
	builder_u32(b, type);
	b->n_kv++;
}

void builder_key_u32(struct builder *b, const char *key, uint32_t v)
{
	builder_key(b, key, GGUF_V_U32);
	builder_u32(b, v);
}

void builder_key_str(struct builder *b, const char *key, const char *v)
{
	builder_key(b, key, GGUF_V_STR);
	builder_str(b, v);
}

void builder_key_bool(struct builder *b, const char *key, uint8_t v)
{
	builder_key(b, key, GGUF_V_BOOL);
	builder_u8(b, v);
}

void builder_key_array(struct builder *b, const char *key, uint32_t type, uint64_t n)
{
	builder_key(b, key, GGUF_V_ARRAY);
	builder_u32(b, type);
	builder_u64(b, n);
}

void builder_tensor(struct builder *b, const char *name, uint32_t n_dims, const uint64_t *dims,
		    uint32_t type, uint64_t offset)
{
	uint32_t d;

	builder_str(b, name);
	builder_u32(b, n_dims);
	for (d = 0; d < n_dims; d++)
		builder_u64(b, dims[d]);
	builder_u32(b, type);
	builder_u64(b, offset);
	b->n_tensors++;
}

void builder_data(struct builder *b, size_t align, size_t n)
{
	while (b->n % align)
		builder_u8(b, 0);
	while (n--)
		builder_u8(b, 0);
}

void builder_finish(struct builder *b)
{
	size_t end = b->n;

	b->n = 8;
	builder_u64(b, b->n_tensors);
	builder_u64(b, b->n_kv);
	b->n = end;
}

/* The character that stands for byte @c in a BPE vocabulary, as a string. */
static void byte_text(unsigned int c, char *to)
{
	unsigned int i, cp = c, next = 0x100;

	for (i = 0; i <= c; i++) {
		int printable = (i >= '!' && i <= '~') || (i >= 0xa1 && i <= 0xac) || i >= 0xae;

		if (!printable)
			cp = next++;
		else
			cp = i;
	}
	if (cp < 0x80) {
		to[0] = (char)cp;
		to[1] = '\0';
	} else {
		to[0] = (char)(0xc0 | cp >> 6);
		to[1] = (char)(0x80 | (cp & 0x3f));
		to[2] = '\0';
	}
}

void builder_bpe(struct builder *b, const char *pre)
{
	static const char *const words[] = {
		"he", "ll", "llo", "hello", "\u0120hello", "<user>", "<bos>", "<|eot_id|>",
	};
	static const char *const merges[] = { "l l", "h e", "ll o", "he llo", "\u0120 hello" };
	char text[3];
	unsigned int i;

	builder_start(b);
	builder_key_str(b, "tokenizer.ggml.model", "gpt2");
	builder_key_str(b, "tokenizer.ggml.pre", pre);
	builder_key_array(b, "tokenizer.ggml.tokens", GGUF_V_STR, BPE_COUNT);
	for (i = 0; i < 256; i++) {
		byte_text(i, text);
		builder_str(b, text);
	}
	for (i = 0; i < BPE_COUNT - 256; i++)
		builder_str(b, words[i]);
	builder_key_array(b, "tokenizer.ggml.token_type", GGUF_V_I32, BPE_COUNT);
	for (i = 0; i < BPE_COUNT; i++)
		builder_u32(b, i < BPE_USER ? 1 : i == BPE_USER ? 4 : 3);
	builder_key_array(b, "tokenizer.ggml.merges", GGUF_V_STR, 5);
	for (i = 0; i < 5; i++)
		builder_str(b, merges[i]);
	builder_key_u32(b, "tokenizer.ggml.bos_token_id", BPE_BOS);
}

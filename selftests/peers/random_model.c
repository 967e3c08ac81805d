// SPDX-License-Identifier: MIT
/*
 * random-model - a Llama-shaped GGUF file with pseudo-random weights
 *
 *   random-model OUT.gguf SHAPE TYPE
 *
 * SHAPE is one of the table below, TYPE f32, f16, q8_0 or q4_0. The same words
 * give the same bytes everywhere. For timing, and for comparing two engines
 * number by number: there is no vocabulary inside and no sense in its output.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 32
#define MAX_TENSORS 512

static const struct shape {
	const char *name;
	uint32_t dim, layers, heads, kv_heads, ffn, vocab, ctx;
	float rope_base;
} shapes[] = {
	{ "tiny", 256, 4, 8, 4, 768, 4096, 2048, 10000 },
	{ "15m", 288, 6, 6, 6, 768, 32000, 1024, 10000 },
	{ "135m", 576, 30, 9, 3, 1536, 49152, 4096, 100000 },
	{ "1b", 2048, 16, 32, 8, 8192, 128256, 8192, 500000 },
	{ "3b", 3072, 28, 24, 8, 8192, 128256, 8192, 500000 },
	{ "8b", 4096, 32, 32, 8, 14336, 128256, 8192, 500000 },
};

/* GGUF's numbers for tensor types and file types. */
static const struct type {
	const char *name;
	uint32_t id, file_type;
	uint32_t block, block_bytes;
} types[] = {
	{ "f32", 0, 0, 1, 4 },
	{ "f16", 1, 1, 1, 2 },
	{ "q8_0", 8, 7, 32, 34 },
	{ "q4_0", 2, 2, 32, 18 },
};

struct tensor {
	char name[48];
	uint64_t cols, rows;		/* rows zero: one dimension */
	const struct type *type;
	bool norm;
	float deviation;
	uint64_t offset;
};

static struct tensor tensors[MAX_TENSORS];
static unsigned int n_tensors;
static uint64_t random_state = 0x9e3779b97f4a7c15u;
static FILE *out;

static void put(const void *p, size_t n)
{
	if (fwrite(p, 1, n, out) != n) {
		fprintf(stderr, "random-model: cannot write: %s\n", strerror(errno));
		exit(1);
	}
}

/* xorshift64*: the upper half is good enough for weights. */
static uint64_t random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1du;
}

static float random_unit(void)
{
	return (float)(random_u64() >> 40) / (1 << 24);
}

/* Near enough to normal with mean 0 and deviation 1: the sum of four uniforms. */
static float random_normal(void)
{
	uint64_t r = random_u64();
	int sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (int)(r >> (16 * i) & 0xffff) - 0x8000;
	return (float)sum / (65536 * 0.57735f);
}

/* Rounds to nearest; what is too small for a normal half becomes zero. */
static uint16_t to_half(float f)
{
	uint32_t bits;
	uint32_t sign;
	int exponent;

	memcpy(&bits, &f, sizeof(bits));
	sign = bits >> 16 & 0x8000;
	bits = (bits & 0x7fffffff) + 0x1000;
	exponent = (int)(bits >> 23) - 127 + 15;
	if (exponent <= 0)
		return (uint16_t)sign;
	return (uint16_t)(sign | (uint32_t)exponent << 10 | (bits >> 13 & 0x3ff));
}

static uint64_t elements(const struct tensor *t)
{
	return t->cols * (t->rows ? t->rows : 1);
}

static uint64_t bytes(const struct tensor *t)
{
	return elements(t) / t->type->block * t->type->block_bytes;
}

static void add(const char *name, int layer, uint64_t cols, uint64_t rows,
		const struct type *type, float deviation)
{
	struct tensor *t = &tensors[n_tensors++];

	if (layer < 0)
		snprintf(t->name, sizeof(t->name), "%s.weight", name);
	else
		snprintf(t->name, sizeof(t->name), "blk.%d.%s.weight", layer, name);
	t->cols = cols;
	t->rows = rows;
	t->type = type;
	t->norm = !rows;
	t->deviation = deviation;
}

static void list_tensors(const struct shape *s, const struct type *type)
{
	const struct type *f32 = &types[0];
	uint64_t kv = (uint64_t)s->dim / s->heads * s->kv_heads;
	float dev = 0.6f / sqrtf((float)s->dim);
	uint64_t at = 0;

	add("token_embd", -1, s->dim, s->vocab, type, 0.02f);
	for (int i = 0; i < (int)s->layers; i++) {
		add("attn_norm", i, s->dim, 0, f32, 0);
		add("attn_q", i, s->dim, s->dim, type, dev);
		add("attn_k", i, s->dim, kv, type, dev);
		add("attn_v", i, s->dim, kv, type, dev);
		add("attn_output", i, s->dim, s->dim, type, dev);
		add("ffn_norm", i, s->dim, 0, f32, 0);
		add("ffn_gate", i, s->dim, s->ffn, type, dev);
		add("ffn_up", i, s->dim, s->ffn, type, dev);
		add("ffn_down", i, s->ffn, s->dim, type, dev);
	}
	add("output_norm", -1, s->dim, 0, f32, 0);
	add("output", -1, s->dim, s->vocab, type, dev);

	for (unsigned int i = 0; i < n_tensors; i++) {
		tensors[i].offset = at;
		at += (bytes(&tensors[i]) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	}
}

static void put_u32(uint32_t v) { put(&v, 4); }
static void put_u64(uint64_t v) { put(&v, 8); }

static void put_string(const char *s)
{
	put_u64(strlen(s));
	put(s, strlen(s));
}

static void put_key_u32(const char *key, uint32_t v)
{
	put_string(key);
	put_u32(4);
	put_u32(v);
}

static void put_key_f32(const char *key, float v)
{
	put_string(key);
	put_u32(6);
	put(&v, 4);
}

static void put_key_string(const char *key, const char *v)
{
	put_string(key);
	put_u32(8);
	put_string(v);
}

static void put_padding(uint64_t written)
{
	static const char zeros[ALIGNMENT];

	put(zeros, (ALIGNMENT - written % ALIGNMENT) % ALIGNMENT);
}

static void put_header(const struct shape *s, const struct type *type)
{
	char name[32];

	snprintf(name, sizeof(name), "random-%s-%s", s->name, type->name);
	put("GGUF", 4);
	put_u32(3);
	put_u64(n_tensors);
	put_u64(14);
	put_key_string("general.architecture", "llama");
	put_key_string("general.name", name);
	put_key_u32("general.file_type", type->file_type);
	put_key_u32("llama.context_length", s->ctx);
	put_key_u32("llama.embedding_length", s->dim);
	put_key_u32("llama.block_count", s->layers);
	put_key_u32("llama.feed_forward_length", s->ffn);
	put_key_u32("llama.attention.head_count", s->heads);
	put_key_u32("llama.attention.head_count_kv", s->kv_heads);
	put_key_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
	put_key_f32("llama.rope.freq_base", s->rope_base);
	put_key_u32("llama.rope.dimension_count", s->dim / s->heads);
	put_key_u32("llama.vocab_size", s->vocab);
	put_key_string("tokenizer.ggml.model", "none");

	for (unsigned int i = 0; i < n_tensors; i++) {
		const struct tensor *t = &tensors[i];

		put_string(t->name);
		put_u32(t->rows ? 2 : 1);
		put_u64(t->cols);
		if (t->rows)
			put_u64(t->rows);
		put_u32(t->type->id);
		put_u64(t->offset);
	}
	put_padding((uint64_t)ftello(out));
}

static void put_weights(const struct tensor *t)
{
	const struct type *type = t->type;
	uint64_t blocks = elements(t) / type->block;

	for (uint64_t i = 0; i < blocks; i++) {
		uint8_t b[40];
		float f = t->norm ? 1 + 0.02f * random_normal() : t->deviation * random_normal();
		float spread = (0.5f + random_unit()) * t->deviation * 3;
		uint16_t half;

		switch (type->id) {
		case 0:
			memcpy(b, &f, 4);
			break;
		case 1:
			half = to_half(f);
			memcpy(b, &half, 2);
			break;
		case 2:
			half = to_half(spread / 8);
			memcpy(b, &half, 2);
			for (int k = 0; k < 2; k++) {
				uint64_t r = random_u64();

				memcpy(b + 2 + 8 * k, &r, 8);
			}
			break;
		default:
			half = to_half(spread / 127);
			memcpy(b, &half, 2);
			for (int k = 0; k < 32; k++)
				b[2 + k] = (uint8_t)(int8_t)lrintf(36 * random_normal());
		}
		put(b, type->block_bytes);
	}
	put_padding(bytes(t));
}

int main(int argc, char **argv)
{
	const struct shape *shape = NULL;
	const struct type *type = NULL;

	for (size_t i = 0; argc == 4 && i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (!strcmp(argv[2], shapes[i].name))
			shape = &shapes[i];
	for (size_t i = 0; argc == 4 && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(argv[3], types[i].name))
			type = &types[i];
	if (!shape || !type) {
		fputs("usage: random-model OUT.gguf tiny|15m|135m|1b|3b|8b f32|f16|q8_0|q4_0\n",
		      stderr);
		return 2;
	}
	out = fopen(argv[1], "wb");
	if (!out) {
		fprintf(stderr, "random-model: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	list_tensors(shape, type);
	put_header(shape, type);
	for (unsigned int i = 0; i < n_tensors; i++)
		put_weights(&tensors[i]);
	if (fclose(out)) {
		fprintf(stderr, "random-model: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	return 0;
}

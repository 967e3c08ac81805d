// SPDX-License-Identifier: MIT
/*
 * Every field of the bundled models and of small built files, overwritten with
 * values that hurt and cut off at each field: the reader and the tokenizer answer
 * with a named error or go on, never worse. Each file lives in a block of exactly
 * its size, so that a sanitizer sees the first byte read behind it.
 *
 * The walk over the fields is written anew here, from the specification: a test
 * that asked the reader where the fields are would believe its mistakes.
 * Argument: the directory of bundled models. Takes a second, some ten with SAN=1.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf.h"
#include "gguf_builder.h"
#include "tap.h"
#include "tokenizer.h"

struct field {
	size_t offset;
	uint32_t bytes;
};

struct fields {
	struct field *f;
	size_t n, room;
};

static void add(struct fields *fs, size_t offset, uint32_t bytes)
{
	if (fs->n == fs->room) {
		fs->room = fs->room ? 2 * fs->room : 256;
		fs->f = realloc(fs->f, fs->room * sizeof(*fs->f));
		if (!fs->f)
			abort();
	}
	fs->f[fs->n++] = (struct field){ offset, bytes };
}

static uint64_t load(const uint8_t *p, uint32_t bytes)
{
	uint64_t v = 0;

	memcpy(&v, p, bytes);
	return v;
}

static size_t walk_str(const uint8_t *p, size_t at, struct fields *fs, bool keep)
{
	uint64_t len = load(p + at, 8);

	if (keep) {
		add(fs, at, 8);
		if (len)
			add(fs, at + 8, 1);
	}
	return at + 8 + len;
}

static size_t walk_value(const uint8_t *p, size_t at, uint32_t type, struct fields *fs)
{
	static const uint8_t width[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
	uint64_t n, i;

	if (type == GGUF_V_STR)
		return walk_str(p, at, fs, true);
	if (type != GGUF_V_ARRAY) {
		add(fs, at, width[type]);
		return at + width[type];
	}
	type = (uint32_t)load(p + at, 4);
	n = load(p + at + 4, 8);
	add(fs, at, 4);
	add(fs, at + 4, 8);
	at += 12;
	/* Of long arrays, the ends and a few between. */
	for (i = 0; i < n; i++) {
		bool keep = i < 3 || i + 2 >= n || i % 97 == 0;

		if (type == GGUF_V_STR) {
			at = walk_str(p, at, fs, keep);
		} else {
			if (keep)
				add(fs, at, width[type]);
			at += width[type];
		}
	}
	return at;
}

/* All fields of a well-formed file. */
static void walk(const uint8_t *p, struct fields *fs)
{
	uint64_t n_tensors = load(p + 8, 8), n_kv = load(p + 16, 8), i, d;
	size_t at = 24;

	add(fs, 0, 4);
	add(fs, 4, 4);
	add(fs, 8, 8);
	add(fs, 16, 8);
	for (i = 0; i < n_kv; i++) {
		at = walk_str(p, at, fs, true);
		add(fs, at, 4);
		at = walk_value(p, at + 4, (uint32_t)load(p + at, 4), fs);
	}
	for (i = 0; i < n_tensors; i++) {
		uint64_t n_dims;

		at = walk_str(p, at, fs, true);
		n_dims = load(p + at, 4);
		add(fs, at, 4);
		for (d = 0; d < n_dims; d++)
			add(fs, at + 4 + 8 * d, 8);
		at += 4 + 8 * n_dims;
		add(fs, at, 4);
		add(fs, at + 4, 8);
		at += 12;
	}
	add(fs, at, 1);
}

/* Encodes and decodes something; what comes out does not matter here. */
static void use_tokenizer(const struct gguf *g, const struct tokenizer *t)
{
	static const char text[] = "Once upon a time, hello \xc3\xa9\xff <|eot_id|> 123";
	struct tokens list = { 0 };
	struct detokenizer d;
	char *out = malloc(detokenizer_room(t));
	size_t i;

	(void)g;
	tokenizer_encode(t, text, sizeof(text) - 1, TOKENIZE_ADD_SPECIAL | TOKENIZE_PARSE_SPECIAL |
			 TOKENIZE_ALLOW_UNKNOWN, &list, NULL);
	detokenizer_init(&d, t, true);
	for (i = 0; i < list.n && out; i++)
		detokenizer_push(&d, list.ids[i], out);
	free(out);
	tokens_free(&list);
}

static bool in_file(const struct gguf *g, const struct gguf_tensor *t)
{
	return t->offset <= gguf_file_bytes(g) &&
	       t->size_bytes <= gguf_file_bytes(g) - t->offset;
}

/* False when a promise is broken: an error without a text, a tensor outside the file. */
static bool try_file(const uint8_t *p, size_t n)
{
	struct llm_err err = { "" };
	struct tokenizer *t;
	struct gguf *g;
	bool ok = true;
	size_t i;

	if (gguf_open_memory(p, n, "mutated.gguf", &g, &err))
		return !strncmp(err.text, "mutated.gguf: ", 14) && err.text[14];
	for (i = 0; i < gguf_n_tensors(g); i++)
		ok = ok && in_file(g, gguf_tensor(g, i));
	if (!tokenizer_create(g, &t, &err)) {
		use_tokenizer(g, t);
		tokenizer_destroy(t);
	} else {
		ok = ok && !strncmp(err.text, "mutated.gguf: ", 14) && err.text[14];
	}
	gguf_close(g);
	return ok;
}

/* Every field with every value that hurts. */
static void mutate(const char *name, uint8_t *p, size_t n)
{
	static const uint64_t values[] = {
		0, 1, 2, 9, 13, 127, 255, 256, 65535, 65536, 1ull << 31, UINT32_MAX,
		1ull << 32, 1ull << 60, 1ull << 61, INT64_MAX, 1ull << 63, UINT64_MAX - 7,
		UINT64_MAX,
	};
	struct fields fs = { 0 };
	size_t i, k, tried = 0;
	bool ok = true;

	walk(p, &fs);
	for (i = 0; i < fs.n && ok; i++) {
		struct field f = fs.f[i];
		uint64_t old, v;

		if (f.offset + f.bytes > n)
			continue;
		old = load(p + f.offset, f.bytes);
		for (k = 0; k < sizeof(values) / sizeof(values[0]) + 4 && ok; k++, tried++) {
			size_t e = k - sizeof(values) / sizeof(values[0]);
			const uint64_t near[] = { old - 1, old + 1, old ^ 0x80, old << 8 };

			v = k < sizeof(values) / sizeof(values[0]) ? values[k] : near[e];
			memcpy(p + f.offset, &v, f.bytes);
			ok = try_file(p, n);
			if (!ok)
				tap_diag("offset %zu, %u bytes, value %llx", f.offset, f.bytes,
					 (unsigned long long)v);
		}
		memcpy(p + f.offset, &old, f.bytes);
	}
	tap_ok(ok && fs.n > 20, "mutations: %s, %zu fields, %zu files: named errors or none", name,
	       fs.n, tried);
	free(fs.f);
}

/* Cut before, inside and behind every field. */
static void truncate_all(const char *name, const uint8_t *p, size_t n)
{
	struct fields fs = { 0 };
	size_t i, d, tried = 0;
	bool ok = true;

	walk(p, &fs);
	for (i = 0; i < fs.n && ok; i++) {
		size_t step = fs.f[i].bytes > 1 ? fs.f[i].bytes / 2 : 1;

		for (d = 0; d <= fs.f[i].bytes && ok; d += step) {
			size_t len = fs.f[i].offset + d;
			uint8_t *cut;

			if (len >= n)
				continue;
			cut = malloc(len ? len : 1);
			memcpy(cut, p, len);
			ok = try_file(cut, len);
			free(cut);
			tried++;
			if (!ok)
				tap_diag("cut at %zu", len);
		}
	}
	tap_ok(ok, "mutations: %s cut at %zu places: named errors", name, tried);
	free(fs.f);
}

/* Small enough to try each byte. */
static void every_byte(const char *name, uint8_t *p, size_t n)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	size_t i, k;
	bool ok = true;

	for (i = 0; i < n && ok; i++) {
		uint8_t old = p[i];

		for (k = 0; k < sizeof(values) && ok; k++) {
			p[i] = values[k];
			ok = try_file(p, n);
			if (!ok)
				tap_diag("byte %zu, value %x", i, values[k]);
		}
		p[i] = old;
	}
	tap_ok(ok, "mutations: %s, each of its %zu bytes changed", name, n);
	for (i = 0; i < n && ok; i++) {
		uint8_t *cut = malloc(i ? i : 1);

		memcpy(cut, p, i);
		ok = try_file(cut, i);
		free(cut);
	}
	tap_ok(ok, "mutations: %s, cut after each byte", name);
}

static void all_ways(const char *name, uint8_t *p, size_t n)
{
	tap_ok(try_file(p, n), "mutations: %s as it is", name);
	mutate(name, p, n);
	truncate_all(name, p, n);
}

static void model(const char *dir, const char *name)
{
	char path[512];
	uint8_t *p;
	FILE *f;
	long n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	n = f && !fseek(f, 0, SEEK_END) ? ftell(f) : -1;
	if (n <= 0) {
		tap_ok(false, "mutations: cannot read %s", path);
		return;
	}
	rewind(f);
	p = malloc((size_t)n);
	if (p && fread(p, 1, (size_t)n, f) == (size_t)n)
		all_ways(name, p, (size_t)n);
	else
		tap_ok(false, "mutations: cannot read %s", path);
	free(p);
	fclose(f);
}

/* A file with every value type, two tensors and no tokenizer to speak of. */
static void build_every_type(struct builder *b)
{
	static const uint64_t dims[] = { 64, 3 }, one[] = { 5 };
	uint32_t type;

	builder_start(b);
	for (type = 0; type < GGUF_V_COUNT; type++) {
		char key[8];

		snprintf(key, sizeof(key), "k%u", type);
		if (type == GGUF_V_STR)
			builder_key_str(b, key, "value");
		else if (type == GGUF_V_ARRAY)
			builder_key_array(b, key, GGUF_V_U16, 2);
		else
			builder_key(b, key, type);
		if (type == GGUF_V_U64 || type == GGUF_V_I64 || type == GGUF_V_F64)
			builder_u64(b, 1);
		else if (type == GGUF_V_U16 || type == GGUF_V_I16)
			builder_u16(b, 1);
		else if (type == GGUF_V_U8 || type == GGUF_V_I8 || type == GGUF_V_BOOL)
			builder_u8(b, 1);
		else if (type != GGUF_V_STR)
			builder_u32(b, 1);
	}
	builder_key_u32(b, "general.alignment", 32);
	builder_key_array(b, "strings", GGUF_V_STR, 2);
	builder_str(b, "a");
	builder_str(b, "");
	builder_tensor(b, "q", 2, dims, GGUF_T_Q4_0, 0);
	builder_tensor(b, "f", 1, one, GGUF_T_F32, 128);
	builder_data(b, 32, 128 + 20);
	builder_finish(b);
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "models";
	struct builder b;
	uint8_t *exact;

	build_every_type(&b);
	exact = malloc(b.n);
	memcpy(exact, b.p, b.n);
	all_ways("a file with every type", exact, b.n);
	every_byte("a file with every type", exact, b.n);
	free(exact);
	builder_free(&b);

	builder_bpe(&b, "llama-bpe");
	builder_finish(&b);
	exact = malloc(b.n);
	memcpy(exact, b.p, b.n);
	all_ways("a BPE vocabulary", exact, b.n);
	free(exact);
	builder_free(&b);

	model(dir, "stories260K.gguf");
	model(dir, "TinyStories-656K-Q8_0.gguf");
	return tap_done();
}

// SPDX-License-Identifier: MIT
/*
 * From bytes to tables: header, metadata pairs, tensor descriptions, in the
 * file's order, each checked before the next is looked at.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_file.h"

#define HEADER_BYTES	24
#define KV_MIN_BYTES	(8 + 1 + 4 + 1)			/* one-byte key, one-byte value */
#define TENSOR_MIN_BYTES (8 + 1 + 4 + 8 + 4 + 8)	/* one-byte name, one dimension */

struct cursor {
	const struct gguf *g;
	const uint8_t *p;
	const uint8_t *end;
	struct llm_err *err;
};

static uint64_t at(const struct cursor *c)
{
	return (uint64_t)(c->p - c->g->base);
}

static uint64_t left(const struct cursor *c)
{
	return (uint64_t)(c->end - c->p);
}

/* The file ends inside @what, which @index and @name say of what. */
static int cut(const struct cursor *c, const char *what, size_t index, struct gguf_str name,
	       uint64_t want)
{
	return llm_fail(c->err, EMSGSIZE, "%s %zu%s%s%s: ends too early: %" PRIu64
			" bytes wanted at %" PRIu64 ", the file has %" PRIu64, what, index,
			name.len ? " (" : "", llm_quote(name.p, name.len).text,
			name.len ? ")" : "", want, at(c), c->g->size);
}

/* Takes a length-prefixed string; false when the file ends before it does. */
static bool take_str(struct cursor *c, struct gguf_str *s, uint64_t *want)
{
	*want = 8;
	if (left(c) < 8)
		return false;
	*want = gguf_load64(c->p);
	if (*want > left(c) - 8) {
		c->p += 8;
		return false;
	}
	s->p = (const char *)c->p + 8;
	s->len = (size_t)*want;
	c->p += 8 + s->len;
	return true;
}

uint32_t gguf_vtype_bytes(uint32_t type)
{
	static const uint8_t bytes[GGUF_V_COUNT] = {
		[GGUF_V_U8] = 1, [GGUF_V_I8] = 1, [GGUF_V_BOOL] = 1,
		[GGUF_V_U16] = 2, [GGUF_V_I16] = 2,
		[GGUF_V_U32] = 4, [GGUF_V_I32] = 4, [GGUF_V_F32] = 4,
		[GGUF_V_U64] = 8, [GGUF_V_I64] = 8, [GGUF_V_F64] = 8,
	};

	return type < GGUF_V_COUNT ? bytes[type] : 0;
}

static int skip_strings(struct cursor *c, uint64_t n, size_t i, struct gguf_str key)
{
	struct gguf_str s;
	uint64_t want;

	/* Bounded by the file: each turn takes at least 8 bytes of it or ends. */
	while (n--)
		if (!take_str(c, &s, &want))
			return cut(c, "key", i, key, want);
	return 0;
}

static int skip_array(struct cursor *c, size_t i, struct gguf_str key)
{
	uint32_t type, width;
	uint64_t n, bytes;

	if (left(c) < 12)
		return cut(c, "key", i, key, 12);
	type = gguf_load32(c->p);
	n = gguf_load64(c->p + 4);
	c->p += 12;
	if (type == GGUF_V_STR)
		return skip_strings(c, n, i, key);
	width = gguf_vtype_bytes(type);
	if (!width)
		return llm_fail(c->err, EINVAL, "key %s: elements of type %" PRIu32
				" (%s) in an array, wanted numbers or strings",
				llm_quote(key.p, key.len).text, type, gguf_vtype_name(type));
	if (__builtin_mul_overflow(n, width, &bytes) || bytes > left(c))
		return llm_fail(c->err, EMSGSIZE, "key %s: array of %" PRIu64
				" x %s, the file has %" PRIu64 " bytes left",
				llm_quote(key.p, key.len).text, n, gguf_vtype_name(type), left(c));
	c->p += bytes;
	return 0;
}

static int skip_value(struct cursor *c, uint32_t type, size_t i, struct gguf_str key)
{
	uint32_t width = gguf_vtype_bytes(type);

	if (type == GGUF_V_STR)
		return skip_strings(c, 1, i, key);
	if (type == GGUF_V_ARRAY)
		return skip_array(c, i, key);
	if (!width)
		return llm_fail(c->err, EINVAL, "key %s: value type %" PRIu32
				" is unknown, wanted 0..%d", llm_quote(key.p, key.len).text, type,
				GGUF_V_COUNT - 1);
	if (left(c) < width)
		return cut(c, "key", i, key, width);
	c->p += width;
	return 0;
}

static int parse_kv(struct cursor *c, size_t i, struct gguf_kv *kv)
{
	const struct gguf_str none = { NULL, 0 };
	uint64_t want;
	int ret;

	if (!take_str(c, &kv->key, &want))
		return cut(c, "key", i, none, want);
	if (kv->key.len == 0 || kv->key.len > GGUF_MAX_KEY)
		return llm_fail(c->err, EINVAL, "key %zu: its name has %zu bytes, wanted 1..%d", i,
				kv->key.len, GGUF_MAX_KEY);
	if (left(c) < 4)
		return cut(c, "key", i, kv->key, 4);
	kv->type = gguf_load32(c->p);
	c->p += 4;
	kv->data = c->p;
	ret = skip_value(c, kv->type, i, kv->key);
	if (ret)
		return ret;
	kv->end = c->p;
	if (kv->type == GGUF_V_BOOL && *kv->data > 1)
		return llm_fail(c->err, EINVAL, "key %s: bool of value %u, wanted 0 or 1",
				llm_quote(kv->key.p, kv->key.len).text, *kv->data);
	return 0;
}

static int compare_kv(const void *a, const void *b, void *arg)
{
	const struct gguf *g = arg;
	const struct gguf_str *x = &g->kv[*(const uint32_t *)a].key;
	const struct gguf_str *y = &g->kv[*(const uint32_t *)b].key;

	return gguf_compare(x->p, x->len, y->p, y->len);
}

static int compare_tensor(const void *a, const void *b, void *arg)
{
	const struct gguf *g = arg;
	const char *x = g->tensors[*(const uint32_t *)a].name;
	const char *y = g->tensors[*(const uint32_t *)b].name;

	return gguf_compare(x, strlen(x), y, strlen(y));
}

static int compare_offset(const void *a, const void *b, void *arg)
{
	const struct gguf *g = arg;
	uint64_t x = g->tensors[*(const uint32_t *)a].offset;
	uint64_t y = g->tensors[*(const uint32_t *)b].offset;

	return (x > y) - (x < y);
}

typedef int (*comparison)(const void *a, const void *b, void *gguf);

/* The numbers 0..@n-1, sorted; NULL without memory. */
static uint32_t *sorted(struct gguf *g, size_t n, comparison compare)
{
	uint32_t *index = calloc(n ? n : 1, sizeof(*index));
	size_t i;

	if (!index)
		return NULL;
	for (i = 0; i < n; i++)
		index[i] = (uint32_t)i;
	qsort_r(index, n, sizeof(*index), compare, g);
	return index;
}

static int parse_kvs(struct cursor *c, struct gguf *g)
{
	size_t i;
	int ret;

	/* Its size is bounded by GGUF_MAX_KEYS and by what the file has room for. */
	g->kv = calloc(g->n_kv ? g->n_kv : 1, sizeof(*g->kv));
	if (!g->kv)
		return llm_fail(c->err, ENOMEM, "out of memory for %zu keys", g->n_kv);
	for (i = 0; i < g->n_kv; i++) {
		ret = parse_kv(c, i, &g->kv[i]);
		if (ret)
			return ret;
	}
	g->kv_sorted = sorted(g, g->n_kv, compare_kv);
	if (!g->kv_sorted)
		return llm_fail(c->err, ENOMEM, "out of memory for %zu keys", g->n_kv);
	for (i = 1; i < g->n_kv; i++) {
		const struct gguf_str *key = &g->kv[g->kv_sorted[i]].key;

		if (!compare_kv(&g->kv_sorted[i - 1], &g->kv_sorted[i], g))
			return llm_fail(c->err, EINVAL, "key %s appears twice",
					llm_quote(key->p, key->len).text);
	}
	return 0;
}

static int read_alignment(struct gguf *g, struct llm_err *err)
{
	uint64_t v;
	int ret;

	g->alignment = GGUF_DEFAULT_ALIGNMENT;
	if (!gguf_find_kv(g, "general.alignment"))
		return 0;
	ret = gguf_get_u64(g, "general.alignment", &v, err);
	if (ret)
		return ret;
	if (v < 8 || v > GGUF_MAX_ALIGNMENT || (v & (v - 1)))
		return llm_fail(err, EINVAL, "key general.alignment: %" PRIu64
				", wanted a power of two, 8..%d", v, GGUF_MAX_ALIGNMENT);
	g->alignment = v;
	return 0;
}

/* Elements and bytes from dims and type. */
static int size_tensor(struct gguf_tensor *t, struct llm_err *err)
{
	uint32_t elements, bytes, d;
	uint64_t blocks;

	t->n_elements = 1;
	for (d = 0; d < t->n_dims; d++) {
		if (t->dims[d] == 0)
			return llm_fail(err, EINVAL, "tensor %s: dimension %" PRIu32 " is 0",
					t->name, d);
		if (__builtin_mul_overflow(t->n_elements, t->dims[d], &t->n_elements))
			return llm_fail(err, EINVAL, "tensor %s: dimension %" PRIu32 " of %" PRIu64
					": the number of elements passes 2^64", t->name, d,
					t->dims[d]);
	}
	if (!gguf_ttype_block(t->type, &elements, &bytes))
		return llm_fail(err, EINVAL, "tensor %s: type %" PRIu32
				" is none that this reader knows", t->name, t->type);
	if (t->dims[0] % elements)
		return llm_fail(err, EINVAL, "tensor %s: rows of %" PRIu64
				" elements, %s wants a multiple of %" PRIu32, t->name, t->dims[0],
				gguf_ttype_name(t->type), elements);
	blocks = t->n_elements / elements;
	if (__builtin_mul_overflow(blocks, bytes, &t->size_bytes))
		return llm_fail(err, EINVAL, "tensor %s: %" PRIu64
				" elements of %s pass 2^64 bytes", t->name, t->n_elements,
				gguf_ttype_name(t->type));
	return 0;
}

static int parse_tensor(struct cursor *c, size_t i, struct gguf_tensor *t)
{
	struct gguf_str name = { NULL, 0 };
	uint64_t want;
	uint32_t d;

	if (!take_str(c, &name, &want))
		return cut(c, "tensor", i, (struct gguf_str){ NULL, 0 }, want);
	if (name.len == 0 || name.len > GGUF_MAX_NAME)
		return llm_fail(c->err, EINVAL, "tensor %zu: its name has %zu bytes, wanted 1..%d",
				i, name.len, GGUF_MAX_NAME);
	if (memchr(name.p, '\0', name.len))
		return llm_fail(c->err, EINVAL, "tensor %zu (%s): a NUL in its name", i,
				llm_quote(name.p, name.len).text);
	memcpy(t->name, name.p, name.len);

	if (left(c) < 4)
		return cut(c, "tensor", i, name, 4);
	t->n_dims = gguf_load32(c->p);
	c->p += 4;
	if (t->n_dims == 0 || t->n_dims > GGUF_MAX_DIMS)
		return llm_fail(c->err, EINVAL, "tensor %s: %" PRIu32 " dimensions, wanted 1..%d",
				llm_quote(name.p, name.len).text, t->n_dims, GGUF_MAX_DIMS);
	want = 8 * (uint64_t)t->n_dims + 4 + 8;
	if (left(c) < want)
		return cut(c, "tensor", i, name, want);
	for (d = 0; d < GGUF_MAX_DIMS; d++) {
		t->dims[d] = 1;
		if (d < t->n_dims) {
			t->dims[d] = gguf_load64(c->p);
			c->p += 8;
		}
	}
	t->type = gguf_load32(c->p);
	t->offset = gguf_load64(c->p + 4);
	c->p += 12;
	return size_tensor(t, c->err);
}

/* Turns offsets relative to the data section into file offsets and checks them. */
static int place_tensor(const struct gguf *g, struct gguf_tensor *t, struct llm_err *err)
{
	uint64_t room = g->size - g->data_start;

	if (t->offset & (g->alignment - 1))
		return llm_fail(err, EINVAL, "tensor %s: offset %" PRIu64
				", wanted a multiple of %" PRIu64, t->name, t->offset,
				g->alignment);
	if (t->offset > room || t->size_bytes > room - t->offset)
		return llm_fail(err, EMSGSIZE, "tensor %s: %" PRIu64 " bytes at offset %" PRIu64
				", the data section has %" PRIu64, t->name, t->size_bytes,
				t->offset, room);
	t->offset += g->data_start;
	t->data = g->base + t->offset;
	return 0;
}

/* No byte may belong to two tensors: a writer's mistake, or worse. */
static int check_overlap(struct gguf *g, struct llm_err *err)
{
	uint32_t *order = sorted(g, g->n_tensors, compare_offset);
	int ret = 0;
	size_t i;

	if (!order)
		return llm_fail(err, ENOMEM, "out of memory for %zu tensors", g->n_tensors);
	for (i = 1; i < g->n_tensors && !ret; i++) {
		const struct gguf_tensor *a = &g->tensors[order[i - 1]];
		const struct gguf_tensor *b = &g->tensors[order[i]];

		if (b->offset - a->offset < a->size_bytes)
			ret = llm_fail(err, EINVAL, "tensor %s: starts at byte %" PRIu64
				       " of the file, inside tensor %s (%" PRIu64 " bytes at %"
				       PRIu64 ")", b->name, b->offset, a->name, a->size_bytes,
				       a->offset);
	}
	free(order);
	return ret;
}

static int parse_tensors(struct cursor *c, struct gguf *g)
{
	size_t i;
	int ret;

	g->tensors = calloc(g->n_tensors ? g->n_tensors : 1, sizeof(*g->tensors));
	if (!g->tensors)
		return llm_fail(c->err, ENOMEM, "out of memory for %zu tensors", g->n_tensors);
	for (i = 0; i < g->n_tensors; i++) {
		ret = parse_tensor(c, i, &g->tensors[i]);
		if (ret)
			return ret;
	}
	g->tensor_sorted = sorted(g, g->n_tensors, compare_tensor);
	if (!g->tensor_sorted)
		return llm_fail(c->err, ENOMEM, "out of memory for %zu tensors", g->n_tensors);
	for (i = 1; i < g->n_tensors; i++)
		if (!compare_tensor(&g->tensor_sorted[i - 1], &g->tensor_sorted[i], g))
			return llm_fail(c->err, EINVAL, "tensor %s appears twice",
					g->tensors[g->tensor_sorted[i]].name);
	if (!g->n_tensors)
		return 0;

	/* at() is at most the file's size: far from where this sum would wrap. */
	g->data_start = (at(c) + g->alignment - 1) & ~(g->alignment - 1);
	if (g->data_start > g->size)
		return llm_fail(c->err, EMSGSIZE, "ends before its tensor data: %" PRIu64
				" bytes, the data starts at %" PRIu64, g->size, g->data_start);
	for (i = 0; i < g->n_tensors; i++) {
		ret = place_tensor(g, &g->tensors[i], c->err);
		if (ret)
			return ret;
	}
	return check_overlap(g, c->err);
}

static int check_count(const struct cursor *c, const char *what, uint64_t n, uint64_t max,
		       uint64_t min_bytes)
{
	if (n > max)
		return llm_fail(c->err, E2BIG, "%" PRIu64 " %s, at most %" PRIu64 " are read", n,
				what, max);
	if (n > left(c) / min_bytes)
		return llm_fail(c->err, EMSGSIZE, "%" PRIu64 " %s, a file of %" PRIu64
				" bytes has room for %" PRIu64, n, what, c->g->size,
				left(c) / min_bytes);
	return 0;
}

static int parse_header(struct cursor *c, struct gguf *g)
{
	uint64_t n_tensors, n_kv;
	int ret;

	if (g->size < HEADER_BYTES)
		return llm_fail(c->err, EMSGSIZE, "has %" PRIu64
				" bytes, a GGUF header alone has %d", g->size, HEADER_BYTES);
	if (memcmp(g->base, "GGUF", 4))
		return llm_fail(c->err, EINVAL,
				"is not a GGUF file: it starts with \"%s\", wanted \"GGUF\"",
				llm_quote((const char *)g->base, 4).text);
	g->version = gguf_load32(g->base + 4);
	if (g->version && !(g->version & 0xffff))
		return llm_fail(c->err, EINVAL,
				"is a big-endian GGUF file, wanted little-endian");
	if (g->version < 2 || g->version > 3)
		return llm_fail(c->err, EINVAL, "GGUF version %" PRIu32
				", wanted 2 or 3; convert it again with a current tool",
				g->version);
	n_tensors = gguf_load64(g->base + 8);
	n_kv = gguf_load64(g->base + 16);
	c->p = g->base + HEADER_BYTES;

	ret = check_count(c, "tensors", n_tensors, GGUF_MAX_TENSORS, TENSOR_MIN_BYTES);
	if (!ret)
		ret = check_count(c, "metadata keys", n_kv, GGUF_MAX_KEYS, KV_MIN_BYTES);
	if (ret)
		return ret;
	g->n_tensors = (size_t)n_tensors;
	g->n_kv = (size_t)n_kv;
	return 0;
}

int gguf_parse(struct gguf *g, struct llm_err *err)
{
	struct cursor c = { .g = g, .p = g->base, .end = g->base + g->size, .err = err };
	int ret;

	ret = parse_header(&c, g);
	if (!ret)
		ret = parse_kvs(&c, g);
	if (!ret)
		ret = read_alignment(g, err);
	if (!ret)
		ret = parse_tensors(&c, g);
	return ret;
}

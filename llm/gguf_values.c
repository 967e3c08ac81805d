// SPDX-License-Identifier: MIT
/* Metadata values: lookup by key, conversion between widths, arrays. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "gguf_file.h"

size_t gguf_n_kv(const struct gguf *g)
{
	return g->n_kv;
}

const struct gguf_kv *gguf_kv(const struct gguf *g, size_t i)
{
	return i < g->n_kv ? &g->kv[i] : NULL;
}

const struct gguf_kv *gguf_find_kv(const struct gguf *g, const char *key)
{
	size_t lo = 0, hi = g->n_kv, len = strlen(key);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct gguf_kv *kv = &g->kv[g->kv_sorted[mid]];
		int c = gguf_compare(kv->key.p, kv->key.len, key, len);

		if (!c)
			return kv;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* A number of any type in the widest type of its kind. */
struct number {
	enum { IS_UNSIGNED, IS_NEGATIVE, IS_FLOAT } kind;
	uint64_t u;	/* IS_UNSIGNED */
	int64_t i;	/* IS_NEGATIVE */
	double f;	/* all kinds */
};

static struct number from_signed(int64_t v)
{
	return (struct number){ v < 0 ? IS_NEGATIVE : IS_UNSIGNED, (uint64_t)v, v, (double)v };
}

static struct number from_unsigned(uint64_t v)
{
	return (struct number){ IS_UNSIGNED, v, 0, (double)v };
}

static struct number from_float(double v)
{
	return (struct number){ IS_FLOAT, 0, 0, v };
}

static float load_f32(const uint8_t *p)
{
	uint32_t bits = gguf_load32(p);
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static double load_f64(const uint8_t *p)
{
	uint64_t bits = gguf_load64(p);
	double f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* False when @type is not a number. */
static bool load_number(uint32_t type, const uint8_t *p, struct number *n)
{
	switch (type) {
	case GGUF_V_U8:
		*n = from_unsigned(p[0]);
		return true;
	case GGUF_V_I8:
		*n = from_signed((int8_t)p[0]);
		return true;
	case GGUF_V_U16:
		*n = from_unsigned(p[0] | (uint32_t)p[1] << 8);
		return true;
	case GGUF_V_I16:
		*n = from_signed((int16_t)(p[0] | (uint32_t)p[1] << 8));
		return true;
	case GGUF_V_U32:
		*n = from_unsigned(gguf_load32(p));
		return true;
	case GGUF_V_I32:
		*n = from_signed((int32_t)gguf_load32(p));
		return true;
	case GGUF_V_U64:
		*n = from_unsigned(gguf_load64(p));
		return true;
	case GGUF_V_I64:
		*n = from_signed((int64_t)gguf_load64(p));
		return true;
	case GGUF_V_F32:
		*n = from_float(load_f32(p));
		return true;
	case GGUF_V_F64:
		*n = from_float(load_f64(p));
		return true;
	}
	return false;
}

static int find(const struct gguf *g, const char *key, const struct gguf_kv **kv,
		struct llm_err *err)
{
	*kv = gguf_find_kv(g, key);
	if (!*kv)
		return llm_fail(err, ENOENT, "%s: key %s is missing", g->name, key);
	return 0;
}

static int wrong_type(const struct gguf *g, const char *key, const struct gguf_kv *kv,
		      const char *want, struct llm_err *err)
{
	return llm_fail(err, EINVAL, "%s: key %s: type %s, wanted %s", g->name, key,
			gguf_vtype_name(kv->type), want);
}

int gguf_get_u64(const struct gguf *g, const char *key, uint64_t *out, struct llm_err *err)
{
	const struct gguf_kv *kv;
	struct number n;
	int ret = find(g, key, &kv, err);

	if (ret)
		return ret;
	if (!load_number(kv->type, kv->data, &n) || n.kind == IS_FLOAT)
		return wrong_type(g, key, kv, "an integer", err);
	if (n.kind == IS_NEGATIVE)
		return llm_fail(err, ERANGE, "%s: key %s: %" PRId64 ", wanted 0 or more", g->name,
				key, n.i);
	*out = n.u;
	return 0;
}

int gguf_get_u32(const struct gguf *g, const char *key, uint32_t *out, struct llm_err *err)
{
	uint64_t v;
	int ret = gguf_get_u64(g, key, &v, err);

	if (ret)
		return ret;
	if (v > UINT32_MAX)
		return llm_fail(err, ERANGE, "%s: key %s: %" PRIu64 ", wanted at most %u", g->name,
				key, v, UINT32_MAX);
	*out = (uint32_t)v;
	return 0;
}

int gguf_get_f64(const struct gguf *g, const char *key, double *out, struct llm_err *err)
{
	const struct gguf_kv *kv;
	struct number n;
	int ret = find(g, key, &kv, err);

	if (ret)
		return ret;
	if (!load_number(kv->type, kv->data, &n))
		return wrong_type(g, key, kv, "a number", err);
	*out = n.f;
	return 0;
}

int gguf_get_f32(const struct gguf *g, const char *key, float *out, struct llm_err *err)
{
	double v;
	int ret = gguf_get_f64(g, key, &v, err);

	if (ret)
		return ret;
	/* Out of float's range the conversion is undefined; infinities may stay. */
	if (isfinite(v) && (v > 3.4028234663852886e38 || v < -3.4028234663852886e38))
		return llm_fail(err, ERANGE, "%s: key %s: %g does not fit a float", g->name, key,
				v);
	*out = (float)v;
	return 0;
}

int gguf_get_bool(const struct gguf *g, const char *key, bool *out, struct llm_err *err)
{
	const struct gguf_kv *kv;
	int ret = find(g, key, &kv, err);

	if (ret)
		return ret;
	if (kv->type != GGUF_V_BOOL)
		return wrong_type(g, key, kv, "bool", err);
	*out = kv->data[0] != 0;
	return 0;
}

int gguf_get_str(const struct gguf *g, const char *key, struct gguf_str *out,
		 struct llm_err *err)
{
	const struct gguf_kv *kv;
	int ret = find(g, key, &kv, err);

	if (ret)
		return ret;
	if (kv->type != GGUF_V_STR)
		return wrong_type(g, key, kv, "str", err);
	out->p = (const char *)kv->data + 8;
	out->len = (size_t)(kv->end - kv->data - 8);
	return 0;
}

int gguf_get_array(const struct gguf *g, const char *key, struct gguf_array *out,
		   struct llm_err *err)
{
	const struct gguf_kv *kv;
	int ret = find(g, key, &kv, err);

	if (ret)
		return ret;
	if (kv->type != GGUF_V_ARRAY)
		return wrong_type(g, key, kv, "array", err);
	out->type = gguf_load32(kv->data);
	out->n = gguf_load64(kv->data + 4);
	out->data = kv->data + 12;
	out->end = kv->end;
	return 0;
}

/*
 * Bounds are checked again at each access: the mapping is the file itself, and
 * another process may have written to it since it was opened.
 */
static int element(const struct gguf_array *a, uint64_t i, struct number *n)
{
	uint32_t width = gguf_vtype_bytes(a->type);
	uint64_t room = (uint64_t)(a->end - a->data);

	if (!width)
		return -EINVAL;
	if (i >= a->n || i >= room / width)
		return -ERANGE;
	if (a->type == GGUF_V_BOOL) {
		*n = from_unsigned(a->data[i] != 0);
		return 0;
	}
	return load_number(a->type, a->data + i * width, n) ? 0 : -EINVAL;
}

int gguf_array_u64(const struct gguf_array *a, uint64_t i, uint64_t *out)
{
	struct number n;
	int ret = element(a, i, &n);

	if (ret)
		return ret;
	if (n.kind == IS_FLOAT)
		return -EINVAL;
	if (n.kind == IS_NEGATIVE)
		return -ERANGE;
	*out = n.u;
	return 0;
}

int gguf_array_i64(const struct gguf_array *a, uint64_t i, int64_t *out)
{
	struct number n;
	int ret = element(a, i, &n);

	if (ret)
		return ret;
	if (n.kind == IS_FLOAT)
		return -EINVAL;
	if (n.kind == IS_UNSIGNED && n.u > INT64_MAX)
		return -ERANGE;
	*out = n.kind == IS_NEGATIVE ? n.i : (int64_t)n.u;
	return 0;
}

int gguf_array_f64(const struct gguf_array *a, uint64_t i, double *out)
{
	struct number n;
	int ret = element(a, i, &n);

	if (!ret)
		*out = n.f;
	return ret;
}

bool gguf_array_next_str(const struct gguf_array *a, const uint8_t **pos, struct gguf_str *out)
{
	uint64_t room = (uint64_t)(a->end - *pos), len;

	if (a->type != GGUF_V_STR || room < 8)
		return false;
	len = gguf_load64(*pos);
	if (len > room - 8)
		return false;
	out->p = (const char *)*pos + 8;
	out->len = (size_t)len;
	*pos += 8 + len;
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * A block of ATTN in 16 lanes: positions side by side for the scores, dimensions for the
 * weighted sum. Included once by each attn_<isa>.c after its lanes_<isa>.h; gives the
 * bits of attn_ref.c.
 *
 * Up to LANES_GROUP query vectors share what was loaded. If there are more, K and V are
 * converted to float once for all groups.
 */
#include "attn.h"
#include "attn_half_lanes.h"

struct attn_tiles {
	const void *k[NPU_ATTN_BLOCK / 16];
	const void *v[NPU_ATTN_BLOCK / 16];
	size_t v_stride;	/* elements */
};

LANES_INLINE v16 load_as(const void *p, size_t index, uint32_t n, const int half)
{
	if (half)
		return n == 16 ? v_load_half((const uint16_t *)p + index) :
				 v_load_half_n((const uint16_t *)p + index, n);
	return v_load((const float *)p + index);
}

/*
 * Asks for the bytes that lie where the next block would follow this one. K and V come in
 * pieces too short for the host to see the stream by itself. Only a hint: what is
 * not there or not mapped is not fetched.
 */
LANES_INLINE void attn_prefetch(const void *p, size_t dims, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += 64)
		_mm_prefetch((const char *)((uintptr_t)p + 2 * NPU_ATTN_BLOCK * dims + at),
			     _MM_HINT_T1);
}

/* s[g][t] = q[g] . k[t] for the positions of `strips` strips */
LANES_INLINE void attn_dots(const struct attn_tiles *kv, const float *const *q, uint32_t dims,
			    uint32_t strips, float (*s)[NPU_ATTN_BLOCK], const int half,
			    const int group)
{
	for (uint32_t first = 0; first < strips; first += LANES_TILE) {
		v16 acc[LANES_GROUP][LANES_TILE];
		const void *k[LANES_TILE];

		/* what lies past the limit may not be readable: the first strip stands in */
#pragma GCC unroll 4
		for (int i = 0; i < LANES_TILE; i++)
			k[i] = kv->k[first + i < strips ? first + i : first];
#pragma GCC unroll 6
		for (int g = 0; g < group; g++)
#pragma GCC unroll 4
			for (int i = 0; i < LANES_TILE; i++)
				acc[g][i] = v_set1(0.0f);
		for (uint32_t d = 0; d < dims; d++) {
			v16 row[LANES_TILE];

#pragma GCC unroll 4
			for (int i = 0; i < LANES_TILE; i++) {
				row[i] = load_as(k[i], 16 * (size_t)d, 16, half);
				if (half && d % 2 == 0)
					attn_prefetch((const uint16_t *)k[i] + 16 * (size_t)d, dims,
						      64);
			}
#pragma GCC unroll 6
			for (int g = 0; g < group; g++) {
				v16 x = v_set1(q[g][d]);

#pragma GCC unroll 4
				for (int i = 0; i < LANES_TILE; i++)
					acc[g][i] = v_fma(x, row[i], acc[g][i]);
			}
		}
#pragma GCC unroll 6
		for (int g = 0; g < group; g++)
#pragma GCC unroll 4
			for (int i = 0; i < LANES_TILE; i++)
				v_store(&s[g][16 * (first + i)], acc[g][i]);
	}
}

/*
 * Scores of n positions to weights relative to the new maximum, in place, zero past n;
 * returns what the old sums are multiplied with.
 */
LANES_INLINE float attn_weights(float *state, float *s, float scale, uint32_t n)
{
	const v16 old = v_set1(state[NPU_ATTN_M]), factor = v_set1(scale);
	double sum = 0;
	v16 max = old;
	float m, c;

	for (uint32_t t = 0; t < n; t += 16) {
		v16 x = v_mul(factor, v_load(s + t));

		v_store(s + t, x);
		max = v_max(v_first(x, old, n - t < 16 ? n - t : 16), max);
	}
	m = v_fold_max(max);
	c = m == state[NPU_ATTN_M] ? 1.0f : npu_expd(state[NPU_ATTN_M] - m);
	for (uint32_t t = 0; t < n; t += 16) {
		v16 e = v_exp(v_sub(v_load(s + t), v_set1(m)));

		e = v_first(e, v_set1(0.0f), n - t < 16 ? n - t : 16);
		v_store(s + t, e);
		sum += (double)v_fold_add(e);
	}
	state[NPU_ATTN_M] = m;
	state[NPU_ATTN_L] = (float)((double)(state[NPU_ATTN_L] * c) + sum);
	return c;
}

/* o[g] = o[g] * c[g], then += p[g][t] * v[t] for t = from..to-1, 16 * tile dims from d on */
LANES_INLINE void attn_sum_tile(const struct attn_tiles *kv, float *const *o, const float *c,
				float (*p)[NPU_ATTN_BLOCK], uint32_t from, uint32_t to,
				uint32_t d, uint32_t n, const int half, const int group,
				const int tile)
{
	v16 acc[LANES_GROUP][LANES_TILE];

#pragma GCC unroll 6
	for (int g = 0; g < group; g++)
#pragma GCC unroll 4
		for (int i = 0; i < tile; i++)
			acc[g][i] = v_mul(v_load(o[g] + d + 16 * i), v_set1(c[g]));
	for (uint32_t t = from; t < to; t++) {
		size_t at = t % 16 * kv->v_stride + d;
		v16 row[LANES_TILE];

		if (half)
			attn_prefetch((const uint16_t *)kv->v[t / 16] + at, kv->v_stride,
				      32 * tile);
#pragma GCC unroll 4
		for (int i = 0; i < tile; i++)
			row[i] = load_as(kv->v[t / 16], at + 16 * i, n, half);
#pragma GCC unroll 6
		for (int g = 0; g < group; g++) {
			v16 x = v_set1(p[g][t]);

#pragma GCC unroll 4
			for (int i = 0; i < tile; i++)
				acc[g][i] = v_fma(x, row[i], acc[g][i]);
		}
	}
#pragma GCC unroll 6
	for (int g = 0; g < group; g++)
#pragma GCC unroll 4
		for (int i = 0; i < tile; i++)
			v_store(o[g] + d + 16 * i, acc[g][i]);
}

LANES_INLINE void attn_sum(const struct attn_tiles *kv, float *const *o, const float *c,
			   float (*p)[NPU_ATTN_BLOCK], uint32_t from, uint32_t to, uint32_t dims,
			   const int half, const int group)
{
	uint32_t d = 0;

	for (; d + 16 * LANES_TILE <= dims; d += 16 * LANES_TILE)
		attn_sum_tile(kv, o, c, p, from, to, d, 16, half, group, LANES_TILE);
	for (; d < dims; d += 16)
		attn_sum_tile(kv, o, c, p, from, to, d, dims - d < 16 ? dims - d : 16, half,
			      group, 1);
}

/* Vectors v..v+group-1, all of which see at least one position of the block */
LANES_INLINE void attn_group(const struct npu_attn *a, uint32_t block,
			     const struct attn_tiles *kv, float (*s)[NPU_ATTN_BLOCK], size_t v,
			     const int half, const int group)
{
	/* later rows see more */
	uint32_t least = npu_attn_limit(a, v / a->n_rep, block);
	uint32_t most = npu_attn_limit(a, (v + group - 1) / a->n_rep, block);
	const float *q[LANES_GROUP];
	float *o[LANES_GROUP], c[LANES_GROUP];

	for (int g = 0; g < group; g++) {
		q[g] = npu_attn_query(a, v + g);
		o[g] = npu_attn_state(a, v + g) + NPU_ATTN_O;
	}
	attn_dots(kv, q, a->head_dim, (most + 15) / 16, s, half, group);
	for (int g = 0; g < group; g++)
		c[g] = attn_weights(npu_attn_state(a, v + g), s[g], a->scale,
				    npu_attn_limit(a, (v + g) / a->n_rep, block));
	attn_sum(kv, o, c, s, 0, least, a->head_dim, half, group);
	if (most == least)
		return;
	for (int g = 0; g < group; g++) {
		const float one = 1.0f;

		attn_sum(kv, o + g, &one, s + g, least,
			 npu_attn_limit(a, (v + g) / a->n_rep, block), a->head_dim, half, 1);
	}
}

static void attn_groups(const struct npu_attn *a, uint32_t block, const struct attn_tiles *kv,
			float (*s)[NPU_ATTN_BLOCK], size_t v, size_t end, const int half)
{
	for (; end - v >= LANES_GROUP; v += LANES_GROUP)
		attn_group(a, block, kv, s, v, half, LANES_GROUP);
	switch (end - v) {
#if LANES_GROUP > 2
	case 5:
		attn_group(a, block, kv, s, v, half, 5);
		break;
	case 4:
		attn_group(a, block, kv, s, v, half, 4);
		break;
	case 3:
		attn_group(a, block, kv, s, v, half, 3);
		break;
	case 2:
		attn_group(a, block, kv, s, v, half, 2);
		break;
#endif
	case 1:
		attn_group(a, block, kv, s, v, half, 1);
		break;
	}
}

/* The n first positions as floats in work */
static struct attn_tiles attn_convert(const struct npu_attn *a, const struct npu_attn_block *kv,
				      uint32_t n)
{
	struct attn_tiles tiles = { .v_stride = NPU_ALIGN_UP(a->head_dim, 16) };
	float *k = a->work, *v = a->work + NPU_ATTN_BLOCK * tiles.v_stride;

	for (uint32_t t = 0; t < n; t += 16) {
		tiles.k[t / 16] = k + t * a->head_dim;
		for (uint32_t d = 0; d < a->head_dim; d++) {
			const uint16_t *from = (const uint16_t *)kv->k[t / 16] + 16 * d;

			v_store(k + t * a->head_dim + 16 * d, v_load_half(from));
			if (d % 2 == 0)
				attn_prefetch(from, a->head_dim, 64);
		}
		tiles.v[t / 16] = v + t * tiles.v_stride;
	}
	for (uint32_t t = 0; t < n; t++) {
		const uint16_t *from = (const uint16_t *)kv->v[t / 16] + t % 16 * a->head_dim;

		attn_prefetch(from, a->head_dim, 2 * a->head_dim);
		for (uint32_t d = 0; d < a->head_dim; d += 16)
			v_store(v + t * tiles.v_stride + d,
				v_load_half_n(from + d,
					      a->head_dim - d < 16 ? a->head_dim - d : 16));
	}
	return tiles;
}

void NPU_LANES(attn_block)(const struct npu_attn *a, uint32_t block,
			   const struct npu_attn_block *kv)
{
	size_t first = (size_t)block * NPU_ATTN_BLOCK;
	size_t row = first > a->pos ? first - a->pos : 0;	/* the first that sees any of it */
	size_t v = row * a->n_rep, end = (size_t)a->m * a->n_rep;
	float (*s)[NPU_ATTN_BLOCK] = (float (*)[NPU_ATTN_BLOCK])(a->work + 2 * NPU_ATTN_BLOCK *
			NPU_ALIGN_UP((size_t)a->head_dim, 16));
	struct attn_tiles tiles = { .v_stride = a->head_dim };

	if (a->half) {
		for (; v < end; v++)
			attn_half_vector(a, npu_attn_query(a, v),
					 npu_attn_limit(a, v / a->n_rep, block), kv,
					 npu_attn_state(a, v));
		return;
	}
	if (v >= end)
		return;
	if (end - v > LANES_GROUP) {
		tiles = attn_convert(a, kv, npu_attn_limit(a, a->m - 1, block));
		attn_groups(a, block, &tiles, s, v, end, 0);
		return;
	}
	memcpy(tiles.k, kv->k, sizeof(tiles.k));
	memcpy(tiles.v, kv->v, sizeof(tiles.v));
	attn_groups(a, block, &tiles, s, v, end, 1);
}

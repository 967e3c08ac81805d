/* SPDX-License-Identifier: MIT */
/*
 * A block of ATTN with sums in half, in 16 lanes: positions side by side for the scores,
 * dimensions for the weighted sum. Included once by each attn_<isa>.c; gives the bits of
 * attn_half_ref.c.
 */
#include "expd.h"

/* Registers of 16 dimensions whose sums are kept while V passes */
#define HALF_TILE	4

/* The first `fused` dimensions (a multiple of 64) of 16 positions: 64 sums, folded */
LANES_INLINE v16 half_dot_fused(const uint16_t *k, const float *q, uint32_t fused)
{
	v16 t[16];

	for (int j = 0; j < 16; j++) {
		v16 part[4];

#pragma GCC unroll 4
		for (int c = 0; c < 4; c++) {
			part[c] = v_set1(0.0f);
			for (uint32_t d = 16 * c + j; d < fused; d += 64)
				part[c] = v_fma(v_set1(q[d]), v_load_half(k + 16 * (size_t)d),
						part[c]);
		}
		t[j] = v_add(v_add(part[0], part[2]), v_add(part[1], part[3]));
	}
#pragma GCC unroll 4
	for (int h = 8; h; h /= 2)
		for (int j = 0; j < h; j++)
			t[j] = v_add(t[j], t[j + h]);
	return t[0];
}

/* Scores of the 16 positions of a strip */
LANES_INLINE void half_scores(const uint16_t *k, const float *q, uint32_t dims, float scale,
			      float s[16])
{
	const uint32_t fused = dims & ~63u;
	float product[16];
	double sum[16];

	v_store(s, fused ? half_dot_fused(k, q, fused) : v_set1(0.0f));
	if (fused < dims) {
		for (int i = 0; i < 16; i++)
			sum[i] = (double)s[i];
		for (uint32_t d = fused; d < dims; d++) {
			v_store(product, v_mul(v_load_half(k + 16 * (size_t)d), v_set1(q[d])));
			for (int i = 0; i < 16; i++)
				sum[i] += (double)product[i];
		}
		for (int i = 0; i < 16; i++)
			s[i] = (float)sum[i];
	}
	v_store(s, v_mul(v_load(s), v_set1(scale)));
}

/* o = half(o * before[t]), o = half(o + weight[t] * v[t]), t < n: 16 * tile dimensions from d */
LANES_INLINE void half_sum_tile(const struct npu_attn_block *kv, float *o, const float *before,
				const float *weight, uint32_t n, uint32_t dims, uint32_t d,
				const int tile)
{
	uint32_t left = dims - d < 16 ? dims - d : 16;
	v16 acc[HALF_TILE];

#pragma GCC unroll 4
	for (int i = 0; i < tile; i++)
		acc[i] = v_load(o + d + 16 * i);
	for (uint32_t t = 0; t < n; t++) {
		const uint16_t *v = (const uint16_t *)kv->v[t / 16] + t % 16 * (size_t)dims + d;
		v16 w = v_set1(weight[t]);

		/* rare: only where a score is above all before it */
		if (before[t] != 1.0f)
#pragma GCC unroll 4
			for (int i = 0; i < tile; i++)
				acc[i] = v_round_half(v_mul(acc[i], v_set1(before[t])));
#pragma GCC unroll 4
		for (int i = 0; i < tile; i++)
			acc[i] = v_round_half(v_fma(left == 16 ? v_load_half(v + 16 * i) :
							     v_load_half_n(v, left), w, acc[i]));
	}
#pragma GCC unroll 4
	for (int i = 0; i < tile; i++)
		v_store(o + d + 16 * i, acc[i]);
}

/* One query vector over the n positions of a block that it sees */
static void attn_half_vector(const struct npu_attn *a, const float *query, uint32_t n,
			     const struct npu_attn_block *kv, float *state)
{
	float s[NPU_ATTN_BLOCK], before[NPU_ATTN_BLOCK], q[NPU_MAX_HEAD_DIM];
	float *o = state + NPU_ATTN_O;
	uint32_t d;

	for (d = 0; d < a->head_dim; d += 16) {
		uint32_t left = a->head_dim - d < 16 ? a->head_dim - d : 16;

		v_store_n(q + d, v_round_half(v_load_n(query + d, left)), left);
	}
	for (uint32_t t = 0; t < n; t += 16)
		half_scores(kv->k[t / 16], q, a->head_dim, a->scale, s + t);
	for (uint32_t t = 0; t < n; t++)
		s[t] = npu_attn_half_step(state, s[t], &before[t]);
	for (d = 0; d + 16 * HALF_TILE <= a->head_dim; d += 16 * HALF_TILE)
		half_sum_tile(kv, o, before, s, n, a->head_dim, d, HALF_TILE);
	for (; d < a->head_dim; d += 16)
		half_sum_tile(kv, o, before, s, n, a->head_dim, d, 1);
}

// SPDX-License-Identifier: MIT
/*
 * A block of ATTN with sums in half as the specification has it: position after position,
 * each a step of an online softmax. The order of every sum is llama.cpp's on AVX-512.
 */
#include <math.h>

#include "attn.h"
#include "half.h"

static float round_half(float x)
{
	return npu_half_to_float(npu_float_to_half(x));
}

/* Element d of K at position t of the block */
static float key(const struct npu_attn_block *kv, uint32_t t, uint32_t d)
{
	return npu_load_half((const uint8_t *)kv->k[t / 16] + 2 * (16 * (size_t)d + t % 16));
}

/* Whole 64s of dimensions in 64 float sums, folded; the rest in double on top */
static float score(const struct npu_attn *a, const float *q, const struct npu_attn_block *kv,
		   uint32_t t)
{
	const uint32_t fused = a->head_dim & ~63u;
	float part[64] = { 0 };
	double sum;

	for (uint32_t d = 0; d < fused; d++)
		part[d % 64] = fmaf(round_half(q[d]), key(kv, t, d), part[d % 64]);
	for (int j = 0; j < 16; j++)
		part[j] = (part[j] + part[j + 32]) + (part[j + 16] + part[j + 48]);
	for (int h = 8; h; h /= 2)
		for (int j = 0; j < h; j++)
			part[j] += part[j + h];
	sum = (double)part[0];
	for (uint32_t d = fused; d < a->head_dim; d++) {
		float product = key(kv, t, d) * round_half(q[d]);

		sum += (double)product;
	}
	return (float)sum * a->scale;
}

void npu_attn_half_block_ref(const struct npu_attn *a, uint32_t block,
			     const struct npu_attn_block *kv)
{
	for (size_t v = 0; v < (size_t)a->m * a->n_rep; v++) {
		uint32_t n = npu_attn_limit(a, v / a->n_rep, block);
		const float *q = npu_attn_query(a, v);
		float *state = npu_attn_state(a, v);

		for (uint32_t t = 0; t < n; t++) {
			const uint8_t *row = (const uint8_t *)kv->v[t / 16] +
					     2 * (t % 16) * (size_t)a->head_dim;
			float before, x = score(a, q, kv, t);
			float weight = npu_attn_half_step(state, x, &before);

			for (uint32_t d = 0; d < a->head_dim; d++) {
				float *o = &state[NPU_ATTN_O + d];

				*o = round_half(*o * before);
				*o = round_half(fmaf(npu_load_half(row + 2 * (size_t)d), weight,
						     *o));
			}
		}
	}
}

// SPDX-License-Identifier: MIT
/*
 * A block of ATTN as the specification has it: scores of up to 64 positions, the new
 * maximum, what it scales the old sums by, and the weighted rows of V on top.
 */
#include <math.h>

#include "exp.h"
#include "attn.h"

/* Scores of positions t < n of one query vector; returns the maximum of m and them. */
static float scores(const struct npu_attn *a, const float *q, uint32_t n,
		    const struct npu_attn_block *kv, float m, float s[NPU_ATTN_BLOCK])
{
	for (uint32_t t = 0; t < n; t++) {
		const uint8_t *k = kv->k[t / 16];
		float dot = 0.0f;

		for (uint32_t d = 0; d < a->head_dim; d++)
			dot = fmaf(q[d], npu_load_half(k + 2 * (16 * (size_t)d + t % 16)), dot);
		s[t] = a->scale * dot;
		m = s[t] > m ? s[t] : m;	/* a NaN is never larger */
	}
	return m;
}

static void attn_vector(const struct npu_attn *a, const float *q, uint32_t n,
			const struct npu_attn_block *kv, float *state)
{
	float s[NPU_ATTN_BLOCK];
	float *o = state + NPU_ATTN_O;
	float m = scores(a, q, n, kv, state[NPU_ATTN_M], s);
	float c = m == state[NPU_ATTN_M] ? 1.0f : npu_expd(state[NPU_ATTN_M] - m);
	double sum = 0;

	for (uint32_t first = 0; first < n; first += 16) {
		float lane[16] = { 0 };

		for (uint32_t t = first; t < n && t < first + 16; t++)
			lane[t - first] = s[t] = npu_exp(s[t] - m);
		for (int h = 8; h; h /= 2)
			for (int j = 0; j < h; j++)
				lane[j] += lane[j + h];
		sum += (double)lane[0];
	}
	state[NPU_ATTN_M] = m;
	state[NPU_ATTN_L] = (float)((double)(state[NPU_ATTN_L] * c) + sum);
	for (uint32_t d = 0; d < a->head_dim; d++) {
		o[d] = o[d] * c;
		for (uint32_t t = 0; t < n; t++) {
			const uint8_t *v = kv->v[t / 16];

			o[d] = fmaf(s[t], npu_load_half(v + 2 * ((t % 16) *
							(size_t)a->head_dim + d)), o[d]);
		}
	}
}

void npu_attn_block_ref(const struct npu_attn *a, uint32_t block,
			const struct npu_attn_block *kv)
{
	if (a->half) {
		npu_attn_half_block_ref(a, block, kv);
		return;
	}
	for (size_t v = 0; v < (size_t)a->m * a->n_rep; v++) {
		uint32_t n = npu_attn_limit(a, v / a->n_rep, block);

		if (n)
			attn_vector(a, npu_attn_query(a, v), n, kv, npu_attn_state(a, v));
	}
}

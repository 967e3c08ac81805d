/* SPDX-License-Identifier: MIT */
/*
 * What the implementations of ATTN share: vector v is row v / n_rep, head v % n_rep, and
 * has its state {m, l, ..., o[head_dim]}.
 */
#ifndef NPU_ATTN_H
#define NPU_ATTN_H

#include <math.h>

#include "expd.h"
#include "impl.h"

#define NPU_ATTN_M	0
#define NPU_ATTN_L	1
#define NPU_ATTN_O	16

static inline float *npu_attn_state(const struct npu_attn *a, size_t v)
{
	return a->state + v * NPU_ATTN_STATE_FLOATS(a->head_dim);
}

static inline const float *npu_attn_query(const struct npu_attn *a, size_t v)
{
	return a->q + v / a->n_rep * a->q_stride + v % a->n_rep * a->head_dim;
}

/* How many positions of the block row i sees: 0..64 */
static inline uint32_t npu_attn_limit(const struct npu_attn *a, size_t i, uint32_t block)
{
	uint64_t limit = (uint64_t)a->pos + i + 1;
	uint64_t first = (uint64_t)block * NPU_ATTN_BLOCK;

	if (limit <= first)
		return 0;
	return limit - first < NPU_ATTN_BLOCK ? limit - first : NPU_ATTN_BLOCK;
}

/*
 * One position with score @s in a sum in half: returns its weight, in *before what the
 * sum so far is multiplied with (rounded to half) beforehand.
 */
static inline float npu_attn_half_step(float *state, float s, float *before)
{
	float m = state[NPU_ATTN_M], weight = 1.0f;

	*before = 1.0f;
	if (s > m) {	/* a NaN is never larger */
		*before = npu_expd(m - s);
		state[NPU_ATTN_M] = s;
	} else {
		weight = npu_expd(s - m);
	}
	state[NPU_ATTN_L] = fmaf(state[NPU_ATTN_L], *before, weight);
	return weight;
}

/* See struct npu_attn.half; the functions of an instruction set */
void npu_attn_half_block_ref(const struct npu_attn *a, uint32_t block,
			     const struct npu_attn_block *kv);

#endif

// SPDX-License-Identifier: MIT
/*
 * The ends of ATTN, the same for all instruction sets, and a whole one from its blocks.
 */
#include <math.h>
#include <string.h>

#include "attn.h"

void npu_attn_start(const struct npu_attn *a)
{
	for (size_t v = 0; v < (size_t)a->m * a->n_rep; v++) {
		float *state = npu_attn_state(a, v);

		memset(state, 0, NPU_ATTN_STATE_FLOATS(a->head_dim) * sizeof(*state));
		state[NPU_ATTN_M] = -INFINITY;
	}
}

void npu_attn_finish(const struct npu_attn *a)
{
	for (size_t v = 0; v < (size_t)a->m * a->n_rep; v++) {
		const float *state = npu_attn_state(a, v);
		float *out = a->out + v / a->n_rep * a->out_stride + v % a->n_rep * a->head_dim;

		float inverse = 1.0f / state[NPU_ATTN_L];

		for (uint32_t d = 0; d < a->head_dim; d++)
			out[d] = state[NPU_ATTN_O + d] * inverse;
	}
}

void npu_attn_run(const struct npu_kernels *kern, const struct npu_attn *a,
		  const struct npu_attn_block *blocks)
{
	uint64_t positions = (uint64_t)a->pos + a->m;

	if (!a->m)
		return;
	kern->attn_start(a);
	for (uint32_t b = 0; (uint64_t)b * NPU_ATTN_BLOCK < positions; b++)
		kern->attn_block(a, b, &blocks[b]);
	kern->attn_finish(a);
}

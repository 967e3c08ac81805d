/* SPDX-License-Identifier: MIT */
/*
 * The table of rotations that the device's ROPE command reads, made once when a model is
 * loaded. Rotary embeddings: Su et al., RoFormer, arXiv 2104.09864.
 */
#ifndef LLM_ROPE_H
#define LLM_ROPE_H

#include "model.h"

/* Bytes of the table of @n_ctx positions. */
static inline uint64_t llm_rope_bytes(const struct llm_config *c, uint32_t n_ctx)
{
	return (uint64_t)n_ctx * c->n_rot * sizeof(float);
}

/* Angles, radians; the reduction is exact below it. */
#define LLM_ROPE_MAX_ANGLE	1.6e6f

/*
 * out[p][j] = {cos, sin}(a(p, j)), p < n_ctx, j < n_rot/2, as float pairs, where
 * a(p, j) = theta(j) / divisors[j] * (1 / rope_factor), theta(0) = p,
 * theta(j + 1) = theta(j) * rope_base^(-2/n_rot), each step rounded to float as
 * llama.cpp does: with other angles its tokens are not met.
 *
 * @divisors is float [n_rot/2] or NULL for ones. Only IEEE arithmetic in a fixed order, no
 * libm: every machine gets the same bits. Errors: -EINVAL a divisor is not positive and
 * finite, -ERANGE an angle past LLM_ROPE_MAX_ANGLE.
 */
int llm_rope_table(const struct llm_config *c, const float *divisors, uint32_t n_ctx, float *out);

#endif

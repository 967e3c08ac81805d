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

/*
 * out[p][j] = {cos, sin}(p * f(j)), p < n_ctx, j < n_rot/2, as float pairs;
 * f(j) = rope_base^(-2j/n_rot) / rope_factor / divisors[j]
 *
 * @divisors is float [n_rot/2] or NULL for ones. Only additions and multiplications of doubles
 * in a fixed order are used, no libm: every machine gets the same bits.
 * -EINVAL if a divisor is not positive and finite, -ENOMEM.
 */
int llm_rope_table(const struct llm_config *c, const float *divisors, uint32_t n_ctx, float *out);

#endif

// SPDX-License-Identifier: MIT
/* The KV cache in an order that does not depend on the device's layout. */
#include <string.h>

#include "engine_priv.h"

uint64_t llm_engine_kv_bytes(const struct llm_engine *e, uint32_t n)
{
	const struct llm_config *c = &e->model->config;

	return 2 * (uint64_t)c->n_layer * c->n_head_kv * n * c->head_dim * sizeof(uint16_t);
}

/* K of one head: strips of 16 positions, [pos / 16][dim][16] */
static uint16_t *read_k(const uint16_t *k, uint32_t n, uint32_t dim, uint16_t *out)
{
	for (uint32_t p = 0; p < n; p++) {
		const uint16_t *strip = k + (uint64_t)(p / 16) * dim * 16 + p % 16;

		for (uint32_t d = 0; d < dim; d++)
			*out++ = strip[d * 16];
	}
	return out;
}

void llm_engine_kv_read(const struct llm_engine *e, uint32_t n, void *out)
{
	const struct llm_config *c = &e->model->config;
	const uint64_t head = npu_kv_bytes(e->capacity, c->head_dim);
	const uint8_t *kv = e->kv.map;
	uint16_t *o = out;

	for (uint32_t i = 0; i < c->n_layer; i++) {
		for (uint32_t h = 0; h < c->n_head_kv; h++, kv += head)
			o = read_k((const uint16_t *)kv, n, c->head_dim, o);
		for (uint32_t h = 0; h < c->n_head_kv; h++, kv += head) {
			memcpy(o, kv, (uint64_t)n * c->head_dim * sizeof(*o));
			o += (uint64_t)n * c->head_dim;
		}
	}
}

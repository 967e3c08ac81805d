/* SPDX-License-Identifier: MIT */
/* A small random Llama in a rig's memory, its command buffers, and the same by plain loops. */
#ifndef LIBNPU_TESTS_MODEL_H
#define LIBNPU_TESTS_MODEL_H

#include "rig.h"

#define MODEL_LAYERS	2

struct model_shape {
	uint32_t type, dim, heads, kv_heads, head_dim, n_rot, ffn, vocab, capacity;
	bool rope_half, table;	/* table: with rotation */
};

struct model_layer {
	struct matrix wq, wk, wv, wo, gate, up, down;
	uint64_t attn_norm, ffn_norm, k, v;
};

struct model {
	struct model_shape s;
	struct rig *r;
	struct matrix embed, head;
	uint64_t layer_bytes;	/* what the plan is told of a layer's size; zero: nothing */
	struct live live;	/* of the last command buffer */
	struct model_layer layer[MODEL_LAYERS];
	uint64_t final_norm, rope, tokens, logits, params, ws;
	uint64_t kv, kv_bytes;
};

/* The same model for the same shape and seed, on any rig. */
void model_make(struct rig *r, const struct model_shape *s, uint64_t seed, struct model *m);
void model_free(struct model *m);

enum model_kind {
	MODEL_LAST,		/* rows in parameter 0, position in 1; logits of the last row */
	MODEL_EVERY,		/* logits of every row */
	MODEL_SAMPLE,		/* logits of the last row, and the next token */
	MODEL_LOOP,		/* as many steps as parameter 2 says, stops at a token of stop */
};

/*
 * Runs m_max-row command buffers on `cores` cores (0: the tiler's choice): rows tokens from pos
 * on. Returns the job's error.
 */
int model_run(struct model *m, enum model_kind kind, uint32_t m_max, uint32_t cores, uint32_t rows,
	      uint32_t pos, uint32_t steps, const uint32_t *stop, uint32_t n_stop);

/* logits[n][vocab] for the first n tokens, by plain loops. */
void model_reference(const struct model *m, uint32_t n, float *logits);

uint32_t *model_tokens(const struct model *m);
float *model_logits(const struct model *m);

#endif

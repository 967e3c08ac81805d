/* SPDX-License-Identifier: MIT */
/*
 * A Llama model as a GGUF file describes it: hyperparameters and the place of each tensor, all
 * checked against each other and against the device's limits. No weight is read here.
 */
#ifndef LLM_MODEL_H
#define LLM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "gguf.h"

#define LLM_MAX_LAYERS	512

enum llm_rope_scaling {
	LLM_ROPE_NONE,
	LLM_ROPE_LINEAR,	/* positions divided by rope_factor */
};

struct llm_config {
	uint32_t n_layer;	/* 1..LLM_MAX_LAYERS */
	uint32_t n_embd;	/* dimension of the residual stream */
	uint32_t n_ff;
	uint32_t n_head;
	uint32_t n_head_kv;	/* divides n_head */
	uint32_t head_dim;	/* even */
	uint32_t n_rot;		/* even, at most head_dim */
	uint32_t n_vocab;
	uint32_t n_ctx_train;	/* positions */
	float rms_eps;
	float rope_base;
	enum llm_rope_scaling rope_scaling;
	float rope_factor;
};

struct llm_layer_tensors {
	const struct gguf_tensor *attn_norm;	/* float [n_embd] */
	const struct gguf_tensor *q;		/* [n_head * head_dim][n_embd] */
	const struct gguf_tensor *k;		/* [n_head_kv * head_dim][n_embd] */
	const struct gguf_tensor *v;		/* like k */
	const struct gguf_tensor *o;		/* [n_embd][n_head * head_dim] */
	const struct gguf_tensor *ffn_norm;	/* float [n_embd] */
	const struct gguf_tensor *gate;		/* [n_ff][n_embd] */
	const struct gguf_tensor *up;		/* [n_ff][n_embd] */
	const struct gguf_tensor *down;		/* [n_embd][n_ff] */
};

struct llm_model {
	const struct gguf *file;		/* borrowed */
	struct llm_config config;
	char name[64];				/* general.name, fit for a terminal */
	const struct gguf_tensor *embd;		/* [n_vocab][n_embd] */
	const struct gguf_tensor *output_norm;	/* float [n_embd] */
	const struct gguf_tensor *output;	/* [n_vocab][n_embd]; embd itself if tied */
	const struct gguf_tensor *rope_freqs;	/* float [n_rot/2] divisors, or NULL */
	struct llm_layer_tensors *layer;	/* [n_layer] */
	uint64_t n_params;			/* elements of all tensors */
};

/*
 * Reads the description out of @file, which must outlive @out; llm_model_free() frees what it made.
 * Errors, with text: -ENOENT a key or tensor is missing, -EINVAL a value or shape is wrong,
 * -ENOTSUP another architecture, tensor type, or a feature whose neglect would change results.
 */
int llm_model_read(const struct gguf *file, struct llm_model *out, struct llm_err *err);
void llm_model_free(struct llm_model *m);

/* NPU_WTYPE_* of a GGUF tensor type; -ENOTSUP for the others. */
int llm_wtype(uint32_t ttype);

/* Rows and columns of a matrix as the device sees it: w[rows][cols]. */
static inline uint64_t llm_rows(const struct gguf_tensor *t)
{
	return t->dims[1];
}

static inline uint64_t llm_cols(const struct gguf_tensor *t)
{
	return t->dims[0];
}

#endif

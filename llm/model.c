// SPDX-License-Identifier: MIT
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu_cmd.h"
#include "npu_formats.h"

#define SUPPORTED_TYPES "F32 F16 Q8_0 Q4_0"

int llm_wtype(uint32_t ttype)
{
	switch (ttype) {
	case GGUF_T_F32:
		return NPU_WTYPE_F32;
	case GGUF_T_F16:
		return NPU_WTYPE_F16;
	case GGUF_T_Q8_0:
		return NPU_WTYPE_Q8_0;
	case GGUF_T_Q4_0:
		return NPU_WTYPE_Q4_0;
	}
	return -ENOTSUP;
}

/* An integer key in [lo, hi]. */
static int get_range(const struct gguf *g, const char *key, uint64_t lo, uint64_t hi,
		     uint32_t *out, struct llm_err *err)
{
	uint64_t v;
	int ret = gguf_get_u64(g, key, &v, err);

	if (ret)
		return ret;
	if (v < lo || v > hi)
		return llm_fail(err, EINVAL, "%s: %s is %" PRIu64 ", must be %" PRIu64 "..%" PRIu64,
				gguf_name(g), key, v, lo, hi);
	*out = (uint32_t)v;
	return 0;
}

/* The same, with @dflt when the file has no such key. */
static int get_range_or(const struct gguf *g, const char *key, uint64_t lo, uint64_t hi,
			uint32_t dflt, uint32_t *out, struct llm_err *err)
{
	if (!gguf_find_kv(g, key)) {
		*out = dflt;
		return 0;
	}
	return get_range(g, key, lo, hi, out, err);
}

/* A finite float key, positive, with a default. */
static int get_positive_or(const struct gguf *g, const char *key, float dflt, float *out,
			   struct llm_err *err)
{
	float v = dflt;
	int ret;

	if (gguf_find_kv(g, key)) {
		ret = gguf_get_f32(g, key, &v, err);
		if (ret)
			return ret;
	}
	if (!(v > 0) || !isfinite(v))
		return llm_fail(err, EINVAL, "%s: %s is %g, must be positive and finite",
				gguf_name(g), key, (double)v);
	*out = v;
	return 0;
}

/*
 * Keys that change what a Llama computes and that this engine does not follow: going on
 * without them would give plausible garbage.
 */
static int refuse_unknown_features(const struct gguf *g, struct llm_err *err)
{
	static const char *const must_be_zero[] = {
		"llama.expert_count",
		"llama.expert_used_count",
		"llama.attention.sliding_window",
		"llama.attention.clamp_kqv",
		"llama.attention.max_alibi_bias",
		"llama.attention.scale",
		"llama.logit_scale",
		"llama.residual_scale",
		"llama.embedding_scale",
		"llama.attn_logit_softcapping",
		"llama.final_logit_softcapping",
	};
	struct gguf_str kind;
	double v;

	for (size_t i = 0; i < sizeof(must_be_zero) / sizeof(must_be_zero[0]); i++) {
		if (!gguf_find_kv(g, must_be_zero[i]))
			continue;
		if (gguf_get_f64(g, must_be_zero[i], &v, err))
			return -EINVAL;
		if (v != 0)
			return llm_fail(err, ENOTSUP, "%s: %s is %g: this feature is not supported",
					gguf_name(g), must_be_zero[i], v);
	}
	if (gguf_find_kv(g, "llama.rope.scaling.attn_factor")) {
		if (gguf_get_f64(g, "llama.rope.scaling.attn_factor", &v, err))
			return -EINVAL;
		if (v != 1)
			return llm_fail(err, ENOTSUP, "%s: llama.rope.scaling.attn_factor is %g, only 1 is supported",
					gguf_name(g), v);
	}
	if (gguf_find_kv(g, "llama.pooling_type")) {
		if (gguf_get_f64(g, "llama.pooling_type", &v, err))
			return -EINVAL;
		if (v != 0)
			return llm_fail(err, ENOTSUP, "%s: llama.pooling_type is %g: embedding models are not supported",
					gguf_name(g), v);
	}
	if (gguf_find_kv(g, "split.count")) {
		if (gguf_get_f64(g, "split.count", &v, err))
			return -EINVAL;
		if (v > 1)
			return llm_fail(err, ENOTSUP, "%s: is one of %g parts; join them first (llama-gguf-split --merge)",
					gguf_name(g), v);
	}
	if (gguf_find_kv(g, "general.type")) {
		int ret = gguf_get_str(g, "general.type", &kind, err);

		if (ret)
			return ret;
		if (kind.len != 5 || memcmp(kind.p, "model", 5))
			return llm_fail(err, ENOTSUP, "%s: general.type is \"%s\", only \"model\" can be run",
					gguf_name(g), llm_quote(kind.p, kind.len).text);
	}
	return 0;
}

static int read_rope(const struct gguf *g, struct llm_config *c, struct llm_err *err)
{
	struct gguf_str kind = { "none", 4 };
	int ret;

	ret = get_positive_or(g, "llama.rope.freq_base", 10000.0f, &c->rope_base, err);
	if (ret)
		return ret;
	c->rope_scaling = LLM_ROPE_NONE;
	c->rope_factor = 1;
	if (gguf_find_kv(g, "llama.rope.scaling.type")) {
		ret = gguf_get_str(g, "llama.rope.scaling.type", &kind, err);
		if (ret)
			return ret;
	} else if (gguf_find_kv(g, "llama.rope.scale_linear")) {
		/* the key of old files */
		c->rope_scaling = LLM_ROPE_LINEAR;
		return get_positive_or(g, "llama.rope.scale_linear", 1, &c->rope_factor, err);
	} else if (gguf_find_kv(g, "llama.rope.scaling.factor")) {
		kind = (struct gguf_str){ "linear", 6 };
	}
	if (kind.len == 4 && !memcmp(kind.p, "none", 4))
		return 0;
	if (kind.len == 6 && !memcmp(kind.p, "linear", 6)) {
		c->rope_scaling = LLM_ROPE_LINEAR;
		return get_positive_or(g, "llama.rope.scaling.factor", 1, &c->rope_factor, err);
	}
	return llm_fail(err, ENOTSUP, "%s: llama.rope.scaling.type \"%s\" is not supported (supported: none linear, and rope_freqs.weight)",
			gguf_name(g), llm_quote(kind.p, kind.len).text);
}

static int read_config(const struct gguf *g, struct llm_config *c, struct llm_err *err)
{
	uint32_t v_dim;
	int ret;

	ret = get_range(g, "llama.block_count", 1, LLM_MAX_LAYERS, &c->n_layer, err);
	if (!ret)
		ret = get_range(g, "llama.embedding_length", 1, NPU_MAX_K, &c->n_embd, err);
	if (!ret)
		ret = get_range(g, "llama.feed_forward_length", 1, NPU_MAX_K, &c->n_ff, err);
	if (!ret)
		ret = get_range(g, "llama.attention.head_count", 1, 4096, &c->n_head, err);
	if (!ret)
		ret = get_range_or(g, "llama.attention.head_count_kv", 1, 4096, c->n_head,
				   &c->n_head_kv, err);
	if (!ret)
		ret = get_range(g, "llama.context_length", 1, NPU_MAX_KV, &c->n_ctx_train, err);
	if (!ret)
		ret = get_range_or(g, "llama.attention.key_length", 2, NPU_MAX_HEAD_DIM,
				   c->n_embd / c->n_head, &c->head_dim, err);
	if (!ret)
		ret = get_range_or(g, "llama.attention.value_length", 2, NPU_MAX_HEAD_DIM,
				   c->head_dim, &v_dim, err);
	if (!ret)
		ret = get_range_or(g, "llama.rope.dimension_count", 2, NPU_MAX_HEAD_DIM,
				   c->head_dim, &c->n_rot, err);
	if (!ret)
		ret = get_positive_or(g, "llama.attention.layer_norm_rms_epsilon", 1e-5f,
				      &c->rms_eps, err);
	if (!ret)
		ret = read_rope(g, c, err);
	if (ret)
		return ret;

	if (!gguf_find_kv(g, "llama.attention.key_length") && c->n_embd % c->n_head)
		return llm_fail(err, EINVAL, "%s: llama.embedding_length %u is not a multiple of llama.attention.head_count %u",
				gguf_name(g), c->n_embd, c->n_head);
	if (c->head_dim < 2 || c->head_dim > NPU_MAX_HEAD_DIM || c->head_dim % 2)
		return llm_fail(err, EINVAL, "%s: heads of %u elements, must be even and 2..%u",
				gguf_name(g), c->head_dim, NPU_MAX_HEAD_DIM);
	if (v_dim != c->head_dim)
		return llm_fail(err, ENOTSUP, "%s: llama.attention.value_length %u differs from the key's %u: not supported",
				gguf_name(g), v_dim, c->head_dim);
	if (c->n_head % c->n_head_kv)
		return llm_fail(err, EINVAL, "%s: llama.attention.head_count %u is not a multiple of head_count_kv %u",
				gguf_name(g), c->n_head, c->n_head_kv);
	if (c->n_head / c->n_head_kv > 64)
		return llm_fail(err, EINVAL, "%s: %u query heads share one KV head, the device takes at most 64",
				gguf_name(g), c->n_head / c->n_head_kv);
	if ((uint64_t)c->n_head * c->head_dim > NPU_MAX_K)
		return llm_fail(err, EINVAL, "%s: %u heads of %u elements are more than the device's %u",
				gguf_name(g), c->n_head, c->head_dim, NPU_MAX_K);
	if (c->n_rot % 2 || c->n_rot > c->head_dim)
		return llm_fail(err, EINVAL, "%s: llama.rope.dimension_count %u, must be even and at most the head's %u",
				gguf_name(g), c->n_rot, c->head_dim);
	return 0;
}

/*
 * Tensor @name with shape [rows][cols] (rows zero: a vector). A matrix may have any
 * supported type, a vector is F32.
 */
static int get_tensor(const struct gguf *g, const char *name, uint64_t rows, uint64_t cols,
		      const struct gguf_tensor **out, struct llm_err *err)
{
	const struct gguf_tensor *t = gguf_lookup_tensor(g, name);
	uint64_t want_rows = rows ? rows : 1;

	if (!t)
		return llm_fail(err, ENOENT, "%s: tensor %s is missing", gguf_name(g), name);
	if (llm_wtype(t->type) < 0)
		return llm_fail(err, ENOTSUP, "%s: tensor %s: type %s is not supported (supported: %s)",
				gguf_name(g), name, gguf_ttype_name(t->type), SUPPORTED_TYPES);
	if (t->dims[0] != cols || t->dims[1] != want_rows || t->dims[2] != 1 || t->dims[3] != 1)
		return llm_fail(err, EINVAL,
				"%s: tensor %s has shape %" PRIu64 " x %" PRIu64 " x %" PRIu64
				" x %" PRIu64 ", the model's keys say %" PRIu64 " x %" PRIu64,
				gguf_name(g), name, t->dims[0], t->dims[1], t->dims[2], t->dims[3],
				cols, want_rows);
	if (!rows && t->type != GGUF_T_F32)
		return llm_fail(err, ENOTSUP, "%s: tensor %s: type %s is not supported for a vector (supported: F32)",
				gguf_name(g), name, gguf_ttype_name(t->type));
	*out = t;
	return 0;
}

static int read_layer(const struct gguf *g, const struct llm_config *c, unsigned int i,
		      struct llm_layer_tensors *l, struct llm_err *err)
{
	const uint64_t q_dim = (uint64_t)c->n_head * c->head_dim;
	const uint64_t kv_dim = (uint64_t)c->n_head_kv * c->head_dim;
	const struct {
		const char *name;
		uint64_t rows, cols;
		const struct gguf_tensor **out;
	} want[] = {
		{ "attn_norm", 0, c->n_embd, &l->attn_norm },
		{ "attn_q", q_dim, c->n_embd, &l->q },
		{ "attn_k", kv_dim, c->n_embd, &l->k },
		{ "attn_v", kv_dim, c->n_embd, &l->v },
		{ "attn_output", c->n_embd, q_dim, &l->o },
		{ "ffn_norm", 0, c->n_embd, &l->ffn_norm },
		{ "ffn_gate", c->n_ff, c->n_embd, &l->gate },
		{ "ffn_up", c->n_ff, c->n_embd, &l->up },
		{ "ffn_down", c->n_embd, c->n_ff, &l->down },
	};
	char name[GGUF_MAX_NAME + 1];
	int ret;

	for (size_t j = 0; j < sizeof(want) / sizeof(want[0]); j++) {
		snprintf(name, sizeof(name), "blk.%u.%s.weight", i, want[j].name);
		ret = get_tensor(g, name, want[j].rows, want[j].cols, want[j].out, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Vocabulary: the embedding's rows, which every other source must agree with. */
static int read_vocab_size(const struct gguf *g, struct llm_config *c, struct llm_err *err)
{
	const struct gguf_tensor *t = gguf_lookup_tensor(g, "token_embd.weight");
	uint32_t n;
	int ret;

	if (!t)
		return llm_fail(err, ENOENT, "%s: tensor token_embd.weight is missing",
				gguf_name(g));
	if (t->dims[1] > NPU_MAX_N)
		return llm_fail(err, EINVAL, "%s: a vocabulary of %" PRIu64 " tokens, the device takes at most %u",
				gguf_name(g), t->dims[1], NPU_MAX_N);
	c->n_vocab = (uint32_t)t->dims[1];
	if (!gguf_find_kv(g, "llama.vocab_size"))
		return 0;
	ret = get_range(g, "llama.vocab_size", 1, NPU_MAX_N, &n, err);
	if (ret)
		return ret;
	if (n != c->n_vocab)
		return llm_fail(err, EINVAL, "%s: llama.vocab_size is %u, tensor token_embd.weight has %u rows",
				gguf_name(g), n, c->n_vocab);
	return 0;
}

static bool tensor_is_used(const struct llm_model *m, const struct gguf_tensor *t)
{
	if (t == m->embd || t == m->output || t == m->output_norm || t == m->rope_freqs)
		return true;
	for (uint32_t i = 0; i < m->config.n_layer; i++) {
		const struct llm_layer_tensors *l = &m->layer[i];

		if (t == l->attn_norm || t == l->q || t == l->k || t == l->v || t == l->o ||
		    t == l->ffn_norm || t == l->gate || t == l->up || t == l->down)
			return true;
	}
	return false;
}

/* A tensor nobody reads is a bias, an expert, an adapter: the results would be wrong without it. */
static int refuse_unused(const struct llm_model *m, struct llm_err *err)
{
	size_t used = 2 + (m->output != m->embd) + !!m->rope_freqs +
		      9 * (size_t)m->config.n_layer;

	if (gguf_n_tensors(m->file) == used)
		return 0;
	for (size_t i = 0; i < gguf_n_tensors(m->file); i++) {
		const struct gguf_tensor *t = gguf_tensor(m->file, i);

		if (!tensor_is_used(m, t))
			return llm_fail(err, ENOTSUP, "%s: tensor %s is not part of a plain Llama model; this kind is not supported",
					gguf_name(m->file),
					llm_quote(t->name, strlen(t->name)).text);
	}
	return 0;
}

static int read_tensors(struct llm_model *m, struct llm_err *err)
{
	const struct gguf *g = m->file;
	const struct llm_config *c = &m->config;
	int ret;

	ret = get_tensor(g, "token_embd.weight", c->n_vocab, c->n_embd, &m->embd, err);
	if (!ret)
		ret = get_tensor(g, "output_norm.weight", 0, c->n_embd, &m->output_norm, err);
	if (ret)
		return ret;
	m->output = m->embd;
	if (gguf_lookup_tensor(g, "output.weight")) {
		ret = get_tensor(g, "output.weight", c->n_vocab, c->n_embd, &m->output, err);
		if (ret)
			return ret;
	}
	if (gguf_lookup_tensor(g, "rope_freqs.weight")) {
		ret = get_tensor(g, "rope_freqs.weight", 0, c->n_rot / 2, &m->rope_freqs, err);
		if (ret)
			return ret;
	}
	for (uint32_t i = 0; i < c->n_layer; i++) {
		ret = read_layer(g, c, i, &m->layer[i], err);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < gguf_n_tensors(g); i++)
		m->n_params += gguf_tensor(g, i)->n_elements;
	return refuse_unused(m, err);
}

int llm_model_read(const struct gguf *file, struct llm_model *out, struct llm_err *err)
{
	struct gguf_str s;
	int ret;

	memset(out, 0, sizeof(*out));
	out->file = file;
	ret = gguf_get_str(file, "general.architecture", &s, err);
	if (ret)
		return ret;
	if (s.len != 5 || memcmp(s.p, "llama", 5))
		return llm_fail(err, ENOTSUP, "%s: architecture \"%s\" is not supported (supported: llama)",
				gguf_name(file), llm_quote(s.p, s.len).text);
	strcpy(out->name, "unnamed");
	if (gguf_find_kv(file, "general.name") &&
	    !gguf_get_str(file, "general.name", &s, NULL))
		strcpy(out->name, llm_quote(s.p, s.len).text);
	ret = refuse_unknown_features(file, err);
	if (!ret)
		ret = read_config(file, &out->config, err);
	if (!ret)
		ret = read_vocab_size(file, &out->config, err);
	if (ret)
		return ret;
	out->layer = calloc(out->config.n_layer, sizeof(*out->layer));
	if (!out->layer)
		return llm_fail(err, ENOMEM, "%s: no memory for %u layers", gguf_name(file),
				out->config.n_layer);
	ret = read_tensors(out, err);
	if (ret)
		llm_model_free(out);
	return ret;
}

void llm_model_free(struct llm_model *m)
{
	free(m->layer);
	memset(m, 0, sizeof(*m));
}

// SPDX-License-Identifier: MIT
/*
 * The Llama graph, recorded for each of enum llm_graph: a chunk of the prompt, its last chunk
 * (which also draws the next token), both for few and for many rows, and a loop of decode steps.
 */
#include <errno.h>

#include "engine_priv.h"

#define REG(p)	NPU_REG_PARAM(p)

static struct npu_plan_shape graph_shape(const struct llm_engine *e, enum llm_graph g)
{
	const struct llm_config *c = &e->model->config;

	return (struct npu_plan_shape) {
		.m_max = g == GRAPH_DECODE ? 1 : e->chunk,
		.m_reg = g == GRAPH_DECODE ? NPU_REG_ZERO : REG(P_ROWS),
		.pos_reg = REG(P_POS),
		.dim = c->n_embd,
		.n_heads = c->n_head,
		.n_kv_heads = c->n_head_kv,
		.head_dim = c->head_dim,
		.n_rot = c->n_rot,
		.attn_half = g != GRAPH_CHUNK_MANY && g != GRAPH_LAST_MANY,
		.ffn_dim = c->n_ff,
		.vocab = c->n_vocab,
		.kv_capacity = e->capacity,
		.eps = c->rms_eps,
		.weight_bytes = e->weights.bytes / c->n_layer,
	};
}

static int record_forward(struct llm_engine *e, struct npu_plan *p)
{
	const struct llm_config *c = &e->model->config;
	const uint64_t head = npu_kv_bytes(e->capacity, c->head_dim);
	const uint64_t side = head * c->n_head_kv;	/* all K or all V of a layer */
	int ret;

	ret = npu_op_embed(p, &e->embd, e->tokens_va);
	for (uint32_t i = 0; i < c->n_layer && !ret; i++) {
		const struct llm_layer *l = &e->layer[i];
		const struct npu_attention attention = {
			.norm = l->attn_norm,
			.wq = l->q, .wk = l->k, .wv = l->v, .wo = l->o,
			.rope = e->rope,
			.k = e->kv.va + 2 * i * side,
			.v = e->kv.va + (2 * i + 1) * side,
			.head_stride = head,
		};
		const struct npu_ffn ffn = {
			.norm = l->ffn_norm, .gate = l->gate, .up = l->up, .down = l->down,
		};

		ret = npu_op_attention(p, &attention);
		if (!ret)
			ret = npu_op_ffn(p, &ffn);
		if (!ret)
			ret = npu_op_mark(p, i + 1);
	}
	return ret;
}

static int record_draw(struct llm_engine *e, struct npu_plan *p)
{
	int ret = npu_op_logits(p, e->output_norm, &e->output, e->logits_va, false);

	if (!ret)
		ret = npu_op_sample(p, e->logits_va, e->tokens_va, e->params_va, e->repeat_last);
	return ret;
}

/*
 * A step looks at its own token first: so a submission that was queued before an earlier one met a
 * stop id ends at once (what lies behind a stop id is a stop id, see llm_engine_prefill()).
 */
static int record_decode(struct llm_engine *e, struct npu_plan *p)
{
	int ret = npu_op_loop(p, REG(P_STEPS));

	if (!ret && e->n_stop_ids)
		ret = npu_op_stop(p, e->tokens_va, e->stop_ids, e->n_stop_ids);
	if (!ret)
		ret = record_forward(e, p);
	if (!ret)
		ret = record_draw(e, p);
	if (!ret)
		ret = npu_op_advance(p);
	if (!ret)
		ret = npu_op_loop_end(p);
	return ret;
}

static int record_graph(struct llm_engine *e, enum llm_graph g, struct npu_cmdbuf *cb)
{
	const struct npu_plan_shape shape = graph_shape(e, g);
	struct npu_plan *p;
	int ret;

	ret = npu_plan_create(e->dev, &shape, cb, e->work.va, &p);
	if (ret)
		return ret;
	if (g == GRAPH_DECODE)
		ret = record_decode(e, p);
	else
		ret = record_forward(e, p);
	if (!ret && (g == GRAPH_LAST_FEW || g == GRAPH_LAST_MANY))
		ret = record_draw(e, p);
	npu_plan_destroy(p);
	if (!ret)
		ret = npu_cmdbuf_end(cb);
	return ret;
}

/* Workspace for the largest of the graphs: one queue runs them, so never two at a time. */
static int make_workspace(struct llm_engine *e, struct llm_err *err)
{
	uint64_t most = 0;

	for (enum llm_graph g = 0; g < GRAPH_COUNT; g++) {
		const struct npu_plan_shape shape = graph_shape(e, g);
		uint64_t bytes;
		int ret = npu_plan_workspace(e->dev, &shape, &bytes);

		if (ret)
			return llm_npu_fail(err, ret, "workspace");
		if (bytes > most)
			most = bytes;
	}
	return llm_region_create(e, &e->work, most ? most : 1, true, false, "workspace", err);
}

int llm_engine_record(struct llm_engine *e, struct llm_err *err)
{
	struct npu_cmdbuf *cb[GRAPH_COUNT] = { NULL };
	uint64_t at[GRAPH_COUNT], bytes = 0;
	int ret = make_workspace(e, err);

	for (enum llm_graph g = 0; g < GRAPH_COUNT && !ret; g++) {
		const struct npu_plan_shape shape = graph_shape(e, g);
		uint32_t cores, size;

		ret = npu_plan_cores(e->dev, &shape, &cores);
		if (!ret)
			ret = npu_cmdbuf_create(cores, &cb[g]);
		if (!ret)
			ret = record_graph(e, g, cb[g]);
		if (ret) {
			llm_npu_fail(err, ret, "recording the graph");
			break;
		}
		npu_cmdbuf_data(cb[g], &size);
		at[g] = bytes;
		bytes = NPU_ALIGN_UP(bytes + size, 64);
	}
	if (!ret)
		ret = llm_region_create(e, &e->code, bytes, false, true, "commands", err);
	for (enum llm_graph g = 0; g < GRAPH_COUNT && !ret; g++) {
		ret = npu_cmdbuf_place(cb[g], e->code.buf, e->code.va, at[g], &e->job[g]);
		if (ret)
			llm_npu_fail(err, ret, "commands");
	}
	for (enum llm_graph g = 0; g < GRAPH_COUNT; g++)
		npu_cmdbuf_destroy(cb[g]);
	return ret;
}

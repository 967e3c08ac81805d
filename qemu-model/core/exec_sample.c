/* SPDX-License-Identifier: MIT */
/*
 * From logits to a token: ARGMAX, TOPK, PENALIZE, SAMPLE.
 */
#include <math.h>
#include <stddef.h>

#include "exec.h"

static enum npu_step log_sample(struct npu_stream *s, const struct npu_cmd_hdr *hdr, uint64_t n,
				unsigned int ops, uint64_t read_bytes)
{
	struct npu_work w = {
		.vector_cycles = npu_cycles_vector(s->machine, n, ops),
		.vector_ops = n * ops,
		.spad_bytes = 4 * n,
		.read_bytes = read_bytes,
	};

	return npu_exec_log(s, hdr, &w);
}

/* Reads sampling parameters and refuses what cannot be meant. */
static enum npu_step read_params(struct npu_stream *s, const struct npu_addr *addr,
				 struct npu_sample_params *p)
{
	uint64_t va;

	NPU_TRY(npu_exec_addr(s, addr, 8, &va));
	NPU_TRY(npu_exec_read(s, va, p, sizeof(*p)));
	if (p->pad || p->reserved[0] || p->reserved[1] || p->reserved[2])
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, va);
	if (!isfinite(p->repeat_penalty) || p->repeat_penalty <= 0)
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD,
				      va + offsetof(struct npu_sample_params, repeat_penalty));
	return NPU_STEP_OK;
}

enum npu_step npu_exec_argmax(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_argmax *c = op->cmd;
	uint32_t n, best;
	void *src;

	NPU_TRY(npu_exec_count(s, &c->n, &n));
	if (!n)
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, n);
	NPU_TRY(npu_exec_spad(s, c->src, 4ull * n, &src));
	best = s->kern->argmax(src, n);
	if (c->dst != NPU_REG_ZERO)
		s->reg[c->dst] = best;
	return log_sample(s, &c->hdr, n, NPU_VOPS_COPY, 0);
}

enum npu_step npu_exec_topk(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_topk *c = op->cmd;
	uint64_t dst_bytes = (uint64_t)c->k * sizeof(struct npu_topk_entry);
	void *src, *dst, *work;

	NPU_TRY(npu_exec_spad(s, c->src, 4ull * c->n, &src));
	NPU_TRY(npu_exec_spad(s, c->dst, dst_bytes, &dst));
	if (npu_exec_overlap(c->src, 1, 4ull * c->n, 0, c->dst, 1, dst_bytes, 0))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->dst);
	work = npu_stream_scratch(s, npu_topk_work_bytes(c->n, c->k));
	if (!work)
		return npu_exec_fault(s, NPU_FAULT_BUS, c->n);
	s->kern->topk(src, c->n, c->k, dst, work);
	return log_sample(s, &c->hdr, c->n, NPU_VOPS_TOPK, 0);
}

enum npu_step npu_exec_penalize(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_penalize *c = op->cmd;
	void *logits, *history, *work;
	struct npu_sample_params p;
	uint32_t count;

	NPU_TRY(npu_exec_count(s, &c->count, &count));
	NPU_TRY(npu_exec_spad(s, c->logits, 4ull * c->n, &logits));
	NPU_TRY(npu_exec_spad(s, c->history, 4ull * count, &history));
	if (count && npu_exec_overlap(c->logits, 1, 4ull * c->n, 0, c->history, 1, 4ull * count, 0))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->history);
	NPU_TRY(read_params(s, &c->params, &p));
	work = npu_stream_scratch(s, npu_penalize_work_bytes(count));
	if (!work)
		return npu_exec_fault(s, NPU_FAULT_BUS, count);
	s->kern->penalize(logits, c->n, history, count, &p, work);
	return log_sample(s, &c->hdr, count, NPU_VOPS_PENALIZE, sizeof(p));
}

enum npu_step npu_exec_sample(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_sample *c = op->cmd;
	uint32_t counter, token;
	struct npu_sample_params p;
	void *logits, *work;

	NPU_TRY(npu_exec_count(s, &c->counter, &counter));
	NPU_TRY(npu_exec_spad(s, c->logits, 4ull * c->n, &logits));
	NPU_TRY(read_params(s, &c->params, &p));
	work = npu_stream_scratch(s, npu_sample_work_bytes(c->n, &p));
	if (!work)
		return npu_exec_fault(s, NPU_FAULT_BUS, c->n);
	token = s->kern->sample(logits, c->n, &p, counter, work);
	if (c->dst != NPU_REG_ZERO)
		s->reg[c->dst] = token;
	return log_sample(s, &c->hdr, c->n, NPU_VOPS_SAMPLE, sizeof(p));
}

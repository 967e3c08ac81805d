// SPDX-License-Identifier: MIT
/* The final norm and the head. */
#include <errno.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"

/*
 * The last row's place in a chunk is known when the job runs only, and scratchpad operands are
 * fixed: a resident x of several rows goes through memory.
 */
static int x_in_memory(struct npu_plan *p)
{
	struct tile t;

	if (!p->resident || p->shape.m_max == 1 || p->cores > 1)
		return p->cb->error;
	tile_begin(p, 0, p->shape.m_max, &t);
	return plan_store(p, 0, (struct npu_cmd_dma){
		.spad = p->x,
		.spad_stride = 4 * p->x_ld,
		.addr = npu_va(p->ws_x),
		.mem_stride = 4ull * p->x_ld,
		.row_bytes = 4 * p->shape.dim,
		.rows = t.n,
	}, t.max, SPACE_X);
}

static struct source last_row_source(const struct npu_plan *p, uint64_t norm)
{
	struct source s = plan_x_source(p, norm);

	if (p->shape.m_max == 1)
		return s;
	return (struct source){ .kind = SOURCE_ROWS, .k = s.k, .va = p->ws_x,
				.stride = 4ull * p->x_ld, .space = SPACE_X, .norm = norm };
}

/* A single core that samples next may keep what it stores. */
static void keep_logits(struct npu_plan *p, struct project *op)
{
	uint32_t bytes = 4 * ld_of(op->w[0].n);

	if (p->cores > 1 || !op->last_row || bytes > spad_left(p) / 2)
		return;
	op->keep = spad_take(p, bytes);
}

static int last_norm_and_head(struct npu_plan *p, uint64_t norm, const struct npu_weight *head,
			      uint64_t logits, bool every_row)
{
	struct project op = { .what = "logits", .n_w = 1, .last_row = !every_row,
			      .keep = SPAD_NONE };
	uint32_t mark = p->used;
	int rc = p->cb->error;

	if (!rc && (norm | logits) % 64)
		rc = npu_fail(-EINVAL, "logits: norm at 0x%llx and logits at 0x%llx must be "
			      "multiples of 64", (unsigned long long)norm,
			      (unsigned long long)logits);
	if (!rc)
		rc = weight_check("logits head", head, p->shape.vocab, p->shape.dim);
	if (rc)
		return rc;
	plan_forget_logits(p);
	op.w[0] = *head;
	op.out = (struct sink){ .kind = SINK_ROWS, .va = logits, .stride = 4ull * head->n,
				.space = SPACE_LOGITS };
	if (every_row) {
		op.in = plan_x_source(p, norm);
	} else {
		rc = x_in_memory(p);
		op.in = last_row_source(p, norm);
	}
	keep_logits(p, &op);
	if (!rc)
		rc = project(p, &op);
	p->used = mark;
	if (rc)
		return rc;
	if (op.keep != SPAD_NONE) {
		p->logits = op.keep;
		p->logits_va = logits;
	}
	return plan_barrier(p);
}

int npu_op_logits(struct npu_plan *p, uint64_t norm, const struct npu_weight *head,
		  uint64_t logits, bool every_row)
{
	return plan_result(p, last_norm_and_head(p, norm, head, logits, every_row));
}

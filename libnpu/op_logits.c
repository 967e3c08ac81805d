// SPDX-License-Identifier: MIT
/* The final norm and the head. */
#include <errno.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"

/* A piece of the head at least: less would cost time at its ends. */
#define PIECE_BYTES_MIN	(6u << 20)

/*
 * The last row's place in a chunk is known when the job runs only, and scratchpad operands are
 * fixed: a resident x of several rows goes through memory.
 */
static int x_in_memory(struct npu_plan *p)
{
	struct tile t;

	if (!p->keeps || p->shape.m_max == 1)
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

static struct source input(struct npu_plan *p, uint64_t norm, bool every_row)
{
	if (every_row || p->shape.m_max == 1)
		return plan_x_source(p, norm);
	return plan_x_rows(p, norm);
}

/* A single core that samples next may keep what it stores. */
static void keep_logits(struct npu_plan *p, struct project *op)
{
	uint32_t bytes = 4 * ld_of(op->w[0].n);

	if (p->cores > 1 || p->resident != p->keeps || !op->last_row ||
	    bytes > spad_left(p) / 2)
		return;
	op->keep = spad_take(p, bytes);
}

/*
 * Heads are large: rows of it between two safe points. Twice as many as a layer's largest
 * operator would be too few for a model of twelve layers.
 */
static uint32_t piece_rows(const struct npu_plan *p, const struct npu_weight *head)
{
	uint64_t bytes = plan_layer_bytes(&p->shape) / 2;
	uint64_t rows;

	if (p->keeps || (p->resident && p->x_memory != X_ALL))
		return head->n;
	if (bytes < PIECE_BYTES_MIN)
		bytes = PIECE_BYTES_MIN;
	rows = bytes / (npu_strip_bytes(head->type, head->k) / NPU_STRIP_ROWS);
	/* equal shares of all cores */
	rows = rows / (p->cores * NPU_STRIP_ROWS) * (p->cores * NPU_STRIP_ROWS);
	if (!rows)
		rows = p->cores * NPU_STRIP_ROWS;
	return rows < head->n ? (uint32_t)rows : head->n;
}

/* The head in pieces, each with the norm again: the scratchpads hold nothing between them. */
static int head_pieces(struct npu_plan *p, struct project *op, const struct npu_weight *head,
		       uint32_t rows)
{
	uint64_t va = op->out.va;
	int rc = p->cb->error;

	for (uint32_t first = 0; first < head->n && !rc; first += rows) {
		if (first) {
			rc = plan_barrier(p);
			if (!rc)
				rc = plan_safe(p);
			op->in = plan_x_rows(p, op->in.norm);
		}
		op->w[0] = *head;
		op->w[0].va += first / NPU_STRIP_ROWS * npu_strip_bytes(head->type, head->k);
		op->w[0].n = head->n - first < rows ? head->n - first : rows;
		op->out.va = va + 4ull * first;
		if (!rc)
			rc = project(p, op);
	}
	return rc;
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
	if (!every_row)
		rc = x_in_memory(p);
	op.in = input(p, norm, every_row);
	keep_logits(p, &op);
	if (!rc)
		rc = head_pieces(p, &op, head, op.keep == SPAD_NONE ? piece_rows(p, head) :
				 head->n);
	p->used = mark;
	if (rc)
		return rc;
	if (op.keep != SPAD_NONE) {
		p->logits = op.keep;
		p->logits_va = logits;
	}
	rc = plan_barrier(p);
	return rc ? rc : plan_safe(p);
}

int npu_op_logits(struct npu_plan *p, uint64_t norm, const struct npu_weight *head,
		  uint64_t logits, bool every_row)
{
	return plan_result(p, last_norm_and_head(p, norm, head, logits, every_row));
}

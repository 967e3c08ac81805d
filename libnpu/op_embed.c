// SPDX-License-Identifier: MIT
/* Rows of the embedding table for the chunk's tokens: the first residual. */
#include <errno.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"

#define WHAT	"embed"

static int rows_to(struct npu_plan *p, uint32_t core, const struct npu_weight *table,
		   uint64_t tokens, const struct tile *t, uint32_t index, uint32_t to)
{
	struct npu_addr from = t->pos_reg == NPU_REG_ZERO ? npu_va(tokens) :
			       npu_va_reg(tokens, t->pos_reg, 4);

	plan_load(p, core, (struct npu_cmd_dma){
		.spad = index,
		.spad_stride = 4,
		.addr = from,
		.mem_stride = 4,
		.row_bytes = 4,
		.rows = t->n,
	}, t->max, SPACE_CONST);
	return plan_wrows(p, core, (struct npu_cmd_wrows){
		.dst = to,
		.dst_stride = p->x_ld,
		.index = index,
		.n = table->n,
		.k = table->k,
		.wtype = (__u8)table->type,
		.w = npu_va(table->va),
		.count = t->n,
	}, t->max);
}

/* Every core brings all rows: cheaper than an exchange. */
static int embed_resident(struct npu_plan *p, const struct npu_weight *table, uint64_t tokens)
{
	uint32_t index = spad_take(p, 4ull * p->shape.m_max);
	int rc = p->cb->error;

	if (index == SPAD_NONE)
		return spad_fail(p, WHAT, 4ull * p->shape.m_max, p->shape.m_max);
	for (uint32_t core = 0; core < p->cores && !rc; core++) {
		struct tile t;

		tile_begin(p, core, p->shape.m_max, &t);
		rc = rows_to(p, core, table, tokens, &t, index, p->x);
	}
	p->x_here = true;
	p->x_memory = X_NONE;
	return rc ? rc : plan_x_share(p);
}

/* Pieces of a core's share, each loaded and stored: two buffers in turn. */
static int embed_share(struct npu_plan *p, uint32_t core, const struct npu_weight *table,
		       uint64_t tokens, uint32_t rows, const uint32_t index[2],
		       const uint32_t to[2])
{
	struct tile all;
	int rc = tile_share(p, core, core, p->cores, &all);

	for (uint32_t first = 0; first < all.max && !rc; first += rows) {
		uint32_t b = first / rows % 2;
		struct tile t = all;

		t.max = rows;
		t.bias = first;
		tile_piece(p, core, &all, first / rows, rows, &t.n);
		if (first)
			npu_emit_alu(p->cb, core, NPU_ALU_ADD, REG_POS, REG_POS, NPU_REG_ZERO,
				     rows);
		rows_to(p, core, table, tokens, &t, index[b], to[b]);
		rc = plan_store(p, core, (struct npu_cmd_dma){
			.spad = to[b],
			.spad_stride = 4 * p->x_ld,
			.addr = tile_addr(&t, p->ws_x, 4ull * p->x_ld),
			.mem_stride = 4ull * p->x_ld,
			.row_bytes = 4 * p->shape.dim,
			.rows = t.n,
		}, rows, SPACE_X);
	}
	return rc;
}

static int embed_memory(struct npu_plan *p, const struct npu_weight *table, uint64_t tokens)
{
	uint32_t share = (p->shape.m_max + p->cores - 1) / p->cores;
	uint32_t rows = spad_rows(p, 0, 2 * (4ull * p->x_ld + 4));
	uint32_t index[2], to[2];
	int rc = p->cb->error;

	if (rows > share)
		rows = share;
	if (!rows)
		return spad_fail(p, WHAT, 2 * (4ull * p->x_ld + 4), 1);
	for (int b = 0; b < 2; b++) {
		index[b] = spad_take(p, 4ull * rows);
		to[b] = spad_take(p, 4ull * p->x_ld * rows);
		if (index[b] == SPAD_NONE || to[b] == SPAD_NONE)
			return spad_fail(p, WHAT, 4ull * p->x_ld * rows, rows);
	}
	for (uint32_t core = 0; core < p->cores && !rc; core++)
		rc = embed_share(p, core, table, tokens, rows, index, to);
	if (!rc)
		rc = plan_barrier(p);
	return rc ? rc : plan_safe(p);
}

static int embed(struct npu_plan *p, const struct npu_weight *table, uint64_t tokens)
{
	uint32_t mark = p->used;
	int rc = p->cb->error;

	if (!rc && tokens % 4)
		rc = npu_fail(-EINVAL, WHAT ": tokens at 0x%llx, must be a multiple of 4",
			      (unsigned long long)tokens);
	if (!rc)
		rc = weight_check(WHAT " table", table, p->shape.vocab, p->shape.dim);
	if (rc)
		return rc;
	plan_forget_logits(p);
	/* x begins here: what was before is dead */
	p->x_memory = X_ALL;
	plan_safe(p);
	rc = p->resident ? embed_resident(p, table, tokens) : embed_memory(p, table, tokens);
	p->used = mark;
	return rc;
}

int npu_op_embed(struct npu_plan *p, const struct npu_weight *table, uint64_t tokens)
{
	return plan_result(p, embed(p, table, tokens));
}

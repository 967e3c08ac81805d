// SPDX-License-Identifier: MIT
/*
 * The norm before a half of a layer when x is in memory: each core takes a share of the rows, and
 * all get the result as the next matrix wants it. Otherwise every core would do all rows.
 */
#include "cmdbuf.h"
#include "plan.h"

/* Buffers of a piece of rows */
struct piece {
	uint32_t x;
	uint32_t record;
};

static int norm_piece(struct npu_plan *p, uint32_t core, const struct tile *t, uint32_t weight,
		      const struct piece *b, bool q8)
{
	uint32_t bytes = q8 ? NPU_ACT_Q8_ROW_BYTES(p->shape.dim) : 4 * p->shape.dim;

	plan_load(p, core, (struct npu_cmd_dma){
		.spad = b->x,
		.spad_stride = 4 * p->x_ld,
		.addr = tile_addr(t, p->ws_x, 4ull * p->x_ld),
		.mem_stride = 4ull * p->x_ld,
		.row_bytes = 4 * p->shape.dim,
		.rows = t->n,
	}, t->max, SPACE_X);
	plan_rmsnorm(p, core, (struct npu_cmd_rmsnorm){
		.dst = b->x, .dst_stride = p->x_ld,
		.src = b->x, .src_stride = p->x_ld,
		.weight = weight,
		.cols = p->shape.dim,
		.eps = p->shape.eps,
		.rows = t->n,
	}, t->max);
	if (q8)
		plan_quant(p, core, (struct npu_cmd_quant){
			.dst = b->record,
			.src = b->x, .src_stride = p->x_ld,
			.cols = p->shape.dim,
			.atype = NPU_ATYPE_Q8,
			.rows = t->n,
		}, t->max);
	return plan_store(p, core, (struct npu_cmd_dma){
		.spad = q8 ? b->record : b->x,
		.spad_stride = q8 ? bytes : 4 * p->x_ld,
		.addr = tile_addr(t, p->ws_norm, bytes),
		.mem_stride = bytes,
		.row_bytes = bytes,
		.rows = t->n,
	}, t->max, SPACE_NORM);
}

static int norm_share(struct npu_plan *p, uint32_t core, uint64_t norm, uint32_t weight,
		      const struct piece b[2], uint32_t rows, bool q8)
{
	struct tile all;
	int rc = tile_share(p, core, core, p->cores, &all);

	plan_load(p, core, (struct npu_cmd_dma){
		.spad = weight,
		.addr = npu_va(norm),
		.row_bytes = 4 * p->shape.dim,
		.rows = npu_count(1, NPU_REG_ZERO),
	}, 1, SPACE_CONST);
	for (uint32_t first = 0; first < all.max && !rc; first += rows) {
		struct tile t = all;

		t.max = rows;
		t.bias = first;
		tile_piece(p, core, &all, first / rows, rows, &t.n);
		rc = norm_piece(p, core, &t, weight, &b[first / rows % 2], q8);
	}
	return rc;
}

/* Rows of a piece: two of them share the scratchpad, and a share has at least four. */
static uint32_t piece_rows(const struct npu_plan *p, uint64_t row, uint64_t weight)
{
	uint32_t share = (p->shape.m_max + p->cores - 1) / p->cores;
	uint32_t rows = spad_rows(p, weight, 2 * row);
	uint32_t quarter = NPU_ALIGN_UP((share + 3) / 4, 16u);

	if (rows > quarter)
		rows = quarter;
	return rows < share ? rows : share;
}

int plan_normed(struct npu_plan *p, uint64_t norm, uint32_t kinds, struct source *out)
{
	uint64_t weight_bytes = 4ull * p->x_ld;
	uint32_t weight, rows, mark = p->used;
	bool q8 = kinds == ACT_Q8;
	uint64_t record = q8 ? NPU_ACT_Q8_ROW_BYTES((uint64_t)p->shape.dim) : 0;
	struct piece b[2];
	int rc = p->cb->error;

	*out = plan_x_source(p, norm);
	rows = piece_rows(p, weight_bytes + record, weight_bytes);
	if (p->resident || p->cores == 1 || !rows || (kinds & (kinds - 1)))
		return rc;
	weight = spad_take(p, weight_bytes);
	for (int i = 0; i < 2; i++) {
		b[i].x = spad_take(p, weight_bytes * rows);
		b[i].record = spad_take(p, record * rows);
		if (b[i].x == SPAD_NONE || b[i].record == SPAD_NONE)
			return spad_fail(p, "norm", (weight_bytes + record) * rows, rows);
	}
	for (uint32_t core = 0; core < p->cores && !rc; core++)
		rc = norm_share(p, core, norm, weight, b, rows, q8);
	p->used = mark;
	*out = (struct source){
		.kind = q8 ? SOURCE_RECORDS : SOURCE_ROWS,
		.k = p->shape.dim,
		.va = p->ws_norm,
		.stride = 4ull * p->shape.dim,
		.space = SPACE_NORM,
	};
	if (!rc)
		rc = plan_barrier(p);
	return rc ? rc : plan_safe(p);
}

// SPDX-License-Identifier: MIT
/* Walking over rows whose number is known when the job runs. */
#include "cmdbuf.h"
#include "plan.h"

int tile_begin(struct npu_plan *p, uint32_t core, uint32_t rows, struct tile *t)
{
	const struct npu_plan_shape *s = &p->shape;
	bool fixed = s->m_reg == NPU_REG_ZERO;

	if (rows >= s->m_max) {
		*t = (struct tile){
			.n = fixed ? npu_count(s->m_max, NPU_REG_ZERO) : npu_count(0, s->m_reg),
			.max = s->m_max,
			.row_reg = NPU_REG_ZERO,
			.pos_reg = s->pos_reg,
		};
		return p->cb->error;
	}
	plan_loop(p, core, npu_count((s->m_max + rows - 1) / rows, NPU_REG_ZERO), REG_ROW);
	npu_emit_alu(p->cb, core, NPU_ALU_MUL, REG_ROW, REG_ROW, NPU_REG_ZERO, rows);
	if (fixed)
		npu_emit_alu(p->cb, core, NPU_ALU_ADD, REG_ROWS, NPU_REG_ZERO, NPU_REG_ZERO,
			     s->m_max);
	else
		npu_emit_alu(p->cb, core, NPU_ALU_ADD, REG_ROWS, s->m_reg, NPU_REG_ZERO, 0);
	npu_emit_alu(p->cb, core, NPU_ALU_SUBSAT, REG_ROWS, REG_ROWS, REG_ROW, 0);
	plan_break(p, core, NPU_COND_EQ, REG_ROWS, 0);
	npu_emit_alu(p->cb, core, NPU_ALU_MIN, REG_ROWS, REG_ROWS, NPU_REG_ZERO, rows);
	npu_emit_alu(p->cb, core, NPU_ALU_ADD, REG_POS, s->pos_reg, REG_ROW, 0);
	*t = (struct tile){
		.n = npu_count(0, REG_ROWS),
		.max = rows,
		.row_reg = REG_ROW,
		.pos_reg = REG_POS,
	};
	return p->cb->error;
}

int tile_end(struct npu_plan *p, uint32_t core, uint32_t rows)
{
	return rows >= p->shape.m_max ? p->cb->error : plan_loop_end(p, core);
}

/* 2^SHARE_SHIFT / parts, rounded up: divides numbers below 2^12 + 2^4 exactly. */
#define SHARE_SHIFT	20

int tile_share(struct npu_plan *p, uint32_t core, uint32_t part, uint32_t parts, struct tile *t)
{
	const struct npu_plan_shape *s = &p->shape;
	uint64_t inverse = ((1ull << SHARE_SHIFT) + parts - 1) / parts;

	/* REG_PIECE = rows of a share, REG_ROW = first row, REG_ROWS = rows that are there */
	npu_emit_alu(p->cb, core, NPU_ALU_ADD, REG_ROWS, s->m_reg, NPU_REG_ZERO,
		     s->m_reg == NPU_REG_ZERO ? s->m_max : 0);
	npu_emit_alu(p->cb, core, NPU_ALU_ADD, REG_PIECE, REG_ROWS, NPU_REG_ZERO, parts - 1);
	npu_emit_alu(p->cb, core, NPU_ALU_MUL, REG_PIECE, REG_PIECE, NPU_REG_ZERO, inverse);
	npu_emit_alu(p->cb, core, NPU_ALU_SHR, REG_PIECE, REG_PIECE, NPU_REG_ZERO, SHARE_SHIFT);
	npu_emit_alu(p->cb, core, NPU_ALU_MUL, REG_ROW, REG_PIECE, NPU_REG_ZERO, part);
	npu_emit_alu(p->cb, core, NPU_ALU_SUBSAT, REG_ROWS, REG_ROWS, REG_ROW, 0);
	npu_emit_alu(p->cb, core, NPU_ALU_MIN, REG_ROWS, REG_ROWS, REG_PIECE, 0);
	*t = (struct tile){
		.n = npu_count(0, REG_ROWS),
		.max = (s->m_max + parts - 1) / parts,
		.row_reg = REG_ROW,
		.pos_reg = REG_POS,
	};
	return npu_emit_alu(p->cb, core, NPU_ALU_ADD, REG_POS, s->pos_reg, REG_ROW, 0);
}

int tile_last(struct npu_plan *p, uint32_t core, struct tile *t)
{
	*t = (struct tile){
		.n = npu_count(1, NPU_REG_ZERO),
		.max = 1,
		.row_reg = NPU_REG_ZERO,
		.bias = p->shape.m_max - 1,
		.pos_reg = NPU_REG_ZERO,
	};
	if (p->shape.m_reg == NPU_REG_ZERO || p->shape.m_max == 1)
		return p->cb->error;
	t->row_reg = REG_ROW;
	t->bias = 0;
	return npu_emit_alu(p->cb, core, NPU_ALU_SUBSAT, REG_ROW, p->shape.m_reg, NPU_REG_ZERO, 1);
}

int tile_piece(struct npu_plan *p, uint32_t core, const struct tile *t, uint32_t j, uint32_t size,
	       struct npu_count *n)
{
	uint32_t first = j * size;

	if (t->n.reg == NPU_REG_ZERO) {
		*n = npu_count(t->max - first < size ? t->max - first : size, NPU_REG_ZERO);
		return p->cb->error;
	}
	if (size >= t->max) {
		*n = t->n;
		return p->cb->error;
	}
	npu_emit_alu(p->cb, core, NPU_ALU_SUBSAT, REG_PIECE, t->n.reg, NPU_REG_ZERO, first);
	*n = npu_count(0, REG_PIECE);
	return npu_emit_alu(p->cb, core, NPU_ALU_MIN, REG_PIECE, REG_PIECE, NPU_REG_ZERO, size);
}

struct npu_addr tile_addr(const struct tile *t, uint64_t va, uint64_t stride)
{
	uint64_t base = va + t->bias * stride;

	if (t->row_reg == NPU_REG_ZERO)
		return npu_va(base);
	return npu_va_reg(base, t->row_reg, (uint32_t)stride);
}

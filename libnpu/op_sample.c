// SPDX-License-Identifier: MIT
/* The next token: drawn on core 0, told to the others through memory. */
#include <errno.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"

#define WHAT		"sample"
#define WINDOW_MAX	65536

/* REG_A = pos + m: the position that the token is for */
static int next_position(struct npu_plan *p, uint32_t core, unsigned int reg)
{
	const struct npu_plan_shape *s = &p->shape;

	if (s->m_reg == NPU_REG_ZERO)
		return npu_emit_alu(p->cb, core, NPU_ALU_ADD, reg, s->pos_reg, NPU_REG_ZERO,
				    s->m_max);
	return npu_emit_alu(p->cb, core, NPU_ALU_ADD, reg, s->pos_reg, s->m_reg, 0);
}

static int load_logits(struct npu_plan *p, uint64_t va, uint32_t *at)
{
	if (p->logits != SPAD_NONE && p->logits_va == va) {
		*at = p->logits;
		return p->cb->error;
	}
	*at = spad_take(p, 4ull * p->shape.vocab);
	if (*at == SPAD_NONE)
		return spad_fail(p, WHAT, 4ull * p->shape.vocab, 1);
	return plan_load(p, 0, (struct npu_cmd_dma){
		.spad = *at,
		.addr = npu_va(va),
		.row_bytes = 4 * p->shape.vocab,
		.rows = npu_count(1, NPU_REG_ZERO),
	}, 1, SPACE_LOGITS);
}

/* Penalties for tokens[REG_A - window .. REG_A - 1], fewer at the start. */
static int penalize(struct npu_plan *p, uint32_t logits, uint64_t tokens, uint64_t params,
		    uint32_t window)
{
	uint32_t history = spad_take(p, 4ull * window);

	if (history == SPAD_NONE)
		return spad_fail(p, WHAT " history", 4ull * window, 1);
	npu_emit_alu(p->cb, 0, NPU_ALU_SUBSAT, REG_B, REG_A, NPU_REG_ZERO, window);
	npu_emit_alu(p->cb, 0, NPU_ALU_SUB, REG_C, REG_A, REG_B, 0);
	plan_load(p, 0, (struct npu_cmd_dma){
		.spad = history,
		.spad_stride = 4,
		.addr = npu_va_reg(tokens, REG_B, 4),
		.mem_stride = 4,
		.row_bytes = 4,
		.rows = npu_count(0, REG_C),
	}, window, SPACE_CONST);
	return plan_penalize(p, 0, (struct npu_cmd_penalize){
		.logits = logits,
		.n = p->shape.vocab,
		.history = history,
		.count = npu_count(0, REG_C),
		.params = npu_va(params),
	}, window);
}

static int sample(struct npu_plan *p, uint64_t logits, uint64_t tokens, uint64_t params,
		  uint32_t window)
{
	uint32_t mark = p->used;
	uint32_t at;
	int rc = p->cb->error;

	if (!rc && (logits % 64 || params % 64 || tokens % 4))
		rc = npu_fail(-EINVAL, WHAT ": logits at 0x%llx and parameters at 0x%llx must be "
			      "multiples of 64, tokens at 0x%llx of 4", (unsigned long long)logits,
			      (unsigned long long)params, (unsigned long long)tokens);
	if (!rc && window > WINDOW_MAX)
		rc = npu_fail(-E2BIG, WHAT ": penalties over %u tokens, at most %u", window,
			      WINDOW_MAX);
	if (!rc && !p->shape.vocab)
		rc = npu_fail(-EINVAL, WHAT ": the plan's shape has no vocabulary");
	if (rc)
		return rc;
	if (p->logits != SPAD_NONE && p->logits_va == logits)
		p->used = p->logits + 4 * ld_of(p->shape.vocab);
	rc = load_logits(p, logits, &at);
	if (!rc)
		rc = next_position(p, 0, REG_A);
	if (!rc && window)
		rc = penalize(p, at, tokens, params, window);
	p->used = mark;
	plan_forget_logits(p);
	if (rc)
		return rc;
	plan_sample(p, 0, (struct npu_cmd_sample){
		.logits = at,
		.n = p->shape.vocab,
		.dst = REG_B,
		.counter = npu_count(0, REG_A),
		.params = npu_va(params),
	});
	npu_emit_str(p->cb, 0, &(struct npu_cmd_scalar){
		.reg = REG_B, .bytes = 4, .addr = npu_va_reg(tokens, REG_A, 4),
	});
	rc = plan_barrier(p);
	return rc ? rc : plan_safe(p);
}

int npu_op_sample(struct npu_plan *p, uint64_t logits, uint64_t tokens, uint64_t params,
		  uint32_t window)
{
	return plan_result(p, sample(p, logits, tokens, params, window));
}

/* Where control flow joins, x is where it can be on both ways: in the workspace. */
static int x_at_border(struct npu_plan *p)
{
	int rc = p->cb->error;

	plan_forget_logits(p);
	if (!rc && p->x_memory == X_OWN)
		rc = plan_barrier(p);
	if (p->keeps || !p->resident)
		return rc;
	p->x_here = false;
	p->x_memory = X_ALL;
	return rc;
}

int npu_op_loop(struct npu_plan *p, unsigned int count_reg)
{
	int rc = x_at_border(p);

	for (uint32_t core = 0; core < p->cores && !rc; core++)
		rc = plan_loop(p, core, npu_count(0, count_reg), NPU_REG_ZERO);
	return rc;
}

int npu_op_loop_end(struct npu_plan *p)
{
	int rc = x_at_border(p);

	for (uint32_t core = 0; core < p->cores && !rc; core++)
		rc = plan_loop_end(p, core);
	return rc;
}

int npu_op_advance(struct npu_plan *p)
{
	int rc = p->cb->error;

	if (!rc && p->shape.pos_reg == NPU_REG_ZERO)
		rc = npu_fail(-EINVAL, "advance: the plan's shape names no position register");
	for (uint32_t core = 0; core < p->cores && !rc; core++)
		rc = next_position(p, core, p->shape.pos_reg);
	return plan_result(p, rc);
}

int npu_op_stop(struct npu_plan *p, uint64_t tokens, const uint32_t *ids, uint32_t n)
{
	struct npu_addr at = p->shape.pos_reg == NPU_REG_ZERO ? npu_va(tokens) :
			     npu_va_reg(tokens, p->shape.pos_reg, 4);
	int rc = x_at_border(p);

	if (!rc && tokens % 4)
		rc = npu_fail(-EINVAL, "stop: tokens at 0x%llx, must be a multiple of 4",
			      (unsigned long long)tokens);
	for (uint32_t core = 0; core < p->cores && !rc; core++) {
		npu_emit_ldr(p->cb, core, &(struct npu_cmd_scalar){
			.reg = REG_A, .bytes = 4, .addr = at });
		for (uint32_t i = 0; i < n; i++)
			plan_break(p, core, NPU_COND_EQ, REG_A, ids[i]);
		rc = p->cb->error;
	}
	return plan_result(p, rc);
}

int npu_op_mark(struct npu_plan *p, uint32_t id)
{
	bool safe = plan_is_safe(p);

	p->mark = id;
	if (safe)
		return plan_safe(p);
	return npu_emit_mark(p->cb, NPU_ALL_CORES, id, false);
}

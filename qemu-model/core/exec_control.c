/* SPDX-License-Identifier: MIT */
/*
 * Control: barriers, loops, scalar registers, marks.
 */
#include "exec.h"
#include "job.h"

/* Logged commands after which a safe point is worth a look at the time */
#define LOOK_LOGGED 32

static void set_reg(struct npu_stream *s, uint8_t r, uint64_t value)
{
	if (r != NPU_REG_ZERO)
		s->reg[r] = value;
}

/* Time passes for a control command only if tokens hang on it. */
static enum npu_step log_tokens(struct npu_stream *s, const struct npu_cmd_hdr *hdr)
{
	struct npu_work w = { 0 };

	return hdr->wait | hdr->signal ? npu_exec_log(s, hdr, &w) : NPU_STEP_OK;
}

enum npu_step npu_exec_nop(struct npu_stream *s, const struct npu_op *op)
{
	return log_tokens(s, op->cmd);
}

enum npu_step npu_exec_end(struct npu_stream *s, const struct npu_op *op)
{
	struct npu_work w = { 0 };

	NPU_TRY(npu_exec_log(s, op->cmd, &w));
	return NPU_STEP_END;
}

enum npu_step npu_exec_barrier(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_barrier *c = op->cmd;
	struct npu_work w = { .barrier = 1, .cores = (uint16_t)c->cores };

	NPU_TRY(npu_exec_log(s, &c->hdr, &w));
	s->barrier = c->cores;
	return NPU_STEP_BARRIER;
}

enum npu_step npu_exec_loop(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_loop *c = op->cmd;
	uint32_t count;

	NPU_TRY(npu_exec_count(s, &c->count, &count));
	NPU_TRY(log_tokens(s, &c->hdr));
	if (!count) {
		s->pc = op->target;
		return NPU_STEP_OK;
	}
	/* The depth was bounded when the stream was decoded. */
	s->loop[s->depth++] = (struct npu_loop) { .count = count, .index = c->index };
	set_reg(s, c->index, 0);
	return NPU_STEP_OK;
}

enum npu_step npu_exec_loop_end(struct npu_stream *s, const struct npu_op *op)
{
	struct npu_loop *loop = &s->loop[s->depth - 1];

	NPU_TRY(log_tokens(s, op->cmd));
	if (++loop->i == loop->count) {
		s->depth--;
		return NPU_STEP_OK;
	}
	set_reg(s, loop->index, loop->i);
	s->pc = op->target;
	return NPU_STEP_OK;
}

enum npu_step npu_exec_break(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_break *c = op->cmd;
	uint64_t a = s->reg[c->a], b = s->reg[c->b] + c->imm;
	bool leave = true;

	NPU_TRY(log_tokens(s, &c->hdr));
	switch (c->cond) {
	case NPU_COND_EQ:
		leave = a == b;
		break;
	case NPU_COND_NE:
		leave = a != b;
		break;
	case NPU_COND_LT:
		leave = a < b;
		break;
	case NPU_COND_GE:
		leave = a >= b;
		break;
	}
	if (leave) {
		s->depth--;
		s->pc = op->target;
	}
	return NPU_STEP_OK;
}

enum npu_step npu_exec_alu(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_alu *c = op->cmd;
	uint64_t a = s->reg[c->a], b = s->reg[c->b] + c->imm, r = 0;

	NPU_TRY(log_tokens(s, &c->hdr));
	switch ((enum npu_alu)c->op) {
	case NPU_ALU_ADD:
		r = a + b;
		break;
	case NPU_ALU_SUB:
		r = a - b;
		break;
	case NPU_ALU_MUL:
		r = a * b;
		break;
	case NPU_ALU_AND:
		r = a & b;
		break;
	case NPU_ALU_OR:
		r = a | b;
		break;
	case NPU_ALU_SHL:
		r = a << (b & 63);
		break;
	case NPU_ALU_SHR:
		r = a >> (b & 63);
		break;
	case NPU_ALU_MIN:
		r = a < b ? a : b;
		break;
	case NPU_ALU_MAX:
		r = a > b ? a : b;
		break;
	case NPU_ALU_SUBSAT:
		r = a > b ? a - b : 0;
		break;
	}
	set_reg(s, c->dst, r);
	return NPU_STEP_OK;
}

enum npu_step npu_exec_ldr(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_scalar *c = op->cmd;
	struct npu_work w = { .read_bytes = c->bytes };
	uint64_t va, value = 0;

	NPU_TRY(npu_exec_addr(s, &c->addr, c->bytes, &va));
	NPU_TRY(npu_exec_read(s, va, &value, c->bytes));
	NPU_TRY(npu_exec_log(s, &c->hdr, &w));
	set_reg(s, c->reg, value);
	return NPU_STEP_OK;
}

enum npu_step npu_exec_str(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_scalar *c = op->cmd;
	struct npu_work w = { .write_bytes = c->bytes };
	uint64_t va;

	NPU_TRY(npu_exec_addr(s, &c->addr, c->bytes, &va));
	NPU_TRY(npu_exec_write(s, va, &s->reg[c->reg], c->bytes));
	return npu_exec_log(s, &c->hdr, &w);
}

enum npu_step npu_exec_mark(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_mark *c = op->cmd;

	NPU_TRY(log_tokens(s, &c->hdr));
	s->mark = c->id;
	npu_job_progress(s->job);
	if (c->hdr.flags & NPU_CMDF_SAFE && npu_attention(s->gate) & NPU_ATTEND_STOP)
		return NPU_STEP_SAFE;
	/* Is the time of this run up? That is looked at between phases. */
	if (c->hdr.flags & NPU_CMDF_SAFE && s->logged >= LOOK_LOGGED &&
	    __atomic_load_n(&s->job->limit_ns, __ATOMIC_RELAXED))
		return NPU_STEP_PAUSE;
	return NPU_STEP_OK;
}

// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_table.h"
#include "live.h"
#include "npu.h"

#define NO_TOKEN	0xfffffffeu

struct loop {
	uint32_t first;		/* byte of the stream behind LOOP */
	uint64_t left;
	uint8_t index;
};

/* A stream on its way */
struct stream {
	struct live *out;
	const uint8_t *code;
	uint32_t size;
	uint32_t core;
	uint32_t all;		/* mask of all streams */
	uint32_t pc;
	uint64_t reg[NPU_REG_COUNT];
	struct loop loop[NPU_MAX_LOOP_DEPTH];
	uint32_t depth;
	uint8_t *fresh;		/* a byte for each of the scratchpad */
	uint32_t spad_bytes;
	bool met;		/* all streams are here, nothing was done since */
	uint32_t operands;	/* of the command that have been looked at */
	uint32_t safe;
	uint32_t since;		/* commands since the last safe MARK */
};

/* Wanted of a scratchpad operand */
enum { RD = 1, WR = 2 };

static const struct npu_cmd_hdr *at(const struct stream *s, uint32_t pc)
{
	return (const struct npu_cmd_hdr *)(s->code + pc);
}

static void wrong(struct stream *s, const char *what, uint64_t value)
{
	if (s->out->why[0])
		return;
	snprintf(s->out->why, sizeof(s->out->why), "core %u, %s at 0x%x of its stream, after safe "
		 "mark %u: %s 0x%llx", s->core, npu_opcode_name(at(s, s->pc)->opcode), s->pc,
		 s->safe, what, (unsigned long long)value);
}

static void row(struct stream *s, uint64_t first, uint64_t bytes, int how)
{
	const uint8_t *stale;

	if (first + bytes > s->spad_bytes) {
		wrong(s, "reaches past the scratchpad:", first + bytes);
		return;
	}
	stale = how & RD && bytes ? memchr(s->fresh + first, 0, bytes) : NULL;
	if (stale)
		wrong(s, "reads what was there before:", (uint64_t)(stale - s->fresh));
	if (how & WR)
		memset(s->fresh + first, 1, bytes);
}

/* Rows of bytes, stride apart, of an operand. */
static void use(struct stream *s, int how, uint32_t first, uint64_t stride, uint64_t bytes,
		uint64_t rows)
{
	s->operands++;
	for (uint64_t i = 0; i < rows; i++)
		row(s, first + i * stride, bytes, how);
}

static void floats(struct stream *s, int how, uint32_t first, uint32_t ld, uint32_t cols,
		   uint64_t rows)
{
	use(s, how, first, 4ull * ld, 4ull * cols, rows);
}

static void activations(struct stream *s, int how, uint32_t first, bool q8, uint32_t ld,
			uint32_t cols, uint64_t rows)
{
	uint64_t record = NPU_ACT_Q8_ROW_BYTES((uint64_t)cols);

	if (q8)
		use(s, how, first, record, record, rows);
	else
		floats(s, how, first, ld, cols, rows);
}

static uint64_t count(const struct stream *s, struct npu_count c)
{
	return c.imm + s->reg[c.reg];
}

/* What a command does with its scratchpad operands; false: it is none of these. */
static bool transfer(struct stream *s, const void *cmd)
{
	switch (((const struct npu_cmd_hdr *)cmd)->opcode) {
	case NPU_OP_LOAD:
	case NPU_OP_STORE: {
		const struct npu_cmd_dma *c = cmd;

		use(s, c->hdr.opcode == NPU_OP_LOAD ? WR : RD, c->spad, c->spad_stride,
		    c->row_bytes, count(s, c->rows));
		return true;
	}
	case NPU_OP_GATHER: {
		const struct npu_cmd_gather *c = cmd;

		use(s, RD, c->index, 0, 4 * count(s, c->count), 1);
		use(s, WR, c->spad, c->spad_stride, c->row_bytes, count(s, c->count));
		return true;
	}
	case NPU_OP_KV_STORE: {
		const struct npu_cmd_kv_store *c = cmd;

		floats(s, RD, c->src, c->src_stride, c->head_dim, count(s, c->m));
		return true;
	}
	case NPU_OP_RELAYOUT:
		return true;
	}
	return false;
}

static bool matrix(struct stream *s, const void *cmd)
{
	switch (((const struct npu_cmd_hdr *)cmd)->opcode) {
	case NPU_OP_MATMUL: {
		const struct npu_cmd_matmul *c = cmd;

		activations(s, RD, c->act, c->atype == NPU_ATYPE_Q8, c->lda, c->k, count(s, c->m));
		floats(s, WR, c->out, c->ldo, c->n, count(s, c->m));
		return true;
	}
	case NPU_OP_WROWS: {
		const struct npu_cmd_wrows *c = cmd;

		use(s, RD, c->index, 0, 4 * count(s, c->count), 1);
		floats(s, WR, c->dst, c->dst_stride, c->k, count(s, c->count));
		return true;
	}
	case NPU_OP_ATTN: {
		const struct npu_cmd_attn *c = cmd;
		uint32_t cols = c->n_rep * c->head_dim;

		floats(s, RD, c->q, c->q_stride, cols, count(s, c->m));
		floats(s, WR, c->out, c->out_stride, cols, count(s, c->m));
		return true;
	}
	}
	return false;
}

static bool vector(struct stream *s, const void *cmd)
{
	switch (((const struct npu_cmd_hdr *)cmd)->opcode) {
	case NPU_OP_RMSNORM: {
		const struct npu_cmd_rmsnorm *c = cmd;

		floats(s, RD, c->src, c->src_stride, c->cols, count(s, c->rows));
		floats(s, RD, c->weight, 0, c->cols, 1);
		floats(s, WR, c->dst, c->dst_stride, c->cols, count(s, c->rows));
		return true;
	}
	case NPU_OP_ROPE: {
		const struct npu_cmd_rope *c = cmd;

		floats(s, RD, c->table, c->n_rot, c->n_rot, count(s, c->rows));
		floats(s, RD | WR, c->x, c->stride, c->n_heads * c->head_dim, count(s, c->rows));
		return true;
	}
	case NPU_OP_SOFTMAX: {
		const struct npu_cmd_softmax *c = cmd;
		uint32_t cols = (uint32_t)count(s, c->cols);

		floats(s, RD, c->src, c->src_stride, cols, count(s, c->rows));
		floats(s, WR, c->dst, c->dst_stride, cols, count(s, c->rows));
		return true;
	}
	case NPU_OP_EW: {
		const struct npu_cmd_ew *c = cmd;
		bool two = c->op != NPU_EW_SCALE && c->op != NPU_EW_COPY;

		floats(s, RD, c->a, c->a_stride, c->cols, count(s, c->rows));
		floats(s, RD, c->b, c->b_stride, c->cols, two ? count(s, c->rows) : 0);
		floats(s, WR, c->dst, c->dst_stride, c->cols, count(s, c->rows));
		return true;
	}
	case NPU_OP_QUANT: {
		const struct npu_cmd_quant *c = cmd;

		floats(s, RD, c->src, c->src_stride, c->cols, count(s, c->rows));
		activations(s, WR, c->dst, c->atype == NPU_ATYPE_Q8, c->dst_stride, c->cols,
			    count(s, c->rows));
		return true;
	}
	case NPU_OP_CONVERT: {
		const struct npu_cmd_convert *c = cmd;
		uint64_t n = count(s, c->n);

		use(s, RD, c->src, 0, c->src_type == NPU_DTYPE_F32 ? 4 * n : 2 * n, 1);
		use(s, WR, c->dst, 0, c->dst_type == NPU_DTYPE_F32 ? 4 * n : 2 * n, 1);
		return true;
	}
	}
	return false;
}

static bool choice(struct stream *s, const void *cmd)
{
	switch (((const struct npu_cmd_hdr *)cmd)->opcode) {
	case NPU_OP_ARGMAX: {
		const struct npu_cmd_argmax *c = cmd;

		use(s, RD, c->src, 0, 4 * count(s, c->n), 1);
		s->reg[c->dst] = NO_TOKEN;
		return true;
	}
	case NPU_OP_TOPK: {
		const struct npu_cmd_topk *c = cmd;

		use(s, RD, c->src, 0, 4ull * c->n, 1);
		use(s, WR, c->dst, 0, 8ull * c->k, 1);
		return true;
	}
	case NPU_OP_PENALIZE: {
		const struct npu_cmd_penalize *c = cmd;

		use(s, RD, c->history, 0, 4 * count(s, c->count), 1);
		use(s, RD | WR, c->logits, 0, 4ull * c->n, 1);
		return true;
	}
	case NPU_OP_SAMPLE: {
		const struct npu_cmd_sample *c = cmd;

		use(s, RD | WR, c->logits, 0, 4ull * c->n, 1);
		s->reg[c->dst] = NO_TOKEN;
		return true;
	}
	}
	return false;
}

static uint64_t alu(const struct stream *s, const struct npu_cmd_alu *c)
{
	uint64_t a = s->reg[c->a], b = s->reg[c->b] + c->imm;

	switch (c->op) {
	case NPU_ALU_ADD:
		return a + b;
	case NPU_ALU_SUB:
		return a - b;
	case NPU_ALU_MUL:
		return a * b;
	case NPU_ALU_AND:
		return a & b;
	case NPU_ALU_OR:
		return a | b;
	case NPU_ALU_SHL:
		return a << (b & 63);
	case NPU_ALU_SHR:
		return a >> (b & 63);
	case NPU_ALU_MIN:
		return a < b ? a : b;
	case NPU_ALU_MAX:
		return a > b ? a : b;
	default:
		return a > b ? a - b : 0;
	}
}

/* Goes on behind the LOOP_END of the innermost loop that pc is in. */
static void leave(struct stream *s, uint32_t pc)
{
	for (uint32_t depth = 1; depth; pc += 8u * at(s, pc)->words) {
		uint8_t op = at(s, pc)->opcode;

		depth += (op == NPU_OP_LOOP) - (op == NPU_OP_LOOP_END);
	}
	s->pc = pc;
}

static void begin(struct stream *s, const struct npu_cmd_loop *c, uint32_t next)
{
	uint64_t n = count(s, c->count);

	s->pc = next;
	if (!n) {
		leave(s, next);
		return;
	}
	s->loop[s->depth++] = (struct loop){ .first = next, .left = n, .index = c->index };
	s->reg[c->index] = 0;
}

static void again(struct stream *s, uint32_t next)
{
	struct loop *l = &s->loop[s->depth - 1];

	s->reg[l->index]++;
	s->pc = --l->left ? l->first : next;
	s->depth -= !l->left;
}

static bool holds(const struct stream *s, const struct npu_cmd_break *c)
{
	uint64_t a = s->reg[c->a], b = s->reg[c->b] + c->imm;

	return c->cond == NPU_COND_ALWAYS || (c->cond == NPU_COND_EQ && a == b) ||
	       (c->cond == NPU_COND_NE && a != b) || (c->cond == NPU_COND_LT && a < b) ||
	       (c->cond == NPU_COND_GE && a >= b);
}

static void mark(struct stream *s, const struct npu_cmd_mark *c)
{
	if (!(c->hdr.flags & NPU_CMDF_SAFE))
		return;
	if (!s->met)
		wrong(s, "the streams have not met before safe mark", c->id);
	memset(s->fresh, 0, s->spad_bytes);
	s->safe++;
	if (s->since > s->out->longest)
		s->out->longest = s->since;
	s->since = 0;
}

/* Commands of the control processor; false: it is none. */
static bool control(struct stream *s, const void *cmd, uint32_t next)
{
	switch (((const struct npu_cmd_hdr *)cmd)->opcode) {
	case NPU_OP_NOP:
		break;
	case NPU_OP_BARRIER:
		s->met = ((const struct npu_cmd_barrier *)cmd)->cores == s->all;
		break;
	case NPU_OP_LOOP:
		begin(s, cmd, next);
		return true;
	case NPU_OP_LOOP_END:
		again(s, next);
		return true;
	case NPU_OP_BREAK:
		s->pc = next;
		if (holds(s, cmd)) {
			s->depth--;
			leave(s, next);
		}
		return true;
	case NPU_OP_ALU:
		s->reg[((const struct npu_cmd_alu *)cmd)->dst] = alu(s, cmd);
		break;
	case NPU_OP_LDR:
		s->reg[((const struct npu_cmd_scalar *)cmd)->reg] = NO_TOKEN;
		break;
	case NPU_OP_MARK:
		mark(s, cmd);
		break;
	default:
		return false;
	}
	s->pc = next;
	return true;
}

static uint32_t spad_fields(uint8_t opcode)
{
	const struct cmd_info *info = cmd_info_get(opcode);
	uint32_t n = 0;

	for (uint32_t i = 0; info && info->field[i].kind != FIELD_END; i++)
		n += info->field[i].kind == FIELD_SPAD;
	return n;
}

static void step(struct stream *s)
{
	const struct npu_cmd_hdr *hdr = at(s, s->pc);
	uint32_t next = s->pc + 8u * hdr->words;

	s->reg[NPU_REG_ZERO] = 0;
	s->out->commands++;
	s->since++;
	if (control(s, hdr, next))
		return;
	s->operands = 0;
	/* STR has no operand in the scratchpad */
	if (!transfer(s, hdr) && !matrix(s, hdr) && !vector(s, hdr) && !choice(s, hdr) &&
	    hdr->opcode != NPU_OP_STR)
		wrong(s, "is not known here:", hdr->opcode);
	if (s->operands != spad_fields(hdr->opcode))
		wrong(s, "operands looked at, and the table has more or less:", s->operands);
	s->met = s->all == 1;
	s->pc = next;
}

bool live_check(const void *image, uint32_t spad_bytes, const uint64_t *params, uint32_t n_params,
		struct live *out)
{
	const struct npu_cmdbuf_header *h = image;
	uint8_t *fresh = malloc(spad_bytes);

	*out = (struct live){ .safe = 0 };
	for (uint32_t i = 0; i < h->n_streams && fresh; i++) {
		struct stream s = {
			.out = out, .code = (const uint8_t *)image + h->stream[i].offset,
			.size = h->stream[i].size, .core = i, .all = (1u << h->n_streams) - 1,
			.fresh = fresh, .spad_bytes = spad_bytes, .met = true,
		};

		if (n_params)
			memcpy(&s.reg[NPU_REG_PARAM(0)], params, n_params * sizeof(*params));
		/* what a job finds when it starts is the affair of the one who sent it */
		memset(fresh, 1, spad_bytes);
		while (!out->why[0] && at(&s, s.pc)->opcode != NPU_OP_END)
			step(&s);
		if (s.since > out->longest)
			out->longest = s.since;
		if (i && s.safe != out->safe)
			wrong(&s, "safe marks, and core 0 passes others:", s.safe);
		out->safe = s.safe;
	}
	free(fresh);
	return fresh && !out->why[0];
}

void *live_spoil(const void *image, uint32_t spad_bytes, uint64_t from, uint32_t *size)
{
	const struct npu_cmdbuf_header *h = image;
	const struct npu_cmd_dma load = {
		.hdr = { .opcode = NPU_OP_LOAD, .words = sizeof(load) / 8 },
		.addr = npu_va(from), .row_bytes = spad_bytes, .rows = npu_count(1, NPU_REG_ZERO),
	};
	/* no command is shorter than its header, so this is room for one LOAD behind each */
	uint8_t *copy = calloc(1, h->size + h->size / 8 * sizeof(load));
	struct npu_cmdbuf_header *to = (struct npu_cmdbuf_header *)copy;
	uint32_t end = NPU_ALIGN_UP((uint32_t)sizeof(*h), 64u);

	if (!copy)
		return NULL;
	*to = *h;
	for (uint32_t i = 0; i < h->n_streams; i++) {
		const uint8_t *p = (const uint8_t *)image + h->stream[i].offset;
		const uint8_t *last = p + h->stream[i].size;

		to->stream[i].offset = end;
		for (uint32_t words; p < last; p += 8 * words) {
			const struct npu_cmd_hdr *hdr = (const struct npu_cmd_hdr *)p;

			words = hdr->words;
			memcpy(copy + end, p, 8 * words);
			end += 8 * words;
			if (hdr->opcode != NPU_OP_MARK || !(hdr->flags & NPU_CMDF_SAFE))
				continue;
			memcpy(copy + end, &load, sizeof(load));
			end += sizeof(load);
		}
		to->stream[i].size = end - to->stream[i].offset;
	}
	to->size = end;
	*size = end;
	return copy;
}

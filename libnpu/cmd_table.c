// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "cmd_table.h"
#include "npu.h"

static const char *const cond_names[] = { "always", "eq", "ne", "lt", "ge", NULL };
static const char *const alu_names[] = {
	"add", "sub", "mul", "and", "or", "shl", "shr", "min", "max", "subsat", NULL
};
static const char *const ew_names[] = { "add", "mul", "silu_mul", "scale", "copy", NULL };
static const char *const wtype_names[] = { "f32", "f16", "q8_0", "q4_0", NULL };
static const char *const act_names[] = { "f32", "q8", NULL };
static const char *const quant_names[] = { "f32", "q8", "f16r", NULL };
static const char *const dtype_names[] = { "f32", "f16", "bf16", NULL };
static const char *const kv_names[] = { "f16", NULL };

#define AT(type, f) .name = #f, .offset = offsetof(struct type, f)
#define U32(type, f, ...) { AT(type, f), .kind = FIELD_U32, ##__VA_ARGS__ }
#define SPAD(type, f, align) { AT(type, f), .kind = FIELD_SPAD, .mult = (align) }
#define F32(type, f) { AT(type, f), .kind = FIELD_F32 }
#define REG(type, f) { AT(type, f), .kind = FIELD_REG }
#define NAME(type, f, list) { AT(type, f), .kind = FIELD_NAME, .names = (list) }
#define ADDR(type, f) { AT(type, f), .kind = FIELD_ADDR }
#define COUNT(type, f) { AT(type, f), .kind = FIELD_COUNT }
#define CMD(op, type) .name = #op, .opcode = NPU_OP_##op, .size = sizeof(struct type)
#define DMA(op) { CMD(op, npu_cmd_dma), .field = { \
	SPAD(npu_cmd_dma, spad, 4), \
	U32(npu_cmd_dma, spad_stride, .mult = 2), \
	ADDR(npu_cmd_dma, addr), \
	{ AT(npu_cmd_dma, mem_stride), .kind = FIELD_U64, .mult = 2 }, \
	U32(npu_cmd_dma, row_bytes, .mult = 2), \
	COUNT(npu_cmd_dma, rows) } }
#define SCALAR(op) { CMD(op, npu_cmd_scalar), .field = { \
	REG(npu_cmd_scalar, reg), \
	{ AT(npu_cmd_scalar, bytes), .kind = FIELD_BYTES }, \
	ADDR(npu_cmd_scalar, addr) } }

static const struct cmd_info commands[] = {
	{ CMD(NOP, npu_cmd_hdr) },
	{ CMD(END, npu_cmd_hdr) },
	{ CMD(BARRIER, npu_cmd_barrier), .field = {
		{ AT(npu_cmd_barrier, cores), .kind = FIELD_MASK } } },
	{ CMD(LOOP, npu_cmd_loop), .field = {
		COUNT(npu_cmd_loop, count),
		REG(npu_cmd_loop, index) } },
	{ CMD(LOOP_END, npu_cmd_hdr) },
	{ CMD(BREAK, npu_cmd_break), .field = {
		{ AT(npu_cmd_break, cond), .kind = FIELD_COND, .names = cond_names },
		REG(npu_cmd_break, a),
		REG(npu_cmd_break, b),
		{ AT(npu_cmd_break, imm), .kind = FIELD_U64 } } },
	{ CMD(ALU, npu_cmd_alu), .field = {
		NAME(npu_cmd_alu, op, alu_names),
		REG(npu_cmd_alu, dst),
		REG(npu_cmd_alu, a),
		REG(npu_cmd_alu, b),
		{ AT(npu_cmd_alu, imm), .kind = FIELD_U64 } } },
	SCALAR(LDR),
	SCALAR(STR),
	{ CMD(MARK, npu_cmd_mark), .flags = NPU_CMDF_SAFE, .field = {
		U32(npu_cmd_mark, id) } },
	DMA(LOAD),
	DMA(STORE),
	{ CMD(GATHER, npu_cmd_gather), .field = {
		SPAD(npu_cmd_gather, spad, 4),
		U32(npu_cmd_gather, spad_stride, .mult = 2),
		ADDR(npu_cmd_gather, addr),
		{ AT(npu_cmd_gather, mem_stride), .kind = FIELD_U64, .mult = 2 },
		U32(npu_cmd_gather, row_bytes, .mult = 2),
		SPAD(npu_cmd_gather, index, NPU_SPAD_ALIGN),
		COUNT(npu_cmd_gather, count),
		U32(npu_cmd_gather, n_rows) } },
	{ CMD(KV_STORE, npu_cmd_kv_store), .flags = NPU_CMDF_KV_K, .field = {
		SPAD(npu_cmd_kv_store, src, 4),
		U32(npu_cmd_kv_store, src_stride),
		ADDR(npu_cmd_kv_store, addr),
		U32(npu_cmd_kv_store, head_dim, .min = 2, .max = NPU_MAX_HEAD_DIM, .mult = 2),
		U32(npu_cmd_kv_store, capacity, .min = 16, .max = NPU_MAX_KV, .mult = 16),
		COUNT(npu_cmd_kv_store, pos),
		COUNT(npu_cmd_kv_store, m),
		NAME(npu_cmd_kv_store, kvtype, kv_names) } },
	{ CMD(RELAYOUT, npu_cmd_relayout), .field = {
		ADDR(npu_cmd_relayout, src),
		ADDR(npu_cmd_relayout, dst),
		COUNT(npu_cmd_relayout, n),
		U32(npu_cmd_relayout, k, .min = 1, .max = NPU_MAX_K),
		NAME(npu_cmd_relayout, wtype, wtype_names) } },
	{ CMD(MATMUL, npu_cmd_matmul), .field = {
		NAME(npu_cmd_matmul, wtype, wtype_names),
		NAME(npu_cmd_matmul, atype, act_names),
		U32(npu_cmd_matmul, n, .min = NPU_STRIP_ROWS, .max = NPU_MAX_N,
		    .mult = NPU_STRIP_ROWS),
		U32(npu_cmd_matmul, k, .min = 1, .max = NPU_MAX_K),
		SPAD(npu_cmd_matmul, act, NPU_SPAD_ALIGN),
		U32(npu_cmd_matmul, lda),
		SPAD(npu_cmd_matmul, out, NPU_SPAD_ALIGN),
		U32(npu_cmd_matmul, ldo),
		ADDR(npu_cmd_matmul, w),
		COUNT(npu_cmd_matmul, m) } },
	{ CMD(WROWS, npu_cmd_wrows), .field = {
		SPAD(npu_cmd_wrows, dst, NPU_SPAD_ALIGN),
		U32(npu_cmd_wrows, dst_stride),
		SPAD(npu_cmd_wrows, index, NPU_SPAD_ALIGN),
		U32(npu_cmd_wrows, n, .min = 1, .max = NPU_MAX_N),
		U32(npu_cmd_wrows, k, .min = 1, .max = NPU_MAX_K),
		NAME(npu_cmd_wrows, wtype, wtype_names),
		ADDR(npu_cmd_wrows, w),
		COUNT(npu_cmd_wrows, count) } },
	{ CMD(ATTN, npu_cmd_attn), .flags = NPU_CMDF_ATTN_HALF, .field = {
		SPAD(npu_cmd_attn, q, 4),
		U32(npu_cmd_attn, q_stride),
		SPAD(npu_cmd_attn, out, 4),
		U32(npu_cmd_attn, out_stride),
		U32(npu_cmd_attn, head_dim, .min = 2, .max = NPU_MAX_HEAD_DIM, .mult = 2),
		U32(npu_cmd_attn, capacity, .min = 16, .max = NPU_MAX_KV, .mult = 16),
		F32(npu_cmd_attn, scale),
		{ AT(npu_cmd_attn, n_rep), .kind = FIELD_U16, .min = 1, .max = 64 },
		NAME(npu_cmd_attn, kvtype, kv_names),
		ADDR(npu_cmd_attn, k),
		ADDR(npu_cmd_attn, v),
		COUNT(npu_cmd_attn, pos),
		COUNT(npu_cmd_attn, m) } },
	{ CMD(RMSNORM, npu_cmd_rmsnorm), .field = {
		SPAD(npu_cmd_rmsnorm, dst, NPU_SPAD_ALIGN),
		U32(npu_cmd_rmsnorm, dst_stride),
		SPAD(npu_cmd_rmsnorm, src, NPU_SPAD_ALIGN),
		U32(npu_cmd_rmsnorm, src_stride),
		SPAD(npu_cmd_rmsnorm, weight, NPU_SPAD_ALIGN),
		U32(npu_cmd_rmsnorm, cols),
		F32(npu_cmd_rmsnorm, eps),
		COUNT(npu_cmd_rmsnorm, rows) } },
	{ CMD(ROPE, npu_cmd_rope), .flags = NPU_CMDF_ROPE_HALF, .field = {
		SPAD(npu_cmd_rope, x, 4),
		U32(npu_cmd_rope, stride),
		SPAD(npu_cmd_rope, table, NPU_SPAD_ALIGN),
		U32(npu_cmd_rope, n_heads),
		U32(npu_cmd_rope, head_dim, .max = NPU_MAX_HEAD_DIM),
		U32(npu_cmd_rope, n_rot, .mult = 2, .max = NPU_MAX_HEAD_DIM),
		COUNT(npu_cmd_rope, rows) } },
	{ CMD(SOFTMAX, npu_cmd_softmax), .field = {
		SPAD(npu_cmd_softmax, dst, NPU_SPAD_ALIGN),
		U32(npu_cmd_softmax, dst_stride),
		SPAD(npu_cmd_softmax, src, NPU_SPAD_ALIGN),
		U32(npu_cmd_softmax, src_stride),
		F32(npu_cmd_softmax, scale),
		COUNT(npu_cmd_softmax, cols),
		COUNT(npu_cmd_softmax, rows) } },
	{ CMD(EW, npu_cmd_ew), .field = {
		NAME(npu_cmd_ew, op, ew_names),
		F32(npu_cmd_ew, imm),
		SPAD(npu_cmd_ew, dst, NPU_SPAD_ALIGN),
		U32(npu_cmd_ew, dst_stride),
		SPAD(npu_cmd_ew, a, NPU_SPAD_ALIGN),
		U32(npu_cmd_ew, a_stride),
		SPAD(npu_cmd_ew, b, NPU_SPAD_ALIGN),
		U32(npu_cmd_ew, b_stride),
		U32(npu_cmd_ew, cols),
		COUNT(npu_cmd_ew, rows) } },
	{ CMD(QUANT, npu_cmd_quant), .field = {
		SPAD(npu_cmd_quant, dst, NPU_SPAD_ALIGN),
		U32(npu_cmd_quant, dst_stride),
		SPAD(npu_cmd_quant, src, NPU_SPAD_ALIGN),
		U32(npu_cmd_quant, src_stride),
		U32(npu_cmd_quant, cols),
		NAME(npu_cmd_quant, atype, quant_names),
		COUNT(npu_cmd_quant, rows) } },
	{ CMD(CONVERT, npu_cmd_convert), .field = {
		SPAD(npu_cmd_convert, dst, NPU_SPAD_ALIGN),
		SPAD(npu_cmd_convert, src, NPU_SPAD_ALIGN),
		NAME(npu_cmd_convert, dst_type, dtype_names),
		NAME(npu_cmd_convert, src_type, dtype_names),
		COUNT(npu_cmd_convert, n) } },
	{ CMD(ARGMAX, npu_cmd_argmax), .field = {
		SPAD(npu_cmd_argmax, src, NPU_SPAD_ALIGN),
		REG(npu_cmd_argmax, dst),
		COUNT(npu_cmd_argmax, n) } },
	{ CMD(TOPK, npu_cmd_topk), .field = {
		SPAD(npu_cmd_topk, src, NPU_SPAD_ALIGN),
		SPAD(npu_cmd_topk, dst, NPU_SPAD_ALIGN),
		U32(npu_cmd_topk, n, .min = 1),
		U32(npu_cmd_topk, k, .min = 1) } },
	{ CMD(PENALIZE, npu_cmd_penalize), .field = {
		SPAD(npu_cmd_penalize, logits, NPU_SPAD_ALIGN),
		U32(npu_cmd_penalize, n, .min = 1),
		SPAD(npu_cmd_penalize, history, NPU_SPAD_ALIGN),
		COUNT(npu_cmd_penalize, count),
		ADDR(npu_cmd_penalize, params) } },
	{ CMD(SAMPLE, npu_cmd_sample), .field = {
		SPAD(npu_cmd_sample, logits, NPU_SPAD_ALIGN),
		U32(npu_cmd_sample, n, .min = 1),
		REG(npu_cmd_sample, dst),
		COUNT(npu_cmd_sample, counter),
		ADDR(npu_cmd_sample, params) } },
};

static const char *const fault_names[NPU_FAULT_COUNT] = {
	[NPU_FAULT_NONE] = "no fault",
	[NPU_FAULT_CMDBUF] = "malformed command buffer",
	[NPU_FAULT_OPCODE] = "unknown opcode or wrong length",
	[NPU_FAULT_BAD_FIELD] = "field out of range",
	[NPU_FAULT_SPAD] = "scratchpad operand out of range or misaligned",
	[NPU_FAULT_PAGE] = "page fault",
	[NPU_FAULT_PROTECTION] = "write to a read-only page",
	[NPU_FAULT_BUS] = "bus error",
	[NPU_FAULT_ALIGN] = "misaligned device address",
	[NPU_FAULT_INDEX] = "index past its limit",
	[NPU_FAULT_DEADLOCK] = "barrier that can never be met",
	[NPU_FAULT_KILLED] = "killed by a reset",
	[NPU_FAULT_OVERFLOW] = "address or count that wraps",
	[NPU_FAULT_CONTEXT] = "not started, the context has faulted before",
	[NPU_FAULT_HANG] = "killed by the firmware, it made no progress",
};

const char *npu_fault_name(uint32_t fault)
{
	return fault < NPU_FAULT_COUNT ? fault_names[fault] : "?";
}

const struct cmd_info *cmd_info_get(uint32_t opcode)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].opcode == opcode)
			return &commands[i];
	return NULL;
}

const char *npu_opcode_name(uint32_t opcode)
{
	const struct cmd_info *info = cmd_info_get(opcode);

	return info ? info->name : "?";
}

size_t cmd_field_bytes(enum cmd_field_kind kind)
{
	switch (kind) {
	case FIELD_END:
		return 0;
	case FIELD_REG:
	case FIELD_BYTES:
	case FIELD_COND:
	case FIELD_NAME:
		return 1;
	case FIELD_U16:
		return 2;
	case FIELD_U32:
	case FIELD_F32:
	case FIELD_SPAD:
	case FIELD_MASK:
		return 4;
	case FIELD_U64:
	case FIELD_HEX64:
	case FIELD_COUNT:
		return 8;
	case FIELD_ADDR:
		return 16;
	}
	return 0;
}

uint64_t cmd_field_value(const struct cmd_field *f, const void *cmd)
{
	const uint8_t *p = (const uint8_t *)cmd + f->offset;
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (f->kind) {
	case FIELD_REG:
	case FIELD_BYTES:
	case FIELD_COND:
	case FIELD_NAME:
		return *p;
	case FIELD_U16:
		memcpy(&v16, p, sizeof(v16));
		return v16;
	case FIELD_U64:
	case FIELD_HEX64:
	case FIELD_ADDR:
		memcpy(&v64, p, sizeof(v64));
		return v64;
	default:
		memcpy(&v32, p, sizeof(v32));
		return v32;
	}
}

unsigned int cmd_field_reg(const struct cmd_field *f, const void *cmd)
{
	const uint8_t *p = (const uint8_t *)cmd + f->offset;

	switch (f->kind) {
	case FIELD_REG:
		return *p;
	case FIELD_ADDR:
		return p[offsetof(struct npu_addr, reg)];
	case FIELD_COUNT:
		return p[offsetof(struct npu_count, reg)];
	default:
		return NPU_REG_ZERO;
	}
}

/* Bytes that no field covers are pads. */
static bool pads_are_zero(const struct cmd_info *info, const uint8_t *cmd)
{
	uint8_t known[256] = { 0 };

	memset(known, 1, sizeof(struct npu_cmd_hdr));
	for (const struct cmd_field *f = info->field; f->kind != FIELD_END; f++) {
		size_t n = cmd_field_bytes(f->kind);

		/* the pad inside address and count operands is their last three bytes */
		if (f->kind == FIELD_ADDR || f->kind == FIELD_COUNT)
			n -= 3;
		memset(known + f->offset, 1, n);
	}
	for (size_t i = 0; i < info->size; i++)
		if (!known[i] && cmd[i])
			return false;
	return true;
}

static const char *check_field(const struct cmd_field *f, const void *cmd, uint32_t core,
			       uint32_t n_streams)
{
	uint64_t v = cmd_field_value(f, cmd);
	uint64_t n = 0;

	if (cmd_field_reg(f, cmd) >= NPU_REG_COUNT)
		return "register does not exist";
	switch (f->kind) {
	case FIELD_BYTES:
		return v == 4 || v == 8 ? NULL : "must be 4 or 8";
	case FIELD_COND:
	case FIELD_NAME:
		while (f->names[n])
			n++;
		return v < n ? NULL : "unknown value";
	case FIELD_MASK:
		if (v >> n_streams)
			return "names a core without a stream";
		return v >> core & 1 ? NULL : "does not hold the own core";
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_SPAD:
		if (f->mult && v % f->mult)
			return "misaligned";
		if (v < f->min)
			return "too small";
		if (f->max && v > f->max)
			return "too large";
		return NULL;
	default:
		return NULL;
	}
}

int cmd_check(const struct cmd_info *info, const void *cmd, uint32_t core, uint32_t n_streams,
	      const struct cmd_field **field, const char **why)
{
	const struct npu_cmd_hdr *hdr = cmd;

	*field = NULL;
	if (hdr->flags & ~info->flags) {
		*why = "unknown flag";
		return -EINVAL;
	}
	if (hdr->pad || !pads_are_zero(info, cmd)) {
		*why = "a pad is not zero";
		return -EINVAL;
	}
	for (const struct cmd_field *f = info->field; f->kind != FIELD_END; f++) {
		*why = check_field(f, cmd, core, n_streams);
		if (*why) {
			*field = f;
			return -EINVAL;
		}
	}
	return 0;
}

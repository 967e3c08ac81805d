/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "npu_formats.h"

static const struct {
	size_t bytes;
	const char *name;
} table[256] = {
#define ENTRY(op, type) \
	[NPU_OP_##op] = { sizeof(type), #op }
	ENTRY(NOP, struct npu_cmd_hdr), ENTRY(END, struct npu_cmd_hdr),
	ENTRY(BARRIER, struct npu_cmd_barrier), ENTRY(LOOP, struct npu_cmd_loop),
	ENTRY(LOOP_END, struct npu_cmd_hdr), ENTRY(BREAK, struct npu_cmd_break),
	ENTRY(ALU, struct npu_cmd_alu), ENTRY(LDR, struct npu_cmd_scalar),
	ENTRY(STR, struct npu_cmd_scalar), ENTRY(MARK, struct npu_cmd_mark),
	ENTRY(LOAD, struct npu_cmd_dma), ENTRY(STORE, struct npu_cmd_dma),
	ENTRY(GATHER, struct npu_cmd_gather), ENTRY(KV_STORE, struct npu_cmd_kv_store),
	ENTRY(RELAYOUT, struct npu_cmd_relayout), ENTRY(MATMUL, struct npu_cmd_matmul),
	ENTRY(WROWS, struct npu_cmd_wrows), ENTRY(ATTN, struct npu_cmd_attn),
	ENTRY(RMSNORM, struct npu_cmd_rmsnorm), ENTRY(ROPE, struct npu_cmd_rope),
	ENTRY(SOFTMAX, struct npu_cmd_softmax), ENTRY(EW, struct npu_cmd_ew),
	ENTRY(QUANT, struct npu_cmd_quant), ENTRY(CONVERT, struct npu_cmd_convert),
	ENTRY(ARGMAX, struct npu_cmd_argmax), ENTRY(TOPK, struct npu_cmd_topk),
	ENTRY(PENALIZE, struct npu_cmd_penalize), ENTRY(SAMPLE, struct npu_cmd_sample),
#undef ENTRY
};

size_t command_bytes(uint8_t opcode)
{
	return table[opcode].bytes;
}

const char *command_name(uint8_t opcode)
{
	return table[opcode].name;
}

static void memory_commands(union command *c, uint64_t va)
{
	switch (c->hdr.opcode) {
	case NPU_OP_LDR:
	case NPU_OP_STR:
		c->scalar.reg = 31;
		c->scalar.bytes = 8;
		c->scalar.addr.base = va + 4096;
		break;
	case NPU_OP_LOAD:
	case NPU_OP_STORE:
		c->dma.spad_stride = 128;
		c->dma.addr.base = va + 4096;
		c->dma.mem_stride = 256;
		c->dma.row_bytes = 64;
		c->dma.rows.imm = 3;
		break;
	case NPU_OP_GATHER:
		c->gather = (struct npu_cmd_gather) {
			.hdr = c->hdr, .spad = 4096, .spad_stride = 64, .addr.base = va + 4096,
			.mem_stride = 64, .row_bytes = 64, .count.imm = 3, .n_rows = 1,
		};
		break;
	case NPU_OP_KV_STORE:
		c->kv_store = (struct npu_cmd_kv_store) {
			.hdr = c->hdr, .src_stride = 32, .addr.base = va + 4096, .head_dim = 32,
			.capacity = 64, .m.imm = 5,
		};
		break;
	case NPU_OP_RELAYOUT:
		c->relayout = (struct npu_cmd_relayout) {
			.hdr = c->hdr, .src.base = va + 4096, .dst.base = va + 65536, .n.imm = 20,
			.k = 96, .wtype = NPU_WTYPE_Q8_0,
		};
		break;
	}
}

static void matrix_commands(union command *c, uint64_t va)
{
	switch (c->hdr.opcode) {
	case NPU_OP_MATMUL:
		c->matmul = (struct npu_cmd_matmul) {
			.hdr = c->hdr, .wtype = NPU_WTYPE_Q4_0, .atype = NPU_ATYPE_Q8, .n = 32,
			.k = 64, .out = 8192, .ldo = 32, .w.base = va + 4096, .m.imm = 3,
		};
		break;
	case NPU_OP_WROWS:
		c->wrows = (struct npu_cmd_wrows) {
			.hdr = c->hdr, .dst = 8192, .dst_stride = 64, .n = 32, .k = 64,
			.wtype = NPU_WTYPE_Q4_0, .w.base = va + 4096, .count.imm = 3,
		};
		break;
	case NPU_OP_ATTN:
		c->attn = (struct npu_cmd_attn){
			.hdr = c->hdr,
			.q_stride = 64,
			.out = 8192,
			.out_stride = 64,
			.head_dim = 32,
			.capacity = 128,
			.scale = 1,
			.n_rep = 2,
			.k.base = va + 4096,
			.v.base = va + 65536,
			.pos.imm = 66,
			.m.imm = 3,
		};
		break;
	}
}

static void vector_commands(union command *c)
{
	switch (c->hdr.opcode) {
	case NPU_OP_RMSNORM:
		c->rmsnorm = (struct npu_cmd_rmsnorm){
			.hdr = c->hdr,
			.dst = 4096,
			.dst_stride = 64,
			.src_stride = 64,
			.weight = 8192,
			.cols = 64,
			.eps = 0.00001f,
			.rows.imm = 3,
		};
		break;
	case NPU_OP_ROPE:
		c->rope = (struct npu_cmd_rope) {
			.hdr = c->hdr, .stride = 64, .table = 8192, .n_heads = 2, .head_dim = 32,
			.n_rot = 32, .rows.imm = 3,
		};
		break;
	case NPU_OP_SOFTMAX:
		c->softmax = (struct npu_cmd_softmax) {
			.hdr = c->hdr, .dst = 4096, .dst_stride = 64, .src_stride = 64, .scale = 1,
			.cols.imm = 64, .rows.imm = 3,
		};
		break;
	case NPU_OP_EW:
		c->ew = (struct npu_cmd_ew){
			.hdr = c->hdr,
			.op = NPU_EW_MUL,
			.dst = 4096,
			.dst_stride = 64,
			.a_stride = 64,
			.b = 8192,
			.b_stride = 64,
			.cols = 64,
			.rows.imm = 3,
		};
		break;
	case NPU_OP_QUANT:
		c->quant = (struct npu_cmd_quant) {
			.hdr = c->hdr, .dst = 8192, .src_stride = 64, .cols = 64,
			.atype = NPU_ATYPE_Q8, .rows.imm = 3,
		};
		break;
	case NPU_OP_CONVERT:
		c->convert = (struct npu_cmd_convert) {
			.hdr = c->hdr, .dst = 8192, .dst_type = NPU_DTYPE_BF16, .n.imm = 64,
		};
		break;
	case NPU_OP_ARGMAX:
		c->argmax.dst = 31;
		c->argmax.n.imm = 64;
		break;
	case NPU_OP_TOPK:
		c->topk.dst = 8192;
		c->topk.n = 64;
		c->topk.k = 64;
		break;
	}
}

union command command_example(uint8_t opcode, uint64_t va)
{
	union command c = { .hdr.opcode = opcode };

	memory_commands(&c, va);
	matrix_commands(&c, va);
	vector_commands(&c);
	switch (opcode) {
	case NPU_OP_BARRIER:
		c.barrier.cores = 1;
		break;
	case NPU_OP_LOOP:
		c.loop.count.imm = 2;
		c.loop.index = 31;
		break;
	case NPU_OP_BREAK:
		c.brk.cond = NPU_COND_GE;
		c.brk.a = 31;
		c.brk.imm = 1;
		break;
	case NPU_OP_ALU:
		c.alu.dst = 31;
		c.alu.imm = 1;
		break;
	case NPU_OP_PENALIZE:
		c.penalize.n = 64;
		c.penalize.history = 8192;
		c.penalize.count.imm = 3;
		c.penalize.params.base = va;
		break;
	case NPU_OP_SAMPLE:
		c.sample.n = 64;
		c.sample.dst = 31;
		c.sample.params.base = va;
		break;
	}
	return c;
}

// SPDX-License-Identifier: MIT
/* One function a command; all the work is in cmdbuf_put(). */
#include "cmdbuf.h"

#define EMIT(name, op, type) \
int npu_emit_##name(struct npu_cmdbuf *cb, uint32_t core, const struct type *c) \
{ \
	return cmdbuf_put(cb, core, NPU_OP_##op, c, sizeof(*c)); \
}

EMIT(ldr, LDR, npu_cmd_scalar)
EMIT(str, STR, npu_cmd_scalar)
EMIT(load, LOAD, npu_cmd_dma)
EMIT(store, STORE, npu_cmd_dma)
EMIT(gather, GATHER, npu_cmd_gather)
EMIT(kv_store, KV_STORE, npu_cmd_kv_store)
EMIT(relayout, RELAYOUT, npu_cmd_relayout)
EMIT(matmul, MATMUL, npu_cmd_matmul)
EMIT(wrows, WROWS, npu_cmd_wrows)
EMIT(attn, ATTN, npu_cmd_attn)
EMIT(rmsnorm, RMSNORM, npu_cmd_rmsnorm)
EMIT(rope, ROPE, npu_cmd_rope)
EMIT(softmax, SOFTMAX, npu_cmd_softmax)
EMIT(ew, EW, npu_cmd_ew)
EMIT(quant, QUANT, npu_cmd_quant)
EMIT(convert, CONVERT, npu_cmd_convert)
EMIT(argmax, ARGMAX, npu_cmd_argmax)
EMIT(topk, TOPK, npu_cmd_topk)
EMIT(penalize, PENALIZE, npu_cmd_penalize)
EMIT(sample, SAMPLE, npu_cmd_sample)

int npu_emit_nop(struct npu_cmdbuf *cb, uint32_t core)
{
	const struct npu_cmd_hdr c = { 0 };

	return cmdbuf_put(cb, core, NPU_OP_NOP, &c, sizeof(c));
}

int npu_emit_barrier(struct npu_cmdbuf *cb, uint32_t cores)
{
	const struct npu_cmd_barrier c = { .cores = cores };
	int rc = cb->error;

	for (uint32_t i = 0; i < 32 && !rc; i++)
		if (cores >> i & 1)
			rc = cmdbuf_put(cb, i, NPU_OP_BARRIER, &c, sizeof(c));
	return rc;
}

int npu_emit_loop(struct npu_cmdbuf *cb, uint32_t core, struct npu_count count, unsigned int index)
{
	const struct npu_cmd_loop c = { .count = count, .index = (__u8)index };

	return cmdbuf_put(cb, core, NPU_OP_LOOP, &c, sizeof(c));
}

int npu_emit_loop_end(struct npu_cmdbuf *cb, uint32_t core)
{
	const struct npu_cmd_hdr c = { 0 };

	return cmdbuf_put(cb, core, NPU_OP_LOOP_END, &c, sizeof(c));
}

int npu_emit_break(struct npu_cmdbuf *cb, uint32_t core, enum npu_cond cond, unsigned int a,
		   unsigned int b, uint64_t imm)
{
	const struct npu_cmd_break c = {
		.cond = (__u8)cond, .a = (__u8)a, .b = (__u8)b, .imm = imm
	};

	return cmdbuf_put(cb, core, NPU_OP_BREAK, &c, sizeof(c));
}

int npu_emit_alu(struct npu_cmdbuf *cb, uint32_t core, enum npu_alu op, unsigned int dst,
		 unsigned int a, unsigned int b, uint64_t imm)
{
	const struct npu_cmd_alu c = {
		.op = (__u8)op, .dst = (__u8)dst, .a = (__u8)a, .b = (__u8)b, .imm = imm
	};

	return cmdbuf_put(cb, core, NPU_OP_ALU, &c, sizeof(c));
}

int npu_emit_mark(struct npu_cmdbuf *cb, uint32_t core, uint32_t id, bool safe)
{
	const struct npu_cmd_mark c = { .hdr.flags = safe ? NPU_CMDF_SAFE : 0, .id = id };

	return cmdbuf_put(cb, core, NPU_OP_MARK, &c, sizeof(c));
}

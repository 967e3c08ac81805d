/* SPDX-License-Identifier: MIT */
/*
 * What all commands share: evaluating operands, checking scratchpad ranges, reaching memory,
 * logging the modelled work, and faulting. One npu_exec_<command>() each.
 */
#ifndef NPU_CORE_EXEC_H
#define NPU_CORE_EXEC_H

#include "stream.h"

/* Ends the command with a fault; @value is the address, or the value refused. */
static inline enum npu_step npu_exec_fault(struct npu_stream *s, enum npu_fault code,
					   uint64_t value)
{
	s->fault.code = code;
	s->fault.value = value;
	return NPU_STEP_FAULT;
}

/* Runs @call, which returns an enum npu_step, and leaves the command unless it went well. */
#define NPU_TRY(call) \
	do { \
		enum npu_step step_ = (call); \
		if (__builtin_expect(step_ != NPU_STEP_OK, 0)) \
			return step_; \
	} while (0)

static inline enum npu_step npu_exec_count(struct npu_stream *s, const struct npu_count *c,
					   uint32_t *out)
{
	uint64_t reg = s->reg[c->reg];

	if (reg > UINT32_MAX - c->imm)
		return npu_exec_fault(s, NPU_FAULT_OVERFLOW, reg);
	*out = c->imm + (uint32_t)reg;
	return NPU_STEP_OK;
}

/* Address of a memory operand, a multiple of @align. */
static inline enum npu_step npu_exec_addr(struct npu_stream *s, const struct npu_addr *a,
					  uint64_t align, uint64_t *out)
{
	uint64_t offset;

	if (__builtin_mul_overflow(s->reg[a->reg], (uint64_t)a->stride, &offset) ||
	    __builtin_add_overflow(a->base, offset, out))
		return npu_exec_fault(s, NPU_FAULT_OVERFLOW, s->reg[a->reg]);
	if (*out & (align - 1))
		return npu_exec_fault(s, NPU_FAULT_ALIGN, *out);
	return NPU_STEP_OK;
}

/* A scratchpad range; its alignment has been checked when it was decoded. */
static inline enum npu_step npu_exec_spad(struct npu_stream *s, uint32_t offset, uint64_t bytes,
					  void **out)
{
	if (offset > s->spad_bytes || bytes > s->spad_bytes - offset)
		return npu_exec_fault(s, NPU_FAULT_SPAD, offset);
	if (offset + bytes > s->spad_used)
		s->spad_used = (uint32_t)(offset + bytes);
	*out = s->spad + offset;
	return NPU_STEP_OK;
}

/*
 * A scratchpad operand of @rows rows of @row_bytes, @stride_bytes apart; zero rows take
 * nothing. With @dst rows may not overlap each other.
 */
static inline enum npu_step npu_exec_rows(struct npu_stream *s, uint32_t offset, uint64_t rows,
					  uint64_t row_bytes, uint64_t stride_bytes, bool dst,
					  void **out)
{
	uint64_t bytes = 0;

	if (dst && rows > 1 && stride_bytes < row_bytes)
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, stride_bytes);
	if (rows && (__builtin_mul_overflow(rows - 1, stride_bytes, &bytes) ||
		     __builtin_add_overflow(bytes, row_bytes, &bytes)))
		return npu_exec_fault(s, NPU_FAULT_SPAD, offset);
	return npu_exec_spad(s, offset, bytes, out);
}

/*
 * Whether two scratchpad operands of rows share a byte: exact where their strides agree or
 * where they lie apart as a whole, else careful.
 */
bool npu_exec_overlap(uint32_t a, uint64_t a_rows, uint64_t a_bytes, uint64_t a_stride,
		      uint32_t b, uint64_t b_rows, uint64_t b_bytes, uint64_t b_stride);

/* Copies between memory and host; a fault is the step's. */
enum npu_step npu_exec_read(struct npu_stream *s, uint64_t va, void *dst, uint64_t bytes);
enum npu_step npu_exec_write(struct npu_stream *s, uint64_t va, const void *src, uint64_t bytes);

/* Pointer to memory and the bytes, 1..len, that follow it; NULL after a fault. */
static inline uint8_t *npu_exec_run(struct npu_stream *s, uint64_t va, uint64_t len, bool write,
				    uint64_t *run)
{
	enum npu_fault fault;
	uint8_t *p = npu_mmu_run(s->mmu, va, len, write, run, &fault);

	if (__builtin_expect(!p, 0))
		npu_exec_fault(s, fault, va);
	return p;
}

/*
 * Pointer to @len bytes of memory to read: in place if they lie together, else copied to
 * @bounce. NULL after a fault.
 */
const void *npu_exec_in(struct npu_stream *s, uint64_t va, uint64_t len, void *bounce);

/* Logs what the command asks of the modelled machine; its tokens and opcode are filled in here. */
enum npu_step npu_exec_log(struct npu_stream *s, const struct npu_cmd_hdr *hdr,
			   struct npu_work *w);

npu_exec_fn npu_exec_nop, npu_exec_end, npu_exec_barrier, npu_exec_loop, npu_exec_loop_end,
	npu_exec_break, npu_exec_alu, npu_exec_ldr, npu_exec_str, npu_exec_mark;
npu_exec_fn npu_exec_load, npu_exec_store, npu_exec_gather;
npu_exec_fn npu_exec_kv_store, npu_exec_attn;
npu_exec_fn npu_exec_relayout;
npu_exec_fn npu_exec_matmul, npu_exec_wrows;
npu_exec_fn npu_exec_rmsnorm, npu_exec_rope, npu_exec_softmax, npu_exec_ew, npu_exec_quant,
	npu_exec_convert;
npu_exec_fn npu_exec_argmax, npu_exec_topk, npu_exec_penalize, npu_exec_sample;

#endif

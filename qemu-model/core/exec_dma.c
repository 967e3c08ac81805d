/* SPDX-License-Identifier: MIT */
/*
 * Tiles between memory and scratchpad: LOAD, STORE, GATHER.
 */
#include <string.h>

#include "exec.h"

/* Address of row @i; rows may not leave 64 bits. */
static enum npu_step row_addr(struct npu_stream *s, uint64_t base, uint64_t stride, uint64_t i,
			      uint64_t *va)
{
	uint64_t offset;

	if (__builtin_mul_overflow(stride, i, &offset) ||
	    __builtin_add_overflow(base, offset, va))
		return npu_exec_fault(s, NPU_FAULT_OVERFLOW, i);
	return NPU_STEP_OK;
}

static enum npu_step move(struct npu_stream *s, uint64_t va, uint8_t *spad, uint64_t bytes,
			  bool write)
{
	return write ? npu_exec_write(s, va, spad, bytes) : npu_exec_read(s, va, spad, bytes);
}

static enum npu_step dma(struct npu_stream *s, const struct npu_cmd_dma *c, bool write)
{
	struct npu_work w = { 0 };
	uint64_t base, va, bytes;
	uint32_t rows;
	void *spad;

	NPU_TRY(npu_exec_count(s, &c->rows, &rows));
	NPU_TRY(npu_exec_addr(s, &c->addr, 2, &base));
	NPU_TRY(npu_exec_rows(s, c->spad, rows, c->row_bytes, c->spad_stride, true, &spad));
	bytes = (uint64_t)rows * c->row_bytes;
	if (rows == 1 || (c->mem_stride == c->row_bytes && c->spad_stride == c->row_bytes)) {
		NPU_TRY(move(s, base, spad, bytes, write));
	} else {
		for (uint32_t i = 0; i < rows; i++) {
			NPU_TRY(row_addr(s, base, c->mem_stride, i, &va));
			NPU_TRY(move(s, va, (uint8_t *)spad + (uint64_t)i * c->spad_stride,
				     c->row_bytes, write));
			if (npu_stream_stopped(s))
				return NPU_STEP_STOPPED;
		}
	}
	w.spad_bytes = bytes;
	if (write)
		w.write_bytes = bytes;
	else
		w.read_bytes = bytes;
	return npu_exec_log(s, &c->hdr, &w);
}

enum npu_step npu_exec_load(struct npu_stream *s, const struct npu_op *op)
{
	return dma(s, op->cmd, false);
}

enum npu_step npu_exec_store(struct npu_stream *s, const struct npu_op *op)
{
	return dma(s, op->cmd, true);
}

enum npu_step npu_exec_gather(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_gather *c = op->cmd;
	struct npu_work w = { 0 };
	uint64_t base, va;
	uint32_t count, row;
	void *dst, *index;

	NPU_TRY(npu_exec_count(s, &c->count, &count));
	NPU_TRY(npu_exec_addr(s, &c->addr, 2, &base));
	NPU_TRY(npu_exec_rows(s, c->spad, count, c->row_bytes, c->spad_stride, true, &dst));
	NPU_TRY(npu_exec_rows(s, c->index, count, 4, 4, false, &index));
	if (npu_exec_overlap(c->spad, count, c->row_bytes, c->spad_stride, c->index, 1,
			     4ull * count, 0))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->index);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(&row, (const uint8_t *)index + 4ull * i, 4);
		if (row >= c->n_rows)
			return npu_exec_fault(s, NPU_FAULT_INDEX, row);
		NPU_TRY(row_addr(s, base, c->mem_stride, row, &va));
		NPU_TRY(npu_exec_read(s, va, (uint8_t *)dst + (uint64_t)i * c->spad_stride,
				      c->row_bytes));
		if (npu_stream_stopped(s))
			return NPU_STEP_STOPPED;
	}
	w.read_bytes = (uint64_t)count * c->row_bytes;
	w.spad_bytes = w.read_bytes + 4ull * count;
	return npu_exec_log(s, &c->hdr, &w);
}

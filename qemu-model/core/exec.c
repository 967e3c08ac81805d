/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "exec.h"

/* Bytes between two looks for a request to stop */
#define COPY_PIECE (256u << 10)

bool npu_exec_overlap(uint32_t a, uint64_t a_rows, uint64_t a_bytes, uint64_t a_stride,
		      uint32_t b, uint64_t b_rows, uint64_t b_bytes, uint64_t b_stride)
{
	uint64_t a_end, b_end, apart;

	if (!a_rows || !b_rows)
		return false;
	/* Both lie in the scratchpad, so neither end wraps. */
	a_end = a + (a_rows - 1) * a_stride + a_bytes;
	b_end = b + (b_rows - 1) * b_stride + b_bytes;
	if (a_end <= b || b_end <= a)
		return false;
	if (a_stride != b_stride || a_bytes > a_stride || b_bytes > b_stride)
		return true;
	/* Columns side by side in rows of the same distance */
	apart = (b + a_stride - a % a_stride) % a_stride;
	return apart < a_bytes || apart + b_bytes > a_stride;
}

static enum npu_step copy(struct npu_stream *s, uint64_t va, uint8_t *host, uint64_t bytes,
			  bool write)
{
	while (bytes) {
		uint64_t run;
		uint8_t *mem = npu_exec_run(s, va, bytes < COPY_PIECE ? bytes : COPY_PIECE, write,
					    &run);

		if (!mem)
			return NPU_STEP_FAULT;
		if (write)
			memcpy(mem, host, run);
		else
			memcpy(host, mem, run);
		va += run;
		host += run;
		bytes -= run;
		if (bytes && npu_stream_stopped(s))
			return NPU_STEP_STOPPED;
	}
	return NPU_STEP_OK;
}

enum npu_step npu_exec_read(struct npu_stream *s, uint64_t va, void *dst, uint64_t bytes)
{
	return copy(s, va, dst, bytes, false);
}

enum npu_step npu_exec_write(struct npu_stream *s, uint64_t va, const void *src, uint64_t bytes)
{
	return copy(s, va, (uint8_t *)(uintptr_t)src, bytes, true);
}

const void *npu_exec_in(struct npu_stream *s, uint64_t va, uint64_t len, void *bounce)
{
	uint64_t run;
	const uint8_t *mem = npu_exec_run(s, va, len, false, &run);

	if (!mem || run == len)
		return mem;
	memcpy(bounce, mem, run);
	for (uint64_t done = run; done < len; done += run) {
		mem = npu_exec_run(s, va + done, len - done, false, &run);
		if (!mem)
			return NULL;
		memcpy((uint8_t *)bounce + done, mem, run);
	}
	return bounce;
}

enum npu_step npu_exec_log(struct npu_stream *s, const struct npu_cmd_hdr *hdr,
			   struct npu_work *w)
{
	w->wait = hdr->wait;
	w->signal = hdr->signal;
	w->opcode = hdr->opcode;
	/* 64 G integer and 16 G float multiply-accumulates, 16 GB, 8 G lane operations a second */
	s->cost += NPU_STREAM_COMMAND_NS + (w->macs_int8 >> 6) + (w->macs_float >> 4) +
		   ((w->read_bytes + w->write_bytes + w->stream_bytes) >> 4) +
		   (w->vector_ops >> 3);
	s->logged++;
	if (npu_timing_log(s->timing, s->core, w))
		return npu_exec_fault(s, NPU_FAULT_BUS, s->logged);
	return NPU_STEP_OK;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "job.h"
#include "stream.h"

int npu_stream_init(struct npu_stream *s, uint16_t core, uint32_t spad_bytes)
{
	memset(s, 0, sizeof(*s));
	s->core = core;
	s->spad_bytes = spad_bytes;
	s->spad = aligned_alloc(NPU_PAGE_SIZE, NPU_ALIGN_UP(spad_bytes, NPU_PAGE_SIZE));
	if (!s->spad)
		return -ENOMEM;
	memset(s->spad, 0, spad_bytes);
	return 0;
}

void npu_stream_release(struct npu_stream *s)
{
	free(s->spad);
	free(s->scratch);
	s->spad = NULL;
	s->scratch = NULL;
}

void npu_stream_clear_spad(struct npu_stream *s)
{
	memset(s->spad, 0, s->spad_used);
	s->spad_used = 0;
}

void *npu_stream_scratch(struct npu_stream *s, uint64_t bytes)
{
	if (bytes <= s->scratch_bytes)
		return s->scratch;
	free(s->scratch);
	bytes = NPU_ALIGN_UP(bytes, NPU_PAGE_SIZE);
	s->scratch = aligned_alloc(NPU_PAGE_SIZE, bytes);
	s->scratch_bytes = s->scratch ? bytes : 0;
	return s->scratch;
}

bool npu_stream_attend(struct npu_stream *s)
{
	for (;;) {
		uint32_t bits = npu_attention(s->gate);

		if (bits & NPU_ATTEND_KILL)
			return true;
		if (bits & NPU_ATTEND_FAULT &&
		    s->core > __atomic_load_n(&s->job->stop_core, __ATOMIC_RELAXED))
			return true;
		if (!(bits & NPU_ATTEND_GATE))
			return false;
		npu_gate_yield(s->gate);
	}
}

void npu_stream_run(struct npu_stream *s)
{
	const struct npu_op *op;

	do {
		if (npu_stream_stopped(s)) {
			s->stop = NPU_STEP_STOPPED;
			return;
		}
		if (s->logged >= NPU_STREAM_LOG_MAX) {
			s->stop = NPU_STEP_PAUSE;
			return;
		}
		op = &s->ops[s->pc++];
		s->commands++;
		s->stop = op->exec(s, op);
	} while (s->stop == NPU_STEP_OK);

	if (s->stop == NPU_STEP_FAULT) {
		s->fault.core = s->core;
		s->fault.opcode = ((const struct npu_cmd_hdr *)op->cmd)->opcode;
		s->fault.offset = op->offset;
		s->fault.mark = s->mark;
	}
}

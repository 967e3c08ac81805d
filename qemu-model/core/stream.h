/* SPDX-License-Identifier: MIT */
/*
 * A core of the device and the stream that it executes: registers, scratchpad, position.
 */
#ifndef NPU_CORE_STREAM_H
#define NPU_CORE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "decode.h"
#include "gate.h"
#include "kernels/kernels.h"
#include "mmu.h"
#include "split.h"
#include "timing.h"

/* Commands that a stream may log before the time is replayed */
#define NPU_STREAM_LOG_MAX 16384
/* Modelled time aside, what a command costs the host: see npu_stream.cost */
#define NPU_STREAM_COMMAND_NS 40

struct npu_job;

struct npu_loop {
	uint64_t count;
	uint64_t i;
	uint32_t body;		/* index of its first command */
	uint8_t index;		/* register */
};

struct npu_stream {
	uint64_t reg[NPU_REG_COUNT];
	struct npu_op *ops;		/* of this stream */
	const struct npu_kernels *kern;
	uint8_t *spad;
	struct npu_mmu *mmu;
	struct npu_gate *gate;
	struct npu_timing *timing;
	const struct npu_machine *machine;
	struct npu_job *job;
	uint32_t spad_bytes;
	uint32_t owner;			/* serial of the context whose values it may hold */
	uint32_t spad_used; /* first byte that no command has touched since the clearing */
	uint32_t pc;			/* next command */
	uint32_t depth;			/* of loops */
	uint32_t logged;
	uint16_t core;
	uint16_t pad;
	uint64_t commands;
	uint64_t cost;			/* host ns, roughly, since the phase began */
	uint32_t mark;
	uint32_t barrier;		/* mask that it waits with */
	enum npu_step stop;		/* where it stands */
	struct npu_fault_info fault;
	struct npu_loop loop[NPU_MAX_LOOP_DEPTH];
	void *scratch;			/* host memory for operators, see npu_stream_scratch() */
	uint64_t scratch_bytes;
	struct npu_split split;		/* work of this core that idle threads may share */
	bool shares;			/* whether there are any */
};

/* Makes core @core with a cleared scratchpad; -ENOMEM. */
int npu_stream_init(struct npu_stream *s, uint16_t core, uint32_t spad_bytes);
void npu_stream_release(struct npu_stream *s);
/* Zeroes what was touched of the scratchpad. */
void npu_stream_clear_spad(struct npu_stream *s);

/*
 * Runs up to a barrier, the end, a fault, or a request to stop; the caller is inside the gate.
 * Leaves the reason in s->stop.
 */
void npu_stream_run(struct npu_stream *s);

/*
 * Answers a request for attention between commands or pieces of one: lets a closer of the gate
 * through. Returns whether the stream is to stop.
 */
bool npu_stream_attend(struct npu_stream *s);

static inline bool npu_stream_stopped(struct npu_stream *s)
{
	return __builtin_expect(npu_attention(s->gate) != 0, 0) && npu_stream_attend(s);
}

/* At least @bytes of host memory, aligned to 64, until the next call; NULL: no memory. */
void *npu_stream_scratch(struct npu_stream *s, uint64_t bytes);

#endif

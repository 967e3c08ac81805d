/* SPDX-License-Identifier: MIT */
/*
 * A job that was stopped at a safe point: all that it needs to go on later. Of the scratchpad
 * nothing is kept: at a safe point nothing in it is needed any more.
 */
#ifndef NPU_CORE_SAVED_H
#define NPU_CORE_SAVED_H

#include <stdbool.h>
#include <stdint.h>

#include "npu_fw_msg.h"
#include "stream.h"

struct npu_job;

/* Modelled time that stopping a job and going on with it takes together */
#define NPU_SWITCH_NS 1000

/* Position of one stream */
struct npu_saved_stream {
	uint64_t reg[NPU_REG_COUNT];
	struct npu_loop loop[NPU_MAX_LOOP_DEPTH];
	uint64_t commands;
	uint32_t pc;
	uint32_t depth;
	uint32_t mark;
	bool ended;
};

struct npu_saved {
	struct npu_program *program;	/* used; NULL: the slot is empty */
	uint64_t progress;
	struct npu_done done;		/* figures of the runs so far, seqno, queue */
	struct npu_saved_stream stream[NPU_MAX_CORES];
};

/* Makes a slot of the streams of @job, which stand at safe points or have ended. -ENOMEM. */
int npu_saved_fill(struct npu_saved **slot, const struct npu_job *job,
		   struct npu_program *program, const struct npu_done *done);
/* Puts the streams' positions back. */
void npu_saved_restore(const struct npu_saved *saved, struct npu_job *job);
/* Empties a slot; an empty one is allowed. */
void npu_saved_drop(struct npu_saved **slot);

/* Adds the figures of another run of the same job to those in @sum. */
void npu_saved_add(struct npu_done *sum, const struct npu_done *run);

#endif

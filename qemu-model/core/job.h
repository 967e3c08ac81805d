/* SPDX-License-Identifier: MIT */
/*
 * A job: one execution of a program by the streams of its cores, phase by phase. A phase runs each
 * stream that can run up to its next barrier or end; between phases the barriers are judged. Small
 * phases run on one thread, one core after the other; large ones on all threads.
 */
#ifndef NPU_CORE_JOB_H
#define NPU_CORE_JOB_H

#include <stdint.h>

#include "npu_fw_msg.h"
#include "pool.h"
#include "stream.h"

struct npu_core;
struct npu_context;
struct npu_queue;

/* Programs kept between jobs, so that a buffer which is replayed is not decoded again */
#define NPU_PROGRAMS_KEPT 8
#define NPU_PROGRAM_KEEP_BYTES (2u << 20)

struct npu_program_slot {
	struct npu_program *program;
	uint32_t context;	/* serial */
	uint64_t va;
	uint64_t used;		/* counts jobs, for the choice of the slot to reuse */
};

struct npu_job {
	struct npu_core *core;
	struct npu_queue *queue;
	struct npu_stream *streams;	/* one a core of the device */
	uint32_t n_streams;
	uint32_t stop_core;		/* cores above it stop: lowest one that has faulted */
	struct npu_status_page *status;
	/* the current phase */
	struct npu_crew crew;
	uint32_t next;			/* of run[] */
	uint32_t n_run;
	uint32_t left;			/* streams that have not come to their stop */
	uint32_t busy;			/* threads that run a stream */
	uint16_t run[NPU_MAX_CORES];
	struct npu_program_slot kept[NPU_PROGRAMS_KEPT];
	uint64_t jobs;
};

/* Runs the job of @entry in @ctx; fills @done. The caller is the runner, inside the gate. */
void npu_job_run(struct npu_job *job, struct npu_context *ctx, struct npu_queue *queue,
		 const struct npu_ring_entry *entry, struct npu_done *done);

/* What a helper thread does when it is called; @opaque is the job. */
bool npu_job_help(void *opaque);

/* Offers a stream's split to idle threads and tells them. */
void npu_job_share(struct npu_job *job, struct npu_split *split);

/* Raises the progress that the watchdog sees. */
void npu_job_progress(struct npu_job *job);

/* Forgets programs of a context (its serial), or of all with 0. */
void npu_job_forget(struct npu_job *job, uint32_t context);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A job: one execution of a program by the streams of its cores, phase by phase. A phase runs each
 * stream that can run up to its next barrier or end; between phases the barriers are judged. Small
 * phases run on one thread, one core after the other; large ones on all threads.
 */
#ifndef NPU_CORE_JOB_H
#define NPU_CORE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "npu_fw_msg.h"
#include "pool.h"
#include "stream.h"

struct npu_core;
struct npu_context;
struct npu_saved;

/* Programs kept between jobs, so that a buffer which is replayed is not decoded again */
#define NPU_PROGRAMS_KEPT 8
#define NPU_PROGRAM_KEEP_BYTES (2u << 20)

struct npu_program_slot {
	struct npu_program *program;
	uint32_t context;	/* serial */
	uint64_t va;
	uint64_t used;		/* counts jobs, for the choice of the slot to reuse */
};

/* What the firmware has asked for: a job from its start, or what is left of a saved one. */
struct npu_run {
	uint32_t queue;
	uint32_t context;
	uint32_t mhz;			/* clock of matrix and vector engine */
	bool resume;
	struct npu_ring_entry entry;	/* of a start */
};

struct npu_job {
	struct npu_core *core;
	struct npu_stream *streams;	/* one a core of the device */
	uint32_t n_streams;
	uint32_t stop_core;		/* cores above it stop: lowest one that has faulted */
	/* read and written by others while it runs */
	uint64_t progress;		/* MARKs since its start */
	uint64_t model_ns;		/* of this run, as far as it has been replayed */
	bool clock_wanted;		/* somebody waits for model_ns to be of now */
	uint64_t limit_ns;		/* of model_ns, then it is to stop; zero: none */
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

/*
 * Runs a job up to its end, or to a safe point if it is asked to stop, and fills @done. Returns
 * whether it has ended; else it is in *@slot, where a resumed one comes from. The caller is the
 * runner, inside the gate.
 */
bool npu_job_run(struct npu_job *job, const struct npu_run *run, struct npu_saved **slot,
		 struct npu_done *done);

/* What a helper thread does when it is called; @opaque is the job. */
bool npu_job_help(void *opaque);

/* Offers a stream's split to idle threads and tells them. */
void npu_job_share(struct npu_job *job, struct npu_split *split);

/* Raises the progress that the firmware's watchdog sees. */
void npu_job_progress(struct npu_job *job);

/* Forgets programs of a context (its serial), or of all with 0. */
void npu_job_forget(struct npu_job *job, uint32_t context);

#endif

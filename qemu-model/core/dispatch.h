/* SPDX-License-Identifier: MIT */
/*
 * The command processor as the firmware sees it: one job at a time, started, resumed, stopped and
 * killed by registers (NPU_CC_JOB_*). The firmware gives orders from whichever thread runs it; the
 * runner carries them out.
 */
#ifndef NPU_CORE_DISPATCH_H
#define NPU_CORE_DISPATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "job.h"
#include "npu_fw_hw.h"

struct npu_core;

struct npu_dispatch {
	pthread_mutex_t lock;		/* status against ends of jobs, and all below */
	uint32_t status;		/* enum npu_cc_job_status */
	bool ordered;			/* run waits for the runner */
	struct npu_run run;
	struct npu_done result;		/* of the last run that has ended */
	uint64_t model_ns;		/* modelled, of all runs that have ended */
	struct npu_saved *saved[NPU_MAX_QUEUES];
};

void npu_dispatch_init(struct npu_dispatch *d);
void npu_dispatch_destroy(struct npu_dispatch *d);
/* Back to power-on; nothing runs. */
void npu_dispatch_reset(struct npu_dispatch *d);

/*
 * Orders of the firmware. START and RESUME are ignored while a job runs, and if context or slot
 * do not exist; the others if there is nothing that they mean. @entry of a START is copied.
 */
void npu_dispatch_start(struct npu_core *core, const struct npu_run *run, uint64_t limit_ns);
void npu_dispatch_stop(struct npu_core *core);
void npu_dispatch_kill(struct npu_core *core);
void npu_dispatch_limit(struct npu_core *core, uint64_t limit_ns);
void npu_dispatch_drop(struct npu_core *core, uint32_t queue);

/* Modelled ns since boot, the running job included. */
uint64_t npu_dispatch_model_ns(struct npu_core *core);

/* The runner's part: whether there was a job to run; it has ended or stopped. Inside the gate. */
bool npu_dispatch_run(struct npu_core *core);

static inline uint32_t npu_dispatch_status(const struct npu_dispatch *d)
{
	return __atomic_load_n(&d->status, __ATOMIC_SEQ_CST);
}

#endif

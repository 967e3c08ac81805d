/* SPDX-License-Identifier: MIT */
/*
 * The firmware's whole state, one struct a concern, and the headers of all of them.
 */
#ifndef FW_FW_H
#define FW_FW_H

#include "hw.h"
#include "lib.h"
#include "npu_versions.h"

#include "boot.h"
#include "check.h"
#include "context.h"
#include "done.h"
#include "job.h"
#include "log.h"
#include "loop.h"
#include "mailbox.h"
#include "message.h"
#include "panic.h"
#include "power.h"
#include "queue.h"
#include "sched.h"
#include "status.h"

struct fw {
	struct npu_fw_config config;
	uint32_t api;			/* agreed on */
	uint32_t source;		/* enum npu_fw_source */
	uint32_t security_version;
	char version[32];
	uint32_t contexts;		/* of the machine */
	uint32_t queues;
	uint32_t matrix_mhz;

	bool mapped;			/* rings and status page */
	bool again;			/* work is left for the next round of the loop */
	bool held;			/* test builds: no job is started any more */
	struct mailbox mailbox;
	struct done_ring done;
	struct log log;
	struct beat beat;
	struct power power;

	struct sched sched;
	struct run run;
	bool fault_pending;		/* fault_event waits for room, jobs for it */
	struct npu_msg fault_event;
	struct set restless_queues;	/* to be killed, or an answer waits for their rest */
	struct set restless_contexts;

	/* sums since boot */
	uint64_t model_ns;		/* at the last end of a job; the log's clock */
	uint64_t energy_pj;
	uint64_t busy_ns[NPU_ENGINE_COUNT];
	uint64_t jobs;
	uint64_t faults;

	struct queue queue[NPU_MAX_QUEUES];
	struct context context[NPU_MAX_CONTEXTS];
};

extern struct fw fw;

#endif

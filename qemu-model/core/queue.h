/* SPDX-License-Identifier: MIT */
/*
 * Queues: their rings, whose turn it is, and how jobs of a queue that is reset come to their end.
 * The runner picks and finishes jobs; the control thread changes queues with memory held.
 */
#ifndef NPU_CORE_QUEUE_H
#define NPU_CORE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "npu_fw_image.h"
#include "npu_fw_msg.h"

struct npu_core;

struct npu_queue {
	bool used;
	bool suspended;
	uint32_t id;
	uint32_t context;
	uint32_t priority;
	uint32_t entries;
	struct npu_window ring;
	uint32_t head;		/* entries taken */
	uint32_t done;		/* jobs finished */
	uint64_t progress;
	uint16_t ending;	/* message to answer when the queue has come to rest, or zero */
	uint32_t ending_id;	/* of that message */
	bool kill;		/* its entries up to kill_tail complete as KILLED */
	uint32_t kill_tail;
};

/* Whose turn it is; see struct npu_fw_config. */
struct npu_sched {
	uint32_t turn_jobs;		/* of the current turn */
	uint64_t turn_ns;
	uint32_t turn_queue;		/* NPU_MAX_QUEUES: none */
	bool turn_lent;			/* to a lower priority that has waited long enough */
	uint32_t next[NPU_PRIORITY_COUNT];	/* where the round robin goes on */
	uint32_t waited[NPU_PRIORITY_COUNT];	/* turns of higher queues while jobs waited here */
};

/* Entries written, by the doorbell; zero if the doorbell makes no sense. */
uint32_t npu_queue_pending(const struct npu_core *core, const struct npu_queue *q);

/*
 * Takes the next job: copies its entry to @entry. False: nothing may run. The caller is
 * inside the gate.
 */
bool npu_queue_pick(struct npu_core *core, struct npu_queue **q, struct npu_ring_entry *entry);

/* Ends a job of @q: counts, record, status page. Returns whether to raise NPU_MSIX_DONE. */
bool npu_queue_finish(struct npu_core *core, struct npu_queue *q, const struct npu_done *record);

/* Kills what the queue holds now; the running job, if it is its, ends by itself. Memory held. */
void npu_queue_kill(struct npu_core *core, struct npu_queue *q);

/*
 * Completes killed entries as far as there is room in the ring of records. Returns whether the
 * queue is at rest: nothing runs and nothing is to be killed. Memory held.
 */
bool npu_queue_settle(struct npu_core *core, struct npu_queue *q);

#endif

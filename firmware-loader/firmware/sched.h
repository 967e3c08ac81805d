/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is; see struct npu_fw_config.
 *
 * A queue is ready when it has something to run and nothing keeps it from running. The highest
 * priority with a ready queue has the next turn; after starvation_turns of them a lower one that
 * waits is lent a turn, which higher ones do not cut short. Within a priority the context served
 * least in modelled time goes first, then the queue served least within it; among equals whoever
 * had a turn the longest ago. Who comes from idleness starts at the least of the others: nobody
 * saves up time. A turn is over after max_jobs_per_turn jobs or time_slice_us; a job that goes on
 * is stopped then if anybody else waits.
 *
 * Ready queues stand in sets: one that waits for nothing costs nothing.
 */
#ifndef FW_SCHED_H
#define FW_SCHED_H

#include "hw.h"
#include "lib.h"

struct queue;

struct sched {
	struct set ready[NPU_PRIORITY_COUNT];
	uint32_t levels;		/* bit p: ready[p] is not empty */
	uint32_t n_ready;		/* queues in all of them */
	uint32_t n_level[NPU_PRIORITY_COUNT];	/* queues in each */
	bool news;			/* somebody has become ready while a job runs */
	struct queue *turn_queue;	/* NULL: none */
	bool turn_lent;			/* to a lower priority that has waited long enough */
	uint32_t turn_jobs;		/* of the current turn */
	uint64_t turn_ns;
	uint32_t turns;			/* counts them */
	uint32_t waited[NPU_PRIORITY_COUNT];	/* turns of higher queues while jobs waited here */
	uint64_t least_ns[NPU_PRIORITY_COUNT];	/* served to the one served least; never falls */
};

/* Something has changed that decides whether @q is ready. */
void sched_update(struct queue *q);
/* Gives @q another priority. */
void sched_move(struct queue *q, uint32_t priority);
/* @q is gone. */
void sched_leave(struct queue *q);

/* A job of @q has run for @ns at @priority. */
void sched_account(struct queue *q, uint32_t priority, uint64_t ns);
/* What the current turn has left, modelled ns; zero if nobody else waits. */
uint32_t sched_limit(const struct queue *q);

/* Starts the job whose turn it is; if one runs, sees that it makes way in time. */
void sched_run(void);

#endif

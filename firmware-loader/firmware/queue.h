/* SPDX-License-Identifier: MIT */
/*
 * Queues: their rings and doorbells, what the driver asks of them, how they come to rest.
 */
#ifndef FW_QUEUE_H
#define FW_QUEUE_H

#include "hw.h"

/* Doorbells whose times are kept; what is rung beyond counts as rung with the last of them. */
#define QUEUE_STAMPS 16

/* Entries below @tail that no earlier stamp covers were rung at @ns, modelled. */
struct queue_stamp {
	uint64_t ns;
	uint32_t tail;
};

struct queue {
	bool used;
	bool suspended;
	bool kill;		/* its entries up to kill_tail complete as KILLED */
	bool saved;		/* a job of it was stopped and waits in the queue's slot */
	bool ready;		/* it is in sched.ready */
	uint32_t id;
	uint32_t context;
	struct context *ctx;	/* the same */
	uint32_t priority;
	uint32_t entries;
	uint32_t head;		/* entries taken */
	uint32_t tail;		/* entries written, by the doorbell */
	uint32_t kill_tail;
	uint32_t done;		/* jobs finished */
	uint32_t ending_id;	/* of the message to answer when it has come to rest */
	uint16_t ending;	/* type of that message, or zero */
	uint32_t turn;		/* when it had its last one */
	uint64_t served_ns;	/* modelled; see sched.h */
	uint64_t progress;	/* of jobs that have ended */
	uint32_t marks;		/* of the job that has not */
	uint32_t first_stamp;
	uint32_t stamps;
	struct queue_stamp stamp[QUEUE_STAMPS];
	uint64_t rung_ns;	/* doorbell of the job taken last */
	struct npu_done record;	/* of that job, so far */
};

/* Answers of the requests; message.c */
uint16_t queue_create(const struct npu_msg *msg);
uint16_t queue_change(const struct npu_msg *msg);

/* Entries written; zero if the doorbell makes no sense. */
uint32_t queue_pending(const struct queue *q);
/* The doorbell of a queue was written. */
void queue_rung(uint32_t id);

/* Address of the entry at the head; the queue has one. */
uint32_t queue_entry(const struct queue *q);
/* That entry is taken: the driver may use its slot. */
void queue_advance(struct queue *q);

/* Kills what the queue holds now; the running job, if it is its, ends by itself. */
void queue_kill(struct queue *q);
/* Completes killed jobs as far as there is room; answers what waits for the queue's rest. */
void queue_settle(struct queue *q);

#endif

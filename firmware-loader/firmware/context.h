/* SPDX-License-Identifier: MIT */
/*
 * A context: an address space, whether it may still run, and what it has been served.
 */
#ifndef FW_CONTEXT_H
#define FW_CONTEXT_H

#include "hw.h"
#include "lib.h"

struct context {
	bool used;
	bool faulted;		/* its jobs end as NPU_FAULT_CONTEXT until it is reset */
	bool ending;		/* a reset waits for its queues to come to rest */
	uint32_t ending_id;	/* of the message to answer then */
	struct set queues;
	/* by priority; see sched.h */
	struct {
		uint32_t ready;		/* queues with something to run */
		uint32_t turn;		/* when it had its last one */
		uint64_t served_ns;
		uint64_t least_ns;	/* of its queues */
	} share[NPU_PRIORITY_COUNT];
};

/* Answers of the requests; message.c */
uint16_t context_create(const struct npu_msg *msg);
uint16_t context_destroy(const struct npu_msg *msg);
uint16_t context_invalidate(const struct npu_msg *msg);
uint16_t context_reset(const struct npu_msg *msg);

/* The context with this id, or why there is none */
uint16_t context_find(uint32_t id, struct context **ctx);

/* Ends the reset of a context if its queues have come to rest and there is room for the answer. */
void context_settle(uint32_t id);

/* A job of it has faulted by itself: tells the driver, at the latest before the next job starts. */
void context_fault(struct context *ctx, const struct npu_done *record);
/* Tells the driver, if that has found no room before. */
void context_tell(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Who may touch memory. Each thread of the device is inside the gate while it uses a guest
 * mapping, a context or a queue; whoever has to change these, or has to stop the device, closes
 * the gate and has them alone once nobody is inside.
 */
#ifndef NPU_CORE_GATE_H
#define NPU_CORE_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Reasons to look up from the stream of commands, in npu_gate.attention */
#define NPU_ATTEND_GATE		0x1	/* the gate is closing: npu_gate_yield() */
#define NPU_ATTEND_KILL		0x2	/* the running job is to end */
#define NPU_ATTEND_FAULT	0x4	/* another core of the job has faulted */
#define NPU_ATTEND_STOP		0x8	/* the running job is to stop at its next safe point */

struct npu_gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int inside;
	unsigned int working;	/* inside, or waiting to go on with what they do there */
	unsigned int closed;	/* how many keep it closed */
	bool held;		/* by a thread inside, which has memory alone */
	bool resetting;		/* those inside may run on, to unwind; none enters anew */
	uint32_t attention;	/* NPU_ATTEND_*, read before each command */
};

void npu_gate_init(struct npu_gate *g);
void npu_gate_destroy(struct npu_gate *g);

/* Enters if the gate is open. */
bool npu_gate_try_enter(struct npu_gate *g);
/* Enters on behalf of work that is under way: waits while closed, except in a reset. */
void npu_gate_join(struct npu_gate *g);
void npu_gate_leave(struct npu_gate *g);
/* Leaves and joins again, to let a closer through. */
void npu_gate_yield(struct npu_gate *g);

/* Closes and waits until nobody is inside. */
void npu_gate_close(struct npu_gate *g);
void npu_gate_open(struct npu_gate *g);
/* The same by a thread that is inside and stays there. */
void npu_gate_hold(struct npu_gate *g);
void npu_gate_release(struct npu_gate *g);
/*
 * The same for a reset: those at work see NPU_ATTEND_KILL, unwind and leave, even if others
 * keep the gate closed. Caller is outside.
 */
void npu_gate_close_reset(struct npu_gate *g);
void npu_gate_open_reset(struct npu_gate *g);

static inline uint32_t npu_attention(const struct npu_gate *g)
{
	return __atomic_load_n(&g->attention, __ATOMIC_RELAXED);
}

static inline void npu_attention_set(struct npu_gate *g, uint32_t bits)
{
	__atomic_fetch_or(&g->attention, bits, __ATOMIC_SEQ_CST);
}

static inline void npu_attention_clear(struct npu_gate *g, uint32_t bits)
{
	__atomic_fetch_and(&g->attention, ~bits, __ATOMIC_SEQ_CST);
}

#endif

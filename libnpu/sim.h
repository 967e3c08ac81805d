/* SPDX-License-Identifier: MIT */
/*
 * The sim transport's inside: the driver's part played in this process. Bus addresses are host
 * addresses. transport_sim.c owns the device model and is alone in knowing it.
 *
 * Locks: `lock` guards all but the registers, `reg_lock` one register access. The device may raise
 * an interrupt inside a register write and the handler takes `lock`, so a register is never written
 * with `lock` held. Order: create_lock, kick_lock, request_lock, lock; reg_lock is taken last and
 * alone.
 */
#ifndef LIBNPU_SIM_H
#define LIBNPU_SIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "npu_fw_msg.h"
#include "sim_pt.h"
#include "transport.h"

#define SIM_MSG_ENTRIES		64
#define SIM_DONE_ENTRIES	NPU_DONE_RING_ENTRIES_MAX
#define SIM_TIMEOUT_MS		10000	/* boot and messages, host time */

struct npu_core;
struct sim_queue;

/* Descriptor that becomes readable with a job. */
struct sim_fd {
	struct sim_fd *next;
	uint64_t seqno;
	int fd;
};

struct sim_vm {
	struct sim_pt pt;
	bool faulted;		/* a job of it has; until the device has been told to go on */
};

struct sim {
	struct npu_core *core;
	pthread_mutex_t reg_lock;
	pthread_mutex_t lock;
	pthread_cond_t changed;		/* anything that a waiter may wait for */
	pthread_mutex_t request_lock;	/* one message under way */
	pthread_mutex_t create_lock;	/* queues and contexts come and go */
	pthread_mutex_t kick_lock;	/* keeps queues while doorbells are rung for others */

	/* shared with the device */
	struct npu_boot_params *boot;
	struct npu_msg *h2d;
	struct npu_msg *d2h;
	struct npu_done *done;
	struct npu_status_page *status;
	void *dma;
	size_t dma_size;

	uint32_t h2d_tail;
	uint32_t d2h_head;
	uint32_t done_head;
	uint32_t done_told;		/* by the last arm */
	uint32_t next_id;
	struct npu_msg reply;		/* to the message under way */
	bool replied;
	bool done_armed;
	bool d2h_armed;
	bool dead;			/* the firmware has stopped */

	/* registers are written for interrupt handlers by this thread */
	pthread_t thread;
	bool thread_runs;
	bool stop;
	bool work;			/* for the thread */

	struct sim_queue *queue[NPU_MAX_QUEUES];
	bool context[NPU_MAX_CONTEXTS];
	uint32_t jobs_room;		/* entries of all queues together */
	uint32_t fds;			/* descriptors that wait */
	uint32_t held;			/* jobs that wait for a sync */
};

static inline struct sim *sim_of(const struct npu_device *dev)
{
	return dev->priv;
}

/* Registers, transport_sim.c */
uint32_t sim_reg_read(struct sim *s, uint32_t offset);
void sim_reg_write(struct sim *s, uint32_t offset, uint32_t value);
/* Writes the low half of *value as it is when the register is free. */
void sim_reg_write_tail(struct sim *s, uint32_t offset, const uint64_t *value);

/* Monotonic now, ns; and the same as a deadline for pthread_cond_timedwait(). */
int64_t sim_now_ns(void);
/* Waits on s->changed (with lock held) until the deadline; false: it has passed. */
bool sim_wait_changed(struct sim *s, int64_t deadline_ns);

/* Messages, sim_mailbox.c: sends and waits for the reply. -EIO refused or no answer. */
int sim_request(struct sim *s, struct npu_msg *msg);
/* Asks for an interrupt with the next message unless one is asked for. Takes lock. */
void sim_mailbox_arm(struct sim *s);
/* Takes what the device has sent; with lock held. */
void sim_mailbox_drain(struct sim *s);

/* Queues, sim_queue.c. Takes completion records; with lock held. True: something has finished. */
bool sim_done_drain(struct sim *s);
/* Writes jobs whose syncs are raised to the rings and rings the doorbells. Takes lock. */
void sim_queues_kick(struct sim *s);
/* Tells the device to go on with address spaces whose jobs have faulted. Takes create_lock. */
void sim_contexts_revive(struct sim *s);
/* Asks for an interrupt with the next completion unless one is asked for. Takes lock. */
void sim_done_arm(struct sim *s);

int sim_queue_create(struct npu_queue *queue);
void sim_queue_destroy(struct npu_queue *queue);
int sim_queue_state(struct npu_queue *queue, struct npu_queue_state *out);
int sim_submit(struct npu_queue *queue, const struct npu_job *jobs, uint32_t n,
	       uint64_t *first_seqno);
int sim_wait(struct npu_queue *queue, uint64_t seqno, int64_t timeout_ns);
int sim_job_fd(struct npu_queue *queue, uint64_t seqno, int *fd);
int sim_job_result(struct npu_queue *queue, uint64_t seqno, struct npu_result *out);

/* Timelines, sim_sync.c */
struct sim_sync {
	uint64_t value;
};
int sim_sync_create(struct npu_sync *sync);
void sim_sync_destroy(struct npu_sync *sync);
int sim_sync_signal(struct npu_sync *sync, uint64_t value);
int sim_sync_wait(struct npu_sync *sync, uint64_t value, int64_t timeout_ns);

#endif

/* SPDX-License-Identifier: MIT */
#include "fw.h"
#include "npu_mmu.h"

/* Killed jobs of one round: the loop comes by in between. */
#define KILLS_A_ROUND 64

uint32_t queue_pending(const struct queue *q)
{
	uint32_t n = q->tail - q->head;

	return n <= q->entries ? n : 0;
}

/* Doorbells */

static struct queue_stamp *stamp_at(struct queue *q, uint32_t i)
{
	return &q->stamp[(q->first_stamp + i) % QUEUE_STAMPS];
}

static int32_t past(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static void stamp(struct queue *q, uint32_t tail)
{
	uint64_t now = job_clock();
	struct queue_stamp *last;

	/* A doorbell that goes back takes entries away. */
	while (q->stamps > 1 && past(stamp_at(q, q->stamps - 2)->tail, tail) >= 0)
		q->stamps--;
	last = stamp_at(q, q->stamps - 1);
	if (q->stamps && (past(last->tail, tail) >= 0 || last->ns == now ||
			  q->stamps == QUEUE_STAMPS)) {
		last->tail = tail;
		return;
	}
	*stamp_at(q, q->stamps++) = (struct queue_stamp) { now, tail };
}

void queue_rung(uint32_t id)
{
	struct queue *q = &fw.queue[id];

	if (!q->used)
		return;
	q->tail = hw_read(NPU_CC_QUEUE_TAIL(id));
	hw_acquire();
	if (queue_pending(q))
		stamp(q, q->tail);
	sched_update(q);
}

uint32_t queue_entry(const struct queue *q)
{
	uint32_t slot = q->head & (q->entries - 1);

	return hw_window(HW_WIN_QUEUE + q->id, slot * (uint32_t)sizeof(struct npu_ring_entry));
}

void queue_advance(struct queue *q)
{
	q->rung_ns = q->stamps ? stamp_at(q, 0)->ns : fw.model_ns;
	q->head++;
	hw_release();
	status_put(STATUS_QUEUE(q->id, head), q->head);
	while (q->stamps && past(stamp_at(q, 0)->tail, q->head) <= 0) {
		q->first_stamp++;
		q->stamps--;
	}
	sched_update(q);
}

/* Requests */

/* A queue that is not on its way to an end already */
static uint16_t find(uint32_t id, struct queue **q)
{
	if (id >= fw.queues)
		return NPU_MSG_STATUS_INVALID;
	*q = &fw.queue[id];
	if (!(*q)->used)
		return NPU_MSG_STATUS_NOENT;
	return (*q)->ending ? NPU_MSG_STATUS_BUSY : NPU_MSG_STATUS_OK;
}

uint16_t queue_create(const struct npu_msg *msg)
{
	uint32_t entries = msg->queue_create.entries, id = msg->queue_create.queue;
	struct context *ctx;
	struct queue *q;
	uint16_t status;

	if (!MESSAGE_REST_ZERO(msg, queue_create) ||
	    msg->queue_create.priority >= NPU_PRIORITY_COUNT ||
	    entries < NPU_QUEUE_ENTRIES_MIN || entries > NPU_QUEUE_ENTRIES_MAX ||
	    entries & (entries - 1) || msg->queue_create.ring % NPU_PAGE_SIZE)
		return NPU_MSG_STATUS_INVALID;
	status = find(id, &q);
	if (status != NPU_MSG_STATUS_NOENT)
		return status == NPU_MSG_STATUS_OK ? NPU_MSG_STATUS_BUSY : status;
	status = context_find(msg->queue_create.context, &ctx);
	if (status)
		return status;
	if (!hw_map(HW_WIN_QUEUE + id, msg->queue_create.ring,
		    entries * (uint32_t)sizeof(struct npu_ring_entry)))
		return NPU_MSG_STATUS_BUS;
	memset(q, 0, sizeof(*q));
	q->used = true;
	q->id = id;
	q->context = msg->queue_create.context;
	q->ctx = ctx;
	q->priority = msg->queue_create.priority;
	q->entries = entries;
	set_add(&ctx->queues, id);
	hw_write(NPU_CC_QUEUE_TAIL(id), 0);
	status_clear(STATUS_QUEUE(id, head), sizeof(((struct npu_status_page *)0)->queue[0]));
	log_line("queue %u: created, context %u, priority %u, %u entries", id, q->context,
		 q->priority, entries);
	return NPU_MSG_STATUS_OK;
}

/* DESTROY, SUSPEND, RESET: answered when the queue has come to rest. */
static uint16_t end(struct queue *q, const struct npu_msg *msg)
{
	q->ending = msg->type;
	q->ending_id = msg->id;
	set_add(&fw.restless_queues, q->id);
	if (msg->type != NPU_MSG_QUEUE_SUSPEND) {
		queue_kill(q);
		return MESSAGE_LATER;
	}
	q->suspended = true;
	sched_update(q);
	if (fw.run.queue == q)
		job_stop();
	return MESSAGE_LATER;
}

uint16_t queue_change(const struct npu_msg *msg)
{
	struct queue *q;
	uint16_t status;

	if (!MESSAGE_REST_ZERO(msg, queue) || msg->queue.priority >= NPU_PRIORITY_COUNT ||
	    (msg->type != NPU_MSG_QUEUE_PRIORITY && msg->queue.priority))
		return NPU_MSG_STATUS_INVALID;
	status = find(msg->queue.queue, &q);
	if (status)
		return status;
	switch (msg->type) {
	case NPU_MSG_QUEUE_RESUME:
		q->suspended = false;
		sched_update(q);
		return NPU_MSG_STATUS_OK;
	case NPU_MSG_QUEUE_PRIORITY:
		sched_move(q, msg->queue.priority);
		return NPU_MSG_STATUS_OK;
	}
	return end(q, msg);
}

/* Coming to rest */

void queue_kill(struct queue *q)
{
	q->kill = true;
	q->kill_tail = q->head + queue_pending(q);
	set_add(&fw.restless_queues, q->id);
	sched_update(q);
	if (fw.run.queue == q)
		job_kill();
}

/* Whether all that was to be killed is. Another queue's running job was promised its record. */
static bool kill_all(struct queue *q)
{
	for (unsigned int i = 0; q->saved || q->head != q->kill_tail; i++) {
		if (!done_room(1 + !!fw.run.queue))
			return false;
		if (i == KILLS_A_ROUND) {
			fw.again = true;
			return false;
		}
		job_refuse(q, NPU_FAULT_KILLED);
	}
	return true;
}

static void leave(struct queue *q)
{
	set_remove(&q->ctx->queues, q->id);
	hw_map(HW_WIN_QUEUE + q->id, 0, 0);
	q->used = false;
	sched_leave(q);
}

void queue_settle(struct queue *q)
{
	uint16_t type = q->ending;

	if (fw.run.queue == q || (q->kill && !kill_all(q)))
		return;
	q->kill = false;
	if (type && !mailbox_room())
		return;
	set_remove(&fw.restless_queues, q->id);
	q->ending = 0;
	if (type == NPU_MSG_QUEUE_DESTROY)
		leave(q);
	sched_update(q);
	if (!type)
		return;
	log_line("queue %u: %s after %u jobs", q->id,
		 type == NPU_MSG_QUEUE_DESTROY ? "destroyed" :
		 type == NPU_MSG_QUEUE_RESET ? "reset" : "suspended", q->done);
	message_reply(type, q->ending_id, NPU_MSG_STATUS_OK);
}

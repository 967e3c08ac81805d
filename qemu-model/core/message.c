/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "device.h"
#include "message.h"
#include "npu_mmu.h"

/* Of the modelled machine, which has no thermal model */
#define MILLICELSIUS 45000

/* The answer will come when a queue or context has come to rest. */
#define LATER 0xffff

static void reply(struct npu_core *core, uint16_t type, uint32_t id, uint16_t status)
{
	struct npu_msg r = { .type = type | NPU_MSG_REPLY, .status = status, .id = id };

	npu_mailbox_post(core, &r);
}

/* Arguments behind the first @bytes of them are zero. */
static bool rest_zero(const struct npu_msg *msg, size_t bytes)
{
	const uint8_t *p = (const uint8_t *)msg->arg;

	for (size_t i = bytes; i < sizeof(msg->arg); i++) {
		if (p[i])
			return false;
	}
	return true;
}

#define REST_ZERO(msg, member) rest_zero(msg, sizeof((msg)->member))

static uint16_t find_context(struct npu_core *core, uint32_t id, struct npu_context **ctx)
{
	if (id >= core->machine.contexts)
		return NPU_MSG_STATUS_INVALID;
	*ctx = &core->contexts[id];
	return (*ctx)->used ? NPU_MSG_STATUS_OK : NPU_MSG_STATUS_NOENT;
}

/* A queue that is not on its way to an end already */
static uint16_t find_queue(struct npu_core *core, uint32_t id, struct npu_queue **q)
{
	if (id >= core->machine.queues)
		return NPU_MSG_STATUS_INVALID;
	*q = &core->queues[id];
	if (!(*q)->used)
		return NPU_MSG_STATUS_NOENT;
	return (*q)->ending ? NPU_MSG_STATUS_BUSY : NPU_MSG_STATUS_OK;
}

/* Contexts */

static uint16_t context_create(struct npu_core *core, const struct npu_msg *msg)
{
	uint64_t root = msg->context_create.root;
	struct npu_context *ctx = NULL;
	struct npu_mapping probe;
	uint16_t status;

	if (!REST_ZERO(msg, context_create) || msg->context_create.pad || root % NPU_PAGE_SIZE)
		return NPU_MSG_STATUS_INVALID;
	status = find_context(core, msg->context_create.context, &ctx);
	if (status != NPU_MSG_STATUS_NOENT)
		return status == NPU_MSG_STATUS_OK ? NPU_MSG_STATUS_BUSY : status;
	if (npu_bus_map(&core->bus, root, NPU_PAGE_SIZE, false, &probe))
		return NPU_MSG_STATUS_BUS;
	npu_bus_unmap(&core->bus, &probe);
	memset(ctx, 0, sizeof(*ctx));
	ctx->used = true;
	ctx->serial = ++core->context_serial;
	npu_mmu_init(&ctx->mmu, &core->bus, root);
	npu_log(core, "context %u: created", msg->context_create.context);
	return NPU_MSG_STATUS_OK;
}

static bool context_args(const struct npu_msg *msg)
{
	return REST_ZERO(msg, context) && !msg->context.pad;
}

static uint16_t context_destroy(struct npu_core *core, const struct npu_msg *msg)
{
	struct npu_context *ctx;
	uint16_t status;

	if (!context_args(msg))
		return NPU_MSG_STATUS_INVALID;
	status = find_context(core, msg->context.context, &ctx);
	if (status)
		return status;
	if (ctx->queues || ctx->ending)
		return NPU_MSG_STATUS_BUSY;
	npu_job_forget(&core->job, ctx->serial);
	npu_mmu_release(&ctx->mmu);
	ctx->used = false;
	npu_log(core, "context %u: destroyed", msg->context.context);
	return NPU_MSG_STATUS_OK;
}

static uint16_t context_reset(struct npu_core *core, const struct npu_msg *msg)
{
	struct npu_context *ctx;
	uint16_t status;

	if (!context_args(msg))
		return NPU_MSG_STATUS_INVALID;
	status = find_context(core, msg->context.context, &ctx);
	if (status)
		return status;
	if (ctx->ending)
		return NPU_MSG_STATUS_BUSY;
	ctx->ending = true;
	ctx->ending_id = msg->id;
	core->endings = true;
	for (uint32_t i = 0; i < core->machine.queues; i++) {
		struct npu_queue *q = &core->queues[i];

		if (q->used && q->context == msg->context.context)
			npu_queue_kill(core, q);
	}
	return LATER;
}

static uint16_t tlb_invalidate(struct npu_core *core, const struct npu_msg *msg)
{
	uint64_t start = msg->tlb_invalidate.start, size = msg->tlb_invalidate.size;
	struct npu_context *ctx;
	uint16_t status;

	if (!REST_ZERO(msg, tlb_invalidate) || msg->tlb_invalidate.pad || !size ||
	    start >= NPU_VA_SIZE || size > NPU_VA_SIZE - start)
		return NPU_MSG_STATUS_INVALID;
	status = find_context(core, msg->tlb_invalidate.context, &ctx);
	if (status)
		return status;
	/* Memory is held: nobody uses a translation, and nobody keeps one over a hold. */
	npu_mmu_invalidate(&ctx->mmu, start, size);
	return NPU_MSG_STATUS_OK;
}

/* Queues */

static uint16_t queue_create(struct npu_core *core, const struct npu_msg *msg)
{
	uint32_t entries = msg->queue_create.entries, id = msg->queue_create.queue;
	struct npu_context *ctx;
	struct npu_queue *q = NULL;
	struct npu_window ring;
	uint16_t status;

	if (!REST_ZERO(msg, queue_create) || msg->queue_create.priority >= NPU_PRIORITY_COUNT ||
	    entries < NPU_QUEUE_ENTRIES_MIN || entries > NPU_QUEUE_ENTRIES_MAX ||
	    entries & (entries - 1) || msg->queue_create.ring % NPU_PAGE_SIZE)
		return NPU_MSG_STATUS_INVALID;
	status = find_queue(core, id, &q);
	if (status != NPU_MSG_STATUS_NOENT)
		return status == NPU_MSG_STATUS_OK ? NPU_MSG_STATUS_BUSY : status;
	status = find_context(core, msg->queue_create.context, &ctx);
	if (status)
		return status;
	if (npu_window_map(&core->bus, msg->queue_create.ring,
			   entries * sizeof(struct npu_ring_entry), &ring))
		return NPU_MSG_STATUS_BUS;
	*q = (struct npu_queue) {
		.used = true,
		.id = id,
		.context = msg->queue_create.context,
		.priority = msg->queue_create.priority,
		.entries = entries,
		.ring = ring,
	};
	ctx->queues++;
	__atomic_store_n(&core->queue_tail[id], 0, __ATOMIC_RELAXED);
	memset(&core->status->queue[id], 0, sizeof(core->status->queue[id]));
	npu_log(core, "queue %u: created, context %u, priority %u, %u entries", id, q->context,
		q->priority, entries);
	return NPU_MSG_STATUS_OK;
}

static void queue_free(struct npu_core *core, struct npu_queue *q)
{
	core->contexts[q->context].queues--;
	npu_window_unmap(&core->bus, &q->ring);
	q->used = false;
	if (core->sched.turn_queue == q->id)
		core->sched.turn_queue = NPU_MAX_QUEUES;
}

/* DESTROY, SUSPEND, RESET: answered when the queue has come to rest. */
static uint16_t queue_end(struct npu_core *core, struct npu_queue *q, const struct npu_msg *msg)
{
	q->ending = msg->type;
	q->ending_id = msg->id;
	core->endings = true;
	if (msg->type == NPU_MSG_QUEUE_SUSPEND)
		q->suspended = true;
	else
		npu_queue_kill(core, q);
	return LATER;
}

static uint16_t queue_change(struct npu_core *core, const struct npu_msg *msg)
{
	struct npu_queue *q;
	uint16_t status;

	if (!REST_ZERO(msg, queue) || msg->queue.priority >= NPU_PRIORITY_COUNT ||
	    (msg->type != NPU_MSG_QUEUE_PRIORITY && msg->queue.priority))
		return NPU_MSG_STATUS_INVALID;
	status = find_queue(core, msg->queue.queue, &q);
	if (status)
		return status;
	switch (msg->type) {
	case NPU_MSG_QUEUE_RESUME:
		q->suspended = false;
		return NPU_MSG_STATUS_OK;
	case NPU_MSG_QUEUE_PRIORITY:
		q->priority = msg->queue.priority;
		return NPU_MSG_STATUS_OK;
	}
	return queue_end(core, q, msg);
}

/* The machine */

static uint16_t power(struct npu_core *core, const struct npu_msg *msg, struct npu_msg *r)
{
	if (!REST_ZERO(msg, power) || msg->power.state > 1 ||
	    msg->power.mhz > core->machine.matrix_mhz)
		return NPU_MSG_STATUS_INVALID;
	if (!msg->power.state && core->running)
		return NPU_MSG_STATUS_BUSY;
	core->powered = msg->power.state;
	/* The machine has one clock: what it runs at is said in the answer. */
	r->power.state = msg->power.state;
	r->power.mhz = core->machine.matrix_mhz;
	return NPU_MSG_STATUS_OK;
}

static uint16_t telemetry(struct npu_core *core, const struct npu_msg *msg, struct npu_msg *r)
{
	if (!rest_zero(msg, 0))
		return NPU_MSG_STATUS_INVALID;
	r->telemetry.matrix_mhz = core->machine.matrix_mhz;
	r->telemetry.millicelsius = MILLICELSIUS;
	r->telemetry.energy_pj = core->energy_pj;
	r->telemetry.jobs = core->jobs;
	r->telemetry.faults = core->faults;
	r->telemetry.model_ns = core->model_ns;
	return NPU_MSG_STATUS_OK;
}

static uint16_t handle(struct npu_core *core, const struct npu_msg *msg, struct npu_msg *r)
{
	switch (msg->type) {
	case NPU_MSG_PING:
		memcpy(r->arg, msg->arg, sizeof(r->arg));
		return NPU_MSG_STATUS_OK;
	case NPU_MSG_CONTEXT_CREATE:
		return context_create(core, msg);
	case NPU_MSG_CONTEXT_DESTROY:
		return context_destroy(core, msg);
	case NPU_MSG_TLB_INVALIDATE:
		return tlb_invalidate(core, msg);
	case NPU_MSG_CONTEXT_RESET:
		return context_reset(core, msg);
	case NPU_MSG_QUEUE_CREATE:
		return queue_create(core, msg);
	case NPU_MSG_QUEUE_DESTROY:
	case NPU_MSG_QUEUE_SUSPEND:
	case NPU_MSG_QUEUE_RESUME:
	case NPU_MSG_QUEUE_RESET:
	case NPU_MSG_QUEUE_PRIORITY:
		return queue_change(core, msg);
	case NPU_MSG_POWER:
		return power(core, msg, r);
	case NPU_MSG_TELEMETRY:
		return telemetry(core, msg, r);
	}
	return NPU_MSG_STATUS_UNKNOWN;
}

void npu_message_handle(struct npu_core *core, const struct npu_msg *msg)
{
	struct npu_msg r = { .type = msg->type | NPU_MSG_REPLY, .id = msg->id };
	uint16_t status = msg->status ? NPU_MSG_STATUS_INVALID : handle(core, msg, &r);

	if (status == LATER)
		return;
	r.status = status;
	npu_mailbox_post(core, &r);
}

static void settle_queue(struct npu_core *core, struct npu_queue *q)
{
	if (!npu_queue_settle(core, q)) {
		core->endings = true;
		return;
	}
	if (!q->ending)
		return;
	if (!npu_mailbox_room(&core->mailbox)) {
		core->endings = true;
		return;
	}
	npu_log(core, "queue %u: %s after %u jobs", q->id,
		q->ending == NPU_MSG_QUEUE_DESTROY ? "destroyed" :
		q->ending == NPU_MSG_QUEUE_RESET ? "reset" : "suspended", q->done);
	if (q->ending == NPU_MSG_QUEUE_DESTROY)
		queue_free(core, q);
	reply(core, q->ending, q->ending_id, NPU_MSG_STATUS_OK);
	q->ending = 0;
}

static bool context_rests(const struct npu_core *core, uint32_t id)
{
	for (uint32_t i = 0; i < core->machine.queues; i++) {
		const struct npu_queue *q = &core->queues[i];

		if (q->used && q->context == id && (q->kill || core->running == q))
			return false;
	}
	return true;
}

void npu_message_settle(struct npu_core *core)
{
	core->endings = false;
	for (uint32_t i = 0; i < core->machine.queues; i++) {
		struct npu_queue *q = &core->queues[i];

		if (q->used && (q->kill || q->ending))
			settle_queue(core, q);
	}
	for (uint32_t i = 0; i < core->machine.contexts; i++) {
		struct npu_context *ctx = &core->contexts[i];

		if (!ctx->used || !ctx->ending)
			continue;
		if (!context_rests(core, i) || !npu_mailbox_room(&core->mailbox)) {
			core->endings = true;
			continue;
		}
		ctx->ending = false;
		ctx->faulted = false;
		npu_log(core, "context %u: reset", i);
		reply(core, NPU_MSG_CONTEXT_RESET, ctx->ending_id, NPU_MSG_STATUS_OK);
	}
}

/* SPDX-License-Identifier: MIT */
#include "fw.h"
#include "npu_mmu.h"

uint16_t context_find(uint32_t id, struct context **ctx)
{
	if (id >= fw.contexts)
		return NPU_MSG_STATUS_INVALID;
	*ctx = &fw.context[id];
	return (*ctx)->used ? NPU_MSG_STATUS_OK : NPU_MSG_STATUS_NOENT;
}

static bool space_op(uint32_t id, uint32_t op)
{
	hw_write(NPU_CC_CTX_ID, id);
	hw_write(NPU_CC_CTX_OP, op);
	return hw_read(NPU_CC_CTX_STATUS) == NPU_CC_OK;
}

uint16_t context_create(const struct npu_msg *msg)
{
	uint32_t id = msg->context_create.context;
	struct context *ctx;
	uint16_t status;

	if (!MESSAGE_REST_ZERO(msg, context_create) || msg->context_create.pad ||
	    msg->context_create.root % NPU_PAGE_SIZE)
		return NPU_MSG_STATUS_INVALID;
	status = context_find(id, &ctx);
	if (status != NPU_MSG_STATUS_NOENT)
		return status == NPU_MSG_STATUS_OK ? NPU_MSG_STATUS_BUSY : status;
	hw_write64(NPU_CC_CTX_A_LO, msg->context_create.root);
	if (!space_op(id, NPU_CC_CTX_CREATE))
		return NPU_MSG_STATUS_BUS;
	memset(ctx, 0, sizeof(*ctx));
	ctx->used = true;
	log_line("context %u: created", id);
	return NPU_MSG_STATUS_OK;
}

/* Finds the context of a request that names nothing else. */
static uint16_t find_by(const struct npu_msg *msg, struct context **ctx)
{
	if (!MESSAGE_REST_ZERO(msg, context) || msg->context.pad)
		return NPU_MSG_STATUS_INVALID;
	return context_find(msg->context.context, ctx);
}

uint16_t context_destroy(const struct npu_msg *msg)
{
	struct context *ctx;
	uint16_t status = find_by(msg, &ctx);

	if (status)
		return status;
	if (!set_empty(&ctx->queues) || ctx->ending)
		return NPU_MSG_STATUS_BUSY;
	space_op(msg->context.context, NPU_CC_CTX_DESTROY);
	ctx->used = false;
	log_line("context %u: destroyed", msg->context.context);
	return NPU_MSG_STATUS_OK;
}

uint16_t context_reset(const struct npu_msg *msg)
{
	struct context *ctx;
	uint16_t status = find_by(msg, &ctx);
	struct set s;

	if (status)
		return status;
	if (ctx->ending)
		return NPU_MSG_STATUS_BUSY;
	ctx->ending = true;
	ctx->ending_id = msg->id;
	set_add(&fw.restless_contexts, msg->context.context);
	s = ctx->queues;
	while (!set_empty(&s))
		queue_kill(&fw.queue[set_take(&s)]);
	return MESSAGE_LATER;
}

uint16_t context_invalidate(const struct npu_msg *msg)
{
	uint64_t start = msg->tlb_invalidate.start, size = msg->tlb_invalidate.size;
	struct context *ctx;
	uint16_t status;

	if (!MESSAGE_REST_ZERO(msg, tlb_invalidate) || msg->tlb_invalidate.pad || !size ||
	    start >= NPU_VA_SIZE || size > NPU_VA_SIZE - start)
		return NPU_MSG_STATUS_INVALID;
	status = context_find(msg->tlb_invalidate.context, &ctx);
	if (status)
		return status;
	hw_write64(NPU_CC_CTX_A_LO, start);
	hw_write64(NPU_CC_CTX_B_LO, size);
	space_op(msg->tlb_invalidate.context, NPU_CC_CTX_INVALIDATE);
	return NPU_MSG_STATUS_OK;
}

void context_settle(uint32_t id)
{
	struct context *ctx = &fw.context[id];
	struct set s = ctx->queues;

	while (!set_empty(&s)) {
		const struct queue *q = &fw.queue[set_take(&s)];

		if (q->kill || fw.run.queue == q)
			return;
	}
	if (!mailbox_room())
		return;
	set_remove(&fw.restless_contexts, id);
	ctx->ending = false;
	ctx->faulted = false;
	s = ctx->queues;
	while (!set_empty(&s))
		sched_update(&fw.queue[set_take(&s)]);
	log_line("context %u: reset", id);
	message_reply(NPU_MSG_CONTEXT_RESET, ctx->ending_id, NPU_MSG_STATUS_OK);
}

void context_fault(struct context *ctx, const struct npu_done *record)
{
	ctx->faulted = true;
	fw.fault_event = (struct npu_msg) {
		.type = NPU_MSG_EVENT_FAULT,
		.fault = {
			.queue = record->queue,
			.context = fw.queue[record->queue].context,
			.seqno = record->seqno,
			.addr = record->fault_addr,
			.fault = record->fault,
			.core = record->fault_core,
		},
	};
	fw.fault_pending = true;
	context_tell();
}

void context_tell(void)
{
	const struct npu_msg *e = &fw.fault_event;

	if (!fw.fault_pending || !mailbox_room())
		return;
	mailbox_post(e);
	fw.fault_pending = false;
	log_line("context %u queue %u job %llu: fault %u on core %u at 0x%llx", e->fault.context,
		 e->fault.queue, (unsigned long long)e->fault.seqno, e->fault.fault,
		 e->fault.core, (unsigned long long)e->fault.addr);
}

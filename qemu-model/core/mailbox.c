/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "device.h"
#include "mailbox.h"
#include "message.h"

bool npu_mailbox_room(const struct npu_mailbox *mb)
{
	return mb->d2h_tail - mb->d2h_head < mb->d2h_entries;
}

void npu_mailbox_post(struct npu_core *core, const struct npu_msg *msg)
{
	struct npu_mailbox *mb = &core->mailbox;
	uint64_t slot = mb->d2h_tail & (mb->d2h_entries - 1);

	memcpy(npu_window_at(&mb->d2h, slot * sizeof(*msg)), msg, sizeof(*msg));
	mb->d2h_tail++;
	__atomic_store_n(&core->status->d2h_tail, mb->d2h_tail, __ATOMIC_RELEASE);
	if (mb->armed)
		npu_device_interrupt(core, NPU_MSIX_EVENT);
	mb->armed = false;
}

void npu_mailbox_arm(struct npu_core *core, uint32_t head)
{
	struct npu_mailbox *mb = &core->mailbox;

	if (head - mb->d2h_head > mb->d2h_tail - mb->d2h_head)
		return;
	mb->d2h_head = head;
	mb->armed = head == mb->d2h_tail;
	if (!mb->armed)
		npu_device_interrupt(core, NPU_MSIX_EVENT);
}

static void log_fault(struct npu_core *core, const struct npu_msg *e)
{
	npu_log(core, "context %u queue %u job %llu: fault %u on core %u at 0x%llx",
		e->fault.context, e->fault.queue, (unsigned long long)e->fault.seqno,
		e->fault.fault, e->fault.core, (unsigned long long)e->fault.addr);
}

/* Answers that are due: events first, then queues and contexts that have come to rest. */
static void post_pending(struct npu_core *core)
{
	if (__atomic_load_n(&core->fault_pending, __ATOMIC_ACQUIRE) &&
	    npu_mailbox_room(&core->mailbox)) {
		npu_mailbox_post(core, &core->fault_event);
		log_fault(core, &core->fault_event);
		__atomic_store_n(&core->fault_pending, false, __ATOMIC_RELEASE);
		npu_event_ring(&core->runner_event);
	}
	if (core->endings) {
		npu_gate_hold(&core->gate);
		npu_message_settle(core);
		npu_gate_release(&core->gate);
		npu_event_ring(&core->runner_event);
	}
}

void npu_mailbox_run(struct npu_core *core)
{
	struct npu_mailbox *mb = &core->mailbox;
	uint32_t tail = __atomic_load_n(&core->h2d_tail, __ATOMIC_ACQUIRE);
	struct npu_msg msg;

	post_pending(core);
	if (tail == mb->h2d_head || tail - mb->h2d_head > mb->h2d_entries ||
	    !npu_mailbox_room(mb))
		return;
	/* Contexts and queues are changed while nobody uses them. */
	npu_gate_hold(&core->gate);
	while (mb->h2d_head != tail && npu_mailbox_room(mb)) {
		uint64_t slot = mb->h2d_head & (mb->h2d_entries - 1);

		memcpy(&msg, npu_window_at(&mb->h2d, slot * sizeof(msg)), sizeof(msg));
		mb->h2d_head++;
		__atomic_store_n(&core->status->h2d_head, mb->h2d_head, __ATOMIC_RELEASE);
		npu_message_handle(core, &msg);
	}
	if (core->endings)
		npu_message_settle(core);
	npu_gate_release(&core->gate);
	npu_event_ring(&core->runner_event);
}

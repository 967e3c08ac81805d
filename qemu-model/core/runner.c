/* SPDX-License-Identifier: MIT */
/*
 * The runner: takes jobs whose turn it is, runs them, reports their end.
 */
#include <fenv.h>
#include <string.h>

#include "device.h"

/* Looks for a doorbell before it sleeps: some 10 us */
#define SPINS 500

/* The first fault of a context is told at once; the runner takes no job until it has been. */
static void tell_fault(struct npu_core *core, const struct npu_queue *q,
		       const struct npu_done *done)
{
	core->fault_event = (struct npu_msg) {
		.type = NPU_MSG_EVENT_FAULT,
		.fault = {
			.queue = q->id,
			.context = q->context,
			.seqno = done->seqno,
			.addr = done->fault_addr,
			.fault = done->fault,
			.core = done->fault_core,
		},
	};
	__atomic_store_n(&core->fault_pending, true, __ATOMIC_RELEASE);
	npu_device_trace(core, "fault %u queue %u context %u core %u opcode 0x%02x offset 0x%x",
			 done->fault, q->id, q->context, done->fault_core, done->fault_opcode,
			 done->fault_offset);
	npu_device_trace(core, "fault addr 0x%llx", (unsigned long long)done->fault_addr);
	npu_event_ring(&core->control_event);
}

static bool is_own_fault(uint16_t fault)
{
	return fault != NPU_FAULT_NONE && fault != NPU_FAULT_KILLED && fault != NPU_FAULT_CONTEXT;
}

/* Runs one job; false if the device is reset meanwhile, which leaves nobody to report to. */
static bool run_job(struct npu_core *core, struct npu_queue *q,
		    const struct npu_ring_entry *entry)
{
	struct npu_context *ctx = &core->contexts[q->context];
	struct npu_done done;

	core->running = q;
	npu_job_run(&core->job, ctx, q, entry, &done);
	npu_attention_clear(&core->gate, NPU_ATTEND_KILL | NPU_ATTEND_FAULT);
	core->running = NULL;
	if (__atomic_load_n(&core->gate.resetting, __ATOMIC_ACQUIRE))
		return false;
	if (is_own_fault(done.fault)) {
		ctx->faulted = true;
		tell_fault(core, q, &done);
	}
	if (npu_queue_finish(core, q, &done))
		npu_device_interrupt(core, NPU_MSIX_DONE);
	if (core->endings)
		npu_event_ring(&core->control_event);
	return true;
}

void *npu_runner_thread(void *opaque)
{
	struct npu_core *core = opaque;
	struct npu_ring_entry entry;
	struct npu_queue *q;

	/* Whatever the thread that made us had set: the device has one way to round. */
	fesetenv(FE_DFL_ENV);
	for (;;) {
		uint32_t seen = npu_event_seen(&core->runner_event);

		if (__atomic_load_n(&core->stop, __ATOMIC_ACQUIRE))
			return NULL;
		if (npu_gate_try_enter(&core->gate)) {
			/* A closing gate is passed between jobs by leaving it. */
			while (npu_device_state(core) == NPU_STATE_RUNNING &&
			       !(npu_attention(&core->gate) & NPU_ATTEND_GATE) &&
			       npu_queue_pick(core, &q, &entry) && run_job(core, q, &entry))
				;
			npu_gate_leave(&core->gate);
		}
		npu_event_wait(&core->runner_event, seen, 0, SPINS);
	}
}

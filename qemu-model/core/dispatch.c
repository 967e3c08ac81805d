/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <string.h>

#include "device.h"
#include "dispatch.h"
#include "saved.h"

/* Host time that a reader of the modelled time waits for a phase to end */
#define CLOCK_WAIT_US 1000

void npu_dispatch_init(struct npu_dispatch *d)
{
	memset(d, 0, sizeof(*d));
	pthread_mutex_init(&d->lock, NULL);
}

void npu_dispatch_destroy(struct npu_dispatch *d)
{
	npu_dispatch_reset(d);
	pthread_mutex_destroy(&d->lock);
}

void npu_dispatch_reset(struct npu_dispatch *d)
{
	for (uint32_t i = 0; i < NPU_MAX_QUEUES; i++)
		npu_saved_drop(&d->saved[i]);
	d->status = NPU_CC_JOB_IDLE;
	d->ordered = false;
	d->model_ns = 0;
	memset(&d->result, 0, sizeof(d->result));
}

static void set_status(struct npu_dispatch *d, uint32_t status)
{
	__atomic_store_n(&d->status, status, __ATOMIC_SEQ_CST);
}

void npu_dispatch_start(struct npu_core *core, const struct npu_run *run, uint64_t limit_ns)
{
	struct npu_dispatch *d = &core->dispatch;

	pthread_mutex_lock(&d->lock);
	if (d->status == NPU_CC_JOB_RUNNING || (run->resume && !d->saved[run->queue])) {
		pthread_mutex_unlock(&d->lock);
		return;
	}
	d->run = *run;
	d->ordered = true;
	if (!run->resume)
		npu_saved_drop(&d->saved[run->queue]);
	__atomic_store_n(&core->job.model_ns, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&core->job.limit_ns, limit_ns, __ATOMIC_RELAXED);
	set_status(d, NPU_CC_JOB_RUNNING);
	pthread_mutex_unlock(&d->lock);
	npu_event_ring(&core->runner_event);
}

/* Asks the running job for attention; without one nothing is asked. */
static void attend(struct npu_core *core, uint32_t bits)
{
	pthread_mutex_lock(&core->dispatch.lock);
	if (core->dispatch.status == NPU_CC_JOB_RUNNING)
		npu_attention_set(&core->gate, bits);
	pthread_mutex_unlock(&core->dispatch.lock);
}

void npu_dispatch_stop(struct npu_core *core)
{
	attend(core, NPU_ATTEND_STOP);
}

void npu_dispatch_kill(struct npu_core *core)
{
	attend(core, NPU_ATTEND_KILL);
}

void npu_dispatch_limit(struct npu_core *core, uint64_t limit_ns)
{
	__atomic_store_n(&core->job.limit_ns, limit_ns, __ATOMIC_RELAXED);
}

void npu_dispatch_drop(struct npu_core *core, uint32_t queue)
{
	struct npu_dispatch *d = &core->dispatch;

	pthread_mutex_lock(&d->lock);
	if (d->status != NPU_CC_JOB_RUNNING || d->run.queue != queue)
		npu_saved_drop(&d->saved[queue]);
	pthread_mutex_unlock(&d->lock);
}

/*
 * Waits until the runner has come to the end of a phase, where the time of the running job is
 * known, but not longer than CLOCK_WAIT_US.
 */
static void ask_clock(struct npu_core *core)
{
	uint64_t end = npu_control_now_us() + CLOCK_WAIT_US;

	__atomic_store_n(&core->job.clock_wanted, true, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&core->job.clock_wanted, __ATOMIC_ACQUIRE) &&
	       npu_dispatch_status(&core->dispatch) == NPU_CC_JOB_RUNNING &&
	       npu_control_now_us() < end)
		sched_yield();
}

uint64_t npu_dispatch_model_ns(struct npu_core *core)
{
	struct npu_dispatch *d = &core->dispatch;
	uint64_t ns;

	/* On the runner it is: it serves the firmware between phases. */
	if (npu_dispatch_status(d) == NPU_CC_JOB_RUNNING &&
	    !pthread_equal(pthread_self(), core->runner))
		ask_clock(core);

	pthread_mutex_lock(&d->lock);
	ns = d->model_ns;
	if (d->status == NPU_CC_JOB_RUNNING)
		ns += __atomic_load_n(&core->job.model_ns, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&d->lock);
	return ns;
}

bool npu_dispatch_run(struct npu_core *core)
{
	struct npu_dispatch *d = &core->dispatch;
	struct npu_done done;
	uint64_t before = 0;
	bool ended;

	pthread_mutex_lock(&d->lock);
	if (!d->ordered) {
		pthread_mutex_unlock(&d->lock);
		return false;
	}
	d->ordered = false;
	if (d->run.resume)
		before = d->saved[d->run.queue]->done.model_ns;
	pthread_mutex_unlock(&d->lock);
	/* Who rang before the status said that we are busy has rung for us. */
	npu_control_pass(core);

	ended = npu_job_run(&core->job, &d->run, &d->saved[d->run.queue], &done);

	pthread_mutex_lock(&d->lock);
	npu_attention_clear(&core->gate, NPU_ATTEND_FAULT | NPU_ATTEND_STOP);
	if (!__atomic_load_n(&core->gate.resetting, __ATOMIC_ACQUIRE))
		npu_attention_clear(&core->gate, NPU_ATTEND_KILL);
	d->result = done;
	if (done.model_ns > before)
		d->model_ns += done.model_ns - before;
	set_status(d, ended ? NPU_CC_JOB_DONE : NPU_CC_JOB_STOPPED);
	pthread_mutex_unlock(&d->lock);
	if (ended && done.fault)
		npu_device_trace(core, "fault %u queue %u core %u opcode 0x%02x offset 0x%x",
				 done.fault, done.queue, done.fault_core, done.fault_opcode,
				 done.fault_offset);
	npu_control_irq(core, NPU_CC_IRQ_JOB);
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timeouts, faults and resets. See "The recovery ladder" in README.md.
 */
#include <linux/iopoll.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include "npu_device.h"
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_recovery.h"
#include "npu_trace.h"
#include "npu_vm.h"

/* Time for the completion records of a queue that the firmware says is reset */
#define NPU_RECORDS_US	(500 * USEC_PER_MSEC)

/*
 * In the form of drm_dev_wedged_event(), which sends it for the primary node: an accelerator has
 * none, and kernels that have the function fall over it.
 */
static void npu_recovery_wedged(struct work_struct *work)
{
	struct npu_device *npu = container_of(work, struct npu_device, wedged_work);
	char text[] = "WEDGED=rebind,bus-reset";
	char *envp[2] = {};

	envp[0] = text;
	kobject_uevent_env(&npu->base.accel->kdev->kobj, KOBJ_CHANGE, envp);
}

static void npu_recovery_complain(struct npu_device *npu, const char *why, bool crashed)
{
	if (crashed)
		WRITE_ONCE(npu->reset_crashed, true);
	cmpxchg(&npu->reset_why, NULL, why);
}

void npu_recovery_crashed(struct npu_device *npu, const char *why)
{
	npu_recovery_complain(npu, why, true);
	queue_work(npu->reset_wq, &npu->reset_work);
}

void npu_recovery_reset_later(struct npu_device *npu, const char *why)
{
	npu_recovery_complain(npu, why, false);
	queue_work(npu->reset_wq, &npu->reset_work);
}

void npu_recovery_wait(struct npu_device *npu)
{
	flush_work(&npu->reset_work);
}

/* Complaints up to now were of a firmware that is gone. */
static void npu_recovery_settled(struct npu_device *npu)
{
	WRITE_ONCE(npu->reset_crashed, false);
	WRITE_ONCE(npu->reset_why, NULL);
}

/*
 * Last rung before giving up: function-level reset through the bus. Our own reset_prepare() and
 * reset_done() see a device that is down and leave it to us.
 */
static int npu_recovery_bus_reset(struct npu_device *npu)
{
	int ret;

	atomic_inc(&npu->count.bus_resets);
	drm_warn(&npu->base, "device reset was not enough; resetting the function\n");
	WRITE_ONCE(npu->own_bus_reset, true);
	ret = pci_try_reset_function(npu->pdev);
	WRITE_ONCE(npu->own_bus_reset, false);
	if (ret) {
		drm_err(&npu->base, "the function cannot be reset (%d)\n", ret);
		return ret;
	}
	pci_set_master(npu->pdev);
	npu_recovery_settled(npu);
	return npu_device_start(npu);
}

/* Now; on reset_wq. What has been complained of is the reason. */
static void npu_recovery_reset(struct npu_device *npu)
{
	const char *why = READ_ONCE(npu->reset_why);
	int ret;

	/* Whoever waits for the firmware gives up now and lets go of reset_sem. */
	npu_mbox_abort(npu);
	down_write(&npu->reset_sem);
	if (npu->power != NPU_UP)
		goto out_unlock;
	drm_warn(&npu->base, "device reset: %s\n", why);
	trace_npu_reset(npu->base.dev, why);
	atomic_inc(&npu->count.device_resets);
	if (READ_ONCE(npu->reset_crashed)) {
		npu_crash_tell(npu);
		npu_coredump_take(npu, NULL, NULL, why);
	}
	npu_device_stop(npu, true);
	npu_recovery_settled(npu);
	ret = npu_device_start(npu);
	if (ret)
		ret = npu_recovery_bus_reset(npu);
	if (ret)
		npu_device_wedge(npu);
	up_write(&npu->reset_sem);
	return;

out_unlock:
	npu_recovery_settled(npu);
	up_write(&npu->reset_sem);
}

static void npu_recovery_work(struct work_struct *work)
{
	struct npu_device *npu = container_of(work, struct npu_device, reset_work);
	int idx;

	if (!drm_dev_enter(&npu->base, &idx))
		return;
	/* A reset since then has answered the complaint. */
	if (READ_ONCE(npu->reset_why))
		npu_recovery_reset(npu);
	drm_dev_exit(idx);
}

void npu_recovery_init(struct npu_device *npu)
{
	INIT_WORK(&npu->reset_work, npu_recovery_work);
	INIT_WORK(&npu->wedged_work, npu_recovery_wedged);
}

/* A rung was not enough: on reset_wq. */
static void npu_recovery_climb(struct npu_device *npu, const char *why)
{
	npu_recovery_complain(npu, why, true);
	npu_recovery_reset(npu);
}

enum npu_verdict {
	NPU_ALIVE,		/* finished, or making progress */
	NPU_WAITING,		/* for its turn, if the firmware is well */
	NPU_HUNG,
	NPU_TOO_LONG,
};

/* With the queue's lock held. */
static enum npu_verdict npu_recovery_judge(struct npu_job *job)
{
	struct npu_queue *queue = job->queue;
	const struct npu_status_page *status = queue->npu->status;
	u32 taken = READ_ONCE(status->queue[queue->hw_id].head);
	u64 progress = READ_ONCE(status->queue[queue->hw_id].progress);

	if (list_empty(&job->node) || queue->fault_pending)
		return NPU_ALIVE;
	/* Others run: its clock starts when the firmware takes it from the ring. */
	if ((s32)(taken - job->index) <= 0) {
		queue->head_since = ktime_get();
		return NPU_WAITING;
	}
	if (ktime_ms_delta(ktime_get(), queue->head_since) > npu_job_max_ms())
		return NPU_TOO_LONG;
	if (progress != queue->progress) {
		queue->progress = progress;
		return NPU_ALIVE;
	}
	return NPU_HUNG;
}

/* Takes the records of a queue that was reset; false if jobs are left. */
static bool npu_recovery_emptied(struct npu_queue *queue)
{
	bool empty;

	npu_queue_drain_done(queue->npu);
	spin_lock_irq(&queue->lock);
	empty = list_empty(&queue->in_flight);
	spin_unlock_irq(&queue->lock);
	return empty;
}

/* The queue's jobs come back as killed, or a reset of the device ends them. */
static void npu_recovery_kill_queue(struct npu_queue *queue)
{
	struct npu_device *npu = queue->npu;
	bool empty;
	int ret;

	atomic_inc(&npu->count.queue_resets);
	ret = npu_device_get(npu);
	if (ret)
		return;
	ret = npu_queue_reset(queue);
	if (!ret)
		ret = read_poll_timeout(npu_recovery_emptied, empty, empty, 1000,
					NPU_RECORDS_US, false, queue);
	npu_device_put(npu);
	if (ret)
		npu_recovery_climb(npu, "a hung queue cannot be reset");
}

/* Nothing has been heard between two looks: asks. */
static void npu_recovery_ask(struct npu_device *npu)
{
	struct npu_msg msg = { .type = NPU_MSG_PING };
	int ret;

	ret = npu_device_get(npu);
	if (ret)
		return;
	ret = npu_mbox_call(npu, &msg);
	npu_device_put(npu);
	if (ret)
		npu_recovery_climb(npu, "the firmware shows no sign of life");
}

void npu_recovery_timeout(struct npu_job *job)
{
	struct npu_queue *queue = job->queue;
	struct npu_device *npu = queue->npu;
	u32 heartbeat = READ_ONCE(npu->status->heartbeat);
	enum npu_verdict verdict;
	bool silent;
	bool pending;

	spin_lock_irq(&queue->lock);
	pending = !list_empty(&job->node);
	spin_unlock_irq(&queue->lock);
	npu_queue_drain_done(npu);

	spin_lock_irq(&queue->lock);
	if (pending && list_empty(&job->node)) {
		atomic_inc(&npu->count.late_jobs);
		drm_warn(&npu->base, "queue %u: job %llu was done, but no interrupt said so\n",
			 queue->hw_id, job->seqno);
	}
	silent = queue->heartbeat == heartbeat;
	queue->heartbeat = heartbeat;
	verdict = npu_recovery_judge(job);
	if (verdict == NPU_HUNG || verdict == NPU_TOO_LONG) {
		queue->hung = job->seqno;
		queue->state |= DRM_NPU_QUEUE_DEAD | DRM_NPU_QUEUE_GUILTY;
		queue->fault = NPU_FAULT_KILLED;
		npu_coredump_take(npu, job, NULL, "hang");
	}
	spin_unlock_irq(&queue->lock);
	if (verdict == NPU_WAITING && silent)
		npu_recovery_ask(npu);
	if (verdict == NPU_ALIVE || verdict == NPU_WAITING)
		return;

	atomic_inc(&npu->count.hangs);
	drm_warn(&npu->base, "queue %u: job %llu %s; heartbeat %u\n", queue->hw_id, job->seqno,
		 verdict == NPU_HUNG ? "makes no progress" : "takes too long", heartbeat);
	npu_recovery_kill_queue(queue);
}

void npu_recovery_context(struct npu_vm *vm)
{
	struct npu_device *npu = vm->npu;
	struct npu_msg msg = {
		.type = NPU_MSG_CONTEXT_RESET,
		.context.context = vm->context,
	};
	int ret;

	atomic_inc(&npu->count.context_resets);
	ret = npu_device_get(npu);
	if (ret)
		return;
	ret = npu_mbox_call(npu, &msg);
	if (!ret) {
		npu_queue_drain_done(npu);
		npu_queue_end_faults(vm);
	}
	npu_device_put(npu);
	if (ret)
		npu_recovery_climb(npu, "a faulted context cannot be reset");
}

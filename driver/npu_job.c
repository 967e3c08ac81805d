// SPDX-License-Identifier: GPL-2.0-only
/*
 * A job's way from the scheduler into the ring and out of it.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>

#include "npu_compat.h"
#include "npu_device.h"
#include "npu_drv.h"
#include "npu_fault.h"
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_recovery.h"
#include "npu_trace.h"
#include "npu_vm.h"

static unsigned int npu_job_timeout = 10000;
module_param_named(job_timeout_ms, npu_job_timeout, uint, 0644);
MODULE_PARM_DESC(job_timeout_ms, "Time without progress after which a job hangs; queues made later (default 10000)");

static unsigned int npu_job_max = 120000;
module_param_named(job_max_ms, npu_job_max, uint, 0644);
MODULE_PARM_DESC(job_max_ms, "Longest time of a job that makes progress (default 120000)");

long npu_job_timeout_jiffies(void)
{
	return msecs_to_jiffies(clamp(READ_ONCE(npu_job_timeout), 10u, 3600000u));
}

unsigned int npu_job_max_ms(void)
{
	return READ_ONCE(npu_job_max);
}

static const char *npu_fence_driver_name(struct dma_fence *fence)
{
	return "npu";
}

static const char *npu_fence_timeline_name(struct dma_fence *fence)
{
	return "npu-queue";
}

/*
 * A fence in a sync file outlives its queue's handle and its open file. The scheduler's fence,
 * whose parent it is, asks the queue's scheduler for a name: so each holds the queue's memory and
 * the module.
 */
static void npu_fence_release(struct dma_fence *fence)
{
	struct npu_fence *f = container_of(fence, struct npu_fence, base);

	npu_queue_put_memory(f->queue);
	kfree_rcu(f, base.rcu);
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops npu_fence_ops = {
	.get_driver_name = npu_fence_driver_name,
	.get_timeline_name = npu_fence_timeline_name,
	.release = npu_fence_release,
};

struct npu_job *npu_job_new(struct npu_queue *queue)
{
	struct npu_job *job;
	int ret;

	job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	if (!job)
		return ERR_PTR(-ENOMEM);
	job->fence = kzalloc(sizeof(*job->fence), GFP_KERNEL_ACCOUNT);
	if (!job->fence) {
		kfree(job);
		return ERR_PTR(-ENOMEM);
	}
	ret = npu_compat_sched_job_init(&job->base, &queue->entity, queue->nfile,
					queue->nfile->client_id);
	if (ret) {
		kfree(job->fence);
		kfree(job);
		return ERR_PTR(ret);
	}
	job->queue = npu_queue_get(queue);
	INIT_LIST_HEAD(&job->node);
	npu_syncs_init(&job->syncs);
	return job;
}

void npu_job_free(struct npu_job *job)
{
	struct npu_queue *queue = job->queue;

	drm_sched_job_cleanup(&job->base);
	npu_syncs_fini(&job->syncs);
	dma_fence_put(job->hw_fence);
	kfree(job->fence);
	kfree(job);
	npu_queue_put(queue);
}

/* Turns the memory allocated at submit into a fence; with the queue's lock held. */
static void npu_job_init_fence(struct npu_job *job)
{
	struct npu_queue *queue = job->queue;
	struct npu_fence *fence = job->fence;

	job->fence = NULL;
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &npu_fence_ops, &fence->lock, queue->fence_context,
		       ++queue->fence_seqno);
	fence->queue = queue;
	npu_queue_get_memory(queue);
	__module_get(THIS_MODULE);
	job->hw_fence = &fence->base;
}

void npu_job_put(struct npu_job *job)
{
	struct npu_queue *queue = job->queue;

	lockdep_assert_held(&queue->lock);
	job->index = queue->tail;
	job->entry.seqno = job->seqno;
	queue->ring[queue->tail % queue->entries] = job->entry;
	queue->tail++;
}

/* Writes the entry and rings; with the queue's lock held. */
static void npu_job_push(struct npu_job *job)
{
	struct npu_queue *queue = job->queue;

	if (list_empty(&queue->in_flight))
		queue->head_since = ktime_get();
	list_add_tail(&job->node, &queue->in_flight);
	npu_job_put(job);
	/* The entry is in memory before the doorbell: writel() orders them. */
	npu_write(queue->npu, NPU_REG_QUEUE_TAIL(queue->hw_id), queue->tail);
}

static struct dma_fence *npu_job_run(struct drm_sched_job *base)
{
	struct npu_job *job = to_npu_job(base);
	struct npu_queue *queue = job->queue;
	bool cookie = dma_fence_begin_signalling();
	struct dma_fence *fence;
	unsigned long flags;
	bool plugged;
	int idx = 0;
	int ret = 0;

	plugged = drm_dev_enter(&queue->npu->base, &idx);

	spin_lock_irqsave(&queue->lock, flags);
	npu_job_init_fence(job);
	fence = dma_fence_get(job->hw_fence);
	if (queue->state & DRM_NPU_QUEUE_DEAD)
		ret = -ECANCELED;
	else if (!plugged)
		ret = -ENODEV;
	else
		npu_job_push(job);
	if (ret) {
		npu_result_store(job, NULL, NPU_FAULT_KILLED, ret);
		dma_fence_set_error(fence, ret);
		dma_fence_signal(fence);
	}
	spin_unlock_irqrestore(&queue->lock, flags);

	trace_npu_job_run(queue->npu->base.dev, queue->hw_id, job->seqno, ret);
	if (plugged)
		drm_dev_exit(idx);
	dma_fence_end_signalling(cookie);
	return fence;
}

void npu_job_finish(struct npu_job *job, const struct npu_done *done, u32 fault)
{
	struct npu_queue *queue = job->queue;
	struct dma_fence *fence = dma_fence_get(job->hw_fence);
	int error = npu_fault_errno(fault);

	lockdep_assert_held(&queue->lock);
	if (fault == NPU_FAULT_KILLED && queue->hung == job->seqno)
		error = -ETIME;

	list_del_init(&job->node);
	queue->head_since = ktime_get();
	npu_result_store(job, done, fault, error);
	atomic_inc(&queue->npu->count.jobs);
	trace_npu_job_done(queue->npu->base.dev, queue->hw_id, job->seqno, fault,
			   done ? done->model_ns : 0);
	if (error)
		dma_fence_set_error(fence, error);
	/* Once it is signalled the scheduler may free the job. */
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static enum drm_gpu_sched_stat npu_job_timedout(struct drm_sched_job *base)
{
	struct npu_job *job = to_npu_job(base);
	struct npu_device *npu = job->queue->npu;
	bool cookie = dma_fence_begin_signalling();
	enum drm_gpu_sched_stat stat;
	int idx;

	/* Without a device unbind ends the job. */
	if (drm_dev_enter(&npu->base, &idx)) {
		npu_recovery_timeout(job);
		drm_dev_exit(idx);
	}
	/* Schedulers are paused and resumed by the writer. */
	down_read(&npu->reset_sem);
	stat = npu_compat_sched_keep(base, npu->power != NPU_RESETTING);
	up_read(&npu->reset_sem);
	dma_fence_end_signalling(cookie);
	return stat;
}

static void npu_job_release(struct drm_sched_job *base)
{
	npu_job_free(to_npu_job(base));
}

const struct drm_sched_backend_ops npu_job_sched_ops = {
	.run_job = npu_job_run,
	.timedout_job = npu_job_timedout,
	.free_job = npu_job_release,
};

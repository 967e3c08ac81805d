// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a queue, its ring, and the completion records of all queues.
 */
#include <linux/capability.h>
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include "npu_compat.h"
#include "npu_device.h"
#include "npu_drv.h"
#include "npu_fault.h"
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_recovery.h"
#include "npu_vm.h"

/*
 * Resets after which a job that waits is no longer given to the firmware: it may be what the
 * firmware stumbles over before it says that it has taken it.
 */
#define NPU_JOB_RESETS_MAX	5

struct npu_queue *npu_queue_get(struct npu_queue *queue)
{
	kref_get(&queue->ref);
	return queue;
}

static void npu_queue_unused(struct kref *ref)
{
	struct npu_queue *queue = container_of(ref, struct npu_queue, ref);

	/* The last job is put by the scheduler's own work, which cannot wait for itself. */
	queue_work(npu_release_wq, &queue->release);
}

void npu_queue_put(struct npu_queue *queue)
{
	kref_put(&queue->ref, npu_queue_unused);
}

void npu_queue_get_memory(struct npu_queue *queue)
{
	kref_get(&queue->memory);
}

static void npu_queue_free(struct kref *memory)
{
	struct npu_queue *queue = container_of(memory, struct npu_queue, memory);

	/* Somebody may still read the scheduler's name through a fence that has just gone. */
	kfree_rcu(queue, rcu);
}

void npu_queue_put_memory(struct npu_queue *queue)
{
	kref_put(&queue->memory, npu_queue_free);
}

static void npu_queue_release(struct work_struct *work)
{
	struct npu_queue *queue = container_of(work, struct npu_queue, release);
	struct npu_device *npu = queue->npu;

	drm_sched_entity_fini(&queue->entity);
	drm_sched_fini(&queue->sched);
	npu_results_fini(&queue->results);
	npu_file_put(queue->nfile);
	mutex_destroy(&queue->hw_lock);
	mutex_destroy(&queue->submit_lock);
	npu_queue_put_memory(queue);
	drm_dev_put(&npu->base);
}

struct npu_queue *npu_queue_lookup(struct npu_file *nfile, u32 id)
{
	struct npu_queue *queue;

	xa_lock(&nfile->queues);
	queue = xa_load(&nfile->queues, id);
	if (queue)
		npu_queue_get(queue);
	xa_unlock(&nfile->queues);
	return queue;
}

static void npu_queue_route(struct npu_queue *queue, struct npu_queue *to)
{
	struct npu_device *npu = queue->npu;

	spin_lock_irq(&npu->done_lock);
	npu->hw_queues[queue->hw_id] = to;
	spin_unlock_irq(&npu->done_lock);
}

int npu_queue_attach(struct npu_queue *queue)
{
	struct npu_msg msg = {
		.type = NPU_MSG_QUEUE_CREATE,
		.queue_create = {
			.queue = queue->hw_id,
			.context = queue->vm->context,
			.priority = queue->priority,
			.entries = queue->entries,
			.ring = queue->ring_dma,
		},
	};
	bool dead;
	int ret;

	spin_lock_irq(&queue->lock);
	queue->tail = 0;
	queue->progress = 0;
	dead = queue->state & DRM_NPU_QUEUE_DEAD;
	spin_unlock_irq(&queue->lock);

	mutex_lock(&queue->hw_lock);
	queue->attached = false;
	ret = dead ? 0 : npu_mbox_call(queue->npu, &msg);
	if (!dead && !ret) {
		queue->attached = true;
		npu_queue_route(queue, queue);
	}
	mutex_unlock(&queue->hw_lock);
	return ret;
}

int npu_queue_reset(struct npu_queue *queue)
{
	struct npu_msg msg = {
		.type = NPU_MSG_QUEUE_RESET,
		.queue.queue = queue->hw_id,
	};
	int ret = 0;

	mutex_lock(&queue->hw_lock);
	if (queue->attached)
		ret = npu_mbox_call(queue->npu, &msg);
	mutex_unlock(&queue->hw_lock);
	return ret;
}

void npu_queue_pause(struct npu_queue *queue)
{
	drm_sched_wqueue_stop(&queue->sched);
}

void npu_queue_resume(struct npu_queue *queue)
{
	drm_sched_wqueue_start(&queue->sched);
}

static void npu_queue_kill_locked(struct npu_queue *queue, u32 why, u32 fault)
{
	lockdep_assert_held(&queue->lock);
	if (queue->state & DRM_NPU_QUEUE_DEAD)
		return;
	queue->state |= DRM_NPU_QUEUE_DEAD | why;
	queue->fault = fault;
}

void npu_queue_kill(struct npu_queue *queue, u32 why, u32 fault)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	npu_queue_kill_locked(queue, why, fault);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void npu_queue_lose_jobs(struct npu_queue *queue)
{
	struct npu_job *job, *next;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (!list_empty(&queue->in_flight))
		npu_queue_kill_locked(queue, DRM_NPU_QUEUE_INNOCENT, NPU_FAULT_KILLED);
	list_for_each_entry_safe(job, next, &queue->in_flight, node) {
		if (queue->fault_pending && job->seqno == queue->fault_done.seqno)
			npu_job_finish(job, &queue->fault_done, queue->fault_done.fault);
		else
			npu_job_finish(job, NULL, NPU_FAULT_KILLED);
	}
	queue->fault_pending = false;
	spin_unlock_irqrestore(&queue->lock, flags);
}

/*
 * Whether the firmware had begun any job in the ring, as far as can be known: what a crashed one
 * has left in the status page may be anything.
 */
static bool npu_queue_begun(struct npu_queue *queue)
{
	u32 head = READ_ONCE(queue->npu->status->queue[queue->hw_id].head);
	struct npu_job *oldest;

	oldest = list_first_entry(&queue->in_flight, struct npu_job, node);
	if (head - oldest->index > queue->tail - oldest->index)
		return true;
	return head != oldest->index;
}

bool npu_queue_keep_jobs(struct npu_queue *queue)
{
	struct npu_job *oldest;
	bool keep = true;

	spin_lock_irq(&queue->lock);
	oldest = list_first_entry_or_null(&queue->in_flight, struct npu_job, node);
	if (queue->state & DRM_NPU_QUEUE_DEAD)
		keep = false;
	else if (oldest)
		keep = !npu_queue_begun(queue) && ++oldest->resets <= NPU_JOB_RESETS_MAX;
	spin_unlock_irq(&queue->lock);
	return keep;
}

void npu_queue_refill(struct npu_queue *queue)
{
	struct npu_job *job;
	bool dead;

	spin_lock_irq(&queue->lock);
	dead = queue->state & DRM_NPU_QUEUE_DEAD;
	if (!dead && !list_empty(&queue->in_flight)) {
		list_for_each_entry(job, &queue->in_flight, node)
			npu_job_put(job);
		queue->head_since = ktime_get();
		npu_write(queue->npu, NPU_REG_QUEUE_TAIL(queue->hw_id), queue->tail);
	}
	spin_unlock_irq(&queue->lock);
	/* Destroyed during the reset: not attached again. */
	if (dead)
		npu_queue_lose_jobs(queue);
}

void npu_queue_end_faults(struct npu_vm *vm)
{
	struct npu_device *npu = vm->npu;
	struct npu_queue *queue;

	spin_lock(&npu->list_lock);
	list_for_each_entry(queue, &npu->queues, node) {
		if (queue->vm == vm && READ_ONCE(queue->fault_pending))
			npu_queue_lose_jobs(queue);
	}
	spin_unlock(&npu->list_lock);
}

void npu_queue_free_ring(struct npu_queue *queue)
{
	if (queue->ring)
		dma_free_coherent(queue->npu->base.dev, queue->entries * sizeof(*queue->ring),
				  queue->ring, queue->ring_dma);
	queue->ring = NULL;
}

/* One record; with done_lock held. */
static void npu_queue_take(struct npu_device *npu, const struct npu_done *done)
{
	struct npu_queue *queue;
	struct npu_job *job;

	queue = done->queue < NPU_MAX_QUEUES ? npu->hw_queues[done->queue] : NULL;
	if (!queue) {
		drm_err_ratelimited(&npu->base, "completion of queue %u, which does not exist\n",
				    done->queue);
		return;
	}
	spin_lock(&queue->lock);
	/* Killed behind a fault: they end with it. */
	if (queue->fault_pending)
		goto out_unlock;
	job = list_first_entry_or_null(&queue->in_flight, struct npu_job, node);
	if (!job || job->seqno != done->seqno) {
		drm_err_ratelimited(&npu->base, "queue %u: completion of job %llu, expected %lld\n",
				    done->queue, done->seqno, job ? (s64)job->seqno : -1);
		goto out_unlock;
	}
	queue->progress = READ_ONCE(npu->status->queue[done->queue].progress);
	if (npu_fault_is_own(done->fault)) {
		bool hang = done->fault == NPU_FAULT_HANG;

		atomic_inc(hang ? &npu->count.hangs : &npu->count.faults);
		npu_queue_kill_locked(queue, DRM_NPU_QUEUE_GUILTY, done->fault);
		npu_coredump_take(npu, job, done, hang ? "hang" : "fault");
		queue->fault_done = *done;
		queue->fault_pending = true;
		npu_vm_fault(queue->vm);
		goto out_unlock;
	}
	if (done->fault)
		npu_queue_kill_locked(queue, DRM_NPU_QUEUE_INNOCENT, done->fault);
	npu_job_finish(job, done, done->fault);
out_unlock:
	spin_unlock(&queue->lock);
}

void npu_queue_drain_done(struct npu_device *npu)
{
	bool cookie = dma_fence_begin_signalling();
	struct npu_done done;
	unsigned long flags;
	u32 tail;

	spin_lock_irqsave(&npu->done_lock, flags);
	tail = READ_ONCE(npu->status->done_tail);
	/* Records are written before the tail: read them after it. */
	dma_rmb();
	if (tail - npu->done_head > NPU_DONE_ENTRIES) {
		drm_err_ratelimited(&npu->base, "completion ring: tail %u, head %u, size %u\n",
				    tail, npu->done_head, NPU_DONE_ENTRIES);
		npu->done_head = tail;
		npu_recovery_crashed(npu, "completion ring out of bounds");
	}
	while (npu->done_head != tail) {
		/* A copy: what was checked does not change any more. */
		done = npu->done[npu->done_head % NPU_DONE_ENTRIES];
		npu->done_head++;
		npu_queue_take(npu, &done);
	}
	npu_write(npu, NPU_REG_DONE_ARM, npu->done_head);
	spin_unlock_irqrestore(&npu->done_lock, flags);
	dma_fence_end_signalling(cookie);
}

/* The firmware kills what is left and gives a record for each; then the id is free. */
static int npu_queue_detach_hw(struct npu_queue *queue)
{
	struct npu_msg msg = {
		.type = NPU_MSG_QUEUE_DESTROY,
		.queue.queue = queue->hw_id,
	};
	int ret = 0;

	mutex_lock(&queue->hw_lock);
	if (queue->attached)
		ret = npu_mbox_call(queue->npu, &msg);
	queue->attached = false;
	mutex_unlock(&queue->hw_lock);
	npu_queue_drain_done(queue->npu);
	return ret;
}

/*
 * Ends the device's half. Jobs in the ring are killed, those before it are cancelled as their
 * dependencies allow.
 */
static void npu_queue_detach(struct npu_queue *queue)
{
	struct npu_device *npu = queue->npu;
	int ret;
	int idx;

	npu_queue_kill(queue, 0, NPU_FAULT_KILLED);
	if (drm_dev_enter(&npu->base, &idx)) {
		ret = npu_device_get(npu);
		if (!ret) {
			ret = npu_queue_detach_hw(queue);
			npu_device_put(npu);
			if (ret) {
				npu_recovery_crashed(npu, "a queue cannot be destroyed");
				npu_recovery_wait(npu);
			}
		}
		drm_dev_exit(idx);
	} else {
		npu_device_silence(npu);
		/* What waits in its scheduler is cancelled. */
		npu_queue_resume(queue);
	}

	/* Destroyed, or forgotten by a reset, or the device is silent. */
	down_read(&npu->reset_sem);
	spin_lock(&npu->list_lock);
	list_del_init(&queue->node);
	npu->queue_entries -= queue->entries;
	spin_unlock(&npu->list_lock);
	npu_queue_route(queue, NULL);
	npu_queue_lose_jobs(queue);
	npu_queue_free_ring(queue);
	up_read(&npu->reset_sem);

	ida_free(&npu->queue_ids, queue->hw_id);
	npu_vm_put(queue->vm);
}

static int npu_queue_reserve_entries(struct npu_device *npu, u32 entries)
{
	int ret = 0;

	spin_lock(&npu->list_lock);
	if (npu->queue_entries + entries > NPU_DONE_ENTRIES)
		ret = -ENOSPC;
	else
		npu->queue_entries += entries;
	spin_unlock(&npu->list_lock);
	return ret;
}

static void npu_queue_return_entries(struct npu_device *npu, u32 entries)
{
	spin_lock(&npu->list_lock);
	npu->queue_entries -= entries;
	spin_unlock(&npu->list_lock);
}

/* Memory, scheduler and ids; takes over the caller's count of the VM when it succeeds. */
static struct npu_queue *npu_queue_new(struct npu_file *nfile, struct npu_vm *vm, u32 entries,
				       u32 priority)
{
	struct npu_device *npu = nfile->npu;
	struct drm_gpu_scheduler *sched;
	struct npu_queue *queue;
	int ret;

	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	ret = npu_queue_reserve_entries(npu, entries);
	if (ret)
		goto out_free;
	ret = ida_alloc_max(&npu->queue_ids, npu->info.queues - 1, GFP_KERNEL);
	if (ret < 0)
		goto out_entries;
	queue->hw_id = ret;
	ret = npu_results_init(&queue->results);
	if (ret)
		goto out_id;
	queue->ring = dma_alloc_coherent(npu->base.dev, entries * sizeof(*queue->ring),
					 &queue->ring_dma, GFP_KERNEL | __GFP_NOWARN);
	if (!queue->ring) {
		ret = -ENOMEM;
		goto out_results;
	}
	ret = npu_compat_sched_init(&queue->sched, &npu_job_sched_ops, npu->sched_wq,
				    npu->reset_wq, entries, npu_job_timeout_jiffies(), "npu",
				    npu->base.dev);
	if (ret)
		goto out_ring;
	sched = &queue->sched;
	ret = drm_sched_entity_init(&queue->entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (ret)
		goto out_sched;

	kref_init(&queue->ref);
	kref_init(&queue->memory);
	mutex_init(&queue->submit_lock);
	mutex_init(&queue->hw_lock);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->node);
	INIT_LIST_HEAD(&queue->in_flight);
	INIT_WORK(&queue->release, npu_queue_release);
	queue->fence_context = dma_fence_context_alloc(1);
	queue->npu = npu;
	queue->entries = entries;
	queue->priority = priority;
	queue->vm = vm;
	queue->nfile = npu_file_get(nfile);
	drm_dev_get(&npu->base);
	return queue;

out_sched:
	drm_sched_fini(&queue->sched);
out_ring:
	dma_free_coherent(npu->base.dev, entries * sizeof(*queue->ring), queue->ring,
			  queue->ring_dma);
out_results:
	npu_results_fini(&queue->results);
out_id:
	ida_free(&npu->queue_ids, queue->hw_id);
out_entries:
	npu_queue_return_entries(npu, entries);
out_free:
	kfree(queue);
	return ERR_PTR(ret);
}

static int npu_queue_check(const struct drm_npu_queue_create *args)
{
	if (args->flags || args->pad || args->priority >= NPU_PRIORITY_COUNT)
		return -EINVAL;
	if (!is_power_of_2(args->entries) || args->entries < NPU_QUEUE_ENTRIES_MIN ||
	    args->entries > NPU_QUEUE_ENTRIES_MAX)
		return -EINVAL;
	if (args->priority >= NPU_PRIORITY_HIGH && !capable(CAP_SYS_NICE))
		return -EACCES;
	return 0;
}

/* Makes it known to the device, and to resets from now on. */
static int npu_queue_publish(struct npu_queue *queue)
{
	struct npu_device *npu = queue->npu;
	int ret;

	ret = npu_device_get(npu);
	if (ret)
		return ret;
	ret = npu_queue_attach(queue);
	if (!ret) {
		spin_lock(&npu->list_lock);
		list_add_tail(&queue->node, &npu->queues);
		spin_unlock(&npu->list_lock);
	}
	npu_device_put(npu);
	return ret ? -EIO : 0;
}

int npu_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct npu_file *nfile = file->driver_priv;
	struct drm_npu_queue_create *args = data;
	struct npu_queue *queue;
	struct npu_vm *vm;
	u32 id;
	int ret;

	ret = npu_queue_check(args);
	if (ret)
		return ret;

	/* Counted before VM_DESTROY can look. */
	xa_lock(&nfile->vms);
	vm = xa_load(&nfile->vms, args->vm_id);
	if (vm) {
		npu_vm_get(vm);
		atomic_inc(&vm->queues);
	}
	xa_unlock(&nfile->vms);
	if (!vm)
		return -ENOENT;

	/* Its jobs shall not end for a fault that the caller has already been told of. */
	flush_work(&vm->recovery);
	queue = npu_queue_new(nfile, vm, args->entries, args->priority);
	if (IS_ERR(queue)) {
		ret = PTR_ERR(queue);
		atomic_dec(&vm->queues);
		npu_vm_put(vm);
		return ret;
	}
	ret = npu_queue_publish(queue);
	if (ret)
		goto out_destroy;
	/* From here on another thread may destroy it. */
	ret = xa_alloc(&nfile->queues, &id, queue, xa_limit_31b, GFP_KERNEL);
	if (ret)
		goto out_destroy;
	args->queue_id = id;
	return 0;

out_destroy:
	atomic_dec(&vm->queues);
	npu_queue_detach(queue);
	npu_queue_put(queue);
	return ret;
}

static void npu_queue_destroy(struct npu_queue *queue)
{
	/* No submit pushes behind this: it looks at the state under the same lock. */
	mutex_lock(&queue->submit_lock);
	npu_queue_kill(queue, 0, NPU_FAULT_KILLED);
	mutex_unlock(&queue->submit_lock);
	atomic_dec(&queue->vm->queues);
	npu_queue_detach(queue);
	npu_queue_put(queue);
}

int npu_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct npu_file *nfile = file->driver_priv;
	struct drm_npu_queue_destroy *args = data;
	struct npu_queue *queue;

	if (args->pad)
		return -EINVAL;
	queue = xa_erase(&nfile->queues, args->queue_id);
	if (!queue)
		return -ENOENT;
	npu_queue_destroy(queue);
	return 0;
}

void npu_queue_close(struct npu_file *nfile)
{
	struct npu_queue *queue;
	unsigned long id;

	xa_for_each(&nfile->queues, id, queue) {
		xa_erase(&nfile->queues, id);
		npu_queue_destroy(queue);
	}
	xa_destroy(&nfile->queues);
}

int npu_ioctl_queue_state(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_npu_queue_state *args = data;
	struct npu_queue *queue;

	if (args->pad)
		return -EINVAL;
	queue = npu_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;
	spin_lock_irq(&queue->lock);
	args->state = queue->state;
	args->submitted = queue->submitted;
	args->completed = queue->completed;
	args->fault = queue->fault;
	spin_unlock_irq(&queue->lock);
	npu_queue_put(queue);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Submit. All that can fail happens before the queue's lock is taken and its state looked at;
 * behind that point every job is armed, visible and pushed.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>

#include "npu_device.h"
#include "npu_drv.h"
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_submit.h"
#include "npu_trace.h"
#include "npu_uapi.h"

/* The jobs of one call */
struct npu_submit {
	struct npu_queue *queue;
	struct npu_job **jobs;
	const struct npu_syncs **syncs;
	u32 count;
};

static int npu_submit_fill(struct npu_job *job, const struct drm_npu_job *in)
{
	struct npu_ring_entry *entry = &job->entry;

	if (in->n_params > NPU_MAX_PARAMS)
		return -E2BIG;
	if (in->cmdbuf & 63 || !in->cmdbuf_size || in->cmdbuf_size & 7 ||
	    in->cmdbuf_size > NPU_MAX_CMDBUF_BYTES)
		return -EINVAL;
	entry->cmdbuf = in->cmdbuf;
	entry->cmdbuf_size = in->cmdbuf_size;
	entry->n_params = in->n_params;
	if (copy_from_user(entry->params, u64_to_user_ptr(in->params),
			   in->n_params * sizeof(entry->params[0])))
		return -EFAULT;
	return 0;
}

static int npu_submit_add(struct npu_submit *submit, const struct drm_npu_job *in,
			  struct drm_file *file)
{
	struct npu_job *job;
	int ret;

	job = npu_job_new(submit->queue);
	if (IS_ERR(job))
		return PTR_ERR(job);
	ret = npu_submit_fill(job, in);
	if (!ret)
		ret = npu_syncs_collect(&job->syncs, &in->syncs, file, &job->base, submit->syncs,
					submit->count);
	if (ret) {
		npu_job_free(job);
		return ret;
	}
	submit->jobs[submit->count] = job;
	submit->syncs[submit->count] = &job->syncs;
	submit->count++;
	return 0;
}

static int npu_submit_collect(struct npu_submit *submit, const struct drm_npu_array *array,
			      struct drm_file *file)
{
	struct drm_npu_job *in;
	int ret = 0;
	u32 i;

	if (!array->count)
		return -EINVAL;
	in = npu_uapi_array(array, sizeof(*in), sizeof(*in), DRM_NPU_MAX_JOBS);
	if (IS_ERR(in))
		return PTR_ERR(in);
	submit->jobs = kcalloc(array->count, sizeof(*submit->jobs), GFP_KERNEL);
	submit->syncs = kcalloc(array->count, sizeof(*submit->syncs), GFP_KERNEL);
	if (!submit->jobs || !submit->syncs)
		ret = -ENOMEM;
	for (i = 0; i < array->count && !ret; i++)
		ret = npu_submit_add(submit, &in[i], file);
	kvfree(in);
	return ret;
}

static bool npu_submit_queue_dead(struct npu_queue *queue)
{
	bool dead;

	spin_lock_irq(&queue->lock);
	dead = queue->state & DRM_NPU_QUEUE_DEAD;
	spin_unlock_irq(&queue->lock);
	return dead;
}

static void npu_submit_number(struct npu_submit *submit, u64 *first)
{
	struct npu_queue *queue = submit->queue;
	u32 i;

	spin_lock_irq(&queue->lock);
	*first = queue->submitted + 1;
	for (i = 0; i < submit->count; i++)
		submit->jobs[i]->seqno = ++queue->submitted;
	spin_unlock_irq(&queue->lock);
}

/* Owns no job any more when it succeeds. */
static int npu_submit_push(struct npu_submit *submit, u64 *first)
{
	struct npu_queue *queue = submit->queue;
	bool cookie;
	u32 i;

	mutex_lock(&queue->submit_lock);
	if (npu_submit_queue_dead(queue)) {
		mutex_unlock(&queue->submit_lock);
		return -EIO;
	}
	/* Nothing can fail after this point: the fences may be seen by others. */
	cookie = dma_fence_begin_signalling();
	npu_submit_number(submit, first);
	for (i = 0; i < submit->count; i++) {
		struct npu_job *job = submit->jobs[i];

		drm_sched_job_arm(&job->base);
		npu_syncs_publish(&job->syncs, &job->base.s_fence->finished);
		trace_npu_job_submit(queue->npu->base.dev, queue->hw_id, job->seqno,
				     &job->base.s_fence->finished);
	}
	for (i = 0; i < submit->count; i++)
		drm_sched_entity_push_job(&submit->jobs[i]->base);
	submit->count = 0;
	dma_fence_end_signalling(cookie);
	mutex_unlock(&queue->submit_lock);
	return 0;
}

int npu_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_npu_submit *args = data;
	struct npu_submit submit = {};
	int ret;

	if (args->flags)
		return -EINVAL;
	submit.queue = npu_queue_lookup(file->driver_priv, args->queue_id);
	if (!submit.queue)
		return -ENOENT;
	ret = npu_submit_queue_dead(submit.queue) ? -EIO : 0;
	if (!ret)
		ret = npu_submit_collect(&submit, &args->jobs, file);
	if (!ret)
		ret = npu_submit_push(&submit, &args->first_seqno);

	while (submit.count)
		npu_job_free(submit.jobs[--submit.count]);
	kfree(submit.syncs);
	kfree(submit.jobs);
	npu_queue_put(submit.queue);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Jobs: one execution of a command buffer, from submit to free_job. Everything that a job needs to
 * run is allocated when it is made; after drm_sched_job_arm() nothing allocates and nothing fails.
 */
#ifndef NPU_JOB_H
#define NPU_JOB_H

#include <linux/dma-fence.h>
#include <linux/list.h>

#include <drm/gpu_scheduler.h>

#include "npu_fw_msg.h"
#include "npu_sync.h"

struct npu_queue;

/* The device's end of a job; initialised when the job goes into the ring. */
struct npu_fence {
	struct dma_fence base;
	spinlock_t lock;		/* of base */
	struct npu_queue *queue;
};

struct npu_job {
	struct drm_sched_job base;
	struct npu_queue *queue;
	struct list_head node;		/* queue->in_flight */
	struct npu_fence *fence;	/* memory of hw_fence, until that is initialised */
	struct dma_fence *hw_fence;
	u64 seqno;			/* of the queue */
	u32 index;			/* of its entry, counted since the queue was attached */
	u32 resets;			/* that it saw as the oldest of its ring */
	struct npu_ring_entry entry;
	struct npu_syncs syncs;		/* empty once published */
};

static inline struct npu_job *to_npu_job(struct drm_sched_job *base)
{
	return container_of(base, struct npu_job, base);
}

extern const struct drm_sched_backend_ops npu_job_sched_ops;

/* npu_job_timeout_jiffies() - Time without progress after which a job is looked at. */
long npu_job_timeout_jiffies(void);
/* npu_job_max_ms() - Time that a job may take, however much progress it makes. */
unsigned int npu_job_max_ms(void);

/**
 * npu_job_new() - A job for a queue, with all the memory it will ever need.
 * @queue: of which the job takes a count
 *
 * Return: the job, to be freed with npu_job_free() unless it is armed; or an ERR_PTR.
 */
struct npu_job *npu_job_new(struct npu_queue *queue);
void npu_job_free(struct npu_job *job);

/* npu_job_put() - Writes its entry at the ring's tail; with the queue's lock held. */
void npu_job_put(struct npu_job *job);

/* npu_job_finish() - Ends a job in the ring: result, fence. With the queue's lock held. */
void npu_job_finish(struct npu_job *job, const struct npu_done *done, u32 fault);

#endif

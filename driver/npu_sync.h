/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Syncobjs of a job, binary and timeline, to wait for and to signal.
 */
#ifndef NPU_SYNC_H
#define NPU_SYNC_H

#include <linux/types.h>

#include "npu_drm.h"

struct dma_fence;
struct dma_fence_chain;
struct drm_file;
struct drm_sched_job;
struct drm_syncobj;

struct npu_signal {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;	/* allocated ahead; NULL: binary */
	u64 point;
};

/* What a job signals */
struct npu_syncs {
	struct npu_signal *signals;
	u32 count;
};

void npu_syncs_init(struct npu_syncs *syncs);
void npu_syncs_fini(struct npu_syncs *syncs);

/**
 * npu_syncs_collect() - Take a job's syncobjs from user space.
 * @syncs: gets those to signal, with all the memory that this needs
 * @array: of struct drm_npu_sync
 * @file: whose handles they are
 * @job: gets a dependency for each to wait for
 * @earlier: the @n_earlier jobs before it in the same call: what one of them signals needs
 *	no waiting for, since jobs of a queue run in order
 *
 * Return: 0, -EINVAL a flag, a point that does not fit, nothing to wait for there yet;
 * -ENOENT, -E2BIG, -EFAULT, -ENOMEM.
 */
int npu_syncs_collect(struct npu_syncs *syncs, const struct drm_npu_array *array,
		      struct drm_file *file, struct drm_sched_job *job,
		      const struct npu_syncs *const *earlier, u32 n_earlier);

/* npu_syncs_publish() - Puts the fence into all syncobjs. Cannot fail, allocates nothing. */
void npu_syncs_publish(struct npu_syncs *syncs, struct dma_fence *fence);

#endif

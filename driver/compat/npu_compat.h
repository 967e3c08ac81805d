/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One set of names for kernels from 6.12 on. Which branch is taken was found by compiling
 * (probe.sh), so a stable kernel with backports is served right.
 */
#ifndef NPU_COMPAT_H
#define NPU_COMPAT_H

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>

#include "npu_compat_config.h"

#ifdef NPU_HAVE_DRIVER_GEM_GPUVA
#define NPU_DRIVER_GEM_GPUVA	DRIVER_GEM_GPUVA
#else
#define NPU_DRIVER_GEM_GPUVA	0
#endif

static inline bool npu_compat_is_imported(const struct drm_gem_object *obj)
{
#ifdef NPU_HAVE_GEM_IS_IMPORTED
	return drm_gem_is_imported(obj);
#else
	return obj->import_attach;
#endif
}

/* Caller holds the buffer's reservation. */
static inline void npu_compat_put_pages(struct drm_gem_shmem_object *shmem)
{
#ifdef NPU_HAVE_SHMEM_PUT_PAGES_LOCKED
	drm_gem_shmem_put_pages_locked(shmem);
#else
	drm_gem_shmem_put_pages(shmem);
#endif
}

static inline int npu_compat_sched_init(struct drm_gpu_scheduler *sched,
					const struct drm_sched_backend_ops *ops,
					struct workqueue_struct *submit_wq,
					struct workqueue_struct *timeout_wq,
					u32 credits, long timeout, const char *name,
					struct device *dev)
{
#ifdef NPU_HAVE_SCHED_INIT_ARGS
	const struct drm_sched_init_args args = {
		.ops = ops,
		.submit_wq = submit_wq,
		.timeout_wq = timeout_wq,
#ifdef NPU_HAVE_SCHED_ARGS_NUM_RQS
		.num_rqs = 1,
#endif
		.credit_limit = credits,
		.timeout = timeout,
		.name = name,
		.dev = dev,
	};

	return drm_sched_init(sched, &args);
#else
	return drm_sched_init(sched, ops, submit_wq, 1, credits, 0, timeout, timeout_wq, NULL,
			      name, dev);
#endif
}

static inline int npu_compat_sched_job_init(struct drm_sched_job *job,
					    struct drm_sched_entity *entity, void *owner,
					    u64 client_id)
{
#ifdef NPU_HAVE_SCHED_JOB_CLIENT_ID
	return drm_sched_job_init(job, entity, 1, owner, client_id);
#else
	return drm_sched_job_init(job, entity, 1, owner);
#endif
}

/*
 * Gives a job back to its scheduler from timedout_job(): its hardware fence is or will be
 * signalled, nothing else has to be done for it. Older schedulers took the job off their
 * list and count on a reset to put it back. @running is false while the scheduler is paused.
 */
static inline enum drm_gpu_sched_stat npu_compat_sched_keep(struct drm_sched_job *job,
							    bool running)
{
#ifdef NPU_HAVE_SCHED_NO_HANG
	return DRM_GPU_SCHED_STAT_NO_HANG;
#else
	struct drm_gpu_scheduler *sched = job->sched;

	spin_lock(&sched->job_list_lock);
	list_add(&job->list, &sched->pending_list);
	spin_unlock(&sched->job_list_lock);
	/* It may have finished while it was on no list. */
	if (running)
		drm_sched_wqueue_start(sched);
	return DRM_GPU_SCHED_STAT_NOMINAL;
#endif
}

static inline int npu_compat_sm_map(struct drm_gpuvm *vm, void *priv, u64 addr, u64 range,
				    struct drm_gem_object *obj, u64 offset)
{
#ifdef NPU_HAVE_GPUVM_MAP_REQ
	const struct drm_gpuvm_map_req req = {
		.map.va.addr = addr,
		.map.va.range = range,
		.map.gem.obj = obj,
		.map.gem.offset = offset,
	};

	return drm_gpuvm_sm_map(vm, priv, &req);
#else
	return drm_gpuvm_sm_map(vm, priv, addr, range, obj, offset);
#endif
}

/* Caller holds the buffer's reservation. */
static inline struct drm_gpuvm_bo *npu_compat_vm_bo_obtain(struct drm_gpuvm *vm,
							   struct drm_gem_object *obj)
{
#ifdef NPU_HAVE_GPUVM_BO_OBTAIN_LOCKED
	return drm_gpuvm_bo_obtain_locked(vm, obj);
#else
	return drm_gpuvm_bo_obtain(vm, obj);
#endif
}

#endif

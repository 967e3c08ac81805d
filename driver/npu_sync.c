// SPDX-License-Identifier: GPL-2.0-only
/*
 * Syncobjs in and out.
 */
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>

#include <drm/drm_syncobj.h>
#include <drm/gpu_scheduler.h>

#include "npu_sync.h"
#include "npu_uapi.h"

void npu_syncs_init(struct npu_syncs *syncs)
{
	syncs->signals = NULL;
	syncs->count = 0;
}

void npu_syncs_fini(struct npu_syncs *syncs)
{
	u32 i;

	for (i = 0; i < syncs->count; i++) {
		drm_syncobj_put(syncs->signals[i].syncobj);
		dma_fence_chain_free(syncs->signals[i].chain);
	}
	kfree(syncs->signals);
	npu_syncs_init(syncs);
}

static int npu_sync_check(const struct drm_npu_sync *sync)
{
	bool timeline = sync->flags & DRM_NPU_SYNC_TIMELINE;

	if (sync->flags & ~(DRM_NPU_SYNC_SIGNAL | DRM_NPU_SYNC_TIMELINE))
		return -EINVAL;
	return timeline == !sync->value ? -EINVAL : 0;
}

static int npu_sync_add_signal(struct npu_syncs *syncs, const struct drm_npu_sync *sync,
			       struct drm_file *file)
{
	struct npu_signal *signal = &syncs->signals[syncs->count];

	signal->point = sync->value;
	if (sync->flags & DRM_NPU_SYNC_TIMELINE) {
		signal->chain = dma_fence_chain_alloc();
		if (!signal->chain)
			return -ENOMEM;
	}
	signal->syncobj = drm_syncobj_find(file, sync->handle);
	if (!signal->syncobj) {
		dma_fence_chain_free(signal->chain);
		signal->chain = NULL;
		return -ENOENT;
	}
	syncs->count++;
	return 0;
}

/* Does a job before it in the same call signal it? */
static bool npu_sync_is_ours(const struct drm_npu_sync *sync, struct drm_syncobj *syncobj,
			     const struct npu_syncs *const *earlier, u32 n_earlier)
{
	u32 i, j;

	for (i = 0; i < n_earlier; i++) {
		for (j = 0; j < earlier[i]->count; j++) {
			const struct npu_signal *signal = &earlier[i]->signals[j];

			if (signal->syncobj == syncobj && !signal->chain == !sync->value &&
			    signal->point >= sync->value)
				return true;
		}
	}
	return false;
}

static int npu_sync_add_wait(const struct drm_npu_sync *sync, struct drm_file *file,
			     struct drm_sched_job *job, const struct npu_syncs *const *earlier,
			     u32 n_earlier)
{
	struct drm_syncobj *syncobj;
	struct dma_fence *fence;
	bool ours;
	int ret;

	syncobj = drm_syncobj_find(file, sync->handle);
	if (!syncobj)
		return -ENOENT;
	ours = npu_sync_is_ours(sync, syncobj, earlier, n_earlier);
	drm_syncobj_put(syncobj);
	if (ours)
		return 0;

	ret = drm_syncobj_find_fence(file, sync->handle, sync->value, 0, &fence);
	if (ret)
		return ret;
	return drm_sched_job_add_dependency(job, fence);
}

int npu_syncs_collect(struct npu_syncs *syncs, const struct drm_npu_array *array,
		      struct drm_file *file, struct drm_sched_job *job,
		      const struct npu_syncs *const *earlier, u32 n_earlier)
{
	struct drm_npu_sync *in;
	int ret = 0;
	u32 i;

	in = npu_uapi_array(array, sizeof(*in), sizeof(*in), DRM_NPU_MAX_SYNCS);
	if (IS_ERR_OR_NULL(in))
		return PTR_ERR_OR_ZERO(in);
	syncs->signals = kcalloc(array->count, sizeof(*syncs->signals), GFP_KERNEL_ACCOUNT);
	if (!syncs->signals)
		ret = -ENOMEM;

	for (i = 0; i < array->count && !ret; i++) {
		ret = npu_sync_check(&in[i]);
		if (ret)
			break;
		if (in[i].flags & DRM_NPU_SYNC_SIGNAL)
			ret = npu_sync_add_signal(syncs, &in[i], file);
		else
			ret = npu_sync_add_wait(&in[i], file, job, earlier, n_earlier);
	}
	kvfree(in);
	return ret;
}

void npu_syncs_publish(struct npu_syncs *syncs, struct dma_fence *fence)
{
	u32 i;

	for (i = 0; i < syncs->count; i++) {
		struct npu_signal *signal = &syncs->signals[i];

		if (signal->chain)
			drm_syncobj_add_point(signal->syncobj, signal->chain, fence, signal->point);
		else
			drm_syncobj_replace_fence(signal->syncobj, fence);
		/* The syncobj owns it now. */
		signal->chain = NULL;
	}
}

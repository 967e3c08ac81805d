// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers on drm_gem_shmem_helper.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "npu_compat.h"
#include "npu_device.h"
#include "npu_gem.h"
#include "npu_mmu.h"

static void npu_gem_free(struct drm_gem_object *obj)
{
	struct npu_device *npu = to_npu(obj->dev);
	struct npu_bo *bo = to_npu_bo(obj);

	mutex_lock(&npu->bos_lock);
	list_del_init(&bo->node);
	mutex_unlock(&npu->bos_lock);
	drm_gem_shmem_free(&bo->base);
}

/* For fdinfo; called under a spinlock, so a glance and no more. */
static enum drm_gem_object_status npu_gem_status(struct drm_gem_object *obj)
{
	struct npu_bo *bo = to_npu_bo(obj);

	if (READ_ONCE(bo->base.pages) || npu_compat_is_imported(obj))
		return DRM_GEM_OBJECT_RESIDENT;
	return 0;
}

/* All pages of a buffer come at once: fail now rather than after everybody's memory is gone. */
static bool npu_gem_too_large(struct drm_gem_object *obj)
{
	return !npu_compat_is_imported(obj) && obj->size >> PAGE_SHIFT > totalram_pages();
}

static int npu_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	if (npu_gem_too_large(obj))
		return -ENOMEM;
	return drm_gem_shmem_object_mmap(obj, vma);
}

static const struct drm_gem_object_funcs npu_gem_funcs = {
	.free = npu_gem_free,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = npu_gem_mmap,
	.status = npu_gem_status,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

struct drm_gem_object *npu_gem_create_object(struct drm_device *drm, size_t size)
{
	struct npu_bo *bo;

	bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->base.base.funcs = &npu_gem_funcs;
	INIT_LIST_HEAD(&bo->node);
	return &bo->base.base;
}

static bool npu_gem_whole_pages(struct sg_table *sgt)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if ((sg_dma_address(sg) | sg_dma_len(sg)) & (NPU_PAGE_SIZE - 1))
			return false;
	}
	return true;
}

struct sg_table *npu_gem_sgt(struct npu_bo *bo)
{
	struct drm_gem_object *obj = &bo->base.base;
	struct sg_table *sgt;

	if (npu_compat_is_imported(obj))
		return npu_gem_whole_pages(bo->base.sgt) ? bo->base.sgt : ERR_PTR(-EINVAL);

	if (npu_gem_too_large(obj))
		return ERR_PTR(-ENOMEM);
	sgt = drm_gem_shmem_get_pages_sgt(&bo->base);
	/* From an interrupted lock: tell user space to try again. */
	return IS_ERR(sgt) && PTR_ERR(sgt) == -ERESTARTSYS ? ERR_PTR(-EINTR) : sgt;
}

/*
 * The device is quiet and unplugged, so nobody maps anew. A buffer that is being freed has left
 * the list or does so after us: freeing takes bos_lock first.
 */
void npu_gem_unmap_all(struct npu_device *npu)
{
	struct drm_gem_shmem_object *shmem;
	struct npu_bo *bo;

	mutex_lock(&npu->bos_lock);
	list_for_each_entry(bo, &npu->bos, node) {
		shmem = &bo->base;
		dma_resv_lock(shmem->base.resv, NULL);
		if (shmem->sgt) {
			dma_unmap_sgtable(npu->base.dev, shmem->sgt, DMA_BIDIRECTIONAL, 0);
			sg_free_table(shmem->sgt);
			kfree(shmem->sgt);
			shmem->sgt = NULL;
			npu_compat_put_pages(shmem);
		}
		dma_resv_unlock(shmem->base.resv);
	}
	mutex_unlock(&npu->bos_lock);
}

int npu_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct npu_device *npu = to_npu(drm);
	struct drm_npu_bo_create *args = data;
	struct drm_gem_shmem_object *shmem;
	struct drm_gem_object *obj;
	u64 offset;
	int ret;

	if (args->pad || args->flags & ~DRM_NPU_BO_READ_ONLY)
		return -EINVAL;
	if (!args->size || args->size > DRM_NPU_MAX_BO_SIZE)
		return -EINVAL;

	shmem = drm_gem_shmem_create(drm, args->size);
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);
	obj = &shmem->base;
	to_npu_bo(obj)->flags = args->flags;
	mutex_lock(&npu->bos_lock);
	list_add_tail(&to_npu_bo(obj)->node, &npu->bos);
	mutex_unlock(&npu->bos_lock);
	args->size = obj->size;
	offset = drm_vma_node_offset_addr(&obj->vma_node);

	/* From here on another thread may close the handle. */
	ret = drm_gem_handle_create(file, obj, &args->handle);
	drm_gem_object_put(obj);
	if (ret)
		return ret;
	args->mmap_offset = offset;
	return 0;
}

int npu_ioctl_bo_info(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_npu_bo_info *args = data;
	struct drm_gem_object *obj;

	if (args->pad)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;
	args->flags = to_npu_bo(obj)->flags;
	args->size = obj->size;
	args->mmap_offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return 0;
}

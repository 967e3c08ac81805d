/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers: shmem GEM objects. Their pages are allocated, pinned and mapped for DMA by the first
 * bind and stay so until the buffer is freed.
 */
#ifndef NPU_GEM_H
#define NPU_GEM_H

#include <drm/drm_gem_shmem_helper.h>

struct drm_file;
struct npu_device;

struct npu_bo {
	struct drm_gem_shmem_object base;
	u32 flags;			/* DRM_NPU_BO_* */
	struct list_head node;		/* npu->bos; not those imported */
};

static inline struct npu_bo *to_npu_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct npu_bo, base);
}

/* drm_driver.gem_create_object */
struct drm_gem_object *npu_gem_create_object(struct drm_device *drm, size_t size);

/**
 * npu_gem_sgt() - DMA addresses of a buffer; allocates and pins its pages the first time.
 * @bo: buffer
 *
 * Return: table that lives as long as the buffer or until unbind, or -ENOMEM, -EINTR,
 * -EINVAL an imported buffer is not made of whole pages.
 */
struct sg_table *npu_gem_sgt(struct npu_bo *bo);

/* npu_gem_unmap_all() - At unbind: the device's DMA mappings of all buffers end. */
void npu_gem_unmap_all(struct npu_device *npu);

int npu_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file);
int npu_ioctl_bo_info(struct drm_device *drm, void *data, struct drm_file *file);

#endif

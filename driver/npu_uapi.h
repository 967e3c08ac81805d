/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the extension rules of npu_drm.h ask of every call.
 */
#ifndef NPU_UAPI_H
#define NPU_UAPI_H

#include <linux/types.h>

#include "npu_drm.h"

struct file;

/*
 * npu_uapi_ioctl() - file_operations.unlocked_ioctl: refuses longer structures whose unknown part
 * is not zero, keeps the device plugged for the time of the call, then does what drm_ioctl() does.
 */
long npu_uapi_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
#ifdef CONFIG_COMPAT
long npu_uapi_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
#else
#define npu_uapi_compat_ioctl NULL
#endif

/**
 * npu_uapi_array() - Copy an array of extensible structures from user space.
 * @array: where it is
 * @size: of an element in this kernel, bytes; shorter ones are filled with zero
 * @min: of an element's first version
 * @max: most elements
 *
 * Return: the elements, to be freed with kvfree(); NULL if there are none; -EINVAL stride too
 * small, -E2BIG too many, a stride past DRM_NPU_MAX_STRIDE or an unknown part that is not zero,
 * -EFAULT, -ENOMEM.
 */
void *npu_uapi_array(const struct drm_npu_array *array, size_t size, size_t min, u32 max);

/* npu_uapi_give() - Copies the first @room bytes of a structure; @room becomes what was written. */
int npu_uapi_give(u64 pointer, const void *from, size_t size, u32 *room);

#endif

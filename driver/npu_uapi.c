// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes negotiated, tails checked, arrays copied.
 */
#include <linux/compat.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_ioctl.h>

#include "npu_uapi.h"

static bool npu_uapi_is_ours(unsigned int cmd)
{
	unsigned int nr = DRM_IOCTL_NR(cmd);

	return nr >= DRM_COMMAND_BASE && nr < DRM_COMMAND_END;
}

/* drm_ioctl() zero-extends shorter structures; it would ignore the rest of longer ones. */
static int npu_uapi_check_tail(const struct drm_driver *driver, unsigned int cmd,
			       unsigned long arg)
{
	unsigned int index = DRM_IOCTL_NR(cmd) - DRM_COMMAND_BASE;
	unsigned int known;
	int ret;

	if (index >= driver->num_ioctls)
		return 0;
	index = array_index_nospec(index, driver->num_ioctls);
	known = _IOC_SIZE(driver->ioctls[index].cmd);
	if (!(cmd & IOC_IN) || _IOC_SIZE(cmd) <= known)
		return 0;
	ret = check_zeroed_user((const void __user *)arg + known, _IOC_SIZE(cmd) - known);
	if (ret < 0)
		return ret;
	return ret ? 0 : -E2BIG;
}

static long npu_uapi_call(struct file *filp, unsigned int cmd, unsigned long arg,
			  long (*call)(struct file *filp, unsigned int cmd, unsigned long arg))
{
	struct drm_file *file = filp->private_data;
	struct drm_device *drm = file->minor->dev;
	long ret;
	int idx;

	/* The others, waits among them, touch no hardware and may take for ever. */
	if (!npu_uapi_is_ours(cmd))
		return call(filp, cmd, arg);
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	ret = npu_uapi_check_tail(drm->driver, cmd, arg);
	if (!ret)
		ret = call(filp, cmd, arg);
	drm_dev_exit(idx);
	return ret;
}

long npu_uapi_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return npu_uapi_call(filp, cmd, arg, drm_ioctl);
}

#ifdef CONFIG_COMPAT
long npu_uapi_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return npu_uapi_call(filp, cmd, (unsigned long)compat_ptr(arg), drm_compat_ioctl);
}
#endif

void *npu_uapi_array(const struct drm_npu_array *array, size_t size, size_t min, u32 max)
{
	const void __user *from = u64_to_user_ptr(array->ptr);
	void *to;
	u32 i;
	int ret;

	if (!array->count)
		return array->stride ? ERR_PTR(-EINVAL) : NULL;
	if (array->stride < min)
		return ERR_PTR(-EINVAL);
	if (array->count > max || array->stride > DRM_NPU_MAX_STRIDE)
		return ERR_PTR(-E2BIG);

	to = kvcalloc(array->count, size, GFP_KERNEL);
	if (!to)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < array->count; i++) {
		ret = copy_struct_from_user(to + i * size, size, from + (size_t)i * array->stride,
					    array->stride);
		if (ret) {
			kvfree(to);
			return ERR_PTR(ret);
		}
	}
	return to;
}

int npu_uapi_give(u64 pointer, const void *from, size_t size, u32 *room)
{
	u32 n = min_t(size_t, *room, size);

	if (copy_to_user(u64_to_user_ptr(pointer), from, n))
		return -EFAULT;
	*room = n;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM_BIND: maps and unmaps ranges of a VM while the caller waits.
 */
#ifndef NPU_BIND_H
#define NPU_BIND_H

#include <drm/drm_gpuvm.h>

struct drm_device;
struct drm_file;
struct npu_vm;

extern const struct drm_gpuvm_ops npu_bind_ops;

/* npu_bind_clear() - Unmaps everything of a VM which the device has already forgotten. */
void npu_bind_clear(struct npu_vm *vm);

int npu_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address spaces. A VM is a drm_gpuvm, its page tables, and one context of the device.
 *
 * Two counts: `users` are the handle, the queues and a pending recovery; at zero the context goes
 * and everything is unmapped. drm_gpuvm's own count then frees the memory.
 */
#ifndef NPU_VM_H
#define NPU_VM_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include <drm/drm_gpuvm.h>

#include "npu_mmu.h"

struct drm_device;
struct drm_file;
struct npu_device;
struct npu_file;

struct npu_vm {
	struct drm_gpuvm base;
	struct npu_device *npu;
	struct kref users;
	struct list_head node;		/* npu->vms */
	u32 context;			/* id in the device */
	atomic_t queues;		/* handles of queues that use it */
	struct mutex lock;		/* mappings and page tables */
	struct npu_mmu mmu;
	struct work_struct recovery;
	struct work_struct release;
};

struct npu_vm *npu_vm_get(struct npu_vm *vm);
/* npu_vm_put() - From any context; the work of the last put happens later. */
void npu_vm_put(struct npu_vm *vm);

/* npu_vm_lookup() - The VM of a handle with a count taken, or NULL. */
struct npu_vm *npu_vm_lookup(struct npu_file *nfile, u32 id);

/* npu_vm_attach() - Makes the VM's context in the device; between npu_device_get() and put. */
int npu_vm_attach(struct npu_vm *vm);

/* npu_vm_fault() - A job of the VM has faulted: clears the context soon. From interrupts. */
void npu_vm_fault(struct npu_vm *vm);

/* npu_vm_close() - The file goes: gives up all its handles. */
void npu_vm_close(struct npu_file *nfile);

/* npu_vm_flush() - At module exit: waits for the last ones. */
int npu_vm_module_init(void);
void npu_vm_module_exit(void);
/* The queue on which memory of VMs and queues is released; outlives every device. */
extern struct workqueue_struct *npu_release_wq;

int npu_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file);
int npu_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file);

#endif

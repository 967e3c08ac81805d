// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of an address space.
 */
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include "npu_bind.h"
#include "npu_compat.h"
#include "npu_device.h"
#include "npu_drv.h"
#include "npu_recovery.h"
#include "npu_vm.h"

struct workqueue_struct *npu_release_wq;

int npu_vm_module_init(void)
{
	npu_release_wq = alloc_workqueue("npu-release", WQ_UNBOUND, 0);
	return npu_release_wq ? 0 : -ENOMEM;
}

void npu_vm_module_exit(void)
{
	destroy_workqueue(npu_release_wq);
}

struct npu_vm *npu_vm_get(struct npu_vm *vm)
{
	kref_get(&vm->users);
	return vm;
}

static void npu_vm_unused(struct kref *users)
{
	struct npu_vm *vm = container_of(users, struct npu_vm, users);

	queue_work(npu_release_wq, &vm->release);
}

void npu_vm_put(struct npu_vm *vm)
{
	kref_put(&vm->users, npu_vm_unused);
}

struct npu_vm *npu_vm_lookup(struct npu_file *nfile, u32 id)
{
	struct npu_vm *vm;

	xa_lock(&nfile->vms);
	vm = xa_load(&nfile->vms, id);
	if (vm)
		npu_vm_get(vm);
	xa_unlock(&nfile->vms);
	return vm;
}

int npu_vm_attach(struct npu_vm *vm)
{
	struct npu_msg msg = {
		.type = NPU_MSG_CONTEXT_CREATE,
		.context_create = {
			.context = vm->context,
			.root = npu_mmu_root(&vm->mmu),
		},
	};

	return npu_mbox_call(vm->npu, &msg);
}

/* After this the device holds no address of the VM, whatever the firmware answers. */
static void npu_vm_detach(struct npu_vm *vm)
{
	struct npu_device *npu = vm->npu;
	struct npu_msg msg = {
		.type = NPU_MSG_CONTEXT_DESTROY,
		.context.context = vm->context,
	};
	int ret = 0;
	int idx;

	if (drm_dev_enter(&npu->base, &idx)) {
		ret = npu_device_get(npu);
		if (!ret) {
			ret = npu_mbox_call(npu, &msg);
			spin_lock(&npu->list_lock);
			list_del_init(&vm->node);
			spin_unlock(&npu->list_lock);
			npu_device_put(npu);
			if (ret) {
				npu_recovery_crashed(npu, "a context cannot be destroyed");
				npu_recovery_wait(npu);
			}
		}
		drm_dev_exit(idx);
	} else {
		npu_device_silence(npu);
	}
	/* Wedged: bus mastering is off. */
	down_read(&npu->reset_sem);
	spin_lock(&npu->list_lock);
	list_del_init(&vm->node);
	spin_unlock(&npu->list_lock);
	up_read(&npu->reset_sem);
}

static void npu_vm_release(struct work_struct *work)
{
	struct npu_vm *vm = container_of(work, struct npu_vm, release);

	npu_vm_detach(vm);
	npu_bind_clear(vm);
	ida_free(&vm->npu->context_ids, vm->context);
	drm_gpuvm_put(&vm->base);
}

static void npu_vm_recover(struct work_struct *work)
{
	struct npu_vm *vm = container_of(work, struct npu_vm, recovery);
	int idx;

	if (drm_dev_enter(&vm->npu->base, &idx)) {
		npu_recovery_context(vm);
		drm_dev_exit(idx);
	}
	npu_vm_put(vm);
}

void npu_vm_fault(struct npu_vm *vm)
{
	/* Held by the queue that faulted, so this is not the first or last count. */
	npu_vm_get(vm);
	if (!queue_work(vm->npu->reset_wq, &vm->recovery))
		npu_vm_put(vm);
}

static struct npu_vm *npu_vm_new(struct npu_device *npu)
{
	struct drm_gem_object *root;
	struct npu_vm *vm;
	int id;
	int ret;

	id = ida_alloc_max(&npu->context_ids, npu->info.contexts - 1, GFP_KERNEL);
	if (id == -ENOSPC) {
		/* Those of files that have been closed may not have come back yet. */
		flush_workqueue(npu_release_wq);
		id = ida_alloc_max(&npu->context_ids, npu->info.contexts - 1, GFP_KERNEL);
	}
	if (id < 0)
		return ERR_PTR(id);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	root = drm_gpuvm_resv_object_alloc(&npu->base);
	if (!vm || !root) {
		ret = -ENOMEM;
		goto out_free;
	}
	ret = npu_mmu_init(&vm->mmu, npu);
	if (ret)
		goto out_free;

	vm->npu = npu;
	vm->context = id;
	kref_init(&vm->users);
	mutex_init(&vm->lock);
	INIT_LIST_HEAD(&vm->node);
	INIT_WORK(&vm->recovery, npu_vm_recover);
	INIT_WORK(&vm->release, npu_vm_release);
	drm_gpuvm_init(&vm->base, "npu-vm", 0, &npu->base, root, NPU_VA_MIN,
		       NPU_VA_SIZE - NPU_VA_MIN, 0, 0, &npu_bind_ops);
	drm_gem_object_put(root);
	/* Released later than its file, and perhaps than the device: put by vm_free(). */
	drm_dev_get(&npu->base);
	return vm;

out_free:
	if (root)
		drm_gem_object_put(root);
	kfree(vm);
	ida_free(&npu->context_ids, id);
	return ERR_PTR(ret);
}

int npu_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct npu_file *nfile = file->driver_priv;
	struct npu_device *npu = to_npu(drm);
	struct drm_npu_vm_create *args = data;
	struct npu_vm *vm;
	u32 id;
	int ret;

	if (args->flags)
		return -EINVAL;
	vm = npu_vm_new(npu);
	if (IS_ERR(vm))
		return PTR_ERR(vm);

	ret = npu_device_get(npu);
	if (ret)
		goto out_put;
	ret = npu_vm_attach(vm);
	if (!ret) {
		spin_lock(&npu->list_lock);
		list_add_tail(&vm->node, &npu->vms);
		spin_unlock(&npu->list_lock);
	}
	npu_device_put(npu);
	if (ret) {
		ret = -EIO;
		goto out_put;
	}
	/* From here on another thread may destroy it. */
	ret = xa_alloc(&nfile->vms, &id, vm, xa_limit_31b, GFP_KERNEL);
	if (ret)
		goto out_put;
	args->vm_id = id;
	return 0;

out_put:
	npu_vm_put(vm);
	return ret;
}

int npu_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct npu_file *nfile = file->driver_priv;
	struct drm_npu_vm_destroy *args = data;
	struct npu_vm *vm;
	int ret = 0;

	if (args->pad)
		return -EINVAL;
	xa_lock(&nfile->vms);
	vm = xa_load(&nfile->vms, args->vm_id);
	if (!vm)
		ret = -ENOENT;
	else if (atomic_read(&vm->queues))
		ret = -EBUSY;
	else
		__xa_erase(&nfile->vms, args->vm_id);
	xa_unlock(&nfile->vms);
	if (ret)
		return ret;

	/* The context is free for the next VM_CREATE when this returns. */
	npu_vm_put(vm);
	flush_workqueue(npu_release_wq);
	return 0;
}

void npu_vm_close(struct npu_file *nfile)
{
	struct npu_vm *vm;
	unsigned long id;

	xa_for_each(&nfile->vms, id, vm) {
		xa_erase(&nfile->vms, id);
		npu_vm_put(vm);
	}
	xa_destroy(&nfile->vms);
}

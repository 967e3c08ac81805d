// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_BIND on drm_gpuvm.
 *
 * One operation: allocate all that its steps can need, lock the buffers with drm_exec, let
 * drm_gpuvm split it into steps that cannot fail. Buffers taken out of the VM are kept until the
 * device has forgotten the old translations; no lock is held while it is asked to.
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_file.h>

#include "npu_bind.h"
#include "npu_compat.h"
#include "npu_device.h"
#include "npu_drv.h"
#include "npu_gem.h"
#include "npu_recovery.h"
#include "npu_trace.h"
#include "npu_uapi.h"
#include "npu_vm.h"

/* A step needs at most: the new mapping, what is left before it and after it. */
#define NPU_BIND_VAS	3

struct npu_va {
	struct drm_gpuva base;
	bool write;
	struct list_head dead;		/* npu_bind.dead, with a count of its buffer */
};

static struct npu_va *to_npu_va(struct drm_gpuva *va)
{
	return container_of(va, struct npu_va, base);
}

/* State of one operation, and of all operations of a call */
struct npu_bind {
	struct npu_vm *vm;
	struct npu_va *vas[NPU_BIND_VAS];
	struct drm_gpuvm_bo *vm_bo;
	struct sg_table *sgt;
	bool write;

	struct list_head dead;
	u64 flush_start;		/* translations that were taken away lie in here */
	u64 flush_end;
};

static struct npu_va *npu_bind_take_va(struct npu_bind *bind)
{
	struct npu_va *va = NULL;
	int i;

	for (i = 0; i < NPU_BIND_VAS && !va; i++) {
		va = bind->vas[i];
		bind->vas[i] = NULL;
	}
	return va;
}

/* The mapping has left the tree; its buffer lives on until the device has been told. */
static void npu_bind_bury(struct npu_bind *bind, struct drm_gpuva *base)
{
	struct npu_va *va = to_npu_va(base);

	drm_gem_object_get(base->gem.obj);
	drm_gpuva_unlink(base);
	list_add_tail(&va->dead, &bind->dead);
}

static void npu_bind_clear_range(struct npu_bind *bind, u64 start, u64 size)
{
	npu_mmu_unmap(&bind->vm->mmu, start, size);
	bind->flush_start = min(bind->flush_start, start);
	bind->flush_end = max(bind->flush_end, start + size);
}

static int npu_bind_step_map(struct drm_gpuva_op *op, void *priv)
{
	struct npu_bind *bind = priv;
	struct npu_va *va = npu_bind_take_va(bind);

	va->write = bind->write;
	npu_mmu_map(&bind->vm->mmu, op->map.va.addr, op->map.va.range, bind->sgt,
		    op->map.gem.offset, bind->write);
	drm_gpuva_map(&bind->vm->base, &va->base, &op->map);
	drm_gpuva_link(&va->base, bind->vm_bo);
	return 0;
}

static int npu_bind_step_unmap(struct drm_gpuva_op *op, void *priv)
{
	struct drm_gpuva *va = op->unmap.va;
	struct npu_bind *bind = priv;

	npu_bind_clear_range(bind, va->va.addr, va->va.range);
	drm_gpuva_unmap(&op->unmap);
	npu_bind_bury(bind, va);
	return 0;
}

static int npu_bind_step_remap(struct drm_gpuva_op *op, void *priv)
{
	struct drm_gpuva *old = op->remap.unmap->va;
	struct drm_gpuvm_bo *vm_bo = old->vm_bo;
	struct npu_bind *bind = priv;
	struct npu_va *prev = NULL;
	struct npu_va *next = NULL;
	u64 start, size;

	drm_gpuva_op_remap_to_unmap_range(&op->remap, &start, &size);
	npu_bind_clear_range(bind, start, size);
	if (op->remap.prev) {
		prev = npu_bind_take_va(bind);
		prev->write = to_npu_va(old)->write;
	}
	if (op->remap.next) {
		next = npu_bind_take_va(bind);
		next->write = to_npu_va(old)->write;
	}
	drm_gpuva_remap(prev ? &prev->base : NULL, next ? &next->base : NULL, &op->remap);
	if (prev)
		drm_gpuva_link(&prev->base, vm_bo);
	if (next)
		drm_gpuva_link(&next->base, vm_bo);
	npu_bind_bury(bind, old);
	return 0;
}

static void npu_bind_vm_free(struct drm_gpuvm *base)
{
	struct npu_vm *vm = container_of(base, struct npu_vm, base);
	struct npu_device *npu = vm->npu;

	mutex_destroy(&vm->lock);
	kfree(vm);
	drm_dev_put(&npu->base);
}

const struct drm_gpuvm_ops npu_bind_ops = {
	.vm_free = npu_bind_vm_free,
	.sm_step_map = npu_bind_step_map,
	.sm_step_unmap = npu_bind_step_unmap,
	.sm_step_remap = npu_bind_step_remap,
};

static void npu_bind_begin(struct npu_bind *bind, struct npu_vm *vm)
{
	memset(bind, 0, sizeof(*bind));
	bind->vm = vm;
	bind->flush_start = U64_MAX;
	INIT_LIST_HEAD(&bind->dead);
}

static void npu_bind_drop_dead(struct npu_bind *bind)
{
	struct npu_va *va, *next;

	list_for_each_entry_safe(va, next, &bind->dead, dead) {
		drm_gem_object_put(va->base.gem.obj);
		kfree(va);
	}
}

/*
 * Tells the device that translations are gone. If it does not answer, a reset makes it forget
 * everything; if that fails too, bus mastering is off. Either way the buffers can go.
 */
static void npu_bind_flush(struct npu_bind *bind)
{
	struct npu_device *npu = bind->vm->npu;
	struct npu_msg msg = {
		.type = NPU_MSG_TLB_INVALIDATE,
		.tlb_invalidate = {
			.context = bind->vm->context,
			.start = bind->flush_start,
			.size = bind->flush_end - bind->flush_start,
		},
	};
	int ret;

	if (bind->flush_start >= bind->flush_end)
		return;
	ret = npu_device_get(npu);
	if (ret)
		return;
	ret = npu_mbox_call(npu, &msg);
	npu_device_put(npu);
	if (ret) {
		npu_recovery_reset_later(npu, "the TLB cannot be invalidated");
		npu_recovery_wait(npu);
	}
}

static int npu_bind_alloc(struct npu_bind *bind)
{
	int i;

	for (i = 0; i < NPU_BIND_VAS; i++) {
		if (!bind->vas[i])
			bind->vas[i] = kzalloc(sizeof(*bind->vas[i]), GFP_KERNEL);
		if (!bind->vas[i])
			return -ENOMEM;
	}
	return 0;
}

static void npu_bind_free(struct npu_bind *bind)
{
	int i;

	for (i = 0; i < NPU_BIND_VAS; i++)
		kfree(bind->vas[i]);
}

/* Locks the VM, the new buffer and those whose mappings in the range end. */
static int npu_bind_lock(struct drm_exec *exec, struct npu_vm *vm, struct drm_gem_object *obj,
			 u64 va, u64 size)
{
	int ret = 0;

	drm_exec_init(exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(exec) {
		ret = drm_gpuvm_prepare_vm(&vm->base, exec, 0);
		drm_exec_retry_on_contention(exec);
		if (!ret && obj) {
			ret = drm_exec_lock_obj(exec, obj);
			drm_exec_retry_on_contention(exec);
		}
		if (!ret) {
			ret = drm_gpuvm_prepare_range(&vm->base, exec, va, size, 0);
			drm_exec_retry_on_contention(exec);
		}
		if (ret)
			break;
	}
	return ret;
}

static int npu_bind_map(struct npu_bind *bind, const struct drm_npu_bind_op *op, struct npu_bo *bo)
{
	struct drm_gem_object *obj = &bo->base.base;
	struct npu_vm *vm = bind->vm;
	struct drm_exec exec;
	int ret;

	ret = npu_bind_alloc(bind);
	if (ret)
		return ret;
	bind->sgt = npu_gem_sgt(bo);
	if (IS_ERR(bind->sgt))
		return PTR_ERR(bind->sgt);
	bind->write = op->flags & DRM_NPU_BIND_WRITE;

	mutex_lock(&vm->lock);
	ret = npu_mmu_prepare_map(&vm->mmu, op->va, op->size, bind->sgt, op->bo_offset);
	if (ret)
		goto out_unlock;
	ret = npu_bind_lock(&exec, vm, obj, op->va, op->size);
	if (ret)
		goto out_exec;
	bind->vm_bo = npu_compat_vm_bo_obtain(&vm->base, obj);
	if (IS_ERR(bind->vm_bo)) {
		ret = PTR_ERR(bind->vm_bo);
		goto out_exec;
	}
	ret = npu_compat_sm_map(&vm->base, bind, op->va, op->size, obj, op->bo_offset);
	/* The mapping holds its own. */
	drm_gpuvm_bo_put(bind->vm_bo);
out_exec:
	drm_exec_fini(&exec);
out_unlock:
	mutex_unlock(&vm->lock);
	return ret;
}

static int npu_bind_unmap(struct npu_bind *bind, u64 va, u64 size)
{
	struct npu_vm *vm = bind->vm;
	struct drm_exec exec;
	int ret;

	ret = npu_bind_alloc(bind);
	if (ret)
		return ret;
	mutex_lock(&vm->lock);
	ret = npu_mmu_prepare_unmap(&vm->mmu, va, size);
	if (ret)
		goto out_unlock;
	ret = npu_bind_lock(&exec, vm, NULL, va, size);
	if (!ret)
		ret = drm_gpuvm_sm_unmap(&vm->base, bind, va, size);
	drm_exec_fini(&exec);
out_unlock:
	mutex_unlock(&vm->lock);
	return ret;
}

void npu_bind_clear(struct npu_vm *vm)
{
	struct drm_gpuva *va, *next;
	struct npu_bind bind;
	struct drm_exec exec;

	npu_bind_begin(&bind, vm);
	mutex_lock(&vm->lock);
	/* One by one, so that no array of all buffers has to be allocated. */
	drm_gpuvm_for_each_va_safe(va, next, &vm->base) {
		drm_exec_init(&exec, 0, 1);
		drm_exec_until_all_locked(&exec) {
			if (drm_exec_lock_obj(&exec, va->gem.obj))
				drm_exec_retry_on_contention(&exec);
		}
		drm_gpuva_remove(va);
		npu_bind_bury(&bind, va);
		drm_exec_fini(&exec);
	}
	npu_mmu_fini(&vm->mmu);
	mutex_unlock(&vm->lock);
	npu_bind_drop_dead(&bind);
}

static int npu_bind_check(const struct drm_npu_bind_op *op)
{
	u64 end;

	if (op->pad || op->flags & ~DRM_NPU_BIND_WRITE)
		return -EINVAL;
	if (!op->size || (op->va | op->size | op->bo_offset) & (NPU_PAGE_SIZE - 1))
		return -EINVAL;
	if (check_add_overflow(op->va, op->size, &end))
		return -EINVAL;
	if (op->va < NPU_VA_MIN || end > NPU_VA_SIZE)
		return -EINVAL;

	switch (op->type) {
	case DRM_NPU_BIND_MAP:
		return 0;
	case DRM_NPU_BIND_UNMAP:
		return op->flags || op->handle || op->bo_offset ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int npu_bind_op(struct npu_bind *bind, const struct drm_npu_bind_op *op,
		       struct drm_file *file)
{
	struct drm_gem_object *obj;
	struct npu_bo *bo;
	u64 end;
	int ret;

	ret = npu_bind_check(op);
	if (ret)
		return ret;
	if (op->type == DRM_NPU_BIND_UNMAP)
		return npu_bind_unmap(bind, op->va, op->size);

	obj = drm_gem_object_lookup(file, op->handle);
	if (!obj)
		return -ENOENT;
	bo = to_npu_bo(obj);
	if (check_add_overflow(op->bo_offset, op->size, &end) || end > obj->size)
		ret = -EINVAL;
	else if (op->flags & DRM_NPU_BIND_WRITE && bo->flags & DRM_NPU_BO_READ_ONLY)
		ret = -EACCES;
	else
		ret = npu_bind_map(bind, op, bo);
	drm_gem_object_put(obj);
	return ret;
}

int npu_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_npu_vm_bind *args = data;
	struct drm_npu_bind_op *ops;
	struct npu_bind bind;
	struct npu_vm *vm;
	int ret = 0;
	u32 i;

	args->done = 0;
	if (args->flags || args->pad)
		return -EINVAL;
	vm = npu_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm)
		return -ENOENT;
	ops = npu_uapi_array(&args->ops, sizeof(*ops), sizeof(*ops), DRM_NPU_MAX_BIND_OPS);
	if (IS_ERR(ops)) {
		ret = PTR_ERR(ops);
		goto out_put;
	}

	npu_bind_begin(&bind, vm);
	for (i = 0; i < args->ops.count && !ret; i++) {
		ret = npu_bind_op(&bind, &ops[i], file);
		trace_npu_bind(drm->dev, vm->context, ops[i].type, ops[i].va, ops[i].size, ret);
		if (!ret)
			args->done++;
	}
	npu_bind_free(&bind);
	npu_bind_flush(&bind);
	npu_bind_drop_dead(&bind);
	kvfree(ops);
out_put:
	npu_vm_put(vm);
	return ret;
}

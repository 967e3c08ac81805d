// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "npu_mmu.h"
#include "transport.h"
#include "vm.h"

int npu_vm_create(struct npu_device *dev, struct npu_vm **out)
{
	struct npu_vm *vm = calloc(1, sizeof(*vm));
	int rc;

	if (!vm)
		return npu_fail(-ENOMEM, "address space: no memory");
	vm->dev = npu_device_ref(dev);
	atomic_init(&vm->refs, 1);
	pthread_mutex_init(&vm->lock, NULL);
	va_init(&vm->space, dev->info.va_min, dev->info.va_max);
	rc = dev->ops->vm_create(vm);
	if (rc) {
		pthread_mutex_destroy(&vm->lock);
		npu_device_close(dev);
		free(vm);
		return rc;
	}
	*out = vm;
	return 0;
}

struct npu_vm *npu_vm_ref(struct npu_vm *vm)
{
	atomic_fetch_add(&vm->refs, 1);
	return vm;
}

void npu_vm_destroy(struct npu_vm *vm)
{
	if (!vm || atomic_fetch_sub(&vm->refs, 1) != 1)
		return;
	vm->dev->ops->vm_destroy(vm);
	for (size_t i = 0; i < vm->space.count; i++)
		npu_buffer_destroy(vm->space.range[i].owner);
	va_free(&vm->space);
	pthread_mutex_destroy(&vm->lock);
	npu_device_close(vm->dev);
	free(vm);
}

static int check_bind(const struct npu_buffer *buf, uint64_t offset, uint64_t size, uint32_t flags,
		      uint64_t va)
{
	if (flags & ~NPU_BIND_WRITE)
		return npu_fail(-EINVAL, "bind: unknown flags 0x%x", flags);
	if ((flags & NPU_BIND_WRITE) && (buf->flags & NPU_BUFFER_READ_ONLY))
		return npu_fail(-EACCES, "bind: write access to a read-only buffer");
	if ((offset | size | va) & (NPU_PAGE_SIZE - 1))
		return npu_fail(-EINVAL, "bind: offset 0x%llx, size 0x%llx and address 0x%llx must "
				"be multiples of %llu", (unsigned long long)offset,
				(unsigned long long)size, (unsigned long long)va, NPU_PAGE_SIZE);
	if (!size || offset > buf->size || size > buf->size - offset)
		return npu_fail(-EINVAL, "bind: %llu bytes at offset %llu leave the buffer of %llu",
				(unsigned long long)size, (unsigned long long)offset,
				(unsigned long long)buf->size);
	return 0;
}

/* Reserves *va, or an address of its choice, in the space. */
static int reserve(struct npu_vm *vm, struct npu_buffer *buf, uint64_t size, uint64_t *va)
{
	uint64_t align = size >= NPU_LARGE_PAGE_SIZE ? NPU_LARGE_PAGE_SIZE : NPU_PAGE_SIZE;
	uint64_t start = *va;
	int rc = 0;

	if (!start)
		rc = va_find(&vm->space, size, align, &start);
	if (rc)
		return npu_fail(rc, "bind: no free range of %llu bytes in 0x%llx..0x%llx",
				(unsigned long long)size, (unsigned long long)vm->space.min,
				(unsigned long long)vm->space.max);
	rc = va_take(&vm->space, start, size, buf);
	if (rc == -EEXIST)
		return npu_fail(rc, "bind: 0x%llx + %llu is bound already",
				(unsigned long long)start, (unsigned long long)size);
	if (rc == -EINVAL)
		return npu_fail(rc, "bind: 0x%llx + %llu leaves 0x%llx..0x%llx",
				(unsigned long long)start, (unsigned long long)size,
				(unsigned long long)vm->space.min,
				(unsigned long long)vm->space.max);
	if (rc)
		return npu_fail(rc, "bind: no memory");
	*va = start;
	return 0;
}

int npu_vm_bind(struct npu_vm *vm, struct npu_buffer *buf, uint64_t offset, uint64_t size,
		uint32_t flags, uint64_t *va)
{
	uint64_t start = *va;
	int rc;

	if (buf->dev != vm->dev)
		return npu_fail(-EINVAL, "bind: buffer and address space are of different devices");
	if (!size && offset < buf->size)
		size = buf->size - offset;
	rc = check_bind(buf, offset, size, flags, start);
	if (rc)
		return rc;
	pthread_mutex_lock(&vm->lock);
	rc = reserve(vm, buf, size, &start);
	if (!rc) {
		rc = vm->dev->ops->vm_map(vm, buf, offset, size, start, flags);
		if (rc)
			va_give(&vm->space, start);
	}
	pthread_mutex_unlock(&vm->lock);
	if (rc)
		return rc;
	npu_buffer_ref(buf);
	*va = start;
	return 0;
}

int npu_vm_unbind(struct npu_vm *vm, uint64_t va)
{
	const struct va_range *r;
	struct npu_buffer *buf = NULL;
	int rc;

	pthread_mutex_lock(&vm->lock);
	r = va_at(&vm->space, va);
	if (r) {
		buf = r->owner;
		rc = vm->dev->ops->vm_unmap(vm, va, r->size);
		if (!rc)
			va_give(&vm->space, va);
	} else {
		rc = npu_fail(-ENOENT, "unbind: no binding starts at 0x%llx",
			      (unsigned long long)va);
	}
	pthread_mutex_unlock(&vm->lock);
	if (!rc)
		npu_buffer_destroy(buf);
	return rc;
}

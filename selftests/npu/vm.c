// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces: their ids, each check of a bind, and what jobs see through them. */
#include "../../../kselftest_harness.h"
#include "npu_jobs.h"

#define PAGE	4096ull
#define FREE_VA	0x10000000ull	/* where nothing is bound */

FIXTURE(vm) {
	struct npu_client c;
	struct drm_npu_device_info info;
	struct drm_npu_bo_create bo;	/* of 64 KiB, not bound */
	__u64 *mem;
	int fd;
	__u32 vm;
};

FIXTURE_SETUP(vm)
{
	int ret = npu_client_open(&self->c);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	self->fd = self->c.fd;
	self->vm = self->c.vm;
	ASSERT_EQ(0, npu_device_info(self->fd, &self->info));
	ASSERT_EQ(0, npu_bo_create(self->fd, 65536, 0, &self->bo));
	self->mem = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
			 self->bo.mmap_offset);
	ASSERT_NE(MAP_FAILED, self->mem);
	/* each word tells its own place */
	for (__u64 i = 0; i < 65536 / 8; i++)
		self->mem[i] = 0x1000000 + i * 8;
}

FIXTURE_TEARDOWN(vm)
{
	npu_client_close(&self->c);
}

static struct drm_npu_bind_op map_op(__u32 handle, __u64 va, __u64 offset, __u64 size)
{
	return (struct drm_npu_bind_op){
		.type = DRM_NPU_BIND_MAP, .handle = handle, .va = va, .bo_offset = offset,
		.size = size,
	};
}

static int bind_ops(int fd, __u32 vm, const void *ops, __u32 stride, __u32 count, __u32 *done)
{
	struct drm_npu_vm_bind b = {
		.vm_id = vm, .done = ~0u,
		.ops = { .stride = stride, .count = count, .ptr = (uintptr_t)ops },
	};
	int ret = npu_ioctl(fd, DRM_IOCTL_NPU_VM_BIND, &b);

	*done = b.done;
	return ret;
}

/* Creates VMs until that fails with *error; returns how many there are. */
static __u32 create_all(int fd, int *error)
{
	__u32 n = 0, vm;

	while (n <= NPU_MAX_CONTEXTS && !(*error = npu_vm_create(fd, &vm)))
		n++;
	return n;
}

TEST_F(vm, create_refuses_flags)
{
	for (int bit = 0; bit < 32; bit++) {
		struct drm_npu_vm_create c = { .flags = 1u << bit };

		EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_VM_CREATE, &c));
	}
}

TEST_F(vm, ids_are_not_zero)
{
	__u32 vm;

	ASSERT_EQ(0, npu_vm_create(self->fd, &vm));
	EXPECT_NE(0, vm);
	EXPECT_NE(self->vm, vm);
	EXPECT_NE(0, self->vm);
}

TEST_F(vm, one_more_than_the_device_has_is_enospc)
{
	int error;

	/* one is the client's */
	EXPECT_EQ(self->info.contexts - 1, create_all(self->fd, &error));
	EXPECT_EQ(-ENOSPC, error);
}

TEST_F(vm, a_destroyed_one_makes_room)
{
	__u32 vm, last;
	int error;

	ASSERT_EQ(0, npu_vm_create(self->fd, &last));
	create_all(self->fd, &error);
	ASSERT_EQ(-ENOSPC, error);
	ASSERT_EQ(0, npu_vm_destroy(self->fd, last));
	EXPECT_EQ(0, npu_vm_create(self->fd, &vm));
}

TEST_F(vm, a_closed_file_gives_its_own_back)
{
	int error, fd;

	for (int round = 0; round < 3; round++) {
		fd = npu_open();
		ASSERT_LE(0, fd);
		EXPECT_EQ(self->info.contexts - 1, create_all(fd, &error));
		EXPECT_EQ(-ENOSPC, error);
		close(fd);
	}
}

TEST_F(vm, destroy_of_an_unknown_id_is_enoent)
{
	EXPECT_EQ(-ENOENT, npu_vm_destroy(self->fd, 0));
	EXPECT_EQ(-ENOENT, npu_vm_destroy(self->fd, 12345));
	EXPECT_EQ(-ENOENT, npu_vm_destroy(self->fd, ~0u));
}

TEST_F(vm, destroy_refuses_a_pad)
{
	struct drm_npu_vm_destroy d = { .pad = 1 };

	ASSERT_EQ(0, npu_vm_create(self->fd, &d.vm_id));
	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_VM_DESTROY, &d));
}

TEST_F(vm, destroy_with_a_queue_is_ebusy_and_without_is_not)
{
	EXPECT_EQ(-EBUSY, npu_vm_destroy(self->fd, self->vm));
	ASSERT_EQ(0, npu_queue_destroy(self->fd, self->c.queue));
	EXPECT_EQ(0, npu_vm_destroy(self->fd, self->vm));
	EXPECT_EQ(-ENOENT, npu_vm_destroy(self->fd, self->vm));
}

TEST_F(vm, ids_belong_to_the_file)
{
	struct drm_npu_bo_create bo;
	__u32 vm = 0, queue;
	int other = npu_open();

	ASSERT_LE(0, other);
	/* an id that the other file has not given */
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, npu_vm_create(self->fd, &vm));
	ASSERT_EQ(0, npu_bo_create(other, PAGE, 0, &bo));
	EXPECT_EQ(-ENOENT, npu_map(other, vm, bo.handle, FREE_VA, PAGE, 0));
	EXPECT_EQ(-ENOENT, npu_queue_create(other, vm, NPU_PRIORITY_NORMAL, &queue));
	EXPECT_EQ(-ENOENT, npu_vm_destroy(other, vm));
	EXPECT_EQ(0, npu_vm_destroy(self->fd, vm));
}

TEST_F(vm, bind_of_an_unknown_id_is_enoent)
{
	EXPECT_EQ(-ENOENT, npu_map(self->fd, 0, self->bo.handle, FREE_VA, PAGE, 0));
	EXPECT_EQ(-ENOENT, npu_map(self->fd, 12345, self->bo.handle, FREE_VA, PAGE, 0));
}

TEST_F(vm, bind_refuses_flags_and_pad)
{
	struct drm_npu_vm_bind flags = { .vm_id = self->vm, .flags = 1 };
	struct drm_npu_vm_bind pad = { .vm_id = self->vm, .pad = 1 };

	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_VM_BIND, &flags));
	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_VM_BIND, &pad));
}

TEST_F(vm, bind_of_no_operation_does_nothing)
{
	__u32 done;

	EXPECT_EQ(0, bind_ops(self->fd, self->vm, NULL, 0, 0, &done));
	EXPECT_EQ(0, done);
}

TEST_F(vm, stride_without_elements_is_refused)
{
	struct drm_npu_bind_op op = map_op(self->bo.handle, FREE_VA, 0, PAGE);
	__u32 done;

	EXPECT_EQ(-EINVAL, bind_ops(self->fd, self->vm, NULL, sizeof(op), 0, &done));
}

TEST_F(vm, stride_below_the_first_version_is_refused)
{
	struct drm_npu_bind_op op = map_op(self->bo.handle, FREE_VA, 0, PAGE);
	__u32 done;

	EXPECT_EQ(-EINVAL, bind_ops(self->fd, self->vm, &op, sizeof(op) - 8, 1, &done));
	EXPECT_EQ(-EINVAL, bind_ops(self->fd, self->vm, &op, 0, 1, &done));
	EXPECT_EQ(0, done);
}

TEST_F(vm, longer_elements_are_taken_if_zero_beyond)
{
	struct {
		struct drm_npu_bind_op op;
		__u64 more;
	} ops[2] = {
		{ .op = map_op(self->bo.handle, FREE_VA, 0, PAGE) },
		{ .op = map_op(self->bo.handle, FREE_VA + PAGE, 0, PAGE) },
	};
	__u32 done, fault;

	EXPECT_EQ(0, bind_ops(self->fd, self->vm, ops, sizeof(ops[0]), 2, &done));
	EXPECT_EQ(2, done);
	EXPECT_EQ(0x1000008, npu_job_reads(&self->c, FREE_VA + PAGE + 8, &fault));
	ops[1].more = 1;
	EXPECT_EQ(-E2BIG, bind_ops(self->fd, self->vm, ops, sizeof(ops[0]), 2, &done));
	EXPECT_EQ(0, done);
}

TEST_F(vm, largest_stride_is_taken_and_one_more_refused)
{
	__u8 *ops = calloc(2, DRM_NPU_MAX_STRIDE + 8);
	struct drm_npu_bind_op op = map_op(self->bo.handle, FREE_VA, 0, PAGE);
	__u32 done;

	ASSERT_NE(NULL, ops);
	memcpy(ops, &op, sizeof(op));
	memcpy(ops + DRM_NPU_MAX_STRIDE, &op, sizeof(op));
	EXPECT_EQ(0, bind_ops(self->fd, self->vm, ops, DRM_NPU_MAX_STRIDE, 2, &done));
	EXPECT_EQ(2, done);
	EXPECT_EQ(-E2BIG, bind_ops(self->fd, self->vm, ops, DRM_NPU_MAX_STRIDE + 8, 1, &done));
	EXPECT_EQ(-E2BIG, bind_ops(self->fd, self->vm, ops, ~0u, 1, &done));
	free(ops);
}

TEST_F(vm, unmap_outside_of_the_address_space_is_refused)
{
	EXPECT_EQ(-EINVAL, npu_unmap(self->fd, self->vm, 0, PAGE));
	EXPECT_EQ(-EINVAL, npu_unmap(self->fd, self->vm, self->info.va_max, PAGE));
	EXPECT_EQ(-EINVAL, npu_unmap(self->fd, self->vm, self->info.va_max - PAGE, 2 * PAGE));
}

TEST_F(vm, most_operations_and_one_more)
{
	const __u32 max = DRM_NPU_MAX_BIND_OPS;
	struct drm_npu_bind_op *ops = calloc(max + 1, sizeof(*ops));
	__u32 done, fault;

	ASSERT_NE(NULL, ops);
	for (__u32 i = 0; i <= max; i++)
		ops[i] = map_op(self->bo.handle, FREE_VA + i * PAGE, i % 16 * PAGE, PAGE);
	EXPECT_EQ(-E2BIG, bind_ops(self->fd, self->vm, ops, sizeof(*ops), max + 1, &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(0, bind_ops(self->fd, self->vm, ops, sizeof(*ops), max, &done));
	EXPECT_EQ(max, done);
	EXPECT_EQ(0x1000000 + (max - 1) % 16 * PAGE,
		  npu_job_reads(&self->c, FREE_VA + (max - 1) * PAGE, &fault));
	EXPECT_EQ(-E2BIG, bind_ops(self->fd, self->vm, ops, sizeof(*ops), ~0u, &done));
	free(ops);
}

TEST_F(vm, operations_that_cannot_be_read_are_efault)
{
	__u32 done;

	EXPECT_EQ(-EFAULT, bind_ops(self->fd, self->vm, (void *)-4096l,
				    sizeof(struct drm_npu_bind_op), 1, &done));
	EXPECT_EQ(0, done);
}

/* All else is right, so the errno is of the one field that is not. */
#define EXPECT_REFUSED(error, ...) do { \
	struct drm_npu_bind_op op_ = map_op(self->bo.handle, FREE_VA, 0, PAGE); \
	__VA_ARGS__; \
	EXPECT_EQ(-(error), npu_bind(self->fd, self->vm, &op_)); \
} while (0)

TEST_F(vm, misaligned_address_is_refused)
{
	EXPECT_REFUSED(EINVAL, op_.va += 1);
	EXPECT_REFUSED(EINVAL, op_.va += 2048);
}

TEST_F(vm, misaligned_offset_is_refused)
{
	EXPECT_REFUSED(EINVAL, op_.bo_offset = 1);
	EXPECT_REFUSED(EINVAL, op_.bo_offset = 64);
}

TEST_F(vm, misaligned_size_is_refused)
{
	EXPECT_REFUSED(EINVAL, op_.size = 1);
	EXPECT_REFUSED(EINVAL, op_.size = PAGE + 512);
}

TEST_F(vm, size_of_zero_is_refused)
{
	EXPECT_REFUSED(EINVAL, op_.size = 0);
	EXPECT_REFUSED(EINVAL, op_ = (struct drm_npu_bind_op){
		       .type = DRM_NPU_BIND_UNMAP, .va = FREE_VA });
}

TEST_F(vm, lowest_address_is_taken_and_one_below_refused)
{
	EXPECT_EQ(0, npu_map(self->fd, self->vm, self->bo.handle, self->info.va_min, PAGE, 0));
	EXPECT_REFUSED(EINVAL, op_.va = self->info.va_min - PAGE);
	EXPECT_REFUSED(EINVAL, op_.va = 0);
}

TEST_F(vm, highest_address_is_taken_and_one_above_refused)
{
	const __u64 last = self->info.va_max - PAGE;
	__u32 fault;

	EXPECT_EQ(0, npu_map(self->fd, self->vm, self->bo.handle, last, PAGE, 0));
	EXPECT_EQ(0x1000ff8, npu_job_reads(&self->c, last + PAGE - 8, &fault));
	EXPECT_REFUSED(EINVAL, op_.va = last + PAGE);
	EXPECT_REFUSED(EINVAL, op_.va = last; op_.size = 2 * PAGE);
	EXPECT_REFUSED(EINVAL, op_.va = 1ull << 63);
}

TEST_F(vm, address_that_wraps_is_refused)
{
	EXPECT_REFUSED(EINVAL, op_.va = 0ull - PAGE; op_.size = 2 * PAGE);
	EXPECT_REFUSED(EINVAL, op_.size = 0ull - PAGE);
	EXPECT_REFUSED(EINVAL, op_.type = DRM_NPU_BIND_UNMAP; op_.handle = 0;
		       op_.size = 0ull - PAGE);
}

TEST_F(vm, range_past_the_end_of_the_buffer_is_refused)
{
	EXPECT_REFUSED(EINVAL, op_.size = 65536 + PAGE);
	EXPECT_REFUSED(EINVAL, op_.bo_offset = 65536);
	EXPECT_REFUSED(EINVAL, op_.bo_offset = 65536 - PAGE; op_.size = 2 * PAGE);
	EXPECT_REFUSED(EINVAL, op_.bo_offset = 0ull - PAGE);
}

TEST_F(vm, unknown_type_is_refused)
{
	EXPECT_REFUSED(EINVAL, op_.type = DRM_NPU_BIND_UNMAP + 1);
	EXPECT_REFUSED(EINVAL, op_.type = ~0u);
}

TEST_F(vm, unknown_flag_is_refused)
{
	for (int bit = 1; bit < 32; bit++)
		EXPECT_REFUSED(EINVAL, op_.flags = 1u << bit);
}

TEST_F(vm, pad_of_an_operation_is_refused)
{
	EXPECT_REFUSED(EINVAL, op_.pad = 1);
}

TEST_F(vm, unmap_refuses_what_only_a_map_has)
{
	EXPECT_REFUSED(EINVAL, op_.type = DRM_NPU_BIND_UNMAP);
	EXPECT_REFUSED(EINVAL, op_.type = DRM_NPU_BIND_UNMAP; op_.handle = 0; op_.bo_offset = PAGE);
	EXPECT_REFUSED(EINVAL, op_.type = DRM_NPU_BIND_UNMAP; op_.handle = 0;
		       op_.flags = DRM_NPU_BIND_WRITE);
}

TEST_F(vm, unknown_buffer_is_enoent)
{
	EXPECT_REFUSED(ENOENT, op_.handle = 0);
	EXPECT_REFUSED(ENOENT, op_.handle = 12345);
}

TEST_F(vm, write_access_to_a_read_only_buffer_is_eacces)
{
	struct drm_npu_bo_create bo;

	ASSERT_EQ(0, npu_bo_create(self->fd, PAGE, DRM_NPU_BO_READ_ONLY, &bo));
	EXPECT_REFUSED(EACCES, op_.handle = bo.handle; op_.flags = DRM_NPU_BIND_WRITE);
	EXPECT_EQ(0, npu_map(self->fd, self->vm, bo.handle, FREE_VA, PAGE, 0));
}

TEST_F(vm, operations_before_a_bad_one_are_done_and_none_after)
{
	struct drm_npu_bind_op ops[4] = {
		map_op(self->bo.handle, FREE_VA, 0, PAGE),
		map_op(self->bo.handle, FREE_VA + PAGE, PAGE, PAGE),
		map_op(self->bo.handle, FREE_VA + 2 * PAGE, 1, PAGE),
		map_op(self->bo.handle, FREE_VA + 3 * PAGE, 0, PAGE),
	};
	__u32 done, fault;

	EXPECT_EQ(-EINVAL, bind_ops(self->fd, self->vm, ops, sizeof(ops[0]), 4, &done));
	EXPECT_EQ(2, done);
	EXPECT_EQ(0x1000000, npu_job_reads(&self->c, FREE_VA, &fault));
	EXPECT_EQ(0x1001000, npu_job_reads(&self->c, FREE_VA + PAGE, &fault));
	npu_job_reads(&self->c, FREE_VA + 3 * PAGE, &fault);
	EXPECT_EQ(NPU_FAULT_PAGE, fault);
}

TEST_F(vm, map_takes_the_part_of_the_buffer_that_was_asked)
{
	__u32 fault;
	struct drm_npu_bind_op op = map_op(self->bo.handle, FREE_VA, 5 * PAGE, 3 * PAGE);

	ASSERT_EQ(0, npu_bind(self->fd, self->vm, &op));
	EXPECT_EQ(0x1005000, npu_job_reads(&self->c, FREE_VA, &fault));
	EXPECT_EQ(0x1007ff8, npu_job_reads(&self->c, FREE_VA + 3 * PAGE - 8, &fault));
	npu_job_reads(&self->c, FREE_VA + 3 * PAGE, &fault);
	EXPECT_EQ(NPU_FAULT_PAGE, fault);
}

TEST_F(vm, one_buffer_is_seen_at_two_addresses)
{
	__u32 fault;

	ASSERT_EQ(0, npu_map(self->fd, self->vm, self->bo.handle, FREE_VA, PAGE, 0));
	ASSERT_EQ(0, npu_map(self->fd, self->vm, self->bo.handle, FREE_VA + 8 * PAGE, PAGE, 0));
	self->mem[3] = 4711;
	EXPECT_EQ(4711, npu_job_reads(&self->c, FREE_VA + 24, &fault));
	EXPECT_EQ(4711, npu_job_reads(&self->c, FREE_VA + 8 * PAGE + 24, &fault));
}

TEST_F(vm, map_replaces_what_was_there)
{
	struct drm_npu_bind_op op = map_op(self->bo.handle, FREE_VA + PAGE, 9 * PAGE, PAGE);
	__u32 fault;

	ASSERT_EQ(0, npu_map(self->fd, self->vm, self->bo.handle, FREE_VA, 3 * PAGE, 0));
	EXPECT_EQ(0x1001000, npu_job_reads(&self->c, FREE_VA + PAGE, &fault));
	ASSERT_EQ(0, npu_bind(self->fd, self->vm, &op));
	EXPECT_EQ(0x1000ff8, npu_job_reads(&self->c, FREE_VA + PAGE - 8, &fault));
	EXPECT_EQ(0x1009000, npu_job_reads(&self->c, FREE_VA + PAGE, &fault));
	EXPECT_EQ(0x1002000, npu_job_reads(&self->c, FREE_VA + 2 * PAGE, &fault));
}

TEST_F(vm, unmap_of_a_hole_is_no_error)
{
	__u32 fault;

	EXPECT_EQ(0, npu_unmap(self->fd, self->vm, FREE_VA, PAGE));
	EXPECT_EQ(0, npu_unmap(self->fd, self->vm, FREE_VA, 1ull << 38));
	ASSERT_EQ(0, npu_map(self->fd, self->vm, self->bo.handle, FREE_VA, 4 * PAGE, 0));
	EXPECT_EQ(0, npu_unmap(self->fd, self->vm, FREE_VA - 2 * PAGE, 3 * PAGE));
	EXPECT_EQ(0x1001000, npu_job_reads(&self->c, FREE_VA + PAGE, &fault));
	EXPECT_EQ(NPU_FAULT_NONE, fault);
}

TEST_F(vm, after_unmap_a_job_never_reaches_the_old_page)
{
	__u32 fault;

	ASSERT_EQ(0, npu_map(self->fd, self->vm, self->bo.handle, FREE_VA, PAGE, 0));
	EXPECT_EQ(0x1000000, npu_job_reads(&self->c, FREE_VA, &fault));
	ASSERT_EQ(0, npu_unmap(self->fd, self->vm, FREE_VA, PAGE));
	EXPECT_EQ(0, npu_job_reads(&self->c, FREE_VA, &fault));
	EXPECT_EQ(NPU_FAULT_PAGE, fault);
}

TEST_F(vm, mapping_outlives_the_handle)
{
	__u32 fault;

	ASSERT_EQ(0, npu_map(self->fd, self->vm, self->bo.handle, FREE_VA, PAGE, 0));
	npu_bo_close(self->fd, self->bo.handle);
	munmap(self->mem, 65536);
	EXPECT_EQ(0x1000018, npu_job_reads(&self->c, FREE_VA + 24, &fault));
	EXPECT_EQ(NPU_FAULT_NONE, fault);
}

TEST_F(vm, large_mapping_is_read_at_both_ends_and_cut_in_the_middle)
{
	const __u64 size = 4ull << 20, va = 1ull << 30;
	struct drm_npu_bo_create bo;
	__u32 fault;
	__u64 *mem;

	ASSERT_EQ(0, npu_bo_create(self->fd, size, 0, &bo));
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, bo.mmap_offset);
	ASSERT_NE(MAP_FAILED, mem);
	for (__u64 page = 0; page < size / PAGE; page++)
		mem[page * PAGE / 8] = 0x2000000 + page;
	mem[size / 8 - 1] = 42;
	ASSERT_EQ(0, npu_map(self->fd, self->vm, bo.handle, va, size, 0));
	EXPECT_EQ(0x2000000, npu_job_reads(&self->c, va, &fault));
	EXPECT_EQ(0x2000000 + 512, npu_job_reads(&self->c, va + (2 << 20), &fault));
	EXPECT_EQ(42, npu_job_reads(&self->c, va + size - 8, &fault));
	EXPECT_EQ(NPU_FAULT_NONE, fault);

	ASSERT_EQ(0, npu_unmap(self->fd, self->vm, va + 100 * PAGE, PAGE));
	EXPECT_EQ(0x2000000 + 99, npu_job_reads(&self->c, va + 99 * PAGE, &fault));
	EXPECT_EQ(0x2000000 + 101, npu_job_reads(&self->c, va + 101 * PAGE, &fault));
	EXPECT_EQ(0x2000000 + 600, npu_job_reads(&self->c, va + 600 * PAGE, &fault));
	EXPECT_EQ(NPU_FAULT_NONE, fault);
	npu_job_reads(&self->c, va + 100 * PAGE, &fault);
	EXPECT_EQ(NPU_FAULT_PAGE, fault);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Buffers: their calls, their mappings, and how they are shared. */
#include <linux/udmabuf.h>

#include "../../../kselftest_harness.h"
#include "npu_process.h"

FIXTURE(bo) {
	struct npu_client c;
	int fd;
};

FIXTURE_SETUP(bo)
{
	int ret = npu_client_open(&self->c);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	self->fd = self->c.fd;
}

FIXTURE_TEARDOWN(bo)
{
	npu_client_close(&self->c);
}

static int create(int fd, __u64 size, __u32 flags, __u64 pad)
{
	struct drm_npu_bo_create c = { .size = size, .flags = flags, .pad = pad };

	return npu_ioctl(fd, DRM_IOCTL_NPU_BO_CREATE, &c);
}

static int info(int fd, __u32 handle, struct drm_npu_bo_info *out)
{
	*out = (struct drm_npu_bo_info){ .handle = handle };
	return npu_ioctl(fd, DRM_IOCTL_NPU_BO_INFO, out);
}

static int gem_close(int fd, __u32 handle)
{
	struct drm_gem_close c = { .handle = handle };

	return npu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &c);
}

static __u64 *map(int fd, __u64 offset, size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

/* A dma-buf of the buffer, or -errno. */
static int export(int fd, __u32 handle)
{
	struct drm_prime_handle p = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = npu_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p);

	return ret ? ret : p.fd;
}

static int import(int fd, int dmabuf, __u32 *handle)
{
	struct drm_prime_handle p = { .fd = dmabuf };
	int ret = npu_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p);

	*handle = p.handle;
	return ret;
}

TEST_F(bo, size_of_zero_is_refused)
{
	EXPECT_EQ(-EINVAL, create(self->fd, 0, 0, 0));
}

TEST_F(bo, size_past_the_limit_is_refused)
{
	EXPECT_EQ(-EINVAL, create(self->fd, DRM_NPU_MAX_BO_SIZE + 1, 0, 0));
	EXPECT_EQ(-EINVAL, create(self->fd, ~0ull, 0, 0));
	EXPECT_EQ(-EINVAL, create(self->fd, 1ull << 63, 0, 0));
}

TEST_F(bo, size_at_the_limit_is_taken)
{
	EXPECT_EQ(0, create(self->fd, DRM_NPU_MAX_BO_SIZE, 0, 0));
}

TEST_F(bo, buffer_larger_than_memory_cannot_be_bound)
{
	struct drm_npu_bo_create bo;

	ASSERT_EQ(0, npu_bo_create(self->fd, DRM_NPU_MAX_BO_SIZE, 0, &bo));
	EXPECT_EQ(-ENOMEM, npu_map(self->fd, self->c.vm, bo.handle, 1ull << 38, bo.size, 0));
}

TEST_F(bo, unknown_flag_is_refused)
{
	for (int bit = 1; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, create(self->fd, 4096, 1u << bit, 0));
}

TEST_F(bo, pad_that_is_not_zero_is_refused)
{
	EXPECT_EQ(-EINVAL, create(self->fd, 4096, 0, 1));
	EXPECT_EQ(-EINVAL, create(self->fd, 4096, 0, 1ull << 63));
}

TEST_F(bo, size_is_rounded_up_to_pages)
{
	struct drm_npu_bo_create bo;

	ASSERT_EQ(0, npu_bo_create(self->fd, 1, 0, &bo));
	EXPECT_EQ(4096, bo.size);
	EXPECT_NE(0, bo.handle);
	EXPECT_NE(0, bo.mmap_offset);
	EXPECT_EQ(0, bo.mmap_offset % 4096);
	ASSERT_EQ(0, npu_bo_create(self->fd, 4096, 0, &bo));
	EXPECT_EQ(4096, bo.size);
	ASSERT_EQ(0, npu_bo_create(self->fd, 4097, 0, &bo));
	EXPECT_EQ(8192, bo.size);
}

TEST_F(bo, memory_is_zero_even_after_others_used_it)
{
	const size_t size = 1 << 20;

	for (int round = 0; round < 4; round++) {
		struct drm_npu_bo_create bo;
		__u64 *mem;

		ASSERT_EQ(0, npu_bo_create(self->fd, size, 0, &bo));
		mem = map(self->fd, bo.mmap_offset, size);
		ASSERT_NE(MAP_FAILED, mem);
		for (size_t i = 0; i < size / 8; i += 64)
			ASSERT_EQ(0, mem[i]);
		EXPECT_EQ(0, memcmp(mem, mem + 1, size - 8));
		memset(mem, 0xff, size);
		munmap(mem, size);
		ASSERT_EQ(0, gem_close(self->fd, bo.handle));
	}
}

TEST_F(bo, info_tells_size_flags_and_offset)
{
	struct drm_npu_bo_create bo;
	struct drm_npu_bo_info i;

	ASSERT_EQ(0, npu_bo_create(self->fd, 10000, DRM_NPU_BO_READ_ONLY, &bo));
	ASSERT_EQ(0, info(self->fd, bo.handle, &i));
	EXPECT_EQ(12288, i.size);
	EXPECT_EQ(DRM_NPU_BO_READ_ONLY, i.flags);
	EXPECT_EQ(bo.mmap_offset, i.mmap_offset);
}

TEST_F(bo, info_of_an_unknown_handle_is_enoent)
{
	struct drm_npu_bo_info i;

	EXPECT_EQ(-ENOENT, info(self->fd, 0, &i));
	EXPECT_EQ(-ENOENT, info(self->fd, 12345, &i));
}

TEST_F(bo, info_refuses_a_pad)
{
	struct drm_npu_bo_info i = { .handle = self->c.bo, .pad = 1 };

	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_BO_INFO, &i));
}

TEST_F(bo, handle_of_another_file_is_enoent)
{
	struct drm_npu_bo_create bo;
	struct drm_npu_bo_info i;
	int other = npu_open();

	ASSERT_LE(0, other);
	/* a number that the other file has not given */
	for (int n = 0; n < 8; n++)
		ASSERT_EQ(0, npu_bo_create(self->fd, 4096, 0, &bo));
	EXPECT_EQ(-ENOENT, info(other, bo.handle, &i));
}

TEST_F(bo, closed_handle_is_enoent)
{
	struct drm_npu_bo_create bo;
	struct drm_npu_bo_info i;

	ASSERT_EQ(0, npu_bo_create(self->fd, 4096, 0, &bo));
	ASSERT_EQ(0, gem_close(self->fd, bo.handle));
	EXPECT_EQ(-ENOENT, info(self->fd, bo.handle, &i));
	EXPECT_EQ(-EINVAL, gem_close(self->fd, bo.handle));
}

TEST_F(bo, mapping_past_the_end_is_refused)
{
	struct drm_npu_bo_create bo;

	ASSERT_EQ(0, npu_bo_create(self->fd, 4096, 0, &bo));
	EXPECT_EQ(MAP_FAILED, map(self->fd, bo.mmap_offset, 8192));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(bo, offset_that_was_never_given_cannot_be_mapped)
{
	EXPECT_EQ(MAP_FAILED, map(self->fd, 0, 4096));
	EXPECT_EQ(MAP_FAILED, map(self->fd, 1ull << 50, 4096));
}

TEST_F(bo, offset_of_another_file_cannot_be_mapped)
{
	struct drm_npu_bo_create bo;
	int other = npu_open();

	ASSERT_LE(0, other);
	ASSERT_EQ(0, npu_bo_create(self->fd, 4096, 0, &bo));
	EXPECT_EQ(MAP_FAILED, map(other, bo.mmap_offset, 4096));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(bo, mapping_outlives_handle_and_file)
{
	struct drm_npu_bo_create bo;
	int fd = npu_open();
	__u64 *mem;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, npu_bo_create(fd, 8192, 0, &bo));
	mem = map(fd, bo.mmap_offset, 8192);
	ASSERT_NE(MAP_FAILED, mem);
	mem[0] = 1;
	ASSERT_EQ(0, gem_close(fd, bo.handle));
	close(fd);
	EXPECT_EQ(1, mem[0]);
	mem[1023] = 2;
	EXPECT_EQ(2, mem[1023]);
}

TEST_F(bo, memory_comes_back_when_the_file_is_closed)
{
	const __u64 size = 64 << 20;

	/* together more than the test machine has */
	for (int i = 0; i < 24; i++) {
		struct drm_npu_bo_create bo;
		int fd = npu_open();
		__u32 vm;

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, npu_vm_create(fd, &vm));
		ASSERT_EQ(0, npu_bo_create(fd, size, 0, &bo));
		ASSERT_EQ(0, npu_map(fd, vm, bo.handle, 0x8000000, size, DRM_NPU_BIND_WRITE));
		close(fd);
	}
}

TEST_F(bo, device_sees_what_the_processor_wrote)
{
	__u32 fault;

	npu_poke(&self->c, NPU_AT_GATE, 0x1122334455667788ull);
	EXPECT_EQ(0x1122334455667788ull, npu_job_reads(&self->c, npu_va(NPU_AT_GATE), &fault));
	EXPECT_EQ(NPU_FAULT_NONE, fault);
}

TEST_F(bo, import_into_the_same_file_gives_the_same_handle)
{
	__u32 handle;
	int dmabuf = export(self->fd, self->c.bo);

	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, import(self->fd, dmabuf, &handle));
	EXPECT_EQ(self->c.bo, handle);
}

TEST_F(bo, import_into_another_file_shares_memory_size_and_flags)
{
	struct drm_npu_bo_create bo;
	struct drm_npu_bo_info i;
	int other = npu_open(), dmabuf;
	__u64 *here, *there;
	__u32 handle;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, npu_bo_create(self->fd, 65536, DRM_NPU_BO_READ_ONLY, &bo));
	dmabuf = export(self->fd, bo.handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, import(other, dmabuf, &handle));
	ASSERT_EQ(0, info(other, handle, &i));
	EXPECT_EQ(65536, i.size);
	EXPECT_EQ(DRM_NPU_BO_READ_ONLY, i.flags);
	here = map(self->fd, bo.mmap_offset, 65536);
	ASSERT_NE(MAP_FAILED, here);
	there = map(other, i.mmap_offset, 65536);
	ASSERT_NE(MAP_FAILED, there);
	here[8191] = 77;
	EXPECT_EQ(77, there[8191]);
}

TEST_F(bo, buffer_outlives_its_file_as_a_dma_buf)
{
	struct drm_npu_bo_create bo;
	int fd = npu_open(), dmabuf;
	__u64 *mem;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, npu_bo_create(fd, 4096, 0, &bo));
	mem = map(fd, bo.mmap_offset, 4096);
	ASSERT_NE(MAP_FAILED, mem);
	mem[5] = 0x55;
	munmap(mem, 4096);
	dmabuf = export(fd, bo.handle);
	ASSERT_LE(0, dmabuf);
	close(fd);
	mem = map(dmabuf, 0, 4096);
	ASSERT_NE(MAP_FAILED, mem);
	EXPECT_EQ(0x55, mem[5]);
	close(dmabuf);
	mem[6] = 0x66;
	EXPECT_EQ(0x66, mem[6]);
}

TEST_F(bo, device_uses_a_buffer_whose_maker_is_gone)
{
	struct drm_npu_bo_create bo;
	int fd = npu_open(), dmabuf;
	__u32 handle, fault;
	__u64 *mem;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, npu_bo_create(fd, 4096, 0, &bo));
	mem = map(fd, bo.mmap_offset, 4096);
	ASSERT_NE(MAP_FAILED, mem);
	mem[5] = 0x55;
	dmabuf = export(fd, bo.handle);
	ASSERT_LE(0, dmabuf);
	close(fd);
	ASSERT_EQ(0, import(self->fd, dmabuf, &handle));
	close(dmabuf);
	ASSERT_EQ(0, npu_map(self->fd, self->c.vm, handle, 0x8000000, 4096, 0));
	EXPECT_EQ(0x55, npu_job_reads(&self->c, 0x8000000 + 40, &fault));
	EXPECT_EQ(NPU_FAULT_NONE, fault);
}

/* In the other process: takes the dma-buf, lets the device write into it, leaves. */
static void write_into(int socket)
{
	struct drm_npu_job_result r;
	struct npu_client c;
	int dmabuf = npu_receive_fd(socket);
	__u32 handle;

	if (dmabuf < 0 || npu_client_open(&c) || import(c.fd, dmabuf, &handle) ||
	    npu_map(c.fd, c.vm, handle, 0x8000000, 8192, DRM_NPU_BIND_WRITE))
		_exit(1);
	npu_poke(&c, NPU_AT_GATE, 0xfeedface);
	if (npu_run_slot(&c, 0, npu_build_copy(&c, 0, npu_va(NPU_AT_GATE), 0x8000000 + 4096), &r) ||
	    r.error)
		_exit(2);
	_exit(0);
}

TEST_F(bo, another_process_lets_the_device_write_into_it)
{
	struct drm_npu_bo_create bo;
	int pair[2], dmabuf;
	__u64 *mem;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		write_into(pair[1]);
	ASSERT_EQ(0, npu_bo_create(self->fd, 8192, 0, &bo));
	mem = map(self->fd, bo.mmap_offset, 8192);
	ASSERT_NE(MAP_FAILED, mem);
	dmabuf = export(self->fd, bo.handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, npu_send_fd(pair[0], dmabuf));
	EXPECT_EQ(0, npu_reap(pid));
	EXPECT_EQ(0xfeedface, mem[512]);
	EXPECT_EQ(0, mem[513]);
}

TEST_F(bo, read_only_holds_for_importers_too)
{
	struct drm_npu_bo_create bo;
	int other = npu_open(), dmabuf;
	__u32 handle, vm;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, npu_bo_create(self->fd, 4096, DRM_NPU_BO_READ_ONLY, &bo));
	dmabuf = export(self->fd, bo.handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, import(other, dmabuf, &handle));
	ASSERT_EQ(0, npu_vm_create(other, &vm));
	EXPECT_EQ(-EACCES, npu_map(other, vm, handle, 0x200000, 4096, DRM_NPU_BIND_WRITE));
	EXPECT_EQ(0, npu_map(other, vm, handle, 0x200000, 4096, 0));
}

/* A dma-buf that is not ours, and its memory; -1 if the kernel has no udmabuf. */
static int foreign_dmabuf(size_t size, __u64 **mem)
{
	struct udmabuf_create u = { .size = size };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int memfd, fd;

	if (dev < 0)
		return -1;
	memfd = memfd_create("npu", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (memfd < 0 || ftruncate(memfd, size) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -1;
	*mem = map(memfd, 0, size);
	u.memfd = memfd;
	fd = ioctl(dev, UDMABUF_CREATE, &u);
	close(memfd);
	close(dev);
	return fd;
}

TEST_F(bo, memory_of_another_driver_is_read_by_a_job)
{
	__u64 *mem = MAP_FAILED;
	int dmabuf = foreign_dmabuf(16384, &mem);
	__u32 handle, fault;

	if (dmabuf < 0)
		SKIP(return, "no udmabuf in this kernel");
	ASSERT_NE(MAP_FAILED, mem);
	mem[1536] = 0xabcdef;
	ASSERT_EQ(0, import(self->fd, dmabuf, &handle));
	close(dmabuf);
	ASSERT_EQ(0, npu_map(self->fd, self->c.vm, handle, 0x8000000, 16384, 0));
	EXPECT_EQ(0xabcdef, npu_job_reads(&self->c, 0x8000000 + 1536 * 8, &fault));
	EXPECT_EQ(NPU_FAULT_NONE, fault);
}

TEST_HARNESS_MAIN

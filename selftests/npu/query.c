// SPDX-License-Identifier: GPL-2.0-only
/* DEV_QUERY, and what holds for the arguments of every call. */
#include "../../../kselftest_harness.h"
#include "npu_jobs.h"

FIXTURE(query) {
	int fd;
};

FIXTURE_SETUP(query)
{
	self->fd = npu_open();
	if (self->fd == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(query)
{
	close(self->fd);
}

static int query(int fd, __u32 type, __u32 *size, const void *pointer)
{
	struct drm_npu_dev_query q = {
		.type = type, .size = *size, .pointer = (uintptr_t)pointer,
	};
	int ret = npu_ioctl(fd, DRM_IOCTL_NPU_DEV_QUERY, &q);

	*size = q.size;
	return ret;
}

/* A page that cannot be touched. */
static void *no_page(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

TEST_F(query, driver_is_named_npu)
{
	char name[16] = "", desc[64] = "";
	struct drm_version v = {
		.name = name, .name_len = sizeof(name) - 1,
		.desc = desc, .desc_len = sizeof(desc) - 1,
	};

	ASSERT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_VERSION, &v));
	EXPECT_STREQ("npu", name);
	EXPECT_LT(0, v.desc_len);
	EXPECT_LE(1, v.version_major);
}

TEST_F(query, without_a_pointer_the_size_of_device_info_is_told)
{
	__u32 size = 0;

	EXPECT_EQ(0, query(self->fd, DRM_NPU_QUERY_DEVICE, &size, NULL));
	EXPECT_EQ(sizeof(struct drm_npu_device_info), size);
}

TEST_F(query, without_a_pointer_the_size_of_firmware_info_is_told)
{
	__u32 size = 12345;

	EXPECT_EQ(0, query(self->fd, DRM_NPU_QUERY_FIRMWARE, &size, NULL));
	EXPECT_EQ(sizeof(struct drm_npu_firmware_info), size);
}

TEST_F(query, shorter_room_gets_the_first_bytes_and_no_more)
{
	struct drm_npu_device_info whole;
	__u8 part[sizeof(whole)];
	__u32 size = 8;

	memset(part, 0xa5, sizeof(part));
	ASSERT_EQ(0, npu_device_info(self->fd, &whole));
	ASSERT_EQ(0, query(self->fd, DRM_NPU_QUERY_DEVICE, &size, part));
	EXPECT_EQ(8, size);
	EXPECT_EQ(0, memcmp(part, &whole, 8));
	for (__u32 i = 8; i < sizeof(part); i++)
		EXPECT_EQ(0xa5, part[i]);
}

TEST_F(query, no_room_gets_nothing)
{
	__u32 size = 0;
	__u8 byte = 0xa5;

	EXPECT_EQ(0, query(self->fd, DRM_NPU_QUERY_DEVICE, &size, &byte));
	EXPECT_EQ(0, size);
	EXPECT_EQ(0xa5, byte);
}

TEST_F(query, longer_room_is_told_what_was_written)
{
	__u8 room[sizeof(struct drm_npu_device_info) + 64];
	__u32 size = sizeof(room);

	memset(room, 0xa5, sizeof(room));
	ASSERT_EQ(0, query(self->fd, DRM_NPU_QUERY_DEVICE, &size, room));
	EXPECT_EQ(sizeof(struct drm_npu_device_info), size);
	for (__u32 i = size; i < sizeof(room); i++)
		EXPECT_EQ(0xa5, room[i]);
}

TEST_F(query, unknown_type_is_refused)
{
	__u32 size = 0;

	EXPECT_EQ(-EINVAL, query(self->fd, DRM_NPU_QUERY_FIRMWARE + 1, &size, NULL));
	EXPECT_EQ(-EINVAL, query(self->fd, ~0u, &size, NULL));
}

TEST_F(query, pad_that_is_not_zero_is_refused)
{
	struct drm_npu_dev_query q = { .type = DRM_NPU_QUERY_DEVICE, .pad = 1 };

	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_DEV_QUERY, &q));
}

TEST_F(query, bad_pointer_is_efault)
{
	__u32 size = sizeof(struct drm_npu_device_info);

	EXPECT_EQ(-EFAULT, query(self->fd, DRM_NPU_QUERY_DEVICE, &size, no_page()));
	size = sizeof(struct drm_npu_firmware_info);
	EXPECT_EQ(-EFAULT, query(self->fd, DRM_NPU_QUERY_FIRMWARE, &size, (void *)-4096l));
}

TEST_F(query, arguments_that_cannot_be_read_are_efault)
{
	EXPECT_EQ(-EFAULT, npu_ioctl(self->fd, DRM_IOCTL_NPU_DEV_QUERY, no_page()));
	EXPECT_EQ(-EFAULT, npu_ioctl(self->fd, DRM_IOCTL_NPU_BO_CREATE, no_page()));
	EXPECT_EQ(-EFAULT, npu_ioctl(self->fd, DRM_IOCTL_NPU_SUBMIT, no_page()));
}

TEST_F(query, shorter_arguments_read_as_zero_beyond)
{
	struct {
		__u32 type, size;
		__u64 pointer;
	} old = { .type = DRM_NPU_QUERY_DEVICE };

	EXPECT_EQ(0, npu_ioctl(self->fd, _IOC(_IOC_READ | _IOC_WRITE, DRM_IOCTL_BASE,
					      DRM_COMMAND_BASE + DRM_NPU_DEV_QUERY, sizeof(old)),
			       &old));
	EXPECT_EQ(sizeof(struct drm_npu_device_info), old.size);
}

TEST_F(query, longer_arguments_are_taken_if_zero_beyond)
{
	struct {
		struct drm_npu_dev_query q;
		__u64 more;
	} new = { .q.type = DRM_NPU_QUERY_DEVICE };
	const unsigned long request = _IOC(_IOC_READ | _IOC_WRITE, DRM_IOCTL_BASE,
					   DRM_COMMAND_BASE + DRM_NPU_DEV_QUERY, sizeof(new));

	EXPECT_EQ(0, npu_ioctl(self->fd, request, &new));
	EXPECT_EQ(sizeof(struct drm_npu_device_info), new.q.size);
	new.more = 1;
	EXPECT_EQ(-E2BIG, npu_ioctl(self->fd, request, &new));
}

TEST_F(query, call_number_past_the_last_is_refused)
{
	__u64 arg = 0;

	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOWR(DRM_COMMAND_BASE + DRM_NPU_JOB_RESULT + 1,
							__u64), &arg));
	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOWR(DRM_COMMAND_END - 1, __u64), &arg));
}

TEST_F(query, device_describes_itself_within_the_limits)
{
	struct drm_npu_device_info d;

	ASSERT_EQ(0, npu_device_info(self->fd, &d));
	EXPECT_EQ(NPU_CMD_VERSION_MAJOR, d.cmd_version >> 16);
	EXPECT_LE(1, d.cores);
	EXPECT_GE(NPU_MAX_CORES, d.cores);
	EXPECT_LE(65536, d.spad_bytes);
	EXPECT_EQ(0, d.spad_bytes % NPU_SPAD_ALIGN);
	EXPECT_LT(0, d.fifo_bytes);
	EXPECT_LT(0, d.macs);
	EXPECT_LT(0, d.matrix_mhz);
	EXPECT_LE(128, d.vector_bits);
	EXPECT_LE(1, d.dma_channels);
	EXPECT_LT(0, d.dma_bytes);
	EXPECT_LT(0, d.dma_mhz);
	EXPECT_LT(0, d.dram_mbps);
	EXPECT_LE(1, d.contexts);
	EXPECT_LE(1, d.queues);
	EXPECT_EQ(NPU_VA_BITS, d.va_bits);
	EXPECT_EQ(NPU_VA_MIN, d.va_min);
	EXPECT_EQ(NPU_VA_SIZE, d.va_max);
	EXPECT_EQ(0, d.pad);
}

TEST_F(query, firmware_tells_api_and_version)
{
	struct drm_npu_firmware_info f;
	__u32 size = sizeof(f);

	memset(&f, 0xa5, sizeof(f));
	ASSERT_EQ(0, query(self->fd, DRM_NPU_QUERY_FIRMWARE, &size, &f));
	EXPECT_EQ(sizeof(f), size);
	EXPECT_EQ(NPU_FW_API_MAJOR, f.api >> 16);
	EXPECT_LT(0, strnlen(f.version, sizeof(f.version)));
	EXPECT_GT(sizeof(f.version), strnlen(f.version, sizeof(f.version)));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* What /proc tells about a client: the keys of Documentation/gpu/drm-usage-stats.rst. */
#include "../../../kselftest_harness.h"
#include "npu_jobs.h"

FIXTURE(fdinfo) {
	struct npu_client c;
};

FIXTURE_SETUP(fdinfo)
{
	int ret = npu_client_open(&self->c);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(fdinfo)
{
	npu_client_close(&self->c);
}

/* Text behind "key:\t"; false if there is no such key. */
static bool text_of(int fd, const char *key, char *out, size_t size)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && !found && fgets(line, sizeof(line), f)) {
		size_t n = strlen(key);

		if (strncmp(line, key, n) || line[n] != ':')
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(out, size, "%s", line + n + 1 + strspn(line + n + 1, " \t"));
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

/* Number of a key, in bytes if it has a unit of memory; -1 if there is no such key. */
static long long number_of(int fd, const char *key)
{
	char text[128], *unit;
	long long n;

	if (!text_of(fd, key, text, sizeof(text)))
		return -1;
	n = strtoll(text, &unit, 10);
	if (!strcmp(unit, " KiB"))
		n <<= 10;
	else if (!strcmp(unit, " MiB"))
		n <<= 20;
	return n;
}

TEST_F(fdinfo, driver_device_and_client_are_named)
{
	char text[128];

	ASSERT_TRUE(text_of(self->c.fd, "drm-driver", text, sizeof(text)));
	EXPECT_STREQ("npu", text);
	ASSERT_TRUE(text_of(self->c.fd, "drm-pdev", text, sizeof(text)));
	EXPECT_EQ(12, strlen(text));
	EXPECT_LT(0, number_of(self->c.fd, "drm-client-id"));
}

TEST_F(fdinfo, clients_have_ids_of_their_own)
{
	int other = npu_open();

	ASSERT_LE(0, other);
	EXPECT_NE(number_of(self->c.fd, "drm-client-id"), number_of(other, "drm-client-id"));
}

TEST_F(fdinfo, new_file_has_used_nothing)
{
	static const char * const keys[] = {
		"drm-engine-matrix", "drm-engine-vector", "drm-engine-dma", "drm-engine-stream",
		"npu-jobs", "npu-energy", "npu-model-time",
	};
	int fd = npu_open();

	ASSERT_LE(0, fd);
	for (unsigned int i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		EXPECT_EQ(0, number_of(fd, keys[i]));
}

TEST_F(fdinfo, engine_times_are_those_of_the_jobs)
{
	struct drm_npu_job_result r;
	long long vector = 0, dma = 0, energy = 0;
	__u32 size = npu_build_add(&self->c, 1000);

	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, npu_client_run(&self->c, size, NULL, 0, &r));
		vector += r.busy_ns[NPU_ENGINE_VECTOR];
		dma += r.busy_ns[NPU_ENGINE_DMA];
		energy += r.energy_pj;
		EXPECT_EQ(vector, number_of(self->c.fd, "drm-engine-vector"));
		EXPECT_EQ(dma, number_of(self->c.fd, "drm-engine-dma"));
		EXPECT_EQ(energy, number_of(self->c.fd, "npu-energy"));
		EXPECT_EQ(i + 1, number_of(self->c.fd, "npu-jobs"));
	}
	EXPECT_LT(0, vector);
	EXPECT_LT(0, dma);
	EXPECT_EQ(0, number_of(self->c.fd, "drm-engine-matrix"));
}

TEST_F(fdinfo, capacity_of_an_engine_is_the_number_of_cores)
{
	struct drm_npu_device_info d;

	ASSERT_EQ(0, npu_device_info(self->c.fd, &d));
	/* without the key it is one */
	EXPECT_EQ(d.cores > 1 ? (long long)d.cores : -1,
		  number_of(self->c.fd, "drm-engine-capacity-matrix"));
}

TEST_F(fdinfo, memory_is_accounted)
{
	const long long size = 8 << 20;
	struct drm_npu_bo_create bo;
	long long before = number_of(self->c.fd, "drm-total-memory");

	EXPECT_EQ(NPU_CLIENT_BYTES, before);
	EXPECT_EQ(NPU_CLIENT_BYTES, number_of(self->c.fd, "drm-resident-memory"));
	ASSERT_EQ(0, npu_bo_create(self->c.fd, size, 0, &bo));
	EXPECT_EQ(before + size, number_of(self->c.fd, "drm-total-memory"));
	/* pages come with the first bind */
	EXPECT_EQ(before, number_of(self->c.fd, "drm-resident-memory"));
	ASSERT_EQ(0, npu_map(self->c.fd, self->c.vm, bo.handle, 0x8000000, size, 0));
	EXPECT_EQ(before + size, number_of(self->c.fd, "drm-resident-memory"));
	ASSERT_EQ(0, npu_unmap(self->c.fd, self->c.vm, 0x8000000, size));
	npu_bo_close(self->c.fd, bo.handle);
	EXPECT_EQ(before, number_of(self->c.fd, "drm-total-memory"));
}

TEST_F(fdinfo, shared_memory_is_told_apart)
{
	struct drm_prime_handle p = { .handle = self->c.bo, .flags = DRM_CLOEXEC };
	int other = npu_open();

	ASSERT_LE(0, other);
	EXPECT_EQ(0, number_of(self->c.fd, "drm-shared-memory"));
	ASSERT_EQ(0, npu_ioctl(self->c.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p));
	ASSERT_EQ(0, npu_ioctl(other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p));
	EXPECT_EQ(NPU_CLIENT_BYTES, number_of(self->c.fd, "drm-shared-memory"));
	EXPECT_EQ(NPU_CLIENT_BYTES, number_of(other, "drm-shared-memory"));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The firmware crashes while it is at a job of one client, and others wait. Only a test firmware
 * does that when it is asked; crash.sh loads it, and looks at what the kernel says of it.
 */
#include "../../../kselftest_harness.h"
#include "npu_jobs.h"

/* As in the test firmware: a job with this as parameter 0 does what parameter 1 names. */
#define TEST_MAGIC	0x4e50555f54455354ull

#define WAITING		8	/* jobs of the innocent client */
#define NOTICED		(10 * SEC)

FIXTURE(crash) {
	struct npu_client guilty;
	struct npu_client innocent;
};

FIXTURE_VARIANT(crash) {
	__u64 how;
};

#define CRASH(name, number) \
	FIXTURE_VARIANT_ADD(crash, name) { .how = number }
CRASH(wild_store, 1);
CRASH(endless_loop, 2);
CRASH(silence, 3);
CRASH(message_ring, 4);
CRASH(completion_ring, 5);
CRASH(stack_overrun, 6);
CRASH(failed_check, 7);

FIXTURE_SETUP(crash)
{
	int ret = npu_client_open(&self->guilty);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, npu_client_open(&self->innocent));
	ASSERT_EQ(0, npu_client_priority(&self->guilty, NPU_PRIORITY_HIGH));
}

FIXTURE_TEARDOWN(crash)
{
	npu_client_close(&self->innocent);
	npu_client_close(&self->guilty);
}

/*
 * The gate keeps the device busy until the innocent jobs wait; then comes the crash, as its queue
 * has the higher priority.
 */
TEST_F(crash, ends_within_ten_seconds_and_only_for_the_job_that_ran)
{
	const __u64 params[2] = { TEST_MAGIC, variant->how };
	struct npu_client *guilty = &self->guilty, *innocent = &self->innocent;
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = guilty->done };
	struct drm_npu_job job = npu_job_at(1, npu_build_append(guilty, 1));
	struct drm_npu_device_info before, after;
	struct drm_npu_queue_state q;
	__s64 begin;

	ASSERT_EQ(0, npu_device_info(guilty->fd, &before));
	ASSERT_EQ(0, npu_submit_slot(guilty, 0, npu_build_gate(guilty, 0), NULL));
	npu_settle();
	npu_job_params(&job, params, 2);
	npu_job_syncs(&job, &out, 1);
	ASSERT_EQ(0, npu_submit(guilty->fd, guilty->queue, &job, 1, NULL));
	ASSERT_EQ(0, npu_submit_appends(innocent, WAITING));
	npu_settle();

	begin = npu_deadline(0);
	npu_poke(guilty, NPU_AT_GATE, 1);
	ASSERT_EQ(0, npu_syncobj_wait(guilty->fd, guilty->done, 60 * SEC));
	EXPECT_GT(NOTICED, npu_deadline(0) - begin);
	EXPECT_EQ(-ECANCELED, npu_fence_status(guilty->fd, guilty->done));
	ASSERT_EQ(0, npu_queue_state(guilty->fd, guilty->queue, &q));
	EXPECT_EQ(DRM_NPU_QUEUE_DEAD | DRM_NPU_QUEUE_INNOCENT, q.state);

	ASSERT_EQ(0, npu_syncobj_wait(innocent->fd, innocent->done, 60 * SEC));
	EXPECT_EQ(1, npu_fence_status(innocent->fd, innocent->done));
	EXPECT_TRUE(npu_appended(innocent, WAITING));
	ASSERT_EQ(0, npu_queue_state(innocent->fd, innocent->queue, &q));
	EXPECT_EQ(0, q.state);

	ASSERT_EQ(0, npu_device_info(guilty->fd, &after));
	EXPECT_EQ(before.resets + 1, after.resets);
	ASSERT_EQ(0, npu_client_new_queue(guilty));
	EXPECT_TRUE(npu_client_adds(guilty, 1));
	EXPECT_TRUE(npu_client_adds(innocent, 2));
}

/* With firmware that takes a job without progress for hung before the driver does */
FIXTURE(hang) {
	struct npu_client guilty;
	struct npu_client innocent;
};

FIXTURE_SETUP(hang)
{
	int ret = npu_client_open(&self->guilty);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, npu_client_open(&self->innocent));
}

FIXTURE_TEARDOWN(hang)
{
	npu_client_close(&self->innocent);
	npu_client_close(&self->guilty);
}

TEST_F(hang, found_by_the_firmware_ends_its_queue_alone)
{
	struct npu_client *guilty = &self->guilty, *innocent = &self->innocent;
	struct drm_npu_device_info before, after;
	struct drm_npu_job_result r;
	struct drm_npu_queue_state q;
	__u64 seqno;

	ASSERT_EQ(0, npu_device_info(guilty->fd, &before));
	ASSERT_EQ(0, npu_client_submit(guilty, npu_build_hang(guilty), NULL, 0, &seqno));
	npu_settle();
	ASSERT_EQ(0, npu_submit_appends(innocent, WAITING));
	ASSERT_EQ(0, npu_syncobj_wait(guilty->fd, guilty->done, 60 * SEC));
	EXPECT_EQ(-ETIME, npu_fence_status(guilty->fd, guilty->done));
	ASSERT_EQ(0, npu_result(guilty->fd, guilty->queue, seqno, &r));
	EXPECT_EQ(-ETIME, r.error);
	EXPECT_EQ(NPU_FAULT_HANG, r.fault);
	ASSERT_EQ(0, npu_queue_state(guilty->fd, guilty->queue, &q));
	EXPECT_EQ(DRM_NPU_QUEUE_DEAD | DRM_NPU_QUEUE_GUILTY, q.state);
	EXPECT_EQ(NPU_FAULT_HANG, q.fault);

	ASSERT_EQ(0, npu_syncobj_wait(innocent->fd, innocent->done, 60 * SEC));
	EXPECT_EQ(1, npu_fence_status(innocent->fd, innocent->done));
	EXPECT_TRUE(npu_appended(innocent, WAITING));
	ASSERT_EQ(0, npu_client_new_queue(guilty));
	EXPECT_TRUE(npu_client_adds(guilty, 1));
	ASSERT_EQ(0, npu_device_info(guilty->fd, &after));
	EXPECT_EQ(before.resets, after.resets);
}

TEST_HARNESS_MAIN

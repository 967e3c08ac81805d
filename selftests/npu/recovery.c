// SPDX-License-Identifier: GPL-2.0-only
/* Jobs that hang, jobs that only take long, and resets of the device. */
#include "../../../kselftest_harness.h"
#include "npu_param.h"
#include "npu_process.h"

#define TIMEOUT_MS	500	/* of jobs without progress, for these tests */
#define MAX_MS		6000	/* of jobs with progress */

FIXTURE(recovery) {
	struct npu_client c;
	int fd;
	int timeout_ms, max_ms;		/* as they were */
};

FIXTURE_SETUP(recovery)
{
	int ret;

	self->timeout_ms = npu_set_param("job_timeout_ms", TIMEOUT_MS);
	self->max_ms = npu_set_param("job_max_ms", MAX_MS);
	ret = npu_client_open(&self->c);
	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	ASSERT_LT(0, self->timeout_ms);
	ASSERT_LT(0, self->max_ms);
	self->fd = self->c.fd;
}

FIXTURE_TEARDOWN(recovery)
{
	npu_client_close(&self->c);
	npu_set_param("job_timeout_ms", self->timeout_ms);
	npu_set_param("job_max_ms", self->max_ms);
}

static __s64 now_ms(void)
{
	return npu_deadline(0) / 1000000;
}

/* Submits a job that hangs and waits for its end; returns the time that took, or -errno. */
static __s64 hang(struct npu_client *c, struct drm_npu_job_result *r)
{
	__s64 begin = now_ms();
	int ret = npu_client_run(c, npu_build_hang(c), NULL, 0, r);

	return ret ? ret : now_ms() - begin;
}

TEST_F(recovery, hang_ends_with_etime_soon_after_the_timeout)
{
	struct drm_npu_job_result r;
	__s64 ms = hang(&self->c, &r);

	EXPECT_LE(TIMEOUT_MS, ms);
	EXPECT_GE(TIMEOUT_MS * 10, ms);
	EXPECT_EQ(-ETIME, r.error);
	EXPECT_EQ(NPU_FAULT_KILLED, r.fault);
	EXPECT_EQ(-ETIME, npu_fence_status(self->fd, self->c.done));
}

TEST_F(recovery, wait_for_memory_without_a_mark_is_a_hang)
{
	struct drm_npu_job_result r;
	__u32 size = npu_build_wait(&self->c, 0, npu_va(NPU_AT_GATE), 0);

	ASSERT_EQ(0, npu_run_slot(&self->c, 0, size, &r));
	EXPECT_EQ(-ETIME, r.error);
}

TEST_F(recovery, hang_leaves_its_queue_dead_and_guilty)
{
	struct drm_npu_queue_state q;
	struct drm_npu_job_result r;

	ASSERT_LT(0, hang(&self->c, &r));
	ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &q));
	EXPECT_EQ(DRM_NPU_QUEUE_DEAD | DRM_NPU_QUEUE_GUILTY, q.state);
	EXPECT_EQ(NPU_FAULT_KILLED, q.fault);
	EXPECT_EQ(q.submitted, q.completed);
	EXPECT_EQ(-EIO, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), NULL));
}

TEST_F(recovery, new_queue_works_after_each_of_three_hangs)
{
	struct drm_npu_job_result r;

	for (unsigned int i = 0; i < 3; i++) {
		ASSERT_LT(0, hang(&self->c, &r));
		EXPECT_EQ(-ETIME, r.error);
		ASSERT_EQ(0, npu_client_new_queue(&self->c));
		EXPECT_TRUE(npu_client_adds(&self->c, i));
	}
}

TEST_F(recovery, jobs_behind_a_hang_are_cancelled)
{
	struct drm_npu_sync outs[3];
	struct drm_npu_job jobs[3];
	__u32 size = npu_build_wait(&self->c, 0, npu_va(NPU_AT_GATE), 0);

	for (int i = 0; i < 3; i++) {
		outs[i] = (struct drm_npu_sync){
			.flags = DRM_NPU_SYNC_SIGNAL, .handle = npu_syncobj(self->fd),
		};
		jobs[i] = npu_job_at(0, size);
		npu_job_syncs(&jobs[i], &outs[i], 1);
	}
	ASSERT_EQ(0, npu_submit(self->fd, self->c.queue, jobs, 3, NULL));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, npu_syncobj_wait(self->fd, outs[i].handle, 10 * SEC));
		EXPECT_EQ(i ? -ECANCELED : -ETIME, npu_fence_status(self->fd, outs[i].handle));
	}
}

TEST_F(recovery, job_of_another_client_that_waits_behind_a_hang_is_right)
{
	struct drm_npu_queue_state q;
	struct npu_client other;

	ASSERT_EQ(0, npu_client_open(&other));
	ASSERT_EQ(0, npu_client_submit(&self->c, npu_build_hang(&self->c), NULL, 0, NULL));
	EXPECT_TRUE(npu_client_adds(&other, 17));
	ASSERT_EQ(0, npu_queue_state(other.fd, other.queue, &q));
	EXPECT_EQ(0, q.state);
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 10 * SEC));
	EXPECT_EQ(-ETIME, npu_fence_status(self->fd, self->c.done));
	npu_client_close(&other);
}

TEST_F(recovery, another_process_works_on_through_two_hangs_at_once)
{
	struct drm_npu_queue_state q;
	struct npu_client second;
	struct npu_bystander b;

	ASSERT_EQ(0, npu_bystander_start(&b));
	ASSERT_EQ(0, npu_client_open(&second));
	ASSERT_EQ(0, npu_client_submit(&self->c, npu_build_hang(&self->c), NULL, 0, NULL));
	ASSERT_EQ(0, npu_client_submit(&second, npu_build_hang(&second), NULL, 0, NULL));
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 10 * SEC));
	EXPECT_EQ(0, npu_syncobj_wait(second.fd, second.done, 10 * SEC));
	EXPECT_EQ(-ETIME, npu_fence_status(self->fd, self->c.done));
	EXPECT_EQ(-ETIME, npu_fence_status(second.fd, second.done));
	ASSERT_EQ(0, npu_queue_state(second.fd, second.queue, &q));
	EXPECT_EQ(DRM_NPU_QUEUE_DEAD | DRM_NPU_QUEUE_GUILTY, q.state);
	EXPECT_EQ(0, npu_bystander_stop(&b));
	npu_client_close(&second);
}

TEST_F(recovery, long_job_that_makes_progress_is_not_killed)
{
	struct drm_npu_job_result r;
	__u64 seqno;

	ASSERT_EQ(0, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), &seqno));
	usleep(TIMEOUT_MS * 5 * 1000);
	EXPECT_EQ(-EBUSY, npu_result(self->fd, self->c.queue, seqno, &r));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 10 * SEC));
	ASSERT_EQ(0, npu_result(self->fd, self->c.queue, seqno, &r));
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(1, npu_fence_status(self->fd, self->c.done));
}

TEST_F(recovery, job_waiting_behind_a_long_one_is_not_killed)
{
	struct npu_client other;
	struct drm_npu_job_result r;
	__u64 seqno;

	ASSERT_EQ(0, npu_client_open(&other));
	ASSERT_EQ(0, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), NULL));
	npu_settle();
	ASSERT_EQ(0, npu_client_submit(&other, npu_build_add(&other, 8), NULL, 0, &seqno));
	usleep(TIMEOUT_MS * 5 * 1000);
	npu_poke(&self->c, NPU_AT_GATE, 1);
	ASSERT_EQ(0, npu_syncobj_wait(other.fd, other.done, 10 * SEC));
	ASSERT_EQ(0, npu_result(other.fd, other.queue, seqno, &r));
	EXPECT_EQ(0, r.error);
	npu_client_close(&other);
}

TEST_F(recovery, job_that_takes_too_long_ends_with_etime)
{
	struct drm_npu_job_result r;

	npu_set_param("job_max_ms", TIMEOUT_MS * 3);
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, npu_build_gate(&self->c, 0), &r));
	EXPECT_EQ(-ETIME, r.error);
}

TEST_F(recovery, reset_of_the_device_ends_only_what_ran)
{
	struct drm_npu_device_info before, after;
	struct drm_npu_queue_state q;
	struct npu_client idle;

	ASSERT_EQ(0, npu_client_open(&idle));
	ASSERT_TRUE(npu_client_adds(&idle, 1));
	ASSERT_EQ(0, npu_device_info(self->fd, &before));
	ASSERT_EQ(0, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), NULL));
	npu_settle();
	ASSERT_EQ(0, npu_write_debugfs(self->fd, "reset", "1"));
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 10 * SEC));
	EXPECT_EQ(-ECANCELED, npu_fence_status(self->fd, self->c.done));
	ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &q));
	EXPECT_EQ(DRM_NPU_QUEUE_DEAD | DRM_NPU_QUEUE_INNOCENT, q.state);

	ASSERT_EQ(0, npu_queue_state(idle.fd, idle.queue, &q));
	EXPECT_EQ(0, q.state);
	EXPECT_TRUE(npu_client_adds(&idle, 2));
	ASSERT_EQ(0, npu_client_new_queue(&self->c));
	EXPECT_TRUE(npu_client_adds(&self->c, 3));
	ASSERT_EQ(0, npu_device_info(self->fd, &after));
	EXPECT_EQ(before.resets + 1, after.resets);
	npu_client_close(&idle);
}

TEST_F(recovery, jobs_that_wait_when_the_device_is_reset_run_afterwards_in_order)
{
	struct drm_npu_queue_state q;
	struct npu_client other;

	ASSERT_EQ(0, npu_client_open(&other));
	ASSERT_EQ(0, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), NULL));
	npu_settle();
	ASSERT_EQ(0, npu_submit_appends(&other, 12));
	npu_settle();
	ASSERT_EQ(0, npu_write_debugfs(self->fd, "reset", "1"));
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 10 * SEC));
	EXPECT_EQ(-ECANCELED, npu_fence_status(self->fd, self->c.done));

	EXPECT_EQ(0, npu_syncobj_wait(other.fd, other.done, 10 * SEC));
	EXPECT_EQ(1, npu_fence_status(other.fd, other.done));
	EXPECT_TRUE(npu_appended(&other, 12));
	ASSERT_EQ(0, npu_queue_state(other.fd, other.queue, &q));
	EXPECT_EQ(0, q.state);
	EXPECT_EQ(12, q.completed);
	EXPECT_TRUE(npu_client_adds(&other, 2));
	npu_client_close(&other);
}

TEST_F(recovery, jobs_behind_one_that_ran_when_the_device_is_reset_never_run)
{
	__u64 seqno;
	struct drm_npu_job_result r;

	npu_poke(&self->c, NPU_AT_VALUE, 5);
	ASSERT_EQ(0, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), NULL));
	ASSERT_EQ(0, npu_submit_slot(&self->c, 1, npu_build_store(&self->c, 1), &seqno));
	npu_settle();
	ASSERT_EQ(0, npu_write_debugfs(self->fd, "reset", "1"));
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 10 * SEC));
	EXPECT_EQ(-ECANCELED, npu_fence_status(self->fd, self->c.done));
	ASSERT_EQ(0, npu_result(self->fd, self->c.queue, seqno, &r));
	EXPECT_EQ(-ECANCELED, r.error);
	ASSERT_EQ(0, npu_client_new_queue(&self->c));
	EXPECT_TRUE(npu_client_adds(&self->c, 1));
	EXPECT_EQ(5, npu_peek(&self->c, NPU_AT_VALUE));
}

/*
 * A job of low priority waits through @resets resets behind jobs of high priority, one of which
 * each reset ends. Returns what its fence tells.
 */
static int wait_through(struct npu_client *low, int resets)
{
	struct npu_client high[8];
	int status = INT_MIN, opened = 0;

	while (opened <= resets && !npu_client_open(&high[opened])) {
		if (npu_client_priority(&high[opened], NPU_PRIORITY_HIGH) ||
		    npu_submit_slot(&high[opened], 0, npu_build_gate(&high[opened], 0), NULL))
			goto out;
		opened++;
	}
	npu_settle();
	if (opened <= resets || npu_submit_appends(low, 1))
		goto out;
	npu_settle();
	for (int i = 0; i < resets; i++) {
		if (npu_write_debugfs(low->fd, "reset", "1"))
			goto out;
		npu_settle();
	}
	for (int i = 0; i < opened; i++)
		npu_poke(&high[i], NPU_AT_GATE, 1);
	if (!npu_syncobj_wait(low->fd, low->done, 10 * SEC))
		status = npu_fence_status(low->fd, low->done);
out:
	while (opened)
		npu_client_close(&high[--opened]);
	return status;
}

TEST_F(recovery, job_waits_through_five_resets)
{
	EXPECT_EQ(1, wait_through(&self->c, 5));
	EXPECT_TRUE(npu_appended(&self->c, 1));
}

TEST_F(recovery, job_that_waits_through_a_sixth_reset_is_given_up)
{
	EXPECT_EQ(-ECANCELED, wait_through(&self->c, 6));
	EXPECT_TRUE(npu_appended(&self->c, 0));
}

TEST_F(recovery, ten_resets_in_a_row)
{
	for (unsigned int i = 0; i < 10; i++) {
		ASSERT_EQ(0, npu_write_debugfs(self->fd, "reset", "1"));
		ASSERT_TRUE(npu_client_adds(&self->c, i));
	}
}

TEST_F(recovery, function_level_reset_leaves_idle_clients_working)
{
	char path[64];
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/reset", major(st.st_rdev),
		 minor(st.st_rdev));
	ASSERT_TRUE(npu_client_adds(&self->c, 1));
	for (unsigned int i = 0; i < 3; i++) {
		ASSERT_EQ(0, npu_write_file(path, "1"));
		EXPECT_TRUE(npu_client_adds(&self->c, i));
	}
}

TEST_F(recovery, bind_during_resets_is_never_lost)
{
	struct drm_npu_bo_create bo;
	__u32 fault;
	pid_t pid;

	ASSERT_EQ(0, npu_bo_create(self->fd, 4096, 0, &bo));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (int i = 0; i < 20; i++) {
			if (npu_write_debugfs(self->fd, "reset", "1"))
				_exit(1);
			usleep(5000);
		}
		_exit(0);
	}
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(0, npu_map(self->fd, self->c.vm, bo.handle, 0x8000000, 4096, 0));
		ASSERT_EQ(0, npu_unmap(self->fd, self->c.vm, 0x8000000, 4096));
	}
	EXPECT_EQ(0, npu_reap(pid));
	npu_job_reads(&self->c, 0x8000000, &fault);
	EXPECT_EQ(NPU_FAULT_PAGE, fault);
}

TEST_HARNESS_MAIN

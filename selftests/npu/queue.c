// SPDX-License-Identifier: GPL-2.0-only
/* Queues: how they are made, what they tell, how they end. */
#include "../../../kselftest_harness.h"
#include "npu_process.h"

FIXTURE(queue) {
	struct npu_client c;
	struct drm_npu_device_info info;
	int fd;
};

FIXTURE_SETUP(queue)
{
	int ret = npu_client_open(&self->c);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	self->fd = self->c.fd;
	ASSERT_EQ(0, npu_device_info(self->fd, &self->info));
}

FIXTURE_TEARDOWN(queue)
{
	npu_client_close(&self->c);
}

static int create(int fd, struct drm_npu_queue_create c, __u32 *queue)
{
	int ret = npu_ioctl(fd, DRM_IOCTL_NPU_QUEUE_CREATE, &c);

	if (queue)
		*queue = c.queue_id;
	return ret;
}

/* All else is right, so the errno is of the one field that is not. */
#define CREATE(...) create(self->fd, (struct drm_npu_queue_create){ \
	.vm_id = self->c.vm, .priority = NPU_PRIORITY_NORMAL, .entries = 16, __VA_ARGS__ }, NULL)

#pragma GCC diagnostic ignored "-Woverride-init"

/* Creates queues until that fails with *error; returns how many there are. */
static __u32 create_all(int fd, __u32 vm, __u32 *last, int *error)
{
	__u32 n = 0;

	while (n <= NPU_MAX_QUEUES &&
	       !(*error = create(fd, (struct drm_npu_queue_create){
				 .vm_id = vm, .priority = NPU_PRIORITY_NORMAL,
				 .entries = NPU_QUEUE_ENTRIES_MIN }, last)))
		n++;
	return n;
}

TEST_F(queue, id_is_not_zero)
{
	EXPECT_NE(0, self->c.queue);
}

TEST_F(queue, priority_past_the_highest_is_refused)
{
	EXPECT_EQ(-EINVAL, CREATE(.priority = NPU_PRIORITY_COUNT));
	EXPECT_EQ(-EINVAL, CREATE(.priority = ~0u));
}

TEST_F(queue, entries_within_the_limits_are_taken)
{
	EXPECT_EQ(0, CREATE(.entries = NPU_QUEUE_ENTRIES_MIN));
	EXPECT_EQ(0, CREATE(.entries = NPU_QUEUE_ENTRIES_MAX));
}

TEST_F(queue, entries_outside_the_limits_are_refused)
{
	EXPECT_EQ(-EINVAL, CREATE(.entries = 0));
	EXPECT_EQ(-EINVAL, CREATE(.entries = NPU_QUEUE_ENTRIES_MIN / 2));
	EXPECT_EQ(-EINVAL, CREATE(.entries = NPU_QUEUE_ENTRIES_MAX * 2));
}

TEST_F(queue, entries_that_are_no_power_of_two_are_refused)
{
	EXPECT_EQ(-EINVAL, CREATE(.entries = 24));
	EXPECT_EQ(-EINVAL, CREATE(.entries = NPU_QUEUE_ENTRIES_MIN + 1));
}

TEST_F(queue, flags_are_refused)
{
	for (int bit = 0; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, CREATE(.flags = 1u << bit));
}

TEST_F(queue, pad_is_refused)
{
	EXPECT_EQ(-EINVAL, CREATE(.pad = 1));
}

TEST_F(queue, unknown_vm_is_enoent)
{
	EXPECT_EQ(-ENOENT, CREATE(.vm_id = 0));
	EXPECT_EQ(-ENOENT, CREATE(.vm_id = 12345));
}

TEST_F(queue, every_priority_is_open_to_cap_sys_nice)
{
	for (__u32 p = 0; p < NPU_PRIORITY_COUNT; p++)
		EXPECT_EQ(0, CREATE(.priority = p));
}

TEST_F(queue, high_priorities_need_cap_sys_nice)
{
	ASSERT_EQ(0, npu_drop_sys_nice());
	EXPECT_EQ(-EACCES, CREATE(.priority = NPU_PRIORITY_HIGH));
	EXPECT_EQ(-EACCES, CREATE(.priority = NPU_PRIORITY_REALTIME));
	EXPECT_EQ(0, CREATE(.priority = NPU_PRIORITY_NORMAL));
	EXPECT_EQ(0, CREATE(.priority = NPU_PRIORITY_IDLE));
}

TEST_F(queue, one_more_than_the_device_has_is_enospc)
{
	int error;

	/* one is the client's */
	EXPECT_EQ(self->info.queues - 1, create_all(self->fd, self->c.vm, NULL, &error));
	EXPECT_EQ(-ENOSPC, error);
}

TEST_F(queue, a_destroyed_one_makes_room)
{
	__u32 last;
	int error;

	ASSERT_EQ(0, CREATE(.priority = NPU_PRIORITY_IDLE));
	create_all(self->fd, self->c.vm, NULL, &error);
	ASSERT_EQ(-ENOSPC, error);
	ASSERT_EQ(0, npu_queue_destroy(self->fd, self->c.queue));
	EXPECT_EQ(1, create_all(self->fd, self->c.vm, &last, &error));
}

TEST_F(queue, entries_of_all_together_are_limited)
{
	/* one is the client's */
	const __u32 room = DRM_NPU_MAX_ENTRIES / NPU_QUEUE_ENTRIES_MAX - 1;
	struct drm_npu_queue_create large = {
		.vm_id = self->c.vm, .priority = NPU_PRIORITY_NORMAL,
		.entries = NPU_QUEUE_ENTRIES_MAX,
	};
	__u32 last = 0;

	for (__u32 i = 0; i < room; i++)
		ASSERT_EQ(0, create(self->fd, large, &last));
	EXPECT_EQ(-ENOSPC, create(self->fd, large, NULL));
	ASSERT_EQ(0, npu_queue_destroy(self->fd, last));
	EXPECT_EQ(0, create(self->fd, large, NULL));
}

TEST_F(queue, a_closed_file_gives_its_own_back)
{
	__u32 vm;
	int error;

	for (int round = 0; round < 3; round++) {
		int fd = npu_open();

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, npu_vm_create(fd, &vm));
		EXPECT_EQ(self->info.queues - 1, create_all(fd, vm, NULL, &error));
		EXPECT_EQ(-ENOSPC, error);
		close(fd);
	}
}

TEST_F(queue, a_new_one_has_no_jobs_and_no_fault)
{
	struct drm_npu_queue_state s;

	ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &s));
	EXPECT_EQ(0, s.state);
	EXPECT_EQ(0, s.submitted);
	EXPECT_EQ(0, s.completed);
	EXPECT_EQ(NPU_FAULT_NONE, s.fault);
	EXPECT_EQ(0, s.pad);
}

TEST_F(queue, state_counts_what_was_submitted_and_completed)
{
	struct drm_npu_queue_state s;
	__u64 seqno;

	ASSERT_TRUE(npu_client_adds(&self->c, 1));
	ASSERT_TRUE(npu_client_adds(&self->c, 2));
	ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &s));
	EXPECT_EQ(s.submitted, s.completed);
	ASSERT_EQ(0, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), &seqno));
	ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &s));
	EXPECT_EQ(seqno, s.submitted);
	EXPECT_EQ(seqno - 1, s.completed);
	EXPECT_EQ(0, s.state);
	npu_poke(&self->c, NPU_AT_GATE, 1);
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &s));
	EXPECT_EQ(seqno, s.completed);
}

TEST_F(queue, state_of_an_unknown_one_is_enoent)
{
	struct drm_npu_queue_state s;

	EXPECT_EQ(-ENOENT, npu_queue_state(self->fd, 0, &s));
	EXPECT_EQ(-ENOENT, npu_queue_state(self->fd, 12345, &s));
}

TEST_F(queue, state_refuses_a_pad)
{
	struct drm_npu_queue_state s = { .queue_id = self->c.queue, .pad = 1 };

	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_QUEUE_STATE, &s));
}

TEST_F(queue, ids_belong_to_the_file)
{
	struct drm_npu_job_result r;
	struct drm_npu_queue_state s;
	struct drm_npu_job job = npu_job_at(0, 152);
	__u32 queue = 0;
	int other = npu_open();

	ASSERT_LE(0, other);
	/* an id that the other file has not given */
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, npu_queue_create(self->fd, self->c.vm, NPU_PRIORITY_NORMAL, &queue));
	EXPECT_EQ(-ENOENT, npu_queue_state(other, queue, &s));
	EXPECT_EQ(-ENOENT, npu_submit(other, queue, &job, 1, NULL));
	EXPECT_EQ(-ENOENT, npu_result(other, queue, 1, &r));
	EXPECT_EQ(-ENOENT, npu_queue_destroy(other, queue));
	EXPECT_EQ(0, npu_queue_destroy(self->fd, queue));
}

TEST_F(queue, destroy_of_an_unknown_one_is_enoent)
{
	EXPECT_EQ(-ENOENT, npu_queue_destroy(self->fd, 0));
	EXPECT_EQ(-ENOENT, npu_queue_destroy(self->fd, 12345));
	EXPECT_EQ(0, npu_queue_destroy(self->fd, self->c.queue));
	EXPECT_EQ(-ENOENT, npu_queue_destroy(self->fd, self->c.queue));
}

TEST_F(queue, destroy_refuses_a_pad)
{
	struct drm_npu_queue_destroy d = { .queue_id = self->c.queue, .pad = 1 };

	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &d));
}

TEST_F(queue, destroy_ends_its_jobs_with_ecanceled)
{
	struct drm_npu_sync out[3];
	struct drm_npu_job jobs[3];
	__u32 size = npu_build_gate(&self->c, 0);

	for (int i = 0; i < 3; i++) {
		out[i] = (struct drm_npu_sync){
			.flags = DRM_NPU_SYNC_SIGNAL, .handle = npu_syncobj(self->fd),
		};
		jobs[i] = npu_job_at(0, size);
		npu_job_syncs(&jobs[i], &out[i], 1);
	}
	ASSERT_EQ(0, npu_submit(self->fd, self->c.queue, jobs, 3, NULL));
	npu_settle();
	EXPECT_EQ(0, npu_fence_status(self->fd, out[0].handle));
	ASSERT_EQ(0, npu_queue_destroy(self->fd, self->c.queue));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, npu_syncobj_wait(self->fd, out[i].handle, 10 * SEC));
		EXPECT_EQ(-ECANCELED, npu_fence_status(self->fd, out[i].handle));
	}
}

TEST_F(queue, destroy_leaves_other_queues_of_the_vm_alone)
{
	__u32 other;

	ASSERT_EQ(0, npu_queue_create(self->fd, self->c.vm, NPU_PRIORITY_NORMAL, &other));
	ASSERT_EQ(0, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), NULL));
	npu_settle();
	ASSERT_EQ(0, npu_queue_destroy(self->fd, self->c.queue));
	self->c.queue = other;
	EXPECT_TRUE(npu_client_adds(&self->c, 3));
}

TEST_F(queue, one_of_four_entries_takes_sixty_four_jobs)
{
	struct drm_npu_job jobs[DRM_NPU_MAX_JOBS];
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = self->c.done };
	__u64 params[DRM_NPU_MAX_JOBS];
	__u32 size = npu_build_append(&self->c, 0), queue;

	ASSERT_EQ(0, create(self->fd, (struct drm_npu_queue_create){
			    .vm_id = self->c.vm, .priority = NPU_PRIORITY_NORMAL,
			    .entries = NPU_QUEUE_ENTRIES_MIN }, &queue));
	for (int i = 0; i < DRM_NPU_MAX_JOBS; i++) {
		params[i] = i;
		jobs[i] = npu_job_at(0, size);
		npu_job_params(&jobs[i], &params[i], 1);
	}
	npu_job_syncs(&jobs[DRM_NPU_MAX_JOBS - 1], &out, 1);
	ASSERT_EQ(0, npu_submit(self->fd, queue, jobs, DRM_NPU_MAX_JOBS, NULL));
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(DRM_NPU_MAX_JOBS, npu_peek(&self->c, NPU_AT_COUNT));
	for (int i = 0; i < DRM_NPU_MAX_JOBS; i++)
		EXPECT_EQ(i, npu_peek(&self->c, NPU_AT_LIST + 8 * i));
}

TEST_HARNESS_MAIN

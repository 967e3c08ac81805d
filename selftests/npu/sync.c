// SPDX-License-Identifier: GPL-2.0-only
/* Fences of jobs: binary and timeline syncobjs, waited for and signalled. */
#include <poll.h>
#include <pthread.h>

#include "../../../kselftest_harness.h"
#include "npu_jobs.h"

#define GATE	0	/* slots of the command buffers */
#define STORE	1
#define COPY	2

FIXTURE(sync) {
	struct npu_client c;
	int fd;
	__u32 urgent;			/* a queue that the device serves before the client's */
	struct drm_npu_job gate, store;
	__u64 value;			/* that the store writes */
};

FIXTURE_SETUP(sync)
{
	int ret = npu_client_open(&self->c);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	self->fd = self->c.fd;
	ASSERT_EQ(0, npu_queue_create(self->fd, self->c.vm, NPU_PRIORITY_REALTIME, &self->urgent));
	self->gate = npu_job_at(GATE, npu_build_gate(&self->c, GATE));
	self->store = npu_job_at(STORE, npu_build_store(&self->c, STORE));
	self->value = 4711;
	npu_job_params(&self->store, &self->value, 1);
}

FIXTURE_TEARDOWN(sync)
{
	npu_client_close(&self->c);
}

static struct drm_npu_sync out_sync(__u32 handle, __u64 point)
{
	return (struct drm_npu_sync){
		.flags = DRM_NPU_SYNC_SIGNAL | (point ? DRM_NPU_SYNC_TIMELINE : 0),
		.handle = handle, .value = point,
	};
}

static struct drm_npu_sync in_sync(__u32 handle, __u64 point)
{
	return (struct drm_npu_sync){
		.flags = point ? DRM_NPU_SYNC_TIMELINE : 0, .handle = handle, .value = point,
	};
}

static int submit1(int fd, __u32 queue, struct drm_npu_job job, const struct drm_npu_sync *syncs,
		   __u32 count)
{
	npu_job_syncs(&job, syncs, count);
	return npu_submit(fd, queue, &job, 1, NULL);
}

static __u64 timeline_value(int fd, __u32 handle)
{
	__u64 point = ~0ull;
	struct drm_syncobj_timeline_array q = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
	};

	npu_ioctl(fd, DRM_IOCTL_SYNCOBJ_QUERY, &q);
	return point;
}

TEST_F(sync, syncobjs_are_offered)
{
	struct drm_get_cap binary = { .capability = DRM_CAP_SYNCOBJ };
	struct drm_get_cap timeline = { .capability = DRM_CAP_SYNCOBJ_TIMELINE };

	EXPECT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_GET_CAP, &binary));
	EXPECT_EQ(1, binary.value);
	EXPECT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_GET_CAP, &timeline));
	EXPECT_EQ(1, timeline.value);
}

TEST_F(sync, binary_is_signalled_when_the_job_ends_and_not_before)
{
	struct drm_npu_sync out = out_sync(self->c.done, 0);

	ASSERT_EQ(0, submit1(self->fd, self->c.queue, self->gate, &out, 1));
	EXPECT_EQ(-ETIME, npu_syncobj_wait(self->fd, self->c.done, SEC / 5));
	EXPECT_EQ(0, npu_fence_status(self->fd, self->c.done));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(1, npu_fence_status(self->fd, self->c.done));
}

TEST_F(sync, timeline_point_is_reached_when_the_job_ends_and_not_before)
{
	__u32 timeline = npu_syncobj(self->fd);
	struct drm_npu_sync out = out_sync(timeline, 7);

	ASSERT_EQ(0, submit1(self->fd, self->c.queue, self->gate, &out, 1));
	EXPECT_EQ(-ETIME, npu_timeline_wait(self->fd, timeline, 7, SEC / 5));
	EXPECT_EQ(0, timeline_value(self->fd, timeline));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	EXPECT_EQ(0, npu_timeline_wait(self->fd, timeline, 7, 20 * SEC));
	EXPECT_EQ(7, timeline_value(self->fd, timeline));
	EXPECT_EQ(0, npu_timeline_wait(self->fd, timeline, 6, 0));
}

TEST_F(sync, points_of_one_call_are_reached_one_by_one)
{
	__u32 timeline = npu_syncobj(self->fd);
	struct drm_npu_sync outs[2] = { out_sync(timeline, 1), out_sync(timeline, 2) };
	struct drm_npu_job jobs[2] = { self->store, self->gate };

	npu_job_syncs(&jobs[0], &outs[0], 1);
	npu_job_syncs(&jobs[1], &outs[1], 1);
	ASSERT_EQ(0, npu_submit(self->fd, self->c.queue, jobs, 2, NULL));
	EXPECT_EQ(0, npu_timeline_wait(self->fd, timeline, 1, 20 * SEC));
	EXPECT_EQ(4711, npu_peek(&self->c, NPU_AT_VALUE));
	EXPECT_EQ(1, timeline_value(self->fd, timeline));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	EXPECT_EQ(0, npu_timeline_wait(self->fd, timeline, 2, 20 * SEC));
}

/*
 * Jobs "gate" and "store" stand in the client's queue; the urgent queue, which comes first, copies
 * what was stored. It finds the value only if it has waited.
 */
static int copy_behind_store(struct npu_client *c, __u32 urgent, struct drm_npu_job gate,
			     struct drm_npu_job store, __u32 handle, __u64 point)
{
	__u32 size = npu_build_copy(c, COPY, npu_va(NPU_AT_VALUE), npu_va(NPU_AT_LIST));
	struct drm_npu_sync stored = out_sync(handle, point);
	struct drm_npu_sync syncs[2] = { in_sync(handle, point), out_sync(c->done, 0) };
	struct drm_npu_job jobs[2] = { gate, store };
	int ret;

	npu_job_syncs(&jobs[1], &stored, 1);
	ret = npu_submit(c->fd, c->queue, jobs, 2, NULL);
	if (!ret)
		ret = submit1(c->fd, urgent, npu_job_at(COPY, size), syncs, 2);
	npu_settle();
	npu_poke(c, NPU_AT_GATE, 1);
	return ret ? ret : npu_syncobj_wait(c->fd, c->done, 20 * SEC);
}

TEST_F(sync, job_waits_for_a_binary_of_another_queue)
{
	ASSERT_EQ(0, copy_behind_store(&self->c, self->urgent, self->gate, self->store,
				       npu_syncobj(self->fd), 0));
	EXPECT_EQ(4711, npu_peek(&self->c, NPU_AT_LIST));
}

TEST_F(sync, job_waits_for_a_timeline_of_another_queue)
{
	ASSERT_EQ(0, copy_behind_store(&self->c, self->urgent, self->gate, self->store,
				       npu_syncobj(self->fd), 3));
	EXPECT_EQ(4711, npu_peek(&self->c, NPU_AT_LIST));
}

TEST_F(sync, job_waits_for_a_fence_of_another_file)
{
	struct npu_client other;
	struct drm_npu_sync out = out_sync(self->c.done, 0), syncs[2];
	struct drm_syncobj_handle h = { .handle = self->c.done, .fd = -1 };

	ASSERT_EQ(0, npu_client_open(&other));
	ASSERT_EQ(0, submit1(self->fd, self->c.queue, self->gate, &out, 1));
	ASSERT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &h));
	ASSERT_EQ(0, npu_ioctl(other.fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &h));
	syncs[0] = in_sync(h.handle, 0);
	syncs[1] = out_sync(other.done, 0);
	ASSERT_EQ(0, submit1(other.fd, other.queue,
			     npu_job_at(COPY, npu_build_copy(&other, COPY, npu_va(NPU_AT_GATE),
							     npu_va(NPU_AT_LIST))), syncs, 2));
	EXPECT_EQ(-ETIME, npu_syncobj_wait(other.fd, other.done, SEC / 5));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	EXPECT_EQ(0, npu_syncobj_wait(other.fd, other.done, 20 * SEC));
	npu_client_close(&other);
}

TEST_F(sync, wait_for_a_syncobj_without_a_fence_is_refused)
{
	struct drm_npu_sync binary = in_sync(npu_syncobj(self->fd), 0);
	struct drm_npu_sync timeline = in_sync(npu_syncobj(self->fd), 5);

	EXPECT_EQ(-EINVAL, submit1(self->fd, self->c.queue, self->store, &binary, 1));
	EXPECT_EQ(-EINVAL, submit1(self->fd, self->c.queue, self->store, &timeline, 1));
}

TEST_F(sync, job_waits_for_an_earlier_one_of_its_call)
{
	__u32 binary = npu_syncobj(self->fd), timeline = npu_syncobj(self->fd);
	struct drm_npu_sync outs[2] = { out_sync(binary, 0), out_sync(timeline, 4) };
	struct drm_npu_sync ins[3] = {
		in_sync(binary, 0), in_sync(timeline, 4), out_sync(self->c.done, 0),
	};
	struct drm_npu_job jobs[2] = { self->gate, self->store };

	npu_job_syncs(&jobs[0], outs, 2);
	npu_job_syncs(&jobs[1], ins, 3);
	ASSERT_EQ(0, npu_submit(self->fd, self->c.queue, jobs, 2, NULL));
	npu_settle();
	EXPECT_EQ(0, npu_peek(&self->c, NPU_AT_VALUE));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(4711, npu_peek(&self->c, NPU_AT_VALUE));
}

TEST_F(sync, wait_for_a_later_job_of_the_call_is_refused)
{
	__u32 binary = npu_syncobj(self->fd);
	struct drm_npu_sync in = in_sync(binary, 0), out = out_sync(binary, 0);
	struct drm_npu_job jobs[2] = { self->store, self->store };

	npu_job_syncs(&jobs[0], &in, 1);
	npu_job_syncs(&jobs[1], &out, 1);
	EXPECT_EQ(-EINVAL, npu_submit(self->fd, self->c.queue, jobs, 2, NULL));
}

TEST_F(sync, signalled_syncobj_does_not_hold_a_job)
{
	__u32 handle = npu_syncobj(self->fd);
	struct drm_npu_sync syncs[2] = { in_sync(handle, 0), out_sync(self->c.done, 0) };

	ASSERT_EQ(0, npu_syncobj_signal(self->fd, handle));
	ASSERT_EQ(0, submit1(self->fd, self->c.queue, self->store, syncs, 2));
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(4711, npu_peek(&self->c, NPU_AT_VALUE));
}

TEST_F(sync, job_waits_for_and_signals_the_same_binary)
{
	struct drm_npu_sync out = out_sync(self->c.done, 0);
	struct drm_npu_sync both[2] = { in_sync(self->c.done, 0), out_sync(self->c.done, 0) };

	ASSERT_EQ(0, submit1(self->fd, self->c.queue, self->gate, &out, 1));
	ASSERT_EQ(0, submit1(self->fd, self->urgent, self->store, both, 2));
	npu_settle();
	EXPECT_EQ(0, npu_peek(&self->c, NPU_AT_VALUE));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(4711, npu_peek(&self->c, NPU_AT_VALUE));
}

struct early_waiter {
	int fd;
	__u32 handle;
	__u64 point;
	int ret;
};

static void *wait_early(void *opaque)
{
	struct early_waiter *w = opaque;

	w->ret = w->point ? npu_timeline_wait(w->fd, w->handle, w->point, 20 * SEC) :
			    npu_syncobj_wait(w->fd, w->handle, 20 * SEC);
	return NULL;
}

TEST_F(sync, wait_may_begin_before_the_submit)
{
	struct early_waiter w[2] = {
		{ self->fd, npu_syncobj(self->fd), 0, -1 },
		{ self->fd, npu_syncobj(self->fd), 9, -1 },
	};
	struct drm_npu_sync outs[2] = { out_sync(w[0].handle, 0), out_sync(w[1].handle, 9) };
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, wait_early, &w[i]));
	npu_settle();
	ASSERT_EQ(0, submit1(self->fd, self->c.queue, self->store, outs, 2));
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, w[i].ret);
	}
	EXPECT_EQ(4711, npu_peek(&self->c, NPU_AT_VALUE));
}

TEST_F(sync, fence_of_a_job_can_be_polled)
{
	struct drm_npu_sync out = out_sync(self->c.done, 0);
	struct drm_syncobj_handle h = {
		.handle = self->c.done, .fd = -1,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	struct pollfd p = { .events = POLLIN };

	ASSERT_EQ(0, submit1(self->fd, self->c.queue, self->gate, &out, 1));
	ASSERT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &h));
	p.fd = h.fd;
	EXPECT_EQ(0, poll(&p, 1, 100));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	EXPECT_EQ(1, poll(&p, 1, 20000));
	EXPECT_EQ(POLLIN, p.revents);
	close(h.fd);
}

TEST_F(sync, fence_of_a_failed_job_carries_its_errno)
{
	struct drm_npu_sync out = out_sync(self->c.done, 0);
	__u32 size = npu_build_copy(&self->c, COPY, 1ull << 38, npu_va(NPU_AT_LIST));

	ASSERT_EQ(0, submit1(self->fd, self->c.queue, npu_job_at(COPY, size), &out, 1));
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(-EFAULT, npu_fence_status(self->fd, self->c.done));
}

TEST_F(sync, refused_submit_leaves_the_syncobj_alone)
{
	struct drm_npu_sync syncs[2] = { out_sync(self->c.done, 0), in_sync(12345, 0) };

	EXPECT_EQ(-ENOENT, submit1(self->fd, self->c.queue, self->store, syncs, 2));
	EXPECT_EQ(INT_MIN, npu_fence_status(self->fd, self->c.done));
}

TEST_HARNESS_MAIN

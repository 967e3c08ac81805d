// SPDX-License-Identifier: GPL-2.0-only
/* SUBMIT and JOB_RESULT: each check of their arguments, and what jobs compute. */
#include "../../../kselftest_harness.h"
#include "npu_jobs.h"

FIXTURE(submit) {
	struct npu_client c;
	int fd;
	__u32 queue;
	struct drm_npu_job job;		/* a right one: it stores parameter 0 */
	__u64 params[NPU_MAX_PARAMS];
};

FIXTURE_SETUP(submit)
{
	int ret = npu_client_open(&self->c);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	self->fd = self->c.fd;
	self->queue = self->c.queue;
	self->job = npu_job_at(0, npu_build_store(&self->c, 0));
	npu_job_params(&self->job, self->params, 1);
}

FIXTURE_TEARDOWN(submit)
{
	npu_client_close(&self->c);
}

static int submit_array(int fd, __u32 queue, const void *jobs, __u32 stride, __u32 count)
{
	struct drm_npu_submit s = {
		.queue_id = queue,
		.jobs = { .stride = stride, .count = count, .ptr = (uintptr_t)jobs },
	};

	return npu_ioctl(fd, DRM_IOCTL_NPU_SUBMIT, &s);
}

/* All else is right, so the errno is of the one field that is not. */
#define EXPECT_REFUSED(error, ...) do { \
	struct drm_npu_job job_ = self->job; \
	__VA_ARGS__; \
	EXPECT_EQ(-(error), npu_submit(self->fd, self->queue, &job_, 1, NULL)); \
} while (0)

#define EXPECT_SYNC_REFUSED(error, ...) do { \
	struct drm_npu_sync sync_ = { \
		.flags = DRM_NPU_SYNC_SIGNAL, .handle = self->c.done, \
	}; \
	struct drm_npu_job job_ = self->job; \
	npu_job_syncs(&job_, &sync_, 1); \
	__VA_ARGS__; \
	EXPECT_EQ(-(error), npu_submit(self->fd, self->queue, &job_, 1, NULL)); \
} while (0)

TEST_F(submit, no_job_is_refused)
{
	EXPECT_EQ(-EINVAL, submit_array(self->fd, self->queue, NULL, 0, 0));
	EXPECT_EQ(-EINVAL, submit_array(self->fd, self->queue, &self->job, sizeof(self->job), 0));
}

TEST_F(submit, flags_are_refused)
{
	struct drm_npu_submit s = {
		.queue_id = self->queue,
		.jobs = { sizeof(self->job), 1, (uintptr_t)&self->job },
	};

	for (int bit = 0; bit < 32; bit++) {
		s.flags = 1u << bit;
		EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_SUBMIT, &s));
	}
}

TEST_F(submit, unknown_queue_is_enoent)
{
	EXPECT_EQ(-ENOENT, npu_submit(self->fd, 0, &self->job, 1, NULL));
	EXPECT_EQ(-ENOENT, npu_submit(self->fd, 12345, &self->job, 1, NULL));
}

TEST_F(submit, stride_below_the_first_version_is_refused)
{
	EXPECT_EQ(-EINVAL, submit_array(self->fd, self->queue, &self->job, 32, 1));
	EXPECT_EQ(-EINVAL, submit_array(self->fd, self->queue, &self->job, 0, 1));
}

TEST_F(submit, longer_jobs_are_taken_if_zero_beyond)
{
	struct {
		struct drm_npu_job job;
		__u64 more;
	} jobs[2] = { { .job = self->job }, { .job = self->job } };

	EXPECT_EQ(0, submit_array(self->fd, self->queue, jobs, sizeof(jobs[0]), 2));
	jobs[1].more = 1;
	EXPECT_EQ(-E2BIG, submit_array(self->fd, self->queue, jobs, sizeof(jobs[0]), 2));
}

TEST_F(submit, one_more_than_most_jobs_is_e2big)
{
	struct drm_npu_job jobs[DRM_NPU_MAX_JOBS + 1];

	for (int i = 0; i <= DRM_NPU_MAX_JOBS; i++)
		jobs[i] = self->job;
	EXPECT_EQ(-E2BIG, npu_submit(self->fd, self->queue, jobs, DRM_NPU_MAX_JOBS + 1, NULL));
	EXPECT_EQ(-E2BIG, npu_submit(self->fd, self->queue, jobs, ~0u, NULL));
	EXPECT_EQ(0, npu_submit(self->fd, self->queue, jobs, DRM_NPU_MAX_JOBS, NULL));
}

TEST_F(submit, jobs_that_cannot_be_read_are_efault)
{
	EXPECT_EQ(-EFAULT, npu_submit(self->fd, self->queue, (void *)-4096l, 1, NULL));
}

TEST_F(submit, misaligned_command_buffer_is_refused)
{
	EXPECT_REFUSED(EINVAL, job_.cmdbuf += 1);
	EXPECT_REFUSED(EINVAL, job_.cmdbuf += 32);
}

TEST_F(submit, misaligned_size_of_a_command_buffer_is_refused)
{
	EXPECT_REFUSED(EINVAL, job_.cmdbuf_size += 1);
	EXPECT_REFUSED(EINVAL, job_.cmdbuf_size += 4);
}

TEST_F(submit, empty_command_buffer_is_refused)
{
	EXPECT_REFUSED(EINVAL, job_.cmdbuf_size = 0);
}

TEST_F(submit, oversized_command_buffer_is_refused)
{
	EXPECT_REFUSED(EINVAL, job_.cmdbuf_size = NPU_MAX_CMDBUF_BYTES + 8);
	EXPECT_REFUSED(EINVAL, job_.cmdbuf_size = 0xfffffff8u);
}

TEST_F(submit, most_parameters_and_one_more)
{
	EXPECT_REFUSED(E2BIG, job_.n_params = NPU_MAX_PARAMS + 1);
	EXPECT_REFUSED(E2BIG, job_.n_params = ~0u);
	self->job.n_params = NPU_MAX_PARAMS;
	EXPECT_EQ(0, npu_submit(self->fd, self->queue, &self->job, 1, NULL));
}

TEST_F(submit, parameters_that_cannot_be_read_are_efault)
{
	EXPECT_REFUSED(EFAULT, job_.params = (__u64)-4096ll);
}

TEST_F(submit, one_more_than_most_syncs_is_e2big)
{
	struct drm_npu_sync syncs[DRM_NPU_MAX_SYNCS + 1];

	for (int i = 0; i <= DRM_NPU_MAX_SYNCS; i++)
		syncs[i] = (struct drm_npu_sync){
			.flags = DRM_NPU_SYNC_SIGNAL, .handle = npu_syncobj(self->fd),
		};
	EXPECT_REFUSED(E2BIG, npu_job_syncs(&job_, syncs, DRM_NPU_MAX_SYNCS + 1));
	npu_job_syncs(&self->job, syncs, DRM_NPU_MAX_SYNCS);
	EXPECT_EQ(0, npu_submit(self->fd, self->queue, &self->job, 1, NULL));
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, syncs[DRM_NPU_MAX_SYNCS - 1].handle, 10 * SEC));
}

TEST_F(submit, stride_of_syncs_is_checked)
{
	struct {
		struct drm_npu_sync sync;
		__u64 more;
	} sync = { { .flags = DRM_NPU_SYNC_SIGNAL, .handle = self->c.done }, 1 };

	EXPECT_REFUSED(EINVAL, job_.syncs = (struct drm_npu_array){ 8, 1, (uintptr_t)&sync });
	EXPECT_REFUSED(EINVAL, job_.syncs = (struct drm_npu_array){ 16, 0, 0 });
	EXPECT_REFUSED(E2BIG, job_.syncs = (struct drm_npu_array){
		       sizeof(sync), 1, (uintptr_t)&sync });
}

TEST_F(submit, syncs_that_cannot_be_read_are_efault)
{
	EXPECT_REFUSED(EFAULT, npu_job_syncs(&job_, (void *)-4096l, 1));
}

TEST_F(submit, unknown_sync_flag_is_refused)
{
	for (int bit = 2; bit < 32; bit++)
		EXPECT_SYNC_REFUSED(EINVAL, sync_.flags |= 1u << bit);
}

TEST_F(submit, unknown_syncobj_is_enoent)
{
	EXPECT_SYNC_REFUSED(ENOENT, sync_.handle = 0);
	EXPECT_SYNC_REFUSED(ENOENT, sync_.handle = 12345);
	EXPECT_SYNC_REFUSED(ENOENT, sync_.handle = 12345; sync_.flags = 0);
}

TEST_F(submit, timeline_point_of_zero_is_refused)
{
	EXPECT_SYNC_REFUSED(EINVAL, sync_.flags |= DRM_NPU_SYNC_TIMELINE);
	EXPECT_SYNC_REFUSED(EINVAL, sync_.flags = DRM_NPU_SYNC_TIMELINE);
}

TEST_F(submit, value_of_a_binary_sync_is_refused)
{
	EXPECT_SYNC_REFUSED(EINVAL, sync_.value = 1);
}

TEST_F(submit, either_all_jobs_are_queued_or_none)
{
	struct drm_npu_job jobs[3] = { self->job, self->job, self->job };
	struct drm_npu_queue_state before, after;

	self->params[0] = 99;
	jobs[2].cmdbuf += 8;
	ASSERT_EQ(0, npu_queue_state(self->fd, self->queue, &before));
	EXPECT_EQ(-EINVAL, npu_submit(self->fd, self->queue, jobs, 3, NULL));
	ASSERT_EQ(0, npu_queue_state(self->fd, self->queue, &after));
	EXPECT_EQ(before.submitted, after.submitted);
	ASSERT_TRUE(npu_client_adds(&self->c, 1));
	EXPECT_EQ(0, npu_peek(&self->c, NPU_AT_VALUE));
}

TEST_F(submit, sequence_numbers_go_on_by_one)
{
	struct drm_npu_job jobs[5];
	__u64 first, next;

	for (int i = 0; i < 5; i++)
		jobs[i] = self->job;
	ASSERT_EQ(0, npu_submit(self->fd, self->queue, jobs, 5, &first));
	ASSERT_EQ(0, npu_submit(self->fd, self->queue, jobs, 1, &next));
	EXPECT_LT(0, first);
	EXPECT_EQ(first + 5, next);
}

TEST_F(submit, sum_of_two_vectors_is_exact)
{
	for (unsigned int seed = 0; seed < 5; seed++)
		EXPECT_TRUE(npu_client_adds(&self->c, seed * 1000));
}

TEST_F(submit, matrix_of_ones_sums_the_row)
{
	const __u32 w = NPU_CLIENT_DATA, act = w + 16 * 32 * 4, out = act + 128;
	struct drm_npu_job_result r;
	struct npu_stream s = npu_stream_at(&self->c, 0);
	float *f = (float *)(self->c.mem + w);

	for (int i = 0; i < 16 * 32; i++)
		f[i] = 1;
	for (int i = 0; i < 32; i++)
		f[16 * 32 + i] = i + 1;
	NPU_EMIT(&s, NPU_OP_LOAD, npu_cmd_dma, .addr = { .base = npu_va(act) },
		 .row_bytes = 128, .rows = { .imm = 1 });
	NPU_EMIT(&s, NPU_OP_MATMUL, npu_cmd_matmul, .wtype = NPU_WTYPE_F32,
		 .atype = NPU_ATYPE_F32, .n = 16, .k = 32, .lda = 32, .out = 4096, .ldo = 16,
		 .w = { .base = npu_va(w) }, .m = { .imm = 1 });
	NPU_EMIT(&s, NPU_OP_STORE, npu_cmd_dma, .spad = 4096, .addr = { .base = npu_va(out) },
		 .row_bytes = 64, .rows = { .imm = 1 });
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, npu_stream_end(&s), &r));
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(16 * 32, r.macs);
	for (int i = 0; i < 16; i++)
		EXPECT_EQ(32 * 33 / 2, *(float *)(self->c.mem + out + 4 * i));
}

TEST_F(submit, job_gets_all_its_parameters)
{
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = self->c.done };
	struct npu_stream s = npu_stream_at(&self->c, 1);
	struct npu_cmdbuf_header *h = (void *)s.base;

	for (__u32 i = 0; i < NPU_MAX_PARAMS; i++) {
		self->params[i] = 0x0123456789abcdefull * (i + 1);
		npu_emit_str(&s, NPU_REG_PARAM(i), npu_va(NPU_AT_LIST + 8 * i));
	}
	self->job = npu_job_at(1, npu_stream_end(&s));
	h->n_params = NPU_MAX_PARAMS;
	npu_job_params(&self->job, self->params, NPU_MAX_PARAMS);
	npu_job_syncs(&self->job, &out, 1);
	ASSERT_EQ(0, npu_submit(self->fd, self->queue, &self->job, 1, NULL));
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	for (__u32 i = 0; i < NPU_MAX_PARAMS; i++)
		EXPECT_EQ(self->params[i], npu_peek(&self->c, NPU_AT_LIST + 8 * i));
}

TEST_F(submit, registers_without_a_parameter_are_zero)
{
	struct npu_stream s = npu_stream_at(&self->c, 1);
	struct drm_npu_job_result r;

	/* a job whose registers are all set goes before */
	for (int i = 0; i < NPU_MAX_PARAMS; i++)
		self->params[i] = ~0ull;
	self->job.n_params = NPU_MAX_PARAMS;
	ASSERT_EQ(0, npu_submit(self->fd, self->queue, &self->job, 1, NULL));
	for (__u32 i = 0; i < NPU_REG_COUNT; i++) {
		npu_poke(&self->c, NPU_AT_LIST + 8 * i, ~0ull);
		npu_emit_str(&s, i, npu_va(NPU_AT_LIST + 8 * i));
	}
	ASSERT_EQ(0, npu_run_slot(&self->c, 1, npu_stream_end(&s), &r));
	for (__u32 i = 0; i < NPU_REG_COUNT; i++)
		EXPECT_EQ(0, npu_peek(&self->c, NPU_AT_LIST + 8 * i));
}

TEST_F(submit, sixty_four_jobs_of_one_call_run_in_order)
{
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = self->c.done };
	struct drm_npu_job jobs[DRM_NPU_MAX_JOBS];
	__u64 params[DRM_NPU_MAX_JOBS], first;
	__u32 size = npu_build_append(&self->c, 1);
	struct drm_npu_job_result r;

	for (int i = 0; i < DRM_NPU_MAX_JOBS; i++) {
		params[i] = 1000 - i;
		jobs[i] = npu_job_at(1, size);
		npu_job_params(&jobs[i], &params[i], 1);
	}
	npu_job_syncs(&jobs[DRM_NPU_MAX_JOBS - 1], &out, 1);
	ASSERT_EQ(0, npu_submit(self->fd, self->queue, jobs, DRM_NPU_MAX_JOBS, &first));
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(DRM_NPU_MAX_JOBS, npu_peek(&self->c, NPU_AT_COUNT));
	for (int i = 0; i < DRM_NPU_MAX_JOBS; i++) {
		EXPECT_EQ(1000 - i, npu_peek(&self->c, NPU_AT_LIST + 8 * i));
		ASSERT_EQ(0, npu_result(self->fd, self->queue, first + i, &r));
		EXPECT_EQ(first + i, r.seqno);
		EXPECT_EQ(0, r.error);
	}
}

TEST_F(submit, rewritten_command_buffer_runs_as_it_is_now)
{
	struct drm_npu_job_result r;
	__u32 size;

	for (__u64 i = 0; i < 20; i++) {
		npu_poke(&self->c, NPU_AT_LIST + 8 * i, i * i + 1);
		size = npu_build_copy(&self->c, 1, npu_va(NPU_AT_LIST + 8 * i),
				      npu_va(NPU_AT_VALUE));
		ASSERT_EQ(0, npu_run_slot(&self->c, 1, size, &r));
		EXPECT_EQ(i * i + 1, npu_peek(&self->c, NPU_AT_VALUE));
	}
}

TEST_F(submit, streams_of_all_cores_meet_at_a_barrier)
{
	struct npu_stream s = npu_stream_at(&self->c, 1);
	struct npu_cmdbuf_header *h = (void *)s.base;
	struct drm_npu_device_info info;
	struct drm_npu_job_result r;
	__u32 mask;

	ASSERT_EQ(0, npu_device_info(self->fd, &info));
	mask = (1u << info.cores) - 1;
	/* each core writes its word, then copies that of its neighbour */
	for (__u32 core = 0; core < info.cores; core++) {
		__u32 next = (core + 1) % info.cores, begin = s.size;

		NPU_EMIT(&s, NPU_OP_ALU, npu_cmd_alu, .op = NPU_ALU_ADD, .dst = NPU_REG_TEMP(0),
			 .imm = 100 + core);
		npu_emit_str(&s, NPU_REG_TEMP(0), npu_va(NPU_AT_LIST + 8 * core));
		NPU_EMIT(&s, NPU_OP_BARRIER, npu_cmd_barrier, .cores = mask);
		npu_emit_ldr(&s, NPU_REG_TEMP(1), npu_va(NPU_AT_LIST + 8 * next));
		npu_emit_str(&s, NPU_REG_TEMP(1), npu_va(NPU_AT_LIST + 256 + 8 * core));
		if (core == info.cores - 1)
			npu_stream_end(&s);
		else
			NPU_EMIT(&s, NPU_OP_END, npu_cmd_hdr, 0);
		h->stream[core].offset = begin;
		h->stream[core].size = s.size - begin;
	}
	h->n_streams = info.cores;
	ASSERT_EQ(0, npu_run_slot(&self->c, 1, s.size, &r));
	EXPECT_EQ(0, r.error);
	for (__u32 core = 0; core < info.cores; core++)
		EXPECT_EQ(100 + (core + 1) % info.cores,
			  npu_peek(&self->c, NPU_AT_LIST + 256 + 8 * core));
}

TEST_F(submit, modelled_figures_are_the_same_in_each_run)
{
	struct drm_npu_job_result a, b;
	__u32 size = npu_build_add(&self->c, 1000);

	ASSERT_EQ(0, npu_client_run(&self->c, size, NULL, 0, &a));
	EXPECT_LT(0, a.model_ns);
	EXPECT_LT(0, a.energy_pj);
	EXPECT_LT(0, a.busy_ns[NPU_ENGINE_VECTOR]);
	EXPECT_LT(0, a.busy_ns[NPU_ENGINE_DMA]);
	EXPECT_LE(8000, a.read_bytes);
	EXPECT_LE(4000, a.write_bytes);
	EXPECT_LE(4, a.commands);
	EXPECT_EQ(0, a.macs);
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(0, npu_client_run(&self->c, size, NULL, 0, &b));
		b.seqno = a.seqno;
		b.host_ns = a.host_ns;
		b.wait_ns = a.wait_ns;
		EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
	}
}

TEST_F(submit, result_of_a_running_job_is_ebusy)
{
	struct drm_npu_job_result r;
	__u64 seqno;

	ASSERT_EQ(0, npu_submit_slot(&self->c, 1, npu_build_gate(&self->c, 1), &seqno));
	EXPECT_EQ(-EBUSY, npu_result(self->fd, self->queue, seqno, &r));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(0, npu_result(self->fd, self->queue, seqno, &r));
	EXPECT_EQ(seqno, r.seqno);
	EXPECT_EQ(0, r.error);
}

TEST_F(submit, result_of_a_job_never_given_is_enodata)
{
	struct drm_npu_job_result r;
	__u64 seqno;

	EXPECT_EQ(-ENODATA, npu_result(self->fd, self->queue, 0, &r));
	EXPECT_EQ(-ENODATA, npu_result(self->fd, self->queue, 1, &r));
	ASSERT_EQ(0, npu_submit(self->fd, self->queue, &self->job, 1, &seqno));
	EXPECT_EQ(-ENODATA, npu_result(self->fd, self->queue, seqno + 1, &r));
	EXPECT_EQ(-ENODATA, npu_result(self->fd, self->queue, ~0ull, &r));
}

TEST_F(submit, results_of_the_last_jobs_are_kept_and_no_more)
{
	struct drm_npu_job jobs[DRM_NPU_MAX_JOBS];
	struct drm_npu_job_result r;
	__u64 first, last = 0;

	for (int i = 0; i < DRM_NPU_MAX_JOBS; i++)
		jobs[i] = self->job;
	ASSERT_EQ(0, npu_submit(self->fd, self->queue, jobs, 1, &first));
	for (int i = 0; i < DRM_NPU_MAX_RESULTS; i += DRM_NPU_MAX_JOBS)
		ASSERT_EQ(0, npu_submit(self->fd, self->queue, jobs, DRM_NPU_MAX_JOBS, &last));
	last += DRM_NPU_MAX_JOBS - 1;
	EXPECT_EQ(first + DRM_NPU_MAX_RESULTS, last);
	for (int i = 0; i < 2000 && npu_result(self->fd, self->queue, last, &r) == -EBUSY; i++)
		usleep(10000);
	EXPECT_EQ(0, npu_result(self->fd, self->queue, last, &r));
	EXPECT_EQ(0, npu_result(self->fd, self->queue, first + 1, &r));
	EXPECT_EQ(first + 1, r.seqno);
	EXPECT_EQ(-ENODATA, npu_result(self->fd, self->queue, first, &r));
}

TEST_F(submit, result_fits_the_room_that_is_given)
{
	__u8 room[sizeof(struct drm_npu_job_result) + 32];
	struct drm_npu_get_result g = {
		.queue_id = self->queue, .size = 12, .pointer = (uintptr_t)room,
	};
	struct drm_npu_job_result r;

	ASSERT_EQ(0, npu_client_run(&self->c, npu_build_add(&self->c, 8), NULL, 0, &r));
	g.seqno = r.seqno;
	memset(room, 0xa5, sizeof(room));
	ASSERT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_NPU_JOB_RESULT, &g));
	EXPECT_EQ(12, g.size);
	EXPECT_EQ(0, memcmp(room, &r, 12));
	EXPECT_EQ(0xa5, room[12]);
	g.size = sizeof(room);
	ASSERT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_NPU_JOB_RESULT, &g));
	EXPECT_EQ(sizeof(r), g.size);
	EXPECT_EQ(0, memcmp(room, &r, sizeof(r)));
	EXPECT_EQ(0xa5, room[sizeof(r)]);
}

TEST_F(submit, result_of_the_first_version_is_whole_without_its_wait)
{
	__u8 room[sizeof(struct drm_npu_job_result)];
	struct drm_npu_get_result g = {
		.queue_id = self->queue, .size = 128, .pointer = (uintptr_t)room,
	};
	struct drm_npu_job_result r;

	ASSERT_EQ(0, npu_client_run(&self->c, npu_build_add(&self->c, 8), NULL, 0, &r));
	g.seqno = r.seqno;
	memset(room, 0xa5, sizeof(room));
	ASSERT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_NPU_JOB_RESULT, &g));
	EXPECT_EQ(128, g.size);
	EXPECT_EQ(0, memcmp(room, &r, 128));
	EXPECT_EQ(0xa5, room[128]);
}

TEST_F(submit, result_tells_how_long_a_job_waited_for_another)
{
	struct drm_npu_firmware_info fw = { .api = 0 };
	struct drm_npu_dev_query query = {
		.type = DRM_NPU_QUERY_FIRMWARE, .size = sizeof(fw), .pointer = (uintptr_t)&fw,
	};
	struct drm_npu_job_result gate, r;
	struct npu_client other;
	__u64 seqno, other_seqno;

	ASSERT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_NPU_DEV_QUERY, &query));
	if (fw.api < 0x10001)
		SKIP(return, "the firmware does not tell");
	ASSERT_EQ(0, npu_client_open(&other));
	ASSERT_EQ(0, npu_submit_slot(&self->c, 1, npu_build_gate(&self->c, 1), &seqno));
	npu_settle();
	ASSERT_EQ(0, npu_client_submit(&other, npu_build_add(&other, 8), NULL, 0, &other_seqno));
	npu_settle();
	npu_poke(&self->c, NPU_AT_GATE, 1);
	ASSERT_EQ(0, npu_syncobj_wait(other.fd, other.done, 20 * SEC));
	ASSERT_EQ(0, npu_result(self->fd, self->queue, seqno, &gate));
	ASSERT_EQ(0, npu_result(other.fd, other.queue, other_seqno, &r));
	EXPECT_EQ(0, gate.wait_ns);
	EXPECT_LT(0, r.wait_ns);
	EXPECT_GT(gate.model_ns, r.wait_ns);
	npu_client_close(&other);
}

TEST_F(submit, result_refuses_a_pad_a_bad_pointer_and_an_unknown_queue)
{
	struct drm_npu_job_result r;
	struct drm_npu_get_result g = {
		.queue_id = self->queue, .size = sizeof(r), .pointer = (uintptr_t)&r, .pad = 1,
	};

	ASSERT_EQ(0, npu_client_run(&self->c, npu_build_add(&self->c, 8), NULL, 0, &r));
	g.seqno = r.seqno;
	EXPECT_EQ(-EINVAL, npu_ioctl(self->fd, DRM_IOCTL_NPU_JOB_RESULT, &g));
	g.pad = 0;
	g.pointer = (__u64)-4096ll;
	EXPECT_EQ(-EFAULT, npu_ioctl(self->fd, DRM_IOCTL_NPU_JOB_RESULT, &g));
	EXPECT_EQ(-ENOENT, npu_result(self->fd, 0, g.seqno, &r));
	EXPECT_EQ(-ENOENT, npu_result(self->fd, 12345, g.seqno, &r));
}

TEST_HARNESS_MAIN

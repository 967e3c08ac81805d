// SPDX-License-Identifier: GPL-2.0-only
/* Faults: each tells precisely what happened and harms its own queue only. */
#include "../../../kselftest_harness.h"
#include "npu_param.h"
#include "npu_process.h"

#define FREE_VA		0x10000000ull	/* where nothing is bound */
#define FIRST		((__u32)sizeof(struct npu_cmdbuf_header))	/* of the commands */
#define RANDOM_JOBS	300

FIXTURE(fault) {
	struct npu_client c;
	struct drm_npu_device_info info;
	int fd;
};

FIXTURE_SETUP(fault)
{
	int ret = npu_client_open(&self->c);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	self->fd = self->c.fd;
	ASSERT_EQ(0, npu_device_info(self->fd, &self->info));
}

FIXTURE_TEARDOWN(fault)
{
	npu_client_close(&self->c);
}

/* Runs the stream that was begun in slot 0; the result must be this fault and kill the queue. */
#define EXPECT_FAULT(s, error_, fault_, core_, opcode_, offset_, addr_) do { \
	struct drm_npu_job_result r_; \
	struct drm_npu_queue_state q_; \
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, npu_stream_end(s), &r_)); \
	EXPECT_EQ(-(error_), r_.error); \
	EXPECT_EQ(fault_, r_.fault); \
	EXPECT_EQ(core_, r_.fault_core); \
	EXPECT_EQ(opcode_, r_.fault_opcode); \
	EXPECT_EQ(offset_, r_.fault_offset); \
	EXPECT_EQ(addr_, r_.fault_addr); \
	EXPECT_EQ(-(error_), npu_fence_status(self->fd, self->c.done)); \
	ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &q_)); \
	EXPECT_EQ(DRM_NPU_QUEUE_DEAD | DRM_NPU_QUEUE_GUILTY, q_.state); \
	EXPECT_EQ(fault_, q_.fault); \
} while (0)

TEST_F(fault, read_of_an_unmapped_address)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);

	npu_emit_ldr(&s, 1, FREE_VA + 0x128);
	EXPECT_FAULT(&s, EFAULT, NPU_FAULT_PAGE, 0, NPU_OP_LDR, FIRST, FREE_VA + 0x128);
}

TEST_F(fault, write_to_an_unmapped_address)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);

	NPU_EMIT(&s, NPU_OP_NOP, npu_cmd_hdr, 0);
	npu_emit_str(&s, 1, FREE_VA + 0x200);
	EXPECT_FAULT(&s, EFAULT, NPU_FAULT_PAGE, 0, NPU_OP_STR, FIRST + 8, FREE_VA + 0x200);
}

TEST_F(fault, address_zero_is_never_mapped)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);

	npu_emit_ldr(&s, 1, 0);
	EXPECT_FAULT(&s, EFAULT, NPU_FAULT_PAGE, 0, NPU_OP_LDR, FIRST, 0);
}

TEST_F(fault, address_past_the_address_space)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);

	/* the lower bits alone would be the client's buffer */
	npu_emit_ldr(&s, 1, NPU_VA_SIZE + NPU_CLIENT_VA);
	EXPECT_FAULT(&s, EFAULT, NPU_FAULT_PAGE, 0, NPU_OP_LDR, FIRST, NPU_VA_SIZE + NPU_CLIENT_VA);
}

TEST_F(fault, load_that_runs_off_the_end_names_the_first_bad_page)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);
	const __u64 end = NPU_CLIENT_VA + NPU_CLIENT_BYTES;

	NPU_EMIT(&s, NPU_OP_LOAD, npu_cmd_dma, .addr = { .base = end - 4096 }, .row_bytes = 8192,
		 .rows = { .imm = 1 });
	EXPECT_FAULT(&s, EFAULT, NPU_FAULT_PAGE, 0, NPU_OP_LOAD, FIRST, end);
}

TEST_F(fault, write_to_a_read_only_mapping)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);
	struct drm_npu_bo_create bo;
	__u64 *mem;

	ASSERT_EQ(0, npu_bo_create(self->fd, 4096, 0, &bo));
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, bo.mmap_offset);
	ASSERT_NE(MAP_FAILED, mem);
	mem[8] = 7;
	ASSERT_EQ(0, npu_map(self->fd, self->c.vm, bo.handle, FREE_VA, 4096, 0));
	npu_emit_ldr(&s, 1, FREE_VA + 56);
	npu_emit_str(&s, 1, FREE_VA + 64);
	EXPECT_FAULT(&s, EFAULT, NPU_FAULT_PROTECTION, 0, NPU_OP_STR,
		     FIRST + sizeof(struct npu_cmd_scalar), FREE_VA + 64);
	EXPECT_EQ(7, mem[8]);
}

TEST_F(fault, misaligned_scalar)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);

	npu_emit_ldr(&s, 1, npu_va(NPU_AT_LIST + 4));
	EXPECT_FAULT(&s, EINVAL, NPU_FAULT_ALIGN, 0, NPU_OP_LDR, FIRST, npu_va(NPU_AT_LIST + 4));
}

/* What the device refuses for another reason than an address: its value is told, not compared. */
#define EXPECT_REFUSED(s, fault_, opcode_) do { \
	struct drm_npu_job_result r_; \
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, npu_stream_end(s), &r_)); \
	EXPECT_EQ(-EINVAL, r_.error); \
	EXPECT_EQ(fault_, r_.fault); \
	EXPECT_EQ(opcode_, r_.fault_opcode); \
	EXPECT_EQ(FIRST, r_.fault_offset); \
} while (0)

TEST_F(fault, unknown_opcode)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);

	NPU_EMIT(&s, 0x7f, npu_cmd_hdr, 0);
	EXPECT_REFUSED(&s, NPU_FAULT_OPCODE, 0x7f);
}

TEST_F(fault, pad_of_a_command)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);

	NPU_EMIT(&s, NPU_OP_MARK, npu_cmd_mark, .pad = 1);
	EXPECT_REFUSED(&s, NPU_FAULT_BAD_FIELD, NPU_OP_MARK);
}

TEST_F(fault, scratchpad_past_its_end)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);

	NPU_EMIT(&s, NPU_OP_LOAD, npu_cmd_dma, .spad = self->info.spad_bytes,
		 .addr = { .base = NPU_CLIENT_VA }, .row_bytes = 64, .rows = { .imm = 1 });
	EXPECT_REFUSED(&s, NPU_FAULT_SPAD, NPU_OP_LOAD);
}

TEST_F(fault, address_that_wraps)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);
	struct drm_npu_job_result r;

	NPU_EMIT(&s, NPU_OP_ALU, npu_cmd_alu, .op = NPU_ALU_SUB, .dst = 2, .imm = 1);
	NPU_EMIT(&s, NPU_OP_LDR, npu_cmd_scalar, .reg = 1, .bytes = 8,
		 .addr = { .base = 4096, .stride = 0x80000000u, .reg = 2 });
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, npu_stream_end(&s), &r));
	EXPECT_EQ(-EINVAL, r.error);
	EXPECT_EQ(NPU_FAULT_OVERFLOW, r.fault);
}

TEST_F(fault, gather_index_past_the_table)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);
	struct drm_npu_job_result r;

	((__u32 *)(self->c.mem + NPU_AT_LIST))[0] = 4;
	NPU_EMIT(&s, NPU_OP_LOAD, npu_cmd_dma, .addr = { .base = npu_va(NPU_AT_LIST) },
		 .row_bytes = 4, .rows = { .imm = 1 });
	NPU_EMIT(&s, NPU_OP_GATHER, npu_cmd_gather, .spad = 64, .spad_stride = 64,
		 .addr = { .base = NPU_CLIENT_VA }, .mem_stride = 64, .row_bytes = 64,
		 .index = 0, .count = { .imm = 1 }, .n_rows = 4);
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, npu_stream_end(&s), &r));
	EXPECT_EQ(-EINVAL, r.error);
	EXPECT_EQ(NPU_FAULT_INDEX, r.fault);
	EXPECT_EQ(NPU_OP_GATHER, r.fault_opcode);
	EXPECT_EQ(FIRST + sizeof(struct npu_cmd_dma), r.fault_offset);
}

TEST_F(fault, last_mark_is_told)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);
	struct drm_npu_job_result r;

	NPU_EMIT(&s, NPU_OP_MARK, npu_cmd_mark, .id = 41);
	NPU_EMIT(&s, NPU_OP_MARK, npu_cmd_mark, .id = 42);
	npu_emit_ldr(&s, 1, FREE_VA);
	NPU_EMIT(&s, NPU_OP_MARK, npu_cmd_mark, .id = 43);
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, npu_stream_end(&s), &r));
	EXPECT_EQ(NPU_FAULT_PAGE, r.fault);
	EXPECT_EQ(42, r.fault_mark);
}

/* Begins a second stream after the first; @h is the header of both. */
static void next_stream(struct npu_stream *s, struct npu_cmdbuf_header *h, __u32 first)
{
	NPU_EMIT(s, NPU_OP_END, npu_cmd_hdr, 0);
	h->stream[1].offset = first;
	h->stream[1].size = s->size - first;
	h->n_streams = 2;
}

TEST_F(fault, core_is_told)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);
	struct npu_cmdbuf_header *h = (void *)s.base;
	struct drm_npu_job_result r;
	__u32 first;

	if (self->info.cores < 2)
		SKIP(return, "the device has one core");
	first = npu_stream_end(&s);
	npu_emit_ldr(&s, 1, FREE_VA);
	next_stream(&s, h, first);
	h->size = s.size;
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, s.size, &r));
	EXPECT_EQ(NPU_FAULT_PAGE, r.fault);
	EXPECT_EQ(1, r.fault_core);
	EXPECT_EQ(first, r.fault_offset);
	EXPECT_EQ(FREE_VA, r.fault_addr);
}

TEST_F(fault, barrier_that_is_never_met)
{
	struct npu_stream s = npu_stream_at(&self->c, 0);
	struct npu_cmdbuf_header *h = (void *)s.base;
	struct drm_npu_job_result r;
	__u32 first;

	if (self->info.cores < 2)
		SKIP(return, "the device has one core");
	NPU_EMIT(&s, NPU_OP_BARRIER, npu_cmd_barrier, .cores = 3);
	first = npu_stream_end(&s);
	next_stream(&s, h, first);
	h->size = s.size;
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, s.size, &r));
	EXPECT_EQ(-EINVAL, r.error);
	EXPECT_EQ(NPU_FAULT_DEADLOCK, r.fault);
	EXPECT_EQ(0, r.fault_core);
	EXPECT_EQ(NPU_OP_BARRIER, r.fault_opcode);
}

TEST_F(fault, command_buffer_is_not_mapped)
{
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = self->c.done };
	struct drm_npu_job job = { .cmdbuf = FREE_VA, .cmdbuf_size = 4096 };
	struct drm_npu_job_result r;
	__u64 seqno;

	npu_job_syncs(&job, &out, 1);
	ASSERT_EQ(0, npu_submit(self->fd, self->c.queue, &job, 1, &seqno));
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	ASSERT_EQ(0, npu_result(self->fd, self->c.queue, seqno, &r));
	EXPECT_EQ(-EFAULT, r.error);
	EXPECT_EQ(NPU_FAULT_PAGE, r.fault);
	EXPECT_EQ(FREE_VA, r.fault_addr);
}

#define EXPECT_BAD_HEADER(...) do { \
	struct drm_npu_job_result r_; \
	__u32 size_ = npu_build_copy(&self->c, 0, npu_va(NPU_AT_GATE), npu_va(NPU_AT_VALUE)); \
	struct npu_cmdbuf_header *h = (void *)self->c.mem; \
	__VA_ARGS__; \
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, size_, &r_)); \
	EXPECT_EQ(-EINVAL, r_.error); \
	EXPECT_EQ(NPU_FAULT_CMDBUF, r_.fault); \
	ASSERT_EQ(0, npu_client_new_queue(&self->c)); \
} while (0)

TEST_F(fault, header_of_the_command_buffer_is_checked)
{
	EXPECT_BAD_HEADER(h->magic ^= 1);
	EXPECT_BAD_HEADER(h->version_major++);
	EXPECT_BAD_HEADER(h->size += 8);
	EXPECT_BAD_HEADER(h->n_streams = 0);
	EXPECT_BAD_HEADER(h->n_streams = self->info.cores + 1);
	EXPECT_BAD_HEADER(h->n_params = 1);
	EXPECT_BAD_HEADER(h->stream[0].offset = 4);
	EXPECT_BAD_HEADER(h->stream[0].offset = 8);
	EXPECT_BAD_HEADER(h->stream[0].size += 8);
	EXPECT_BAD_HEADER(h->stream[0].size = 0xfffffff8u);
	EXPECT_BAD_HEADER(h->stream[1].size = 8);
}

TEST_F(fault, jobs_behind_it_in_the_queue_are_cancelled)
{
	struct drm_npu_sync outs[2];
	struct drm_npu_job jobs[2];

	jobs[0] = npu_job_at(0, npu_build_copy(&self->c, 0, FREE_VA, npu_va(NPU_AT_VALUE)));
	jobs[1] = npu_job_at(1, npu_build_copy(&self->c, 1, npu_va(0), npu_va(NPU_AT_VALUE)));
	for (int i = 0; i < 2; i++) {
		outs[i] = (struct drm_npu_sync){
			.flags = DRM_NPU_SYNC_SIGNAL, .handle = npu_syncobj(self->fd),
		};
		npu_job_syncs(&jobs[i], &outs[i], 1);
	}
	ASSERT_EQ(0, npu_submit(self->fd, self->c.queue, jobs, 2, NULL));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, npu_syncobj_wait(self->fd, outs[i].handle, 20 * SEC));
	EXPECT_EQ(-EFAULT, npu_fence_status(self->fd, outs[0].handle));
	EXPECT_EQ(-ECANCELED, npu_fence_status(self->fd, outs[1].handle));
	EXPECT_EQ(0, npu_peek(&self->c, NPU_AT_VALUE));
}

TEST_F(fault, queue_takes_no_more_and_a_new_one_does)
{
	__u32 fault;

	npu_job_reads(&self->c, FREE_VA, &fault);
	ASSERT_EQ(NPU_FAULT_PAGE, fault);
	EXPECT_EQ(-EIO, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), NULL));
	ASSERT_EQ(0, npu_client_new_queue(&self->c));
	EXPECT_TRUE(npu_client_adds(&self->c, 5));
}

TEST_F(fault, idle_queue_of_the_same_vm_lives_on)
{
	struct drm_npu_queue_state q;
	__u32 idle, dead, fault;

	for (unsigned int i = 0; i < 20; i++) {
		ASSERT_EQ(0, npu_queue_create(self->fd, self->c.vm, NPU_PRIORITY_NORMAL, &idle));
		npu_job_reads(&self->c, FREE_VA, &fault);
		ASSERT_EQ(NPU_FAULT_PAGE, fault);
		dead = self->c.queue;
		self->c.queue = idle;
		EXPECT_TRUE(npu_client_adds(&self->c, i));
		ASSERT_EQ(0, npu_queue_state(self->fd, idle, &q));
		ASSERT_EQ(0, q.state);
		npu_queue_destroy(self->fd, dead);
	}
}

TEST_F(fault, queue_of_the_same_vm_loses_what_is_in_flight)
{
	struct drm_npu_sync outs[2];
	struct drm_npu_job jobs[2];
	struct drm_npu_queue_state q;
	struct npu_client gate;
	__u32 later;

	/* the device is busy until both jobs stand in their rings, the fault's before the other */
	ASSERT_EQ(0, npu_client_open(&gate));
	ASSERT_EQ(0, npu_submit_slot(&gate, 0, npu_build_gate(&gate, 0), NULL));
	ASSERT_EQ(0, npu_queue_create(self->fd, self->c.vm, NPU_PRIORITY_IDLE, &later));
	jobs[0] = npu_job_at(0, npu_build_copy(&self->c, 0, FREE_VA, npu_va(NPU_AT_VALUE)));
	jobs[1] = npu_job_at(1, npu_build_copy(&self->c, 1, npu_va(0), npu_va(NPU_AT_VALUE)));
	for (int i = 0; i < 2; i++) {
		outs[i] = (struct drm_npu_sync){
			.flags = DRM_NPU_SYNC_SIGNAL, .handle = npu_syncobj(self->fd),
		};
		npu_job_syncs(&jobs[i], &outs[i], 1);
		ASSERT_EQ(0, npu_submit(self->fd, i ? later : self->c.queue, &jobs[i], 1, NULL));
	}
	npu_settle();
	npu_poke(&gate, NPU_AT_GATE, 1);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, npu_syncobj_wait(self->fd, outs[i].handle, 20 * SEC));
	EXPECT_EQ(-EFAULT, npu_fence_status(self->fd, outs[0].handle));
	EXPECT_EQ(-ECANCELED, npu_fence_status(self->fd, outs[1].handle));
	EXPECT_EQ(0, npu_peek(&self->c, NPU_AT_VALUE));
	ASSERT_EQ(0, npu_queue_state(self->fd, later, &q));
	EXPECT_EQ(DRM_NPU_QUEUE_DEAD | DRM_NPU_QUEUE_INNOCENT, q.state);
	npu_client_close(&gate);
}

TEST_F(fault, another_client_is_not_harmed)
{
	struct drm_npu_queue_state q;
	struct npu_client other;
	__u32 fault;

	ASSERT_EQ(0, npu_client_open(&other));
	ASSERT_TRUE(npu_client_adds(&other, 1));
	npu_job_reads(&self->c, FREE_VA, &fault);
	ASSERT_EQ(NPU_FAULT_PAGE, fault);
	EXPECT_TRUE(npu_client_adds(&other, 2));
	ASSERT_EQ(0, npu_queue_state(other.fd, other.queue, &q));
	EXPECT_EQ(0, q.state);
	EXPECT_EQ(NPU_FAULT_NONE, q.fault);
	npu_client_close(&other);
}

TEST_F(fault, unmap_under_a_running_job_faults_only_that_context)
{
	struct drm_npu_bo_create bo;
	struct drm_npu_job_result r;
	struct npu_bystander b;
	__u64 seqno;

	ASSERT_EQ(0, npu_bystander_start(&b));
	ASSERT_EQ(0, npu_bo_create(self->fd, 4096, 0, &bo));
	ASSERT_EQ(0, npu_map(self->fd, self->c.vm, bo.handle, FREE_VA, 4096, 0));
	ASSERT_EQ(0, npu_submit_slot(&self->c, 0, npu_build_wait(&self->c, 0, FREE_VA, 9), &seqno));
	EXPECT_EQ(-ETIME, npu_syncobj_wait(self->fd, self->c.done, SEC / 5));
	ASSERT_EQ(0, npu_unmap(self->fd, self->c.vm, FREE_VA, 4096));
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	ASSERT_EQ(0, npu_result(self->fd, self->c.queue, seqno, &r));
	EXPECT_EQ(-EFAULT, r.error);
	EXPECT_EQ(NPU_FAULT_PAGE, r.fault);
	EXPECT_EQ(NPU_OP_LDR, r.fault_opcode);
	EXPECT_EQ(FREE_VA, r.fault_addr);
	EXPECT_EQ(9, r.fault_mark);
	EXPECT_EQ(0, npu_bystander_stop(&b));
}

static __u64 random64(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Random words below a right header: mostly nonsense from the first command on. */
static __u32 random_buffer(struct npu_client *c, __u64 *seed)
{
	struct npu_stream s = npu_stream_at(c, 0);
	__u32 words = 1 + random64(seed) % 400;

	for (__u32 i = 0; i < words; i++) {
		__u64 word = random64(seed);

		memcpy(s.base + s.size, &word, 8);
		s.size += 8;
	}
	return npu_stream_end(&s);
}

/* A right buffer with a few bits flipped: runs some way. */
static __u32 damaged_buffer(struct npu_client *c, __u64 *seed)
{
	__u32 size = npu_build_add(c, 64);
	__u32 flips = 1 + random64(seed) % 4;

	for (__u32 i = 0; i < flips; i++) {
		__u32 bit = random64(seed) % (size * 8);

		c->mem[bit / 8] ^= 1 << bit % 8;
	}
	return size;
}

TEST_F_TIMEOUT(fault, random_command_buffers_harm_nobody_else, 120)
{
	__u64 seed = 0x4e5055;
	int timeout_ms = npu_set_param("job_timeout_ms", 500);
	unsigned int failed = 0;
	struct npu_bystander b;

	ASSERT_LT(0, timeout_ms);
	ASSERT_EQ(0, npu_client_new_queue(&self->c));
	ASSERT_EQ(0, npu_bystander_start(&b));
	for (int i = 0; i < RANDOM_JOBS; i++) {
		__u32 size = i % 2 ? damaged_buffer(&self->c, &seed) :
				     random_buffer(&self->c, &seed);
		struct drm_npu_queue_state q;
		struct drm_npu_job_result r;

		ASSERT_EQ(0, npu_run_slot(&self->c, 0, size, &r));
		ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &q));
		ASSERT_EQ(q.submitted, q.completed);
		if (!r.error) {
			ASSERT_EQ(NPU_FAULT_NONE, r.fault);
			ASSERT_EQ(0, q.state);
			continue;
		}
		failed++;
		ASSERT_TRUE(r.error == -EFAULT || r.error == -EINVAL || r.error == -ETIME) {
			TH_LOG("job %d: error %d, fault %u", i, r.error, r.fault);
		}
		ASSERT_LT(NPU_FAULT_NONE, r.fault);
		ASSERT_GT(NPU_FAULT_COUNT, r.fault);
		ASSERT_EQ(DRM_NPU_QUEUE_DEAD | DRM_NPU_QUEUE_GUILTY, q.state);
		ASSERT_EQ(r.fault, q.fault);
		ASSERT_EQ(0, npu_client_new_queue(&self->c));
	}
	EXPECT_LT(RANDOM_JOBS / 2, failed);
	EXPECT_EQ(0, npu_bystander_stop(&b));
	EXPECT_TRUE(npu_client_adds(&self->c, 8));
	npu_set_param("job_timeout_ms", timeout_ms);
}

TEST_HARNESS_MAIN

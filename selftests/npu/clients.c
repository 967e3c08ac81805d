// SPDX-License-Identifier: GPL-2.0-only
/* Many at once: processes, threads, queues, signals; and clients that leave without a word. */
#include <pthread.h>
#include <sys/time.h>

#include "../../../kselftest_harness.h"
#include "npu_interrupts.h"
#include "npu_process.h"

FIXTURE(clients) {
	struct npu_client c;
	struct drm_npu_device_info info;
	int fd;
};

FIXTURE_SETUP(clients)
{
	int ret = npu_client_open(&self->c);

	if (ret == -ENODEV)
		SKIP(return, "no npu device");
	ASSERT_EQ(0, ret);
	self->fd = self->c.fd;
	ASSERT_EQ(0, npu_device_info(self->fd, &self->info));
}

FIXTURE_TEARDOWN(clients)
{
	npu_client_close(&self->c);
}

/* Are all contexts but the client's own free? */
static bool all_contexts_free(int fd, __u32 contexts)
{
	__u32 vms[NPU_MAX_CONTEXTS], n = 0;
	bool all;

	while (n < contexts - 1 && !npu_vm_create(fd, &vms[n]))
		n++;
	all = n == contexts - 1;
	while (n)
		npu_vm_destroy(fd, vms[--n]);
	return all;
}

TEST_F(clients, three_processes_at_once_get_right_results)
{
	struct npu_bystander b[2];

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, npu_bystander_start(&b[i]));
	for (unsigned int i = 0; i < 100; i++)
		ASSERT_TRUE(npu_client_adds(&self->c, i));
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, npu_bystander_stop(&b[i]));
}

TEST_F(clients, same_addresses_of_two_clients_are_different_memory)
{
	struct npu_client other;
	__u32 fault;

	ASSERT_EQ(0, npu_client_open(&other));
	npu_poke(&self->c, NPU_AT_LIST, 1);
	npu_poke(&other, NPU_AT_LIST, 2);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(1, npu_job_reads(&self->c, npu_va(NPU_AT_LIST), &fault));
		EXPECT_EQ(2, npu_job_reads(&other, npu_va(NPU_AT_LIST), &fault));
	}
	npu_client_close(&other);
}

/* Reads where the scratchpad was not written: what another client left must not be there. */
TEST_F(clients, scratchpad_of_another_client_is_not_seen)
{
	struct npu_client other;
	struct drm_npu_job_result r;
	struct npu_stream s;

	ASSERT_EQ(0, npu_client_open(&other));
	for (__u32 i = 0; i < 512; i++)
		npu_poke(&other, NPU_AT_LIST + 8 * i, 0x5ec2e75ec2e75ec2ull);
	s = npu_stream_at(&other, 0);
	NPU_EMIT(&s, NPU_OP_LOAD, npu_cmd_dma, .spad = 65536 - 4096,
		 .addr = { .base = npu_va(NPU_AT_LIST) }, .row_bytes = 4096, .rows = { .imm = 1 });
	ASSERT_EQ(0, npu_run_slot(&other, 0, npu_stream_end(&s), &r));
	ASSERT_EQ(0, r.error);
	s = npu_stream_at(&self->c, 0);
	NPU_EMIT(&s, NPU_OP_STORE, npu_cmd_dma, .spad = 65536 - 4096,
		 .addr = { .base = npu_va(NPU_AT_LIST) }, .row_bytes = 4096, .rows = { .imm = 1 });
	ASSERT_EQ(0, npu_run_slot(&self->c, 0, npu_stream_end(&s), &r));
	ASSERT_EQ(0, r.error);
	for (__u32 i = 0; i < 512; i++)
		ASSERT_NE(0x5ec2e75ec2e75ec2ull, npu_peek(&self->c, NPU_AT_LIST + 8 * i));
	npu_client_close(&other);
}

TEST_F(clients, file_closed_under_a_running_job)
{
	struct npu_client other;

	ASSERT_EQ(0, npu_client_open(&other));
	ASSERT_EQ(0, npu_submit_slot(&other, 0, npu_build_gate(&other, 0), NULL));
	ASSERT_EQ(0, npu_submit_slot(&other, 0, 200, NULL));
	npu_settle();
	/* the mapping would keep the file open */
	npu_client_close(&other);
	EXPECT_TRUE(npu_client_adds(&self->c, 1));
	EXPECT_TRUE(all_contexts_free(self->fd, self->info.contexts));
}

TEST_F(clients, fence_outlives_the_file_of_its_job)
{
	struct sync_file_info info = { .name = "" };
	struct npu_client other;
	struct drm_syncobj_handle h = {
		.fd = -1, .flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};

	ASSERT_EQ(0, npu_client_open(&other));
	ASSERT_EQ(0, npu_submit_slot(&other, 0, npu_build_gate(&other, 0), NULL));
	h.handle = other.done;
	ASSERT_EQ(0, npu_ioctl(other.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &h));
	npu_settle();
	npu_client_close(&other);
	for (int i = 0; i < 200 && !info.status; i++) {
		ASSERT_EQ(0, npu_ioctl(h.fd, SYNC_IOC_FILE_INFO, &info));
		usleep(10000);
	}
	EXPECT_EQ(-ECANCELED, info.status);
	close(h.fd);
}

TEST_F(clients, process_killed_under_a_running_job)
{
	struct npu_client other;
	int started[2];
	char byte;

	for (int round = 0; round < 3; round++) {
		pid_t pid;

		ASSERT_EQ(0, pipe(started));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			if (npu_client_open(&other) ||
			    npu_submit_slot(&other, 0, npu_build_gate(&other, 0), NULL))
				_exit(1);
			if (write(started[1], "", 1) == 1)
				npu_syncobj_wait(other.fd, other.done, 60 * SEC);
			_exit(2);
		}
		ASSERT_EQ(1, read(started[0], &byte, 1));
		npu_settle();
		ASSERT_EQ(0, kill(pid, SIGKILL));
		EXPECT_EQ(-1, npu_reap(pid));
		EXPECT_TRUE(npu_client_adds(&self->c, round));
		EXPECT_TRUE(all_contexts_free(self->fd, self->info.contexts));
		close(started[0]);
		close(started[1]);
	}
}

TEST_F(clients, half_of_all_queues_at_once)
{
	__u32 n = self->info.queues / 2, size = npu_build_append(&self->c, 0), done;
	__u32 queues[NPU_MAX_QUEUES], seen[NPU_MAX_QUEUES] = { 0 };

	for (__u32 i = 0; i < n; i++)
		ASSERT_EQ(0, npu_queue_create(self->fd, self->c.vm, i % NPU_PRIORITY_COUNT,
					      &queues[i]));
	for (int round = 0; round < 4; round++) {
		for (__u32 i = 0; i < n; i++) {
			struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL };
			struct drm_npu_job job = npu_job_at(0, size);
			__u64 id = i;

			npu_job_params(&job, &id, 1);
			out.handle = npu_syncobj(self->fd);
			npu_job_syncs(&job, &out, 1);
			ASSERT_EQ(0, npu_submit(self->fd, queues[i], &job, 1, NULL));
		}
	}
	for (int i = 0; i < 2000 && npu_peek(&self->c, NPU_AT_COUNT) < 4 * n; i++)
		usleep(10000);
	done = npu_peek(&self->c, NPU_AT_COUNT);
	ASSERT_EQ(4 * n, done);
	for (__u32 i = 0; i < done; i++)
		seen[npu_peek(&self->c, NPU_AT_LIST + 8 * i)]++;
	for (__u32 i = 0; i < n; i++)
		EXPECT_EQ(4, seen[i]);
}

#define THREADS		6
#define THREAD_JOBS	50

struct submitter {
	struct npu_client *c;
	__u32 size;
	int failed;
};

static void *submit_many(void *opaque)
{
	struct submitter *t = opaque;
	struct drm_npu_job job = npu_job_at(0, t->size);
	__u64 id = 1;

	npu_job_params(&job, &id, 1);
	for (int i = 0; i < THREAD_JOBS; i++)
		t->failed |= npu_submit(t->c->fd, t->c->queue, &job, 1, NULL);
	return NULL;
}

TEST_F(clients, threads_submit_to_one_queue_without_loss)
{
	struct submitter t = { &self->c, npu_build_append(&self->c, 0), 0 };
	struct drm_npu_queue_state q;
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, submit_many, &t));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, t.failed);
	ASSERT_EQ(0, npu_submit_slot(&self->c, 1, npu_build_copy(&self->c, 1, npu_va(0),
								 npu_va(NPU_AT_VALUE)), NULL));
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(THREADS * THREAD_JOBS, npu_peek(&self->c, NPU_AT_COUNT));
	ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &q));
	EXPECT_EQ(THREADS * THREAD_JOBS + 1, q.completed);
}

static volatile unsigned int signals_seen;

static void count_signal(int sig)
{
	(void)sig;
	signals_seen++;
}

TEST_F(clients, interrupted_calls_can_be_restarted_as_they_are)
{
	struct sigaction action = { .sa_handler = count_signal };	/* without SA_RESTART */
	struct itimerval every = { { 0, 3000 }, { 0, 3000 } }, never = { 0 };
	struct drm_npu_queue_state q;
	struct drm_npu_bo_create bo;
	const __u32 jobs = 50;

	ASSERT_EQ(0, npu_bo_create(self->fd, 65536, 0, &bo));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &every, NULL));
	for (__u32 i = 0; i < jobs; i++) {
		ASSERT_EQ(0, npu_map(self->fd, self->c.vm, bo.handle, 0x8000000, 65536, 0));
		ASSERT_TRUE(npu_client_adds(&self->c, i));
		ASSERT_EQ(0, npu_unmap(self->fd, self->c.vm, 0x8000000, 65536));
	}
	/* one wait that lasts over many of them */
	ASSERT_EQ(0, npu_submit_slot(&self->c, 0, npu_build_gate(&self->c, 0), NULL));
	EXPECT_EQ(-ETIME, npu_syncobj_wait(self->fd, self->c.done, SEC / 5));
	npu_poke(&self->c, NPU_AT_GATE, 1);
	EXPECT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
	EXPECT_LT(20, signals_seen);
	ASSERT_EQ(0, npu_queue_state(self->fd, self->c.queue, &q));
	EXPECT_EQ(jobs + 1, q.submitted);
	EXPECT_EQ(jobs + 1, q.completed);
}

TEST_F(clients, ends_of_jobs_come_by_interrupt_and_not_by_timeout)
{
	long before = npu_done_interrupts();
	__s64 begin = npu_deadline(0);

	ASSERT_LE(0, before);
	for (unsigned int i = 0; i < 20; i++)
		ASSERT_TRUE(npu_client_adds(&self->c, i));
	EXPECT_LE(before + 20, npu_done_interrupts());
	/* one timeout is 5 s */
	EXPECT_GT(5 * SEC, npu_deadline(0) - begin);
}

TEST_F(clients, a_batch_takes_no_more_interrupts_than_it_has_jobs)
{
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = self->c.done };
	struct drm_npu_job jobs[DRM_NPU_MAX_JOBS];
	__u32 size = npu_build_append(&self->c, 0), queue;
	struct drm_npu_queue_create c = {
		.vm_id = self->c.vm, .priority = NPU_PRIORITY_NORMAL, .entries = 128,
	};
	__u64 id = 0;
	long before;

	ASSERT_EQ(0, npu_ioctl(self->fd, DRM_IOCTL_NPU_QUEUE_CREATE, &c));
	queue = c.queue_id;
	/* the gate first, so that all others stand in the ring when it opens */
	jobs[0] = npu_job_at(1, npu_build_gate(&self->c, 1));
	for (int i = 1; i < DRM_NPU_MAX_JOBS; i++) {
		jobs[i] = npu_job_at(0, size);
		npu_job_params(&jobs[i], &id, 1);
	}
	npu_job_syncs(&jobs[DRM_NPU_MAX_JOBS - 1], &out, 1);
	before = npu_done_interrupts();
	ASSERT_LE(0, before);
	ASSERT_EQ(0, npu_submit(self->fd, queue, jobs, DRM_NPU_MAX_JOBS, NULL));
	npu_settle();
	npu_poke(&self->c, NPU_AT_GATE, 1);
	ASSERT_EQ(0, npu_syncobj_wait(self->fd, self->c.done, 20 * SEC));
	EXPECT_EQ(DRM_NPU_MAX_JOBS - 1, npu_peek(&self->c, NPU_AT_COUNT));
	EXPECT_LT(before, npu_done_interrupts());
	EXPECT_GE(before + DRM_NPU_MAX_JOBS, npu_done_interrupts());
}

TEST_HARNESS_MAIN

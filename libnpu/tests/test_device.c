// SPDX-License-Identifier: MIT
/*
 * Devices, buffers, address spaces, queues and syncs: on sim, or on the device that is the first
 * argument ("drm" in the guest).
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "npu_mmu.h"
#include "rig.h"
#include "tap.h"

#define SPEC	"sim:threads=2"
#define MIB	(1ull << 20)

static bool drm;

static int64_t after_ms(int64_t ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec + ms * 1000000;
}

/* The last text has this word */
static bool said(const char *word)
{
	if (strstr(npu_error_text(), word))
		return true;
	tap_diag("said: %s", npu_error_text());
	return false;
}

static void test_open(void)
{
	static const struct {
		const char *spec;
		int err;
		const char *word;
	} bad[] = {
		{ "quantum", -EINVAL, "quantum" },
		{ "sim:colour=red", -EINVAL, "colour" },
		{ "sim:cores", -EINVAL, "no value" },
		{ "sim:cores=0", -EINVAL, "cores" },
		{ "sim:cores=17", -EINVAL, "cores" },
		{ "sim:cores=-1", -EINVAL, "cores=-1" },
		{ "sim:cores=4x", -EINVAL, "4x" },
		{ "sim:isa=mmx", -EINVAL, "mmx" },
		{ "sim:profile=huge", -EINVAL, "huge" },
		{ "sim:firmware=/nonexistent", -ENOENT, "/nonexistent" },
		{ "sim:firmware=/proc/self/exe", -EPROTO, "firmware" },
		{ "drm:/nonexistent", -ENOENT, "/nonexistent" },
		{ "drm:/dev/null", -ENODEV, "/dev/null" },
	};
	const struct npu_device_info *info;
	struct npu_device *dev;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int rc = npu_device_open(bad[i].spec, &dev);

		if (!tap_ok(rc == bad[i].err && said(bad[i].word), "open %s is refused by name",
			    bad[i].spec))
			tap_diag("%d", rc);
	}
	if (npu_device_open("sim:profile=small,spad_bytes=131072,threads=1,isa=scalar", &dev)) {
		tap_ok(false, "a machine of one's own is opened");
		return;
	}
	info = npu_device_info(dev);
	tap_ok(!strcmp(info->transport, "sim") && info->cores == 1 && info->spad_bytes == 131072 &&
	       info->macs == 2048 && info->va_min == NPU_VA_MIN && info->va_max == NPU_VA_SIZE &&
	       info->fw_version[0], "a machine of one's own is opened and describes itself");
	npu_device_close(dev);
}

static void test_buffers(struct npu_device *dev)
{
	struct npu_buffer *buf, *other;
	uint8_t *map, *again;
	bool zero = true;
	int fd = -1;

	tap_ok(npu_buffer_create(dev, 0, 0, &buf) == -EINVAL &&
	       npu_buffer_create(dev, (256ull << 30) + 1, 0, &buf) == -EINVAL &&
	       npu_buffer_create(dev, 4096, 2, &buf) == -EINVAL && said("flags"),
	       "a buffer of no size, of too much, or with unknown flags is refused");
	npu_buffer_create(dev, 5000, 0, &buf);
	npu_buffer_map(buf, (void **)&map);
	npu_buffer_map(buf, (void **)&again);
	for (int i = 0; i < 8192; i++)
		zero &= !map[i];
	tap_ok(npu_buffer_size(buf) == 8192 && zero && map == again,
	       "a buffer is whole pages, zeroed, and mapped once");
	if (drm) {
		map[0] = 77;
		tap_ok(!npu_buffer_export(buf, &fd) && !npu_buffer_import(dev, fd, &other) &&
		       npu_buffer_size(other) == 8192, "a buffer goes out and in as dma-buf");
		close(fd);
		npu_buffer_destroy(other);
		tap_ok(map[0] == 77 && npu_buffer_import(dev, -1, &other) == -EBADF,
		       "what came in can go without harm; a bad descriptor is refused");
	} else {
		tap_ok(npu_buffer_export(buf, &fd) == -EOPNOTSUPP && said("sim") &&
		       npu_buffer_import(dev, 0, &other) == -EOPNOTSUPP,
		       "sim has no dma-buf, and says so");
	}
	npu_buffer_ref(buf);
	npu_buffer_destroy(buf);
	map[0] = 1;
	npu_buffer_destroy(buf);
	npu_buffer_destroy(NULL);
	tap_ok(true, "a buffer lives as long as its last reference");
}

static void test_binds(struct npu_device *dev)
{
	struct npu_buffer *buf, *large, *ro;
	uint64_t a = 0, b = 0, c, d;
	struct npu_vm *vm;

	npu_vm_create(dev, &vm);
	npu_buffer_create(dev, 16384, 0, &buf);
	npu_buffer_create(dev, 5 * MIB, 0, &large);
	npu_buffer_create(dev, 4096, NPU_BUFFER_READ_ONLY, &ro);
	tap_ok(!npu_vm_bind(vm, buf, 0, 0, 0, &a) && a >= NPU_VA_MIN && a % 4096 == 0 &&
	       !npu_vm_bind(vm, large, 0, 0, NPU_BIND_WRITE, &b) && b % (2 * MIB) == 0,
	       "addresses are chosen; large buffers get large pages");
	c = a;
	tap_ok(npu_vm_bind(vm, buf, 0, 0, 0, &c) == -EEXIST && said("bound already"),
	       "an address that is bound is refused");
	c = 0;
	d = 100;
	tap_ok(npu_vm_bind(vm, buf, 4096, 16384, 0, &c) == -EINVAL && said("leave the buffer") &&
	       npu_vm_bind(vm, buf, 100, 4096, 0, &c) == -EINVAL &&
	       npu_vm_bind(vm, buf, 0, 100, 0, &c) == -EINVAL &&
	       npu_vm_bind(vm, buf, 0, 4096, 0, &d) == -EINVAL && said("multiples") &&
	       npu_vm_bind(vm, buf, ~0ull << 12, 8192, 0, &c) == -EINVAL &&
	       npu_vm_bind(vm, buf, 0, 4096, 4, &c) == -EINVAL && said("flags") && !c,
	       "a bind misaligned, past its buffer, that wraps or has unknown flags is refused");
	d = NPU_VA_SIZE - 4096;
	tap_ok(npu_vm_bind(vm, buf, 0, 8192, 0, &d) == -EINVAL && said("leaves 0x10000"),
	       "a bind past the last address is refused");
	tap_ok(!npu_vm_bind(vm, buf, 4096, 4096, 0, &d) && d == NPU_VA_SIZE - 4096,
	       "the last page can be bound");
	tap_ok(npu_vm_bind(vm, ro, 0, 0, NPU_BIND_WRITE, &c) == -EACCES && said("read-only"),
	       "write access to a read-only buffer is refused");
	tap_ok(npu_vm_unbind(vm, a + 4096) == -ENOENT && !npu_vm_unbind(vm, a) &&
	       npu_vm_unbind(vm, a) == -ENOENT, "a bind ends by its address, once");
	npu_buffer_destroy(buf);
	npu_buffer_destroy(large);
	npu_buffer_destroy(ro);
	npu_vm_destroy(vm);
}

static void test_limits(struct npu_device *dev)
{
	uint32_t contexts = npu_device_info(dev)->contexts, queues = npu_device_info(dev)->queues;
	struct npu_vm *vm[NPU_MAX_CONTEXTS + 1];
	struct npu_queue *q[NPU_MAX_QUEUES + 1];
	uint32_t n = 0, i;
	int rc = 0;

	while (n <= contexts && !(rc = npu_vm_create(dev, &vm[n])))
		n++;
	tap_ok(n == contexts && rc == -ENOSPC && said("contexts"), "address spaces end at %u",
	       contexts);
	for (i = 1; i < n; i++)
		npu_vm_destroy(vm[i]);
	tap_ok(npu_queue_create(vm[0], NPU_PRIORITY_COUNT, 0, &q[0]) == -EINVAL &&
	       said("priority") && npu_queue_create(vm[0], 0, 3, &q[0]) == -EINVAL &&
	       said("entries") && npu_queue_create(vm[0], 0, 2, &q[0]) == -EINVAL &&
	       npu_queue_create(vm[0], 0, 8192, &q[0]) == -EINVAL,
	       "a queue of unknown priority or odd length is refused");
	for (n = 0; n <= queues && !(rc = npu_queue_create(vm[0], 0, 4, &q[n])); n++)
		;
	tap_ok(n == queues && rc == -ENOSPC && said("queue"), "queues end at %u", queues);
	for (i = 0; i < n; i++)
		npu_queue_destroy(q[i]);
	tap_ok(!npu_queue_create(vm[0], NPU_PRIORITY_REALTIME, NPU_QUEUE_ENTRIES_MAX, &q[0]),
	       "a queue given back can be had again, at its longest");
	npu_queue_destroy(q[0]);
	npu_vm_destroy(vm[0]);
}

/* A job that adds to a u64 at va `times` times: r[1] each time */
static struct npu_job adder(struct rig *r, uint64_t va, uint32_t times)
{
	struct npu_job job = { 0 };
	struct npu_cmdbuf *cb;
	uint32_t size;
	uint64_t at;

	npu_cmdbuf_create(1, &cb);
	npu_emit_ldr(cb, 0, &(struct npu_cmd_scalar){ .reg = 25, .bytes = 8, .addr = npu_va(va) });
	npu_emit_loop(cb, 0, npu_count(times, 0), 0);
	npu_emit_alu(cb, 0, NPU_ALU_ADD, 25, 25, NPU_REG_PARAM(0), 0);
	npu_emit_loop_end(cb, 0);
	npu_emit_str(cb, 0, &(struct npu_cmd_scalar){ .reg = 25, .bytes = 8, .addr = npu_va(va) });
	npu_cmdbuf_end(cb);
	npu_cmdbuf_data(cb, &size);
	at = rig_alloc(r, size);
	npu_cmdbuf_place(cb, r->buf, r->va, at - r->va, &job);
	npu_cmdbuf_destroy(cb);
	return job;
}

static void test_place(struct rig *r)
{
	struct npu_job job = { 0 };
	struct npu_cmdbuf *cb;

	npu_cmdbuf_create(1, &cb);
	tap_ok(npu_cmdbuf_place(cb, r->buf, r->va, 0, &job) == -EINVAL && said("not ended"),
	       "an unfinished command buffer is not placed");
	npu_cmdbuf_end(cb);
	tap_ok(npu_cmdbuf_place(cb, r->buf, r->va, 32, &job) == -EINVAL && said("64") &&
	       npu_cmdbuf_place(cb, r->buf, r->va, r->size - 64, &job) == -ENOSPC &&
	       said("do not fit"), "a place that is misaligned or too small is refused");
	npu_cmdbuf_destroy(cb);
}

static void test_submit(struct rig *r)
{
	uint64_t sum = rig_alloc(r, 8), one = 1, seqno = 0, first = 0;
	struct npu_job job = adder(r, sum, 3), jobs[NPU_SUBMIT_JOBS_MAX + 1];
	struct npu_result res;
	int rc = 0;

	job.params = &one;
	job.n_params = 1;
	for (uint32_t i = 0; i < NPU_SUBMIT_JOBS_MAX + 1; i++)
		jobs[i] = job;
	tap_ok(!npu_submit(r->queue, &job, 1, &first) && first == 1 &&
	       !npu_wait(r->queue, 1, INT64_MAX) && *(uint64_t *)rig_ptr(r, sum) == 3,
	       "a job runs with its parameters; the first is number 1");
	tap_ok(npu_submit(r->queue, jobs, 0, &seqno) == -EINVAL &&
	       npu_submit(r->queue, jobs, NPU_SUBMIT_JOBS_MAX + 1, &seqno) == -E2BIG &&
	       said("at most 64 in a call"),
	       "no jobs, and one past the limit, are refused");
	for (uint32_t i = 0; i < 40 && !rc; i++)
		rc = npu_submit(r->queue, jobs, NPU_SUBMIT_JOBS_MAX, &seqno);
	tap_ok(!rc && seqno == 2 + 39 * 64 && !npu_wait(r->queue, seqno + 63, INT64_MAX) &&
	       *(uint64_t *)rig_ptr(r, sum) == 3 * (1 + 40 * 64),
	       "2560 jobs through a queue of 64 run in order, each once");
	tap_ok(npu_wait(r->queue, seqno + 64, 0) == -EINVAL && said("never given") &&
	       npu_wait(r->queue, 0, 0) == -EINVAL, "waiting for a job never given is refused");
	tap_ok(npu_job_result(r->queue, seqno + 64, &res) == -ENODATA &&
	       npu_job_result(r->queue, seqno + 63 - 256, &res) == -ENODATA &&
	       !npu_job_result(r->queue, seqno + 63 - 255, &res) &&
	       res.seqno == seqno + 63 - 255, "the last 256 results are kept");
	/* LDR, LOOP, three times ALU and LOOP_END, STR, END */
	tap_ok(!res.error && !res.fault && res.model_ns && res.commands == 10,
	       "a result has the modelled figures of its job");
	jobs[0].cmdbuf += 8;
	jobs[1].cmdbuf_size += 4;
	jobs[2].cmdbuf_size = NPU_MAX_CMDBUF_BYTES + 8;
	jobs[3].n_params = NPU_MAX_PARAMS + 1;
	tap_ok(npu_submit(r->queue, &jobs[0], 1, &seqno) == -EINVAL && said("multiple of 64") &&
	       npu_submit(r->queue, &jobs[1], 1, &seqno) == -EINVAL &&
	       npu_submit(r->queue, &jobs[2], 1, &seqno) == -EINVAL &&
	       npu_submit(r->queue, &jobs[3], 1, &seqno) == -E2BIG && said("25 parameters"),
	       "a misaligned or oversized command buffer, and too many parameters, are refused");
}

/* A job that takes its time: real host time for a test that waits */
/* Two jobs of one submission: the modelled clock stands still between them. */
static void test_wait_ns(struct rig *r)
{
	uint64_t sum = rig_alloc(r, 8), one = 1, seqno;
	struct npu_job jobs[2] = { adder(r, sum, 1000), adder(r, sum, 3) };
	struct npu_result a, b;
	int rc;

	jobs[0].params = jobs[1].params = &one;
	jobs[0].n_params = jobs[1].n_params = 1;
	rc = npu_submit(r->queue, jobs, 2, &seqno);
	if (!rc)
		rc = npu_wait(r->queue, seqno + 1, INT64_MAX);
	if (!rc)
		rc = npu_job_result(r->queue, seqno, &a);
	if (!rc)
		rc = npu_job_result(r->queue, seqno + 1, &b);
	/* a kernel may pass on the second one later */
	if (!tap_ok(!rc && !a.wait_ns && (drm ? b.wait_ns <= a.model_ns :
					  b.wait_ns == a.model_ns),
		    "a result tells how long the job has waited for the one before it"))
		tap_diag("%llu and %llu, the first took %llu", (unsigned long long)a.wait_ns,
			 (unsigned long long)b.wait_ns, (unsigned long long)a.model_ns);
}

static struct npu_job slow(struct rig *r, uint32_t loops)
{
	const struct npu_cmd_ew ew = { .op = NPU_EW_SCALE, .imm = 1, .cols = 16384,
				       .rows = npu_count(1, 0) };
	struct npu_job job = { 0 };
	struct npu_cmdbuf *cb;
	uint32_t size;

	npu_cmdbuf_create(1, &cb);
	npu_emit_loop(cb, 0, npu_count(loops, 0), 0);
	npu_emit_ew(cb, 0, &ew);
	npu_emit_loop_end(cb, 0);
	npu_cmdbuf_end(cb);
	npu_cmdbuf_data(cb, &size);
	npu_cmdbuf_place(cb, r->buf, r->va, rig_alloc(r, size) - r->va, &job);
	npu_cmdbuf_destroy(cb);
	return job;
}

static void test_waiting(struct rig *r)
{
	struct npu_job job = slow(r, 200000);
	struct npu_queue_state st;
	struct npu_result res;
	struct pollfd p = { .events = POLLIN };
	struct npu_queue *q;
	uint64_t seqno = 0;
	int fd2 = -1;

	npu_queue_create(r->vm, NPU_PRIORITY_NORMAL, 4, &q);
	npu_submit(q, &job, 1, &seqno);
	npu_queue_state(q, &st);
	tap_ok(npu_wait(q, seqno, 0) == -ETIME && said("not finished") &&
	       npu_wait(q, seqno, after_ms(5)) == -ETIME &&
	       npu_job_result(q, seqno, &res) == -EBUSY && st.submitted == 1 && !st.completed,
	       "a job that runs is waited for in vain until the time is over");
	npu_job_fd(q, seqno, &p.fd);
	tap_ok(p.fd >= 0 && poll(&p, 1, 0) == 0, "its descriptor is not readable yet");
	tap_ok(poll(&p, 1, 60000) == 1 && (p.revents & POLLIN) && !npu_wait(q, seqno, 0),
	       "the descriptor becomes readable when the job has finished, nobody else waiting");
	tap_ok(!npu_job_fd(q, seqno, &fd2) && (close(p.fd), p.fd = fd2, poll(&p, 1, 0) == 1),
	       "a descriptor of a finished job is readable at once");
	close(fd2);
	tap_ok(npu_job_fd(q, seqno + 1, &fd2) == -EINVAL, "a job never given has no descriptor");
	npu_submit(q, &job, 1, &seqno);
	npu_queue_destroy(q);
	tap_ok(true, "a queue with a running job can be destroyed");
}

static void test_syncs(struct rig *r)
{
	uint64_t sum = rig_alloc(r, 8), one = 1, a, b;
	struct npu_job job = adder(r, sum, 1);
	struct npu_sync_op wait = { .value = 5 },
			   raise = { .value = 5, .flags = NPU_SYNC_OP_SIGNAL };
	struct npu_sync_op host = { .value = 1 };
	struct npu_queue *q2;
	struct npu_sync *s, *h;

	npu_queue_create(r->vm, NPU_PRIORITY_NORMAL, 0, &q2);
	npu_sync_create(r->dev, &s);
	npu_sync_create(r->dev, &h);
	wait.sync = raise.sync = s;
	host.sync = h;
	job.params = &one;
	job.n_params = 1;
	tap_ok(npu_sync_wait(s, 1, 0) == -ETIME && npu_sync_signal(s, 0) == -EINVAL,
	       "a new timeline has not reached 1");
	{
		struct npu_sync_op ops[2] = { host, raise };
		struct npu_job first = job, second = job;

		first.syncs = ops;
		first.n_syncs = 2;
		second.syncs = &wait;
		second.n_syncs = 1;
		/* the kernel takes no promises: what is waited for has to be on its way */
		if (drm) {
			tap_ok(npu_submit(r->queue, &first, 1, &a) == -EINVAL,
			       "a wait for what nothing has promised is refused");
			npu_sync_signal(h, 1);
		}
		npu_submit(r->queue, &first, 1, &a);
		npu_submit(q2, &second, 1, &b);
	}
	if (!drm) {
		tap_ok(npu_wait(q2, b, after_ms(20)) == -ETIME &&
		       npu_wait(r->queue, a, 0) == -ETIME && *(uint64_t *)rig_ptr(r, sum) == 0,
		       "jobs wait for what they wait for");
		npu_sync_signal(h, 1);
	}
	tap_ok(!npu_wait(q2, b, after_ms(60000)) && !npu_sync_wait(s, 5, after_ms(60000)) &&
	       *(uint64_t *)rig_ptr(r, sum) == 2, "the host lets one go, and that one the other");
	wait.value = 0;
	job.syncs = &wait;
	job.n_syncs = 1;
	tap_ok(npu_submit(q2, &job, 1, &b) == -EINVAL && said("sync"),
	       "a value of zero is refused");
	job.n_syncs = NPU_SUBMIT_SYNCS_MAX + 1;
	tap_ok(npu_submit(q2, &job, 1, &b) == -E2BIG && said("256"), "too many syncs are refused");
	npu_sync_destroy(s);
	npu_sync_destroy(h);
	npu_queue_destroy(q2);
}

static void test_faults(struct rig *r)
{
	uint64_t sum = rig_alloc(r, 8), one = 1, seqno, good;
	struct npu_job job = adder(r, sum, 1), bad = adder(r, 0x700000000, 1);
	struct npu_queue *guilty, *innocent, *next;
	struct npu_queue_state st, st2;
	struct npu_result res;
	char text[256];
	bool ok;

	job.params = bad.params = &one;
	job.n_params = bad.n_params = 1;
	npu_queue_create(r->vm, NPU_PRIORITY_NORMAL, 0, &guilty);
	npu_queue_create(r->vm, NPU_PRIORITY_NORMAL, 0, &innocent);
	{
		struct npu_job both[2] = { bad, job };

		npu_submit(guilty, both, 2, &seqno);
	}
	npu_wait(guilty, seqno + 1, INT64_MAX);
	npu_job_result(guilty, seqno, &res);
	npu_fault_text(&res, text, sizeof(text));
	tap_ok(res.error == -EFAULT && res.fault == NPU_FAULT_PAGE &&
	       res.fault_addr == 0x700000000 && res.fault_opcode == NPU_OP_LDR &&
	       strstr(text, "0x700000000, command LDR"),
	       "a fault names address and command");
	npu_job_result(guilty, seqno + 1, &res);
	npu_queue_state(guilty, &st);
	tap_ok(res.error == -ECANCELED && *(uint64_t *)rig_ptr(r, sum) == 0 &&
	       st.flags == (NPU_QUEUE_DEAD | NPU_QUEUE_GUILTY) && st.fault == NPU_FAULT_PAGE,
	       "the job behind it is cancelled, its queue dead and guilty");
	tap_ok(npu_submit(guilty, &job, 1, &good) == -EIO && said("page fault"),
	       "a dead queue takes no jobs and says why");
	ok = !npu_submit(innocent, &job, 1, &good) && !npu_wait(innocent, good, after_ms(60000));
	npu_queue_state(innocent, &st2);
	tap_ok(ok && !st2.flags && *(uint64_t *)rig_ptr(r, sum) == 1,
	       "a queue of the same address space with nothing in flight goes on");
	ok = !npu_queue_create(r->vm, NPU_PRIORITY_NORMAL, 0, &next) &&
	     !npu_submit(next, &job, 1, &good) && !npu_wait(next, good, after_ms(60000));
	tap_ok(ok && *(uint64_t *)rig_ptr(r, sum) == 2, "and so does a new one");
	npu_queue_destroy(guilty);
	npu_queue_destroy(innocent);
	npu_queue_destroy(next);
}

static void test_unbind(struct rig *r)
{
	struct npu_buffer *buf;
	uint64_t va = 0, one = 1, seqno;
	struct npu_result res;
	struct npu_queue *q;
	struct npu_job job;

	npu_buffer_create(r->dev, 4096, 0, &buf);
	npu_vm_bind(r->vm, buf, 0, 0, NPU_BIND_WRITE, &va);
	npu_queue_create(r->vm, NPU_PRIORITY_NORMAL, 0, &q);
	job = adder(r, va, 1);
	job.params = &one;
	job.n_params = 1;
	npu_submit(q, &job, 1, &seqno);
	npu_wait(q, seqno, INT64_MAX);
	npu_vm_unbind(r->vm, va);
	npu_submit(q, &job, 1, &seqno);
	npu_wait(q, seqno, INT64_MAX);
	npu_job_result(q, seqno, &res);
	tap_ok(res.error == -EFAULT && res.fault_addr == va, "what was unbound faults");
	npu_queue_destroy(q);
	npu_vm_bind(r->vm, buf, 0, 0, 0, &va);
	npu_queue_create(r->vm, NPU_PRIORITY_NORMAL, 0, &q);
	npu_submit(q, &job, 1, &seqno);
	npu_wait(q, seqno, INT64_MAX);
	npu_job_result(q, seqno, &res);
	tap_ok(res.fault == NPU_FAULT_PROTECTION && res.fault_opcode == NPU_OP_STR,
	       "a write without write access faults");
	npu_queue_destroy(q);
	npu_vm_unbind(r->vm, va);
	npu_buffer_destroy(buf);
}

struct worker {
	struct rig *r;
	uint64_t va;
	bool ok;
};

/* A thread with a queue of its own that submits and waits */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct npu_queue *q;
	uint64_t one = 1, seqno;
	struct npu_job job;

	w->ok = !npu_queue_create(w->r->vm, NPU_PRIORITY_NORMAL, 8, &q);
	if (!w->ok)
		return NULL;
	job = *(const struct npu_job *)rig_ptr(w->r, w->va + 64);
	job.params = &one;
	for (int i = 0; i < 500; i++)
		w->ok &= !npu_submit(q, &job, 1, &seqno) &&
			 (i % 3 || !npu_wait(q, seqno, after_ms(60000)));
	w->ok &= !npu_wait(q, seqno, after_ms(60000));
	npu_queue_destroy(q);
	return NULL;
}

static void test_threads(struct rig *r)
{
	enum { N = 4 };
	struct worker w[N];
	pthread_t t[N];
	bool ok = true;

	for (int i = 0; i < N; i++) {
		struct npu_job job;

		w[i] = (struct worker){ .r = r, .va = rig_alloc(r, 64 + sizeof(job)) };
		job = adder(r, w[i].va, 1);
		job.n_params = 1;
		memcpy(rig_ptr(r, w[i].va + 64), &job, sizeof(job));
	}
	for (int i = 0; i < N; i++)
		pthread_create(&t[i], NULL, work, &w[i]);
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		ok &= w[i].ok && *(uint64_t *)rig_ptr(r, w[i].va) == 500;
	}
	tap_ok(ok, "four threads with a queue each run 500 jobs");
}

int main(int argc, char **argv)
{
	const char *spec = argc > 1 ? argv[1] : SPEC;
	struct rig r;

	drm = !strncmp(spec, "drm", 3);
	test_open();
	rig_open(&r, spec, 8 * MIB);
	test_buffers(r.dev);
	test_binds(r.dev);
	test_place(&r);
	test_submit(&r);
	test_wait_ns(&r);
	test_waiting(&r);
	test_syncs(&r);
	test_faults(&r);
	test_unbind(&r);
	test_threads(&r);
	rig_close(&r);
	rig_open(&r, spec, MIB);
	npu_queue_destroy(r.queue);
	npu_vm_destroy(r.vm);
	test_limits(r.dev);
	npu_buffer_destroy(r.buf);
	npu_device_close(r.dev);
	return tap_done();
}

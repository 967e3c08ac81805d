/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Jobs whose course a test can steer and check: one that waits for a word in memory, one that
 * notes the order in which it ran, one that stores a value. Each command buffer has a slot
 * of its own in the client's memory, so that several can be in flight.
 */
#ifndef NPU_JOBS_H
#define NPU_JOBS_H

#include <limits.h>
#include <linux/sync_file.h>

#include "npu_test.h"

#define NPU_SLOT_BYTES	4096
#define NPU_SLOT(i)	((__u32)(i) * NPU_SLOT_BYTES)	/* offset of command buffer i < 128 */

/* Places in the client's memory, beside those of npu_build_add() */
#define NPU_AT_GATE	(NPU_CLIENT_DATA + 0x10000)	/* u64, not zero: open */
#define NPU_AT_VALUE	(NPU_CLIENT_DATA + 0x11000)	/* u64 that npu_build_store() writes */
#define NPU_AT_COUNT	(NPU_CLIENT_DATA + 0x12000)	/* u64, entries of the list */
#define NPU_AT_LIST	(NPU_CLIENT_DATA + 0x13000)	/* u64[] */

static inline __u64 npu_va(__u32 offset)
{
	return NPU_CLIENT_VA + offset;
}

static inline __u64 npu_peek(const struct npu_client *c, __u32 offset)
{
	return __atomic_load_n((const __u64 *)(c->mem + offset), __ATOMIC_SEQ_CST);
}

static inline void npu_poke(struct npu_client *c, __u32 offset, __u64 value)
{
	__atomic_store_n((__u64 *)(c->mem + offset), value, __ATOMIC_SEQ_CST);
}

/* A stream in slot @slot; ends with npu_stream_end(). */
static inline struct npu_stream npu_stream_at(struct npu_client *c, __u32 slot)
{
	__u8 *base = c->mem + NPU_SLOT(slot);

	memset(base, 0, NPU_SLOT_BYTES);
	return (struct npu_stream){ base, sizeof(struct npu_cmdbuf_header) };
}

/* r[reg] = u64 at @addr */
static inline void npu_emit_ldr(struct npu_stream *s, __u8 reg, __u64 addr)
{
	NPU_EMIT(s, NPU_OP_LDR, npu_cmd_scalar, .reg = reg, .bytes = 8, .addr = { .base = addr });
}

/* u64 at @addr = r[reg] */
static inline void npu_emit_str(struct npu_stream *s, __u8 reg, __u64 addr)
{
	NPU_EMIT(s, NPU_OP_STR, npu_cmd_scalar, .reg = reg, .bytes = 8, .addr = { .base = addr });
}

/*
 * Runs until the u64 at @addr is not zero. It raises its progress all the time, with @mark as its
 * id, so that no watchdog ends it; with @mark zero it makes none.
 */
static inline __u32 npu_build_wait(struct npu_client *c, __u32 slot, __u64 addr, __u32 mark)
{
	struct npu_stream s = npu_stream_at(c, slot);

	for (int i = 0; i < 2; i++)
		NPU_EMIT(&s, NPU_OP_LOOP, npu_cmd_loop, .count = { .imm = 0xffffffffu });
	npu_emit_ldr(&s, NPU_REG_TEMP(0), addr);
	NPU_EMIT(&s, NPU_OP_BREAK, npu_cmd_break, .cond = NPU_COND_NE, .a = NPU_REG_TEMP(0));
	if (mark)
		NPU_EMIT(&s, NPU_OP_MARK, npu_cmd_mark, .id = mark);
	NPU_EMIT(&s, NPU_OP_LOOP_END, npu_cmd_hdr, 0);
	NPU_EMIT(&s, NPU_OP_BREAK, npu_cmd_break, .cond = NPU_COND_NE, .a = NPU_REG_TEMP(0));
	NPU_EMIT(&s, NPU_OP_LOOP_END, npu_cmd_hdr, 0);
	return npu_stream_end(&s);
}

/* The job that a test holds open with the word at NPU_AT_GATE, which is closed here. */
static inline __u32 npu_build_gate(struct npu_client *c, __u32 slot)
{
	npu_poke(c, NPU_AT_GATE, 0);
	return npu_build_wait(c, slot, npu_va(NPU_AT_GATE), 1);
}

/* Stores parameter 0 at NPU_AT_VALUE. */
static inline __u32 npu_build_store(struct npu_client *c, __u32 slot)
{
	struct npu_stream s = npu_stream_at(c, slot);
	struct npu_cmdbuf_header *h = (void *)s.base;

	npu_emit_str(&s, NPU_REG_PARAM(0), npu_va(NPU_AT_VALUE));
	npu_stream_end(&s);
	h->n_params = 1;
	return s.size;
}

/* Appends parameter 0 to the list. */
static inline __u32 npu_build_append(struct npu_client *c, __u32 slot)
{
	struct npu_stream s = npu_stream_at(c, slot);
	struct npu_cmdbuf_header *h = (void *)s.base;

	npu_emit_ldr(&s, NPU_REG_TEMP(0), npu_va(NPU_AT_COUNT));
	NPU_EMIT(&s, NPU_OP_STR, npu_cmd_scalar, .reg = NPU_REG_PARAM(0), .bytes = 8,
		 .addr = { .base = npu_va(NPU_AT_LIST), .stride = 8, .reg = NPU_REG_TEMP(0) });
	NPU_EMIT(&s, NPU_OP_ALU, npu_cmd_alu, .op = NPU_ALU_ADD, .dst = NPU_REG_TEMP(0),
		 .a = NPU_REG_TEMP(0), .imm = 1);
	npu_emit_str(&s, NPU_REG_TEMP(0), npu_va(NPU_AT_COUNT));
	npu_stream_end(&s);
	h->n_params = 1;
	return s.size;
}

/* Copies the u64 at device address @from to that at @to. */
static inline __u32 npu_build_copy(struct npu_client *c, __u32 slot, __u64 from, __u64 to)
{
	struct npu_stream s = npu_stream_at(c, slot);

	npu_emit_ldr(&s, NPU_REG_TEMP(0), from);
	npu_emit_str(&s, NPU_REG_TEMP(0), to);
	return npu_stream_end(&s);
}

static inline struct drm_npu_job npu_job_at(__u32 slot, __u32 size)
{
	return (struct drm_npu_job){ .cmdbuf = npu_va(NPU_SLOT(slot)), .cmdbuf_size = size };
}

static inline void npu_job_syncs(struct drm_npu_job *job, const struct drm_npu_sync *syncs,
				 __u32 count)
{
	job->syncs = (struct drm_npu_array){
		.stride = sizeof(*syncs), .count = count, .ptr = (uintptr_t)syncs,
	};
}

static inline void npu_job_params(struct drm_npu_job *job, const __u64 *params, __u32 count)
{
	job->params = (uintptr_t)params;
	job->n_params = count;
}

static inline int npu_submit(int fd, __u32 queue, const struct drm_npu_job *jobs, __u32 count,
			     __u64 *first_seqno)
{
	struct drm_npu_submit s = {
		.queue_id = queue,
		.jobs = { .stride = sizeof(*jobs), .count = count, .ptr = (uintptr_t)jobs },
	};
	int ret = npu_ioctl(fd, DRM_IOCTL_NPU_SUBMIT, &s);

	if (first_seqno)
		*first_seqno = s.first_seqno;
	return ret;
}

/* One job without parameters from @slot to the client's queue; its fence goes to c->done. */
static inline int npu_submit_slot(struct npu_client *c, __u32 slot, __u32 size, __u64 *seqno)
{
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = c->done };
	struct drm_npu_job job = npu_job_at(slot, size);

	npu_job_syncs(&job, &out, 1);
	return npu_submit(c->fd, c->queue, &job, 1, seqno);
}

/* Submits it, waits, and reads the result: 0, or what failed of the three. */
static inline int npu_run_slot(struct npu_client *c, __u32 slot, __u32 size,
			       struct drm_npu_job_result *out)
{
	__u64 seqno;
	int ret = npu_submit_slot(c, slot, size, &seqno);

	if (!ret)
		ret = npu_syncobj_wait(c->fd, c->done, 20 * SEC);
	if (!ret)
		ret = npu_result(c->fd, c->queue, seqno, out);
	return ret;
}

/* @n jobs that append 1..n to the list, in one call; the fence of the last goes to c->done. */
static inline int npu_submit_appends(struct npu_client *c, __u32 n)
{
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = c->done };
	struct drm_npu_job jobs[DRM_NPU_MAX_JOBS];
	__u64 values[DRM_NPU_MAX_JOBS];
	__u32 size = npu_build_append(c, 0);

	npu_poke(c, NPU_AT_COUNT, 0);
	for (__u32 i = 0; i < n; i++) {
		values[i] = i + 1;
		jobs[i] = npu_job_at(0, size);
		npu_job_params(&jobs[i], &values[i], 1);
	}
	npu_job_syncs(&jobs[n - 1], &out, 1);
	return npu_submit(c->fd, c->queue, jobs, n, NULL);
}

/* Whether the list is 1..n: each of them has run once, in order. */
static inline bool npu_appended(const struct npu_client *c, __u32 n)
{
	for (__u32 i = 0; i < n; i++)
		if (npu_peek(c, NPU_AT_LIST + 8 * i) != i + 1)
			return false;
	return npu_peek(c, NPU_AT_COUNT) == n;
}

/* A queue of another priority in place of the client's. */
static inline int npu_client_priority(struct npu_client *c, __u32 priority)
{
	npu_queue_destroy(c->fd, c->queue);
	return npu_queue_create(c->fd, c->vm, priority, &c->queue);
}

/* The u64 at device address @addr as a job sees it; @fault gets enum npu_fault. */
static inline __u64 npu_job_reads(struct npu_client *c, __u64 addr, __u32 *fault)
{
	struct drm_npu_job_result r = { .fault = NPU_FAULT_COUNT };

	npu_poke(c, NPU_AT_VALUE, 0);
	npu_run_slot(c, 120, npu_build_copy(c, 120, addr, npu_va(NPU_AT_VALUE)), &r);
	*fault = r.fault;
	return npu_peek(c, NPU_AT_VALUE);
}

/* Waits until the first job of the client's queue runs, that is until the gate's has begun. */
static inline void npu_settle(void)
{
	usleep(50000);
}

/* A queue in place of the client's, which a fault has killed. */
static inline int npu_client_new_queue(struct npu_client *c)
{
	npu_queue_destroy(c->fd, c->queue);
	return npu_queue_create(c->fd, c->vm, NPU_PRIORITY_NORMAL, &c->queue);
}

/* The fence of a syncobj: 1 done, 0 not yet, -errno of its job; INT_MIN it has none. */
static inline int npu_fence_status(int fd, __u32 syncobj)
{
	struct drm_syncobj_handle h = {
		.handle = syncobj, .fd = -1,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	struct sync_file_info info = { .name = "" };
	int ret;

	if (npu_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &h))
		return INT_MIN;
	ret = npu_ioctl(h.fd, SYNC_IOC_FILE_INFO, &info);
	close(h.fd);
	return ret ? INT_MIN : info.status;
}

/* Waits for point @point of a timeline. */
static inline int npu_timeline_wait(int fd, __u32 handle, __u64 point, __s64 ns)
{
	struct drm_syncobj_timeline_wait w = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.timeout_nsec = npu_deadline(ns),
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	return npu_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &w);
}

static inline int npu_device_info(int fd, struct drm_npu_device_info *info)
{
	struct drm_npu_dev_query q = {
		.type = DRM_NPU_QUERY_DEVICE, .size = sizeof(*info), .pointer = (uintptr_t)info,
	};

	memset(info, 0, sizeof(*info));
	return npu_ioctl(fd, DRM_IOCTL_NPU_DEV_QUERY, &q);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of this folder share: raw ioctls that return -errno, and a client, that is an
 * open device with a VM, a queue and a buffer for commands and data. No library in
 * between: these tests are about the kernel's interface itself.
 */
#ifndef NPU_TEST_H
#define NPU_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "npu_drm.h"
#include "npu_mmu.h"

#define NPU_NODES	64
#define SEC		1000000000ll

/* Returns 0 or -errno; interrupted calls are restarted as the interface promises. */
static inline int npu_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret == -1 && (errno == EINTR || errno == EAGAIN));
	return ret == -1 ? -errno : 0;
}

/* The first device that the npu driver serves; -ENODEV without one. */
static inline int npu_open(void)
{
	for (int i = 0; i < NPU_NODES; i++) {
		char path[32], name[16] = "";
		struct drm_version v = { .name = name, .name_len = sizeof(name) - 1 };
		int fd;

		snprintf(path, sizeof(path), "/dev/accel/accel%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!npu_ioctl(fd, DRM_IOCTL_VERSION, &v) && !strcmp(name, "npu"))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

static inline int npu_bo_create(int fd, __u64 size, __u32 flags, struct drm_npu_bo_create *out)
{
	*out = (struct drm_npu_bo_create){ .size = size, .flags = flags };
	return npu_ioctl(fd, DRM_IOCTL_NPU_BO_CREATE, out);
}

static inline void npu_bo_close(int fd, __u32 handle)
{
	struct drm_gem_close c = { .handle = handle };

	npu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &c);
}

static inline int npu_vm_create(int fd, __u32 *vm)
{
	struct drm_npu_vm_create c = { 0 };
	int ret = npu_ioctl(fd, DRM_IOCTL_NPU_VM_CREATE, &c);

	*vm = c.vm_id;
	return ret;
}

static inline int npu_vm_destroy(int fd, __u32 vm)
{
	struct drm_npu_vm_destroy d = { .vm_id = vm };

	return npu_ioctl(fd, DRM_IOCTL_NPU_VM_DESTROY, &d);
}

/* One bind operation. */
static inline int npu_bind(int fd, __u32 vm, const struct drm_npu_bind_op *op)
{
	struct drm_npu_vm_bind b = {
		.vm_id = vm,
		.ops = { .stride = sizeof(*op), .count = 1, .ptr = (uintptr_t)op },
	};

	return npu_ioctl(fd, DRM_IOCTL_NPU_VM_BIND, &b);
}

static inline int npu_map(int fd, __u32 vm, __u32 handle, __u64 va, __u64 size, __u32 flags)
{
	struct drm_npu_bind_op op = {
		.type = DRM_NPU_BIND_MAP, .flags = flags, .handle = handle, .va = va, .size = size,
	};

	return npu_bind(fd, vm, &op);
}

static inline int npu_unmap(int fd, __u32 vm, __u64 va, __u64 size)
{
	struct drm_npu_bind_op op = { .type = DRM_NPU_BIND_UNMAP, .va = va, .size = size };

	return npu_bind(fd, vm, &op);
}

static inline int npu_queue_create(int fd, __u32 vm, __u32 priority, __u32 *queue)
{
	struct drm_npu_queue_create c = { .vm_id = vm, .priority = priority, .entries = 16 };
	int ret = npu_ioctl(fd, DRM_IOCTL_NPU_QUEUE_CREATE, &c);

	*queue = c.queue_id;
	return ret;
}

static inline int npu_queue_destroy(int fd, __u32 queue)
{
	struct drm_npu_queue_destroy d = { .queue_id = queue };

	return npu_ioctl(fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &d);
}

static inline int npu_queue_state(int fd, __u32 queue, struct drm_npu_queue_state *out)
{
	*out = (struct drm_npu_queue_state){ .queue_id = queue };
	return npu_ioctl(fd, DRM_IOCTL_NPU_QUEUE_STATE, out);
}

static inline __u32 npu_syncobj(int fd)
{
	struct drm_syncobj_create c = { 0 };

	return npu_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &c) ? 0 : c.handle;
}

static inline __s64 npu_deadline(__s64 ns)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SEC + t.tv_nsec + ns;
}

/* Waits for a binary syncobj that a submit has filled. -ETIME after @ns. */
static inline int npu_syncobj_wait(int fd, __u32 handle, __s64 ns)
{
	struct drm_syncobj_wait w = {
		.handles = (uintptr_t)&handle,
		.timeout_nsec = npu_deadline(ns),
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	return npu_ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &w);
}

static inline int npu_syncobj_signal(int fd, __u32 handle)
{
	struct drm_syncobj_array a = { .handles = (uintptr_t)&handle, .count_handles = 1 };

	return npu_ioctl(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &a);
}

/* Result of a job; -EBUSY until it has finished. */
static inline int npu_result(int fd, __u32 queue, __u64 seqno, struct drm_npu_job_result *out)
{
	struct drm_npu_get_result g = {
		.queue_id = queue, .seqno = seqno, .size = sizeof(*out),
		.pointer = (uintptr_t)out,
	};

	memset(out, 0, sizeof(*out));
	return npu_ioctl(fd, DRM_IOCTL_NPU_JOB_RESULT, &g);
}

/* A device opened, with all that a job needs. */
struct npu_client {
	int fd;
	__u32 vm;
	__u32 queue;
	__u32 bo;
	__u32 done;		/* binary syncobj that npu_client_submit() fills */
	__u8 *mem;		/* NPU_CLIENT_BYTES at device address NPU_CLIENT_VA, writable */
};

#define NPU_CLIENT_VA		0x200000ull
#define NPU_CLIENT_BYTES	(1ull << 20)
#define NPU_CLIENT_DATA		0x80000	/* offset where the tests keep data; commands before it */

static inline int npu_client_open(struct npu_client *c)
{
	struct drm_npu_bo_create bo;
	int ret;

	memset(c, 0, sizeof(*c));
	c->fd = npu_open();
	if (c->fd < 0)
		return c->fd;
	ret = npu_vm_create(c->fd, &c->vm);
	if (!ret)
		ret = npu_queue_create(c->fd, c->vm, NPU_PRIORITY_NORMAL, &c->queue);
	if (!ret)
		ret = npu_bo_create(c->fd, NPU_CLIENT_BYTES, 0, &bo);
	if (!ret)
		ret = npu_map(c->fd, c->vm, bo.handle, NPU_CLIENT_VA, NPU_CLIENT_BYTES,
			      DRM_NPU_BIND_WRITE);
	if (ret) {
		close(c->fd);
		return ret;
	}
	c->bo = bo.handle;
	c->done = npu_syncobj(c->fd);
	c->mem = mmap(NULL, NPU_CLIENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd,
		      bo.mmap_offset);
	if (c->mem == MAP_FAILED || !c->done) {
		ret = c->mem == MAP_FAILED ? -errno : -ENOMEM;
		close(c->fd);
	}
	return ret;
}

static inline void npu_client_close(struct npu_client *c)
{
	munmap(c->mem, NPU_CLIENT_BYTES);
	close(c->fd);
}

/* Command buffer under construction, one stream, at offset zero of the client's memory. */
struct npu_stream {
	__u8 *base;
	__u32 size;
};

static inline struct npu_stream npu_stream_begin(struct npu_client *c)
{
	memset(c->mem, 0, NPU_CLIENT_DATA);
	return (struct npu_stream){ c->mem, sizeof(struct npu_cmdbuf_header) };
}

/* Appends a command of @bytes; its header is filled here. */
static inline void npu_emit(struct npu_stream *s, __u8 opcode, void *cmd, __u32 bytes)
{
	struct npu_cmd_hdr *h = cmd;

	h->opcode = opcode;
	h->words = bytes / 8;
	memcpy(s->base + s->size, cmd, bytes);
	s->size += bytes;
}

#define NPU_EMIT(s, op, type, ...) \
	do { \
		struct type cmd_ = { __VA_ARGS__ }; \
		npu_emit(s, op, &cmd_, sizeof(cmd_)); \
	} while (0)

/* Ends the stream and writes the header; returns the buffer's size. */
static inline __u32 npu_stream_end(struct npu_stream *s)
{
	struct npu_cmdbuf_header *h = (void *)s->base;

	NPU_EMIT(s, NPU_OP_END, npu_cmd_hdr, 0);
	h->magic = NPU_CMDBUF_MAGIC;
	h->version_major = NPU_CMD_VERSION_MAJOR;
	h->version_minor = NPU_CMD_VERSION_MINOR;
	h->size = s->size;
	h->n_streams = 1;
	h->stream[0].offset = sizeof(*h);
	h->stream[0].size = s->size - sizeof(*h);
	return s->size;
}

/* Submits one job on the client's command buffer; its fence goes to c->done. */
static inline int npu_client_submit(struct npu_client *c, __u32 cmdbuf_size, const __u64 *params,
				    __u32 n_params, __u64 *seqno)
{
	struct drm_npu_sync sync = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = c->done };
	struct drm_npu_job job = {
		.cmdbuf = NPU_CLIENT_VA, .cmdbuf_size = cmdbuf_size,
		.params = (uintptr_t)params, .n_params = n_params,
		.syncs = { .stride = sizeof(sync), .count = 1, .ptr = (uintptr_t)&sync },
	};
	struct drm_npu_submit s = {
		.queue_id = c->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};
	int ret = npu_ioctl(c->fd, DRM_IOCTL_NPU_SUBMIT, &s);

	if (seqno)
		*seqno = s.first_seqno;
	return ret;
}

/* Submits, waits, and reads the result: 0, or what failed of the three. */
static inline int npu_client_run(struct npu_client *c, __u32 cmdbuf_size, const __u64 *params,
				 __u32 n_params, struct drm_npu_job_result *out)
{
	__u64 seqno;
	int ret = npu_client_submit(c, cmdbuf_size, params, n_params, &seqno);

	if (!ret)
		ret = npu_syncobj_wait(c->fd, c->done, 60 * SEC);
	if (!ret)
		ret = npu_result(c->fd, c->queue, seqno, out);
	return ret;
}

/* Floats a[n] at data offset 0, b[n] at 4096; the job writes a + b at 8192. n <= 1024. */
static inline __u32 npu_build_add(struct npu_client *c, __u32 n)
{
	const __u64 data = NPU_CLIENT_VA + NPU_CLIENT_DATA;
	struct npu_stream s = npu_stream_begin(c);

	NPU_EMIT(&s, NPU_OP_LOAD, npu_cmd_dma, .spad = 0, .addr = { .base = data },
		 .row_bytes = n * 4, .rows = { .imm = 1 });
	NPU_EMIT(&s, NPU_OP_LOAD, npu_cmd_dma, .spad = 4096, .addr = { .base = data + 4096 },
		 .row_bytes = n * 4, .rows = { .imm = 1 });
	NPU_EMIT(&s, NPU_OP_EW, npu_cmd_ew, .op = NPU_EW_ADD, .dst = 8192, .a = 0, .b = 4096,
		 .cols = n, .rows = { .imm = 1 });
	NPU_EMIT(&s, NPU_OP_STORE, npu_cmd_dma, .spad = 8192, .addr = { .base = data + 8192 },
		 .row_bytes = n * 4, .rows = { .imm = 1 });
	return npu_stream_end(&s);
}

/* Runs npu_build_add() on values of @seed; true if every sum is right. */
static inline bool npu_client_adds(struct npu_client *c, unsigned int seed)
{
	float *a = (float *)(c->mem + NPU_CLIENT_DATA), *b = a + 1024, *sum = b + 1024;
	struct drm_npu_job_result r;
	const __u32 n = 1000;
	__u32 size = npu_build_add(c, n);

	for (__u32 i = 0; i < n; i++) {
		a[i] = (float)(seed + i);
		b[i] = 0.5f * i;
		sum[i] = -1;
	}
	if (npu_client_run(c, size, NULL, 0, &r) || r.error || r.fault)
		return false;
	for (__u32 i = 0; i < n; i++)
		if (sum[i] != a[i] + b[i])
			return false;
	return true;
}

/* A job that never ends by itself and makes no progress: loops inside loops. */
static inline __u32 npu_build_hang(struct npu_client *c)
{
	struct npu_stream s = npu_stream_begin(c);

	for (int i = 0; i < NPU_MAX_LOOP_DEPTH; i++)
		NPU_EMIT(&s, NPU_OP_LOOP, npu_cmd_loop, .count = { .imm = 0xffffffffu });
	NPU_EMIT(&s, NPU_OP_NOP, npu_cmd_hdr, 0);
	for (int i = 0; i < NPU_MAX_LOOP_DEPTH; i++)
		NPU_EMIT(&s, NPU_OP_LOOP_END, npu_cmd_hdr, 0);
	return npu_stream_end(&s);
}

#endif

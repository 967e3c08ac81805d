/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * The kernel's interface: ioctls on /dev/accel/accelN.
 *
 * Extension rules
 * - Structures grow at their end only, by fields for which zero means what was before. The kernel
 *   takes shorter ones (missing fields are zero) and longer ones whose unknown part is zero
 *   (-E2BIG otherwise). Arrays carry the stride of their elements for the same reason.
 * - Every pad is zero and every flag known, else -EINVAL.
 * - Flags, query types and enum values are added, never changed. Each addition raises the driver's
 *   minor version and stands in the list above struct drm_driver.
 * - Pointers are __u64; handles are of GEM, VM, queue or syncobj; all belong to the open file.
 *
 * Errors of every call: -EFAULT bad pointer, -ENODEV device gone, -ENOENT unknown handle,
 * -EINTR to be restarted with the same arguments, -ENOMEM, -EIO the device did not come back from
 * a reset. The others stand at each call.
 */
#ifndef NPU_DRM_H
#define NPU_DRM_H

#if defined(__KERNEL__)
#include <drm/drm.h>
#else
#include <drm.h>
#endif
#include "npu_types.h"
#include "npu_cmd.h"
#include "npu_fw_msg.h"

#if defined(__cplusplus)
extern "C" {
#endif

/* Limits of the interface; -E2BIG or -EINVAL past them, as said at the call. */
#define DRM_NPU_MAX_BO_SIZE	(256ull << 30)
#define DRM_NPU_MAX_BIND_OPS	1024
#define DRM_NPU_MAX_JOBS	64
#define DRM_NPU_MAX_ENTRIES	16384	/* of all queues of the device */
#define DRM_NPU_MAX_SYNCS	64
#define DRM_NPU_MAX_STRIDE	4096	/* of array elements, bytes */
#define DRM_NPU_MAX_RESULTS	256	/* results that the kernel keeps for a queue */

enum drm_npu_ioctl_id {
	DRM_NPU_DEV_QUERY	= 0x00,
	DRM_NPU_BO_CREATE	= 0x01,
	DRM_NPU_BO_INFO		= 0x02,
	DRM_NPU_VM_CREATE	= 0x03,
	DRM_NPU_VM_DESTROY	= 0x04,
	DRM_NPU_VM_BIND		= 0x05,
	DRM_NPU_QUEUE_CREATE	= 0x06,
	DRM_NPU_QUEUE_DESTROY	= 0x07,
	DRM_NPU_QUEUE_STATE	= 0x08,
	DRM_NPU_SUBMIT		= 0x09,
	DRM_NPU_JOB_RESULT	= 0x0a,
};

/*
 * An array in user memory. Errors: -EINVAL stride below the size of the element's first version, or
 * not zero while count is; -E2BIG stride past DRM_NPU_MAX_STRIDE, count past the call's limit.
 */
struct drm_npu_array {
	__u32 stride;		/* bytes; zero if count is */
	__u32 count;
	__u64 ptr;
};

enum drm_npu_query {
	DRM_NPU_QUERY_DEVICE	= 0,	/* struct drm_npu_device_info */
	DRM_NPU_QUERY_FIRMWARE	= 1,	/* struct drm_npu_firmware_info */
};

/**
 * struct drm_npu_dev_query - Ask about the device.
 *
 * With pointer zero only @size is returned, the kernel's own. Else at most @size bytes are
 * written and @size becomes the number written.
 * Errors: -EINVAL unknown type or pad.
 */
struct drm_npu_dev_query {
	__u32 type;		/* enum drm_npu_query */
	__u32 size;		/* in: room at pointer; out: see above */
	__u64 pointer;
	__u64 pad;
};

struct drm_npu_device_info {
	__u32 hw_version;	/* major << 16 | minor */
	__u32 cmd_version;
	__u32 cores;
	__u32 spad_bytes;	/* of a core */
	__u32 fifo_bytes;
	__u32 macs;		/* a cycle and core */
	__u32 matrix_mhz;
	__u32 vector_bits;
	__u32 dma_channels;
	__u32 dma_bytes;	/* a cycle and channel */
	__u32 dma_mhz;
	__u32 dram_mbps;	/* 10^6 bytes a second */
	__u32 dram_ns;
	__u32 contexts;
	__u32 queues;
	__u32 va_bits;
	__u64 va_min;		/* lowest address that can be bound */
	__u64 va_max;		/* first address past the highest */
	__u32 resets;		/* device resets since the driver was bound */
	__u32 pad;
};
NPU_CHECK_SIZE(struct drm_npu_device_info, 88);

struct drm_npu_firmware_info {
	__u32 api;		/* major << 16 | minor */
	__u32 security_version;
	char version[32];
};
NPU_CHECK_SIZE(struct drm_npu_firmware_info, 40);

/* Buffer is never written by the device: binds with write access are refused. */
#define DRM_NPU_BO_READ_ONLY	(1 << 0)

/**
 * struct drm_npu_bo_create - Make a buffer of zeroed system memory.
 *
 * Its pages are allocated when it is first bound or touched.
 * Errors: -EINVAL size zero, past DRM_NPU_MAX_BO_SIZE, unknown flag or pad.
 */
struct drm_npu_bo_create {
	__u64 size;		/* in: bytes; out: rounded up to pages */
	__u32 flags;		/* DRM_NPU_BO_* */
	__u32 handle;		/* out */
	__u64 mmap_offset;	/* out: for mmap() of the device file */
	__u64 pad;
};

/** struct drm_npu_bo_info - Size and map offset of a buffer, an imported one as well. */
struct drm_npu_bo_info {
	__u32 handle;
	__u32 flags;		/* out */
	__u64 size;		/* out */
	__u64 mmap_offset;	/* out; zero if it cannot be mapped here */
	__u64 pad;
};

/**
 * struct drm_npu_vm_create - Make an address space.
 *
 * Errors: -EINVAL unknown flag, -ENOSPC all contexts of the device are in use.
 */
struct drm_npu_vm_create {
	__u32 flags;		/* zero */
	__u32 vm_id;		/* out, not zero */
};

/** struct drm_npu_vm_destroy - Errors: -EBUSY queues still use it, -EINVAL pad. */
struct drm_npu_vm_destroy {
	__u32 vm_id;
	__u32 pad;
};

enum drm_npu_bind_type {
	DRM_NPU_BIND_MAP	= 0,
	DRM_NPU_BIND_UNMAP	= 1,	/* handle and bo_offset zero */
};

#define DRM_NPU_BIND_WRITE	(1 << 0)	/* device may write; MAP only */

struct drm_npu_bind_op {
	__u32 type;		/* enum drm_npu_bind_type */
	__u32 flags;		/* DRM_NPU_BIND_* */
	__u32 handle;
	__u32 pad;
	__u64 va;		/* multiple of the page size (4096) */
	__u64 bo_offset;	/* likewise */
	__u64 size;		/* likewise, not zero */
};

/**
 * struct drm_npu_vm_bind - Map and unmap ranges, in order; done when the call returns.
 *
 * MAP replaces what was there. UNMAP of a hole is no error. A job that runs on an
 * unmapped range faults; it never reaches the old pages once the call has returned.
 * Errors: -EINVAL address, offset or size misaligned, wrapping or out of range,
 * unknown type or flag, pad; -EACCES write access to a read-only buffer; -E2BIG more than
 * DRM_NPU_MAX_BIND_OPS. On an error in op i, ops before i are done and @done tells i.
 */
struct drm_npu_vm_bind {
	__u32 vm_id;
	__u32 flags;		/* zero */
	struct drm_npu_array ops;	/* of struct drm_npu_bind_op */
	__u32 done;		/* out: ops that took effect */
	__u32 pad;
};

/**
 * struct drm_npu_queue_create - Make an ordered stream of jobs on an address space.
 *
 * Errors: -EINVAL priority, entries or pad; -EACCES NPU_PRIORITY_HIGH and above without
 * CAP_SYS_NICE; -ENOSPC all queues of the device are in use, or the entries of all together
 * would be more than DRM_NPU_MAX_ENTRIES.
 */
struct drm_npu_queue_create {
	__u32 vm_id;
	__u32 priority;		/* NPU_PRIORITY_* */
	__u32 entries;		/* jobs in flight, power of two, NPU_QUEUE_ENTRIES_MIN.._MAX */
	__u32 flags;		/* zero */
	__u32 queue_id;		/* out, not zero */
	__u32 pad;
};

/** struct drm_npu_queue_destroy - Ends its jobs with -ECANCELED. Errors: -EINVAL pad. */
struct drm_npu_queue_destroy {
	__u32 queue_id;
	__u32 pad;
};

/*
 * A queue dies with the first job that is lost: its later jobs end with -ECANCELED, submits get
 * -EIO. Its VM and buffers stay as they are; a new queue on them goes on. A fault loses what the
 * queues of the same VM have in flight; a device reset what those have of which a job had begun. A
 * queue with nothing in flight lives on through both, and through a reset one whose jobs all wait.
 */
#define DRM_NPU_QUEUE_DEAD	(1 << 0)	/* takes no more jobs */
#define DRM_NPU_QUEUE_GUILTY	(1 << 1)	/* a job of its own faulted or hung */
#define DRM_NPU_QUEUE_INNOCENT	(1 << 2)	/* lost a job by another's fault or a reset */

/** struct drm_npu_queue_state - How a queue is. Errors: -EINVAL pad. */
struct drm_npu_queue_state {
	__u32 queue_id;
	__u32 state;		/* out: DRM_NPU_QUEUE_* */
	__u64 submitted;	/* out: highest sequence number given */
	__u64 completed;	/* out: highest finished */
	__u32 fault;		/* out: enum npu_fault that killed it */
	__u32 pad;
};

#define DRM_NPU_SYNC_SIGNAL	(1 << 0)	/* else wait */
#define DRM_NPU_SYNC_TIMELINE	(1 << 1)	/* else binary */

struct drm_npu_sync {
	__u32 flags;		/* DRM_NPU_SYNC_* */
	__u32 handle;		/* syncobj */
	__u64 value;		/* timeline point; zero for a binary one */
};

struct drm_npu_job {
	__u64 cmdbuf;		/* device address, 64-byte aligned */
	__u32 cmdbuf_size;	/* bytes, multiple of 8, at most NPU_MAX_CMDBUF_BYTES */
	__u32 n_params;		/* at most NPU_MAX_PARAMS */
	__u64 params;		/* pointer to __u64[n_params] */
	struct drm_npu_array syncs;	/* of struct drm_npu_sync */
};

/**
 * struct drm_npu_submit - Queue jobs; each runs one command buffer once.
 *
 * Jobs of one call start in order. Either all are queued or none is. Their sequence numbers are
 * first_seqno, first_seqno + 1, ... A job waits for all its syncs that do not signal; what an
 * earlier job of the same call signals needs no wait. Errors: -EINVAL count zero, an unknown flag
 * or pad, a misaligned, empty or oversized command buffer, a timeline point of zero, a sync to wait
 * for that has no fence yet; -E2BIG more than DRM_NPU_MAX_JOBS jobs, DRM_NPU_MAX_SYNCS syncs of a
 * job or NPU_MAX_PARAMS parameters; -EIO the queue is dead (see DRM_NPU_QUEUE_STATE).
 */
struct drm_npu_submit {
	__u32 queue_id;
	__u32 flags;		/* zero */
	struct drm_npu_array jobs;	/* of struct drm_npu_job */
	__u64 first_seqno;	/* out */
};

/* What became of a job; times are modelled unless the name says host. */
struct drm_npu_job_result {
	__u64 seqno;
	/* 0, or -EFAULT page fault, -EINVAL bad command, -ETIME hang, -ECANCELED killed */
	__s32 error;
	__u32 fault;		/* enum npu_fault */
	__u32 fault_core;
	__u32 fault_opcode;
	__u32 fault_offset;	/* of the command in the command buffer */
	__u32 fault_mark;
	__u64 fault_addr;
	__u64 model_ns;
	__u64 busy_ns[NPU_ENGINE_COUNT];
	__u64 read_bytes;
	__u64 write_bytes;
	__u64 macs;
	__u64 energy_pj;
	__u64 host_ns;
	__u64 commands;
	__u64 wait_ns;		/* from the doorbell to the end without model_ns; since 1.1 */
};
NPU_CHECK_SIZE(struct drm_npu_job_result, 136);

/**
 * struct drm_npu_get_result - Read the result of a finished job.
 *
 * At most @size bytes are written and @size becomes the number written.
 * Errors: -EBUSY it has not finished, -ENODATA never given or no longer kept (the last
 * DRM_NPU_MAX_RESULTS are), -EINVAL pad.
 */
struct drm_npu_get_result {
	__u32 queue_id;
	__u32 size;
	__u64 seqno;
	__u64 pointer;		/* struct drm_npu_job_result */
	__u64 pad;
};

#define DRM_NPU_IOWR(name, type) DRM_IOWR(DRM_COMMAND_BASE + DRM_NPU_##name, struct drm_npu_##type)

#define DRM_IOCTL_NPU_DEV_QUERY		DRM_NPU_IOWR(DEV_QUERY, dev_query)
#define DRM_IOCTL_NPU_BO_CREATE		DRM_NPU_IOWR(BO_CREATE, bo_create)
#define DRM_IOCTL_NPU_BO_INFO		DRM_NPU_IOWR(BO_INFO, bo_info)
#define DRM_IOCTL_NPU_VM_CREATE		DRM_NPU_IOWR(VM_CREATE, vm_create)
#define DRM_IOCTL_NPU_VM_DESTROY	DRM_NPU_IOWR(VM_DESTROY, vm_destroy)
#define DRM_IOCTL_NPU_VM_BIND		DRM_NPU_IOWR(VM_BIND, vm_bind)
#define DRM_IOCTL_NPU_QUEUE_CREATE	DRM_NPU_IOWR(QUEUE_CREATE, queue_create)
#define DRM_IOCTL_NPU_QUEUE_DESTROY	DRM_NPU_IOWR(QUEUE_DESTROY, queue_destroy)
#define DRM_IOCTL_NPU_QUEUE_STATE	DRM_NPU_IOWR(QUEUE_STATE, queue_state)
#define DRM_IOCTL_NPU_SUBMIT		DRM_NPU_IOWR(SUBMIT, submit)
#define DRM_IOCTL_NPU_JOB_RESULT	DRM_NPU_IOWR(JOB_RESULT, get_result)

NPU_CHECK_SIZE(struct drm_npu_array, 16);
NPU_CHECK_SIZE(struct drm_npu_dev_query, 24);
NPU_CHECK_SIZE(struct drm_npu_bo_create, 32);
NPU_CHECK_SIZE(struct drm_npu_bo_info, 32);
NPU_CHECK_SIZE(struct drm_npu_bind_op, 40);
NPU_CHECK_SIZE(struct drm_npu_vm_bind, 32);
NPU_CHECK_SIZE(struct drm_npu_queue_create, 24);
NPU_CHECK_SIZE(struct drm_npu_queue_state, 32);
NPU_CHECK_SIZE(struct drm_npu_sync, 16);
NPU_CHECK_SIZE(struct drm_npu_job, 40);
NPU_CHECK_SIZE(struct drm_npu_submit, 32);
NPU_CHECK_SIZE(struct drm_npu_get_result, 32);

#if defined(__cplusplus)
}
#endif

#endif

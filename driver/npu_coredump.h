/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is kept of a fault, a hang or a crash of the firmware: a text in /sys/class/devcoredump,
 * made later by a work item from a snapshot that was allocated at probe.
 */
#ifndef NPU_COREDUMP_H
#define NPU_COREDUMP_H

#include <linux/ktime.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "npu_fw_msg.h"

struct npu_device;
struct npu_job;

#define NPU_COREDUMP_LOG	4096	/* bytes of the firmware's log */

struct npu_coredump {
	struct work_struct work;
	atomic_t busy;			/* a snapshot waits for its reader */
	const char *why;
	ktime_t when;
	/* The firmware that ran */
	char version[32];
	const char *where;
	u32 api;
	u32 features;
	bool has_job;			/* the rest up to done is of it */
	u32 queue;
	u32 context;
	u32 state;
	u32 in_flight;
	u64 seqno;
	struct npu_ring_entry entry;
	struct npu_done done;		/* zero for a hang */
	struct npu_status_page *status;
	char *log;
	u32 log_bytes;
};

int npu_coredump_init(struct npu_device *npu);
void npu_coredump_fini(struct npu_device *npu);

/*
 * npu_coredump_take() - Takes a snapshot unless one waits to be written; from any context, before
 * the device is reset. @why is static. With a @job the lock of its queue is held; @done may be
 * NULL. Without a job, as when the firmware crashed, it has the firmware's half alone.
 */
void npu_coredump_take(struct npu_device *npu, struct npu_job *job, const struct npu_done *done,
		       const char *why);

/* npu_coredump_copy_log() - The last bytes of the firmware's log, at most @size; how many. */
u32 npu_coredump_copy_log(struct npu_device *npu, char *to, u32 size);

#endif

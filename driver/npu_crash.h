/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A firmware that has stopped, in whatever way: noticed within a bounded time, and told.
 */
#ifndef NPU_CRASH_H
#define NPU_CRASH_H

#include <linux/ktime.h>
#include <linux/timer.h>
#include <linux/types.h>

#include "npu_fw_msg.h"

struct npu_device;

#define NPU_CRASH_LOOK_MS	500

struct npu_crash {
	struct timer_list timer;
	u32 heartbeat;		/* when last looked at */
	ktime_t since;		/* when it was first seen so */
};

void npu_crash_init(struct npu_device *npu);

/*
 * While it is watched, a look every NPU_CRASH_LOOK_MS at memory alone tells whether the heartbeat
 * goes on; a firmware silent for fw_timeout_ms, or dead, is taken for crashed. unwatch waits for a
 * look under way, also if nothing was watched.
 */
void npu_crash_watch(struct npu_device *npu);
void npu_crash_unwatch(struct npu_device *npu);

/* npu_crash_look() - Whether the device says that its firmware is dead; from any context. */
void npu_crash_look(struct npu_device *npu);

/* npu_crash_event() - The firmware's own last message; from the interrupt. */
void npu_crash_event(struct npu_device *npu, const struct npu_msg *msg);

/* npu_crash_tell() - Prints the panic record, if the firmware could write one. */
void npu_crash_tell(struct npu_device *npu);

/* npu_crash_reason() - enum npu_panic in words */
const char *npu_crash_reason(u32 reason);

#endif

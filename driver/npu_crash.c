// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches over the firmware: its heartbeat, its state, its last words.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "npu_crash.h"
#include "npu_device.h"
#include "npu_mbox.h"
#include "npu_queue.h"
#include "npu_recovery.h"

static unsigned int npu_crash_timeout_ms = 4000;
module_param_named(fw_timeout_ms, npu_crash_timeout_ms, uint, 0644);
MODULE_PARM_DESC(fw_timeout_ms, "Time without a heartbeat after which the firmware is re-booted; 0: never (default 4000)");

const char *npu_crash_reason(u32 reason)
{
	switch (reason) {
	case NPU_PANIC_TRAP:
		return "exception";
	case NPU_PANIC_WATCHDOG:
		return "watchdog";
	case NPU_PANIC_CHECK:
		return "failed check";
	case NPU_PANIC_STACK:
		return "stack overrun";
	default:
		return "unknown reason";
	}
}

void npu_crash_event(struct npu_device *npu, const struct npu_msg *msg)
{
	drm_err(&npu->base, "firmware panic: %s at %#llx, value %#llx\n",
		npu_crash_reason(msg->panic.reason), msg->panic.pc, msg->panic.value);
	npu_recovery_crashed(npu, "firmware panic");
}

void npu_crash_look(struct npu_device *npu)
{
	if (npu_read(npu, NPU_REG_STATE) == NPU_STATE_DEAD)
		npu_recovery_crashed(npu, "the firmware has stopped");
}

void npu_crash_tell(struct npu_device *npu)
{
	struct npu_fw_panic panic;

	/* A copy: what was checked does not change any more. */
	memcpy(&panic, &npu->status->panic, sizeof(panic));
	if (panic.magic != NPU_PANIC_MAGIC)
		return;
	drm_err(&npu->base, "firmware panic record: %s, cause %#x, pc %#x, value %#x: %*pE\n",
		npu_crash_reason(panic.reason), panic.cause, panic.pc, panic.value,
		(int)strnlen(panic.text, sizeof(panic.text)), panic.text);
}

/* No change since the last look; no register is read while there are some. */
static void npu_crash_silent(struct npu_device *npu, s64 ms)
{
	unsigned int limit = READ_ONCE(npu_crash_timeout_ms);

	/* A message that explains it comes first. */
	if (npu_read(npu, NPU_REG_STATE) == NPU_STATE_DEAD)
		npu_mbox_drain(npu);
	if (!limit || ms < limit)
		return;
	drm_err(&npu->base, "the firmware is silent for %lld ms, allowed are %u\n", ms, limit);
	npu_recovery_crashed(npu, "the firmware is silent");
	/* Told; the reset begins a new watch. */
	npu->crash.since = ktime_get();
}

/*
 * Indices that cannot be: looked at here since no interrupt may come that would. Who drains the
 * rings holds the locks and judges.
 */
static void npu_crash_rings(struct npu_device *npu)
{
	u32 tail = READ_ONCE(npu->status->d2h_tail);

	if (tail - READ_ONCE(npu->mbox.d2h_head) > NPU_MBOX_D2H_ENTRIES)
		npu_mbox_drain(npu);
	tail = READ_ONCE(npu->status->done_tail);
	if (tail - READ_ONCE(npu->done_head) > NPU_DONE_ENTRIES)
		npu_queue_drain_done(npu);
}

static void npu_crash_timer(struct timer_list *timer)
{
	struct npu_device *npu = container_of(timer, struct npu_device, crash.timer);
	u32 heartbeat = READ_ONCE(npu->status->heartbeat);
	struct npu_crash *crash = &npu->crash;

	if (crash->heartbeat != heartbeat) {
		crash->heartbeat = heartbeat;
		crash->since = ktime_get();
	} else {
		npu_crash_silent(npu, ktime_ms_delta(ktime_get(), crash->since));
	}
	npu_crash_rings(npu);
	mod_timer(timer, jiffies + msecs_to_jiffies(NPU_CRASH_LOOK_MS));
}

void npu_crash_init(struct npu_device *npu)
{
	timer_setup(&npu->crash.timer, npu_crash_timer, 0);
}

void npu_crash_watch(struct npu_device *npu)
{
	npu->crash.heartbeat = READ_ONCE(npu->status->heartbeat);
	npu->crash.since = ktime_get();
	mod_timer(&npu->crash.timer, jiffies + msecs_to_jiffies(NPU_CRASH_LOOK_MS));
}

void npu_crash_unwatch(struct npu_device *npu)
{
	timer_delete_sync(&npu->crash.timer);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ladder of recovery: queue, context, device, bus, wedged. A rung is climbed only when the
 * one below got no answer. All of it runs on reset_wq, one at a time.
 */
#ifndef NPU_RECOVERY_H
#define NPU_RECOVERY_H

#include <linux/types.h>

struct npu_device;
struct npu_job;
struct npu_vm;

void npu_recovery_init(struct npu_device *npu);

/*
 * npu_recovery_crashed() - The firmware does not do what it should: takes a core dump and resets
 * the device, soon; from any context. @why is static. The first complaint names the reason.
 */
void npu_recovery_crashed(struct npu_device *npu, const char *why);

/* npu_recovery_reset_later() - The same for a firmware that is well. */
void npu_recovery_reset_later(struct npu_device *npu, const char *why);

/* npu_recovery_wait() - Waits for a reset that was asked for; not on reset_wq. */
void npu_recovery_wait(struct npu_device *npu);

/**
 * npu_recovery_timeout() - Look after a job whose time is up.
 * @job: first unfinished job of its queue, inside drm_dev_enter(), on reset_wq
 *
 * A job that makes progress, or that the firmware has not begun, gets more time. Any other
 * one ends here: queue reset, then device reset.
 */
void npu_recovery_timeout(struct npu_job *job);

/* npu_recovery_context() - Clears the fault of a VM's context; on reset_wq. */
void npu_recovery_context(struct npu_vm *vm);

#endif

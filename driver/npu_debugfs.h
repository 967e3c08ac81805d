/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files below /sys/kernel/debug/accel/<device>: machine, firmware, fw_log, queues, vms, counters,
 * reset.
 */
#ifndef NPU_DEBUGFS_H
#define NPU_DEBUGFS_H

struct npu_device;

/* npu_debugfs_init() - At probe: the core does not call drm_driver.debugfs_init for accel nodes. */
void npu_debugfs_init(struct npu_device *npu);

#endif

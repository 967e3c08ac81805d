/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an open file owns: its VMs, its queues, what its jobs took.
 */
#ifndef NPU_DRV_H
#define NPU_DRV_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/xarray.h>

#include "npu_fw_msg.h"

struct npu_device;

/* Sums over all finished jobs of a file; modelled unless the name says host. */
struct npu_usage {
	atomic64_t busy_ns[NPU_ENGINE_COUNT];
	atomic64_t model_ns;
	atomic64_t energy_pj;
	atomic64_t read_bytes;
	atomic64_t write_bytes;
	atomic64_t macs;
	atomic64_t host_ns;
	atomic64_t jobs;
};

/* Counted: jobs which outlive the file still add to its usage. */
struct npu_file {
	struct kref ref;
	struct npu_device *npu;
	u64 client_id;
	struct xarray vms;
	struct xarray queues;
	struct npu_usage usage;
};

struct npu_file *npu_file_get(struct npu_file *nfile);
void npu_file_put(struct npu_file *nfile);

#endif

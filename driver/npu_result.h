/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What became of a queue's last jobs.
 */
#ifndef NPU_RESULT_H
#define NPU_RESULT_H

#include <linux/types.h>

#include "npu_drm.h"

struct drm_device;
struct drm_file;
struct npu_job;

/* Slot of a sequence number is its remainder; allocated with its queue. */
struct npu_results {
	struct drm_npu_job_result *slot;	/* DRM_NPU_MAX_RESULTS */
};

int npu_results_init(struct npu_results *results);
void npu_results_fini(struct npu_results *results);

/**
 * npu_result_store() - Keep the result of a job and add it to its file's usage.
 * @job: with its queue's lock held
 * @done: completion record, or NULL if the job never ran
 * @fault: enum npu_fault
 * @error: 0 or negative
 */
void npu_result_store(struct npu_job *job, const struct npu_done *done, u32 fault, int error);

int npu_ioctl_job_result(struct drm_device *drm, void *data, struct drm_file *file);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Job results: stored when a job ends, read by JOB_RESULT.
 */
#include <linux/slab.h>

#include <drm/drm_file.h>

#include "npu_device.h"
#include "npu_drv.h"
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_result.h"
#include "npu_uapi.h"

int npu_results_init(struct npu_results *results)
{
	results->slot = kvcalloc(DRM_NPU_MAX_RESULTS, sizeof(*results->slot), GFP_KERNEL_ACCOUNT);
	return results->slot ? 0 : -ENOMEM;
}

void npu_results_fini(struct npu_results *results)
{
	kvfree(results->slot);
}

static struct drm_npu_job_result *npu_result_slot(struct npu_results *results, u64 seqno)
{
	return &results->slot[seqno % DRM_NPU_MAX_RESULTS];
}

static void npu_result_account(struct npu_usage *usage, const struct npu_done *done)
{
	int i;

	for (i = 0; i < NPU_ENGINE_COUNT; i++)
		atomic64_add(done->busy_ns[i], &usage->busy_ns[i]);
	atomic64_add(done->model_ns, &usage->model_ns);
	atomic64_add(done->energy_pj, &usage->energy_pj);
	atomic64_add(done->read_bytes, &usage->read_bytes);
	atomic64_add(done->write_bytes, &usage->write_bytes);
	atomic64_add(done->macs, &usage->macs);
	atomic64_add(done->host_ns, &usage->host_ns);
	atomic64_inc(&usage->jobs);
}

void npu_result_store(struct npu_job *job, const struct npu_done *done, u32 fault, int error)
{
	struct npu_queue *queue = job->queue;
	struct drm_npu_job_result *result = npu_result_slot(&queue->results, job->seqno);

	lockdep_assert_held(&queue->lock);
	queue->completed = max(queue->completed, job->seqno);
	/* With more jobs in flight than are kept, an old one may come after a new one. */
	if (result->seqno > job->seqno)
		return;
	memset(result, 0, sizeof(*result));
	result->seqno = job->seqno;
	result->error = error;
	result->fault = fault;
	if (!done)
		return;
	result->fault_core = done->fault_core;
	result->fault_opcode = done->fault_opcode;
	result->fault_offset = done->fault_offset;
	result->fault_mark = done->fault_mark;
	result->fault_addr = done->fault_addr;
	result->model_ns = done->model_ns;
	memcpy(result->busy_ns, done->busy_ns, sizeof(result->busy_ns));
	result->read_bytes = done->read_bytes;
	result->write_bytes = done->write_bytes;
	result->macs = done->macs;
	result->energy_pj = done->energy_pj;
	result->host_ns = done->host_ns;
	result->commands = done->commands;
	if (queue->npu->fw.features & NPU_FW_FEATURE_WAIT_NS)
		result->wait_ns = done->wait_ns;
	npu_result_account(&queue->nfile->usage, done);
}

static bool npu_result_pending(struct npu_queue *queue, u64 seqno)
{
	struct npu_job *job;

	if (seqno > queue->completed)
		return true;
	/* Jobs cancelled before they ran may end before those which are being killed. */
	list_for_each_entry(job, &queue->in_flight, node) {
		if (job->seqno == seqno)
			return true;
	}
	return false;
}

static int npu_result_load(struct npu_queue *queue, u64 seqno, struct drm_npu_job_result *out)
{
	int ret = 0;

	spin_lock_irq(&queue->lock);
	if (!seqno || seqno > queue->submitted)
		ret = -ENODATA;
	else if (npu_result_slot(&queue->results, seqno)->seqno == seqno)
		*out = *npu_result_slot(&queue->results, seqno);
	else
		ret = npu_result_pending(queue, seqno) ? -EBUSY : -ENODATA;
	spin_unlock_irq(&queue->lock);
	return ret;
}

int npu_ioctl_job_result(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_npu_get_result *args = data;
	struct drm_npu_job_result result;
	struct npu_queue *queue;
	int ret;

	if (args->pad)
		return -EINVAL;
	queue = npu_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;
	ret = npu_result_load(queue, args->seqno, &result);
	npu_queue_put(queue);
	if (ret)
		return ret;
	return npu_uapi_give(args->pointer, &result, sizeof(result), &args->size);
}

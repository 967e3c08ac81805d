// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "transport.h"
#include "vm.h"

#define QUEUE_ENTRIES_DEFAULT 64

int npu_queue_create(struct npu_vm *vm, uint32_t priority, uint32_t entries,
		     struct npu_queue **out)
{
	struct npu_queue *queue;
	int rc;

	if (!entries)
		entries = QUEUE_ENTRIES_DEFAULT;
	if (priority >= NPU_PRIORITY_COUNT)
		return npu_fail(-EINVAL, "queue: priority is %u, must be 0..%u", priority,
				NPU_PRIORITY_COUNT - 1);
	if (entries & (entries - 1) || entries < NPU_QUEUE_ENTRIES_MIN ||
	    entries > NPU_QUEUE_ENTRIES_MAX)
		return npu_fail(-EINVAL, "queue: entries is %u, must be a power of two in %u..%u",
				entries, NPU_QUEUE_ENTRIES_MIN, NPU_QUEUE_ENTRIES_MAX);
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return npu_fail(-ENOMEM, "queue: no memory");
	queue->vm = npu_vm_ref(vm);
	queue->priority = priority;
	queue->entries = entries;
	rc = vm->dev->ops->queue_create(queue);
	if (rc) {
		npu_vm_destroy(vm);
		free(queue);
		return rc;
	}
	*out = queue;
	return 0;
}

void npu_queue_destroy(struct npu_queue *queue)
{
	if (!queue)
		return;
	queue->vm->dev->ops->queue_destroy(queue);
	npu_vm_destroy(queue->vm);
	free(queue);
}

int npu_queue_state(struct npu_queue *queue, struct npu_queue_state *out)
{
	return queue->vm->dev->ops->queue_state(queue, out);
}

static int check_job(const struct npu_queue *queue, const struct npu_job *job, uint32_t i,
		     uint32_t *syncs)
{
	if (job->cmdbuf % 64 || !job->cmdbuf)
		return npu_fail(-EINVAL, "submit: job %u: command buffer at 0x%llx, must be a "
				"multiple of 64 and not zero", i, (unsigned long long)job->cmdbuf);
	if (job->cmdbuf_size % 8 || job->cmdbuf_size < sizeof(struct npu_cmdbuf_header) ||
	    job->cmdbuf_size > NPU_MAX_CMDBUF_BYTES)
		return npu_fail(-EINVAL, "submit: job %u: command buffer of %u bytes, must be a "
				"multiple of 8 in %zu..%u", i, job->cmdbuf_size,
				sizeof(struct npu_cmdbuf_header), NPU_MAX_CMDBUF_BYTES);
	if (job->n_params > NPU_MAX_PARAMS)
		return npu_fail(-E2BIG, "submit: job %u: %u parameters, at most %u", i,
				job->n_params, NPU_MAX_PARAMS);
	if (job->n_syncs > NPU_SUBMIT_SYNCS_MAX - *syncs)
		return npu_fail(-E2BIG, "submit: more than %u syncs", NPU_SUBMIT_SYNCS_MAX);
	*syncs += job->n_syncs;
	for (uint32_t s = 0; s < job->n_syncs; s++) {
		const struct npu_sync_op *op = &job->syncs[s];

		if (op->flags & ~NPU_SYNC_OP_SIGNAL || !op->value)
			return npu_fail(-EINVAL, "submit: job %u: sync %u: flags 0x%x or value "
					"%llu", i, s, op->flags, (unsigned long long)op->value);
		if (op->sync->dev != queue->vm->dev)
			return npu_fail(-EINVAL, "submit: job %u: sync %u is of another device", i,
					s);
	}
	return 0;
}

int npu_submit(struct npu_queue *queue, const struct npu_job *jobs, uint32_t n,
	       uint64_t *first_seqno)
{
	uint32_t syncs = 0;

	if (!n)
		return npu_fail(-EINVAL, "submit: no jobs");
	if (n > NPU_SUBMIT_JOBS_MAX)
		return npu_fail(-E2BIG, "submit: %u jobs, at most %u in a call", n,
				NPU_SUBMIT_JOBS_MAX);
	for (uint32_t i = 0; i < n; i++) {
		int rc = check_job(queue, &jobs[i], i, &syncs);

		if (rc)
			return rc;
	}
	return queue->vm->dev->ops->submit(queue, jobs, n, first_seqno);
}

int npu_wait(struct npu_queue *queue, uint64_t seqno, int64_t timeout_ns)
{
	return queue->vm->dev->ops->wait(queue, seqno, timeout_ns);
}

int npu_job_fd(struct npu_queue *queue, uint64_t seqno, int *fd)
{
	return queue->vm->dev->ops->job_fd(queue, seqno, fd);
}

int npu_job_result(struct npu_queue *queue, uint64_t seqno, struct npu_result *out)
{
	return queue->vm->dev->ops->job_result(queue, seqno, out);
}

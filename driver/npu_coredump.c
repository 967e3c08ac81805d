// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device core dumps.
 */
#include <linux/devcoredump.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "npu_coredump.h"
#include "npu_device.h"
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_vm.h"

#define NPU_COREDUMP_TEXT	(32 * 1024)

u32 npu_coredump_copy_log(struct npu_device *npu, char *to, u32 size)
{
	u32 room = npu->boot->log_bytes;
	u32 tail = READ_ONCE(npu->status->log_tail);
	u32 n = min3(tail, room, size);
	u32 i;

	for (i = 0; i < n; i++)
		to[i] = npu->log[(tail - n + i) % room];
	return n;
}

static void npu_coredump_print_job(struct drm_printer *p, const struct npu_coredump *dump)
{
	const struct npu_ring_entry *entry = &dump->entry;
	u32 i;

	drm_printf(p, "queue: %u\ncontext: %u\nstate: %#x\nin-flight: %u\n", dump->queue,
		   dump->context, dump->state, dump->in_flight);
	drm_printf(p, "job: %llu\ncmdbuf: %#llx\ncmdbuf-size: %u\n", dump->seqno, entry->cmdbuf,
		   entry->cmdbuf_size);
	for (i = 0; i < min_t(u32, entry->n_params, NPU_MAX_PARAMS); i++)
		drm_printf(p, "param-%u: %#llx\n", i, entry->params[i]);
}

static void npu_coredump_print_fault(struct drm_printer *p, const struct npu_done *done)
{
	drm_printf(p, "fault: %u\nfault-core: %u\nfault-opcode: %#x\nfault-offset: %#x\n",
		   done->fault, done->fault_core, done->fault_opcode, done->fault_offset);
	drm_printf(p, "fault-mark: %u\nfault-addr: %#llx\ncommands: %llu\nmodel-ns: %llu\n",
		   done->fault_mark, done->fault_addr, done->commands, done->model_ns);
}

static void npu_coredump_print(struct drm_printer *p, struct npu_device *npu)
{
	const struct npu_coredump *dump = &npu->coredump;
	const struct npu_status_page *status = dump->status;
	u32 i;

	drm_printf(p, "npu device core dump\nreason: %s\ntime-ns: %lld\nfirmware: %s\n", dump->why,
		   ktime_to_ns(dump->when), npu->fw.version);
	npu_coredump_print_job(p, dump);
	npu_coredump_print_fault(p, &dump->done);
	drm_printf(p, "heartbeat: %u\nh2d-head: %u\nd2h-tail: %u\n", status->heartbeat,
		   status->h2d_head, status->d2h_tail);
	drm_printf(p, "done-tail: %u\nmodel-ns-total: %llu\n", status->done_tail,
		   status->model_ns);
	for (i = 0; i < npu->info.queues; i++)
		drm_printf(p, "queue-%u: head %u done %u progress %llu\n", i,
			   status->queue[i].head, status->queue[i].done,
			   status->queue[i].progress);
	drm_printf(p, "firmware-log:\n%.*s\n", (int)dump->log_bytes, dump->log);
}

static void npu_coredump_work(struct work_struct *work)
{
	struct npu_device *npu = container_of(work, struct npu_device, coredump.work);
	struct drm_print_iterator iter = { .remain = NPU_COREDUMP_TEXT };
	struct drm_printer p;
	char *text;

	text = vzalloc(NPU_COREDUMP_TEXT);
	if (text) {
		iter.data = text;
		p = drm_coredump_printer(&iter);
		npu_coredump_print(&p, npu);
		/* Takes the text over. */
		dev_coredumpv(npu->base.dev, text, NPU_COREDUMP_TEXT - iter.remain, GFP_KERNEL);
	}
	atomic_set_release(&npu->coredump.busy, 0);
}

int npu_coredump_init(struct npu_device *npu)
{
	struct npu_coredump *dump = &npu->coredump;

	INIT_WORK(&dump->work, npu_coredump_work);
	dump->status = drmm_kzalloc(&npu->base, sizeof(*dump->status), GFP_KERNEL);
	dump->log = drmm_kzalloc(&npu->base, NPU_COREDUMP_LOG, GFP_KERNEL);
	return dump->status && dump->log ? 0 : -ENOMEM;
}

void npu_coredump_fini(struct npu_device *npu)
{
	/* Nothing takes a snapshot any more: ours is the last. */
	cancel_work_sync(&npu->coredump.work);
}

void npu_coredump_take(struct npu_queue *queue, struct npu_job *job, const struct npu_done *done,
		       const char *why)
{
	struct npu_device *npu = queue->npu;
	struct npu_coredump *dump = &npu->coredump;

	lockdep_assert_held(&queue->lock);
	if (atomic_cmpxchg_acquire(&dump->busy, 0, 1))
		return;
	dump->why = why;
	dump->when = ktime_get_boottime();
	dump->queue = queue->hw_id;
	dump->context = queue->vm->context;
	dump->state = queue->state;
	dump->in_flight = list_count_nodes(&queue->in_flight);
	dump->seqno = job->seqno;
	dump->entry = job->entry;
	memset(&dump->done, 0, sizeof(dump->done));
	if (done)
		dump->done = *done;
	memcpy(dump->status, npu->status, sizeof(*dump->status));
	dump->log_bytes = npu_coredump_copy_log(npu, dump->log, NPU_COREDUMP_LOG);
	queue_work(system_unbound_wq, &dump->work);
}

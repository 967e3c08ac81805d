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
#include "npu_crash.h"
#include "npu_device.h"
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_versions.h"
#include "npu_vm.h"

#define NPU_COREDUMP_TEXT	(32 * 1024)

u32 npu_coredump_copy_log(struct npu_device *npu, char *to, u32 size)
{
	const u32 room = NPU_LOG_BYTES;
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

/* As the firmware left it, or did not: nothing in it is believed. */
static void npu_coredump_print_panic(struct drm_printer *p, const struct npu_fw_panic *panic)
{
	int i;

	if (panic->magic != NPU_PANIC_MAGIC) {
		drm_puts(p, "panic: none\n");
		return;
	}
	drm_printf(p, "panic: %s\npanic-text: %*pE\n", npu_crash_reason(panic->reason),
		   (int)strnlen(panic->text, sizeof(panic->text)), panic->text);
	drm_printf(p, "panic-cause: %#x\npanic-pc: %#x\npanic-value: %#x\npanic-status: %#x\n",
		   panic->cause, panic->pc, panic->value, panic->status);
	drm_printf(p, "panic-model-ns: %llu\n", panic->model_ns);
	for (i = 0; i < ARRAY_SIZE(panic->regs); i++)
		drm_printf(p, "x%d: %#x\n", i, panic->regs[i]);
}

static void npu_coredump_print(struct drm_printer *p, struct npu_device *npu)
{
	const struct npu_coredump *dump = &npu->coredump;
	const struct npu_status_page *status = dump->status;
	u32 i;

	drm_printf(p, "npu device core dump\nreason: %s\ntime-ns: %lld\nfirmware: %s\n", dump->why,
		   ktime_to_ns(dump->when), dump->version);
	drm_printf(p, "firmware-from: %s\nfirmware-api: %u.%u\nfirmware-features: %#x\n",
		   dump->where, NPU_VERSION_MAJOR(dump->api), NPU_VERSION_MINOR(dump->api),
		   dump->features);
	npu_coredump_print_panic(p, &status->panic);
	if (dump->has_job) {
		npu_coredump_print_job(p, dump);
		npu_coredump_print_fault(p, &dump->done);
	}
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

static void npu_coredump_take_job(struct npu_coredump *dump, struct npu_job *job,
				  const struct npu_done *done)
{
	struct npu_queue *queue = job->queue;

	lockdep_assert_held(&queue->lock);
	dump->queue = queue->hw_id;
	dump->context = queue->vm->context;
	dump->state = queue->state;
	dump->in_flight = list_count_nodes(&queue->in_flight);
	dump->seqno = job->seqno;
	dump->entry = job->entry;
	memset(&dump->done, 0, sizeof(dump->done));
	if (done)
		dump->done = *done;
}

void npu_coredump_take(struct npu_device *npu, struct npu_job *job, const struct npu_done *done,
		       const char *why)
{
	struct npu_coredump *dump = &npu->coredump;

	if (atomic_cmpxchg_acquire(&dump->busy, 0, 1))
		return;
	dump->why = why;
	dump->when = ktime_get_boottime();
	memcpy(dump->version, npu->fw.version, sizeof(dump->version));
	dump->where = npu_fw_where(npu);
	dump->api = npu->fw.api;
	dump->features = npu->fw.features;
	dump->has_job = job;
	if (job)
		npu_coredump_take_job(dump, job, done);
	memcpy(dump->status, npu->status, sizeof(*dump->status));
	dump->log_bytes = npu_coredump_copy_log(npu, dump->log, NPU_COREDUMP_LOG);
	queue_work(system_unbound_wq, &dump->work);
}

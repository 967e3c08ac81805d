/* SPDX-License-Identifier: MIT */
#include "fw.h"
#include "test_faults.h"

#define ENTRY_SEQNO ((uint32_t)offsetof(struct npu_ring_entry, seqno))

uint64_t job_clock(void)
{
	/* It stands still while no job runs. */
	return fw.run.queue ? hw_read64(NPU_CC_MODEL_LO) : fw.model_ns;
}

void job_start(struct queue *q)
{
	uint32_t op = q->saved ? NPU_CC_JOB_RESUME : NPU_CC_JOB_START;
	uint32_t entry = 0;

	if (!q->saved) {
		entry = queue_entry(q);
		if (test_job(q, entry))
			return;
	}
	fw.run = (struct run) {
		.queue = q,
		.priority = q->priority,
		.limit_ns = sched_limit(q),
	};
	fw.sched.news = false;
	hw_write(NPU_CC_JOB_QUEUE, q->id);
	hw_write(NPU_CC_JOB_CONTEXT, q->context);
	hw_write(NPU_CC_JOB_ENTRY, entry);
	hw_write64(NPU_CC_JOB_LIMIT_LO, fw.run.limit_ns);
	hw_write(NPU_CC_JOB_OP, op);
	if (q->saved) {
		q->saved = false;
		sched_update(q);
	} else {
		queue_advance(q);
	}
}

void job_stop(void)
{
	if (fw.run.stopping)
		return;
	fw.run.stopping = true;
	hw_write(NPU_CC_JOB_OP, NPU_CC_JOB_STOP);
}

void job_limit(uint32_t ns)
{
	fw.run.limit_ns = ns;
	hw_write64(NPU_CC_JOB_LIMIT_LO, ns);
	hw_write(NPU_CC_JOB_OP, NPU_CC_JOB_LIMIT);
}

void job_kill(void)
{
	fw.run.stopping = true;
	hw_write(NPU_CC_JOB_OP, NPU_CC_JOB_KILL);
}

static void show_progress(const struct queue *q)
{
	status_put64(STATUS_QUEUE(q->id, progress), q->progress + q->marks);
}

static bool is_own_fault(uint16_t fault)
{
	return fault != NPU_FAULT_NONE && fault != NPU_FAULT_KILLED && fault != NPU_FAULT_CONTEXT;
}

/* The job of q->record has ended: sums, status page, record. */
static void finish(struct queue *q)
{
	struct npu_done *r = &q->record;
	uint64_t whole = job_clock() - q->rung_ns;

	r->queue = (uint16_t)q->id;
	r->wait_ns = 0;
	if (fw.api >= NPU_VERSION(1, 1) && whole > r->model_ns)
		r->wait_ns = whole - r->model_ns;
	q->progress += q->marks + 1;
	q->marks = 0;
	q->done++;
	status_account(r);
	show_progress(q);
	if (is_own_fault(r->fault))
		context_fault(q->ctx, r);
	hw_release();
	status_put(STATUS_QUEUE(q->id, done), q->done);
	done_post(r);
}

static void read_result(struct npu_done *record)
{
	uint32_t *word = (uint32_t *)record;
	uint32_t reg = NPU_CC_JOB_RESULT;

	for (uint32_t i = 0; i < sizeof(*record) / 4; i += 8, reg += 32) {
		word[i] = hw_read(reg);
		word[i + 1] = hw_read(reg + 4);
		word[i + 2] = hw_read(reg + 8);
		word[i + 3] = hw_read(reg + 12);
		word[i + 4] = hw_read(reg + 16);
		word[i + 5] = hw_read(reg + 20);
		word[i + 6] = hw_read(reg + 24);
		word[i + 7] = hw_read(reg + 28);
	}
}

void job_event(void)
{
	struct queue *q = fw.run.queue;
	uint32_t status;
	uint64_t now;

	if (!q)
		return;
	status = hw_read(NPU_CC_JOB_STATUS);
	if (status != NPU_CC_JOB_DONE && status != NPU_CC_JOB_STOPPED)
		return;
	now = hw_read64(NPU_CC_MODEL_LO);
	q->marks = hw_read(NPU_CC_JOB_PROGRESS);
	read_result(&q->record);
	sched_account(q, fw.run.priority, now - fw.model_ns);
	fw.model_ns = now;
	fw.run.queue = NULL;
	if (status == NPU_CC_JOB_STOPPED) {
		q->saved = true;
		show_progress(q);
		sched_update(q);
		return;
	}
	/* Nobody but the watchdog has asked for this end: the job is to blame. */
	if (fw.run.hang && !q->kill && q->record.fault == NPU_FAULT_KILLED &&
	    fw.api >= NPU_VERSION(1, 1))
		q->record.fault = NPU_FAULT_HANG;
	finish(q);
}

void job_refuse(struct queue *q, enum npu_fault fault)
{
	if (q->saved) {
		hw_write(NPU_CC_JOB_QUEUE, q->id);
		hw_write(NPU_CC_JOB_OP, NPU_CC_JOB_DROP);
		q->saved = false;
		sched_update(q);
	} else {
		memset(&q->record, 0, sizeof(q->record));
		q->record.seqno = hw_load64(queue_entry(q) + ENTRY_SEQNO);
		queue_advance(q);
	}
	q->record.fault = (uint16_t)fault;
	finish(q);
}

void job_watch(uint32_t elapsed_us)
{
	struct queue *q = fw.run.queue;
	uint32_t marks;

	if (!q)
		return;
	marks = hw_read(NPU_CC_JOB_PROGRESS);
	if (!fw.run.watched || marks != q->marks) {
		fw.run.watched = true;
		fw.run.silent_us = 0;
		q->marks = marks;
		show_progress(q);
		return;
	}
	fw.run.silent_us += elapsed_us;
	if (fw.run.hang || fw.run.silent_us < fw.config.job_hang_ms * 1000ull)
		return;
	log_line("context %u queue %u: no progress for %u ms, job is killed", q->context, q->id,
		 fw.config.job_hang_ms);
	fw.run.hang = true;
	job_kill();
}

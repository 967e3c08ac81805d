/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "device.h"
#include "queue.h"

uint32_t npu_queue_pending(const struct npu_core *core, const struct npu_queue *q)
{
	uint32_t n = __atomic_load_n(&core->queue_tail[q->id], __ATOMIC_ACQUIRE) - q->head;

	return n <= q->entries ? n : 0;
}

static bool runnable(const struct npu_core *core, uint32_t id)
{
	const struct npu_queue *q = &core->queues[id];

	return q->used && !q->suspended && !q->kill && !core->contexts[q->context].ending &&
	       npu_queue_pending(core, q);
}

/* The next queue of a priority that has something to run, in turn; NPU_MAX_QUEUES: none. */
static uint32_t candidate(const struct npu_core *core, uint32_t priority)
{
	for (uint32_t i = 0; i < core->machine.queues; i++) {
		uint32_t id = (core->sched.next[priority] + i) % core->machine.queues;

		if (core->queues[id].priority == priority && runnable(core, id))
			return id;
	}
	return NPU_MAX_QUEUES;
}

static bool turn_goes_on(const struct npu_core *core, uint32_t highest)
{
	const struct npu_sched *s = &core->sched;
	const struct npu_fw_config *c = &core->fw.config;
	const struct npu_queue *q = &core->queues[s->turn_queue];

	return (s->turn_lent || q->priority == highest) && s->turn_jobs < c->max_jobs_per_turn &&
	       s->turn_ns < c->time_slice_us[q->priority] * 1000ull &&
	       runnable(core, s->turn_queue);
}

/* Starts a turn; lower priorities that have to wait for it are counted on. */
static uint32_t start_turn(struct npu_core *core, const uint32_t *next, uint32_t highest)
{
	struct npu_sched *s = &core->sched;
	uint32_t priority = highest;

	for (uint32_t p = 0; p < highest; p++) {
		if (next[p] == NPU_MAX_QUEUES)
			s->waited[p] = 0;
		else if (s->waited[p] >= core->fw.config.starvation_turns)
			priority = p;
		else
			s->waited[p]++;
	}
	s->waited[priority] = 0;
	s->turn_lent = priority != highest;
	s->turn_queue = next[priority];
	s->turn_jobs = 0;
	s->turn_ns = 0;
	s->next[priority] = (next[priority] + 1) % core->machine.queues;
	return next[priority];
}

static uint32_t choose(struct npu_core *core)
{
	uint32_t next[NPU_PRIORITY_COUNT], highest = NPU_PRIORITY_COUNT;

	for (uint32_t p = 0; p < NPU_PRIORITY_COUNT; p++) {
		next[p] = candidate(core, p);
		if (next[p] != NPU_MAX_QUEUES)
			highest = p;
	}
	if (highest == NPU_PRIORITY_COUNT)
		return NPU_MAX_QUEUES;
	if (core->sched.turn_queue != NPU_MAX_QUEUES && turn_goes_on(core, highest))
		return core->sched.turn_queue;
	return start_turn(core, next, highest);
}

static void take_entry(struct npu_core *core, struct npu_queue *q, struct npu_ring_entry *entry)
{
	uint64_t slot = q->head & (q->entries - 1);

	memcpy(entry, npu_window_at(&q->ring, slot * sizeof(*entry)), sizeof(*entry));
	q->head++;
	__atomic_store_n(&core->status->queue[q->id].head, q->head, __ATOMIC_RELEASE);
}

bool npu_queue_pick(struct npu_core *core, struct npu_queue **q, struct npu_ring_entry *entry)
{
	uint32_t id;

	if (!core->powered || __atomic_load_n(&core->fault_pending, __ATOMIC_ACQUIRE))
		return false;
	id = choose(core);
	if (id == NPU_MAX_QUEUES || !npu_done_room(&core->done, 1))
		return false;
	core->sched.turn_jobs++;
	*q = &core->queues[id];
	take_entry(core, *q, entry);
	return true;
}

/* Sums since boot, for the status page and telemetry */
static void account(struct npu_core *core, const struct npu_done *record)
{
	struct npu_status_page *st = core->status;

	core->jobs++;
	core->faults += record->fault != NPU_FAULT_NONE;
	core->model_ns += record->model_ns;
	core->energy_pj += record->energy_pj;
	core->sched.turn_ns += record->model_ns;
	__atomic_store_n(&st->model_ns, core->model_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&st->energy_pj, core->energy_pj, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < NPU_ENGINE_COUNT; i++) {
		core->busy_ns[i] += record->busy_ns[i];
		__atomic_store_n(&st->busy_ns[i], core->busy_ns[i], __ATOMIC_RELAXED);
	}
}

bool npu_queue_finish(struct npu_core *core, struct npu_queue *q, const struct npu_done *record)
{
	uint64_t progress = __atomic_add_fetch(&q->progress, 1, __ATOMIC_RELAXED);

	account(core, record);
	q->done++;
	__atomic_store_n(&core->status->queue[q->id].progress, progress, __ATOMIC_RELAXED);
	__atomic_store_n(&core->status->queue[q->id].done, q->done, __ATOMIC_RELEASE);
	return npu_done_post(&core->done, core->status, record);
}

void npu_queue_kill(struct npu_core *core, struct npu_queue *q)
{
	q->kill = true;
	q->kill_tail = q->head + npu_queue_pending(core, q);
	core->endings = true;
	if (core->running == q)
		npu_attention_set(&core->gate, NPU_ATTEND_KILL);
}

bool npu_queue_settle(struct npu_core *core, struct npu_queue *q)
{
	struct npu_done record = { .queue = (uint16_t)q->id, .fault = NPU_FAULT_KILLED };
	struct npu_ring_entry entry;

	if (core->running == q)
		return false;
	/* The running job of another queue was promised its record. */
	while (q->kill && q->head != q->kill_tail &&
	       npu_done_room(&core->done, 1 + !!core->running)) {
		take_entry(core, q, &entry);
		record.seqno = entry.seqno;
		if (npu_queue_finish(core, q, &record))
			npu_device_interrupt(core, NPU_MSIX_DONE);
	}
	if (q->kill && q->head != q->kill_tail)
		return false;
	q->kill = false;
	return true;
}

/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "event.h"
#include "job.h"
#include "saved.h"
#include "timing.h"

/*
 * A phase that takes the host less than this runs on one thread: waking others would cost more.
 * Less is enough while they are still awake from the last phase.
 */
#define PARALLEL_NS		30000
#define PARALLEL_AWAKE_NS	8000
/* What is assumed of a phase that has not run before */
#define UNKNOWN_NS		100000
/* Looks for work before an idle helper goes back to the pool: some 10 us */
#define HELPER_SPINS		500
/*
 * Looks for the end of a phase before the runner lets other threads of the host run, and then
 * naps
 */
#define RUNNER_SPINS		2000
#define RUNNER_YIELDS		200
#define RUNNER_NAP_NS		50000
/* Logged commands of a core after which time is replayed between phases */
#define ADVANCE_LOGGED		1024

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void npu_job_progress(struct npu_job *job)
{
	__atomic_add_fetch(&job->progress, 1, __ATOMIC_RELAXED);
}

/* Programs */

static void slot_clear(struct npu_program_slot *slot)
{
	npu_program_put(slot->program);
	*slot = (struct npu_program_slot) { 0 };
}

void npu_job_forget(struct npu_job *job, uint32_t context)
{
	for (unsigned int i = 0; i < NPU_PROGRAMS_KEPT; i++) {
		struct npu_program_slot *slot = &job->kept[i];

		if (slot->program && (!context || slot->context == context))
			slot_clear(slot);
	}
}

/*
 * The program at @entry: one of those kept if the guest's memory still holds what it was made
 * of, else decoded anew. NULL: *fault.
 */
static struct npu_program_slot *find_program(struct npu_job *job, struct npu_context *ctx,
					     const struct npu_ring_entry *entry,
					     struct npu_fault_info *fault)
{
	struct npu_program_slot *oldest = &job->kept[0];

	job->jobs++;
	for (unsigned int i = 0; i < NPU_PROGRAMS_KEPT; i++) {
		struct npu_program_slot *slot = &job->kept[i];

		if (slot->used < oldest->used)
			oldest = slot;
		if (!slot->program || slot->context != ctx->serial || slot->va != entry->cmdbuf)
			continue;
		if (npu_program_matches(slot->program, &ctx->mmu, slot->va, entry->cmdbuf_size)) {
			slot->used = job->jobs;
			return slot;
		}
		/* Changed since: its place is the first to be reused. */
		slot->used = 0;
		oldest = slot;
	}
	slot_clear(oldest);
	oldest->program = npu_program_create(&ctx->mmu, entry->cmdbuf, entry->cmdbuf_size,
					     job->core->machine.cores, fault);
	if (!oldest->program)
		return NULL;
	oldest->context = ctx->serial;
	oldest->va = entry->cmdbuf;
	oldest->used = job->jobs;
	return oldest;
}

/* Streams */

static void start_stream(struct npu_job *job, struct npu_stream *s, struct npu_context *ctx,
			 const struct npu_program *p)
{
	struct npu_core *core = job->core;

	/* What another context has left there is nobody's business. */
	if (s->owner != ctx->serial)
		npu_stream_clear_spad(s);
	s->owner = ctx->serial;
	s->ops = p->ops + p->first[s->core];
	s->kern = core->kern;
	s->timing = core->timing;
	s->machine = &core->machine;
	s->gate = &core->gate;
	s->mmu = &ctx->mmu;
	s->job = job;
	s->logged = 0;
	s->fault = (struct npu_fault_info) { 0 };
}

/* A stream's position at the start of a job */
static void place_stream(struct npu_stream *s, const struct npu_ring_entry *entry)
{
	memset(s->reg, 0, sizeof(s->reg));
	memcpy(&s->reg[NPU_REG_PARAM(0)], entry->params,
	       entry->n_params * sizeof(entry->params[0]));
	s->pc = 0;
	s->depth = 0;
	s->commands = 0;
	s->mark = 0;
	s->stop = NPU_STEP_OK;
}

static void run_stream(struct npu_job *job, struct npu_stream *s)
{
	uint32_t stop = __atomic_load_n(&job->stop_core, __ATOMIC_RELAXED);

	npu_stream_run(s);
	if (s->stop != NPU_STEP_FAULT)
		return;
	/* Lower cores run on, so that the fault reported does not depend on who was faster. */
	while (s->core < stop &&
	       !__atomic_compare_exchange_n(&job->stop_core, &stop, s->core, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	npu_attention_set(s->gate, NPU_ATTEND_FAULT);
}

/* Phases */

void npu_job_share(struct npu_job *job, struct npu_split *split)
{
	npu_split_open(split);
	if (__atomic_load_n(&job->busy, __ATOMIC_RELAXED) < job->core->threads)
		npu_pool_call(job->core->pool);
}

static void run_streams(struct npu_job *job)
{
	for (;;) {
		uint32_t i = __atomic_load_n(&job->next, __ATOMIC_RELAXED);

		if (i >= job->n_run)
			return;
		if (!__atomic_compare_exchange_n(&job->next, &i, i + 1, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED))
			continue;
		__atomic_fetch_add(&job->busy, 1, __ATOMIC_RELAXED);
		run_stream(job, &job->streams[job->run[i]]);
		__atomic_fetch_sub(&job->busy, 1, __ATOMIC_RELAXED);
		__atomic_fetch_sub(&job->left, 1, __ATOMIC_RELEASE);
	}
}

/* Whether there was a command to help with. */
static bool help_streams(struct npu_job *job)
{
	struct npu_gate *gate = &job->core->gate;
	bool helped = false;

	for (uint32_t i = 0; i < job->n_run && !helped; i++)
		helped = npu_split_help(&job->streams[job->run[i]].split, gate);
	return helped;
}

bool npu_job_help(void *opaque)
{
	struct npu_job *job = opaque;
	struct npu_gate *gate = &job->core->gate;

	if (!npu_crew_enter(&job->crew))
		return false;
	npu_gate_join(gate);
	run_streams(job);
	for (unsigned int i = 0; i < HELPER_SPINS; i++) {
		if (!__atomic_load_n(&job->left, __ATOMIC_ACQUIRE) ||
		    npu_attention(gate) & ~NPU_ATTEND_STOP)
			break;
		if (help_streams(job))
			i = 0;
		npu_relax();
	}
	npu_gate_leave(gate);
	npu_crew_leave(&job->crew);
	return false;
}

/* The runner has nothing to do but others have; @n times so far. */
static void idle(unsigned int n)
{
	static const struct timespec nap = { .tv_nsec = RUNNER_NAP_NS };

	if (n < RUNNER_SPINS)
		npu_relax();
	else if (n < RUNNER_SPINS + RUNNER_YIELDS)
		sched_yield();
	else
		nanosleep(&nap, NULL);
}

static void run_parallel(struct npu_job *job)
{
	struct npu_gate *gate = &job->core->gate;
	unsigned int spins = 0;
	bool empty;

	__atomic_store_n(&job->next, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&job->left, job->n_run, __ATOMIC_RELAXED);
	npu_crew_open(&job->crew);
	npu_pool_call(job->core->pool);
	run_streams(job);
	empty = false;
	while (!empty) {
		bool over = !__atomic_load_n(&job->left, __ATOMIC_ACQUIRE);

		empty = over && npu_crew_close(&job->crew);
		if (empty)
			break;
		/* A helper may wait at the gate for us to leave it. */
		if (npu_attention(gate) & NPU_ATTEND_GATE)
			npu_gate_yield(gate);
		else if (!over && help_streams(job))
			spins = 0;
		else
			idle(spins++);
	}
}

/* One core after the other; those above a fault stay where they are. */
static void run_inline(struct npu_job *job)
{
	for (uint32_t i = 0; i < job->n_run; i++)
		run_stream(job, &job->streams[job->run[i]]);
}

static void run_phase(struct npu_job *job)
{
	struct npu_pool *pool = job->core->pool;
	struct npu_stream *lead = &job->streams[job->run[0]];
	uint32_t *cost = &lead->ops[lead->pc].cost;
	uint64_t expect = *cost ? *cost : UNKNOWN_NS, sum = 0;
	bool parallel = job->core->threads > 1 &&
			expect > (npu_pool_awake(pool) ? PARALLEL_AWAKE_NS : PARALLEL_NS);

	for (uint32_t i = 0; i < job->n_run; i++) {
		job->streams[job->run[i]].cost = 0;
		job->streams[job->run[i]].shares = parallel;
	}
	if (parallel)
		run_parallel(job);
	else
		run_inline(job);
	for (uint32_t i = 0; i < job->n_run; i++)
		sum += job->streams[job->run[i]].cost;
	*cost = sum < UINT32_MAX ? (uint32_t)sum + 1 : UINT32_MAX;
}

/* Whether all of the cores that @s waits for wait for the same. */
static bool barrier_met(const struct npu_job *job, const struct npu_stream *s)
{
	for (uint32_t i = 0; i < job->n_streams; i++) {
		const struct npu_stream *o = &job->streams[i];

		if (s->barrier >> i & 1 &&
		    (o->stop != NPU_STEP_BARRIER || o->barrier != s->barrier))
			return false;
	}
	return true;
}

static void list(struct npu_job *job, const bool *runs)
{
	job->n_run = 0;
	for (uint32_t i = 0; i < job->n_streams; i++) {
		if (!runs[i])
			continue;
		job->streams[i].stop = NPU_STEP_OK;
		job->run[job->n_run++] = (uint16_t)i;
	}
}

/* Lists the streams that can run now; those at barriers which are met among them. */
static void list_runnable(struct npu_job *job)
{
	bool runs[NPU_MAX_CORES] = { false };

	for (uint32_t i = 0; i < job->n_streams; i++) {
		const struct npu_stream *s = &job->streams[i];

		runs[i] = s->stop == NPU_STEP_OK || s->stop == NPU_STEP_PAUSE ||
			  (s->stop == NPU_STEP_BARRIER && barrier_met(job, s));
	}
	list(job, runs);
}

/*
 * No stream can run. Those at safe points go on if another waits for them in a barrier, to the
 * next one; returns whether all are at safe points, so that the job can stop here.
 */
static bool at_safe_point(struct npu_job *job)
{
	bool safe[NPU_MAX_CORES] = { false };
	bool any = false, all = true;

	for (uint32_t i = 0; i < job->n_streams; i++) {
		safe[i] = job->streams[i].stop == NPU_STEP_SAFE;
		any |= safe[i];
		all &= safe[i] || job->streams[i].stop == NPU_STEP_END;
	}
	if (any && all)
		return true;
	list(job, safe);
	return false;
}

/*
 * Between phases: replays the time if there is much of it, or if somebody waits for it, and looks
 * whether it is up.
 */
static void advance_time(struct npu_job *job, bool asked)
{
	uint64_t limit = __atomic_load_n(&job->limit_ns, __ATOMIC_RELAXED);
	uint32_t most = 0;

	for (uint32_t i = 0; i < job->n_streams; i++) {
		if (job->streams[i].logged > most)
			most = job->streams[i].logged;
	}
	if (most < ADVANCE_LOGGED && !limit && !asked)
		return;
	npu_timing_advance(job->core->timing);
	for (uint32_t i = 0; i < job->n_streams; i++)
		job->streams[i].logged = 0;
	__atomic_store_n(&job->model_ns, npu_timing_now(job->core->timing), __ATOMIC_RELAXED);
	__atomic_store_n(&job->clock_wanted, false, __ATOMIC_RELEASE);
	if (limit && job->model_ns >= limit)
		npu_attention_set(&job->core->gate, NPU_ATTEND_STOP);
}

/* How the streams have ended: false with the fault of the lowest core, or a kill. */
static bool judge(const struct npu_job *job, struct npu_fault_info *fault)
{
	bool stopped = false;

	for (uint32_t i = 0; i < job->n_streams; i++) {
		const struct npu_stream *s = &job->streams[i];

		if (s->stop == NPU_STEP_FAULT) {
			*fault = s->fault;
			return false;
		}
		stopped |= s->stop == NPU_STEP_STOPPED;
	}
	if (stopped)
		fault->code = NPU_FAULT_KILLED;
	return !stopped;
}

/* Nothing can run any more: all have ended, or the lowest one left waits in vain. */
static bool all_ended(const struct npu_job *job, struct npu_fault_info *fault)
{
	for (uint32_t i = 0; i < job->n_streams; i++) {
		const struct npu_stream *s = &job->streams[i];

		if (s->stop != NPU_STEP_BARRIER)
			continue;
		*fault = (struct npu_fault_info) {
			.code = NPU_FAULT_DEADLOCK,
			.core = s->core,
			.opcode = NPU_OP_BARRIER,
			.offset = s->ops[s->pc - 1].offset,
			.mark = s->mark,
			.value = s->barrier,
		};
		return false;
	}
	return true;
}

/*
 * Between phases: modelled time stands still until the firmware has seen to what it was called
 * for. Else a doorbell would wait, in modelled time, while the host wakes a thread.
 */
static void let_firmware_run(struct npu_job *job)
{
	struct npu_core *core = job->core;
	unsigned int spins = 0;

	while (npu_control_wanted(core) && !(npu_attention(&core->gate) & NPU_ATTEND_KILL)) {
		npu_control_serve(core);
		/* Another thread runs it, and may need us out of the way. */
		if (npu_attention(&core->gate) & NPU_ATTEND_GATE)
			npu_gate_yield(&core->gate);
		else if (npu_control_wanted(core))
			idle(spins++);
	}
}

enum outcome {
	ENDED,
	FAILED,		/* see the fault */
	SAFE,		/* stopped at a safe point */
};

static enum outcome run_phases(struct npu_job *job, struct npu_fault_info *fault)
{
	for (;;) {
		bool asked;

		list_runnable(job);
		if (!job->n_run && at_safe_point(job))
			return SAFE;
		if (!job->n_run)
			return all_ended(job, fault) ? ENDED : FAILED;
		run_phase(job);
		if (!judge(job, fault))
			return FAILED;
		asked = npu_control_wanted(job->core);
		advance_time(job, asked);
		if (asked)
			let_firmware_run(job);
	}
}

static bool check_entry(const struct npu_ring_entry *entry, struct npu_fault_info *fault)
{
	fault->code = NPU_FAULT_CMDBUF;
	fault->value = entry->n_params;
	if (entry->n_params > NPU_MAX_PARAMS)
		return false;
	for (unsigned int i = 0; i < sizeof(entry->reserved) / sizeof(entry->reserved[0]); i++) {
		fault->value = entry->reserved[i];
		if (entry->reserved[i])
			return false;
	}
	*fault = (struct npu_fault_info) { 0 };
	return true;
}

static bool check_program(const struct npu_program *p, const struct npu_ring_entry *entry,
			  struct npu_fault_info *fault)
{
	if (p->n_params <= entry->n_params)
		return true;
	fault->code = NPU_FAULT_CMDBUF;
	fault->offset = offsetof(struct npu_cmdbuf_header, n_params);
	fault->value = p->n_params;
	return false;
}

/* Runs the streams from where they have been placed. */
static enum outcome run_program(struct npu_job *job, struct npu_context *ctx,
				const struct npu_program *p, uint32_t mhz, struct npu_done *done,
				struct npu_fault_info *fault)
{
	struct npu_timing *timing = job->core->timing;
	enum outcome out;

	job->n_streams = p->n_streams;
	job->stop_core = UINT32_MAX;
	for (uint32_t i = 0; i < p->n_streams; i++)
		start_stream(job, &job->streams[i], ctx, p);
	npu_timing_set_mhz(timing, mhz);
	npu_timing_begin(timing, p->n_streams);
	out = run_phases(job, fault);
	/* The log is emptied in any case; the figures of a job that has failed mean nothing. */
	npu_timing_end(timing, done);
	if (out == FAILED)
		memset(done, 0, sizeof(*done));
	done->commands = 0;
	for (uint32_t i = 0; i < p->n_streams; i++)
		done->commands += job->streams[i].commands;
	return out;
}

static void report_fault(struct npu_done *done, const struct npu_fault_info *fault)
{
	done->fault = (uint16_t)fault->code;
	done->fault_core = fault->core;
	done->fault_opcode = fault->opcode;
	done->fault_offset = fault->offset;
	done->fault_mark = fault->mark;
	done->fault_addr = fault->value;
}

/* From the entry; NULL: *fault. */
static struct npu_program_slot *prepare(struct npu_job *job, struct npu_context *ctx,
					const struct npu_ring_entry *entry,
					struct npu_fault_info *fault)
{
	struct npu_program_slot *slot = NULL;

	if (check_entry(entry, fault))
		slot = find_program(job, ctx, entry, fault);
	if (!slot || !check_program(slot->program, entry, fault))
		return NULL;
	for (uint32_t i = 0; i < slot->program->n_streams; i++)
		place_stream(&job->streams[i], entry);
	return slot;
}

/*
 * Keeps a job that has stopped at a safe point. Without memory for it the job fails: it could
 * neither go on nor end.
 */
static bool keep(struct npu_job *job, struct npu_program *program, struct npu_saved **slot,
		 struct npu_done *done)
{
	done->model_ns += NPU_SWITCH_NS;
	if (!npu_saved_fill(slot, job, program, done))
		return true;
	done->fault = NPU_FAULT_BUS;
	return false;
}

static void begin(struct npu_job *job)
{
	__atomic_store_n(&job->model_ns, 0, __ATOMIC_RELAXED);
}

static bool start(struct npu_job *job, const struct npu_run *run, struct npu_saved **slot,
		  struct npu_done *done)
{
	struct npu_context *ctx = &job->core->contexts[run->context];
	struct npu_fault_info fault = { 0 };
	struct npu_program_slot *program;
	enum outcome out = FAILED;

	begin(job);
	__atomic_store_n(&job->progress, 0, __ATOMIC_RELAXED);
	program = prepare(job, ctx, &run->entry, &fault);
	if (program)
		out = run_program(job, ctx, program->program, run->mhz, done, &fault);
	done->seqno = run->entry.seqno;
	done->queue = (uint16_t)run->queue;
	report_fault(done, &fault);
	if (out == SAFE && !keep(job, program->program, slot, done))
		out = FAILED;
	if (program && program->program->size > NPU_PROGRAM_KEEP_BYTES)
		slot_clear(program);
	return out != SAFE;
}

static bool resume(struct npu_job *job, const struct npu_run *run, struct npu_saved **slot,
		   struct npu_done *done)
{
	struct npu_context *ctx = &job->core->contexts[run->context];
	struct npu_saved *saved = *slot;
	struct npu_done sum = saved->done;
	struct npu_fault_info fault = { 0 };
	bool ended = true;
	enum outcome out;

	begin(job);
	*slot = NULL;
	npu_saved_restore(saved, job);
	out = run_program(job, ctx, saved->program, run->mhz, done, &fault);
	if (out != FAILED) {
		npu_saved_add(&sum, done);
		sum.commands = done->commands;
		*done = sum;
	}
	done->seqno = sum.seqno;
	done->queue = sum.queue;
	report_fault(done, &fault);
	if (out == SAFE)
		ended = !keep(job, saved->program, slot, done);
	npu_saved_drop(&saved);
	return ended;
}

bool npu_job_run(struct npu_job *job, const struct npu_run *run, struct npu_saved **slot,
		 struct npu_done *done)
{
	uint64_t from = now_ns(), before = 0;
	bool ended;

	memset(done, 0, sizeof(*done));
	if (run->resume) {
		before = (*slot)->done.host_ns;
		ended = resume(job, run, slot, done);
	} else {
		ended = start(job, run, slot, done);
	}
	done->host_ns = before + now_ns() - from;
	if (!ended)
		(*slot)->done.host_ns = done->host_ns;
	return ended;
}

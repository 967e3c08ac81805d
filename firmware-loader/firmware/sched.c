/* SPDX-License-Identifier: MIT */
#include "fw.h"

#define NONE NPU_PRIORITY_COUNT

/* Jobs that end without a start in one round: the loop comes by in between. */
#define REFUSALS_A_ROUND 64

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Who is ready */

/*
 * Who comes while nobody else waits starts level with the one that runs or ran last, @q, which has
 * been served for @ran more than was added up at the end of its last run.
 */
static void level(const struct queue *q, uint32_t p, uint64_t ran)
{
	struct context *ctx = q->ctx;
	uint32_t self = q->ready && q->priority == p;

	if (fw.sched.n_level[p] == ctx->share[p].ready)
		fw.sched.least_ns[p] = max64(fw.sched.least_ns[p], ctx->share[p].served_ns + ran);
	if (ctx->share[p].ready == self)
		ctx->share[p].least_ns = max64(ctx->share[p].least_ns, q->served_ns + ran);
}

static void wake(struct queue *q)
{
	uint32_t p = q->priority;
	struct context *ctx = q->ctx;
	const struct queue *running = fw.run.priority == p ? fw.run.queue : NULL;

	if (running && running != q)
		level(running, p, job_clock() - fw.model_ns);
	if (!ctx->share[p].ready && !(running && running->context == q->context))
		ctx->share[p].served_ns = max64(ctx->share[p].served_ns, fw.sched.least_ns[p]);
	if (running != q)
		q->served_ns = max64(q->served_ns, ctx->share[p].least_ns);
	ctx->share[p].ready++;
	set_add(&fw.sched.ready[p], q->id);
	fw.sched.levels |= 1u << p;
	fw.sched.n_ready++;
	fw.sched.n_level[p]++;
	fw.sched.news = true;
	q->ready = true;
}

static void rest(struct queue *q)
{
	uint32_t p = q->priority;

	q->ctx->share[p].ready--;
	fw.sched.n_ready--;
	set_remove(&fw.sched.ready[p], q->id);
	if (!--fw.sched.n_level[p])
		fw.sched.levels &= ~(1u << p);
	q->ready = false;
}

void sched_update(struct queue *q)
{
	bool ready = (queue_pending(q) || q->saved) && q->used && !q->suspended && !q->kill &&
		     !q->ctx->ending;

	if (ready == q->ready)
		return;
	if (ready)
		wake(q);
	else
		rest(q);
}

void sched_move(struct queue *q, uint32_t priority)
{
	if (q->ready)
		rest(q);
	q->priority = priority;
	q->served_ns = 0;
	sched_update(q);
}

void sched_leave(struct queue *q)
{
	if (fw.sched.turn_queue == q)
		fw.sched.turn_queue = NULL;
}

/* Turns */

static uint32_t highest_ready(void)
{
	uint32_t p = NPU_PRIORITY_COUNT;

	while (p-- > 0) {
		if (fw.sched.levels >> p & 1)
			return p;
	}
	return NONE;
}

/* Whether anybody but @q waits, at whatever priority */
static bool others_wait(const struct queue *q)
{
	return fw.sched.n_ready > q->ready;
}

static uint32_t slice_ns(uint32_t priority)
{
	return fw.config.time_slice_us[priority] * 1000;
}

uint32_t sched_limit(const struct queue *q)
{
	uint32_t slice;

	if (!others_wait(q))
		return 0;
	slice = slice_ns(q->priority);
	return fw.sched.turn_ns < slice ? slice - (uint32_t)fw.sched.turn_ns : 1;
}

/* Whether @a goes before @b; both are ready at priority @p. */
static bool goes_before(const struct queue *a, const struct queue *b, uint32_t p)
{
	const struct context *x = a->ctx, *y = b->ctx;

	if (x != y) {
		if (x->share[p].served_ns != y->share[p].served_ns)
			return x->share[p].served_ns < y->share[p].served_ns;
		return (int32_t)(x->share[p].turn - y->share[p].turn) < 0;
	}
	if (a->served_ns != b->served_ns)
		return a->served_ns < b->served_ns;
	return (int32_t)(a->turn - b->turn) < 0;
}

static struct queue *least_served(uint32_t p)
{
	struct set s = fw.sched.ready[p];
	struct queue *best = &fw.queue[set_take(&s)];

	while (!set_empty(&s)) {
		struct queue *q = &fw.queue[set_take(&s)];

		if (goes_before(q, best, p))
			best = q;
	}
	return best;
}

static bool turn_goes_on(uint32_t highest)
{
	const struct sched *s = &fw.sched;
	const struct queue *q = s->turn_queue;

	return q && (s->turn_lent || q->priority == highest) &&
	       s->turn_jobs < fw.config.max_jobs_per_turn &&
	       s->turn_ns < slice_ns(q->priority) && q->ready;
}

/* Starts a turn; lower priorities that have to wait for it are counted on. */
static struct queue *start_turn(uint32_t highest)
{
	struct sched *s = &fw.sched;
	uint32_t priority = highest;
	struct context *ctx;
	struct queue *q;

	for (uint32_t p = 0; p < highest; p++) {
		if (!(s->levels >> p & 1))
			s->waited[p] = 0;
		else if (s->waited[p] >= fw.config.starvation_turns)
			priority = p;
		else
			s->waited[p]++;
	}
	s->waited[priority] = 0;
	q = least_served(priority);
	ctx = q->ctx;
	s->least_ns[priority] = max64(s->least_ns[priority], ctx->share[priority].served_ns);
	ctx->share[priority].least_ns = max64(ctx->share[priority].least_ns, q->served_ns);
	q->turn = ++s->turns;
	ctx->share[priority].turn = s->turns;
	s->turn_lent = priority != highest;
	s->turn_queue = q;
	s->turn_jobs = 0;
	s->turn_ns = 0;
	return q;
}

static struct queue *choose(void)
{
	uint32_t highest;

	if (!fw.sched.levels)
		return NULL;
	highest = highest_ready();
	if (turn_goes_on(highest))
		return fw.sched.turn_queue;
	return start_turn(highest);
}

void sched_account(struct queue *q, uint32_t priority, uint64_t ns)
{
	fw.sched.turn_ns += ns;
	q->served_ns += ns;
	q->ctx->share[priority].served_ns += ns;
	level(q, priority, 0);
}

/* The running job makes way for a higher one at once, for others when its turn is over. */
static void make_way(void)
{
	uint32_t highest = highest_ready();

	fw.sched.news = false;
	if (highest == NONE || fw.run.stopping)
		return;
	if (highest > fw.run.priority && !fw.sched.turn_lent)
		job_stop();
	else if (!fw.run.limit_ns && others_wait(fw.run.queue))
		job_limit(sched_limit(fw.run.queue));
}

static bool may_start(void)
{
	return fw.power.on && !fw.power.hot && !fw.fault_pending && !fw.held && done_room(1);
}

void sched_run(void)
{
	struct queue *q;

	for (unsigned int i = 0; !fw.run.queue && may_start(); i++) {
		if (i == REFUSALS_A_ROUND) {
			fw.again = true;
			return;
		}
		q = choose();
		if (!q)
			return;
		fw.sched.turn_jobs++;
		if (q->ctx->faulted)
			job_refuse(q, NPU_FAULT_CONTEXT);
		else
			job_start(q);
	}
	if (fw.run.queue && fw.sched.news)
		make_way();
}

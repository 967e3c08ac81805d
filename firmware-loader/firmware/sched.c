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

/* Whether of the queues in @all any is ready at @p that is not in @but */
static bool ready_but(uint32_t p, const struct set *all, const struct set *but)
{
	const struct set *r = &fw.sched.ready[p];

	return (r->w[0] & all->w[0] & ~but->w[0]) | (r->w[1] & all->w[1] & ~but->w[1]);
}

/*
 * Who comes while nobody else waits starts level with the one that runs or ran last, @q, which has
 * been served for @ran more than was added up at the end of its last run.
 */
static void level(const struct queue *q, uint32_t p, uint64_t ran)
{
	static const struct set everybody = { { ~0u, ~0u } };
	struct context *ctx = &fw.context[q->context];
	struct set self = { { 0, 0 } };

	set_add(&self, q->id);
	if (!ready_but(p, &everybody, &ctx->queues))
		fw.sched.least_ns[p] = max64(fw.sched.least_ns[p], ctx->share[p].served_ns + ran);
	if (!ready_but(p, &ctx->queues, &self))
		ctx->share[p].least_ns = max64(ctx->share[p].least_ns, q->served_ns + ran);
}

static void wake(struct queue *q)
{
	uint32_t p = q->priority;
	struct context *ctx = &fw.context[q->context];
	const struct queue *running = fw.run.priority == p ? fw.run.queue : NULL;

	if (running && running != q)
		level(running, p, job_clock() - fw.model_ns);
	if (!ctx->share[p].ready && !(running && running->context == q->context))
		ctx->share[p].served_ns = max64(ctx->share[p].served_ns, fw.sched.least_ns[p]);
	if (running != q)
		q->served_ns = max64(q->served_ns, ctx->share[p].least_ns);
	ctx->share[p].ready++;
	set_add(&fw.sched.ready[p], q->id);
	fw.sched.news = true;
}

static void rest(struct queue *q)
{
	fw.context[q->context].share[q->priority].ready--;
	set_remove(&fw.sched.ready[q->priority], q->id);
}

void sched_update(struct queue *q)
{
	bool ready = (queue_pending(q) || q->saved) && q->used && !q->suspended && !q->kill &&
		     !fw.context[q->context].ending;

	if (ready == set_has(&fw.sched.ready[q->priority], q->id))
		return;
	if (ready)
		wake(q);
	else
		rest(q);
}

void sched_move(struct queue *q, uint32_t priority)
{
	if (set_has(&fw.sched.ready[q->priority], q->id))
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
	for (uint32_t p = NPU_PRIORITY_COUNT; p-- > 0;) {
		if (!set_empty(&fw.sched.ready[p]))
			return p;
	}
	return NONE;
}

/* Whether anybody but @q waits, at whatever priority */
static bool others_wait(const struct queue *q)
{
	struct set all = { { 0, 0 } };

	for (uint32_t p = 0; p < NPU_PRIORITY_COUNT; p++) {
		all.w[0] |= fw.sched.ready[p].w[0];
		all.w[1] |= fw.sched.ready[p].w[1];
	}
	set_remove(&all, q->id);
	return !set_empty(&all);
}

static uint32_t slice_ns(uint32_t priority)
{
	return fw.config.time_slice_us[priority] * 1000;
}

uint32_t sched_limit(const struct queue *q)
{
	uint32_t slice = slice_ns(q->priority);

	if (!others_wait(q))
		return 0;
	return fw.sched.turn_ns < slice ? slice - (uint32_t)fw.sched.turn_ns : 1;
}

/* Whether @a goes before @b; both are ready at priority @p. */
static bool goes_before(const struct queue *a, const struct queue *b, uint32_t p)
{
	const struct context *x = &fw.context[a->context], *y = &fw.context[b->context];

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
	       s->turn_ns < slice_ns(q->priority) && set_has(&s->ready[q->priority], q->id);
}

/* Starts a turn; lower priorities that have to wait for it are counted on. */
static struct queue *start_turn(uint32_t highest)
{
	struct sched *s = &fw.sched;
	uint32_t priority = highest;
	struct context *ctx;
	struct queue *q;

	for (uint32_t p = 0; p < highest; p++) {
		if (set_empty(&s->ready[p]))
			s->waited[p] = 0;
		else if (s->waited[p] >= fw.config.starvation_turns)
			priority = p;
		else
			s->waited[p]++;
	}
	s->waited[priority] = 0;
	q = least_served(priority);
	ctx = &fw.context[q->context];
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
	uint32_t highest = highest_ready();

	if (highest == NONE)
		return NULL;
	if (turn_goes_on(highest))
		return fw.sched.turn_queue;
	return start_turn(highest);
}

void sched_account(struct queue *q, uint32_t priority, uint64_t ns)
{
	fw.sched.turn_ns += ns;
	q->served_ns += ns;
	fw.context[q->context].share[priority].served_ns += ns;
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
		if (fw.context[q->context].faulted)
			job_refuse(q, NPU_FAULT_CONTEXT);
		else
			job_start(q);
	}
	if (fw.run.queue && fw.sched.news)
		make_way();
}

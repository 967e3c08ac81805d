/* SPDX-License-Identifier: MIT */
/*
 * The event queue. Only transfers are events: they share the DRAM, so the end of one depends on the
 * others. All else follows in closed form as soon as what it waits for is known, and is
 * worked off eagerly: kicks say at which engine of which core something has changed.
 *
 * All channels have the same rate and share alike, so all active transfers get the same bytes
 * a picosecond, rate[n_active].
 */
#include <string.h>

#include "timing_replay.h"

#define UNIT_SHIFT	32		/* of left[] and rate[] */
#define MAX_TRANSFER	(1ull << 28)	/* bytes started at once: left[] cannot overflow */

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint32_t bit(uint32_t slot)
{
	return 1u << slot;
}

static bool fifo_empty(const struct fifo *f)
{
	return f->head == f->tail;
}

static uint32_t fifo_first(const struct fifo *f)
{
	return f->slot[f->head % WINDOW];
}

static void fifo_add(struct fifo *f, uint32_t slot)
{
	f->slot[f->tail++ % WINDOW] = slot;
}

static void kick(struct npu_timing *t, struct core *c, uint32_t what)
{
	c->kicks |= what;
	t->dirty |= 1u << c->index;
}

static void resolve(struct npu_timing *t, struct core *c, uint32_t i, uint64_t finish);

/* Releases the barrier that @c has reached if all cores of its mask have. */
static void meet(struct npu_timing *t, struct core *c)
{
	uint32_t mask = c->slot[c->at_barrier].barrier;
	int at[NPU_MAX_CORES];
	uint64_t release = 0;
	uint32_t i;

	for (i = 0; i < t->n_streams; i++) {
		at[i] = mask >> i & 1 ? t->core[i].at_barrier : -1;
		if (!(mask >> i & 1))
			continue;
		if (at[i] < 0 || t->core[i].slot[at[i]].barrier != mask)
			return;
		release = max64(release, t->core[i].slot[at[i]].start);
	}
	release += t->barrier_ps;
	/* all leave before one goes on: it can be at the next barrier at once */
	for (i = 0; i < t->n_streams; i++)
		if (at[i] >= 0)
			t->core[i].at_barrier = -1;
	for (i = 0; i < t->n_streams; i++) {
		struct core *other = &t->core[i];

		if (at[i] < 0)
			continue;
		other->fence_time = max64(other->fence_time, release);
		if (other->fence == at[i])
			other->fence = -1;
		resolve(t, other, at[i], release);
	}
}

/* The core is at the barrier in slot i if all before it has finished, and its tokens are there. */
static void arrive(struct npu_timing *t, struct core *c, uint32_t i)
{
	struct slot *s = &c->slot[i];

	if (c->first % WINDOW != i || s->deps)
		return;
	s->start = max64(s->start, c->retired);
	c->at_barrier = i;
	meet(t, c);
}

/* The tokens and the barrier that slot i waited for are there. */
static void ready(struct npu_timing *t, struct core *c, uint32_t i)
{
	struct slot *s = &c->slot[i];

	if (s->barrier)
		arrive(t, c, i);
	else
		kick(t, c, s->parts ? s->parts : KICK_ISSUE);
}

/* Makes room in the window for as many as have finished at its head. */
static void retire(struct npu_timing *t, struct core *c)
{
	struct slot *s = &c->slot[c->first % WINDOW];

	while (c->first != c->next && !(c->unfinished & bit(c->first % WINDOW))) {
		c->retired = max64(c->retired, s->finish);
		s->retired = c->retired;
		c->first++;
		s = &c->slot[c->first % WINDOW];
	}
	kick(t, c, KICK_ISSUE);
	if (c->first != c->next && s->barrier)
		arrive(t, c, c->first % WINDOW);
}

/* Slot i has finished: tells those that wait for it. */
static void resolve(struct npu_timing *t, struct core *c, uint32_t i, uint64_t finish)
{
	struct slot *s = &c->slot[i];
	uint32_t users = s->users;
	uint32_t signals = s->signal & c->token_pending;

	s->finish = finish;
	c->unfinished &= ~bit(i);
	c->last_finish = max64(c->last_finish, finish);
	for (; signals; signals &= signals - 1) {
		uint32_t token = __builtin_ctz(signals);

		if (c->token_slot[token] == i) {
			c->token_pending &= ~(1u << token);
			c->token_time[token] = finish;
		}
	}
	if (c->first % WINDOW == i)
		retire(t, c);
	for (; users; users &= users - 1) {
		uint32_t u = __builtin_ctz(users);

		c->slot[u].start = max64(c->slot[u].start, finish);
		c->slot[u].deps &= ~bit(i);
		if (!c->slot[u].deps)
			ready(t, c, u);
	}
}

static void part_done(struct npu_timing *t, struct core *c, uint32_t i, uint32_t part,
		      uint64_t finish)
{
	struct slot *s = &c->slot[i];

	s->finish = max64(s->finish, finish);
	s->parts &= ~part;
	if (!s->parts)
		resolve(t, c, i, s->finish);
}

/* Bytes of slot's stream that have arrived go through its engine, which was free at @at. */
static uint64_t consume(struct npu_timing *t, struct core *c, struct slot *s, uint64_t at,
			uint64_t *engine_ps)
{
	while (s->piece != s->piece_end) {
		struct piece *p = &c->piece[s->piece++ % PIECES];
		uint64_t ps = p->bytes == s->unconsumed ? *engine_ps :
			      s->ps_per_byte * p->bytes >> 12;

		*engine_ps -= ps;
		s->unconsumed -= p->bytes;
		at = max64(max64(max64(at, s->start), p->began) + ps,
			   p->arrived + min64(ps, t->tail_ps));
		p->consumed = at;
		kick(t, c, PART_STREAM);
	}
	return at;
}

/* Works off the queue of the matrix (or vector) engine as far as it is known. */
static void run_engine(struct npu_timing *t, struct core *c, struct fifo *f, uint32_t part,
		       uint64_t *free_at)
{
	while (!fifo_empty(f)) {
		uint32_t i = fifo_first(f);
		struct slot *s = &c->slot[i];
		uint64_t *ps = part == PART_MATRIX ? &s->matrix_ps : &s->vector_ps;

		if (s->deps)
			return;
		/* the matrix engine takes the stream if both work on the command */
		if (s->unconsumed && (part == PART_MATRIX || !s->matrix_ps)) {
			*free_at = consume(t, c, s, *free_at, ps);
			if (s->unconsumed)
				return;
		} else {
			*free_at = max64(*free_at, s->start) + *ps;
		}
		f->head++;
		part_done(t, c, i, part, *free_at);
	}
}

static void start(struct npu_timing *t, uint32_t channel)
{
	t->starts[channel] = NEVER;
	t->left[channel] = t->piece_of[channel] << UNIT_SHIFT;
	t->active_since[channel] = t->now;
	t->n_active++;
}

static void arm(struct npu_timing *t, uint32_t channel, uint64_t when, uint64_t bytes)
{
	t->piece_of[channel] = bytes;
	if (when <= t->now)
		start(t, channel);
	else
		t->starts[channel] = when;
}

static bool channel_idle(const struct npu_timing *t, uint32_t channel)
{
	return t->starts[channel] == NEVER && t->left[channel] == NEVER;
}

static void run_dma(struct npu_timing *t, struct core *c, uint32_t j)
{
	uint32_t channel = c->index * t->per_core + 1 + j;
	struct slot *s;

	if (fifo_empty(&c->dma[j]) || !channel_idle(t, channel))
		return;
	s = &c->slot[fifo_first(&c->dma[j])];
	if (!s->deps)
		arm(t, channel, max64(s->start + t->latency_ps, t->free_at[channel]),
		    min64(s->bytes, MAX_TRANSFER));
}

/* Room for @bytes in the FIFO? Bytes leave it in the order in which they came. */
static bool make_room(struct npu_timing *t, struct core *c, uint64_t bytes)
{
	while (c->fifo_used + bytes > t->fifo_bytes || c->piece_tail - c->piece_head == PIECES) {
		struct piece *p = &c->piece[c->piece_head % PIECES];

		if (p->consumed == NEVER)
			return false;
		c->fifo_used -= p->bytes;
		c->fifo_room = max64(c->fifo_room, p->consumed);
		c->piece_head++;
	}
	return true;
}

static void run_stream(struct npu_timing *t, struct core *c)
{
	uint32_t channel = c->index * t->per_core;
	uint64_t bytes, request;
	struct slot *s;

	if (fifo_empty(&c->stream) || !channel_idle(t, channel))
		return;
	s = &c->slot[fifo_first(&c->stream)];
	if (s->ordered && s->deps)
		return;
	bytes = min64(s->stream_left, t->piece_bytes);
	if (!make_room(t, c, bytes))
		return;
	request = max64(s->ordered ? s->start : s->issue, c->fifo_room);
	c->fifo_used += bytes;
	arm(t, channel, max64(request + t->latency_ps, t->free_at[channel]), bytes);
}

/* A piece of the stream has arrived in the FIFO. */
static void stream_done(struct npu_timing *t, struct core *c, uint64_t began, uint64_t bytes)
{
	uint32_t i = fifo_first(&c->stream);
	struct slot *s = &c->slot[i];
	struct piece *p = &c->piece[c->piece_tail % PIECES];
	bool taken = s->matrix_ps || s->vector_ps;

	p->bytes = bytes;
	p->began = began;
	p->arrived = t->now;
	/* without an engine behind it, straight to the scratchpad */
	p->consumed = taken ? NEVER : t->now;
	if (s->piece == s->piece_end)
		s->piece = c->piece_tail;
	c->piece_tail++;
	s->piece_end = c->piece_tail;
	s->stream_left -= bytes;
	kick(t, c, PART_STREAM | (taken ? s->matrix_ps ? PART_MATRIX : PART_VECTOR : 0));
	if (!s->stream_left) {
		c->stream.head++;
		part_done(t, c, i, PART_STREAM, t->now);
	}
}

static void dma_done(struct npu_timing *t, struct core *c, uint32_t j, uint64_t bytes)
{
	uint32_t i = fifo_first(&c->dma[j]);
	struct slot *s = &c->slot[i];

	kick(t, c, PART_DMA);
	s->bytes -= bytes;
	if (s->bytes)
		return;
	c->dma[j].head++;
	part_done(t, c, i, PART_DMA, t->now);
}

/* What slot i has to wait for. */
static void bind(struct core *c, uint32_t i, const struct entry *e)
{
	struct slot *s = &c->slot[i];
	uint32_t waits = e->wait;
	uint32_t deps = 0;

	for (; waits; waits &= waits - 1) {
		uint32_t token = __builtin_ctz(waits);

		if (c->token_pending >> token & 1)
			deps |= bit(c->token_slot[token]);
		else
			s->start = max64(s->start, c->token_time[token]);
	}
	/* a barrier is behind all others anyway, see arrive() */
	if (c->fence >= 0 && !e->cores)
		deps |= bit(c->fence);
	else
		s->start = max64(s->start, c->fence_time);
	s->deps = deps;
	for (; deps; deps &= deps - 1)
		c->slot[__builtin_ctz(deps)].users |= bit(i);
}

static void enqueue(struct npu_timing *t, struct core *c, uint32_t i, const struct entry *e)
{
	struct slot *s = &c->slot[i];

	if (e->matrix_ps) {
		s->parts |= PART_MATRIX;
		fifo_add(&c->matrix, i);
		c->busy[NPU_ENGINE_MATRIX] += e->matrix_ps;
	}
	if (e->vector_ps) {
		s->parts |= PART_VECTOR;
		fifo_add(&c->vector, i);
		c->busy[NPU_ENGINE_VECTOR] += e->vector_ps;
	}
	if (e->stream_bytes) {
		s->parts |= PART_STREAM;
		fifo_add(&c->stream, i);
		if (e->stream_bytes > t->piece_bytes)
			s->ps_per_byte = ((e->matrix_ps ? e->matrix_ps : e->vector_ps) << 12) /
					 e->stream_bytes;
	}
	if (e->dma_bytes) {
		s->parts |= PART_DMA;
		fifo_add(&c->dma[c->next_dma], i);
		if (++c->next_dma == t->per_core - 1)
			c->next_dma = 0;
	}
}

static void issue_one(struct npu_timing *t, struct core *c)
{
	const struct entry *e = &c->log[c->log_head++];
	uint32_t i = c->next++ % WINDOW;
	struct slot *s = &c->slot[i];
	uint32_t signals;

	s->users = 0;
	/* the place in the window is free when all up to its last holder have finished */
	s->issue = max64(c->next_issue, s->retired);
	s->start = s->issue;
	s->finish = s->issue;
	s->matrix_ps = e->matrix_ps;
	s->vector_ps = e->vector_ps;
	s->bytes = e->dma_bytes;
	s->stream_left = e->stream_bytes;
	s->unconsumed = e->matrix_ps || e->vector_ps ? e->stream_bytes : 0;
	s->ps_per_byte = 0;
	s->signal = e->signal;
	s->barrier = e->cores;
	s->parts = 0;
	s->ordered = e->ordered;
	s->piece = 0;
	s->piece_end = 0;
	c->next_issue = s->issue + t->issue_ps;

	bind(c, i, e);
	c->unfinished |= bit(i);
	for (signals = e->signal; signals; signals &= signals - 1) {
		uint32_t token = __builtin_ctz(signals);

		c->token_slot[token] = i;
		c->token_pending |= 1u << token;
	}
	if (e->opcode == NPU_OP_END)
		c->ended = true;
	if (e->cores) {
		c->fence = i;
		arrive(t, c, i);
		return;
	}
	enqueue(t, c, i, e);
	if (s->parts)
		kick(t, c, s->parts);
	else
		c->blocked = i;
}

/* The command processor: control commands hold it up until they are done, others do not. */
static void run_issue(struct npu_timing *t, struct core *c)
{
	for (;;) {
		if (c->blocked >= 0) {
			struct slot *s = &c->slot[c->blocked];
			uint32_t i = c->blocked;

			if (s->deps)
				return;
			c->blocked = -1;
			c->next_issue = max64(c->next_issue, s->start + t->issue_ps);
			resolve(t, c, i, s->start + t->issue_ps);
		}
		if (c->log_head == c->log_tail || c->next - c->first == WINDOW)
			return;
		issue_one(t, c);
	}
}

/* Works off all kicks of a core. */
static void run_core(struct npu_timing *t, struct core *c)
{
	uint32_t j;

	while (c->kicks) {
		uint32_t kicks = c->kicks;

		c->kicks = 0;
		if (kicks & KICK_ISSUE)
			run_issue(t, c);
		if (kicks & PART_MATRIX)
			run_engine(t, c, &c->matrix, PART_MATRIX, &c->matrix_free);
		if (kicks & PART_VECTOR)
			run_engine(t, c, &c->vector, PART_VECTOR, &c->vector_free);
		if (kicks & PART_STREAM)
			run_stream(t, c);
		if (kicks & PART_DMA)
			for (j = 0; j + 1 < t->per_core; j++)
				run_dma(t, c, j);
	}
}

static void settle(struct npu_timing *t)
{
	while (t->dirty) {
		uint32_t i = __builtin_ctz(t->dirty);

		t->dirty &= t->dirty - 1;
		run_core(t, &t->core[i]);
	}
}

/* Time from which a core whose log has run out could start something. */
static uint64_t horizon(const struct npu_timing *t)
{
	uint64_t limit = NEVER;
	uint32_t i;

	for (i = 0; i < t->n_streams; i++) {
		const struct core *c = &t->core[i];

		if (c->log_tail - c->log_head > NPU_TIMING_BACKLOG)
			return NEVER;
		if (c->log_head == c->log_tail && !c->ended && c->blocked < 0 &&
		    c->next - c->first < WINDOW)
			limit = min64(limit, c->next_issue);
	}
	return limit;
}

/* The transfer of a channel has ended. */
static void transfer_done(struct npu_timing *t, uint32_t channel)
{
	struct core *c = &t->core[channel / t->per_core];
	uint32_t j = channel % t->per_core;
	uint64_t began = t->active_since[channel];

	t->free_at[channel] = t->now;
	c->busy[j ? NPU_ENGINE_DMA : NPU_ENGINE_STREAM] += t->now - began;
	if (j)
		dma_done(t, c, j - 1, t->piece_of[channel]);
	else
		stream_done(t, c, began, t->piece_of[channel]);
}

/* Lets the active transfers run until @when, ends and starts what is due then. */
static void flow(struct npu_timing *t, uint64_t when)
{
	uint64_t served = t->n_active ? (when - t->now) * t->rate[t->n_active] : 0;
	uint32_t ended[MAX_CHANNELS];
	uint32_t i, ends = 0;

	t->now = when;
	for (i = 0; i < t->n_channels; i++) {
		uint64_t left = t->left[i];

		if (t->starts[i] <= when) {
			start(t, i);
		} else if (left > served) {
			t->left[i] = left == NEVER ? NEVER : left - served;
		} else {
			t->left[i] = NEVER;
			ended[ends++] = i;
		}
	}
	t->n_active -= ends;
	for (i = 0; i < ends; i++)
		transfer_done(t, ended[i]);
}

/* When the next transfer ends or starts; NEVER: none does. */
static uint64_t next_event(const struct npu_timing *t)
{
	uint64_t least = NEVER, next = NEVER;
	uint32_t i;

	for (i = 0; i < t->n_channels; i++) {
		next = min64(next, t->starts[i]);
		least = min64(least, t->left[i]);
	}
	/* (least + rate - 1) / rate, or a picosecond more */
	if (t->n_active)
		next = min64(next, t->now + ((__uint128_t)(least + t->rate[t->n_active] - 1) *
					     t->inverse[t->n_active] >> 64));
	return next;
}

void npu_timing_replay(struct npu_timing *t, bool all)
{
	uint64_t next;
	uint32_t i;

	for (i = 0; i < t->n_streams; i++)
		kick(t, &t->core[i], KICK_ISSUE);
	for (;;) {
		settle(t);
		next = next_event(t);
		if (next == NEVER || (!all && next > horizon(t)))
			return;
		flow(t, next);
	}
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "timing.h"
#include "timing_replay.h"

#define PS_PER_S	1000000000000ull
#define ISSUE_CYCLES	4	/* of the command processor for each command */
#define BARRIER_CYCLES	64	/* from the last core's arrival to the start of all */
#define TAIL_CYCLES	64	/* from a stream's last byte to its last product */
#define MAX_PS		(1ull << 50)	/* longest duration of a part: 18 minutes */

/* Cycles to picoseconds, rounded up: never faster than the clock. */
static uint64_t cycles_ps(const struct npu_timing *t, uint64_t cycles)
{
	if (cycles > t->max_cycles)
		cycles = t->max_cycles;
	return (cycles * t->cycle_fp + 4095) >> 12;
}

/* What each of n transfers gets: its channel's rate or its share of the DRAM, rounded down. */
static uint64_t share(const struct npu_machine *m, uint32_t n)
{
	uint64_t channel = (uint64_t)m->dma_bytes * m->dma_mhz * 1000000;
	uint64_t dram = (uint64_t)m->dram_mbps * m->dram_efficiency * 1000 / n;
	uint64_t bytes_s;

	/* with a single channel streams and transfers take turns on it */
	if (m->dma_channels == 1)
		channel /= 2;
	bytes_s = channel < dram ? channel : dram;
	bytes_s = (__uint128_t)bytes_s * (1ull << 32) / PS_PER_S;
	return bytes_s > 2 ? bytes_s : 2;
}

void npu_timing_set_mhz(struct npu_timing *t, uint32_t mhz)
{
	if (t->mhz == mhz)
		return;
	t->mhz = mhz;
	t->cycle_fp = ((1000000ull << 12) + mhz - 1) / mhz;
	t->max_cycles = (MAX_PS << 12) / t->cycle_fp;
	t->issue_ps = cycles_ps(t, ISSUE_CYCLES);
	t->barrier_ps = cycles_ps(t, BARRIER_CYCLES);
	t->tail_ps = cycles_ps(t, TAIL_CYCLES);
}

struct npu_timing *npu_timing_create(const struct npu_machine *m)
{
	struct npu_timing *t = aligned_alloc(128, sizeof(*t));
	uint32_t i;

	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->m = *m;
	npu_timing_set_mhz(t, m->matrix_mhz);
	t->latency_ps = m->dram_ns * 1000ull;
	t->fifo_bytes = m->fifo_bytes;
	t->piece_bytes = m->fifo_bytes / 4;
	t->per_core = m->dma_channels < 2 ? 2 : m->dma_channels;
	for (i = 1; i <= MAX_CHANNELS; i++) {
		t->rate[i] = share(m, i);
		t->inverse[i] = UINT64_MAX / t->rate[i] + 1;
	}
	npu_timing_begin(t, 0);
	return t;
}

void npu_timing_destroy(struct npu_timing *t)
{
	uint32_t i;

	if (!t)
		return;
	for (i = 0; i < NPU_MAX_CORES; i++)
		free(t->core[i].log);
	free(t);
}

void npu_timing_begin(struct npu_timing *t, unsigned int n_streams)
{
	uint32_t i, j;

	t->n_streams = n_streams < NPU_MAX_CORES ? n_streams : NPU_MAX_CORES;
	t->n_channels = t->n_streams * t->per_core;
	t->now = 0;
	t->n_active = 0;
	t->dirty = 0;
	for (i = 0; i < t->n_channels; i++) {
		t->left[i] = NEVER;
		t->starts[i] = NEVER;
		t->free_at[i] = 0;
	}
	for (i = 0; i < t->n_streams; i++) {
		struct core *c = &t->core[i];
		struct entry *log = c->log;
		uint32_t log_size = c->log_size;

		/* slots and pieces are written before they are read, but for this field */
		memset(c, 0, offsetof(struct core, piece));
		memset(&c->piece_head, 0, offsetof(struct core, slot) -
		       offsetof(struct core, piece_head));
		for (j = 0; j < WINDOW; j++)
			c->slot[j].retired = 0;
		c->log = log;
		c->log_size = log_size;
		c->index = i;
		c->blocked = -1;
		c->fence = -1;
		c->at_barrier = -1;
	}
}

/* Room for one more entry: moves what is left to the front, or grows. */
static int make_log_room(struct core *c)
{
	uint32_t pending = c->log_tail - c->log_head;
	uint32_t size = c->log_size ? c->log_size * 2 : 1024;
	struct entry *log;

	if (c->log_head > c->log_size / 2) {
		memmove(c->log, c->log + c->log_head, pending * sizeof(*c->log));
		c->log_head = 0;
		c->log_tail = pending;
		return 0;
	}
	if (size > 4 * NPU_TIMING_BACKLOG)
		return -ENOMEM;
	log = realloc(c->log, size * sizeof(*log));
	if (!log)
		return -ENOMEM;
	c->log = log;
	c->log_size = size;
	return 0;
}

int npu_timing_log(struct npu_timing *t, unsigned int core, const struct npu_work *w)
{
	struct core *c = &t->core[core];
	struct entry *e;

	if (c->log_tail == c->log_size) {
		int ret = make_log_room(c);

		if (ret)
			return ret;
	}
	e = &c->log[c->log_tail];
	e->wait = w->wait;
	e->signal = w->signal;
	e->opcode = w->opcode;
	e->ordered = w->stream_ordered;
	e->cores = 0;
	if (w->barrier)
		e->cores = (w->cores | 1u << core) & ((1u << t->n_streams) - 1);
	e->matrix_ps = cycles_ps(t, w->matrix_cycles);
	e->vector_ps = cycles_ps(t, w->vector_cycles);
	e->dma_bytes = w->read_bytes + w->write_bytes;
	e->stream_bytes = w->stream_bytes;
	c->log_tail++;

	c->read_bytes += w->read_bytes + w->stream_bytes;
	c->write_bytes += w->write_bytes;
	c->spad_bytes += w->spad_bytes;
	c->macs_int8 += w->macs_int8;
	c->macs_float += w->macs_float;
	c->vector_ops += w->vector_ops;
	return 0;
}

void npu_timing_advance(struct npu_timing *t)
{
	npu_timing_replay(t, false);
}

static uint64_t ps_to_ns(uint64_t ps)
{
	return (ps + 999) / 1000;
}

uint64_t npu_timing_now(const struct npu_timing *t)
{
	uint64_t now = t->now;

	for (uint32_t i = 0; i < t->n_streams; i++) {
		if (t->core[i].last_finish > now)
			now = t->core[i].last_finish;
	}
	return ps_to_ns(now);
}

void npu_timing_end(struct npu_timing *t, struct npu_done *out)
{
	const struct npu_machine *m = &t->m;
	uint64_t end = 0, busy[NPU_ENGINE_COUNT] = { 0 };
	uint32_t i, j;
	__uint128_t fj = 0;

	npu_timing_replay(t, true);
	out->read_bytes = 0;
	out->write_bytes = 0;
	out->macs = 0;
	for (i = 0; i < t->n_streams; i++) {
		const struct core *c = &t->core[i];

		end = c->last_finish > end ? c->last_finish : end;
		for (j = 0; j < NPU_ENGINE_COUNT; j++)
			busy[j] += c->busy[j];
		out->read_bytes += c->read_bytes;
		out->write_bytes += c->write_bytes;
		out->macs += c->macs_int8 + c->macs_float;
		fj += (__uint128_t)c->macs_int8 * m->fj_mac_int8 +
		      (__uint128_t)c->macs_float * m->fj_mac_float +
		      (__uint128_t)c->vector_ops * m->fj_vector_op +
		      (__uint128_t)c->spad_bytes * m->fj_spad_byte;
	}
	fj += (__uint128_t)(out->read_bytes + out->write_bytes) * m->fj_dram_byte;
	for (j = 0; j < NPU_ENGINE_COUNT; j++)
		out->busy_ns[j] = ps_to_ns(busy[j]);
	out->model_ns = ps_to_ns(end);
	/* a milliwatt for a nanosecond is a picojoule */
	out->energy_pj = (uint64_t)(fj / 1000) + out->model_ns * m->idle_mw;
}

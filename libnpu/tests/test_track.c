// SPDX-License-Identifier: MIT
/*
 * The tracker never loses a dependency: random commands against a model that knows for each
 * command which earlier ones are certain to have finished when it starts.
 */
#include <string.h>

#include "rig.h"
#include "tap.h"
#include "track.h"

#define COMMANDS	1000
#define RUNS		60

struct command {
	struct access access[3];
	uint32_t n;
	enum track_engine engine;
	struct npu_cmd_hdr hdr;
	/* commands that have finished before this one starts, and before it has finished */
	uint64_t started_after[(COMMANDS + 63) / 64];
	uint64_t ended_after[(COMMANDS + 63) / 64];
};

static struct command list[COMMANDS];

static void add(uint64_t *set, uint32_t i)
{
	set[i / 64] |= 1ull << i % 64;
}

static bool has(const uint64_t *set, uint32_t i)
{
	return set[i / 64] >> i % 64 & 1;
}

static void merge(uint64_t *set, const uint64_t *other)
{
	for (uint32_t i = 0; i < (COMMANDS + 63) / 64; i++)
		set[i] |= other[i];
}

static bool uses(const struct command *c, enum track_engine engine)
{
	return c->engine == engine ||
	       (c->engine == TRACK_BOTH && (engine == TRACK_MATRIX || engine == TRACK_VECTOR));
}

/* What the device keeps: waits for tokens; matrix and vector engine work in order. */
static void follow(uint32_t i)
{
	struct command *c = &list[i];

	for (uint32_t token = 0; token < NPU_MAX_TOKENS; token++) {
		uint32_t j = i;

		if (!(c->hdr.wait >> token & 1))
			continue;
		while (j-- > 0)
			if (list[j].hdr.signal >> token & 1)
				break;
		if (j == UINT32_MAX)
			continue;
		add(c->started_after, j);
		merge(c->started_after, list[j].ended_after);
	}
	for (enum track_engine e = TRACK_MATRIX; e <= TRACK_VECTOR; e++) {
		uint32_t j = i;

		if (!uses(c, e))
			continue;
		while (j-- > 0)
			if (list[j].engine == e)
				break;
		/* the engine takes up this one when it has done all of that one */
		if (j == UINT32_MAX)
			continue;
		add(c->ended_after, j);
		merge(c->ended_after, list[j].ended_after);
		if (c->engine == e) {
			add(c->started_after, j);
			merge(c->started_after, list[j].ended_after);
		}
	}
	merge(c->ended_after, c->started_after);
}

static bool conflict(const struct command *a, const struct command *b)
{
	for (uint32_t i = 0; i < a->n; i++)
		for (uint32_t j = 0; j < b->n; j++) {
			const struct access *x = &a->access[i], *y = &b->access[j];

			if (x->space == y->space && x->start < y->end && y->start < x->end &&
			    (x->write || y->write))
				return true;
		}
	return false;
}

static bool run(uint64_t seed, uint32_t places)
{
	struct rng g = { seed };
	struct track t;

	track_init(&t);
	memset(list, 0, sizeof(list));
	for (uint32_t i = 0; i < COMMANDS; i++) {
		struct command *c = &list[i];

		c->engine = (enum track_engine)rng_below(&g, 4);
		c->n = 1 + rng_below(&g, 3);
		for (uint32_t j = 0; j < c->n; j++) {
			uint32_t start = rng_below(&g, places);

			c->access[j] = (struct access){ .start = start,
							.end = start + 1 + rng_below(&g, 3),
							.space = (uint8_t)rng_below(&g, 2),
							.write = rng_below(&g, 3) == 0 };
		}
		track_command(&t, c->engine, c->access, c->n, &c->hdr);
		follow(i);
		for (uint32_t j = 0; j < i; j++)
			if (conflict(c, &list[j]) && !has(c->started_after, j)) {
				tap_diag("seed %u: command %u may start before %u has finished",
					 (unsigned int)seed, i, j);
				return false;
			}
	}
	return true;
}

static void test_overlap(void)
{
	const struct access a = { 0, 64, SPACE_SPAD, true }, b = { 64, 128, SPACE_SPAD, true };
	const struct access c = { 0, 64, SPACE_SPAD, false };
	struct npu_cmd_hdr h[4] = { 0 };
	struct track t;

	track_init(&t);
	track_command(&t, TRACK_DMA, &a, 1, &h[0]);
	track_command(&t, TRACK_DMA, &b, 1, &h[1]);
	track_command(&t, TRACK_MATRIX, &c, 1, &h[2]);
	tap_ok(!h[0].wait && !h[1].wait && h[2].wait == h[0].signal && h[0].signal != h[1].signal,
	       "a reader waits for its writer, and for nothing else");
	track_clear(&t);
	track_command(&t, TRACK_MATRIX, &c, 1, &h[3]);
	tap_ok(!h[3].wait, "after a barrier nothing is waited for");
}

int main(void)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < RUNS; i++)
		wrong += !run(i, i % 2 ? 12 : 400);
	tap_ok(!wrong, "%u random streams of %u commands: no dependency is lost", RUNS, COMMANDS);
	test_overlap();
	return tap_done();
}

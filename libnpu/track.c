// SPDX-License-Identifier: MIT
#include <string.h>

#include "track.h"

#define NONE		-1

/* Tokens are dealt out in turn within the pool of an engine. */
static const struct {
	uint8_t first;
	uint8_t count;
} pools[] = {
	[TRACK_MATRIX] = { 0, 4 },
	[TRACK_VECTOR] = { 4, 5 },
	[TRACK_DMA] = { 9, 7 },
};

static bool has(const struct track_set *s, uint32_t i)
{
	return s->bits[i / 64] >> i % 64 & 1;
}

static void add(struct track_set *s, uint32_t i)
{
	s->bits[i / 64] |= 1ull << i % 64;
}

static void merge(struct track_set *s, const struct track_set *other)
{
	for (uint32_t i = 0; i < TRACK_WINDOW / 64; i++)
		s->bits[i] |= other->bits[i];
}

void track_clear(struct track *t)
{
	for (uint32_t i = 0; i < TRACK_WINDOW; i++)
		t->slot[i].used = false;
	for (uint32_t i = 0; i < NPU_MAX_TOKENS; i++)
		t->holder[i] = NONE;
	t->last[TRACK_MATRIX] = NONE;
	t->last[TRACK_VECTOR] = NONE;
	t->count = 0;
}

void track_init(struct track *t)
{
	memset(t, 0, sizeof(*t));
	track_clear(t);
}

static bool overlaps(const struct access *a, const struct access *b)
{
	return a->space == b->space && a->start < b->end && b->start < a->end &&
	       (a->write || b->write);
}

static bool conflicts(const struct track_slot *k, const struct access *access, uint32_t n)
{
	if (k->all)
		return true;
	for (uint32_t i = 0; i < k->n; i++)
		for (uint32_t j = 0; j < n; j++)
			if (overlaps(&k->access[i], &access[j]))
				return true;
	return false;
}

/* The commands that a wait for this token brings to an end are certain from here on. */
static void wait_for(const struct track *t, uint32_t token, struct npu_cmd_hdr *hdr,
		     struct track_slot *c)
{
	hdr->wait |= (__u16)(1u << token);
	merge(&c->before, &t->slot[t->holder[token]].after);
}

/* Waits for slot x by the token whose last command ends after it and is the oldest such one. */
static void wait_for_slot(const struct track *t, uint32_t x, struct npu_cmd_hdr *hdr,
			  struct track_slot *c)
{
	uint32_t best = t->slot[x].token;

	for (uint32_t i = 0; i < NPU_MAX_TOKENS; i++) {
		int16_t h = t->holder[i];

		if (h != NONE && has(&t->slot[h].after, x) &&
		    t->slot[h].number < t->slot[t->holder[best]].number)
			best = i;
	}
	wait_for(t, best, hdr, c);
}

/* What the engines' order makes certain: before the start if start is set, else before the end. */
static void engine_order(const struct track *t, enum track_engine engine, bool start,
			 struct track_set *s)
{
	for (uint32_t e = TRACK_MATRIX; e <= TRACK_VECTOR; e++)
		if (t->last[e] != NONE && (engine == e || (engine == TRACK_BOTH && !start)))
			merge(s, &t->slot[t->last[e]].after);
}

/*
 * Is slot x certain to have finished before any later command starts? A command on one engine
 * starts after the last one there; others start after the one that had their token.
 */
static bool is_past(const struct track *t, uint32_t x)
{
	for (uint32_t e = TRACK_MATRIX; e <= TRACK_VECTOR; e++)
		if (t->last[e] == NONE || !has(&t->slot[t->last[e]].after, x))
			return false;
	for (uint32_t i = 0; i < NPU_MAX_TOKENS; i++) {
		bool vector = i >= pools[TRACK_VECTOR].first && i < pools[TRACK_DMA].first;

		if (!vector && (t->holder[i] == NONE || !has(&t->slot[t->holder[i]].after, x)))
			return false;
	}
	return true;
}

/* Takes a slot out of all sets. */
static void forget(struct track *t, uint32_t at)
{
	for (uint32_t i = 0; i < TRACK_WINDOW; i++) {
		t->slot[i].before.bits[at / 64] &= ~(1ull << at % 64);
		t->slot[i].after.bits[at / 64] &= ~(1ull << at % 64);
	}
	t->slot[at].used = false;
}

void track_command(struct track *t, enum track_engine engine, const struct access *access,
		   uint32_t n, struct npu_cmd_hdr *hdr)
{
	enum track_engine pool = engine == TRACK_BOTH ? TRACK_MATRIX : engine;
	uint32_t token = pools[pool].first + t->next[pool];
	uint32_t at = t->count % TRACK_WINDOW;
	struct track_slot c = { .n = (uint8_t)n, .token = (uint8_t)token, .used = true,
				.number = t->count };

	hdr->wait = 0;
	hdr->signal = (__u16)(1u << token);
	memcpy(c.access, access, n * sizeof(*access));
	/* by waiting for all there is, this command stands for the forgotten one */
	c.all = t->slot[at].used && !is_past(t, at);
	for (uint32_t i = 0; i < NPU_MAX_TOKENS && c.all; i++)
		if (t->holder[i] != NONE)
			wait_for(t, i, hdr, &c);
	forget(t, at);

	engine_order(t, engine, true, &c.before);
	for (uint32_t back = 1; back < TRACK_WINDOW && back <= t->count; back++) {
		uint32_t x = (t->count - back) % TRACK_WINDOW;

		if (t->slot[x].used && !has(&c.before, x) && conflicts(&t->slot[x], access, n))
			wait_for_slot(t, x, hdr, &c);
	}
	/* commands on one engine have ended after the last one with their token by themselves */
	if (t->holder[token] != NONE && !has(&c.before, (uint32_t)t->holder[token]))
		wait_for(t, token, hdr, &c);
	c.after = c.before;
	engine_order(t, engine, false, &c.after);
	add(&c.after, at);
	t->slot[at] = c;
	t->holder[token] = (int16_t)at;
	if (engine == TRACK_MATRIX || engine == TRACK_VECTOR)
		t->last[engine] = (int16_t)at;
	t->next[pool] = (uint8_t)((t->next[pool] + 1) % pools[pool].count);
	t->count++;
}

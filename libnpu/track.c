// SPDX-License-Identifier: MIT
#include <string.h>

#include "track.h"

/* Tokens are dealt out in turn within the pool of an engine. */
static const struct {
	uint8_t first;
	uint8_t count;
} pools[] = {
	[TRACK_MATRIX] = { 0, 4 },
	[TRACK_VECTOR] = { 4, 5 },
	[TRACK_DMA] = { 9, 7 },
};

void track_clear(struct track *t)
{
	for (uint32_t i = 0; i < NPU_MAX_TOKENS; i++) {
		t->token[i].count = 0;
		t->token[i].used = false;
		t->token[i].all = false;
	}
}

static bool overlaps(const struct access *a, const struct access *b)
{
	return a->space == b->space && a->start < b->end && b->start < a->end &&
	       (a->write || b->write);
}

static bool conflicts(const struct track_token *k, const struct access *access, uint32_t n)
{
	if (k->all)
		return true;
	for (uint32_t i = 0; i < k->count; i++)
		for (uint32_t j = 0; j < n; j++)
			if (overlaps(&k->access[i], &access[j]))
				return true;
	return false;
}

static void add(struct track_token *k, const struct access *a)
{
	for (uint32_t i = 0; i < k->count; i++) {
		struct access *b = &k->access[i];

		if (b->space == a->space && b->start == a->start && b->end == a->end) {
			b->write |= a->write;
			return;
		}
	}
	if (k->count == TRACK_ACCESSES)
		k->all = true;
	else
		k->access[k->count++] = *a;
}

void track_command(struct track *t, enum track_engine engine, const struct access *access,
		   uint32_t n, struct npu_cmd_hdr *hdr)
{
	enum track_engine pool = engine == TRACK_BOTH ? TRACK_MATRIX : engine;
	uint32_t mine = pools[pool].first + t->next[pool];
	struct track_token *k = &t->token[mine];
	bool in_order = k->engine == engine && (engine == TRACK_MATRIX || engine == TRACK_VECTOR);

	t->next[pool] = (uint8_t)((t->next[pool] + 1) % pools[pool].count);
	hdr->wait = 0;
	for (uint32_t i = 0; i < NPU_MAX_TOKENS; i++)
		if (t->token[i].used && conflicts(&t->token[i], access, n))
			hdr->wait |= (__u16)(1u << i);
	if (k->used && !in_order)
		hdr->wait |= (__u16)(1u << mine);
	hdr->signal = (__u16)(1u << mine);
	for (uint32_t i = 0; i < n; i++)
		add(k, &access[i]);
	k->engine = (uint8_t)engine;
	k->used = true;
}

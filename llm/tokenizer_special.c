// SPDX-License-Identifier: MIT
/*
 * Special tokens in running text. Where two overlap, the one with the longer
 * name is taken; among equal ones the one that comes first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_impl.h"

static bool is_special(const struct token *k)
{
	return k->text_len && (k->type == TOKEN_CONTROL || k->type == TOKEN_UNKNOWN ||
			       k->type == TOKEN_USER_DEFINED);
}

static int compare_text(const void *a, const void *b, void *arg)
{
	const struct tokenizer *t = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct token *x = &t->tokens[i], *y = &t->tokens[j];
	uint32_t n = x->text_len < y->text_len ? x->text_len : y->text_len;
	int c = memcmp(x->text, y->text, n);

	if (c)
		return c;
	if (x->text_len != y->text_len)
		return x->text_len < y->text_len ? -1 : 1;
	return (i > j) - (i < j);
}

int special_index(struct tokenizer *t)
{
	uint32_t i, b;

	for (i = 0; i < t->n_tokens; i++)
		t->n_specials += is_special(&t->tokens[i]);
	t->specials = calloc(t->n_specials ? t->n_specials : 1, sizeof(*t->specials));
	if (!t->specials)
		return -ENOMEM;
	for (i = 0, b = 0; i < t->n_tokens; i++)
		if (is_special(&t->tokens[i]))
			t->specials[b++] = i;
	qsort_r(t->specials, t->n_specials, sizeof(*t->specials), compare_text, t);
	for (i = 0, b = 0; b < 256; b++) {
		while (i < t->n_specials && (uint8_t)t->tokens[t->specials[i]].text[0] < b)
			i++;
		t->special_first[b] = i;
	}
	t->special_first[256] = t->n_specials;
	return 0;
}

/* First of specials[lo..hi) whose byte @depth is at least @byte; all are longer than @depth. */
static uint32_t lower_bound(const struct tokenizer *t, uint32_t lo, uint32_t hi, uint32_t depth,
			    unsigned int byte)
{
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if ((uint8_t)t->tokens[t->specials[mid]].text[depth] < byte)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct hits {
	struct special_hit *hit;
	size_t n, room;
};

static int add_hit(struct hits *h, struct special_hit hit)
{
	if (h->n == h->room) {
		size_t room = h->room ? 2 * h->room : 16;
		struct special_hit *p = realloc(h->hit, room * sizeof(*p));

		if (!p)
			return -ENOMEM;
		h->hit = p;
		h->room = room;
	}
	h->hit[h->n++] = hit;
	return 0;
}

/*
 * All specials that start at @pos: the sorted names are narrowed byte by byte, and
 * a name that ends there sorts before those that go on.
 */
static int hits_at(const struct tokenizer *t, const char *text, uint32_t len, uint32_t pos,
		   bool control, struct hits *h)
{
	uint32_t first = (uint8_t)text[pos], depth = 1;
	uint32_t lo = t->special_first[first], hi = t->special_first[first + 1];
	bool taken = false;

	while (lo < hi) {
		const struct token *k = &t->tokens[t->specials[lo]];

		if (k->text_len == depth) {
			/* Of two tokens of one name the first is taken. */
			if (!taken && (control || k->type == TOKEN_USER_DEFINED)) {
				struct special_hit hit = { pos, depth, (int32_t)t->specials[lo] };

				if (add_hit(h, hit))
					return -ENOMEM;
				taken = true;
			}
			lo++;
			continue;
		}
		if (pos + depth == len)
			break;
		first = (uint8_t)text[pos + depth];
		lo = lower_bound(t, lo, hi, depth, first);
		hi = lower_bound(t, lo, hi, depth, first + 1);
		taken = false;
		depth++;
	}
	return 0;
}

static int compare_longer(const void *a, const void *b)
{
	const struct special_hit *x = a, *y = b;

	if (x->len != y->len)
		return x->len > y->len ? -1 : 1;
	if (x->id != y->id)
		return (x->id > y->id) - (x->id < y->id);
	return (x->pos > y->pos) - (x->pos < y->pos);
}

static int compare_pos(const void *a, const void *b)
{
	const struct special_hit *x = a, *y = b;

	return (x->pos > y->pos) - (x->pos < y->pos);
}

/* Drops each hit that overlaps a better one. */
static int settle(struct hits *h, uint32_t len)
{
	uint8_t *covered = calloc(len, 1);
	size_t i, n = 0;

	if (!covered)
		return -ENOMEM;
	qsort(h->hit, h->n, sizeof(*h->hit), compare_longer);
	for (i = 0; i < h->n; i++) {
		struct special_hit hit = h->hit[i];

		/* Those before are at least as long: an overlap covers an end of this. */
		if (covered[hit.pos] || covered[hit.pos + hit.len - 1])
			continue;
		memset(covered + hit.pos, 1, hit.len);
		h->hit[n++] = hit;
	}
	h->n = n;
	qsort(h->hit, n, sizeof(*h->hit), compare_pos);
	free(covered);
	return 0;
}

int special_find(const struct tokenizer *t, const char *text, uint32_t len, bool control,
		 struct special_hit **hits, size_t *n)
{
	struct hits h = { 0 };
	uint32_t pos;
	int ret = 0;

	for (pos = 0; pos < len && !ret; pos++)
		ret = hits_at(t, text, len, pos, control, &h);
	if (!ret && h.n)
		ret = settle(&h, len);
	if (ret) {
		free(h.hit);
		return ret;
	}
	*hits = h.hit;
	*n = h.n;
	return 0;
}

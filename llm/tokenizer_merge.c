// SPDX-License-Identifier: MIT
/*
 * Joining neighbours, best pair first, leftmost first among equals. A heap of
 * candidate pairs over a doubly linked list of symbols: n symbols cost
 * n log n, however long the text. A candidate whose symbols have changed since
 * it was found is recognised by its length and dropped.
 */
#include <errno.h>
#include <stdlib.h>

#include "tokenizer_impl.h"

int merger_start(struct merger *m, size_t n)
{
	m->n = 0;
	m->heap_n = 0;
	if (n > m->room) {
		struct symbol *s = realloc(m->symbols, n * sizeof(*s));

		if (!s)
			return -ENOMEM;
		m->symbols = s;
		m->room = n;
	}
	/* n - 1 pairs to begin with; each of at most n - 1 merges makes two new ones. */
	if (3 * n > m->heap_room) {
		struct candidate *h = realloc(m->heap, 3 * n * sizeof(*h));

		if (!h)
			return -ENOMEM;
		m->heap = h;
		m->heap_room = 3 * n;
	}
	return 0;
}

void merger_add(struct merger *m, uint32_t pos, uint32_t len)
{
	int32_t i = (int32_t)m->n++;

	m->symbols[i] = (struct symbol){ pos, len, i - 1, -1 };
	if (i)
		m->symbols[i - 1].next = i;
}

static void heap_push(struct merger *m, struct candidate c)
{
	size_t i = m->heap_n++;

	while (i && m->heap[(i - 1) / 2].key > c.key) {
		m->heap[i] = m->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	m->heap[i] = c;
}

static struct candidate heap_pop(struct merger *m)
{
	struct candidate top = m->heap[0], last = m->heap[--m->heap_n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < m->heap_n) {
		if (child + 1 < m->heap_n && m->heap[child + 1].key < m->heap[child].key)
			child++;
		if (m->heap[child].key >= last.key)
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = last;
	return top;
}

static void try_pair(struct merger *m, const struct tokenizer *t, const char *text,
		     pair_rank rank, int32_t left, int32_t right)
{
	const struct symbol *l, *r;
	struct candidate c;
	uint32_t value;

	if (left < 0 || right < 0)
		return;
	l = &m->symbols[left];
	r = &m->symbols[right];
	if (!rank(t, text + l->pos, l->len, r->len, &value))
		return;
	c = (struct candidate){ (uint64_t)value << 32 | (uint32_t)left, (uint32_t)right,
				l->len + r->len };
	heap_push(m, c);
}

void merger_run(struct merger *m, const struct tokenizer *t, const char *text, pair_rank rank)
{
	size_t i;

	for (i = 1; i < m->n; i++)
		try_pair(m, t, text, rank, (int32_t)i - 1, (int32_t)i);
	while (m->heap_n) {
		struct candidate c = heap_pop(m);
		int32_t left = (int32_t)(uint32_t)c.key;
		struct symbol *l = &m->symbols[left], *r = &m->symbols[c.right];

		if (!l->len || !r->len || l->len + r->len != c.len)
			continue;
		l->len = c.len;
		r->len = 0;
		l->next = r->next;
		if (r->next >= 0)
			m->symbols[r->next].prev = left;
		try_pair(m, t, text, rank, l->prev, left);
		try_pair(m, t, text, rank, left, l->next);
	}
}

void merger_free(struct merger *m)
{
	free(m->symbols);
	free(m->heap);
}

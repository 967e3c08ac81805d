// SPDX-License-Identifier: MIT
#include "stops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int stops_init(struct stops *s, const char *const *text, unsigned int n, size_t piece_max)
{
	size_t longest = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (strlen(text[i]) > longest)
			longest = strlen(text[i]);
	}
	*s = (struct stops) { .text = text, .n = n };
	s->held = malloc(longest + piece_max + 1);
	s->shown = malloc(longest + piece_max + 1);
	if (s->held && s->shown)
		return 0;
	stops_free(s);
	return -ENOMEM;
}

void stops_free(struct stops *s)
{
	free(s->held);
	free(s->shown);
	s->held = NULL;
	s->shown = NULL;
}

/* Where the first stop text begins in what is held; n_held if nowhere. */
static size_t find_stop(const struct stops *s)
{
	size_t best = s->n_held;

	for (unsigned int i = 0; i < s->n; i++) {
		size_t len = strlen(s->text[i]);

		for (size_t at = 0; at < best && at + len <= s->n_held; at++) {
			if (!memcmp(s->held + at, s->text[i], len))
				best = at;
		}
	}
	return best;
}

/* Length of the longest end of what is held that begins a stop text. */
static size_t open_end(const struct stops *s)
{
	size_t longest = 0;

	for (unsigned int i = 0; i < s->n; i++) {
		size_t len = strlen(s->text[i]) - 1;

		if (len > s->n_held)
			len = s->n_held;
		for (; len > longest; len--) {
			if (!memcmp(s->held + s->n_held - len, s->text[i], len))
				longest = len;
		}
	}
	return longest;
}

bool stops_push(struct stops *s, const char *piece, size_t n, const char **out, size_t *len)
{
	size_t stop;
	bool ended;

	memcpy(s->held + s->n_held, piece, n);
	s->n_held += n;
	stop = find_stop(s);
	ended = stop < s->n_held;
	*len = ended ? stop : s->n_held - open_end(s);
	*out = s->shown;
	memcpy(s->shown, s->held, *len);
	s->n_held = ended ? 0 : s->n_held - *len;
	memmove(s->held, s->held + *len, s->n_held);
	return ended;
}

void stops_flush(struct stops *s, const char **out, size_t *len)
{
	*out = s->held;
	*len = s->n_held;
	s->n_held = 0;
}

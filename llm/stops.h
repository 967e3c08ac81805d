/* SPDX-License-Identifier: MIT */
/* Ends a stream of text at one of several texts, which may arrive in pieces. */
#ifndef LLM_STOPS_H
#define LLM_STOPS_H

#include <stdbool.h>
#include <stddef.h>

struct stops {
	const char *const *text;	/* borrowed; none is empty */
	unsigned int n;
	char *held;			/* bytes that may be the start of a stop text */
	size_t n_held;
	char *shown;			/* what the last push gave out */
};

/* @piece_max: longest piece that will be pushed, bytes. -ENOMEM. stops_free() at the end. */
int stops_init(struct stops *s, const char *const *text, unsigned int n, size_t piece_max);
void stops_free(struct stops *s);

/*
 * Takes a piece and gives in *out, *len the bytes that can be shown now (valid until the next
 * call). Returns true when a stop text is complete: what comes before it has been given, it
 * and what follows are dropped.
 */
bool stops_push(struct stops *s, const char *piece, size_t n, const char **out, size_t *len);

/* The end without a stop text: what is still held back. */
void stops_flush(struct stops *s, const char **out, size_t *len);

#endif

/* SPDX-License-Identifier: MIT */
/* UTF-8 and the character classes that tokenizers split text by. */
#ifndef LLM_UNICODE_H
#define LLM_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UC_LETTER	1	/* \p{L} */
#define UC_NUMBER	2	/* \p{N} */
#define UC_PUNCT	4	/* \p{P} */
#define UC_SPACE	8	/* White_Space, what \s means to the tokenizers */

/* What utf8_decode() gives for a byte that starts no valid sequence. */
#define UTF8_INVALID	0xffffffffu

/*
 * Decodes the character at @s (@n > 0 bytes left) into *@cp and returns its
 * length. Overlong forms, surrogates, values past U+10FFFF, stray and missing
 * continuation bytes: *@cp is UTF8_INVALID and the length 1, so that a walk
 * meets every byte exactly once.
 */
size_t utf8_decode(const char *s, size_t n, uint32_t *cp);

/* Writes @cp (below 0x800) and returns the bytes used, 1 or 2. */
size_t utf8_encode_short(uint32_t cp, char *to);

/* UC_* of a code point; 0 for all others, UTF8_INVALID included. */
unsigned int unicode_class(uint32_t cp);

/*
 * Text that arrives in pieces cut anywhere: gives out whole characters only, so
 * that a terminal or JSON never sees half of one. Zero-initialise to start.
 */
struct utf8_stream {
	char held[4];
	size_t n_held;
};

/*
 * Appends @piece to what is held back and copies what is complete to @to, which
 * has room for @len + 3 bytes. Returns the bytes copied. Bytes that can never
 * become a character pass through as they are: nothing is lost.
 */
size_t utf8_stream_push(struct utf8_stream *u, const char *piece, size_t len, char *to);

/* The end: gives out what is still held, at most 3 bytes, and starts anew. */
size_t utf8_stream_flush(struct utf8_stream *u, char *to);

/* In unicode_table.c; sorted. */
extern const uint32_t unicode_runs[];
extern const uint32_t unicode_n_runs;

#endif

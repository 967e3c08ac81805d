// SPDX-License-Identifier: MIT
#include "unicode.h"

#include <string.h>

/* Length that a first byte announces; 0 when it can start nothing. */
static size_t announced(unsigned char b)
{
	if (b < 0x80)
		return 1;
	if (b >= 0xc2 && b <= 0xdf)
		return 2;
	if (b >= 0xe0 && b <= 0xef)
		return 3;
	if (b >= 0xf0 && b <= 0xf4)
		return 4;
	return 0;
}

/* Whether @b may follow @first: this is where overlong forms and surrogates end. */
static bool second_ok(unsigned char first, unsigned char b)
{
	switch (first) {
	case 0xe0:
		return b >= 0xa0 && b <= 0xbf;
	case 0xed:
		return b >= 0x80 && b <= 0x9f;
	case 0xf0:
		return b >= 0x90 && b <= 0xbf;
	case 0xf4:
		return b >= 0x80 && b <= 0x8f;
	}
	return b >= 0x80 && b <= 0xbf;
}

/* How many of the @n bytes at @s are a valid start of one character. */
static size_t valid_start(const unsigned char *s, size_t n, size_t want)
{
	size_t i;

	for (i = 1; i < want && i < n; i++)
		if (i == 1 ? !second_ok(s[0], s[1]) : (s[i] & 0xc0) != 0x80)
			break;
	return i;
}

size_t utf8_decode(const char *str, size_t n, uint32_t *cp)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *s = (const unsigned char *)str;
	size_t want = announced(s[0]), i;
	uint32_t v;

	if (!want || n < want || valid_start(s, n, want) < want) {
		*cp = UTF8_INVALID;
		return 1;
	}
	v = s[0] & first_bits[want];
	for (i = 1; i < want; i++)
		v = v << 6 | (s[i] & 0x3f);
	*cp = v;
	return want;
}

size_t utf8_encode_short(uint32_t cp, char *to)
{
	if (cp < 0x80) {
		to[0] = (char)cp;
		return 1;
	}
	to[0] = (char)(0xc0 | cp >> 6);
	to[1] = (char)(0x80 | (cp & 0x3f));
	return 2;
}

unsigned int unicode_class(uint32_t cp)
{
	uint32_t lo = 0, hi = unicode_n_runs;

	if (cp > 0x10ffff)
		return 0;
	/* The last run that starts at or before cp; the first starts at 0. */
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (unicode_runs[mid] >> 8 <= cp)
			lo = mid;
		else
			hi = mid;
	}
	return unicode_runs[lo] & 0xff;
}

size_t utf8_stream_push(struct utf8_stream *u, const char *piece, size_t len, char *to)
{
	size_t n, keep = 0, back;

	memcpy(to, u->held, u->n_held);
	memcpy(to + u->n_held, piece, len);
	n = u->n_held + len;

	/* Only the last three bytes can be the start of something longer. */
	for (back = 1; back <= 3 && back <= n; back++) {
		const unsigned char *s = (const unsigned char *)to + n - back;
		size_t want = announced(s[0]);

		if ((s[0] & 0xc0) == 0x80)
			continue;
		if (want > back && valid_start(s, back, want) == back)
			keep = back;
		break;
	}
	n -= keep;
	memcpy(u->held, to + n, keep);
	u->n_held = keep;
	return n;
}

size_t utf8_stream_flush(struct utf8_stream *u, char *to)
{
	size_t n = u->n_held;

	memcpy(to, u->held, n);
	u->n_held = 0;
	return n;
}

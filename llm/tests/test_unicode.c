// SPDX-License-Identifier: MIT
/* UTF-8 decoding, classes, and text cut into pieces. */
#include <stdlib.h>
#include <string.h>

#include "pretokenize.h"
#include "tap.h"
#include "unicode.h"

static bool decodes(const char *s, size_t n, uint32_t want, size_t want_len)
{
	uint32_t cp;

	return utf8_decode(s, n, &cp) == want_len && cp == want;
}

static void test_decode(void)
{
	tap_ok(decodes("A", 1, 'A', 1) && decodes("\xc3\xa9", 2, 0xe9, 2) &&
	       decodes("\xe2\x96\x81", 3, 0x2581, 3) &&
	       decodes("\xf0\x9f\xa6\x99", 4, 0x1f999, 4) &&
	       decodes("\xf4\x8f\xbf\xbf", 4, 0x10ffff, 4), "utf8: one to four bytes");
	tap_ok(decodes("\xc0\x80", 2, UTF8_INVALID, 1) &&
	       decodes("\xe0\x80\x80", 3, UTF8_INVALID, 1) &&
	       decodes("\xf0\x80\x80\x80", 4, UTF8_INVALID, 1),
	       "utf8: overlong forms are not text");
	tap_ok(decodes("\xed\xa0\x80", 3, UTF8_INVALID, 1) &&
	       decodes("\xf4\x90\x80\x80", 4, UTF8_INVALID, 1) &&
	       decodes("\xff", 1, UTF8_INVALID, 1),
	       "utf8: surrogates and values past U+10FFFF neither");
	tap_ok(decodes("\x80", 1, UTF8_INVALID, 1) && decodes("\xe2\x96", 2, UTF8_INVALID, 1) &&
	       decodes("\xe2\x41\x81", 3, UTF8_INVALID, 1),
	       "utf8: stray and missing continuation bytes count one by one");
}

static void test_classes(void)
{
	tap_ok(unicode_class('a') == UC_LETTER && unicode_class(0x4e2d) == UC_LETTER &&
	       unicode_class(0xac00) == UC_LETTER && unicode_class(0x20000) == UC_LETTER,
	       "classes: letters, ranges given by first and last included");
	tap_ok(unicode_class('7') == UC_NUMBER && unicode_class(0xbd) == UC_NUMBER &&
	       unicode_class(0x0663) == UC_NUMBER, "classes: numbers");
	tap_ok(unicode_class(' ') == UC_SPACE && unicode_class('\n') == UC_SPACE &&
	       unicode_class(0x3000) == UC_SPACE && unicode_class(0x200b) == 0, "classes: spaces");
	tap_ok(unicode_class('!') == UC_PUNCT && unicode_class('$') == 0 &&
	       unicode_class(UTF8_INVALID) == 0 && unicode_class(0x10ffff) == 0,
	       "classes: punctuation, and none at all");
}

static void test_stream(void)
{
	static const char text[] = "a\xc3\xa9\xe2\x96\x81\xf0\x9f\xa6\x99z\xff\xe2\x96!\xf0\x9f";
	struct utf8_stream u = { .n_held = 0 };
	char out[64];
	size_t i, n = 0, got;
	bool whole = true;

	for (i = 0; i < sizeof(text) - 1; i++) {
		got = utf8_stream_push(&u, text + i, 1, out + n);
		if (i < 10)	/* all of the well-formed part */
			whole = whole && (got == 0 || decodes(out + n, got, UTF8_INVALID, 1) == 0);
		n += got;
	}
	tap_ok(whole, "stream: characters cut anywhere come out whole");
	n += utf8_stream_flush(&u, out + n);
	tap_ok(n == sizeof(text) - 1 && !memcmp(out, text, n),
	       "stream: no byte is lost, valid or not");
}

/* @want: the pieces, separated by '|'; @what they show. */
static void splits(const char *pre, const char *what, const char *text, const char *want)
{
	const struct pretokenizer *p = pretokenizer_find(pre, strlen(pre));
	uint32_t *ends, pos = 0;
	size_t n, i, len = 0;
	char got[256] = "";

	if (!p || pretokenize(p, text, (uint32_t)strlen(text), &ends, &n)) {
		tap_ok(false, "split %s: %s", pre, what);
		return;
	}
	for (i = 0; i < n; i++) {
		if (i)
			got[len++] = '|';
		memcpy(got + len, text + pos, ends[i] - pos);
		len += ends[i] - pos;
		pos = ends[i];
	}
	got[len] = '\0';
	free(ends);
	if (!tap_ok(!strcmp(got, want), "split %s: %s", pre, what))
		tap_diag("got %s", got);
}

static void test_split(void)
{
	splits("gpt-2", "words, spaces before them, contractions, marks",
	       "Hello  world's 123 !?", "Hello| | world|'s| 123| !?");
	splits("gpt-2", "contractions are lower case only",
	       "I'LL go", "I|'|LL| go");
	splits("llama-bpe", "contractions in either case, three digits at most",
	       "I'LL go 12345 a  b", "I|'LL| go| |123|45| a| | b");
	splits("llama-bpe", "a mark goes with the word behind it, tabs by themselves",
	       "x(y) = {\t\tz;", "x|(y|)| =| {|\t|\tz|;");
	splits("llama-bpe", "line ends end a run of spaces",
	       "\n\x20\n  a", "\n\x20\n| | a");
	splits("qwen2", "each digit by itself",
	       "a 123", "a| |1|2|3");
	splits("smollm", "each digit, then GPT-2's rules",
	       "a 12", "a| |1|2");
	splits("default", "marks first, three digits at a time",
	       "a+b 1234!", "a|+|b| |123|4|!");
	splits("deepseek-llm", "words, digits, east Asian text",
	       "Hi there 12 \xe4\xb8\xad\xe6\x96\x87", "Hi| there| |12| |\xe4\xb8\xad\xe6\x96\x87");
	splits("deepseek-llm", "line ends by themselves, spaces at the end",
	       "a\n  ", "a|\n|  ");
	splits("gpt-2", "bytes that are no text are marks",
	       "a\xff\xfe b", "a|\xff\xfe| b");
	tap_ok(!pretokenizer_find("gpt-3", 5), "split: unknown rules are not found");
}

int main(void)
{
	test_decode();
	test_classes();
	test_stream();
	test_split();
	return tap_done();
}

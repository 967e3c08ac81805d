// SPDX-License-Identifier: MIT
#include "pretokenize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unicode.h"

#define MAX_PASSES	6

/* A text as characters. cut[i]: a piece ends before character i. */
struct chars {
	const uint32_t *cp;
	const uint8_t *class;	/* UC_* */
	uint8_t *cut;
	size_t n;
};

/*
 * Length of the match at @pos, at most to @end, the end of the piece; 0 for none.
 * Looking ahead further than what it takes would make splitting quadratic.
 */
typedef size_t (*matcher)(const struct chars *c, size_t pos, size_t end);

struct pretokenizer {
	const char *name;
	/* Each pass splits the pieces of the pass before it. */
	matcher pass[MAX_PASSES];
	bool whole_words;
	bool adds_bos;
};

static bool letter(const struct chars *c, size_t i)
{
	return c->class[i] & UC_LETTER;
}

static bool number(const struct chars *c, size_t i)
{
	return c->class[i] & UC_NUMBER;
}

static bool space(const struct chars *c, size_t i)
{
	return c->class[i] & UC_SPACE;
}

/* [^\s\p{L}\p{N}] */
static bool other(const struct chars *c, size_t i)
{
	return !(c->class[i] & (UC_SPACE | UC_LETTER | UC_NUMBER));
}

static bool newline(const struct chars *c, size_t i)
{
	return c->cp[i] == '\n' || c->cp[i] == '\r';
}

typedef bool (*predicate)(const struct chars *c, size_t i);

/* Where the run of characters that satisfy @p ends. */
static size_t run(const struct chars *c, size_t pos, size_t end, predicate p)
{
	while (pos < end && p(c, pos))
		pos++;
	return pos;
}

/* 's 't 're 've 'm 'll 'd */
static size_t contraction(const struct chars *c, size_t pos, size_t end, bool any_case)
{
	static const char *const tails[] = { "s", "t", "re", "ve", "m", "ll", "d" };
	size_t i, k;

	if (c->cp[pos] != '\'')
		return 0;
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		for (k = 0; tails[i][k] && pos + 1 + k < end; k++) {
			uint32_t cp = c->cp[pos + 1 + k];

			if (any_case && cp >= 'A' && cp <= 'Z')
				cp += 'a' - 'A';
			if (cp != (uint32_t)tails[i][k])
				break;
		}
		if (!tails[i][k])
			return 1 + k;
	}
	return 0;
}

/* \s+(?!\S): leaves the last space to the word that follows. */
static size_t spaces_before_word(const struct chars *c, size_t pos, size_t end)
{
	size_t stop = run(c, pos, end, space);

	return stop == end ? stop - pos : stop - pos > 1 ? stop - pos - 1 : 0;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t match_gpt2(const struct chars *c, size_t pos, size_t end)
{
	static const predicate kinds[] = { letter, number, other };
	size_t first = pos + (c->cp[pos] == ' ');
	size_t i, n = contraction(c, pos, end, false);

	if (n)
		return n;
	if (first < end)
		for (i = 0; i < 3; i++)
			if (kinds[i](c, first))
				return run(c, first, end, kinds[i]) - pos;
	n = spaces_before_word(c, pos, end);
	return n ? n : 1;
}

/*
 * What llama-3 and qwen2 have in common; they differ in how many digits go together:
 * (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,D}
 *   | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 */
static size_t match_llama3_digits(const struct chars *c, size_t pos, size_t end, size_t digits)
{
	size_t first, last, i, n = contraction(c, pos, end, true);

	if (n)
		return n;
	if (letter(c, pos))
		return run(c, pos, end, letter) - pos;
	if (!newline(c, pos) && !number(c, pos) && pos + 1 < end && letter(c, pos + 1))
		return run(c, pos + 1, end, letter) - pos;
	if (number(c, pos)) {
		if (end - pos > digits)
			end = pos + digits;
		return run(c, pos, end, number) - pos;
	}
	first = pos + (c->cp[pos] == ' ');
	if (first < end && other(c, first))
		return run(c, run(c, first, end, other), end, newline) - pos;
	/* Only spaces are left: up to the run's last line end, if it has one. */
	last = run(c, pos, end, space);
	for (i = last; i > pos; i--)
		if (newline(c, i - 1))
			return i - pos;
	n = spaces_before_word(c, pos, end);
	return n ? n : last - pos;
}

static size_t match_llama3(const struct chars *c, size_t pos, size_t end)
{
	return match_llama3_digits(c, pos, end, 3);
}

static size_t match_qwen2(const struct chars *c, size_t pos, size_t end)
{
	return match_llama3_digits(c, pos, end, 1);
}

/* \p{N} */
static size_t match_number(const struct chars *c, size_t pos, size_t end)
{
	(void)end;
	return number(c, pos);
}

/* \p{N}+ */
static size_t match_numbers(const struct chars *c, size_t pos, size_t end)
{
	return run(c, pos, end, number) - pos;
}

/* [0-9][0-9][0-9] */
static size_t match_three_digits(const struct chars *c, size_t pos, size_t end)
{
	size_t i;

	if (end - pos < 3)
		return 0;
	for (i = pos; i < pos + 3; i++)
		if (c->cp[i] < '0' || c->cp[i] > '9')
			return 0;
	return 3;
}

static bool punctuation(const struct chars *c, size_t i)
{
	return c->class[i] & UC_PUNCT || (c->cp[i] && c->cp[i] < 0x80 &&
					  strchr("$+<=>^~|", (int)c->cp[i]));
}

/* [\p{P}$+<=>^~|]+ */
static size_t match_punctuation(const struct chars *c, size_t pos, size_t end)
{
	return run(c, pos, end, punctuation) - pos;
}

/* [\r\n] */
static size_t match_newline(const struct chars *c, size_t pos, size_t end)
{
	(void)end;
	return newline(c, pos);
}

struct range {
	uint32_t first, last;
};

/* The letters that the DeepSeek rules name one by one: cased scripts, mostly. */
static const struct range deepseek_letters[] = {
	{ 0x41, 0x5a }, { 0x61, 0x7a }, { 0xb5, 0xb5 }, { 0xc0, 0xd6 }, { 0xd8, 0xf6 },
	{ 0xf8, 0x1ba }, { 0x1bc, 0x1bf }, { 0x1c4, 0x293 }, { 0x295, 0x2af },
	{ 0x370, 0x373 }, { 0x376, 0x377 }, { 0x37b, 0x37d }, { 0x37f, 0x37f },
	{ 0x386, 0x386 }, { 0x388, 0x38a }, { 0x38c, 0x38c }, { 0x38e, 0x3a1 },
	{ 0x3a3, 0x3f5 }, { 0x3f7, 0x481 }, { 0x48a, 0x52f }, { 0x531, 0x556 },
	{ 0x10a0, 0x10c5 }, { 0x13a0, 0x13f5 }, { 0x13f8, 0x13fd }, { 0x1c90, 0x1cba },
	{ 0x1cbd, 0x1cbf }, { 0x1d00, 0x1d2b }, { 0x1d6b, 0x1d77 }, { 0x1d79, 0x1d9a },
	{ 0x1e00, 0x1f15 }, { 0x1f18, 0x1f1d }, { 0x1f20, 0x1f45 }, { 0x1f48, 0x1f4d },
	{ 0x1f50, 0x1f57 }, { 0x1f59, 0x1f59 }, { 0x1f5b, 0x1f5b }, { 0x1f5d, 0x1f5d },
	{ 0x1f5f, 0x1f7d }, { 0x1f80, 0x1fb4 }, { 0x1fb6, 0x1fbc }, { 0x1fbe, 0x1fbe },
	{ 0x1fc2, 0x1fc4 }, { 0x1fc6, 0x1fcc }, { 0x1fd0, 0x1fd3 }, { 0x1fd6, 0x1fdb },
	{ 0x1fe0, 0x1fec }, { 0x1ff2, 0x1ff4 }, { 0x1ff6, 0x1ffc }, { 0x2102, 0x2102 },
	{ 0x2107, 0x2107 }, { 0x210a, 0x2113 }, { 0x2115, 0x2115 }, { 0x2119, 0x211d },
	{ 0x2124, 0x2124 }, { 0x2126, 0x2126 }, { 0x2128, 0x2128 }, { 0x212a, 0x212d },
	{ 0x212f, 0x2134 }, { 0x2139, 0x2139 }, { 0x213c, 0x213f }, { 0x2145, 0x2149 },
	{ 0x214e, 0x214e }, { 0x2183, 0x2184 }, { 0x2c00, 0x2c7b }, { 0x2c7e, 0x2ce4 },
	{ 0x2ceb, 0x2cee }, { 0x2cf2, 0x2cf3 }, { 0xa640, 0xa66d }, { 0xa680, 0xa69b },
	{ 0xa722, 0xa76f }, { 0xa771, 0xa787 }, { 0xa78b, 0xa78e }, { 0xab70, 0xabbf },
	{ 0xfb00, 0xfb06 }, { 0xfb13, 0xfb17 }, { 0xff21, 0xff3a }, { 0xff41, 0xff5a },
	{ 0x10400, 0x1044f }, { 0x104b0, 0x104d3 }, { 0x104d8, 0x104fb }, { 0x10c80, 0x10cb2 },
	{ 0x10cc0, 0x10cf2 }, { 0x118a0, 0x118df }, { 0x1e900, 0x1e943 },
};

static const struct range deepseek_marks[] = {
	{ '!', '/' }, { ':', '~' }, { 0x2018, 0x201f }, { 0x3001, 0x3002 },
	{ 0xff01, 0xff0f }, { 0xff1a, 0xff5e },
};

static const struct range deepseek_east_asian[] = {
	{ 0x0800, 0x9fa5 }, { 0xac00, 0xd7ff },
};

static bool in_ranges(const struct range *r, size_t n, uint32_t cp)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (cp < r[mid].first)
			n = mid;
		else if (cp > r[mid].last)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

#define IN(table, c, i) \
	(!space(c, i) && in_ranges(table, sizeof(table) / sizeof((table)[0]), (c)->cp[i]))

static bool deepseek_letter(const struct chars *c, size_t i)
{
	return IN(deepseek_letters, c, i);
}

static bool deepseek_mark(const struct chars *c, size_t i)
{
	return IN(deepseek_marks, c, i);
}

static bool deepseek_east(const struct chars *c, size_t i)
{
	return IN(deepseek_east_asian, c, i);
}

/* \s?[p]+ */
static size_t after_space(const struct chars *c, size_t pos, size_t end, predicate p)
{
	size_t first = pos + space(c, pos);
	size_t stop = run(c, first, end, p);

	return stop > first ? stop - pos : 0;
}

static size_t match_deepseek_letters(const struct chars *c, size_t pos, size_t end)
{
	return after_space(c, pos, end, deepseek_letter);
}

static size_t match_deepseek_marks(const struct chars *c, size_t pos, size_t end)
{
	return after_space(c, pos, end, deepseek_mark);
}

static size_t match_deepseek_east(const struct chars *c, size_t pos, size_t end)
{
	return run(c, pos, end, deepseek_east) - pos;
}

/*
 * \s+$. Only the first space of a run is tried: were each, a long run would be
 * walked once from every space in it.
 */
static size_t match_trailing_space(const struct chars *c, size_t pos, size_t end)
{
	if (pos && space(c, pos - 1) && !c->cut[pos])
		return 0;
	return run(c, pos, end, space) == end ? end - pos : 0;
}

static const struct pretokenizer known[] = {
	{ "default", { match_punctuation, match_gpt2, match_numbers, match_three_digits },
	  false, false },
	{ "gpt-2", { match_gpt2 }, false, false },
	{ "phi-2", { match_gpt2 }, false, false },
	{ "llama-bpe", { match_llama3 }, true, true },
	{ "llama3", { match_llama3 }, true, true },
	{ "llama-v3", { match_llama3 }, true, true },
	{ "falcon3", { match_llama3 }, true, true },
	{ "smaug-bpe", { match_llama3 }, false, false },
	{ "qwen2", { match_qwen2 }, false, false },
	{ "deepseek-r1-qwen", { match_qwen2 }, false, false },
	{ "smollm", { match_number, match_gpt2 }, false, false },
	{ "starcoder", { match_number, match_gpt2 }, false, false },
	{ "refact", { match_number, match_gpt2 }, false, false },
	{ "command-r", { match_number, match_gpt2 }, false, false },
	{ "deepseek-llm", { match_newline, match_deepseek_letters, match_deepseek_marks,
			    match_trailing_space, match_deepseek_east, match_numbers },
	  false, false },
};

const char *pretokenizer_names(void)
{
	return "default gpt-2 phi-2 llama-bpe llama3 llama-v3 falcon3 smaug-bpe qwen2 "
	       "deepseek-r1-qwen smollm starcoder refact command-r deepseek-llm";
}

const struct pretokenizer *pretokenizer_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len && !memcmp(known[i].name, name, len))
			return &known[i];
	return NULL;
}

const char *pretokenizer_name(const struct pretokenizer *p)
{
	return p->name;
}

bool pretokenizer_whole_words(const struct pretokenizer *p)
{
	return p->whole_words;
}

bool pretokenizer_adds_bos(const struct pretokenizer *p)
{
	return p->adds_bos;
}

/* Adds the cuts of one pass; what lies between two matches is a piece of its own. */
static void split(struct chars *c, matcher match)
{
	size_t start, end, pos, len;

	for (start = 0; start < c->n; start = end) {
		for (end = start + 1; end < c->n && !c->cut[end]; end++)
			;
		for (pos = start; pos < end; pos += len ? len : 1) {
			len = match(c, pos, end);
			if (len) {
				c->cut[pos] = 1;
				c->cut[pos + len] = 1;
			}
		}
	}
}

int pretokenize(const struct pretokenizer *p, const char *text, uint32_t len,
		uint32_t **ends, size_t *n)
{
	uint32_t *cp, *end, pos, i;
	uint8_t *class, *cut;
	struct chars c;

	/* One block: code points, ends of characters, classes, cuts (one more). */
	cp = malloc(((size_t)len + 1) * (4 + 4 + 1 + 1));
	if (!cp)
		return -ENOMEM;
	end = cp + len + 1;
	class = (uint8_t *)(end + len + 1);
	cut = class + len + 1;
	memset(cut, 0, (size_t)len + 1);

	c = (struct chars){ cp, class, cut, 0 };
	for (pos = 0; pos < len; c.n++) {
		pos += (uint32_t)utf8_decode(text + pos, len - pos, &cp[c.n]);
		class[c.n] = (uint8_t)unicode_class(cp[c.n]);
		end[c.n] = pos;
	}
	for (i = 0; i < MAX_PASSES && p->pass[i]; i++)
		split(&c, p->pass[i]);

	/* The block's start becomes the answer: a piece has at least one character. */
	cut[c.n] = 1;
	for (*n = 0, i = 1; i <= c.n; i++)
		if (cut[i])
			cp[(*n)++] = end[i - 1];
	*ends = cp;
	return 0;
}

// SPDX-License-Identifier: MIT
/* The vocabulary: tokens, scores, types and merges from the file, and lookup by text. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tokenizer_impl.h"

#define KEY_TOKENS	"tokenizer.ggml.tokens"
#define KEY_SCORES	"tokenizer.ggml.scores"
#define KEY_TYPES	"tokenizer.ggml.token_type"
#define KEY_MERGES	"tokenizer.ggml.merges"

static uint32_t hash_bytes(uint64_t seed, const char *s, size_t n)
{
	uint64_t h = seed ^ n * 0x9e3779b97f4a7c15u, w;

	for (; n >= 8; s += 8, n -= 8) {
		memcpy(&w, s, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, s, n);
	h = (h ^ w) * 0xc4ceb9fe1a85ec53u;
	h ^= h >> 29;
	h *= 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 32);
}

static uint64_t pair_seed(const struct tokenizer *t, uint32_t left_len)
{
	return t->seed + ((uint64_t)left_len + 1) * 0xd6e8feb86659fd93u;
}

static int table_init(struct table *table, uint32_t n)
{
	uint32_t size = 16;

	while (size < 2 * n)
		size *= 2;
	table->slots = calloc(size, sizeof(*table->slots));
	table->mask = size - 1;
	return table->slots ? 0 : -ENOMEM;
}

/* Enters token @id; a later token takes the place of an earlier one of the same text. */
static void table_add_token(struct tokenizer *t, uint32_t id)
{
	const struct token *k = &t->tokens[id];
	uint32_t hash = hash_bytes(t->seed, k->text, k->text_len), i;
	struct slot *s;

	for (i = hash & t->by_text.mask; ; i = (i + 1) & t->by_text.mask) {
		s = &t->by_text.slots[i];
		if (!s->index_plus_1)
			break;
		if (s->hash == hash) {
			const struct token *o = &t->tokens[s->index_plus_1 - 1];

			if (o->text_len == k->text_len && !memcmp(o->text, k->text, k->text_len))
				break;
		}
	}
	*s = (struct slot){ hash, id + 1 };
}

int32_t vocab_find(const struct tokenizer *t, const char *text, size_t len)
{
	uint32_t hash, i;

	if (len > t->longest_text)
		return TOKEN_NONE;
	hash = hash_bytes(t->seed, text, len);
	for (i = hash & t->by_text.mask; ; i = (i + 1) & t->by_text.mask) {
		const struct slot *s = &t->by_text.slots[i];
		const struct token *k;

		if (!s->index_plus_1)
			return TOKEN_NONE;
		if (s->hash != hash)
			continue;
		k = &t->tokens[s->index_plus_1 - 1];
		if (k->text_len == len && !memcmp(k->text, text, len))
			return (int32_t)(s->index_plus_1 - 1);
	}
}

static const struct merge *find_merge(const struct tokenizer *t, const char *text, uint32_t len,
				      uint32_t left_len, uint32_t hash, struct slot **free_slot)
{
	uint32_t i;

	for (i = hash & t->by_pair.mask; ; i = (i + 1) & t->by_pair.mask) {
		struct slot *s = &t->by_pair.slots[i];
		const struct merge *m;

		if (!s->index_plus_1) {
			*free_slot = s;
			return NULL;
		}
		if (s->hash != hash)
			continue;
		m = &t->merges[s->index_plus_1 - 1];
		if (m->len == len && m->left_len == left_len && !memcmp(m->text, text, len))
			return m;
	}
}

/* Enters merge @rank; of two alike the first one counts. */
static void table_add_merge(struct tokenizer *t, uint32_t rank)
{
	const struct merge *m = &t->merges[rank];
	uint32_t hash = hash_bytes(pair_seed(t, m->left_len), m->text, m->len);
	struct slot *s;

	if (!find_merge(t, m->text, m->len, m->left_len, hash, &s))
		*s = (struct slot){ hash, rank + 1 };
}

bool vocab_merge_rank(const struct tokenizer *t, const char *text, uint32_t left_len,
		      uint32_t right_len, uint32_t *rank)
{
	uint32_t len = left_len + right_len;
	const struct merge *m;
	struct slot *s;

	if (len > t->longest_merge)
		return false;
	m = find_merge(t, text, len, left_len, hash_bytes(pair_seed(t, left_len), text, len), &s);
	if (!m)
		return false;
	*rank = (uint32_t)(m - t->merges);
	return true;
}

static int get_strings(const struct gguf *g, const char *key, uint32_t max,
		       struct gguf_array *a, struct llm_err *err)
{
	int ret = gguf_get_array(g, key, a, err);

	if (ret == -ENOENT)
		return llm_fail(err, EINVAL, "%s: key %s is missing, the tokenizer needs it",
				gguf_name(g), key);
	if (ret)
		return ret;
	if (a->type != GGUF_V_STR)
		return llm_fail(err, EINVAL, "%s: key %s: array of %s, wanted str", gguf_name(g),
				key, gguf_vtype_name(a->type));
	if (a->n == 0 || a->n > max)
		return llm_fail(err, a->n ? E2BIG : EINVAL, "%s: key %s: %" PRIu64
				" elements, wanted 1..%" PRIu32, gguf_name(g), key, a->n, max);
	return 0;
}

/* An array of @n numbers; *@present is false when the file has none of that name. */
static int get_numbers(const struct gguf *g, const char *key, uint32_t n, struct gguf_array *a,
		       bool *present, struct llm_err *err)
{
	int ret;

	*present = gguf_find_kv(g, key);
	if (!*present)
		return 0;
	ret = gguf_get_array(g, key, a, err);
	if (ret)
		return ret;
	if (a->n != n)
		return llm_fail(err, EINVAL, "%s: key %s: %" PRIu64 " elements, %s has %" PRIu32,
				gguf_name(g), key, a->n, KEY_TOKENS, n);
	return 0;
}

/* Floats in an order-keeping way as unsigned, turned round: the best score is lowest. */
static uint32_t score_rank(float score)
{
	uint32_t bits;

	score += 0.0f;	/* -0 is as good as 0 */
	memcpy(&bits, &score, sizeof(bits));
	return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
}

static int load_scores(struct tokenizer *t, const struct gguf *g, struct llm_err *err)
{
	struct gguf_array a;
	bool present;
	uint32_t i;
	double v;
	int ret;

	ret = get_numbers(g, KEY_SCORES, t->n_tokens, &a, &present, err);
	if (ret || t->kind != TOKENIZER_SPM)
		return ret;
	if (!present)
		return llm_fail(err, EINVAL, "%s: key %s is missing, the tokenizer needs it",
				gguf_name(g), KEY_SCORES);
	for (i = 0; i < t->n_tokens; i++) {
		if (gguf_array_f64(&a, i, &v) || isnan(v))
			return llm_fail(err, EINVAL, "%s: key %s: element %" PRIu32
					" is not a number", gguf_name(g), KEY_SCORES, i);
		t->tokens[i].rank = score_rank(v > 3e38 ? INFINITY : v < -3e38 ? -INFINITY :
					       (float)v);
	}
	return 0;
}

static int load_types(struct tokenizer *t, const struct gguf *g, struct llm_err *err)
{
	struct gguf_array a;
	bool present;
	uint32_t i;
	int64_t v;
	int ret;

	ret = get_numbers(g, KEY_TYPES, t->n_tokens, &a, &present, err);
	if (ret)
		return ret;
	for (i = 0; i < t->n_tokens; i++) {
		t->tokens[i].type = TOKEN_NORMAL;
		if (!present)
			continue;
		if (gguf_array_i64(&a, i, &v))
			return llm_fail(err, EINVAL, "%s: key %s: elements of %s, wanted integers",
					gguf_name(g), KEY_TYPES, gguf_vtype_name(a.type));
		if (v < 0 || v > TOKEN_BYTE)
			return llm_fail(err, EINVAL, "%s: key %s: element %" PRIu32 " is %" PRId64
					", wanted 0..%d", gguf_name(g), KEY_TYPES, i, v,
					TOKEN_BYTE);
		if (v)
			t->tokens[i].type = (uint8_t)v;
	}
	return 0;
}

/* Bytes of all strings of @a, as they are now. */
static uint64_t strings_bytes(const struct gguf_array *a)
{
	const uint8_t *pos = a->data;
	struct gguf_str s;
	uint64_t sum = 0;

	while (gguf_array_next_str(a, &pos, &s))
		sum += s.len;
	return sum;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* "<0x0A>" */
static int byte_of(const struct token *k)
{
	int hi, lo;

	if (k->text_len != 6 || memcmp(k->text, "<0x", 3) || k->text[5] != '>')
		return -1;
	hi = hex_digit(k->text[3]);
	lo = hex_digit(k->text[4]);
	return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

/* Writes what an ordinary token of SPM stands for: at most as many bytes as its text. */
static uint32_t spm_piece(const struct token *k, char *to)
{
	uint32_t i, n = 0;

	for (i = 0; i < k->text_len; ) {
		if (k->text_len - i >= 3 && !memcmp(k->text + i, "\xe2\x96\x81", 3)) {
			to[n++] = ' ';
			i += 3;
		} else {
			to[n++] = k->text[i++];
		}
	}
	return n;
}

/* The same for BPE; characters that stand for no byte stay as they are. */
static uint32_t bpe_piece(const struct token *k, char *to)
{
	uint32_t i, n = 0, step, cp;

	for (i = 0; i < k->text_len; i += step) {
		int byte;

		step = (uint32_t)utf8_decode(k->text + i, k->text_len - i, &cp);
		byte = char_to_byte(cp);
		if (byte >= 0) {
			to[n++] = (char)byte;
		} else {
			memcpy(to + n, k->text + i, step);
			n += step;
		}
	}
	return n;
}

static int load_pieces(struct tokenizer *t, const struct gguf *g, char *to, struct llm_err *err)
{
	uint32_t i;

	for (i = 0; i < t->n_tokens; i++) {
		struct token *k = &t->tokens[i];
		int byte;

		k->piece = to;
		if (k->type == TOKEN_CONTROL || k->type == TOKEN_UNKNOWN ||
		    k->type == TOKEN_USER_DEFINED) {
			k->piece = k->text;
			k->piece_len = k->text_len;
		} else if (t->kind == TOKENIZER_BPE) {
			k->piece_len = bpe_piece(k, to);
		} else if (k->type == TOKEN_BYTE) {
			byte = byte_of(k);
			if (byte < 0)
				return llm_fail(err, EINVAL, "%s: key %s: byte token %" PRIu32
						" is \"%s\", wanted <0x00>..<0xFF>", gguf_name(g),
						KEY_TOKENS, i,
						llm_quote(k->text, k->text_len).text);
			*to = (char)byte;
			k->piece_len = 1;
		} else {
			k->piece_len = spm_piece(k, to);
		}
		to += k->piece_len;
		if (k->piece_len > t->longest_piece)
			t->longest_piece = k->piece_len;
	}
	return 0;
}

/* Copies the texts to @to, which has room for @room bytes. */
static int load_texts(struct tokenizer *t, const struct gguf *g, const struct gguf_array *a,
		      char *to, uint64_t room, struct llm_err *err)
{
	const uint8_t *pos = a->data;
	struct gguf_str s;
	uint32_t i;

	for (i = 0; i < t->n_tokens; i++) {
		if (!gguf_array_next_str(a, &pos, &s) || s.len > room)
			return llm_fail(err, EINVAL, "%s: key %s: changed while it was read",
					gguf_name(g), KEY_TOKENS);
		if (s.len > UINT16_MAX)
			return llm_fail(err, E2BIG, "%s: key %s: token %" PRIu32 " has %zu bytes, "
					"at most %d are read", gguf_name(g), KEY_TOKENS, i, s.len,
					UINT16_MAX);
		memcpy(to, s.p, s.len);
		t->tokens[i].text = to;
		t->tokens[i].text_len = (uint32_t)s.len;
		if (s.len > t->longest_text)
			t->longest_text = (uint32_t)s.len;
		to += s.len;
		room -= s.len;
	}
	return 0;
}

/* "left right": the parts go to @to without the space; a part may itself begin with one. */
static int load_merges(struct tokenizer *t, const struct gguf *g, const struct gguf_array *a,
		       char *to, uint64_t room, struct llm_err *err)
{
	const uint8_t *pos = a->data;
	struct gguf_str s;
	const char *gap;
	uint32_t i;

	for (i = 0; i < t->n_merges; i++) {
		struct merge *m = &t->merges[i];

		if (!gguf_array_next_str(a, &pos, &s) || s.len > room)
			return llm_fail(err, EINVAL, "%s: key %s: changed while it was read",
					gguf_name(g), KEY_MERGES);
		gap = s.len > 2 ? memchr(s.p + 1, ' ', s.len - 2) : NULL;
		if (!gap || s.len > UINT16_MAX)
			return llm_fail(err, EINVAL, "%s: key %s: element %" PRIu32
					" is \"%s\", wanted two parts with a space between",
					gguf_name(g), KEY_MERGES, i, llm_quote(s.p, s.len).text);
		m->text = to;
		m->left_len = (uint32_t)(gap - s.p);
		m->len = (uint32_t)s.len - 1;
		memcpy(to, s.p, m->left_len);
		memcpy(to + m->left_len, gap + 1, m->len - m->left_len);
		if (m->len > t->longest_merge)
			t->longest_merge = m->len;
		to += m->len;
		room -= s.len;
	}
	return 0;
}

/* Byte @b: "<0x..>" for SPM or, failing that, the byte itself as a token. */
static void find_byte_tokens(struct tokenizer *t)
{
	static const char hex[] = "0123456789ABCDEF";
	uint32_t b;

	for (b = 0; b < 256; b++) {
		const char name[6] = { '<', '0', 'x', hex[b >> 4], hex[b & 15], '>' };
		const char raw = (char)b;

		t->byte_token[b] = vocab_find(t, name, sizeof(name));
		if (t->byte_token[b] == TOKEN_NONE)
			t->byte_token[b] = vocab_find(t, &raw, 1);
	}
}

int vocab_load(struct tokenizer *t, const struct gguf *g, struct llm_err *err)
{
	struct gguf_array texts, merges = { 0 };
	uint64_t text_bytes, merge_bytes = 0;
	uint32_t i;
	int ret;

	ret = get_strings(g, KEY_TOKENS, TOKENIZER_MAX_TOKENS, &texts, err);
	if (!ret && t->kind == TOKENIZER_BPE)
		ret = get_strings(g, KEY_MERGES, TOKENIZER_MAX_MERGES, &merges, err);
	if (ret)
		return ret;
	t->n_tokens = (uint32_t)texts.n;
	t->n_merges = (uint32_t)merges.n;
	text_bytes = strings_bytes(&texts);
	if (t->n_merges)
		merge_bytes = strings_bytes(&merges);

	/* Without a source of chance the file's own size must do. */
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = gguf_file_bytes(g);

	/* Texts, pieces (none longer than its text), merges: at most twice the file. */
	t->arena = malloc(2 * text_bytes + merge_bytes + 1);
	t->tokens = calloc(t->n_tokens, sizeof(*t->tokens));
	t->merges = calloc(t->n_merges ? t->n_merges : 1, sizeof(*t->merges));
	if (!t->arena || !t->tokens || !t->merges || table_init(&t->by_text, t->n_tokens) ||
	    table_init(&t->by_pair, t->n_merges))
		return llm_fail(err, ENOMEM, "%s: out of memory for a vocabulary of %" PRIu32
				" tokens", gguf_name(g), t->n_tokens);

	ret = load_texts(t, g, &texts, t->arena, text_bytes, err);
	if (!ret)
		ret = load_scores(t, g, err);
	if (!ret)
		ret = load_types(t, g, err);
	if (!ret)
		ret = load_pieces(t, g, t->arena + text_bytes, err);
	if (!ret && t->n_merges)
		ret = load_merges(t, g, &merges, t->arena + 2 * text_bytes, merge_bytes, err);
	if (ret)
		return ret;
	for (i = 0; i < t->n_tokens; i++)
		if (t->tokens[i].text_len)
			table_add_token(t, i);
	for (i = 0; i < t->n_merges; i++)
		table_add_merge(t, i);
	find_byte_tokens(t);
	return 0;
}

void vocab_free(struct tokenizer *t)
{
	free(t->by_text.slots);
	free(t->by_pair.slots);
	free(t->tokens);
	free(t->merges);
	free(t->arena);
}

// SPDX-License-Identifier: MIT
/*
 * Both tokenizers on the bundled models and on a small built vocabulary. The
 * expected ids are llama.cpp's. Argument: the directory of bundled models.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf.h"
#include "gguf_builder.h"
#include "tap.h"
#include "tokenizer.h"

static struct tokenizer *from_file(const char *dir, const char *name)
{
	struct tokenizer *t = NULL;
	struct llm_err err = { "" };
	struct gguf *g;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (gguf_open(path, &g, &err) || tokenizer_create(g, &t, &err))
		tap_diag("%s", err.text);
	else
		gguf_close(g);	/* the tokenizer must live without it */
	tap_ok(t, "%s: its tokenizer loads", name);
	return t;
}

static struct tokenizer *from_builder(struct builder *b, int *ret, struct llm_err *err)
{
	struct tokenizer *t = NULL;
	struct gguf *g;

	err->text[0] = '\0';
	builder_finish(b);
	*ret = gguf_open_memory(b->p, b->n, "built.gguf", &g, err);
	if (!*ret) {
		*ret = tokenizer_create(g, &t, err);
		gguf_close(g);
	}
	builder_free(b);
	return t;
}

/* Whether @text encodes to exactly @want. */
static bool gives(const struct tokenizer *t, const char *text, unsigned int flags,
		  const int32_t *want, size_t n)
{
	struct tokens list = { 0 };
	struct llm_err err = { "" };
	int ret = tokenizer_encode(t, text, strlen(text), flags, &list, &err);
	bool same = !ret && list.n == n && (!n || !memcmp(list.ids, want, n * sizeof(*want)));
	size_t i;

	if (!same) {
		tap_diag("%d \"%s\"", ret, err.text);
		for (i = 0; i < list.n; i++)
			tap_diag("id %d", list.ids[i]);
	}
	tokens_free(&list);
	return same;
}

#define GIVES(t, text, flags, ...) \
	gives(t, text, flags, (const int32_t[]){ __VA_ARGS__ }, \
	      sizeof((int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t))

/* Whether text comes back as it was. */
static bool comes_back(const struct tokenizer *t, const char *text, size_t len)
{
	struct tokens list = { 0 };
	struct llm_err err = { "" };
	struct detokenizer d;
	size_t i, n = 0, room = detokenizer_room(t) + len + 64;
	char *out = malloc(room + detokenizer_room(t));
	bool same;

	same = !tokenizer_encode(t, text, len, TOKENIZE_ADD_SPECIAL, &list, &err);
	detokenizer_init(&d, t, true);
	for (i = 0; i < list.n && n < room; i++)
		n += detokenizer_push(&d, list.ids[i], out + n);
	n += detokenizer_flush(&d, out + n);
	same = same && n == len && !memcmp(out, text, len);
	if (!same)
		tap_diag("%s, %zu bytes of %zu came back", err.text, n, len);
	free(out);
	tokens_free(&list);
	return same;
}

/* A small generator of its own, so that a failure is the same everywhere. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void test_round_trip(const struct tokenizer *t, const char *name)
{
	uint32_t state = 1, i, k;
	bool bytes_ok = true, text_ok = true;
	char text[300];
	size_t n;

	for (i = 0; i < 300; i++) {
		n = next_random(&state) % sizeof(text);
		for (k = 0; k < n; k++)
			text[k] = (char)next_random(&state);
		bytes_ok = bytes_ok && comes_back(t, text, n);
		for (k = 0; k < n; k++)
			text[k] = " hello\n\xc3\xa9 1'"[next_random(&state) % 13];
		text_ok = text_ok && comes_back(t, text, n);
	}
	tap_ok(bytes_ok, "%s: 300 texts of random bytes come back as they were", name);
	tap_ok(text_ok, "%s: 300 texts of spaces, letters and line ends come back", name);
}

static void test_stories260k(const struct tokenizer *t)
{
	struct tokens list = { 0 };
	struct llm_err err;
	char *longest = malloc(TOKENIZER_MAX_TEXT + 1);

	tap_ok(!strcmp(tokenizer_model(t), "llama") && tokenizer_n_tokens(t) == 512 &&
	       tokenizer_bos(t) == 1 && tokenizer_eos(t) == 2 && tokenizer_unknown(t) == 0 &&
	       tokenizer_is_end(t, 2) && !tokenizer_is_end(t, 1) && tokenizer_is_control(t, 1),
	       "stories260K: 512 tokens, BOS 1, EOS 2");
	tap_ok(GIVES(t, "Once upon a time", TOKENIZE_ADD_SPECIAL, 1, 403, 407, 261, 378),
	       "stories260K: \"Once upon a time\"");
	tap_ok(gives(t, "", 0, NULL, 0) && GIVES(t, "", TOKENIZE_ADD_SPECIAL, 1),
	       "stories260K: empty text is nothing, or BOS alone");
	tap_ok(GIVES(t, "\xff", 0, 410, 258) && GIVES(t, "\xe2\x96", 0, 410, 229, 153),
	       "stories260K: bytes that are no text become byte tokens");
	tap_ok(GIVES(t, "<s>a", TOKENIZE_PARSE_SPECIAL, 1, 261) &&
	       GIVES(t, "<s>a", 0, 410, 504, 419, 505, 412),
	       "stories260K: <s> is BOS only when asked for");
	memset(longest, 'a', TOKENIZER_MAX_TEXT + 1);
	tap_ok(tokenizer_encode(t, longest, TOKENIZER_MAX_TEXT + 1, 0, &list, &err) == -E2BIG &&
	       list.n == 0 && strstr(err.text, "4194305 bytes, at most 4194304"),
	       "stories260K: a text past the limit is refused, with the limit");
	tap_ok(!tokenizer_encode(t, longest, 1 << 20, 0, &list, &err) && list.n >= 1 << 18,
	       "stories260K: a million letters in a row are done in a moment");
	tokens_free(&list);
	free(longest);
	test_round_trip(t, "stories260K");
}

static void test_tinystories(const struct tokenizer *t)
{
	struct tokens list = { 0 };
	struct llm_err err;

	tap_ok(GIVES(t, "Once upon a time", TOKENIZE_ADD_SPECIAL, 1, 80, 147, 201, 282, 57),
	       "TinyStories-656K: equal scores merge from the left");
	tap_ok(GIVES(t, "<|start_story|>a<|end_story|>", TOKENIZE_PARSE_SPECIAL, 1, 85, 2),
	       "TinyStories-656K: its special tokens");
	tap_ok(tokenizer_encode(t, "a (b", 4, 0, &list, &err) == -EILSEQ && list.n == 0 &&
	       strstr(err.text, "no token for '('"),
	       "TinyStories-656K: a character it cannot express is named");
	tap_ok(tokenizer_encode(t, "\xc3\xa9", 2, 0, &list, &err) == -EILSEQ &&
	       strstr(err.text, "no token for the byte 0xC3"),
	       "TinyStories-656K: so is a byte");
	tap_ok(GIVES(t, "a(", TOKENIZE_ALLOW_UNKNOWN, 85, 0),
	       "TinyStories-656K: or it becomes <unk>, if asked for");
	tap_ok(comes_back(t, "Lily said, \"Hi!\"\nThe  end.", 26),
	       "TinyStories-656K: what it can express comes back");
	tokens_free(&list);
}

static void test_bpe(void)
{
	static const char *const rules[] = { "default", "gpt-2", "llama-bpe", "qwen2", "smollm",
					     "deepseek-llm" };
	struct tokenizer *t;
	struct llm_err err;
	struct builder b;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		builder_bpe(&b, rules[i]);
		t = from_builder(&b, &ret, &err);
		if (!tap_ok(t && !strcmp(tokenizer_pre(t), rules[i]), "bpe: rules %s", rules[i])) {
			tap_diag("%s", err.text);
			continue;
		}
		test_round_trip(t, rules[i]);
		tokenizer_destroy(t);
	}
}

static void test_bpe_ids(void)
{
	struct tokenizer *t;
	struct detokenizer d;
	struct llm_err err;
	struct builder b;
	char out[64];
	int ret;

	builder_bpe(&b, "gpt-2");
	t = from_builder(&b, &ret, &err);
	if (!t) {
		tap_ok(false, "bpe: a built vocabulary loads");
		return;
	}
	tap_ok(GIVES(t, "hello hello help", 0, BPE_HELLO, BPE_SPACE_HELLO, ' ', BPE_HE, 'l', 'p'),
	       "bpe: merges in the order of the list");
	tap_ok(GIVES(t, "a\xff\n", 0, 'a', 0xff, '\n'), "bpe: each byte has its token");
	tap_ok(GIVES(t, "a<user>b<bos>", 0, 'a', BPE_USER, 'b', '<', 'b', 'o', 's', '>') &&
	       GIVES(t, "<user><bos>", TOKENIZE_PARSE_SPECIAL, BPE_USER, BPE_BOS),
	       "bpe: user-defined tokens always, control tokens when asked for");
	tap_ok(GIVES(t, "a", TOKENIZE_ADD_SPECIAL, 'a'),
	       "bpe: no BOS unless the file or its rules say so");
	tap_ok(tokenizer_is_end(t, BPE_EOT) && tokenizer_eos(t) == TOKEN_NONE,
	       "bpe: <|eot_id|> ends a turn, EOS or not");
	detokenizer_init(&d, t, false);
	tap_ok(detokenizer_push(&d, BPE_BOS, out) == 0 && detokenizer_push(&d, 0xe2, out) == 0 &&
	       detokenizer_push(&d, 0x96, out) == 0 && detokenizer_push(&d, 0x81, out) == 3 &&
	       !memcmp(out, "\xe2\x96\x81", 3),
	       "bpe: a character comes out when its last byte is there");
	d.specials = true;
	tap_ok(detokenizer_push(&d, BPE_BOS, out) == 5 && !memcmp(out, "<bos>", 5) &&
	       detokenizer_push(&d, -1, out) == 0 && detokenizer_push(&d, BPE_COUNT, out) == 0,
	       "bpe: control tokens by name; ids that are none print nothing");
	tokenizer_destroy(t);
}

/* The vocabulary must be refused with @want and a text with @word in it. */
static void refuse(struct builder *b, int want, const char *word, const char *promise)
{
	struct llm_err err;
	int ret;
	struct tokenizer *t = from_builder(b, &ret, &err);

	if (!tap_ok(!t && ret == want && strstr(err.text, word) && strstr(err.text, "built.gguf: "),
		    "load: %s", promise))
		tap_diag("got %d \"%s\"", ret, err.text);
	tokenizer_destroy(t);
}

static void build_spm(struct builder *b, float score, uint32_t type)
{
	builder_start(b);
	builder_key_str(b, "tokenizer.ggml.model", "llama");
	builder_key_array(b, "tokenizer.ggml.tokens", GGUF_V_STR, 2);
	builder_str(b, "a");
	builder_str(b, "<0xZZ>");
	builder_key_array(b, "tokenizer.ggml.token_type", GGUF_V_I32, 2);
	builder_u32(b, 1);
	builder_u32(b, type);
	builder_key_array(b, "tokenizer.ggml.scores", GGUF_V_F32, 2);
	builder_f32(b, 0);
	builder_f32(b, score);
}

static void test_refused_models(void)
{
	struct builder b;

	builder_start(&b);
	refuse(&b, -ENOENT, "has no tokenizer", "a file without a tokenizer says so");
	builder_start(&b);
	builder_key_str(&b, "tokenizer.ggml.model", "none");
	refuse(&b, -ENOENT, "it takes token ids only", "\"none\" is the same");
	builder_start(&b);
	builder_key_str(&b, "tokenizer.ggml.model", "bert");
	refuse(&b, -EOPNOTSUPP, "\"bert\" is not known (known: llama gpt2)",
	       "an unknown model is named");
	builder_bpe(&b, "tekken");
	refuse(&b, -EOPNOTSUPP, "tokenizer.ggml.pre: \"tekken\" is not known (known: default gpt-2",
	       "unknown splitting rules are named, with the known ones");
	builder_start(&b);
	builder_key_str(&b, "tokenizer.ggml.model", "llama");
	refuse(&b, -EINVAL, "tokenizer.ggml.tokens is missing", "a vocabulary without tokens");
	builder_start(&b);
	builder_key_str(&b, "tokenizer.ggml.model", "gpt2");
	builder_key_array(&b, "tokenizer.ggml.tokens", GGUF_V_STR, 1);
	builder_str(&b, "a");
	refuse(&b, -EINVAL, "tokenizer.ggml.merges is missing", "BPE without merges");
}

static void test_refused_values(void)
{
	struct builder b;

	build_spm(&b, NAN, 1);
	refuse(&b, -EINVAL, "tokenizer.ggml.scores: element 1 is not a number",
	       "a score that is NaN");
	build_spm(&b, 0, 6);
	refuse(&b, -EINVAL, "byte token 1 is \"<0xZZ>\"", "a byte token that names no byte");
	build_spm(&b, 0, 7);
	refuse(&b, -EINVAL, "element 1 is 7, wanted 0..6", "an unknown token type");
	build_spm(&b, 0, 1);
	builder_key_u32(&b, "tokenizer.ggml.bos_token_id", 2);
	refuse(&b, -EINVAL, "bos_token_id: 2, the vocabulary has 2 tokens", "a BOS past the end");
	build_spm(&b, 0, 1);
	builder_key_u32(&b, "tokenizer.ggml.bos_token_id", UINT32_MAX);
	builder_key_bool(&b, "tokenizer.ggml.add_bos_token", 1);
	refuse(&b, -EINVAL, "add_bos_token is true, but", "BOS wanted where there is none");
	builder_bpe(&b, "gpt-2");
	builder_key_array(&b, "tokenizer.ggml.scores", GGUF_V_F32, 1);
	builder_f32(&b, 0);
	refuse(&b, -EINVAL, "scores: 1 elements, tokenizer.ggml.tokens has", "too few scores");
	builder_start(&b);
	builder_key_str(&b, "tokenizer.ggml.model", "gpt2");
	builder_key_array(&b, "tokenizer.ggml.tokens", GGUF_V_STR, 1);
	builder_str(&b, "a");
	builder_key_array(&b, "tokenizer.ggml.merges", GGUF_V_STR, 1);
	builder_str(&b, "ab");
	refuse(&b, -EINVAL, "merges: element 0 is \"ab\", wanted two parts", "a merge of one part");
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "models";
	struct tokenizer *t;

	t = from_file(dir, "stories260K.gguf");
	if (t)
		test_stories260k(t);
	tokenizer_destroy(t);
	t = from_file(dir, "TinyStories-656K-Q8_0.gguf");
	if (t)
		test_tinystories(t);
	tokenizer_destroy(t);
	test_bpe();
	test_bpe_ids();
	test_refused_models();
	test_refused_values();
	return tap_done();
}

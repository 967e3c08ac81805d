// SPDX-License-Identifier: MIT
/*
 * Any bytes as text, for the bundled models and a built byte-level vocabulary under
 * each set of splitting rules: it must come back as it was.
 * NPU_MODELS names the directory of bundled models.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/gguf_builder.h"
#include "gguf.h"
#include "tokenizer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const rules[] = { "default", "gpt-2", "llama-bpe", "qwen2", "smollm",
				     "deepseek-llm" };

#define N_RULES	(sizeof(rules) / sizeof(rules[0]))

static struct tokenizer *spm, *tiny, *bpe[N_RULES];

static struct tokenizer *load(const char *name)
{
	const char *dir = getenv("NPU_MODELS");
	struct tokenizer *t;
	struct llm_err err;
	struct gguf *g;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "models", name);
	if (gguf_open(path, &g, &err) || tokenizer_create(g, &t, &err)) {
		fprintf(stderr, "fuzz_tokenizer: %s\n", err.text);
		exit(1);
	}
	gguf_close(g);
	return t;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct llm_err err;
	struct builder b;
	struct gguf *g;
	size_t i;

	(void)argc;
	(void)argv;
	spm = load("stories260K.gguf");
	tiny = load("TinyStories-656K-Q8_0.gguf");
	for (i = 0; i < N_RULES; i++) {
		builder_bpe(&b, rules[i]);
		builder_finish(&b);
		if (gguf_open_memory(b.p, b.n, "built", &g, &err) ||
		    tokenizer_create(g, &bpe[i], &err))
			exit(1);
		gguf_close(g);
		builder_free(&b);
	}
	return 0;
}

/* Ids must be in the vocabulary; with @exact the text must come back. */
static void try_text(const struct tokenizer *t, const char *text, size_t len,
		     unsigned int flags, bool exact)
{
	struct tokens list = { 0 };
	struct llm_err err = { "" };
	struct detokenizer d;
	size_t i, n = 0;
	char *out;

	if (tokenizer_encode(t, text, len, flags, &list, &err)) {
		if (exact || !err.text[0])
			abort();
		tokens_free(&list);
		return;
	}
	out = malloc((list.n + 1) * detokenizer_room(t));
	detokenizer_init(&d, t, true);
	d.specials = true;
	for (i = 0; i < list.n; i++) {
		if (list.ids[i] < 0 || (uint32_t)list.ids[i] >= tokenizer_n_tokens(t))
			abort();
		n += detokenizer_push(&d, list.ids[i], out + n);
	}
	n += detokenizer_flush(&d, out + n);
	if (exact && (n != len || memcmp(out, text, len)))
		abort();
	free(out);
	tokens_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	/* The one text that SPM cannot give back is the mark it uses for spaces. */
	bool marked = memmem(data, size, "\xe2\x96\x81", 3);
	size_t i;

	try_text(spm, text, size, 0, !marked);
	try_text(spm, text, size, TOKENIZE_PARSE_SPECIAL, !marked);
	try_text(tiny, text, size, TOKENIZE_ADD_SPECIAL, false);
	try_text(tiny, text, size, TOKENIZE_ALLOW_UNKNOWN | TOKENIZE_PARSE_SPECIAL, false);
	for (i = 0; i < N_RULES; i++)
		try_text(bpe[i], text, size, TOKENIZE_PARSE_SPECIAL, true);
	return 0;
}

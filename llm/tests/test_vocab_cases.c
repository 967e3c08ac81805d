// SPDX-License-Identifier: MIT
/*
 * llama.cpp's own tokenizer cases for real vocabularies, which the tree cannot
 * carry: NPU_VOCAB_DIR names a directory with ggml-vocab-NAME.gguf, .gguf.inp (cases
 * separated by a line) and .gguf.out (a line of ids a case, without BOS).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf.h"
#include "tap.h"
#include "tokenizer.h"

#define SEPARATOR	"\n__ggml_vocab_test__\n"

/* A whole file and a zero behind it; NULL when it cannot be read. */
static char *read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long n;

	if (!f)
		return NULL;
	n = fseek(f, 0, SEEK_END) ? -1 : ftell(f);
	if (n >= 0) {
		rewind(f);
		text = calloc(1, (size_t)n + 1);
		if (text && fread(text, 1, (size_t)n, f) != (size_t)n) {
			free(text);
			text = NULL;
		}
	}
	fclose(f);
	return text;
}

/* Compares with one line of ids and moves behind it. */
static bool same_ids(const struct tokens *list, char **line)
{
	char *p = *line, *end = strchr(p, '\n');
	bool same = true;
	size_t i;

	*line = end ? end + 1 : p + strlen(p);
	if (end)
		*end = '\0';
	for (i = 0; i < list->n; i++) {
		char *next;
		long id = strtol(p, &next, 10);

		same = same && next != p && id == list->ids[i];
		p = next;
	}
	return same && strspn(p, " \r") == strlen(p);
}

static bool comes_back(const struct tokenizer *t, const struct tokens *list, const char *text,
		       size_t len)
{
	char *out = malloc(list->n * detokenizer_room(t) + 4);
	struct detokenizer d;
	size_t i, n = 0;
	bool same;

	detokenizer_init(&d, t, true);
	for (i = 0; i < list->n; i++)
		n += detokenizer_push(&d, list->ids[i], out + n);
	n += detokenizer_flush(&d, out + n);
	same = n == len && !memcmp(out, text, len);
	free(out);
	return same;
}

static void run_cases(const struct tokenizer *t, const char *name, const char *in, char *out)
{
	size_t n = 0, wrong = 0, lost = 0;
	const char *next;

	for (; in; in = next ? next + strlen(SEPARATOR) : NULL, n++) {
		struct tokens list = { 0 };
		struct llm_err err = { "" };
		size_t len;

		next = strstr(in, SEPARATOR);
		len = next ? (size_t)(next - in) : strlen(in);
		if (tokenizer_encode(t, in, len, 0, &list, &err) || !same_ids(&list, &out)) {
			tap_diag("case %zu of %s %s", n, name, err.text);
			wrong++;
		} else if (!comes_back(t, &list, in, len)) {
			tap_diag("case %zu of %s does not come back", n, name);
			lost++;
		}
		tokens_free(&list);
	}
	tap_ok(!wrong && n > 1 && !*out, "vocab %s: llama.cpp's ids for all %zu cases", name, n);
	tap_ok(!lost, "vocab %s: all cases come back as they were", name);
}

static void test_vocab(const char *dir, const char *name)
{
	struct tokenizer *t = NULL;
	struct llm_err err = { "" };
	char path[512], *in, *out;
	struct gguf *g;

	snprintf(path, sizeof(path), "%s/ggml-vocab-%s.gguf.inp", dir, name);
	in = read_file(path);
	snprintf(path, sizeof(path), "%s/ggml-vocab-%s.gguf.out", dir, name);
	out = read_file(path);
	snprintf(path, sizeof(path), "%s/ggml-vocab-%s.gguf", dir, name);
	if (!in || !out) {
		tap_skip(name, "its files are not in NPU_VOCAB_DIR");
	} else if (gguf_open(path, &g, &err)) {
		tap_ok(false, "vocab %s: %s", name, err.text);
	} else if (tokenizer_create(g, &t, &err)) {
		tap_ok(false, "vocab %s: %s", name, err.text);
		gguf_close(g);
	} else {
		gguf_close(g);
		run_cases(t, name, in, out);
		tokenizer_destroy(t);
	}
	free(in);
	free(out);
}

int main(void)
{
	static const char *const names[] = { "llama-spm", "phi-3", "llama-bpe", "qwen2",
					     "deepseek-llm", "gpt-2" };
	const char *dir = getenv("NPU_VOCAB_DIR");
	size_t i;

	if (!dir || !*dir) {
		tap_skip("vocab: llama.cpp's cases for six vocabularies",
			 "NPU_VOCAB_DIR does not name a directory with them");
		return tap_done();
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		test_vocab(dir, names[i]);
	return tap_done();
}

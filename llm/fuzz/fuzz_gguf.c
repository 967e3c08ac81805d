// SPDX-License-Identifier: MIT
/* Any bytes as a GGUF file: open it, ask for everything in it, load its tokenizer. */
#include <stdint.h>
#include <stdlib.h>

#include "gguf.h"
#include "tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch_value(const struct gguf *g, const struct gguf_kv *kv)
{
	struct gguf_array a = { kv->type, 1, kv->data, kv->end };
	const uint8_t *pos = a.data;
	struct gguf_str s;
	uint64_t i, u;
	int64_t v;
	double f;

	(void)g;
	if (kv->type == GGUF_V_STR) {
		gguf_array_next_str(&a, &pos, &s);
		return;
	}
	for (i = 0; i < 3; i++) {
		gguf_array_u64(&a, i, &u);
		gguf_array_i64(&a, i, &v);
		gguf_array_f64(&a, i, &f);
	}
}

static void touch_tensor(const struct gguf *g, const struct gguf_tensor *t)
{
	struct llm_err err;
	uint8_t byte;

	/* The promises of gguf.h; a broken one ends the run. */
	if (gguf_tensor_read(g, t, t->size_bytes - 1, &byte, 1, &err) ||
	    byte != ((const uint8_t *)t->data)[t->size_bytes - 1] ||
	    gguf_lookup_tensor(g, t->name) != t)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct llm_err err = { "" };
	struct tokens list = { 0 };
	struct tokenizer *t;
	struct gguf *g;
	size_t i;

	if (gguf_open_memory(data, size, "fuzz", &g, &err)) {
		if (!err.text[0])
			abort();
		return 0;
	}
	for (i = 0; i < gguf_n_kv(g); i++)
		touch_value(g, gguf_kv(g, i));
	for (i = 0; i < gguf_n_tensors(g); i++)
		touch_tensor(g, gguf_tensor(g, i));
	if (!tokenizer_create(g, &t, &err)) {
		tokenizer_encode(t, "a b\xff <s>hello 12", 17, TOKENIZE_ADD_SPECIAL |
				 TOKENIZE_PARSE_SPECIAL | TOKENIZE_ALLOW_UNKNOWN, &list, &err);
		tokens_free(&list);
		tokenizer_destroy(t);
	} else if (!err.text[0]) {
		abort();
	}
	gguf_close(g);
	return 0;
}

// SPDX-License-Identifier: MIT
/* The "llama" model: score-based merging of characters, bytes for the rest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_impl.h"

/* U+2581, which the vocabulary has in place of spaces. */
#define SPACE_MARK	"\xe2\x96\x81"

static bool spm_rank(const struct tokenizer *t, const char *text, uint32_t left_len,
		     uint32_t right_len, uint32_t *rank)
{
	int32_t id = vocab_find(t, text, (size_t)left_len + right_len);

	if (id == TOKEN_NONE)
		return false;
	*rank = t->tokens[id].rank;
	return true;
}

static int emit_bytes(struct encoder *e, const char *s, uint32_t len)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < len && !ret; i++) {
		int32_t id = e->t->byte_token[(uint8_t)s[i]];

		if (id == TOKEN_NONE)
			ret = encoder_unknown(e, (uint8_t)s[i]);
		else
			ret = encoder_emit(e, id);
	}
	return ret;
}

static int emit_symbols(struct encoder *e, const char *text)
{
	const struct merger *m = &e->merger;
	int32_t i;
	int ret = 0;

	for (i = 0; i >= 0 && !ret; i = m->symbols[i].next) {
		const struct symbol *s = &m->symbols[i];
		int32_t id = vocab_find(e->t, text + s->pos, s->len);

		if (id == TOKEN_NONE)
			ret = emit_bytes(e, text + s->pos, s->len);
		else
			ret = encoder_emit(e, id);
	}
	return ret;
}

int spm_encode(struct encoder *e, const char *text, uint32_t len)
{
	size_t room = (size_t)len * 3 + 3, n = 0, i;
	char *marked = malloc(room);
	uint32_t cp;
	int ret;

	if (!marked)
		return -ENOMEM;
	/* A stretch begins at the start or after a special token: both want the space. */
	if (e->t->add_space_prefix) {
		memcpy(marked, SPACE_MARK, 3);
		n = 3;
	}
	for (i = 0; i < len; i++) {
		if (text[i] == ' ') {
			memcpy(marked + n, SPACE_MARK, 3);
			n += 3;
		} else {
			marked[n++] = text[i];
		}
	}
	/* A byte makes at most one symbol, the space in front one more. */
	ret = merger_start(&e->merger, (size_t)len + 1);
	for (i = 0; i < n && !ret; ) {
		size_t step = utf8_decode(marked + i, n - i, &cp);

		merger_add(&e->merger, (uint32_t)i, (uint32_t)step);
		i += step;
	}
	if (!ret) {
		merger_run(&e->merger, e->t, marked, spm_rank);
		ret = emit_symbols(e, marked);
	}
	free(marked);
	return ret;
}

// SPDX-License-Identifier: MIT
/* The "gpt2" model: pieces of text, each byte a character, merged by rank. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_impl.h"

/*
 * Printable Latin-1 characters stand for themselves; the other bytes, in order,
 * are the characters from U+0100 on.
 */
static bool stands_for_itself(uint32_t b)
{
	return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
}

int char_to_byte(uint32_t cp)
{
	if (cp < 0x100)
		return stands_for_itself(cp) ? (int)cp : -1;
	if (cp <= 0x120)	/* 0..32 */
		return (int)cp - 0x100;
	if (cp <= 0x142)	/* 127..160 */
		return (int)cp - 0x121 + 127;
	return cp == 0x143 ? 173 : -1;
}

/* A merged run that is no token, character by character. */
static int emit_chars(struct encoder *e, const char *s, uint32_t len)
{
	uint32_t i, step, cp;
	int ret = 0;

	for (i = 0; i < len && !ret; i += step) {
		int32_t id;

		step = (uint32_t)utf8_decode(s + i, len - i, &cp);
		id = vocab_find(e->t, s + i, step);
		if (id == TOKEN_NONE)
			ret = encoder_unknown(e, (uint8_t)char_to_byte(cp));
		else
			ret = encoder_emit(e, id);
	}
	return ret;
}

/* @word is in stand-in characters. */
static int encode_word(struct encoder *e, const char *word, uint32_t len)
{
	struct merger *m = &e->merger;
	int32_t i, id;
	uint32_t pos;
	int ret;

	if (pretokenizer_whole_words(e->t->pre)) {
		id = vocab_find(e->t, word, len);
		if (id != TOKEN_NONE)
			return encoder_emit(e, id);
	}
	ret = merger_start(m, len);
	if (ret)
		return ret;
	for (pos = 0; pos < len; pos += m->symbols[m->n - 1].len)
		merger_add(m, pos, (uint8_t)word[pos] < 0x80 ? 1 : 2);
	merger_run(m, e->t, word, vocab_merge_rank);
	for (i = 0; i >= 0 && !ret; i = m->symbols[i].next) {
		const struct symbol *s = &m->symbols[i];

		id = vocab_find(e->t, word + s->pos, s->len);
		if (id == TOKEN_NONE)
			ret = emit_chars(e, word + s->pos, s->len);
		else
			ret = encoder_emit(e, id);
	}
	return ret;
}

int bpe_encode(struct encoder *e, const char *text, uint32_t len)
{
	char stand_in[256][2];
	uint8_t stand_in_len[256];
	uint32_t *ends, i, pos = 0, word_len, cp;
	size_t n, k;
	char *word;
	int ret;

	for (i = 0, cp = 0x100; i < 256; i++)
		stand_in_len[i] = (uint8_t)utf8_encode_short(stands_for_itself(i) ? i : cp++,
							     stand_in[i]);
	ret = pretokenize(e->t->pre, text, len, &ends, &n);
	if (ret)
		return ret;
	word = malloc((size_t)len * 2 + 1);
	if (!word)
		ret = -ENOMEM;
	for (k = 0; k < n && !ret; k++) {
		for (word_len = 0; pos < ends[k]; pos++) {
			uint8_t b = (uint8_t)text[pos];

			memcpy(word + word_len, stand_in[b], stand_in_len[b]);
			word_len += stand_in_len[b];
		}
		ret = encode_word(e, word, word_len);
	}
	free(word);
	free(ends);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/*
 * Splitting text into the pieces that byte-level BPE never merges across. Each
 * model family has its rules (tokenizer.ggml.pre), published as regular
 * expressions; here they are hand-written matchers over character classes.
 */
#ifndef LLM_PRETOKENIZE_H
#define LLM_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pretokenizer;

/* NULL when the rules of that name are not known. */
const struct pretokenizer *pretokenizer_find(const char *name, size_t len);
const char *pretokenizer_name(const struct pretokenizer *p);

/* Pieces that are tokens as a whole are taken as they are, merges or not. */
bool pretokenizer_whole_words(const struct pretokenizer *p);

/* Whether models of this family want BOS when their file does not say. */
bool pretokenizer_adds_bos(const struct pretokenizer *p);

/* All known names, separated by spaces, for error texts. */
const char *pretokenizer_names(void);

/*
 * Splits @text. *@ends gets the byte offset at which each piece ends, in order,
 * the last being @len; the caller frees it. A byte that is not UTF-8 counts as one
 * character, neither letter, number nor space. Time grows linearly with @len.
 * -ENOMEM.
 */
int pretokenize(const struct pretokenizer *p, const char *text, uint32_t len,
		uint32_t **ends, size_t *n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Text to token ids and back, from a GGUF file's tokenizer.ggml.* keys.
 *
 * Two models, each giving the ids that llama.cpp gives for the same file:
 *   "llama"  SPM: neighbours are merged while the vocabulary has the result, best
 *            score first, leftmost first among equals; what is left over becomes
 *            byte tokens.
 *   "gpt2"   byte-level BPE: text is split as tokenizer.ggml.pre says, then
 *            neighbours inside a piece are merged in the order of the merge list.
 *
 * Bytes that are not UTF-8 are text like any other: SPM gives them as byte tokens,
 * BPE maps each byte to its own character. Decoding what was encoded gives the
 * same bytes, with exceptions that are the models' own: in SPM U+2581, which stands
 * for a space inside the vocabulary, comes back as a space; and Phi-3's special
 * tokens swallow the white space that follows them.
 *
 * A vocabulary without byte tokens (TinyStories-656K is one) cannot express every
 * text. That is -EILSEQ naming the byte, or, if asked for, the unknown token.
 *
 * A tokenizer owns all it needs; the GGUF file may be closed after
 * tokenizer_create(). It never changes, so any number of threads may use it.
 */
#ifndef LLM_TOKENIZER_H
#define LLM_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "gguf.h"
#include "unicode.h"

#define TOKENIZER_MAX_TOKENS	(1u << 22)	/* the largest known vocabulary has 2^18 */
#define TOKENIZER_MAX_MERGES	(1u << 23)
#define TOKENIZER_MAX_TEXT	(1u << 22)	/* bytes a call; takes 64 bytes of memory each */

#define TOKEN_NONE		(-1)

/* Flags of tokenizer_encode(). */
#define TOKENIZE_ADD_SPECIAL	1	/* BOS and EOS where the model wants them */
#define TOKENIZE_PARSE_SPECIAL	2	/* "<|eot_id|>" and the like become their tokens */
#define TOKENIZE_ALLOW_UNKNOWN	4	/* the unknown token instead of -EILSEQ */

/* A growing list of ids. Zero-initialise; tokens_free() at the end. */
struct tokens {
	int32_t *ids;
	size_t n;
	size_t room;
};

void tokens_free(struct tokens *list);

struct tokenizer;

/*
 * Errors: -ENOENT the file has no tokenizer (no tokenizer.ggml.model, or "none":
 * such a model takes ids only), -EOPNOTSUPP a model or pre-tokenizer that is not
 * known, -EINVAL a key that is missing or wrong, -E2BIG past a limit above, -ENOMEM.
 */
int tokenizer_create(const struct gguf *g, struct tokenizer **out, struct llm_err *err);
void tokenizer_destroy(struct tokenizer *t);

/* "llama" or "gpt2", and the name of the splitting rules ("default" for SPM). */
const char *tokenizer_model(const struct tokenizer *t);
const char *tokenizer_pre(const struct tokenizer *t);

uint32_t tokenizer_n_tokens(const struct tokenizer *t);

/* TOKEN_NONE where the file names none. */
int32_t tokenizer_bos(const struct tokenizer *t);
int32_t tokenizer_eos(const struct tokenizer *t);
int32_t tokenizer_unknown(const struct tokenizer *t);

/* Whether generation ends here: EOS, EOT, EOM and the well-known end-of-turn tokens. */
bool tokenizer_is_end(const struct tokenizer *t, int32_t id);

/* Control and unknown tokens: they print as nothing unless specials are asked for. */
bool tokenizer_is_control(const struct tokenizer *t, int32_t id);

/*
 * Appends the ids of @text to @out; on error @out is as before. Empty text gives
 * no ids, or BOS alone with TOKENIZE_ADD_SPECIAL. Errors: -EILSEQ a byte that the
 * vocabulary cannot express, -E2BIG longer than TOKENIZER_MAX_TEXT, -ENOMEM.
 */
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len,
		     unsigned int flags, struct tokens *out, struct llm_err *err);

/* The id whose text (as in the file) is exactly @text; TOKEN_NONE without one. */
int32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t len);

/* The token's text as in the file; empty for ids outside the vocabulary. */
struct gguf_str tokenizer_text(const struct tokenizer *t, int32_t id);

/*
 * The bytes the token stands for, which may be part of a character. Valid as long
 * as @t; no copy, no allocation. Control tokens give their name.
 */
struct gguf_str tokenizer_piece(const struct tokenizer *t, int32_t id);

/*
 * Ids back to text, one by one. Leaves out control tokens unless @specials, takes
 * away the space that SPM put in front, and holds back half characters.
 */
struct detokenizer {
	const struct tokenizer *t;
	bool specials;		/* print control tokens by name */
	bool strip_space;	/* the next ordinary token loses its first space */
	struct utf8_stream utf8;
};

/*
 * @fresh: the first id starts a text. False when it goes on from one that was
 * printed already (a reply after its prompt): then its first space is real.
 */
void detokenizer_init(struct detokenizer *d, const struct tokenizer *t, bool fresh);

/* Room that detokenizer_push() may need, bytes. */
size_t detokenizer_room(const struct tokenizer *t);

/* Copies what @id completes to @to and returns its bytes, 0 when there is nothing yet. */
size_t detokenizer_push(struct detokenizer *d, int32_t id, char *to);

/* The end: at most 3 bytes that never became a character. */
size_t detokenizer_flush(struct detokenizer *d, char *to);

#endif

/* SPDX-License-Identifier: MIT */
/* What the tokenizer_*.c files share; nobody else includes this. */
#ifndef LLM_TOKENIZER_IMPL_H
#define LLM_TOKENIZER_IMPL_H

#include "pretokenize.h"
#include "tokenizer.h"

/* tokenizer.ggml.token_type, numbered as in the file. */
enum token_type {
	TOKEN_NORMAL = 1, TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_USER_DEFINED, TOKEN_UNUSED,
	TOKEN_BYTE
};

enum tokenizer_kind { TOKENIZER_SPM, TOKENIZER_BPE };

struct token {
	const char *text;	/* as in the file; what text is looked up by */
	const char *piece;	/* the bytes it stands for */
	uint32_t text_len;
	uint32_t piece_len;
	uint32_t rank;		/* SPM: the score as a number that sorts best first */
	uint8_t type;		/* enum token_type */
	bool ends;		/* see tokenizer_is_end() */
	bool strips;		/* takes the white space behind it out of the text */
};

struct merge {
	const char *text;	/* both parts, joined */
	uint32_t len;
	uint32_t left_len;
};

/* Open addressing: a power of two of slots, at most half of them used. */
struct slot {
	uint32_t hash;
	uint32_t index_plus_1;	/* 0: free */
};

struct table {
	struct slot *slots;
	uint32_t mask;
};

struct tokenizer {
	enum tokenizer_kind kind;
	uint64_t seed;			/* of all hashes: a file cannot aim at it */
	char *arena;			/* all strings below */

	struct token *tokens;
	uint32_t n_tokens;
	uint32_t longest_text;		/* bytes */
	uint32_t longest_piece;
	struct table by_text;
	int32_t byte_token[256];	/* TOKEN_NONE where the vocabulary has none */

	struct merge *merges;		/* BPE; index is rank */
	uint32_t n_merges;
	uint32_t longest_merge;
	struct table by_pair;
	const struct pretokenizer *pre;

	uint32_t *specials;		/* ids, sorted by text */
	uint32_t n_specials;
	uint32_t special_first[257];	/* where those start whose first byte is i */

	int32_t bos, eos, unknown;
	bool add_bos, add_eos, add_space_prefix;
};

/* tokenizer_vocab.c */
int vocab_load(struct tokenizer *t, const struct gguf *g, struct llm_err *err);
void vocab_free(struct tokenizer *t);
int32_t vocab_find(const struct tokenizer *t, const char *text, size_t len);

/* Rank of joining the @left_len bytes at @text with the @right_len after them. */
bool vocab_merge_rank(const struct tokenizer *t, const char *text, uint32_t left_len,
		      uint32_t right_len, uint32_t *rank);

/* The byte that a character of a BPE vocabulary stands for; -1 for none. */
int char_to_byte(uint32_t cp);

/* tokenizer_special.c: special tokens in running text. */
struct special_hit {
	uint32_t pos, len;	/* bytes of the text */
	int32_t id;
};

int special_index(struct tokenizer *t);

/* Hits in text order, not overlapping, longer names first; *@hits is the caller's to free. */
int special_find(const struct tokenizer *t, const char *text, uint32_t len, bool control,
		 struct special_hit **hits, size_t *n);

/* tokenizer_merge.c: the merging that both models share. */
struct symbol {
	uint32_t pos, len;	/* bytes; len 0: merged into its left neighbour */
	int32_t prev, next;	/* -1 at the ends */
};

struct candidate {
	uint64_t key;		/* rank << 32 | left symbol: lowest first */
	uint32_t right;		/* symbol */
	uint32_t len;		/* of both together, when this was found */
};

/* Reused from word to word; zero-initialise, merger_free() at the end. */
struct merger {
	struct symbol *symbols;
	size_t n, room;
	struct candidate *heap;
	size_t heap_n, heap_room;
};

/* Rank of joining two neighbours, lower first; false when they do not join. */
typedef bool (*pair_rank)(const struct tokenizer *t, const char *text, uint32_t left_len,
			  uint32_t right_len, uint32_t *rank);

/* Forgets all symbols and makes room for @n. -ENOMEM. */
int merger_start(struct merger *m, size_t n);
void merger_add(struct merger *m, uint32_t pos, uint32_t len);

/* Merges neighbours until none joins; symbols[0] starts the list of what is left. */
void merger_run(struct merger *m, const struct tokenizer *t, const char *text, pair_rank rank);
void merger_free(struct merger *m);

/* One encoding under way. */
struct encoder {
	const struct tokenizer *t;
	unsigned int flags;
	struct tokens *out;
	struct llm_err *err;
	struct merger merger;
};

int encoder_emit(struct encoder *e, int32_t id);

/* The vocabulary has nothing for @byte: the unknown token or -EILSEQ. */
int encoder_unknown(struct encoder *e, uint8_t byte);

/* One stretch of text between special tokens. */
int spm_encode(struct encoder *e, const char *text, uint32_t len);
int bpe_encode(struct encoder *e, const char *text, uint32_t len);

#endif

// SPDX-License-Identifier: MIT
#include "tokenizer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tokenizer_impl.h"

static bool str_is(struct gguf_str s, const char *c)
{
	return s.len == strlen(c) && !memcmp(s.p, c, s.len);
}

/* An id by key: @def without the key, TOKEN_NONE where the file says -1. */
static int get_id(const struct tokenizer *t, const struct gguf *g, const char *key, int32_t def,
		  int32_t *id, struct llm_err *err)
{
	uint64_t v;
	int ret;

	*id = def >= 0 && (uint32_t)def < t->n_tokens ? def : TOKEN_NONE;
	if (!gguf_find_kv(g, key))
		return 0;
	ret = gguf_get_u64(g, key, &v, err);
	/* Writers that mean "none" store -1, signed or not. */
	if (ret == -ERANGE || (!ret && (v == UINT32_MAX || v == UINT64_MAX))) {
		*id = TOKEN_NONE;
		return 0;
	}
	if (ret)
		return ret;
	if (v >= t->n_tokens)
		return llm_fail(err, EINVAL, "%s: key %s: %" PRIu64
				", the vocabulary has %" PRIu32 " tokens", gguf_name(g), key, v,
				t->n_tokens);
	*id = (int32_t)v;
	return 0;
}

static int get_flag(const struct gguf *g, const char *key, bool def, bool *flag,
		    struct llm_err *err)
{
	*flag = def;
	if (!gguf_find_kv(g, key))
		return 0;
	return gguf_get_bool(g, key, flag, err);
}

static int load_ids(struct tokenizer *t, const struct gguf *g, struct llm_err *err)
{
	/* SPM files from before these keys existed mean SentencePiece's numbers. */
	bool spm = t->kind == TOKENIZER_SPM;
	int ret;

	ret = get_id(t, g, "tokenizer.ggml.bos_token_id", spm ? 1 : TOKEN_NONE, &t->bos, err);
	if (!ret)
		ret = get_id(t, g, "tokenizer.ggml.eos_token_id", spm ? 2 : TOKEN_NONE, &t->eos,
			     err);
	if (!ret)
		ret = get_id(t, g, "tokenizer.ggml.unknown_token_id", spm ? 0 : TOKEN_NONE,
			     &t->unknown, err);
	return ret;
}

static int load_flags(struct tokenizer *t, const struct gguf *g, struct llm_err *err)
{
	bool spm = t->kind == TOKENIZER_SPM;
	bool bos = spm || pretokenizer_adds_bos(t->pre);
	int ret;

	ret = get_flag(g, "tokenizer.ggml.add_bos_token", bos && t->bos != TOKEN_NONE, &t->add_bos,
		       err);
	if (!ret)
		ret = get_flag(g, "tokenizer.ggml.add_eos_token", false, &t->add_eos, err);
	if (!ret)
		ret = get_flag(g, "tokenizer.ggml.add_space_prefix", spm, &t->add_space_prefix,
			       err);
	if (ret)
		return ret;
	if (t->add_bos && t->bos == TOKEN_NONE)
		return llm_fail(err, EINVAL, "%s: key tokenizer.ggml.add_bos_token is true, but "
				"there is no tokenizer.ggml.bos_token_id", gguf_name(g));
	if (t->add_eos && t->eos == TOKEN_NONE)
		return llm_fail(err, EINVAL, "%s: key tokenizer.ggml.add_eos_token is true, but "
				"there is no tokenizer.ggml.eos_token_id", gguf_name(g));
	return 0;
}

/*
 * Marks what ends a generation, by key and by the names that model makers use. A
 * token of such a name is a control token, whatever type the file gives it.
 */
static int mark_ends(struct tokenizer *t, const struct gguf *g, struct llm_err *err)
{
	static const char *const keys[] = {
		"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id",
	};
	static const char *const names[] = {
		"</s>", "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>",
		"<|endoftext|>", "<|end_of_text|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<eos>",
		"<end_of_utterance>",
		"<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234>",
	};
	int32_t id;
	size_t i;
	int ret;

	if (t->eos != TOKEN_NONE)
		t->tokens[t->eos].ends = true;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		ret = get_id(t, g, keys[i], TOKEN_NONE, &id, err);
		if (ret)
			return ret;
		if (id != TOKEN_NONE)
			t->tokens[id].ends = true;
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		id = vocab_find(t, names[i], strlen(names[i]));
		if (id != TOKEN_NONE) {
			t->tokens[id].ends = true;
			t->tokens[id].type = TOKEN_CONTROL;
		}
	}
	return 0;
}

/*
 * Phi-3's special tokens take the white space behind them with them. No key says
 * so, only the model's name.
 */
static void mark_strips(struct tokenizer *t, const struct gguf *g)
{
	static const char *const keep[] = { "<unk>", "<s>", "<|endoftext|>" };
	struct gguf_str name;
	int32_t id;
	size_t i;

	if (gguf_get_str(g, "general.name", &name, NULL))
		return;
	for (i = 0; i + 4 <= name.len; i++)
		if (!strncasecmp(name.p + i, "phi3", 4) ||
		    (i + 5 <= name.len && !strncasecmp(name.p + i, "phi-3", 5)))
			break;
	if (i + 4 > name.len)
		return;
	for (i = 0; i < t->n_specials; i++)
		t->tokens[t->specials[i]].strips = true;
	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		id = vocab_find(t, keep[i], strlen(keep[i]));
		if (id != TOKEN_NONE)
			t->tokens[id].strips = false;
	}
}

static int load_pre(struct tokenizer *t, const struct gguf *g, struct llm_err *err)
{
	struct gguf_str name = { "default", 7 };
	int ret;

	if (gguf_find_kv(g, "tokenizer.ggml.pre")) {
		ret = gguf_get_str(g, "tokenizer.ggml.pre", &name, err);
		if (ret)
			return ret;
	}
	t->pre = pretokenizer_find(name.p, name.len);
	if (!t->pre)
		return llm_fail(err, EOPNOTSUPP, "%s: key tokenizer.ggml.pre: \"%s\" is not known "
				"(known: %s)", gguf_name(g), llm_quote(name.p, name.len).text,
				pretokenizer_names());
	return 0;
}

int tokenizer_create(const struct gguf *g, struct tokenizer **out, struct llm_err *err)
{
	struct gguf_str model = { "none", 4 };
	struct tokenizer *t;
	int ret;

	if (gguf_find_kv(g, "tokenizer.ggml.model")) {
		ret = gguf_get_str(g, "tokenizer.ggml.model", &model, err);
		if (ret)
			return ret;
	}
	if (str_is(model, "none"))
		return llm_fail(err, ENOENT, "%s: has no tokenizer, it takes token ids only",
				gguf_name(g));
	t = calloc(1, sizeof(*t));
	if (!t)
		return llm_fail(err, ENOMEM, "%s: out of memory", gguf_name(g));
	if (str_is(model, "llama")) {
		t->kind = TOKENIZER_SPM;
		ret = 0;
	} else if (str_is(model, "gpt2")) {
		t->kind = TOKENIZER_BPE;
		ret = load_pre(t, g, err);
	} else {
		ret = llm_fail(err, EOPNOTSUPP, "%s: key tokenizer.ggml.model: \"%s\" is not known "
			       "(known: llama gpt2)", gguf_name(g),
			       llm_quote(model.p, model.len).text);
	}
	if (!ret)
		ret = vocab_load(t, g, err);
	if (!ret)
		ret = load_ids(t, g, err);
	if (!ret)
		ret = load_flags(t, g, err);
	if (!ret)
		ret = mark_ends(t, g, err);
	if (!ret && special_index(t))
		ret = llm_fail(err, ENOMEM, "%s: out of memory", gguf_name(g));
	if (ret) {
		tokenizer_destroy(t);
		return ret;
	}
	mark_strips(t, g);
	*out = t;
	return 0;
}

void tokenizer_destroy(struct tokenizer *t)
{
	if (!t)
		return;
	vocab_free(t);
	free(t->specials);
	free(t);
}

const char *tokenizer_model(const struct tokenizer *t)
{
	return t->kind == TOKENIZER_SPM ? "llama" : "gpt2";
}

const char *tokenizer_pre(const struct tokenizer *t)
{
	return t->pre ? pretokenizer_name(t->pre) : "default";
}

uint32_t tokenizer_n_tokens(const struct tokenizer *t)
{
	return t->n_tokens;
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
	return t->bos;
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
	return t->eos;
}

int32_t tokenizer_unknown(const struct tokenizer *t)
{
	return t->unknown;
}

static const struct token *get_token(const struct tokenizer *t, int32_t id)
{
	static const struct token none = { .text = "", .piece = "" };

	return id >= 0 && (uint32_t)id < t->n_tokens ? &t->tokens[id] : &none;
}

bool tokenizer_is_end(const struct tokenizer *t, int32_t id)
{
	return get_token(t, id)->ends;
}

bool tokenizer_is_control(const struct tokenizer *t, int32_t id)
{
	uint8_t type = get_token(t, id)->type;

	return type == TOKEN_CONTROL || type == TOKEN_UNKNOWN;
}

int32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t len)
{
	return vocab_find(t, text, len);
}

struct gguf_str tokenizer_text(const struct tokenizer *t, int32_t id)
{
	const struct token *k = get_token(t, id);

	return (struct gguf_str){ k->text, k->text_len };
}

struct gguf_str tokenizer_piece(const struct tokenizer *t, int32_t id)
{
	const struct token *k = get_token(t, id);

	return (struct gguf_str){ k->piece, k->piece_len };
}

void tokens_free(struct tokens *list)
{
	free(list->ids);
	*list = (struct tokens){ 0 };
}

int encoder_emit(struct encoder *e, int32_t id)
{
	struct tokens *out = e->out;

	if (out->n == out->room) {
		size_t room = out->room ? 2 * out->room : 64;
		int32_t *p = realloc(out->ids, room * sizeof(*p));

		if (!p)
			return -ENOMEM;
		out->ids = p;
		out->room = room;
	}
	out->ids[out->n++] = id;
	return 0;
}

int encoder_unknown(struct encoder *e, uint8_t byte)
{
	if (e->flags & TOKENIZE_ALLOW_UNKNOWN && e->t->unknown != TOKEN_NONE)
		return encoder_emit(e, e->t->unknown);
	if (byte > ' ' && byte < 0x7f)
		return llm_fail(e->err, EILSEQ, "the vocabulary has no token for '%c'", byte);
	return llm_fail(e->err, EILSEQ, "the vocabulary has no token for the byte 0x%02X", byte);
}

static int encode_text(struct encoder *e, const char *text, uint32_t len)
{
	if (!len)
		return 0;
	if (e->t->kind == TOKENIZER_SPM)
		return spm_encode(e, text, len);
	return bpe_encode(e, text, len);
}

static uint32_t skip_white(const char *text, uint32_t pos, uint32_t end)
{
	while (pos < end && text[pos] && strchr(" \t\n\v\f\r", text[pos]))
		pos++;
	return pos;
}

static int encode_all(struct encoder *e, const char *text, uint32_t len)
{
	bool special = e->flags & TOKENIZE_ADD_SPECIAL;
	struct special_hit *hits;
	uint32_t pos = 0;
	size_t n, i;
	int ret;

	ret = special_find(e->t, text, len, e->flags & TOKENIZE_PARSE_SPECIAL, &hits, &n);
	if (ret)
		return ret;
	if (special && e->t->add_bos)
		ret = encoder_emit(e, e->t->bos);
	for (i = 0; i < n && !ret; i++) {
		ret = encode_text(e, text + pos, hits[i].pos - pos);
		if (!ret)
			ret = encoder_emit(e, hits[i].id);
		pos = hits[i].pos + hits[i].len;
		if (e->t->tokens[hits[i].id].strips)
			pos = skip_white(text, pos, i + 1 < n ? hits[i + 1].pos : len);
	}
	if (!ret)
		ret = encode_text(e, text + pos, len - pos);
	if (!ret && special && e->t->add_eos)
		ret = encoder_emit(e, e->t->eos);
	free(hits);
	return ret;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len,
		     unsigned int flags, struct tokens *out, struct llm_err *err)
{
	struct encoder e = { .t = t, .flags = flags, .out = out, .err = err };
	size_t before = out->n;
	int ret;

	if (len > TOKENIZER_MAX_TEXT)
		return llm_fail(err, E2BIG, "the text has %zu bytes, at most %u are taken", len,
				TOKENIZER_MAX_TEXT);
	ret = encode_all(&e, text, (uint32_t)len);
	merger_free(&e.merger);
	if (ret)
		out->n = before;
	if (ret == -ENOMEM)
		return llm_fail(err, ENOMEM, "out of memory for a text of %zu bytes", len);
	return ret;
}

void detokenizer_init(struct detokenizer *d, const struct tokenizer *t, bool fresh)
{
	*d = (struct detokenizer){ .t = t, .strip_space = fresh && t->add_space_prefix };
}

size_t detokenizer_room(const struct tokenizer *t)
{
	return (size_t)t->longest_piece + 3;
}

size_t detokenizer_push(struct detokenizer *d, int32_t id, char *to)
{
	const struct token *k = get_token(d->t, id);
	const char *piece = k->piece;
	size_t len = k->piece_len;
	bool text = k->type == TOKEN_NORMAL || k->type == TOKEN_UNUSED || k->type == TOKEN_BYTE;

	if (d->strip_space && text && len && *piece == ' ') {
		piece++;
		len--;
	}
	/* Encoding puts a space behind each special token; nobody wrote it. */
	d->strip_space = !text && d->t->add_space_prefix;
	if (!d->specials && tokenizer_is_control(d->t, id))
		return 0;
	return utf8_stream_push(&d->utf8, piece, len, to);
}

size_t detokenizer_flush(struct detokenizer *d, char *to)
{
	return utf8_stream_flush(&d->utf8, to);
}

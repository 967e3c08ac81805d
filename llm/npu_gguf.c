// SPDX-License-Identifier: MIT
/* npu-gguf: look into a GGUF file, try its tokenizer. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf.h"
#include "tokenizer.h"

#define SHOWN_ELEMENTS	6	/* of an array, unless --all */

static const char usage[] =
	"usage: npu-gguf show   [--all] [--json] FILE\n"
	"       npu-gguf tokens [--special] [--parse] [--unknown] [--json] FILE TEXT\n"
	"       npu-gguf text   [--special] [--json] FILE ID...\n"
	"\n"
	"show    metadata and tensors of a GGUF file\n"
	"tokens  the ids of TEXT, one a line with the bytes it stands for; TEXT - reads stdin\n"
	"text    the text of ids\n"
	"\n"
	"  --all      arrays in full, not only their first elements\n"
	"  --special  tokens: add BOS and EOS as the model wants; text: print control tokens\n"
	"  --parse    special tokens written in TEXT become those tokens\n"
	"  --unknown  what the vocabulary cannot express becomes its unknown token\n"
	"  --json     one JSON object on stdout\n"
	"  --help     this text\n"
	"\n"
	"Exit status: 0, 1 the file or text is refused (stderr says why), 2 wrong usage.\n";

struct options {
	bool all, special, parse, unknown, json;
};

static int complain(const struct llm_err *err)
{
	fprintf(stderr, "npu-gguf: %s\n", err->text);
	return 1;
}

/* A JSON string; what is not UTF-8 becomes U+FFFD, as JSON has no other bytes. */
static struct json_object *json_text(const char *s, size_t len)
{
	char *clean = malloc(3 * len + 1);
	struct json_object *o;
	size_t i, n = 0, step;
	uint32_t cp;

	if (!clean)
		return NULL;
	for (i = 0; i < len; i += step) {
		step = utf8_decode(s + i, len - i, &cp);
		if (cp == UTF8_INVALID) {
			memcpy(clean + n, "\xef\xbf\xbd", 3);
			n += 3;
		} else {
			memcpy(clean + n, s + i, step);
			n += step;
		}
	}
	o = json_object_new_string_len(clean, (int)n);
	free(clean);
	return o;
}

/* For people: on one line, controls and what is not UTF-8 escaped. */
static void print_text(const char *s, size_t len, size_t limit)
{
	size_t i, step;
	uint32_t cp;

	putchar('"');
	for (i = 0; i < len && i < limit; i += step) {
		step = utf8_decode(s + i, len - i, &cp);
		if (cp == '\n')
			printf("\\n");
		else if (cp == '"' || cp == '\\')
			printf("\\%c", (int)cp);
		else if (cp == UTF8_INVALID || cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			printf("\\x%02x", (unsigned char)s[i]);
		else
			printf("%.*s", (int)step, s + i);
	}
	printf(i < len ? "\"..." : "\"");
}

static struct json_object *json_number(const struct gguf_array *a, uint64_t i)
{
	uint64_t u;
	int64_t s;
	double f;

	if (a->type == GGUF_V_BOOL)
		return json_object_new_boolean(!gguf_array_u64(a, i, &u) && u);
	if (!gguf_array_u64(a, i, &u))
		return json_object_new_uint64(u);
	if (!gguf_array_i64(a, i, &s))
		return json_object_new_int64(s);
	return gguf_array_f64(a, i, &f) ? NULL : json_object_new_double(f);
}

static void print_number(const struct gguf_array *a, uint64_t i)
{
	uint64_t u;
	int64_t s;
	double f;

	if (a->type == GGUF_V_BOOL)
		printf("%s", !gguf_array_u64(a, i, &u) && u ? "true" : "false");
	else if (!gguf_array_u64(a, i, &u))
		printf("%" PRIu64, u);
	else if (!gguf_array_i64(a, i, &s))
		printf("%" PRId64, s);
	else if (!gguf_array_f64(a, i, &f))
		printf("%.9g", f);
}

/* Any value as an array: a scalar or string is one of a single element. */
static struct gguf_array as_array(const struct gguf *g, const struct gguf_kv *kv)
{
	struct gguf_array a = { kv->type, 1, kv->data, kv->end };
	char *key = strndup(kv->key.p, kv->key.len);

	if (kv->type == GGUF_V_ARRAY && (!key || gguf_get_array(g, key, &a, NULL)))
		a.n = 0;	/* a key with a NUL inside cannot be asked for by name */
	free(key);
	return a;
}

static void print_value(const struct gguf_array *a, uint64_t shown)
{
	const uint8_t *pos = a->data;
	struct gguf_str s;
	uint64_t i;

	for (i = 0; i < a->n && i < shown; i++) {
		if (i)
			printf(", ");
		if (a->type != GGUF_V_STR)
			print_number(a, i);
		else if (gguf_array_next_str(a, &pos, &s))
			print_text(s.p, s.len, shown == UINT64_MAX ? SIZE_MAX : 120);
	}
	if (i < a->n)
		printf(", ...");
}

static struct json_object *json_value(const struct gguf_array *a, bool single, uint64_t shown)
{
	struct json_object *list = single ? NULL : json_object_new_array(), *o = NULL;
	const uint8_t *pos = a->data;
	struct gguf_str s;
	uint64_t i;

	for (i = 0; i < a->n && i < shown; i++) {
		if (a->type != GGUF_V_STR)
			o = json_number(a, i);
		else if (gguf_array_next_str(a, &pos, &s))
			o = json_text(s.p, s.len);
		if (single)
			return o;
		json_object_array_add(list, o);
	}
	return list;
}

static void show_people(const struct gguf *g, const struct options *opt)
{
	uint64_t shown = opt->all ? UINT64_MAX : SHOWN_ELEMENTS;
	size_t i;
	uint32_t d;

	printf("%s: GGUF version %" PRIu32 ", %" PRIu64 " bytes, alignment %" PRIu64
	       ", %zu keys, %zu tensors\n", gguf_name(g), gguf_version(g), gguf_file_bytes(g),
	       gguf_alignment(g), gguf_n_kv(g), gguf_n_tensors(g));
	for (i = 0; i < gguf_n_kv(g); i++) {
		const struct gguf_kv *kv = gguf_kv(g, i);
		struct gguf_array a = as_array(g, kv);

		printf("  %-44s ", llm_quote(kv->key.p, kv->key.len).text);
		if (kv->type == GGUF_V_ARRAY)
			printf("%s[%" PRIu64 "] ", gguf_vtype_name(a.type), a.n);
		else
			printf("%s ", gguf_vtype_name(kv->type));
		print_value(&a, shown);
		putchar('\n');
	}
	for (i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor(g, i);

		printf("  %-44s %-7s [", llm_quote(t->name, strlen(t->name)).text,
		       gguf_ttype_name(t->type));
		for (d = 0; d < t->n_dims; d++)
			printf("%s%" PRIu64, d ? ", " : "", t->dims[d]);
		printf("] %" PRIu64 " bytes at %" PRIu64 "\n", t->size_bytes, t->offset);
	}
}

static struct json_object *json_kv(const struct gguf *g, const struct gguf_kv *kv, uint64_t shown)
{
	struct json_object *o = json_object_new_object();
	struct gguf_array a = as_array(g, kv);
	bool single = kv->type != GGUF_V_ARRAY;

	json_object_object_add(o, "key", json_text(kv->key.p, kv->key.len));
	json_object_object_add(o, "type", json_object_new_string(gguf_vtype_name(kv->type)));
	if (!single) {
		json_object_object_add(o, "element_type",
				       json_object_new_string(gguf_vtype_name(a.type)));
		json_object_object_add(o, "count", json_object_new_uint64(a.n));
	}
	json_object_object_add(o, single ? "value" : "elements", json_value(&a, single, shown));
	return o;
}

static struct json_object *json_tensor(const struct gguf_tensor *t)
{
	struct json_object *o = json_object_new_object(), *dims = json_object_new_array();
	uint32_t d;

	for (d = 0; d < t->n_dims; d++)
		json_object_array_add(dims, json_object_new_uint64(t->dims[d]));
	json_object_object_add(o, "name", json_text(t->name, strlen(t->name)));
	json_object_object_add(o, "type", json_object_new_string(gguf_ttype_name(t->type)));
	json_object_object_add(o, "dims", dims);
	json_object_object_add(o, "offset", json_object_new_uint64(t->offset));
	json_object_object_add(o, "size_bytes", json_object_new_uint64(t->size_bytes));
	return o;
}

static int print_json(struct json_object *o)
{
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return 0;
}

static int show(const struct gguf *g, const struct options *opt)
{
	struct json_object *o, *kvs, *tensors;
	size_t i;

	if (!opt->json) {
		show_people(g, opt);
		return 0;
	}
	o = json_object_new_object();
	kvs = json_object_new_array();
	tensors = json_object_new_array();
	for (i = 0; i < gguf_n_kv(g); i++)
		json_object_array_add(kvs, json_kv(g, gguf_kv(g, i),
						   opt->all ? UINT64_MAX : SHOWN_ELEMENTS));
	for (i = 0; i < gguf_n_tensors(g); i++)
		json_object_array_add(tensors, json_tensor(gguf_tensor(g, i)));
	json_object_object_add(o, "file", json_text(gguf_name(g), strlen(gguf_name(g))));
	json_object_object_add(o, "version", json_object_new_int64(gguf_version(g)));
	json_object_object_add(o, "size_bytes", json_object_new_uint64(gguf_file_bytes(g)));
	json_object_object_add(o, "alignment", json_object_new_uint64(gguf_alignment(g)));
	json_object_object_add(o, "metadata", kvs);
	json_object_object_add(o, "tensors", tensors);
	return print_json(o);
}

/* All of stdin, up to what the tokenizer takes and one byte more. */
static char *read_stdin(size_t *len)
{
	size_t room = (size_t)TOKENIZER_MAX_TEXT + 1;
	char *text = malloc(room);

	if (text)
		*len = fread(text, 1, room, stdin);
	return text;
}

static int print_tokens(const struct tokenizer *t, const struct tokens *list,
			const struct options *opt)
{
	struct json_object *o, *ids, *pieces;
	size_t i;

	if (!opt->json) {
		for (i = 0; i < list->n; i++) {
			struct gguf_str s = tokenizer_piece(t, list->ids[i]);

			printf("%6" PRId32 " ", list->ids[i]);
			print_text(s.p, s.len, SIZE_MAX);
			putchar('\n');
		}
		return 0;
	}
	o = json_object_new_object();
	ids = json_object_new_array();
	pieces = json_object_new_array();
	for (i = 0; i < list->n; i++) {
		struct gguf_str s = tokenizer_piece(t, list->ids[i]);

		json_object_array_add(ids, json_object_new_int64(list->ids[i]));
		json_object_array_add(pieces, json_text(s.p, s.len));
	}
	json_object_object_add(o, "ids", ids);
	json_object_object_add(o, "pieces", pieces);
	return print_json(o);
}

static int tokens(const struct tokenizer *t, char **args, const struct options *opt)
{
	unsigned int flags = (opt->special ? TOKENIZE_ADD_SPECIAL : 0) |
			     (opt->parse ? TOKENIZE_PARSE_SPECIAL : 0) |
			     (opt->unknown ? TOKENIZE_ALLOW_UNKNOWN : 0);
	bool from_stdin = !strcmp(args[0], "-");
	size_t len = strlen(args[0]);
	char *text = from_stdin ? read_stdin(&len) : args[0];
	struct tokens list = { 0 };
	struct llm_err err = { "" };
	int ret;

	if (!text) {
		llm_fail(&err, ENOMEM, "out of memory");
		return complain(&err);
	}
	ret = tokenizer_encode(t, text, len, flags, &list, &err);
	ret = ret ? complain(&err) : print_tokens(t, &list, opt);
	if (from_stdin)
		free(text);
	tokens_free(&list);
	return ret;
}

/* Decodes all @n arguments to @out, which has room for them. */
static int decode_ids(const struct tokenizer *t, char **args, int n, const struct options *opt,
		      char *out, size_t *len)
{
	struct detokenizer d;
	struct llm_err err;
	int i;

	detokenizer_init(&d, t, true);
	d.specials = opt->special;
	for (i = 0; i < n; i++) {
		char *end;
		long id = strtol(args[i], &end, 10);

		if (end == args[i] || *end || id < 0 || id >= tokenizer_n_tokens(t)) {
			llm_fail(&err, EINVAL, "id %s: wanted 0..%" PRIu32,
				 llm_quote(args[i], strlen(args[i])).text,
				 tokenizer_n_tokens(t) - 1);
			return complain(&err);
		}
		*len += detokenizer_push(&d, (int32_t)id, out + *len);
	}
	*len += detokenizer_flush(&d, out + *len);
	return 0;
}

static int text(const struct tokenizer *t, char **args, int n, const struct options *opt)
{
	char *out = malloc(detokenizer_room(t) * ((size_t)n + 1));
	struct llm_err err;
	struct json_object *o;
	size_t len = 0;
	int ret;

	if (!out) {
		llm_fail(&err, ENOMEM, "out of memory");
		return complain(&err);
	}
	ret = decode_ids(t, args, n, opt, out, &len);
	if (!ret && opt->json) {
		o = json_object_new_object();
		json_object_object_add(o, "text", json_text(out, len));
		ret = print_json(o);
	} else if (!ret) {
		fwrite(out, 1, len, stdout);
		putchar('\n');
	}
	free(out);
	return ret;
}

static int with_tokenizer(const struct gguf *g, bool to_text, char **args, int n,
			  const struct options *opt)
{
	struct tokenizer *t;
	struct llm_err err;
	int ret;

	if (tokenizer_create(g, &t, &err))
		return complain(&err);
	ret = to_text ? text(t, args, n, opt) : tokens(t, args, opt);
	tokenizer_destroy(t);
	return ret;
}

static bool parse_options(int argc, char **argv, struct options *opt)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "special", no_argument, NULL, 's' },
		{ "parse", no_argument, NULL, 'p' },
		{ "unknown", no_argument, NULL, 'u' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'a':
			opt->all = true;
			break;
		case 's':
			opt->special = true;
			break;
		case 'p':
			opt->parse = true;
			break;
		case 'u':
			opt->unknown = true;
			break;
		case 'j':
			opt->json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options opt = { 0 };
	struct llm_err err;
	struct gguf *g;
	char **args;
	int n, ret;

	if (!parse_options(argc, argv, &opt)) {
		fputs(usage, stderr);
		return 2;
	}
	args = argv + optind;
	n = argc - optind;
	if (n < 2 || (!strcmp(args[0], "show") ? n != 2 : !strcmp(args[0], "tokens") ? n != 3 :
		      strcmp(args[0], "text") != 0)) {
		fputs(usage, stderr);
		return 2;
	}
	if (gguf_open(args[1], &g, &err))
		return complain(&err);
	if (!strcmp(args[0], "show"))
		ret = show(g, &opt);
	else
		ret = with_tokenizer(g, !strcmp(args[0], "text"), args + 2, n - 2, &opt);
	gguf_close(g);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "npu-gguf: cannot write to stdout: %s\n", strerror(errno));
		return 1;
	}
	return ret;
}

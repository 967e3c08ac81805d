// SPDX-License-Identifier: MIT
/*
 * llama_greedy - the greedy token oracle: llama.cpp's choices, one line a step
 *
 * Compiled and run inside the peers' root tree (see oracle), linked
 * against libllama. Prints, after '#' lines that say what was run, one line a
 * step: step, token, best logit, second best logit, their difference. A model
 * without a vocabulary takes its prompt as token ids.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ggml-backend.h>
#include <llama.h>

#define MAX_PROMPT 65536

struct options {
	const char *model;
	const char *text;	/* prompt as text, or NULL */
	const char *ids;	/* prompt as token ids, or NULL */
	const char *dump;	/* file for raw logits, or NULL */
	int steps;
	int threads;
	int ctx;
	int batch;		/* prompt tokens a llama_decode() call */
	int bos;		/* -1 as the model says, 0 never, 1 always */
	bool all;		/* dump every prompt position, not the last alone */
	bool stop_eos;
	bool repack;
	enum ggml_type kv;
	enum llama_flash_attn_type flash;
};

/* One greedy choice; ties go to the lower id. */
struct choice {
	llama_token token;
	float best;
	float second;
};

static const char usage[] =
	"usage: llama_greedy -m MODEL.gguf [-p TEXT | -i 'ID ID ...'] [options]\n"
	"  -n N            greedy steps (default 200; 0: the prompt alone)\n"
	"  -t N            threads (default 2)\n"
	"  -c N            context (default 512)\n"
	"  -b N            prompt tokens a call (default 512)\n"
	"  --kv f16|f32    type of the KV cache (default f16)\n"
	"  --fa on|off     flash attention (default on)\n"
	"  --bos yes|no    add BOS to a text prompt (default: as the model says)\n"
	"  --no-repack     keep quantised weights in their file layout\n"
	"  --stop-eos      end at an end-of-generation token\n"
	"  -o FILE         write logits, raw float32, [rows][vocabulary]: the last\n"
	"                  prompt position, then each step but the last\n"
	"  --all           with -o: every prompt position\n";

static void die(const char *what, const char *why)
{
	fprintf(stderr, "llama_greedy: %s: %s\n", what, why);
	exit(1);
}

static int number(const char *name, const char *text, int min)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < min || v > 1 << 24)
		die(name, "not a number in range");
	return (int)v;
}

static bool choose(const char *name, const char *text, const char *yes, const char *no)
{
	if (!strcmp(text, yes))
		return true;
	if (strcmp(text, no))
		die(name, "unknown value");
	return false;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "kv", required_argument, NULL, 'K' },
		{ "fa", required_argument, NULL, 'F' },
		{ "bos", required_argument, NULL, 'B' },
		{ "no-repack", no_argument, NULL, 'R' },
		{ "stop-eos", no_argument, NULL, 'E' },
		{ "all", no_argument, NULL, 'A' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "m:p:i:n:t:c:b:o:h", longs, NULL)) != -1) {
		switch (c) {
		case 'm': o->model = optarg; break;
		case 'p': o->text = optarg; break;
		case 'i': o->ids = optarg; break;
		case 'n': o->steps = number("-n", optarg, 0); break;
		case 't': o->threads = number("-t", optarg, 1); break;
		case 'c': o->ctx = number("-c", optarg, 1); break;
		case 'b': o->batch = number("-b", optarg, 1); break;
		case 'o': o->dump = optarg; break;
		case 'K':
			o->kv = choose("--kv", optarg, "f16", "f32") ? GGML_TYPE_F16 :
								       GGML_TYPE_F32;
			break;
		case 'F':
			o->flash = choose("--fa", optarg, "on", "off") ?
				   LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
			break;
		case 'B': o->bos = choose("--bos", optarg, "yes", "no"); break;
		case 'R': o->repack = false; break;
		case 'E': o->stop_eos = true; break;
		case 'A': o->all = true; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (!o->model || optind != argc || (o->text && o->ids)) {
		fputs(usage, stderr);
		exit(2);
	}
}

/* Errors only: stdout and stderr stay readable by a script. */
static void log_quietly(enum ggml_log_level level, const char *text, void *data)
{
	(void)data;
	if (level == GGML_LOG_LEVEL_ERROR)
		fputs(text, stderr);
}

/* Printable ASCII as it is, all else as \n or \xNN: fit between double quotes. */
static void print_escaped(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)bytes[i];

		if (b == '"' || b == '\\')
			printf("\\%c", b);
		else if (b == '\n')
			fputs("\\n", stdout);
		else if (b < 0x20 || b > 0x7e)
			printf("\\x%02x", b);
		else
			putchar(b);
	}
}

static int prompt_from_ids(const char *ids, int n_vocab, llama_token *out)
{
	const char *at = ids;
	int n = 0;

	for (;;) {
		char *end;
		long id;

		at += strspn(at, " ,\t\n");
		if (!*at)
			return n;
		id = strtol(at, &end, 10);
		if (end == at || id < 0 || id >= n_vocab)
			die("-i", "not a list of token ids of this vocabulary");
		if (n == MAX_PROMPT)
			die("-i", "more than 65536 ids");
		out[n++] = (llama_token)id;
		at = end;
	}
}

/*
 * The model's own BOS rule is applied by the tokenizer; --bos overrules it.
 * Special tokens written in the text are recognised, as llama-cli does.
 */
static int prompt_from_text(const struct options *o, const struct llama_vocab *vocab,
			    llama_token *out)
{
	bool special = o->bos < 0;
	int n = 0;
	int got;

	if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE)
		die("-p", "this model has no vocabulary; give token ids with -i");
	if (o->bos == 1)
		out[n++] = llama_vocab_bos(vocab);
	got = llama_tokenize(vocab, o->text, (int32_t)strlen(o->text), out + n, MAX_PROMPT - n,
			     special, true);
	if (got < 0)
		die("-p", "more than 65536 tokens");
	return n + got;
}

static struct choice best_two(const float *logits, int n)
{
	struct choice c = { .token = 0, .best = logits[0], .second = -__builtin_inff() };

	for (int i = 1; i < n; i++) {
		if (logits[i] > c.best) {
			c.second = c.best;
			c.best = logits[i];
			c.token = i;
		} else if (logits[i] > c.second) {
			c.second = logits[i];
		}
	}
	return c;
}

static void dump_row(FILE *f, const float *logits, int n)
{
	if (f && fwrite(logits, sizeof(float), (size_t)n, f) != (size_t)n)
		die("-o", strerror(errno));
}

/* Decodes tokens [at, at + n); asks for the logits of all of them, or of the last. */
static void decode(struct llama_context *ctx, struct llama_batch *batch,
		   const llama_token *tokens, int at, int n, bool all, bool last)
{
	batch->n_tokens = n;
	for (int i = 0; i < n; i++) {
		batch->token[i] = tokens[i];
		batch->pos[i] = at + i;
		batch->n_seq_id[i] = 1;
		batch->seq_id[i][0] = 0;
		batch->logits[i] = all || (last && i == n - 1);
	}
	if (llama_decode(ctx, *batch))
		die("llama_decode", "failed");
}

static void print_header(const struct options *o, const struct llama_vocab *vocab,
			 const llama_token *prompt, int n_prompt)
{
	bool flash = o->flash == LLAMA_FLASH_ATTN_TYPE_ENABLED;

	printf("# options: threads %d, ctx %d, batch %d, kv %s, flash attention %s, repack %s\n",
	       o->threads, o->ctx, o->batch, o->kv == GGML_TYPE_F16 ? "f16" : "f32",
	       flash ? "on" : "off", o->repack ? "on" : "off");
	if (o->text) {
		fputs("# prompt: \"", stdout);
		print_escaped(o->text, strlen(o->text));
		puts("\"");
	}
	fputs("# prompt_ids:", stdout);
	for (int i = 0; i < n_prompt; i++)
		printf(" %d", prompt[i]);
	printf("\n# vocabulary: %d\n", llama_vocab_n_tokens(vocab));
	puts("# columns: step token best_logit second_logit gap");
}

/* What the chosen tokens say, special tokens included. */
static void print_text(const struct llama_vocab *vocab, const llama_token *tokens, int n)
{
	fputs("# text: \"", stdout);
	for (int i = 0; i < n; i++) {
		char piece[512];
		int len = llama_token_to_piece(vocab, tokens[i], piece, sizeof(piece), 0, true);

		if (len > 0)
			print_escaped(piece, (size_t)len);
	}
	puts("\"");
}

static void run(const struct options *o, struct llama_context *ctx,
		const struct llama_vocab *vocab, const llama_token *prompt, int n_prompt)
{
	int n_vocab = llama_vocab_n_tokens(vocab);
	struct llama_batch batch = llama_batch_init(o->batch, 0, 1);
	FILE *dump = o->dump ? fopen(o->dump, "wb") : NULL;
	llama_token *made = calloc((size_t)o->steps + 1, sizeof(*made));
	const float *logits = NULL;
	int eos_at = -1;
	int n = 0;

	if (o->dump && !dump)
		die(o->dump, strerror(errno));
	if (!made)
		die("tokens", strerror(ENOMEM));

	for (int at = 0; at < n_prompt; at += o->batch) {
		int count = n_prompt - at < o->batch ? n_prompt - at : o->batch;
		bool last = at + count == n_prompt;

		decode(ctx, &batch, prompt + at, at, count, o->all, last);
		for (int i = 0; o->all && i < count; i++)
			dump_row(dump, llama_get_logits_ith(ctx, i), n_vocab);
	}
	logits = llama_get_logits_ith(ctx, -1);
	if (!o->all)
		dump_row(dump, logits, n_vocab);

	while (n < o->steps) {
		struct choice c = best_two(logits, n_vocab);

		printf("%d %d %.9g %.9g %.9g\n", n, c.token, c.best, c.second, c.best - c.second);
		made[n] = c.token;
		if (eos_at < 0 && llama_vocab_is_eog(vocab, c.token))
			eos_at = n;
		n++;
		if (n == o->steps || (o->stop_eos && eos_at >= 0))
			break;
		decode(ctx, &batch, &c.token, n_prompt + n - 1, 1, false, true);
		logits = llama_get_logits_ith(ctx, -1);
		dump_row(dump, logits, n_vocab);
	}

	if (eos_at >= 0)
		printf("# eos: step %d\n", eos_at);
	else
		puts("# eos: none");
	if (n && llama_vocab_type(vocab) != LLAMA_VOCAB_TYPE_NONE)
		print_text(vocab, made, n);
	if (dump && fclose(dump))
		die(o->dump, strerror(errno));
	free(made);
	llama_batch_free(batch);
}

int main(int argc, char **argv)
{
	struct options o = {
		.steps = 200, .threads = 2, .ctx = 512, .batch = 512, .bos = -1, .repack = true,
		.kv = GGML_TYPE_F16, .flash = LLAMA_FLASH_ATTN_TYPE_ENABLED,
	};
	struct llama_model_params mp = llama_model_default_params();
	struct llama_context_params cp = llama_context_default_params();
	const struct llama_vocab *vocab;
	struct llama_model *model;
	struct llama_context *ctx;
	llama_token *prompt;
	int n_prompt;

	parse(argc, argv, &o);
	llama_log_set(log_quietly, NULL);
	ggml_backend_load_all();

	mp.n_gpu_layers = 0;
	mp.use_extra_bufts = o.repack;
	model = llama_model_load_from_file(o.model, mp);
	if (!model)
		die(o.model, "llama.cpp cannot load it");
	vocab = llama_model_get_vocab(model);

	prompt = calloc(MAX_PROMPT, sizeof(*prompt));
	if (!prompt)
		die("prompt", strerror(ENOMEM));
	n_prompt = o.ids ? prompt_from_ids(o.ids, llama_vocab_n_tokens(vocab), prompt) :
		   o.text ? prompt_from_text(&o, vocab, prompt) : 0;
	if (!n_prompt)
		die("prompt", "no tokens");
	if (n_prompt + o.steps > o.ctx)
		die("-c", "the context is shorter than prompt and steps");

	cp.n_ctx = (uint32_t)o.ctx;
	cp.n_batch = (uint32_t)o.batch;
	cp.n_ubatch = (uint32_t)o.batch;
	cp.n_threads = o.threads;
	cp.n_threads_batch = o.threads;
	cp.type_k = o.kv;
	cp.type_v = o.kv;
	cp.flash_attn_type = o.flash;
	ctx = llama_init_from_model(model, cp);
	if (!ctx)
		die("context", "llama.cpp cannot make it");

	print_header(&o, vocab, prompt, n_prompt);
	run(&o, ctx, vocab, prompt, n_prompt);

	llama_free(ctx);
	llama_model_free(model);
	llama_backend_free();
	free(prompt);
	return 0;
}

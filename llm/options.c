// SPDX-License-Identifier: MIT
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu_cmd.h"
#include "npu_fw_msg.h"

#define LLM_VERSION	"0.1"
#define MAX_PROMPT_BYTES	(64u << 20)

static const char help[] =
"usage: npu-llm run   -m MODEL.gguf [-p PROMPT | -f FILE | --ids LIST] [options]\n"
"       npu-llm bench -m MODEL.gguf [options]\n"
"\n"
"Decodes a quantised language model on an NPU.\n"
"\n"
"common\n"
"  -m, --model FILE         GGUF file, Llama architecture; F32 F16 Q8_0 Q4_0\n"
"      --device SPEC        drm, drm:/dev/accel/accelN, sim, sim:KEY=VALUE,...\n"
"                           (default: drm if there is a device node, else sim)\n"
"      --ctx N              positions of the KV cache (default: what the run needs)\n"
"      --chunk N            prompt tokens a submission, 1..512 (default 128)\n"
"      --steps N            decode steps a submission (default: adapts to ~50 ms);\n"
"                           1 waits for each token before it asks for the next\n"
"      --priority WORD      among programs: idle, normal (default), high, realtime;\n"
"                           above normal needs CAP_SYS_NICE\n"
"      --json               one JSON object instead of text for people\n"
"  -q, --quiet              only the text\n"
"  -h, --help  -V, --version\n"
"\n"
"run\n"
"  -p, --prompt TEXT        (default: empty, only BOS)\n"
"  -f, --file FILE          prompt from a file, - for standard input\n"
"      --ids LIST           prompt as token ids: 1,403,407\n"
"  -n, --tokens N           decode at most N tokens (default 256)\n"
"  -t, --temp T             0: greedy (default)\n"
"      --top-k N  --top-p P  --min-p P      0, 1, 0: off (default 40, 0.95, 0.05)\n"
"      --repeat-penalty X  --frequency-penalty X  --presence-penalty X\n"
"      --repeat-last N      tokens they look back at (default 64)\n"
"  -s, --seed N             of the random numbers (default 0)\n"
"      --stop TEXT          end at this text, which is not printed; may be repeated\n"
"      --ignore-eos         go on after the end-of-text token\n"
"      --no-bos             do not put BOS before the prompt\n"
"      --special            special tokens written in the prompt are tokens\n"
"      --echo               print the prompt first\n"
"      --dump-logits FILE   logits of each decoded step, float32\n"
"      --dump-kv FILE       KV cache at the end\n"
"\n"
"bench\n"
"  -p N                     prompt tokens (default 512; 0: skip)\n"
"  -n N                     decoded tokens (default 64; 0: skip)\n"
"      --depth N            context before the measurement (default 0)\n"
"  -r N                     runs (default 3)\n"
"\n"
"examples\n"
"  npu-llm run -m TinyStories-656K-Q8_0.gguf -p 'Once upon a time' -n 200\n"
"  npu-llm run -m model.gguf -f prompt.txt --temp 0.8 --seed 7 --stop '</s>'\n"
"  npu-llm run -m model.gguf -p Hi --device sim:profile=small --json\n"
"  npu-llm bench -m model.gguf -p 512 -n 64 --json\n";

enum {
	OPT_DEVICE = 256, OPT_CTX, OPT_CHUNK, OPT_STEPS, OPT_JSON, OPT_IDS, OPT_TOP_K, OPT_TOP_P,
	OPT_MIN_P, OPT_REPEAT, OPT_FREQUENCY, OPT_PRESENCE, OPT_REPEAT_LAST, OPT_STOP,
	OPT_IGNORE_EOS, OPT_NO_BOS, OPT_SPECIAL, OPT_ECHO, OPT_DUMP_LOGITS, OPT_DUMP_KV, OPT_DEPTH,
	OPT_PRIORITY,
};

static const struct option long_options[] = {
	{ "model", required_argument, NULL, 'm' },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "ctx", required_argument, NULL, OPT_CTX },
	{ "chunk", required_argument, NULL, OPT_CHUNK },
	{ "steps", required_argument, NULL, OPT_STEPS },
	{ "priority", required_argument, NULL, OPT_PRIORITY },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "prompt", required_argument, NULL, 'p' },
	{ "file", required_argument, NULL, 'f' },
	{ "ids", required_argument, NULL, OPT_IDS },
	{ "tokens", required_argument, NULL, 'n' },
	{ "temp", required_argument, NULL, 't' },
	{ "top-k", required_argument, NULL, OPT_TOP_K },
	{ "top-p", required_argument, NULL, OPT_TOP_P },
	{ "min-p", required_argument, NULL, OPT_MIN_P },
	{ "repeat-penalty", required_argument, NULL, OPT_REPEAT },
	{ "frequency-penalty", required_argument, NULL, OPT_FREQUENCY },
	{ "presence-penalty", required_argument, NULL, OPT_PRESENCE },
	{ "repeat-last", required_argument, NULL, OPT_REPEAT_LAST },
	{ "seed", required_argument, NULL, 's' },
	{ "stop", required_argument, NULL, OPT_STOP },
	{ "ignore-eos", no_argument, NULL, OPT_IGNORE_EOS },
	{ "no-bos", no_argument, NULL, OPT_NO_BOS },
	{ "special", no_argument, NULL, OPT_SPECIAL },
	{ "echo", no_argument, NULL, OPT_ECHO },
	{ "dump-logits", required_argument, NULL, OPT_DUMP_LOGITS },
	{ "dump-kv", required_argument, NULL, OPT_DUMP_KV },
	{ "depth", required_argument, NULL, OPT_DEPTH },
	{ "runs", required_argument, NULL, 'r' },
	{ NULL, 0, NULL, 0 }
};

/* A whole number in [lo, hi]; @what names the option in the error. */
static int parse_u64(const char *text, const char *what, uint64_t lo, uint64_t hi, uint64_t *out,
		     struct llm_err *err)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || end == text || *end || strchr(text, '-') || v < lo || v > hi)
		return llm_fail(err, EINVAL, "%s %s: must be a whole number %llu..%llu", what, text,
				(unsigned long long)lo, (unsigned long long)hi);
	*out = v;
	return 0;
}

static int parse_u32(const char *text, const char *what, uint32_t lo, uint32_t hi, uint32_t *out,
		     struct llm_err *err)
{
	uint64_t v;
	int ret = parse_u64(text, what, lo, hi, &v, err);

	if (!ret)
		*out = (uint32_t)v;
	return ret;
}

static int parse_float(const char *text, const char *what, float lo, float hi, float *out,
		       struct llm_err *err)
{
	char *end;
	float v;

	errno = 0;
	v = strtof(text, &end);
	if (errno || end == text || *end || !(v >= lo && v <= hi))
		return llm_fail(err, EINVAL, "%s %s: must be a number %g..%g", what, text,
				(double)lo, (double)hi);
	*out = v;
	return 0;
}

static int parse_ids(const char *text, struct llm_options *o, struct llm_err *err)
{
	size_t room = 1;

	for (const char *p = text; *p; p++)
		room += *p == ',' || *p == ' ';
	if (room > LLM_MAX_IDS)
		return llm_fail(err, E2BIG, "--ids: more than %u ids", LLM_MAX_IDS);
	free(o->ids);
	o->n_ids = 0;
	o->ids = malloc(room * sizeof(*o->ids));
	if (!o->ids)
		return llm_fail(err, ENOMEM, "--ids: no memory for %zu ids", room);
	while (*text) {
		unsigned long v;
		char *end;

		if (*text == ',' || *text == ' ') {
			text++;
			continue;
		}
		errno = 0;
		v = strtoul(text, &end, 10);
		if (errno || end == text || v >= NPU_MAX_N || (*end && *end != ',' && *end != ' '))
			return llm_fail(err, EINVAL, "--ids: at \"%.16s\": must be token ids 0..%u, with commas between",
					text, NPU_MAX_N - 1);
		o->ids[o->n_ids++] = (uint32_t)v;
		text = end;
	}
	return 0;
}

static int parse_priority(const char *text, uint32_t *out, struct llm_err *err)
{
	static const char *const words[NPU_PRIORITY_COUNT] = {
		[NPU_PRIORITY_IDLE] = "idle", [NPU_PRIORITY_NORMAL] = "normal",
		[NPU_PRIORITY_HIGH] = "high", [NPU_PRIORITY_REALTIME] = "realtime",
	};

	for (uint32_t i = 0; i < NPU_PRIORITY_COUNT; i++) {
		if (!strcmp(text, words[i])) {
			*out = i;
			return 0;
		}
	}
	return llm_fail(err, EINVAL, "--priority %s: must be idle, normal, high or realtime", text);
}

static int read_prompt_file(const char *path, struct llm_options *o, struct llm_err *err)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	size_t room = 4096, len = 0, got;
	char *buf;
	int ret = 0;

	if (!f)
		return llm_fail(err, errno, "%s: %s", path, strerror(errno));
	buf = malloc(room);
	while (buf && (got = fread(buf + len, 1, room - len, f)) > 0) {
		len += got;
		if (len == room) {
			char *more = room < MAX_PROMPT_BYTES ? realloc(buf, room * 2) : NULL;

			if (!more) {
				ret = llm_fail(err, EFBIG, "%s: a prompt of more than %zu bytes",
					       path, room);
				break;
			}
			buf = more;
			room *= 2;
		}
	}
	if (!buf)
		ret = llm_fail(err, ENOMEM, "%s: no memory", path);
	else if (!ret && ferror(f))
		ret = llm_fail(err, EIO, "%s: %s", path, strerror(errno));
	if (f != stdin)
		fclose(f);
	free(o->prompt_storage);
	o->prompt_storage = buf;
	o->prompt = buf;
	o->prompt_len = len;
	return ret;
}

static int parse_sampling(int c, const char *arg, struct llm_options *o, struct llm_err *err)
{
	switch (c) {
	case 't':
		return parse_float(arg, "--temp", 0, 1000, &o->temperature, err);
	case OPT_TOP_K:
		return parse_u32(arg, "--top-k", 0, NPU_MAX_N, &o->top_k, err);
	case OPT_TOP_P:
		return parse_float(arg, "--top-p", 0, 1, &o->top_p, err);
	case OPT_MIN_P:
		return parse_float(arg, "--min-p", 0, 1, &o->min_p, err);
	case OPT_REPEAT:
		return parse_float(arg, "--repeat-penalty", 0.01f, 100, &o->repeat_penalty, err);
	case OPT_FREQUENCY:
		return parse_float(arg, "--frequency-penalty", -100, 100, &o->frequency_penalty,
				   err);
	case OPT_PRESENCE:
		return parse_float(arg, "--presence-penalty", -100, 100, &o->presence_penalty, err);
	case OPT_REPEAT_LAST:
		return parse_u32(arg, "--repeat-last", 0, 65536, &o->repeat_last, err);
	}
	return parse_u64(arg, "--seed", 0, UINT64_MAX, &o->seed, err);
}

static int parse_option(int c, const char *arg, struct llm_options *o, struct llm_err *err)
{
	const bool bench = o->command == LLM_CMD_BENCH;

	switch (c) {
	case 'm':
		o->model = arg;
		return 0;
	case OPT_DEVICE:
		o->device = arg;
		return 0;
	case OPT_CTX:
		return parse_u32(arg, "--ctx", 1, NPU_MAX_KV, &o->ctx, err);
	case OPT_CHUNK:
		return parse_u32(arg, "--chunk", 1, 512, &o->chunk, err);
	case OPT_STEPS:
		return parse_u32(arg, "--steps", 1, 4096, &o->steps, err);
	case OPT_PRIORITY:
		return parse_priority(arg, &o->priority, err);
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'p':
		if (bench)
			return parse_u32(arg, "-p", 0, NPU_MAX_KV, &o->bench_prompt, err);
		o->prompt = arg;
		o->prompt_len = strlen(arg);
		return 0;
	case 'f':
		return read_prompt_file(arg, o, err);
	case OPT_IDS:
		return parse_ids(arg, o, err);
	case 'n':
		return parse_u32(arg, "-n", 0, NPU_MAX_KV, bench ? &o->bench_decode : &o->n, err);
	case 'r':
		return parse_u32(arg, "-r", 1, 1000, &o->bench_runs, err);
	case OPT_DEPTH:
		return parse_u32(arg, "--depth", 0, NPU_MAX_KV, &o->bench_depth, err);
	case OPT_STOP:
		if (o->n_stops == LLM_MAX_STOPS)
			return llm_fail(err, E2BIG, "--stop: more than %u texts", LLM_MAX_STOPS);
		if (!*arg)
			return llm_fail(err, EINVAL, "--stop: the text is empty");
		o->stop[o->n_stops++] = arg;
		return 0;
	case OPT_IGNORE_EOS:
		o->ignore_eos = true;
		return 0;
	case OPT_NO_BOS:
		o->no_bos = true;
		return 0;
	case OPT_SPECIAL:
		o->parse_special = true;
		return 0;
	case OPT_ECHO:
		o->echo = true;
		return 0;
	case OPT_DUMP_LOGITS:
		o->dump_logits = arg;
		return 0;
	case OPT_DUMP_KV:
		o->dump_kv = arg;
		return 0;
	}
	return parse_sampling(c, arg, o, err);
}

static const struct llm_options defaults = {
	.n = 256, .chunk = 128, .priority = NPU_PRIORITY_NORMAL,
	.top_k = 40, .top_p = 0.95f, .min_p = 0.05f, .repeat_penalty = 1, .repeat_last = 64,
	.bench_prompt = 512, .bench_decode = 64, .bench_runs = 3,
};

int llm_options_parse(int argc, char **argv, struct llm_options *o, struct llm_err *err)
{
	int c, ret;

	*o = defaults;
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(help, argc < 2 ? stderr : stdout);
		return argc < 2 ? llm_fail(err, EINVAL, "no command; see npu-llm --help") : 1;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("npu-llm " LLM_VERSION);
		return 1;
	}
	if (!strcmp(argv[1], "run"))
		o->command = LLM_CMD_RUN;
	else if (!strcmp(argv[1], "bench"))
		o->command = LLM_CMD_BENCH;
	else
		return llm_fail(err, EINVAL, "unknown command \"%s\" (known: run bench)", argv[1]);
	optind = 2;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":m:p:f:n:t:s:r:qhV", long_options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (c == 'V') {
			puts("npu-llm " LLM_VERSION);
			return 1;
		}
		if (c == ':')
			return llm_fail(err, EINVAL, "%s: needs a value; see npu-llm --help",
					argv[optind - 1]);
		if (c == '?')
			return llm_fail(err, EINVAL, "%s: unknown option; see npu-llm --help",
					argv[optind - 1]);
		ret = parse_option(c, optarg, o, err);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return llm_fail(err, EINVAL, "%s: unexpected word; see npu-llm --help",
				argv[optind]);
	if (!o->model)
		return llm_fail(err, EINVAL, "no model; give one with -m FILE.gguf");
	if (o->ids && o->prompt)
		return llm_fail(err, EINVAL, "--ids and a prompt text exclude each other");
	return 0;
}

void llm_options_free(struct llm_options *o)
{
	free(o->ids);
	free(o->prompt_storage);
	o->ids = NULL;
	o->prompt_storage = NULL;
}

// SPDX-License-Identifier: MIT
/* npu-llm bench: prompt and decode rates on a fixed random prompt, medians of several runs. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gguf.h"
#include "model.h"
#include "report.h"

struct bench {
	const struct llm_options *o;
	struct gguf *file;
	struct llm_model model;
	struct llm_engine *engine;
	uint32_t *ids;
	double *prompt_tok_s;		/* host, one a run */
	double *decode_tok_s;
	double *token_ns;		/* modelled latency of each decoded token of all runs */
	uint32_t n_tokens;
	/* of the last run: the model's are all alike, but for what they waited for others */
	struct llm_totals prompt, decode;
};

static bool on_token(void *opaque, uint32_t id)
{
	struct bench *b = opaque;

	(void)id;
	b->token_ns[b->n_tokens++] = (double)llm_engine_token_ns(b->engine);
	return true;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts. */
static double median(double *v, uint32_t n)
{
	qsort(v, n, sizeof(*v), compare_doubles);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static int run_prompt(struct bench *b, uint32_t run, struct llm_err *err)
{
	struct llm_totals *t = &b->prompt;
	uint32_t next;
	int ret;

	llm_engine_reset(b->engine);
	llm_engine_clear_totals(b->engine);
	ret = llm_engine_prefill(b->engine, b->ids, b->o->bench_prompt, &next, err);
	*t = *llm_engine_prefill_totals(b->engine);
	b->prompt_tok_s[run] = llm_rates(t, llm_engine_device(b->engine)).host_tok_s;
	return ret;
}

static int run_decode(struct bench *b, uint32_t run, struct llm_err *err)
{
	const uint32_t depth = b->o->bench_depth ? b->o->bench_depth : 1;
	struct llm_totals *t = &b->decode;
	uint32_t next, done;
	int ret;

	llm_engine_reset(b->engine);
	ret = llm_engine_prefill(b->engine, b->ids, depth, &next, err);
	if (ret)
		return ret;
	llm_engine_clear_totals(b->engine);
	ret = llm_engine_decode(b->engine, b->o->bench_decode, on_token, b, &done, err);
	*t = *llm_engine_decode_totals(b->engine);
	b->decode_tok_s[run] = llm_rates(t, llm_engine_device(b->engine)).host_tok_s;
	return ret;
}

static struct json_object *phase_json(const struct bench *b, const struct llm_totals *t,
				      double *samples)
{
	struct json_object *o = llm_report_phase_json(t, llm_engine_device(b->engine));
	struct json_object *a = json_object_new_array();
	const uint32_t n = b->o->bench_runs;

	for (uint32_t i = 0; i < n; i++)
		json_object_array_add(a, json_object_new_double(samples[i]));
	json_object_object_add(o, "host_tok_s_samples", a);
	json_object_object_add(o, "host_tok_s", json_object_new_double(median(samples, n)));
	json_object_object_add(o, "host_tok_s_min", json_object_new_double(samples[0]));
	json_object_object_add(o, "host_tok_s_max", json_object_new_double(samples[n - 1]));
	return o;
}

/* What a program sees that asks for token after token: of all runs, others' jobs included. */
static void add_latency(struct bench *b, struct json_object *o)
{
	const uint32_t n = b->n_tokens;

	if (!n)
		return;
	json_object_object_add(o, "model_token_latency_ns_median",
			       json_object_new_double(median(b->token_ns, n)));
	/* the smallest that 99 of 100 do not exceed */
	json_object_object_add(o, "model_token_latency_ns_p99",
			       json_object_new_double(b->token_ns[(99ull * n + 99) / 100 - 1]));
	json_object_object_add(o, "model_token_latency_ns_max",
			       json_object_new_double(b->token_ns[n - 1]));
}

static void print_json(struct bench *b)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "model", llm_json_text(b->model.name, strlen(b->model.name)));
	json_object_object_add(o, "device",
			       llm_report_device_json(llm_engine_device(b->engine)));
	json_object_object_add(o, "memory", llm_report_memory_json(llm_engine_memory(b->engine)));
	json_object_object_add(o, "load_host_ns",
			       json_object_new_uint64(llm_engine_load_ns(b->engine)));
	json_object_object_add(o, "depth", json_object_new_int64(b->o->bench_depth));
	if (b->o->bench_prompt)
		json_object_object_add(o, "prefill", phase_json(b, &b->prompt, b->prompt_tok_s));
	if (b->o->bench_decode) {
		struct json_object *decode = phase_json(b, &b->decode, b->decode_tok_s);

		add_latency(b, decode);
		json_object_object_add(o, "decode", decode);
	}
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
}

static void print_phase(const struct bench *b, const char *name, const struct llm_totals *t,
			double *samples)
{
	const uint32_t n = b->o->bench_runs;
	double mid = median(samples, n);

	llm_report_phase(stdout, name, t, llm_engine_device(b->engine));
	printf("         median of %u runs: host %.2f tok/s (%.2f..%.2f)\n", n, mid, samples[0],
	       samples[n - 1]);
}

static int start(struct bench *b, struct llm_err *err)
{
	const struct llm_options *o = b->o;
	const uint64_t decode = (uint64_t)(o->bench_depth ? o->bench_depth : 1) + o->bench_decode;
	const uint64_t ctx = decode > o->bench_prompt ? decode : o->bench_prompt;
	struct llm_engine_config c = {
		.ctx = o->ctx ? o->ctx : (uint32_t)(ctx < NPU_MAX_KV ? ctx : NPU_MAX_KV),
		.chunk = o->chunk,
		.priority = o->priority,
		.steps = o->steps,
		.progress = llm_progress_update,
	};
	struct llm_progress progress;
	uint32_t x = 1;
	int ret;

	b->ids = malloc((ctx + 1) * sizeof(*b->ids));
	b->prompt_tok_s = calloc(o->bench_runs, sizeof(double));
	b->decode_tok_s = calloc(o->bench_runs, sizeof(double));
	b->token_ns = calloc((size_t)o->bench_runs * o->bench_decode + 1, sizeof(double));
	if (!b->ids || !b->prompt_tok_s || !b->decode_tok_s || !b->token_ns)
		return llm_fail(err, ENOMEM, "no memory");
	for (uint64_t i = 0; i < ctx; i++) {
		x = x * 1664525u + 1013904223u;
		b->ids[i] = (x >> 8) % b->model.config.n_vocab;
	}
	ret = llm_pick_device(o, &c.device, err);
	if (ret)
		return ret;
	llm_progress_start(&progress, o->quiet);
	c.opaque = &progress;
	ret = llm_engine_create(&b->model, &c, &b->engine, err);
	llm_progress_end(&progress);
	return ret;
}

int llm_cmd_bench(const struct llm_options *o, struct llm_err *err)
{
	struct bench b = { .o = o };
	int ret;

	ret = gguf_open(o->model, &b.file, err);
	if (!ret)
		ret = llm_model_read(b.file, &b.model, err);
	if (!ret)
		ret = start(&b, err);
	for (uint32_t i = 0; i < o->bench_runs && !ret; i++) {
		if (o->bench_prompt)
			ret = run_prompt(&b, i, err);
		if (!ret && o->bench_decode)
			ret = run_decode(&b, i, err);
	}
	if (!ret && o->json) {
		print_json(&b);
	} else if (!ret) {
		if (o->bench_prompt)
			print_phase(&b, "prompt", &b.prompt, b.prompt_tok_s);
		if (o->bench_decode)
			print_phase(&b, "decode", &b.decode, b.decode_tok_s);
	}
	llm_engine_destroy(b.engine);
	llm_model_free(&b.model);
	gguf_close(b.file);
	free(b.ids);
	free(b.prompt_tok_s);
	free(b.decode_tok_s);
	free(b.token_ns);
	return ret;
}

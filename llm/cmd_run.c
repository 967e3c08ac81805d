// SPDX-License-Identifier: MIT
/* npu-llm run: a prompt in, text out as it is decoded, a summary at the end. */
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
#include "stops.h"
#include "tokenizer.h"

struct run {
	const struct llm_options *o;
	struct gguf *file;
	struct llm_model model;
	struct tokenizer *tokenizer;	/* NULL: the model takes and gives ids only */
	struct llm_engine *engine;
	uint32_t *prompt;		/* ids */
	uint32_t n_prompt;
	uint32_t n;			/* tokens to decode at most */

	struct detokenizer detok;
	struct stops stops;
	char *piece;			/* room for one token's text */
	char *text;			/* everything shown; only for JSON, where it may grow */
	size_t n_text, text_room;
	uint32_t *ids;			/* everything decoded */
	uint32_t n_ids;
	const char *ended;		/* why decoding ended */
	uint64_t first_ns;		/* host time to the first token */
	bool output_failed;
};

static void show(struct run *r, const char *text, size_t len)
{
	if (r->o->json) {
		if (len > r->text_room - r->n_text) {
			size_t room = 2 * (r->text_room + len);
			char *more = realloc(r->text, room);

			if (!more) {
				r->output_failed = true;
				return;
			}
			r->text = more;
			r->text_room = room;
		}
		memcpy(r->text + r->n_text, text, len);
		r->n_text += len;
		return;
	}
	if (fwrite(text, 1, len, stdout) != len || fflush(stdout))
		r->output_failed = true;
}

/* A decoded token; false when the text is at its end. */
static bool on_token(void *opaque, uint32_t id)
{
	struct run *r = opaque;
	const char *out;
	size_t len, n;
	bool stop;

	r->ids[r->n_ids++] = id;
	if (!r->tokenizer) {
		char text[16];

		n = (size_t)snprintf(text, sizeof(text), r->n_ids > 1 ? " %u" : "%u", id);
		show(r, text, n);
		return !r->output_failed;
	}
	if (!r->o->ignore_eos && tokenizer_is_end(r->tokenizer, (int32_t)id)) {
		r->ended = "stop token";
		return false;
	}
	n = detokenizer_push(&r->detok, (int32_t)id, r->piece);
	stop = stops_push(&r->stops, r->piece, n, &out, &len);
	show(r, out, len);
	if (stop)
		r->ended = "stop text";
	return !stop && !r->output_failed;
}

static int read_prompt(struct run *r, struct llm_err *err)
{
	const struct llm_options *o = r->o;
	unsigned int flags = (o->no_bos ? 0 : TOKENIZE_ADD_SPECIAL) |
			     (o->parse_special ? TOKENIZE_PARSE_SPECIAL : 0);
	struct tokens list = { 0 };
	int ret;

	if (o->ids) {
		r->prompt = malloc((o->n_ids + 1) * sizeof(*r->prompt));
		if (!r->prompt)
			return llm_fail(err, ENOMEM, "no memory for the prompt");
		memcpy(r->prompt, o->ids, o->n_ids * sizeof(*r->prompt));
		r->n_prompt = (uint32_t)o->n_ids;
	} else if (!r->tokenizer) {
		return llm_fail(err, EINVAL, "%s: has no tokenizer; give the prompt as ids: --ids 1,2,3",
				o->model);
	} else {
		ret = tokenizer_encode(r->tokenizer, o->prompt ? o->prompt : "", o->prompt_len,
				       flags, &list, err);
		if (ret == -EILSEQ) {
			fprintf(stderr, "npu-llm: %s; the unknown token stands for it\n",
				err->text);
			ret = tokenizer_encode(r->tokenizer, o->prompt, o->prompt_len,
					       flags | TOKENIZE_ALLOW_UNKNOWN, &list, err);
		}
		if (ret)
			return ret;
		/* ids are never negative: they come from the vocabulary */
		r->prompt = (uint32_t *)list.ids;
		r->n_prompt = (uint32_t)list.n;
	}
	if (!r->n_prompt)
		return llm_fail(err, EINVAL, "the prompt is empty and the model has no BOS token to start from; give a prompt with -p");
	return 0;
}

/* Positions of the KV cache: what prompt and tokens need, at most what the model was trained on. */
static int choose_ctx(struct run *r, uint32_t *ctx, struct llm_err *err)
{
	const struct llm_options *o = r->o;
	const uint32_t trained = r->model.config.n_ctx_train;
	const uint64_t need = (uint64_t)r->n_prompt + o->n;
	const uint64_t position = 2 * (uint64_t)r->model.config.n_layer *
				  r->model.config.n_head_kv * r->model.config.head_dim * 2;
	uint32_t limit = o->ctx ? o->ctx : trained;

	if (r->n_prompt > limit) {
		uint64_t want = NPU_ALIGN_UP(need, (uint64_t)256);

		return llm_fail(err, ENOSPC,
				"the prompt has %u tokens, the context %u; raise it with --ctx %"
				PRIu64 " (KV cache then %" PRIu64 " MiB)",
				r->n_prompt, limit, want, want * position >> 20);
	}
	if (o->ctx > trained)
		fprintf(stderr, "npu-llm: a context of %u, the model was trained on %u: text may turn to nonsense past that\n",
			o->ctx, trained);
	*ctx = o->ctx ? o->ctx : need < trained ? (uint32_t)need : trained;
	return 0;
}

static int start_engine(struct run *r, struct llm_err *err)
{
	const struct llm_options *o = r->o;
	uint32_t stop_ids[LLM_MAX_STOP_IDS];
	struct llm_engine_config c = {
		.chunk = o->chunk,
		.priority = o->priority,
		.steps = o->dump_logits ? 1 : o->steps,
		.stop_ids = stop_ids,
		.progress = llm_progress_update,
	};
	const struct npu_sample_params sampling = {
		.temperature = o->temperature, .top_k = o->top_k, .top_p = o->top_p,
		.min_p = o->min_p, .repeat_penalty = o->repeat_penalty,
		.frequency_penalty = o->frequency_penalty,
		.presence_penalty = o->presence_penalty, .seed = o->seed,
	};
	struct llm_progress progress;
	int ret;

	if (sampling.repeat_penalty != 1 || sampling.frequency_penalty != 0 ||
	    sampling.presence_penalty != 0)
		c.repeat_last = o->repeat_last;
	for (uint32_t i = 0; r->tokenizer && !o->ignore_eos &&
	     i < tokenizer_n_tokens(r->tokenizer) && c.n_stop_ids < LLM_MAX_STOP_IDS; i++) {
		if (i < r->model.config.n_vocab && tokenizer_is_end(r->tokenizer, (int32_t)i))
			stop_ids[c.n_stop_ids++] = i;
	}
	ret = choose_ctx(r, &c.ctx, err);
	if (!ret)
		ret = llm_pick_device(o, &c.device, err);
	if (ret)
		return ret;
	llm_progress_start(&progress, o->quiet);
	c.opaque = &progress;
	ret = llm_engine_create(&r->model, &c, &r->engine, err);
	llm_progress_end(&progress);
	if (!ret)
		llm_engine_sampling(r->engine, &sampling);
	return ret;
}

/* All memory that decoding needs, before it starts. */
static int make_room(struct run *r, struct llm_err *err)
{
	size_t piece = r->tokenizer ? detokenizer_room(r->tokenizer) : 16;

	r->ids = malloc(((size_t)r->o->n + 1) * sizeof(*r->ids));
	r->piece = malloc(piece);
	if (!r->ids || !r->piece ||
	    stops_init(&r->stops, r->o->stop, r->o->n_stops, piece))
		return llm_fail(err, ENOMEM, "no memory for %u tokens of text", r->o->n);
	if (r->tokenizer)
		detokenizer_init(&r->detok, r->tokenizer, !r->o->echo);
	return 0;
}

static int write_row(FILE *f, const char *path, const struct run *r, struct llm_err *err)
{
	const size_t n = r->model.config.n_vocab;

	if (!f || fwrite(llm_engine_logits(r->engine), sizeof(float), n, f) == n)
		return 0;
	return llm_fail(err, EIO, "%s: %s", path, strerror(errno));
}

/* Decodes after the prompt; with --dump-logits step by step. */
static int decode(struct run *r, FILE *logits, struct llm_err *err)
{
	const uint32_t n = r->o->n;
	uint32_t done;
	int ret = 0;

	if (!logits)
		return n > r->n_ids ? llm_engine_decode(r->engine, n - r->n_ids, on_token, r, &done,
							err) : 0;
	while (!ret && r->n_ids < n && !r->ended) {
		ret = llm_engine_decode(r->engine, 1, on_token, r, &done, err);
		if (ret || !done)
			break;
		ret = write_row(logits, r->o->dump_logits, r, err);
	}
	return ret;
}

static int dump_kv(const struct run *r, struct llm_err *err)
{
	const uint32_t n = llm_engine_n_past(r->engine);
	const uint64_t bytes = llm_engine_kv_bytes(r->engine, n);
	void *buf = malloc(bytes ? bytes : 1);
	FILE *f = fopen(r->o->dump_kv, "wb");
	bool ok = false;

	if (buf && f) {
		llm_engine_kv_read(r->engine, n, buf);
		ok = fwrite(buf, 1, bytes, f) == bytes;
	}
	if (f && fclose(f))
		ok = false;
	free(buf);
	return ok ? 0 : llm_fail(err, EIO, "%s: %s", r->o->dump_kv, strerror(errno));
}

static int generate(struct run *r, struct llm_err *err)
{
	const struct llm_options *o = r->o;
	FILE *logits = NULL;
	const char *out;
	uint32_t next;
	size_t len;
	int ret;

	if (o->dump_logits) {
		logits = fopen(o->dump_logits, "wb");
		if (!logits)
			return llm_fail(err, errno, "%s: %s", o->dump_logits, strerror(errno));
	}
	if (o->echo && !o->json && o->prompt)
		show(r, o->prompt, o->prompt_len);
	ret = llm_engine_prefill(r->engine, r->prompt, r->n_prompt, &next, err);
	r->first_ns = llm_engine_prefill_totals(r->engine)->host_ns;
	if (!ret)
		ret = write_row(logits, o->dump_logits, r, err);
	if (!ret && o->n && on_token(r, next))
		ret = decode(r, logits, err);
	if (logits && fclose(logits) && !ret)
		ret = llm_fail(err, EIO, "%s: %s", o->dump_logits, strerror(errno));
	/* what was decoded before a failure has been shown; the line ends all the same */
	if (ret && !r->n_ids)
		return ret;
	if (!r->ended)
		r->ended = r->n_ids >= o->n ? "token limit" : "context full";
	if (r->tokenizer && strcmp(r->ended, "stop text")) {
		size_t n = detokenizer_flush(&r->detok, r->piece);

		if (!stops_push(&r->stops, r->piece, n, &out, &len)) {
			show(r, out, len);
			stops_flush(&r->stops, &out, &len);
		}
		show(r, out, len);
	}
	if (!o->json && !r->output_failed)
		show(r, "\n", 1);
	if (!ret && r->output_failed)
		ret = llm_fail(err, EIO, "standard output: %s", strerror(errno));
	if (!ret && o->dump_kv)
		ret = dump_kv(r, err);
	return ret;
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static void summary(const struct run *r)
{
	const struct npu_device_info *d = llm_engine_device(r->engine);
	const struct llm_totals *p = llm_engine_prefill_totals(r->engine);
	const struct llm_totals *t = llm_engine_decode_totals(r->engine);
	const struct llm_memory m = llm_engine_memory(r->engine);

	fprintf(stderr, "\n%s on %s, firmware %s: %u cores, %.1f TOPS int8, %.1f GB/s DRAM\n",
		r->model.name, d->node, d->fw_version, d->cores,
		2e-6 * d->cores * d->macs * d->matrix_mhz, d->dram_mbps / 1e3);
	llm_report_phase(stderr, "prompt", p, d);
	llm_report_phase(stderr, "decode", t, d);
	fprintf(stderr, "first token after %.1f ms host, %.3f ms modelled; loaded in %.2f s host; ended by %s\n",
		(double)r->first_ns / 1e6, (double)p->model_ns / 1e6,
		(double)llm_engine_load_ns(r->engine) / 1e9, r->ended);
	fprintf(stderr, "memory   weights %.1f MiB, KV cache %.1f MiB (%u positions), other %.1f MiB\n",
		mib(m.weights), mib(m.kv), llm_engine_ctx(r->engine), mib(m.other));
}

static struct json_object *ids_json(const uint32_t *ids, uint32_t n)
{
	struct json_object *a = json_object_new_array_ext((int)n);

	for (uint32_t i = 0; i < n; i++)
		json_object_array_add(a, json_object_new_int64(ids[i]));
	return a;
}

static int print_json(const struct run *r, struct llm_err *err)
{
	const struct npu_device_info *d = llm_engine_device(r->engine);
	const struct llm_totals *p = llm_engine_prefill_totals(r->engine);
	struct json_object *o = json_object_new_object();
	bool ok;

	json_object_object_add(o, "model", llm_json_text(r->model.name, strlen(r->model.name)));
	json_object_object_add(o, "device", llm_report_device_json(d));
	json_object_object_add(o, "memory", llm_report_memory_json(llm_engine_memory(r->engine)));
	json_object_object_add(o, "prompt_ids", ids_json(r->prompt, r->n_prompt));
	json_object_object_add(o, "ids", ids_json(r->ids, r->n_ids));
	if (r->tokenizer)
		json_object_object_add(o, "text", llm_json_text(r->text, r->n_text));
	json_object_object_add(o, "ended", json_object_new_string(r->ended));
	json_object_object_add(o, "load_host_ns",
			       json_object_new_uint64(llm_engine_load_ns(r->engine)));
	json_object_object_add(o, "first_token_host_ns", json_object_new_uint64(r->first_ns));
	json_object_object_add(o, "first_token_model_ns", json_object_new_uint64(p->model_ns));
	json_object_object_add(o, "prefill", llm_report_phase_json(p, d));
	json_object_object_add(o, "decode",
			       llm_report_phase_json(llm_engine_decode_totals(r->engine), d));
	ok = puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY)) >= 0 &&
	     !fflush(stdout);
	json_object_put(o);
	return ok ? 0 : llm_fail(err, EIO, "standard output: %s", strerror(errno));
}

int llm_cmd_run(const struct llm_options *o, struct llm_err *err)
{
	struct run r = { .o = o };
	int ret;

	ret = gguf_open(o->model, &r.file, err);
	if (!ret)
		ret = llm_model_read(r.file, &r.model, err);
	if (!ret) {
		ret = tokenizer_create(r.file, &r.tokenizer, err);
		if (ret == -ENOENT)
			ret = 0;
	}
	if (!ret)
		ret = read_prompt(&r, err);
	if (!ret)
		ret = start_engine(&r, err);
	if (!ret)
		ret = make_room(&r, err);
	if (!ret)
		ret = generate(&r, err);
	if (!ret && o->json)
		ret = print_json(&r, err);
	else if (!ret && !o->quiet)
		summary(&r);
	llm_engine_destroy(r.engine);
	tokenizer_destroy(r.tokenizer);
	llm_model_free(&r.model);
	gguf_close(r.file);
	stops_free(&r.stops);
	free(r.prompt);
	free(r.piece);
	free(r.text);
	free(r.ids);
	return ret;
}

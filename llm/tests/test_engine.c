// SPDX-License-Identifier: MIT
/*
 * The engine on the device model: results do not depend on how the work is cut, and every limit is
 * an error or a clear end.
 *
 * usage: test_engine MODEL_DIR
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "gguf.h"
#include "tap.h"

#define N_PROMPT	150
#define N_DECODE	24
#define N_TOTAL		(N_PROMPT + N_DECODE)

static const char *models;

/* One way to run a model. */
struct setup {
	const char *device;
	uint32_t chunk;
	uint32_t steps;
	float temperature;
	uint64_t seed;
};

/* All that a run leaves behind. */
struct outcome {
	uint32_t ids[N_DECODE + 1];
	uint32_t n_ids;
	float *logits;		/* [n_vocab], of the last step */
	size_t logits_bytes;
	uint8_t *kv;
	uint64_t kv_bytes;
	struct llm_totals prefill, decode;
};

static bool keep(void *opaque, uint32_t id)
{
	struct outcome *o = opaque;

	o->ids[o->n_ids++] = id;
	return true;
}

static void forget(struct outcome *o)
{
	free(o->logits);
	free(o->kv);
}

static int run_engine(const struct llm_model *m, const struct setup *s, struct outcome *o,
		      struct llm_err *err)
{
	const struct llm_engine_config c = {
		.device = s->device, .ctx = N_TOTAL, .chunk = s->chunk, .steps = s->steps,
		.priority = NPU_PRIORITY_NORMAL,
	};
	const struct npu_sample_params sampling = {
		.temperature = s->temperature, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f,
		.repeat_penalty = 1, .seed = s->seed,
	};
	uint32_t prompt[N_PROMPT], next, done;
	struct llm_engine *e;
	int ret;

	memset(o, 0, sizeof(*o));
	for (uint32_t i = 0; i < N_PROMPT; i++)
		prompt[i] = i * 7919u % m->config.n_vocab;
	ret = llm_engine_create(m, &c, &e, err);
	if (ret)
		return ret;
	llm_engine_sampling(e, &sampling);
	ret = llm_engine_prefill(e, prompt, N_PROMPT, &next, err);
	if (!ret && keep(o, next))
		ret = llm_engine_decode(e, N_DECODE, keep, o, &done, err);
	if (!ret) {
		o->logits_bytes = m->config.n_vocab * sizeof(float);
		o->logits = malloc(o->logits_bytes);
		memcpy(o->logits, llm_engine_logits(e), o->logits_bytes);
		o->kv_bytes = llm_engine_kv_bytes(e, llm_engine_n_past(e));
		o->kv = malloc(o->kv_bytes);
		llm_engine_kv_read(e, llm_engine_n_past(e), o->kv);
		o->prefill = *llm_engine_prefill_totals(e);
		o->decode = *llm_engine_decode_totals(e);
	}
	llm_engine_destroy(e);
	return ret;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->n_ids == b->n_ids && !memcmp(a->ids, b->ids, a->n_ids * sizeof(a->ids[0])) &&
	       a->logits_bytes == b->logits_bytes &&
	       !memcmp(a->logits, b->logits, a->logits_bytes) &&
	       a->kv_bytes == b->kv_bytes && !memcmp(a->kv, b->kv, a->kv_bytes);
}

static int open_model(const char *name, struct gguf **file, struct llm_model *m)
{
	struct llm_err err = { "" };
	char path[4096];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", models, name);
	ret = gguf_open(path, file, &err);
	if (!ret) {
		ret = llm_model_read(*file, m, &err);
		if (ret)
			gguf_close(*file);
	}
	if (ret)
		tap_diag("%s", err.text);
	return ret;
}

/* Runs the model in every way and compares bytes with the first. */
static void invariance(const char *name)
{
	static const struct setup ways[] = {
		{ "sim", 128, 4, 0, 0 },
		{ "sim", 1, 1, 0, 0 },
		{ "sim", 3, 7, 0, 0 },
		{ "sim", 64, 0, 0, 0 },
		{ "sim", 512, 24, 0, 0 },
		{ "sim:cores=1", 128, 4, 0, 0 },
		{ "sim:cores=3,threads=1", 128, 4, 0, 0 },
		{ "sim:threads=2", 50, 4, 0, 0 },
		{ "sim:profile=small,spad_bytes=262144", 128, 4, 0, 0 },
		{ "sim:isa=scalar", 128, 4, 0, 0 },
		{ "sim:isa=avx2", 128, 4, 0, 0 },
		{ "sim:isa=avx512", 128, 4, 0, 0 },
	};
	struct outcome first = { .n_ids = 0 }, other;
	struct llm_err err = { "" };
	struct llm_model m;
	struct gguf *file;

	if (open_model(name, &file, &m)) {
		tap_ok(false, "engine: %s can be read", name);
		return;
	}
	if (!tap_ok(!run_engine(&m, &ways[0], &first, &err), "engine: %s decodes", name))
		tap_diag("%s", err.text);
	for (size_t i = 1; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct setup *w = &ways[i];
		char what[128];
		int ret = run_engine(&m, w, &other, &err);

		snprintf(what, sizeof(what), "%s, chunk %u, steps %u on %s", name, w->chunk,
			 w->steps, w->device);
		if (ret == -ENOTSUP) {
			tap_skip(what, "this host lacks the instruction set");
			continue;
		}
		if (ret)
			tap_diag("%s", err.text);
		tap_ok(!ret && same(&first, &other),
		       "engine: %s: tokens, logits and KV cache have the same bytes", what);
		forget(&other);
	}
	tap_ok(first.decode.model_ns && first.decode.energy_pj && first.prefill.macs,
	       "engine: %s: modelled time, energy and work are reported", name);
	forget(&first);
	llm_model_free(&m);
	gguf_close(file);
}

static void sampling(void)
{
	static const struct setup seed7 = { "sim", 128, 0, 1, 7 };
	static const struct setup seed7_cut = { "sim:cores=1,isa=scalar", 5, 1, 1, 7 };
	static const struct setup seed8 = { "sim", 128, 0, 1, 8 };
	struct outcome a = { .n_ids = 0 }, b = a, c = a;
	struct llm_err err = { "" };
	struct llm_model m;
	struct gguf *file;

	if (open_model("stories260K.gguf", &file, &m))
		return;
	if (!run_engine(&m, &seed7, &a, &err) && !run_engine(&m, &seed7_cut, &b, &err) &&
	    !run_engine(&m, &seed8, &c, &err)) {
		tap_ok(same(&a, &b), "engine: a seed draws the same tokens however the work is cut");
		tap_ok(!same(&a, &c), "engine: another seed draws others");
	} else {
		tap_ok(false, "engine: sampling runs");
		tap_diag("%s", err.text);
	}
	forget(&a);
	forget(&b);
	forget(&c);
	llm_model_free(&m);
	gguf_close(file);
}

/* Decoding after a reset, and beyond each limit. */
static void limits(void)
{
	struct llm_engine_config c = { .device = "sim", .ctx = 20, .chunk = 8,
				       .priority = NPU_PRIORITY_NORMAL };
	const uint32_t prompt[] = { 1, 403, 407 }, bad[] = { 1, 512 };
	struct outcome a = { .n_ids = 0 }, b = { .n_ids = 0 };
	struct llm_err err = { "" };
	struct llm_engine *e;
	struct llm_model m;
	struct gguf *file;
	uint32_t next, done = 0, long_prompt[21] = { 0 };

	if (open_model("stories260K.gguf", &file, &m))
		return;
	tap_ok(!llm_engine_create(&m, &c, &e, &err), "engine: a context of 20 positions");
	tap_ok(llm_engine_prefill(e, long_prompt, 21, &next, &err) == -ENOSPC,
	       "engine: a prompt one longer than the context is refused with ENOSPC");
	tap_ok(llm_engine_prefill(e, bad, 2, &next, &err) == -EINVAL,
	       "engine: an id one past the vocabulary is refused with EINVAL");
	tap_ok(llm_engine_prefill(e, prompt, 0, &next, &err) == -EINVAL,
	       "engine: no tokens are refused with EINVAL");
	tap_ok(!llm_engine_prefill(e, prompt, 3, &next, &err) && llm_engine_room(e) == 17,
	       "engine: what was refused left nothing behind");
	keep(&a, next);
	tap_ok(!llm_engine_decode(e, 24, keep, &a, &done, &err) && done == 17 &&
	       llm_engine_room(e) == 0, "engine: decoding ends when the context is full");
	tap_ok(!llm_engine_decode(e, 1, keep, &a, &done, &err) && done == 0,
	       "engine: a full context gives no more tokens");
	llm_engine_reset(e);
	tap_ok(!llm_engine_prefill(e, prompt, 3, &next, &err) && keep(&b, next) &&
	       !llm_engine_decode(e, 17, keep, &b, &done, &err) && a.n_ids == b.n_ids &&
	       !memcmp(a.ids, b.ids, a.n_ids * 4), "engine: a reset sequence decodes the same again");
	llm_engine_reset(e);
	tap_ok(!llm_engine_prefill(e, long_prompt, 20, &next, &err) && llm_engine_room(e) == 0,
	       "engine: a prompt that fills the context draws its token");
	llm_engine_destroy(e);

	c.stop_ids = &a.ids[5];
	c.n_stop_ids = 1;
	c.steps = 3;
	memset(&b, 0, sizeof(b));
	tap_ok(!llm_engine_create(&m, &c, &e, &err) &&
	       !llm_engine_prefill(e, prompt, 3, &next, &err) && keep(&b, next) &&
	       !llm_engine_decode(e, 17, keep, &b, &done, &err),
	       "engine: decoding with a stop id");
	for (next = 0; a.ids[next] != a.ids[5]; next++)
		;
	tap_ok(b.n_ids == next + 1 && !memcmp(a.ids, b.ids, b.n_ids * 4),
	       "engine: a stop id is the last token given");
	tap_ok(llm_engine_decode_totals(e)->tokens == done,
	       "engine: tokens behind a stop id are not counted");
	llm_engine_destroy(e);
	c.device = "sim:nonsense=1";
	tap_ok(llm_engine_create(&m, &c, &e, &err) == -EINVAL && strstr(err.text, "nonsense"),
	       "engine: an unknown machine property is refused by name");
	llm_model_free(&m);
	gguf_close(file);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: test_engine MODEL_DIR\n");
		return 2;
	}
	models = argv[1];
	invariance("stories260K.gguf");
	invariance("TinyStories-656K-Q8_0.gguf");
	sampling();
	limits();
	return tap_done();
}

// SPDX-License-Identifier: MIT
#include "engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine_priv.h"

/*
 * llama.cpp computes a prompt in batches of so many tokens, and attention in another way for
 * batches of at least so many rows if heads are multiples of 16.
 */
#define BATCH		512u
#define MANY_ROWS	64u

/* Submissions queued ahead: the device never waits for the host between them. */
#define IN_FLIGHT	LLM_FLIGHTS
/* Host time that a submission of several decode steps should take, for a smooth stream of text */
#define STEP_TARGET_NS	50000000u
#define STEPS_START	4u

uint64_t llm_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int llm_npu_fail(struct llm_err *err, int ret, const char *what)
{
	const char *text = npu_error_text();

	return llm_fail(err, -ret, "%s: %s", what, *text ? text : strerror(-ret));
}

int llm_region_create(struct llm_engine *e, struct llm_region *r, uint64_t bytes, bool write,
		      bool map, const char *what, struct llm_err *err)
{
	void *p = NULL;
	int ret;

	r->bytes = bytes;
	r->va = 0;
	ret = npu_buffer_create(e->dev, bytes, 0, &r->buf);
	if (!ret)
		ret = npu_vm_bind(e->vm, r->buf, 0, 0, write ? NPU_BIND_WRITE : 0, &r->va);
	if (!ret && map)
		ret = npu_buffer_map(r->buf, &p);
	if (ret)
		return llm_npu_fail(err, ret, what);
	r->map = p;
	return 0;
}

void llm_region_destroy(struct llm_region *r)
{
	npu_buffer_destroy(r->buf);
	memset(r, 0, sizeof(*r));
}

/*
 * What a job waited for others. A job that was submitted behind one of ours has waited for that
 * too, for all its latency at most.
 */
static uint64_t waited_for_others(const struct llm_engine *e, const struct npu_result *r)
{
	uint64_t own = e->behind[r->seqno % LLM_FLIGHTS] ? e->latency_ns : 0;

	return r->wait_ns > own ? r->wait_ns - own : 0;
}

int llm_job_finish(struct llm_engine *e, uint64_t seqno, struct llm_totals *t,
		   struct llm_err *err)
{
	uint64_t wait_ns;
	struct npu_result r;
	char text[256];
	int ret;

	ret = npu_wait(e->queue, seqno, INT64_MAX);
	if (!ret)
		ret = npu_job_result(e->queue, seqno, &r);
	if (ret)
		return llm_npu_fail(err, ret, "waiting for the device");
	e->in_flight--;
	if (r.error)
		return llm_fail(err, -r.error, "the device failed: %s",
				npu_fault_text(&r, text, sizeof(text)));
	wait_ns = waited_for_others(e, &r);
	e->latency_ns = r.model_ns + wait_ns;
	t->wait_ns += wait_ns;
	t->jobs++;
	t->model_ns += r.model_ns;
	for (unsigned int i = 0; i < NPU_ENGINE_COUNT; i++)
		t->busy_ns[i] += r.busy_ns[i];
	t->read_bytes += r.read_bytes;
	t->write_bytes += r.write_bytes;
	t->macs += r.macs;
	t->energy_pj += r.energy_pj;
	t->commands += r.commands;
	return 0;
}

/* KV cache, tokens, sampling parameters, logits. */
static int make_state(struct llm_engine *e, struct llm_err *err)
{
	const struct llm_config *c = &e->model->config;
	const uint64_t tokens = NPU_ALIGN_UP(((uint64_t)e->capacity + 1) * 4, 64);
	const uint64_t kv = 2 * (uint64_t)c->n_layer * c->n_head_kv *
			    npu_kv_bytes(e->capacity, c->head_dim);
	int ret;

	ret = llm_region_create(e, &e->kv, kv, true, true, "KV cache", err);
	if (!ret)
		ret = llm_region_create(e, &e->io, tokens + 64 + (uint64_t)c->n_vocab * 4, true,
					true, "tokens and logits", err);
	if (ret)
		return ret;
	e->tokens_va = e->io.va;
	e->params_va = e->io.va + tokens;
	e->logits_va = e->io.va + tokens + 64;
	e->tokens = (uint32_t *)e->io.map;
	e->params = (struct npu_sample_params *)(e->io.map + tokens);
	e->logits = (const float *)(e->io.map + tokens + 64);
	*e->params = (struct npu_sample_params) { .top_p = 1, .repeat_penalty = 1 };
	return 0;
}

static int check_config(const struct llm_engine_config *c, struct llm_err *err)
{
	if (!c->ctx || c->ctx > NPU_MAX_KV)
		return llm_fail(err, EINVAL, "a context of %u positions, must be 1..%u", c->ctx,
				NPU_MAX_KV);
	if (!c->chunk || c->chunk > LLM_MAX_CHUNK)
		return llm_fail(err, EINVAL, "a chunk of %u tokens, must be 1..%u", c->chunk,
				LLM_MAX_CHUNK);
	if (c->steps > LLM_MAX_STEPS)
		return llm_fail(err, EINVAL, "%u steps a submission, must be at most %u", c->steps,
				LLM_MAX_STEPS);
	if (c->n_stop_ids > LLM_MAX_STOP_IDS)
		return llm_fail(err, E2BIG, "%u stop ids, must be at most %u", c->n_stop_ids,
				LLM_MAX_STOP_IDS);
	return 0;
}

int llm_engine_create(const struct llm_model *model, const struct llm_engine_config *config,
		      struct llm_engine **out, struct llm_err *err)
{
	struct llm_engine *e;
	int ret = check_config(config, err);

	if (ret)
		return ret;
	e = calloc(1, sizeof(*e));
	if (!e)
		return llm_fail(err, ENOMEM, "no memory");
	e->model = model;
	e->ctx = config->ctx;
	e->capacity = NPU_ALIGN_UP(config->ctx, 16u);
	e->chunk = config->chunk < e->ctx ? config->chunk : e->ctx;
	e->repeat_last = config->repeat_last;
	e->priority = config->priority;
	e->steps_fixed = config->steps != 0;
	e->flights = config->steps == 1 ? 1 : IN_FLIGHT;
	e->steps = config->steps ? config->steps : STEPS_START;
	if (config->n_stop_ids)
		memcpy(e->stop_ids, config->stop_ids, config->n_stop_ids * sizeof(uint32_t));
	e->n_stop_ids = config->n_stop_ids;

	ret = npu_device_open(config->device, &e->dev);
	if (!ret)
		ret = npu_vm_create(e->dev, &e->vm);
	if (!ret)
		ret = npu_queue_create(e->vm, e->priority, 0, &e->queue);
	if (ret)
		llm_npu_fail(err, ret, config->device);
	if (!ret)
		ret = llm_engine_load(e, config, err);
	if (!ret)
		ret = make_state(e, err);
	if (!ret)
		ret = llm_engine_record(e, err);
	if (ret) {
		llm_engine_destroy(e);
		return ret;
	}
	*out = e;
	return 0;
}

void llm_engine_destroy(struct llm_engine *e)
{
	if (!e)
		return;
	npu_queue_destroy(e->queue);
	llm_region_destroy(&e->code);
	llm_region_destroy(&e->work);
	llm_region_destroy(&e->io);
	llm_region_destroy(&e->kv);
	llm_region_destroy(&e->consts);
	llm_region_destroy(&e->weights);
	npu_vm_destroy(e->vm);
	npu_device_close(e->dev);
	free(e->layer);
	free(e);
}

const struct npu_device_info *llm_engine_device(const struct llm_engine *e)
{
	return npu_device_info(e->dev);
}

struct llm_memory llm_engine_memory(const struct llm_engine *e)
{
	return (struct llm_memory) {
		.weights = e->weights.bytes,
		.kv = e->kv.bytes,
		.other = e->consts.bytes + e->io.bytes + e->work.bytes + e->code.bytes,
	};
}

uint64_t llm_engine_load_ns(const struct llm_engine *e)
{
	return e->load_ns;
}

uint32_t llm_engine_ctx(const struct llm_engine *e)
{
	return e->ctx;
}

void llm_engine_sampling(struct llm_engine *e, const struct npu_sample_params *p)
{
	*e->params = *p;
}

void llm_engine_reset(struct llm_engine *e)
{
	e->pos = 0;
}

uint64_t llm_engine_token_ns(const struct llm_engine *e)
{
	return e->token_ns;
}

uint32_t llm_engine_room(const struct llm_engine *e)
{
	return e->ctx - e->pos;
}

const float *llm_engine_logits(const struct llm_engine *e)
{
	return e->logits;
}

uint32_t llm_engine_n_past(const struct llm_engine *e)
{
	return e->pos;
}

const struct llm_totals *llm_engine_prefill_totals(const struct llm_engine *e)
{
	return &e->prefill_totals;
}

const struct llm_totals *llm_engine_decode_totals(const struct llm_engine *e)
{
	return &e->decode_totals;
}

void llm_engine_clear_totals(struct llm_engine *e)
{
	memset(&e->prefill_totals, 0, sizeof(e->prefill_totals));
	memset(&e->decode_totals, 0, sizeof(e->decode_totals));
}

/* A submission under way */
struct flight {
	uint64_t seqno;
	uint32_t pos;		/* of its first step */
	uint32_t steps;
};

static int submit(struct llm_engine *e, struct npu_job *job, uint32_t rows, uint32_t pos,
		  uint32_t steps, uint64_t *seqno, struct llm_err *err)
{
	const uint64_t params[P_COUNT] = {
		[P_ROWS] = rows, [P_POS] = pos, [P_STEPS] = steps,
	};
	int ret;

	job->params = params;
	job->n_params = P_COUNT;
	ret = npu_submit(e->queue, job, 1, seqno);
	job->params = NULL;
	if (ret)
		return llm_npu_fail(err, ret, "submitting");
	e->behind[*seqno % LLM_FLIGHTS] = e->in_flight > 0;
	e->in_flight++;
	return 0;
}

/*
 * The graph for rows [done, done + m) of a prompt of n. It depends on the prompt's length, not on
 * chunks: so chunks change no bit.
 */
static enum llm_graph prompt_graph(const struct llm_engine *e, uint32_t n, uint32_t done,
				   uint32_t m)
{
	const uint32_t batch = n - done / BATCH * BATCH;
	const bool many = batch >= MANY_ROWS && e->model->config.head_dim % 16 == 0;

	if (done + m == n)
		return many ? GRAPH_LAST_MANY : GRAPH_LAST_FEW;
	return many ? GRAPH_CHUNK_MANY : GRAPH_CHUNK_FEW;
}

int llm_engine_prefill(struct llm_engine *e, const uint32_t *ids, uint32_t n, uint32_t *next,
		       struct llm_err *err)
{
	const uint64_t start = llm_now_ns();
	const uint32_t first = e->pos;
	uint64_t queued[IN_FLIGHT] = { 0 };
	unsigned int i;
	uint32_t done = 0;
	int ret = 0;

	if (!n || n > e->ctx - first)
		return llm_fail(err, n ? ENOSPC : EINVAL,
				"%u tokens at position %u do not fit the context of %u", n, first,
				e->ctx);
	for (i = 0; i < n; i++) {
		if (ids[i] >= e->model->config.n_vocab)
			return llm_fail(err, EINVAL, "token id %u, the vocabulary has %u", ids[i],
					e->model->config.n_vocab);
	}
	memcpy(e->tokens + first, ids, n * sizeof(*ids));
	/* what is not drawn yet counts as the end, see record_decode() */
	for (i = first + n; e->n_stop_ids && i <= e->capacity; i++)
		e->tokens[i] = e->stop_ids[0];

	for (i = 0; done < n && !ret; i++) {
		uint32_t m = n - done < e->chunk ? n - done : e->chunk;
		uint32_t batch_left = BATCH - done % BATCH;
		uint64_t *slot = &queued[i % IN_FLIGHT];

		if (*slot)
			ret = llm_job_finish(e, *slot, &e->prefill_totals, err);
		*slot = 0;
		if (ret)
			break;
		m = m < batch_left ? m : batch_left;
		ret = submit(e, &e->job[prompt_graph(e, n, done, m)], m, first + done, 0, slot,
			     err);
		done += m;
	}
	for (unsigned int end = i + IN_FLIGHT; i < end && !ret; i++) {
		if (queued[i % IN_FLIGHT])
			ret = llm_job_finish(e, queued[i % IN_FLIGHT], &e->prefill_totals, err);
	}
	if (ret)
		return ret;
	e->pos = first + n;
	*next = e->tokens[e->pos];
	e->prefill_totals.tokens += n;
	e->prefill_totals.host_ns += llm_now_ns() - start;
	return 0;
}

static bool is_stop(const struct llm_engine *e, uint32_t id)
{
	for (uint32_t i = 0; i < e->n_stop_ids; i++) {
		if (e->stop_ids[i] == id)
			return true;
	}
	return false;
}

/* Moves towards submissions of STEP_TARGET_NS, at most doubling. */
static void adapt_steps(struct llm_engine *e, uint32_t steps, uint64_t ns)
{
	uint64_t want = ns ? steps * (uint64_t)STEP_TARGET_NS / ns : LLM_MAX_STEPS;

	if (e->steps_fixed)
		return;
	if (want > 2 * (uint64_t)e->steps)
		want = 2 * (uint64_t)e->steps;
	e->steps = want < 1 ? 1 : want > 256 ? 256 : (uint32_t)want;
}

struct decode {
	struct llm_engine *e;
	struct flight flight[IN_FLIGHT];
	unsigned int head, count;	/* oldest and number of flights */
	uint32_t left;			/* steps not submitted yet */
	uint32_t pos;			/* of the next step to submit */
};

/* Fills the pipeline. */
static int decode_submit(struct decode *d, struct llm_err *err)
{
	struct llm_engine *e = d->e;

	while (d->count < e->flights && d->left && d->pos < e->ctx) {
		struct flight *f = &d->flight[(d->head + d->count) % IN_FLIGHT];
		uint32_t steps = e->steps;
		int ret;

		if (steps > d->left)
			steps = d->left;
		if (steps > e->ctx - d->pos)
			steps = e->ctx - d->pos;
		ret = submit(e, &e->job[GRAPH_DECODE], 1, d->pos, steps, &f->seqno, err);
		if (ret)
			return ret;
		f->pos = d->pos;
		f->steps = steps;
		d->pos += steps;
		d->left -= steps;
		d->count++;
	}
	return 0;
}

static int decode_retire(struct decode *d, struct flight *f, struct llm_err *err)
{
	int ret;

	*f = d->flight[d->head];
	d->head = (d->head + 1) % IN_FLIGHT;
	d->count--;
	ret = llm_job_finish(d->e, f->seqno, &d->e->decode_totals, err);
	d->e->token_ns = d->e->latency_ns / f->steps;
	return ret;
}

int llm_engine_decode(struct llm_engine *e, uint32_t n,
		      bool (*token)(void *opaque, uint32_t id), void *opaque, uint32_t *n_done,
		      struct llm_err *err)
{
	struct decode d = { .e = e, .left = n, .pos = e->pos };
	uint64_t start = llm_now_ns(), last = start;
	bool more = !is_stop(e, e->tokens[e->pos]);
	struct flight f;
	int ret = 0;

	*n_done = 0;
	while (more && !ret) {
		ret = decode_submit(&d, err);
		if (ret || !d.count)
			break;
		ret = decode_retire(&d, &f, err);
		if (ret)
			break;
		adapt_steps(e, f.steps, llm_now_ns() - last);
		last = llm_now_ns();
		for (uint32_t i = 1; i <= f.steps && more; i++) {
			uint32_t id = e->tokens[f.pos + i];

			e->pos = f.pos + i;
			e->decode_totals.tokens++;
			++*n_done;
			more = token(opaque, id) && !is_stop(e, id);
		}
	}
	/* what was queued ahead ends by itself; its tokens are nobody's */
	while (d.count && !ret)
		ret = decode_retire(&d, &f, err);
	e->decode_totals.host_ns += llm_now_ns() - start;
	return ret;
}

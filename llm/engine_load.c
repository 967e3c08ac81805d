// SPDX-License-Identifier: MIT
/*
 * Weights from the file to the device: the host reads the file's rows into one of two staging
 * buffers, the device re-lays them from there into their place while the host reads on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine_priv.h"
#include "rope.h"

/* 16 rows of the longest possible weight row fit (NPU_MAX_K floats) */
#define STAGE_BYTES	(16u * NPU_MAX_K * 4)
#define STAGE_COUNT	2
#define STAGE_CODE	4096u	/* of command buffer, one a stage */
/* Apart enough that two matrices never share a cache line of the DMA engine */
#define MATRIX_ALIGN	256u

struct stage {
	struct llm_region data;
	struct llm_region code;
	uint64_t seqno;		/* job that reads it; zero: none */
};

struct loader {
	struct llm_engine *e;
	const struct llm_engine_config *config;
	struct npu_queue *queue;
	struct npu_cmdbuf *cb;
	struct stage stage[STAGE_COUNT];
	unsigned int turn;
	uint64_t done, total;	/* bytes of the file */
};

/* Reserves room for a matrix; *@end is the size of the weights so far. */
static void place_matrix(const struct gguf_tensor *t, struct npu_weight *w, uint64_t *end)
{
	w->type = (uint32_t)llm_wtype(t->type);
	w->n = (uint32_t)llm_rows(t);
	w->k = (uint32_t)llm_cols(t);
	w->va = *end;		/* relative until the buffer is bound */
	*end = NPU_ALIGN_UP(*end + npu_weight_bytes(w->type, w->n, w->k), MATRIX_ALIGN);
}

typedef int matrix_fn(void *arg, const struct gguf_tensor *t, struct npu_weight *w,
		      struct llm_err *err);

/* Calls @fn for each matrix of the model, until it fails. */
static int each_matrix(struct llm_engine *e, matrix_fn *fn, void *arg, struct llm_err *err)
{
	const struct llm_model *m = e->model;
	int ret = fn(arg, m->embd, &e->embd, err);

	for (uint32_t i = 0; i < m->config.n_layer && !ret; i++) {
		const struct llm_layer_tensors *t = &m->layer[i];
		struct llm_layer *l = &e->layer[i];
		const struct {
			const struct gguf_tensor *t;
			struct npu_weight *w;
		} all[] = {
			{ t->q, &l->q }, { t->k, &l->k }, { t->v, &l->v }, { t->o, &l->o },
			{ t->gate, &l->gate }, { t->up, &l->up }, { t->down, &l->down },
		};

		for (size_t j = 0; j < sizeof(all) / sizeof(all[0]) && !ret; j++)
			ret = fn(arg, all[j].t, all[j].w, err);
	}
	if (!ret && m->output != m->embd)
		ret = fn(arg, m->output, &e->output, err);
	return ret;
}

static int place_one(void *arg, const struct gguf_tensor *t, struct npu_weight *w,
		     struct llm_err *err)
{
	(void)err;
	place_matrix(t, w, arg);
	return 0;
}

static int bind_one(void *arg, const struct gguf_tensor *t, struct npu_weight *w,
		    struct llm_err *err)
{
	(void)t;
	(void)err;
	w->va += *(uint64_t *)arg;
	return 0;
}

static int add_bytes(void *arg, const struct gguf_tensor *t, struct npu_weight *w,
		     struct llm_err *err)
{
	(void)w;
	(void)err;
	*(uint64_t *)arg += t->size_bytes;
	return 0;
}

/* Waits until the device no longer reads a stage. */
static int stage_free(struct loader *l, struct stage *s, struct llm_err *err)
{
	struct npu_result r;
	char text[256];
	int ret;

	if (!s->seqno)
		return 0;
	ret = npu_wait(l->queue, s->seqno, INT64_MAX);
	if (!ret)
		ret = npu_job_result(l->queue, s->seqno, &r);
	if (ret)
		return llm_npu_fail(err, ret, "loading");
	s->seqno = 0;
	if (r.error)
		return llm_fail(err, -r.error, "loading: %s",
				npu_fault_text(&r, text, sizeof(text)));
	return 0;
}

/* Rows [first, first + n) of a matrix, which fit a stage. */
static int load_rows(struct loader *l, const struct gguf_tensor *t, const struct npu_weight *w,
		     uint32_t first, uint32_t n, struct llm_err *err)
{
	const uint64_t row_bytes = npu_source_row_bytes(w->type, w->k);
	struct stage *s = &l->stage[l->turn++ % STAGE_COUNT];
	struct npu_job job = { 0 };
	int ret;

	ret = stage_free(l, s, err);
	if (!ret)
		ret = gguf_tensor_read(l->e->model->file, t, first * row_bytes, s->data.map,
				       n * row_bytes, err);
	if (ret)
		return ret;
	ret = npu_cmdbuf_reset(l->cb, llm_engine_device(l->e)->cores);
	if (!ret)
		ret = npu_op_relayout(l->cb, s->data.va, w, first, n);
	if (!ret)
		ret = npu_cmdbuf_end(l->cb);
	if (!ret)
		ret = npu_cmdbuf_place(l->cb, s->code.buf, s->code.va, 0, &job);
	if (!ret)
		ret = npu_submit(l->queue, &job, 1, &s->seqno);
	if (ret)
		return llm_npu_fail(err, ret, t->name);
	l->done += n * row_bytes;
	if (l->config->progress)
		l->config->progress(l->config->opaque, l->done, l->total);
	return 0;
}

static int load_matrix(void *arg, const struct gguf_tensor *t, struct npu_weight *w,
		       struct llm_err *err)
{
	struct loader *l = arg;
	const uint64_t row_bytes = npu_source_row_bytes(w->type, w->k);
	const uint64_t strips = STAGE_BYTES / (row_bytes * NPU_STRIP_ROWS);
	const uint32_t piece = (uint32_t)strips * NPU_STRIP_ROWS;
	int ret = 0;

	for (uint32_t first = 0; first < w->n && !ret; first += piece) {
		uint32_t n = w->n - first < piece ? w->n - first : piece;

		ret = load_rows(l, t, w, first, n, err);
	}
	return ret;
}

static void loader_end(struct loader *l)
{
	npu_queue_destroy(l->queue);
	npu_cmdbuf_destroy(l->cb);
	for (unsigned int i = 0; i < STAGE_COUNT; i++) {
		llm_region_destroy(&l->stage[i].data);
		llm_region_destroy(&l->stage[i].code);
	}
}

static int load_matrices(struct llm_engine *e, const struct llm_engine_config *config,
			 struct llm_err *err)
{
	struct loader l = { .e = e, .config = config };
	int ret;

	each_matrix(e, add_bytes, &l.total, err);
	/* loading is nothing that others should have to wait for */
	ret = npu_queue_create(e->vm, e->priority < NPU_PRIORITY_NORMAL ? e->priority :
			       NPU_PRIORITY_NORMAL, 0, &l.queue);
	if (!ret)
		ret = npu_cmdbuf_create(llm_engine_device(e)->cores, &l.cb);
	if (ret)
		ret = llm_npu_fail(err, ret, "loading");
	for (unsigned int i = 0; i < STAGE_COUNT && !ret; i++) {
		struct stage *s = &l.stage[i];

		ret = llm_region_create(e, &s->data, STAGE_BYTES, false, true, "staging", err);
		if (!ret)
			ret = llm_region_create(e, &s->code, STAGE_CODE, false, true, "staging",
						err);
	}
	if (!ret)
		ret = each_matrix(e, load_matrix, &l, err);
	for (unsigned int i = 0; i < STAGE_COUNT && !ret; i++)
		ret = stage_free(&l, &l.stage[i], err);
	loader_end(&l);
	return ret;
}

/* Norms and rotations: few bytes, as the file has them, so the host puts them in place. */
static int load_consts(struct llm_engine *e, struct llm_err *err)
{
	const struct llm_model *m = e->model;
	const struct llm_config *c = &m->config;
	const uint64_t norm_bytes = NPU_ALIGN_UP((uint64_t)c->n_embd * 4, 64);
	const uint64_t rope_at = norm_bytes * (2 * (uint64_t)c->n_layer + 1);
	float *divisors = NULL;
	uint64_t at = 0;
	int ret;

	ret = llm_region_create(e, &e->consts, rope_at + llm_rope_bytes(c, e->capacity), false,
				true, "norms and rotations", err);
	for (uint32_t i = 0; i < c->n_layer && !ret; i++) {
		e->layer[i].attn_norm = e->consts.va + at;
		ret = gguf_tensor_read(m->file, m->layer[i].attn_norm, 0, e->consts.map + at,
				       c->n_embd * 4, err);
		at += norm_bytes;
		if (ret)
			break;
		e->layer[i].ffn_norm = e->consts.va + at;
		ret = gguf_tensor_read(m->file, m->layer[i].ffn_norm, 0, e->consts.map + at,
				       c->n_embd * 4, err);
		at += norm_bytes;
	}
	if (!ret) {
		e->output_norm = e->consts.va + at;
		ret = gguf_tensor_read(m->file, m->output_norm, 0, e->consts.map + at,
				       c->n_embd * 4, err);
	}
	if (ret)
		return ret;
	if (m->rope_freqs) {
		divisors = malloc(m->rope_freqs->size_bytes);
		if (!divisors)
			return llm_fail(err, ENOMEM, "no memory for rope_freqs.weight");
		ret = gguf_tensor_read(m->file, m->rope_freqs, 0, divisors,
				       m->rope_freqs->size_bytes, err);
	}
	e->rope = e->consts.va + rope_at;
	if (!ret) {
		ret = llm_rope_table(c, divisors, e->capacity, (float *)(e->consts.map + rope_at));
		if (ret == -ERANGE)
			llm_fail(err, ERANGE, "%s: llama.rope.freq_base %g turns positions below %u by more than %g radians",
				 gguf_name(m->file), (double)c->rope_base, e->capacity,
				 (double)LLM_ROPE_MAX_ANGLE);
		else if (ret)
			llm_fail(err, -ret, "%s: tensor rope_freqs.weight holds a value that is not positive and finite",
				 gguf_name(m->file));
	}
	free(divisors);
	return ret;
}

int llm_engine_load(struct llm_engine *e, const struct llm_engine_config *config,
		    struct llm_err *err)
{
	const uint64_t start = llm_now_ns();
	uint64_t bytes = 0;
	int ret;

	e->layer = calloc(e->model->config.n_layer, sizeof(*e->layer));
	if (!e->layer)
		return llm_fail(err, ENOMEM, "no memory for %u layers", e->model->config.n_layer);
	each_matrix(e, place_one, &bytes, err);
	ret = llm_region_create(e, &e->weights, bytes, true, false, "weights", err);
	if (ret)
		return ret;
	each_matrix(e, bind_one, &e->weights.va, err);
	if (e->model->output == e->model->embd)
		e->output = e->embd;
	ret = load_consts(e, err);
	if (!ret)
		ret = load_matrices(e, config, err);
	e->load_ns = llm_now_ns() - start;
	return ret;
}

// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define EPS	0.00001f
#define ROWS	NPU_REG_PARAM(0)
#define POS	NPU_REG_PARAM(1)
#define STEPS	NPU_REG_PARAM(2)
#define WS_BYTES (8u << 20)

static uint64_t vector(struct rig *r, struct rng *g, uint32_t n)
{
	uint64_t va = rig_alloc(r, 4 * n);
	float *x = rig_ptr(r, va);

	for (uint32_t i = 0; i < n; i++)
		x[i] = 1 + rng_float(g) / 2;
	return va;
}

static void make_rope(struct model *m)
{
	uint32_t half = m->s.n_rot / 2;
	float *t = rig_ptr(m->r, m->rope);

	for (uint32_t p = 0; p < m->s.capacity; p++)
		for (uint32_t i = 0; i < half; i++) {
			double a = p * pow(10000, -2.0 * i / m->s.n_rot);

			t[2 * (p * half + i)] = (float)cos(a);
			t[2 * (p * half + i) + 1] = (float)sin(a);
		}
}

void model_make(struct rig *r, const struct model_shape *s, uint64_t seed, struct model *m)
{
	struct rng g = { seed };
	uint32_t q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
	uint64_t head = NPU_ALIGN_UP(npu_kv_bytes(s->capacity, s->head_dim), 64);
	uint32_t *tokens;

	memset(m, 0, sizeof(*m));
	m->s = *s;
	m->r = r;
	matrix_make(r, &g, s->type, s->vocab, s->dim, &m->embed);
	matrix_make(r, &g, s->type, s->vocab, s->dim, &m->head);
	m->kv_bytes = 2 * MODEL_LAYERS * head * s->kv_heads;
	m->kv = rig_alloc(r, m->kv_bytes);
	for (uint32_t i = 0; i < MODEL_LAYERS; i++) {
		struct model_layer *l = &m->layer[i];

		l->attn_norm = vector(r, &g, s->dim);
		l->ffn_norm = vector(r, &g, s->dim);
		matrix_make(r, &g, s->type, q, s->dim, &l->wq);
		matrix_make(r, &g, s->type, kv, s->dim, &l->wk);
		matrix_make(r, &g, s->type, kv, s->dim, &l->wv);
		matrix_make(r, &g, s->type, s->dim, q, &l->wo);
		matrix_make(r, &g, s->type, s->ffn, s->dim, &l->gate);
		matrix_make(r, &g, s->type, s->ffn, s->dim, &l->up);
		matrix_make(r, &g, s->type, s->dim, s->ffn, &l->down);
		l->k = m->kv + 2 * i * head * s->kv_heads;
		l->v = l->k + head * s->kv_heads;
	}
	m->final_norm = vector(r, &g, s->dim);
	m->rope = rig_alloc(r, 4ull * s->n_rot * s->capacity);
	make_rope(m);
	m->tokens = rig_alloc(r, 4 * (s->capacity + 1));
	tokens = model_tokens(m);
	for (uint32_t i = 0; i < s->capacity; i++)
		tokens[i] = rng_below(&g, s->vocab);
	m->logits = rig_alloc(r, 4ull * s->vocab * s->capacity);
	m->params = rig_alloc(r, sizeof(struct npu_sample_params));
	*(struct npu_sample_params *)rig_ptr(r, m->params) =
		(struct npu_sample_params){ .top_p = 1, .repeat_penalty = 1 };
	m->ws = rig_alloc(r, WS_BYTES);
}

void model_free(struct model *m)
{
	matrix_free(&m->embed);
	matrix_free(&m->head);
	for (uint32_t i = 0; i < MODEL_LAYERS; i++) {
		struct model_layer *l = &m->layer[i];

		matrix_free(&l->wq);
		matrix_free(&l->wk);
		matrix_free(&l->wv);
		matrix_free(&l->wo);
		matrix_free(&l->gate);
		matrix_free(&l->up);
		matrix_free(&l->down);
	}
}

uint32_t *model_tokens(const struct model *m)
{
	return rig_ptr(m->r, m->tokens);
}

float *model_logits(const struct model *m)
{
	return rig_ptr(m->r, m->logits);
}

static void record(struct model *m, struct npu_plan *p, enum model_kind kind, const uint32_t *stop,
		   uint32_t n_stop)
{
	if (kind == MODEL_LOOP) {
		npu_op_loop(p, STEPS);
		npu_op_stop(p, m->tokens, stop, n_stop);
	}
	npu_op_embed(p, &m->embed.w, m->tokens);
	for (uint32_t i = 0; i < MODEL_LAYERS; i++) {
		const struct model_layer *l = &m->layer[i];

		npu_op_attention(p, &(struct npu_attention){
			.norm = l->attn_norm, .wq = l->wq.w, .wk = l->wk.w, .wv = l->wv.w,
			.wo = l->wo.w, .rope = m->s.table ? m->rope : 0, .k = l->k, .v = l->v,
			.head_stride = NPU_ALIGN_UP(npu_kv_bytes(m->s.capacity, m->s.head_dim), 64),
		});
		npu_op_mark(p, 2 * i + 1);
		npu_op_ffn(p, &(struct npu_ffn){
			.norm = l->ffn_norm, .gate = l->gate.w, .up = l->up.w, .down = l->down.w });
		npu_op_mark(p, 2 * i + 2);
	}
	npu_op_logits(p, m->final_norm, &m->head.w, m->logits, kind == MODEL_EVERY);
	if (kind >= MODEL_SAMPLE)
		npu_op_sample(p, m->logits, m->tokens, m->params, 0);
	if (kind == MODEL_LOOP) {
		npu_op_advance(p);
		npu_op_loop_end(p);
	}
}

int model_run(struct model *m, enum model_kind kind, uint32_t m_max, uint32_t cores, uint32_t rows,
	      uint32_t pos, uint32_t steps, const uint32_t *stop, uint32_t n_stop)
{
	const struct npu_plan_shape shape = {
		.m_max = m_max, .m_reg = m_max == 1 ? NPU_REG_ZERO : ROWS, .pos_reg = POS,
		.cores = cores, .dim = m->s.dim, .n_heads = m->s.heads,
		.n_kv_heads = m->s.kv_heads, .head_dim = m->s.head_dim, .n_rot = m->s.n_rot,
		.rope_half = m->s.rope_half, .ffn_dim = m->s.ffn, .vocab = m->s.vocab,
		.kv_capacity = m->s.capacity, .eps = EPS, .weight_bytes = m->layer_bytes,
	};
	const uint64_t params[] = { rows, pos, steps };
	uint64_t used = m->r->used, ws = 0;
	struct npu_cmdbuf *cb;
	struct npu_plan *p;
	uint32_t n;
	int rc = npu_plan_cores(m->r->dev, &shape, &n);

	if (!rc)
		rc = npu_plan_workspace(m->r->dev, &shape, &ws);
	if (rc || ws > WS_BYTES)
		return rc ? rc : -1000;
	npu_cmdbuf_create(n, &cb);
	rc = npu_plan_create(m->r->dev, &shape, cb, m->ws, &p);
	if (!rc) {
		record(m, p, kind, stop, n_stop);
		npu_plan_destroy(p);
	}
	rc = rig_run(m->r, cb, params, 3, NULL);
	m->live = m->r->live;
	m->r->used = used;
	return rc;
}

static void rotate(const struct model *m, float *x, uint32_t heads, uint32_t pos)
{
	const float *t = (const float *)rig_ptr(m->r, m->rope) + (uint64_t)pos * m->s.n_rot;
	uint32_t half = m->s.n_rot / 2;

	for (uint32_t h = 0; h < heads && m->s.table; h++)
		for (uint32_t i = 0; i < half; i++) {
			float *head = x + h * m->s.head_dim;
			float *a = m->s.rope_half ? head + i : head + 2 * i;
			float *b = m->s.rope_half ? head + i + half : head + 2 * i + 1;
			float c = t[2 * i], s = t[2 * i + 1], x0 = *a, x1 = *b;

			*a = x0 * c - x1 * s;
			*b = x0 * s + x1 * c;
		}
}

/* Attention of row i over rows 0..i; k and v [n][kv] rounded to half. */
static void attend(const struct model *m, const float *q, const float *k, const float *v,
		   uint32_t i, float *out)
{
	uint32_t d = m->s.head_dim, kv = m->s.kv_heads * d, rep = m->s.heads / m->s.kv_heads;
	double *score = malloc((i + 1) * sizeof(double));

	for (uint32_t h = 0; h < m->s.heads; h++) {
		const float *kh = k + h / rep * d, *vh = v + h / rep * d;
		double most = -INFINITY, sum = 0;

		for (uint32_t j = 0; j <= i; j++) {
			score[j] = 0;
			for (uint32_t x = 0; x < d; x++)
				score[j] += (double)q[h * d + x] * kh[(uint64_t)j * kv + x];
			score[j] /= sqrt(d);
			most = fmax(most, score[j]);
		}
		for (uint32_t j = 0; j <= i; j++)
			sum += score[j] = exp(score[j] - most);
		for (uint32_t x = 0; x < d; x++) {
			double o = 0;

			for (uint32_t j = 0; j <= i; j++)
				o += score[j] * vh[(uint64_t)j * kv + x];
			out[h * d + x] = (float)(o / sum);
		}
	}
	free(score);
}

static void add(float *x, const float *y, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		x[i] += y[i];
}

static void ref_layer(const struct model *m, const struct model_layer *l, uint32_t n, float *x)
{
	const struct model_shape *s = &m->s;
	uint32_t qn = s->heads * s->head_dim, kvn = s->kv_heads * s->head_dim;
	uint64_t widest = s->dim + qn + 2 * kvn + 2ull * s->ffn;
	float *h = malloc(4 * n * s->dim), *mem = malloc(4 * n * (widest + qn));
	float *q = mem, *k = q + n * qn, *v = k + n * kvn, *o = v + n * kvn;
	float *gate = o + n * qn, *up = gate + n * s->ffn, *y = up + n * s->ffn;

	ref_rmsnorm(x, rig_ptr(m->r, l->attn_norm), EPS, s->dim, n, h);
	ref_matmul(&l->wq, h, n, q);
	ref_matmul(&l->wk, h, n, k);
	ref_matmul(&l->wv, h, n, v);
	for (uint32_t i = 0; i < n; i++) {
		rotate(m, q + i * qn, s->heads, i);
		rotate(m, k + i * kvn, s->kv_heads, i);
	}
	for (uint32_t i = 0; i < n * kvn; i++) {
		k[i] = half_to_float(float_to_half(k[i]));
		v[i] = half_to_float(float_to_half(v[i]));
	}
	for (uint32_t i = 0; i < n; i++)
		attend(m, q + i * qn, k, v, i, o + i * qn);
	ref_matmul(&l->wo, o, n, y);
	add(x, y, n * s->dim);
	ref_rmsnorm(x, rig_ptr(m->r, l->ffn_norm), EPS, s->dim, n, h);
	ref_matmul(&l->gate, h, n, gate);
	ref_matmul(&l->up, h, n, up);
	for (uint32_t i = 0; i < n * s->ffn; i++)
		gate[i] = gate[i] / (1 + expf(-gate[i])) * up[i];
	ref_matmul(&l->down, gate, n, y);
	add(x, y, n * s->dim);
	free(h);
	free(mem);
}

void model_reference(const struct model *m, uint32_t n, float *logits)
{
	uint32_t dim = m->s.dim;
	float *x = malloc(4 * n * dim), *h = malloc(4 * n * dim);

	for (uint32_t i = 0; i < n; i++)
		memcpy(x + i * dim, m->embed.value + (uint64_t)model_tokens(m)[i] * dim, 4 * dim);
	for (uint32_t i = 0; i < MODEL_LAYERS; i++)
		ref_layer(m, &m->layer[i], n, x);
	ref_rmsnorm(x, rig_ptr(m->r, m->final_norm), EPS, dim, n, h);
	ref_matmul(&m->head, h, n, logits);
	free(x);
	free(h);
}

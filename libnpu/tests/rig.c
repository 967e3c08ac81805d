// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static void need(int rc, const char *what)
{
	if (!rc)
		return;
	printf("Bail out! %s: %d: %s\n", what, rc, npu_error_text());
	exit(1);
}

void rig_open(struct rig *r, const char *spec, uint64_t bytes)
{
	memset(r, 0, sizeof(*r));
	need(npu_device_open(spec, &r->dev), spec);
	need(npu_vm_create(r->dev, &r->vm), "address space");
	need(npu_queue_create(r->vm, NPU_PRIORITY_NORMAL, 0, &r->queue), "queue");
	need(npu_buffer_create(r->dev, bytes, 0, &r->buf), "buffer");
	need(npu_vm_bind(r->vm, r->buf, 0, 0, NPU_BIND_WRITE, &r->va), "bind");
	need(npu_buffer_map(r->buf, (void **)&r->map), "map");
	r->size = npu_buffer_size(r->buf);
}

void rig_close(struct rig *r)
{
	npu_queue_destroy(r->queue);
	npu_vm_destroy(r->vm);
	npu_buffer_destroy(r->buf);
	npu_device_close(r->dev);
}

void rig_reset(struct rig *r)
{
	memset(r->map, 0, r->used);
	r->used = 0;
}

uint64_t rig_alloc(struct rig *r, uint64_t bytes)
{
	uint64_t at = r->used;

	bytes = NPU_ALIGN_UP(bytes, 64);
	if (bytes > r->size - at) {
		printf("Bail out! the rig's buffer is too small\n");
		exit(1);
	}
	r->used += bytes;
	return r->va + at;
}

void *rig_ptr(const struct rig *r, uint64_t va)
{
	return r->map + (va - r->va);
}

static void check(struct rig *r, const struct npu_cmdbuf *cb, const uint64_t *params,
		  uint32_t n_params)
{
	uint32_t size;

	if (r->buffers++ && r->live.why[0])
		return;
	live_check(npu_cmdbuf_data(cb, &size), npu_device_info(r->dev)->spad_bytes, params,
		   n_params, &r->live);
}

bool rig_live(const struct rig *r)
{
	if (r->live.why[0])
		printf("# %s\n", r->live.why);
	return r->buffers && !r->live.why[0];
}

static int place(struct rig *r, const struct npu_cmdbuf *cb, struct npu_job *job)
{
	uint32_t size, spad = npu_device_info(r->dev)->spad_bytes;
	const void *image = npu_cmdbuf_data(cb, &size);
	uint64_t at, ones;
	void *spoilt;

	if (!r->spoil) {
		at = rig_alloc(r, size);
		return npu_cmdbuf_place(cb, r->buf, r->va, at - r->va, job);
	}
	ones = rig_alloc(r, spad);
	memset(rig_ptr(r, ones), 0xff, spad);
	spoilt = live_spoil(image, spad, ones, &size);
	job->cmdbuf = rig_alloc(r, size);
	job->cmdbuf_size = size;
	memcpy(rig_ptr(r, job->cmdbuf), spoilt, size);
	free(spoilt);
	return 0;
}

int rig_run(struct rig *r, struct npu_cmdbuf *cb, const uint64_t *params, uint32_t n_params,
	    struct npu_result *result)
{
	struct npu_job job = { .params = params, .n_params = n_params };
	struct npu_result own;
	uint64_t seqno;
	char text[256];
	int rc = npu_cmdbuf_end(cb);

	if (!rc) {
		check(r, cb, params, n_params);
		rc = place(r, cb, &job);
	}
	if (!rc)
		rc = npu_submit(r->queue, &job, 1, &seqno);
	if (!rc)
		rc = npu_wait(r->queue, seqno, INT64_MAX);
	if (!rc)
		rc = npu_job_result(r->queue, seqno, &own);
	npu_cmdbuf_destroy(cb);
	if (rc) {
		printf("# %s\n", npu_error_text());
		return rc;
	}
	if (own.error)
		printf("# %s\n", npu_fault_text(&own, text, sizeof(text)));
	r->model_ns += own.model_ns;
	if (result)
		*result = own;
	return own.error;
}

static uint32_t rng_next(struct rng *g)
{
	g->state = g->state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(g->state >> 33);
}

float rng_float(struct rng *g)
{
	return (float)(int32_t)(rng_next(g) - 0x40000000u) / (float)0x40000000;
}

uint32_t rng_below(struct rng *g, uint32_t n)
{
	return rng_next(g) % n;
}

float half_to_float(uint16_t h)
{
	int exponent = h >> 10 & 31;
	float mantissa = (float)(h & 1023);
	float v = exponent ? ldexpf(1024 + mantissa, exponent - 25) : ldexpf(mantissa, -24);

	return h & 0x8000 ? -v : v;
}

/* To nearest even; finite values within the range of half */
uint16_t float_to_half(float f)
{
	uint16_t sign = signbit(f) ? 0x8000 : 0;
	float a = fabsf(f);
	int e = 0;
	float m;

	if (a == 0)
		return sign;
	frexpf(a, &e);
	if (e < -13)
		e = -13;
	m = nearbyintf(ldexpf(a, 11 - e));
	/* 2048 carries into the exponent by itself; below 1024 it is a subnormal */
	return (uint16_t)(sign + ((uint32_t)(e + 13) << 10) + (uint32_t)m);
}

static uint64_t make_rows(struct rng *g, uint32_t type, uint32_t n, uint32_t k, uint8_t *row,
			  float *value)
{
	uint64_t bytes = npu_source_row_bytes(type, k);

	for (uint64_t i = 0; i < (uint64_t)n * k; i++) {
		uint8_t *at = row + i / k * bytes;
		uint32_t col = i % k;
		uint16_t h = float_to_half(rng_float(g) / 8);

		switch (type) {
		case NPU_WTYPE_F32:
			value[i] = rng_float(g);
			memcpy(at + 4 * col, &value[i], 4);
			break;
		case NPU_WTYPE_F16:
			value[i] = half_to_float(h);
			memcpy(at + 2 * col, &h, 2);
			break;
		case NPU_WTYPE_Q8_0:
			at += col / 32 * 34;
			if (col % 32 == 0)
				memcpy(at, &h, 2);
			memcpy(&h, at, 2);
			at[2 + col % 32] = (uint8_t)rng_below(g, 256);
			value[i] = half_to_float(h) * (int8_t)at[2 + col % 32];
			break;
		case NPU_WTYPE_Q4_0:
			at += col / 32 * 18;
			if (col % 32 == 0) {
				memcpy(at, &h, 2);
				for (int j = 0; j < 16; j++)
					at[2 + j] = (uint8_t)rng_below(g, 256);
			}
			memcpy(&h, at, 2);
			value[i] = half_to_float(h) *
				   ((at[2 + col % 16] >> (col % 32 / 16 * 4) & 15) - 8);
			break;
		}
	}
	return bytes * n;
}

void matrix_make(struct rig *r, struct rng *g, uint32_t type, uint32_t n, uint32_t k,
		 struct matrix *m)
{
	uint64_t bytes = npu_source_row_bytes(type, k) * n;
	uint64_t src = rig_alloc(r, bytes);
	struct npu_cmdbuf *cb;

	m->w = (struct npu_weight){ .va = rig_alloc(r, npu_weight_bytes(type, n, k)), .n = n,
				    .k = k, .type = type };
	m->value = malloc((uint64_t)n * k * sizeof(float));
	if (!m->value) {
		printf("Bail out! no memory\n");
		exit(1);
	}
	make_rows(g, type, n, k, rig_ptr(r, src), m->value);
	need(npu_cmdbuf_create(npu_device_info(r->dev)->cores, &cb), "relayout");
	npu_op_relayout(cb, src, &m->w, 0, n);
	need(rig_run(r, cb, NULL, 0, NULL), "relayout");
}

void matrix_free(struct matrix *m)
{
	free(m->value);
}

/* A row as MATMUL sees it: blocks of 32 to int8 and a half scale, or halves. */
static void quantise(uint32_t type, const float *in, uint32_t k, float *out)
{
	if (type == NPU_WTYPE_F32)
		memcpy(out, in, k * sizeof(float));
	for (uint32_t i = 0; i < k && type == NPU_WTYPE_F16; i++)
		out[i] = half_to_float(float_to_half(in[i]));
	for (uint32_t b = 0; b < k && (type == NPU_WTYPE_Q8_0 || type == NPU_WTYPE_Q4_0); b += 32) {
		float most = 0, d, scale;

		for (uint32_t i = b; i < b + 32; i++)
			most = fmaxf(most, fabsf(in[i]));
		d = most / 127;
		scale = half_to_float(float_to_half(d));
		for (uint32_t i = b; i < b + 32; i++)
			out[i] = d > 0 ? roundf(in[i] / d) * scale : 0;
	}
}

void ref_matmul(const struct matrix *w, const float *in, uint32_t m, float *out)
{
	uint32_t n = w->w.n, k = w->w.k;
	float *row = malloc(k * sizeof(float));

	for (uint32_t i = 0; i < m; i++) {
		quantise(w->w.type, in + (uint64_t)i * k, k, row);
		for (uint32_t j = 0; j < n; j++) {
			const float *v = w->value + (uint64_t)j * k;
			double sum = 0;

			for (uint32_t x = 0; x < k; x++)
				sum += (double)row[x] * v[x];
			out[(uint64_t)i * n + j] = (float)sum;
		}
	}
	free(row);
}

void ref_rmsnorm(const float *in, const float *weight, float eps, uint32_t cols, uint32_t rows,
		 float *out)
{
	for (uint32_t i = 0; i < rows; i++) {
		const float *x = in + (uint64_t)i * cols;
		double sum = 0, f;

		for (uint32_t j = 0; j < cols; j++)
			sum += (double)x[j] * x[j];
		f = 1 / sqrt(sum / cols + (double)eps);
		for (uint32_t j = 0; j < cols; j++)
			out[(uint64_t)i * cols + j] = (float)(x[j] * f * weight[j]);
	}
}

double nmse(const float *got, const float *want, uint64_t n)
{
	double diff = 0, sum = 0;

	for (uint64_t i = 0; i < n; i++) {
		double d = (double)got[i] - want[i];

		diff += d * d;
		sum += (double)want[i] * want[i];
		if (isnan(got[i]))
			return INFINITY;
	}
	return diff / (sum > 0 ? sum : 1);
}

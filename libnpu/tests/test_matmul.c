// SPDX-License-Identifier: MIT
/* npu_op_matmul: right, and the same bytes however it is cut. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "tap.h"

#define RIG_BYTES	(64u << 20)
#define CASES		60

static const char *const type_name[] = { "f32", "f16", "q8_0", "q4_0" };
static const char *const machines[] = {
	"sim:cores=1,threads=2", "sim:cores=2,threads=2,spad_bytes=262144",
	"sim:cores=3,threads=2,spad_bytes=131072", "sim:cores=4,threads=2",
	"sim:cores=4,threads=1,spad_bytes=131072,isa=scalar",
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

/* One random call; all machines build the same from the same seed. */
struct test_case {
	uint32_t type, m_max, m, n[2], k;
	bool norm, residual, fixed;
	uint32_t pad_in, pad_out;
};

static struct test_case case_make(uint32_t i)
{
	struct rng g = { i * 7919 + 1 };
	struct test_case c = { .type = i % 4 };
	static const uint32_t rows[] = { 1, 2, 3, 12, 16, 17, 64, 100, 200, 512 };

	c.m_max = rows[rng_below(&g, 10)];
	c.m = 1 + rng_below(&g, c.m_max);
	c.n[0] = 1 + rng_below(&g, i % 7 == 0 ? 3000 : 300);
	c.n[1] = 1 + rng_below(&g, 64);
	c.k = 1 + rng_below(&g, i % 5 == 0 ? 2048 : 300);
	if (c.type >= NPU_WTYPE_Q8_0)
		c.k = NPU_ALIGN_UP(c.k, 32);
	c.norm = rng_below(&g, 2);
	c.residual = rng_below(&g, 2);
	c.fixed = rng_below(&g, 4) == 0;
	c.pad_in = rng_below(&g, 20);
	c.pad_out = rng_below(&g, 20);
	if (c.fixed)
		c.m = c.m_max;
	return c;
}

static void fill(struct rng *g, float *x, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		x[i] = rng_float(g);
}

static uint64_t rows_bytes(uint32_t m, uint32_t stride)
{
	return 4ull * m * stride;
}

/* What the call should give, by plain loops; out is [m_max][n + pad] and holds what was there. */
static void reference(const struct test_case *c, const struct matrix *w, uint32_t n,
		      const float *in, const float *norm, float *out)
{
	float *x = malloc(rows_bytes(c->m, c->k)), *y = malloc(rows_bytes(c->m, n));

	for (uint32_t i = 0; i < c->m; i++)
		memcpy(x + (uint64_t)i * c->k, in + (uint64_t)i * (c->k + c->pad_in), 4 * c->k);
	if (c->norm)
		ref_rmsnorm(x, norm, 0.00001f, c->k, c->m, x);
	ref_matmul(w, x, c->m, y);
	for (uint32_t i = 0; i < c->m; i++)
		for (uint32_t j = 0; j < n; j++) {
			float *o = &out[(uint64_t)i * (n + c->pad_out) + j];

			*o = (c->residual ? *o : 0) + y[(uint64_t)i * n + j];
		}
	free(x);
	free(y);
}

/* Runs it on a machine; both outputs one after the other in *out. Returns the worst NMSE. */
static double run(struct rig *r, uint32_t index, float **out, uint64_t *bytes, uint32_t cores)
{
	const struct test_case c = case_make(index);
	struct rng g = { index + 1000 };
	struct matrix w[2];
	struct npu_plan_shape shape = { .m_max = c.m_max, .m_reg = c.fixed ? 0 : NPU_REG_PARAM(3),
					.eps = 0.00001f, .cores = cores };
	const uint64_t params[4] = { 0, 0, 0, c.m };
	struct npu_rows in = { .cols = c.k, .stride = c.k + c.pad_in }, o[2];
	struct npu_cmdbuf *cb;
	struct npu_plan *plan;
	uint64_t norm, ws, size[2];
	double worst = 0;
	float *want;

	rig_reset(r);
	for (int j = 0; j < 2; j++)
		matrix_make(r, &g, c.type, c.n[j], c.k, &w[j]);
	in.va = rig_alloc(r, rows_bytes(c.m_max, in.stride));
	fill(&g, rig_ptr(r, in.va), (uint64_t)c.m_max * in.stride);
	norm = rig_alloc(r, 4 * c.k);
	fill(&g, rig_ptr(r, norm), c.k);
	*bytes = 0;
	for (int j = 0; j < 2; j++) {
		o[j] = (struct npu_rows){ .cols = c.n[j], .stride = c.n[j] + c.pad_out };
		size[j] = rows_bytes(c.m_max, o[j].stride);
		o[j].va = rig_alloc(r, size[j]);
		fill(&g, rig_ptr(r, o[j].va), size[j] / 4);
		*bytes += size[j];
	}
	want = malloc(*bytes);
	*out = malloc(*bytes);
	memcpy(want, rig_ptr(r, o[0].va), size[0]);
	memcpy((char *)want + size[0], rig_ptr(r, o[1].va), size[1]);

	npu_plan_workspace(r->dev, &shape, &ws);
	npu_cmdbuf_create(cores, &cb);
	if (npu_plan_create(r->dev, &shape, cb, rig_alloc(r, ws + 64), &plan))
		return 1e9;
	{
		const struct npu_weight ww[2] = { w[0].w, w[1].w };

		npu_op_matmul(plan, &in, c.norm ? norm : 0, ww, o, 2, c.residual);
	}
	npu_plan_destroy(plan);
	if (rig_run(r, cb, params, 4, NULL))
		worst = 1e9;
	memcpy(*out, rig_ptr(r, o[0].va), size[0]);
	memcpy((char *)*out + size[0], rig_ptr(r, o[1].va), size[1]);
	reference(&c, &w[0], c.n[0], rig_ptr(r, in.va), rig_ptr(r, norm), want);
	reference(&c, &w[1], c.n[1], rig_ptr(r, in.va), rig_ptr(r, norm), want + size[0] / 4);
	worst += nmse(*out, want, *bytes / 4);
	matrix_free(&w[0]);
	matrix_free(&w[1]);
	free(want);
	return worst;
}

int main(void)
{
	struct rig rig[MACHINES];
	uint32_t wrong[4] = { 0 }, differ[MACHINES] = { 0 };
	bool live = true;

	for (size_t i = 0; i < MACHINES; i++)
		rig_open(&rig[i], machines[i], RIG_BYTES);
	for (uint32_t i = 0; i < CASES; i++) {
		uint64_t bytes;
		float *first, *other;
		double e = run(&rig[0], i, &first, &bytes, 1);

		if (!(e < 0.000001)) {
			const struct test_case c = case_make(i);

			tap_diag("case %u: %s m %u of %u, n %u and %u, k %u: NMSE %g", i,
				 type_name[c.type], c.m, c.m_max, c.n[0], c.n[1], c.k, e);
			wrong[i % 4]++;
		}
		for (size_t j = 1; j < MACHINES; j++) {
			run(&rig[j], i, &other, &bytes, npu_device_info(rig[j].dev)->cores);
			if (memcmp(first, other, bytes)) {
				tap_diag("case %u differs on %s", i, machines[j]);
				differ[j]++;
			}
			free(other);
		}
		free(first);
	}
	for (int t = 0; t < 4; t++)
		tap_ok(!wrong[t], "matmul %s: %u random shapes agree with plain loops, and write "
		       "nothing else", type_name[t], CASES / 4);
	for (size_t j = 1; j < MACHINES; j++)
		tap_ok(!differ[j], "matmul: the same bytes on %s", machines[j]);
	for (size_t i = 0; i < MACHINES; i++) {
		live &= rig_live(&rig[i]);
		rig_close(&rig[i]);
	}
	tap_ok(live, "matmul: nothing is read across a safe point");
	return tap_done();
}

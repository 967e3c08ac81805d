// SPDX-License-Identifier: MIT
/* ATTN: every implementation and every split of rows and heads gives the reference's bits. */
#include "attn.h"
#include "kernels_test.h"

struct cache {
	uint32_t head_dim, capacity;
	uint16_t *k, *v;
	struct npu_attn_block *blocks;
};

/* Positions from `valid` on hold NaN, as memory that was never written may. */
static struct cache make_cache(uint32_t head_dim, uint32_t valid, int share)
{
	struct cache c = { .head_dim = head_dim, .capacity = NPU_ALIGN_UP(valid, 16) };
	size_t n = (size_t)c.capacity * head_dim, group = 16 * (size_t)head_dim;

	c.k = alloc(2 * n);
	c.v = alloc(2 * n);
	fill_half(c.k, n, share);
	fill_half(c.v, n, share);
	for (uint32_t t = valid; t < c.capacity; t++)
		for (uint32_t d = 0; d < head_dim; d++) {
			c.k[t / 16 * group + 16 * d + t % 16] = 0x7e00;
			c.v[t * head_dim + d] = 0x7e00;
		}
	c.blocks = alloc((c.capacity / NPU_ATTN_BLOCK + 1) * sizeof(*c.blocks));
	for (uint32_t s = 0; s < c.capacity / 16; s++) {
		/* memory of its own for each piece: a sanitizer sees reads past it */
		c.blocks[s / 4].k[s % 4] = copy_of(c.k + s * group, 2 * group);
		c.blocks[s / 4].v[s % 4] = copy_of(c.v + s * group, 2 * group);
	}
	return c;
}

static void drop_cache(struct cache *c)
{
	for (uint32_t s = 0; s < c->capacity / 16; s++) {
		free((void *)c->blocks[s / 4].k[s % 4]);
		free((void *)c->blocks[s / 4].v[s % 4]);
	}
	free(c->blocks);
	free(c->k);
	free(c->v);
}

/* Which of the two orders of summation the tests use */
static bool half;

static void run(const struct npu_kernels *kern, const struct cache *c, const float *q,
		size_t q_stride, float *out, size_t out_stride, uint32_t n_rep, uint32_t m,
		uint32_t pos)
{
	struct npu_attn a = {
		.q = q, .q_stride = q_stride, .out = out, .out_stride = out_stride,
		.head_dim = c->head_dim, .n_rep = n_rep, .m = m, .pos = pos,
		.scale = 0.125f, .half = half,
	};

	a.state = alloc(m * n_rep * NPU_ATTN_STATE_FLOATS(c->head_dim) * sizeof(float));
	a.work = alloc(NPU_ATTN_WORK_FLOATS(c->head_dim) * sizeof(float));
	npu_attn_run(kern, &a, c->blocks);
	free(a.state);
	free(a.work);
}

static const uint32_t dims[] = { 2, 6, 8, 16, 30, 48, 64, 80, 96, 128, 250, 512 };

static void test_same(const struct npu_kernels *ref, const struct npu_kernels *kern)
{
	static const int shares[] = { TAME, SOME };

	for (int s = 0; s < 2; s++) {
		bool ok = true;

		for (uint32_t i = 0; i < 150 && ok; i++) {
			uint32_t hd = dims[i % (sizeof(dims) / sizeof(*dims))];
			uint32_t n_rep = rng_range(1, 9), m = rng_range(1, i % 7 ? 5 : 70);
			uint32_t pos = rng_range(0, i % 3 ? 200 : 20);
			size_t stride = n_rep * hd + rng_range(0, 9), n = m * stride;
			struct cache c = make_cache(hd, pos + m, shares[s]);
			float *q = alloc(n * sizeof(*q));
			float *want = alloc(n * sizeof(*want)), *got = alloc(n * sizeof(*got));

			fill(q, n, shares[s]);
			run(ref, &c, q, stride, want, stride, n_rep, m, pos);
			run(kern, &c, q, stride, got, stride, n_rep, m, pos);
			ok = same_floats(got, want, n);
			free(q);
			free(want);
			free(got);
			drop_cache(&c);
		}
		tap_ok(ok, "attn%s: %s equals the reference, %d of 256 values awkward",
		       half ? " half" : "", kern->name, shares[s]);
	}
}

/* Row by row and head by head against all at once, in place too */
static void test_splits(const struct npu_kernels *kern)
{
	const uint32_t hd = 64, n_rep = 4, m = 75, pos = 90;
	const size_t stride = n_rep * hd, n = m * stride;
	struct cache c = make_cache(hd, pos + m, TAME);
	float *q = alloc(n * sizeof(*q)), *want = alloc(n * sizeof(*want));
	float *got = alloc(n * sizeof(*got));

	fill(q, n, TAME);
	run(kern, &c, q, stride, want, stride, n_rep, m, pos);
	for (uint32_t i = 0; i < m; i++)
		for (uint32_t r = 0; r < n_rep; r++)
			run(kern, &c, q + i * stride + r * hd, stride, got + i * stride + r * hd,
			    stride, 1, 1, pos + i);
	tap_ok(same_floats(got, want, n), "attn%s: %s gives the same bits row by row, head by head",
	       half ? " half" : "", kern->name);
	run(kern, &c, q, stride, q, stride, n_rep, m, pos);
	tap_ok(same_floats(q, want, n), "attn%s: %s works in place", half ? " half" : "",
	       kern->name);
	free(q);
	free(want);
	free(got);
	drop_cache(&c);
}

static void test_nothing(const struct npu_kernels *kern)
{
	float out = 7.0f;
	struct npu_attn a = { .q = &out, .out = &out, .head_dim = 2, .n_rep = 1, .pos = 5,
			      .half = half };

	npu_attn_run(kern, &a, NULL);
	kern->attn_start(&a);
	kern->attn_block(&a, 0, NULL);
	kern->attn_finish(&a);
	tap_ok(out == 7.0f, "attn%s: %s writes nothing for no rows", half ? " half" : "",
	       kern->name);
}

static void test_golden(const struct npu_kernels *ref)
{
	const uint32_t hd = 24, n_rep = 2, m = 3, pos = 150;
	const size_t stride = n_rep * hd, n = m * stride;
	float q[3 * 48], out[3 * 48];
	struct cache c;

	rng_seed(200);
	c = make_cache(hd, pos + m, TAME);
	fill(q, n, TAME);
	run(ref, &c, q, stride, out, stride, n_rep, m, pos);
	tap_ok(golden(hash_floats(out, n), half ? 0x9ae514b86ea683f7 : 0x2ed909f208f4aa5a),
	       "attn%s: golden bits", half ? " half" : "");
	drop_cache(&c);
}

/* Scores that rise, so that each step scales the sum: its product is fused */
static void test_half_step(void)
{
	float state[16] = { -INFINITY }, sums[4096], score = 0;

	rng_seed(201);
	for (int i = 0; i < 4096; i++) {
		float before, weight;

		score += fabsf(rng_float()) * 0.1f;
		weight = npu_attn_half_step(state, i % 3 ? score : score - 0.3f, &before);
		sums[i] = state[NPU_ATTN_L] + weight + before;
	}
	tap_ok(golden(hash_floats(sums, 4096), 0x65e08369dfbd82e5),
	       "attn half: golden bits of 4096 steps");
}

/* Softmax and sum in double, no blocks */
static void test_meaning(const struct npu_kernels *ref)
{
	const uint32_t hd = 32, pos = 199;
	struct cache c = make_cache(hd, pos + 1, TAME);
	float q[32], out[32];
	double p[200], sum = 0, err = 0;

	fill(q, hd, TAME);
	for (uint32_t d = 0; d < hd; d++)
		q[d] *= 8.0f;
	run(ref, &c, q, hd, out, hd, 1, 1, pos);
	for (uint32_t t = 0; t <= pos; t++) {
		double dot = 0;

		for (uint32_t d = 0; d < hd; d++)
			dot += (double)q[d] *
			       (double)npu_half_to_float(c.k[t / 16 * 16 * hd + 16 * d + t % 16]);
		p[t] = exp(0.125 * dot);
		sum += p[t];
	}
	for (uint32_t d = 0; d < hd; d++) {
		double o = 0;

		for (uint32_t t = 0; t <= pos; t++)
			o += p[t] / sum * (double)npu_half_to_float(c.v[t * hd + d]);
		err = fmax(err, fabs(o - (double)out[d]));
	}
	tap_ok(err < (half ? 2e-3 : 1e-5), "attn%s: agrees with a softmax in double over all positions",
	       half ? " half" : "");
	drop_cache(&c);
}

/* A score of infinity or NaN poisons its own vector alone */
static void test_nan(const struct npu_kernels *kern)
{
	struct cache c = make_cache(16, 70, TAME);
	float q[3 * 16], out[3 * 16];
	bool ok = true;

	fill(q, 48, TAME);
	q[16 + 3] = NAN;
	run(kern, &c, q, 16, out, 16, 1, 3, 67);
	for (int d = 0; d < 16; d++)
		ok &= isfinite(out[d]) && isnan(out[16 + d]) && isfinite(out[32 + d]);
	tap_ok(ok, "attn%s: %s, a NaN in a query stays in its row", half ? " half" : "",
	       kern->name);
	drop_cache(&c);
}

int main(void)
{
	const struct npu_kernels *kern[NPU_ISA_COUNT];
	int n = implementations(kern);

	rng_seed(43);
	for (int order = 0; order < 2; order++) {
		half = order;
		each_fast("attn", test_same);
		for (int i = 0; i < n; i++) {
			test_splits(kern[i]);
			test_nothing(kern[i]);
			test_nan(kern[i]);
		}
		test_golden(kern[0]);
		test_meaning(kern[0]);
	}
	test_half_step();
	return tap_done();
}

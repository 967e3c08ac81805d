// SPDX-License-Identifier: MIT
/* MATMUL: every implementation, tile split and number of rows gives the reference's bits. */
#include "kernels_test.h"

static const char *const wname[NPU_WTYPE_COUNT] = { "f32", "f16", "q8_0", "q4_0" };

static bool is_quant(uint32_t wtype)
{
	return wtype == NPU_WTYPE_Q8_0 || wtype == NPU_WTYPE_Q4_0;
}

struct problem {
	uint32_t wtype, m, strips, k;
	size_t lda, ldo;
	size_t act_bytes, w_bytes, out_floats;
	void *act, *w;
};

static void fill_weights(uint32_t wtype, uint8_t *w, uint32_t strips, uint32_t k, int share)
{
	size_t distance = npu_strip_bytes(wtype, k);

	for (uint32_t s = 0; s < strips; s++, w += distance) {
		if (wtype == NPU_WTYPE_F32) {
			fill((float *)w, 16 * (size_t)k, share);
		} else if (wtype == NPU_WTYPE_F16) {
			fill_half((uint16_t *)w, 16 * (size_t)k, share);
		} else {
			size_t q = wtype == NPU_WTYPE_Q8_0 ? NPU_Q8_0_BLOCK_BYTES :
						       NPU_Q4_0_BLOCK_BYTES;

			fill_bytes(w, distance);
			for (uint32_t b = 0; b < k / 32; b += 2)
				fill_half((uint16_t *)(w + b * q), b + 1 < k / 32 ? 32 : 16, share);
		}
	}
}

/* share > 0: values of any kind, activation records of any bytes */
static struct problem make(uint32_t wtype, uint32_t m, uint32_t strips, uint32_t k, int share)
{
	const struct npu_kernels *ref = npu_kernels_get(NPU_ISA_SCALAR);
	struct problem p = { .wtype = wtype, .m = m, .strips = strips, .k = k };
	float *x = alloc(((size_t)m * k + 1) * sizeof(*x));

	p.lda = is_quant(wtype) ? 0 : k + rng_range(0, 5);
	p.ldo = 16 * (size_t)strips + rng_range(0, 3);
	p.act_bytes = m * (is_quant(wtype) ? NPU_ACT_Q8_ROW_BYTES((size_t)k) : 4 * p.lda);
	p.w_bytes = strips * npu_strip_bytes(wtype, k);
	p.out_floats = m * p.ldo;
	p.act = alloc(p.act_bytes);
	p.w = alloc(p.w_bytes);
	fill(x, (size_t)m * k, share);
	if (!is_quant(wtype))
		fill(p.act, p.act_bytes / 4, share);
	else if (share == MANY)
		fill_bytes(p.act, p.act_bytes);
	else
		ref->quant_q8(p.act, x, k, k, m);
	fill_weights(wtype, p.w, strips, k, share);
	free(x);
	return p;
}

static void drop(struct problem *p)
{
	free(p->act);
	free(p->w);
}

static struct npu_matmul args(const struct problem *p, float *out)
{
	return (struct npu_matmul){
		.act = p->act, .lda = p->lda, .w = p->w, .out = out, .ldo = p->ldo, .m = p->m,
		.strips = p->strips, .k = p->k,
	};
}

/* A fresh output whose floats were all 12345, to see that no other is written */
static float *run(const struct npu_kernels *kern, const struct problem *p)
{
	float *out = alloc(p->out_floats * sizeof(*out));
	struct npu_matmul a = args(p, out);

	for (size_t i = 0; i < p->out_floats; i++)
		out[i] = 12345.0f;
	kern->matmul[p->wtype](&a);
	return out;
}

static uint32_t random_k(uint32_t wtype)
{
	return is_quant(wtype) ? 32 * rng_range(1, 9) : rng_range(1, 200);
}

static void test_same(const struct npu_kernels *ref, const struct npu_kernels *kern)
{
	static const int shares[] = { TAME, SOME, MANY };

	for (uint32_t t = 0; t < NPU_WTYPE_COUNT; t++)
		for (int s = 0; s < 3; s++) {
			bool ok = true;

			for (uint32_t i = 0; i < 60 && ok; i++) {
				struct problem p = make(t, i < 30 ? i : rng_range(0, 40),
							rng_range(1, 6), random_k(t), shares[s]);
				float *want = run(ref, &p), *got = run(kern, &p);

				ok = same_floats(got, want, p.out_floats);
				free(want);
				free(got);
				drop(&p);
			}
			tap_ok(ok, "matmul %s: %s equals the reference, %d of 256 values awkward",
			       wname[t], kern->name, shares[s]);
		}
}

/* Rows one by one, strips one by one: the bits of the whole */
static void test_splits(const struct npu_kernels *kern)
{
	for (uint32_t t = 0; t < NPU_WTYPE_COUNT; t++) {
		struct problem p = make(t, 29, 5, is_quant(t) ? 32 * 11 : 171, SOME);
		float *want = run(kern, &p);
		float *got = alloc(p.out_floats * sizeof(*got));
		size_t distance = npu_strip_bytes(t, p.k);
		size_t row = p.act_bytes / p.m;
		bool ok;

		for (size_t i = 0; i < p.out_floats; i++)
			got[i] = 12345.0f;
		for (uint32_t i = 0; i < p.m; i++)
			for (uint32_t s = 0; s < p.strips; s++) {
				struct npu_matmul a = args(&p, got + i * p.ldo + 16 * s);

				a.act = (uint8_t *)p.act + i * row;
				a.w = (uint8_t *)p.w + s * distance;
				a.m = a.strips = 1;
				kern->matmul[t](&a);
			}
		ok = same_floats(got, want, p.out_floats);
		tap_ok(ok, "matmul %s: %s gives the same bits row by row and strip by strip",
		       wname[t], kern->name);
		free(want);
		free(got);
		drop(&p);
	}
}

/* One row of 13 against 512: what batched verification rests on */
static void test_rows(const struct npu_kernels *kern)
{
	for (uint32_t t = 0; t < NPU_WTYPE_COUNT; t++) {
		struct problem p = make(t, 512, 2, 96, TAME);
		float *whole = run(kern, &p), *one;
		bool ok;

		p.m = 1;
		p.out_floats = p.ldo;
		one = run(kern, &p);
		ok = same_floats(one, whole, p.out_floats);
		tap_ok(ok, "matmul %s: %s, 1 and 512 rows give the same bits", wname[t],
		       kern->name);
		free(whole);
		free(one);
		drop(&p);
	}
}

static void test_golden(const struct npu_kernels *ref)
{
	static const uint64_t want[NPU_WTYPE_COUNT] = {
		0x98e743b00d6f4557, 0x634cf8b960c369c5, 0x993d8fcf0541ba98, 0xf544eff82ac22650,
	};

	for (uint32_t t = 0; t < NPU_WTYPE_COUNT; t++) {
		struct problem p;
		float *out;

		rng_seed(100 + t);
		p = make(t, 3, 3, 352, TAME);
		p.ldo = 48;
		p.out_floats = 3 * 48;
		out = run(ref, &p);
		tap_ok(golden(hash_floats(out, p.out_floats), want[t]), "matmul %s: golden bits",
		       wname[t]);
		free(out);
		drop(&p);
	}
}

/* Weights through RELAYOUT and WROWS, products in double */
static void test_meaning(const struct npu_kernels *ref)
{
	for (uint32_t t = 0; t < NPU_WTYPE_COUNT; t++) {
		struct problem p = make(t, 2, 2, 1024, TAME);
		float *out = run(ref, &p), w[1024];
		double err = 0, norm = 0;

		for (uint32_t i = 0; i < p.m; i++)
			for (uint32_t j = 0; j < 32; j++) {
				const int8_t *rec = (const int8_t *)p.act +
						    i * NPU_ACT_Q8_ROW_BYTES(1024ul);
				const float *scale =
					(const float *)(rec + NPU_ACT_Q8_SCALE_OFFSET(1024));
				double sum = 0;

				ref->wrow[t]((uint8_t *)p.w + j / 16 * npu_strip_bytes(t, p.k),
					     j % 16, p.k, w);
				for (uint32_t k = 0; k < p.k; k++)
					sum += (double)w[k] * (is_quant(t) ?
						(double)rec[k] * (double)scale[k / 32] :
						(double)((float *)p.act)[i * p.lda + k]);
				err += (sum - (double)out[i * p.ldo + j]) *
				       (sum - (double)out[i * p.ldo + j]);
				norm += sum * sum;
			}
		tap_ok(err <= 1e-10 * norm, "matmul %s: agrees with sums in double", wname[t]);
		free(out);
		drop(&p);
	}
}

static void test_nothing(const struct npu_kernels *kern)
{
	for (uint32_t t = 0; t < NPU_WTYPE_COUNT; t++) {
		struct problem p = make(t, 4, 2, 64, TAME);
		float *out = alloc(p.out_floats * sizeof(*out)), *zero;
		struct npu_matmul a = args(&p, out);
		bool ok = true;

		zero = copy_of(out, p.out_floats * sizeof(*out));
		a.m = 0;
		kern->matmul[t](&a);
		a.m = 4;
		a.strips = 0;
		kern->matmul[t](&a);
		ok = same_floats(out, zero, p.out_floats);
		tap_ok(ok, "matmul %s: %s writes nothing for no rows or strips", wname[t],
		       kern->name);
		free(out);
		free(zero);
		drop(&p);
	}
}

int main(void)
{
	const struct npu_kernels *kern[NPU_ISA_COUNT];
	int n = implementations(kern);

	rng_seed(42);
	each_fast("matmul", test_same);
	for (int i = 0; i < n; i++) {
		test_splits(kern[i]);
		test_rows(kern[i]);
		test_nothing(kern[i]);
	}
	test_golden(kern[0]);
	test_meaning(kern[0]);
	return tap_done();
}

// SPDX-License-Identifier: MIT
/* QUANT, CONVERT, KV_STORE: every implementation gives the reference's bits. */
#include "kernels_test.h"

#define MAX_FLOATS	8192

static float src[MAX_FLOATS];
static uint8_t want[4 * MAX_FLOATS], got[4 * MAX_FLOATS];

static const int shares[] = { TAME, SOME, MANY };

static void fresh(int share)
{
	fill(src, MAX_FLOATS, share);
	if (share == MANY)	/* blocks of one magnitude, from subnormal to huge */
		for (int b = 0; b < MAX_FLOATS / 32; b += 2) {
			float scale = ldexpf(1.0f, (int)rng_range(0, 270) - 150);

			for (int j = 0; j < 32; j++)
				src[32 * b + j] = rng_float() * scale;
		}
	memset(want, 0x5a, sizeof(want));
	memset(got, 0x5a, sizeof(got));
}

/* Halves or floats with any NaN equal to any */
static bool same_numbers(uint8_t type, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float a, b;

		if (type == NPU_DTYPE_F32) {
			memcpy(&a, want + 4 * i, 4);
			memcpy(&b, got + 4 * i, 4);
		} else if (type == NPU_DTYPE_F16) {
			a = npu_load_half(want + 2 * i);
			b = npu_load_half(got + 2 * i);
		} else {
			a = npu_bf16_to_float(npu_load_u16(want + 2 * i));
			b = npu_bf16_to_float(npu_load_u16(got + 2 * i));
		}
		if (!same_floats(&b, &a, 1))
			return false;
	}
	return true;
}

static void test_q8(const struct npu_kernels *ref, const struct npu_kernels *kern, int share)
{
	bool ok = true;

	for (uint32_t i = 0; i < 200 && ok; i++) {
		uint32_t rows = rng_range(0, 4), cols = 32 * (i < 10 ? i : rng_range(0, 40));
		size_t stride = cols + rng_range(0, 7);

		fresh(share);
		ref->quant_q8(want, src, stride, cols, rows);
		kern->quant_q8(got, src, stride, cols, rows);
		ok = !memcmp(want, got, sizeof(want));
	}
	tap_ok(ok, "quant q8: %s equals the reference, %d of 256 values awkward", kern->name,
	       share);
}

static void test_f16r(const struct npu_kernels *ref, const struct npu_kernels *kern, int share)
{
	bool ok = true;

	for (uint32_t i = 0; i < 100 && ok; i++) {
		uint32_t rows = rng_range(0, 4), cols = i;
		size_t stride = cols + rng_range(0, 7);

		fresh(share);
		ref->quant_f16r((float *)want, stride, src, stride, cols, rows);
		kern->quant_f16r((float *)got, stride, src, stride, cols, rows);
		ok = same_numbers(NPU_DTYPE_F32, MAX_FLOATS);
	}
	tap_ok(ok, "quant f16r: %s equals the reference, %d of 256 values awkward", kern->name,
	       share);
}

static void test_convert(const struct npu_kernels *ref, const struct npu_kernels *kern, int share)
{
	bool ok = true;

	for (uint32_t i = 0; i < 900 && ok; i++) {
		uint8_t to = i % 3, from = i / 3 % 3;

		fresh(share);
		if (share && from != NPU_DTYPE_F32)
			fill_bytes(src, sizeof(src));
		else if (from != NPU_DTYPE_F32)
			fill_half((uint16_t *)src, 1000, TAME);
		ref->convert(want, to, src, from, i / 9);
		kern->convert(got, to, src, from, i / 9);
		ok = same_numbers(to, MAX_FLOATS);
	}
	tap_ok(ok, "convert: %s equals the reference, all pairs of types, %d of 256 values awkward",
	       kern->name, share);
}

static void test_kv(const struct npu_kernels *ref, const struct npu_kernels *kern, int share)
{
	bool k_ok = true, v_ok = true;

	for (uint32_t i = 0; i < 200 && k_ok && v_ok; i++) {
		uint32_t dims = i, first = rng_range(0, 15), count = rng_range(0, 16 - first);
		size_t stride = dims + rng_range(0, 9);

		fresh(share);
		ref->kv_store_k(src, stride, dims, first, count, want);
		kern->kv_store_k(src, stride, dims, first, count, got);
		k_ok = same_numbers(NPU_DTYPE_F16, 2 * MAX_FLOATS);
		fresh(share);
		ref->kv_store_v(src, dims, want);
		kern->kv_store_v(src, dims, got);
		v_ok = same_numbers(NPU_DTYPE_F16, 2 * MAX_FLOATS);
	}
	tap_ok(k_ok, "kv_store k: %s equals the reference, %d of 256 values awkward", kern->name,
	       share);
	tap_ok(v_ok, "kv_store v: %s equals the reference, %d of 256 values awkward", kern->name,
	       share);
}

static void test_same(const struct npu_kernels *ref, const struct npu_kernels *kern)
{
	for (int s = 0; s < 3; s++) {
		test_q8(ref, kern, shares[s]);
		test_f16r(ref, kern, shares[s]);
		test_convert(ref, kern, shares[s]);
		test_kv(ref, kern, shares[s]);
	}
}

static const int8_t *record(const struct npu_kernels *kern, const float x[32], float *scale,
			    int32_t *sum)
{
	kern->quant_q8(got, x, 32, 32, 1);
	memcpy(scale, got + NPU_ACT_Q8_SCALE_OFFSET(32), 4);
	memcpy(sum, got + NPU_ACT_Q8_SUM_OFFSET(32), 4);
	return (const int8_t *)got;
}

static void test_q8_rules(const struct npu_kernels *kern)
{
	float x[32] = { 0 }, scale;
	int32_t sum;
	const int8_t *q = record(kern, x, &scale, &sum);

	tap_ok(q[0] == 0 && npu_float_bits(scale) == 0 && sum == 0,
	       "quant q8: %s, a block of zeros has scale zero", kern->name);

	x[0] = 127.0f;
	x[1] = 0.5f;
	x[2] = 1.5f;
	x[3] = -2.5f;
	x[4] = NAN;
	q = record(kern, x, &scale, &sum);
	tap_ok(q[0] == 127 && q[1] == 0 && q[2] == 2 && q[3] == -2 && q[4] == 0 &&
	       scale == 1.0f && sum == 127, "quant q8: %s, nearest, ties to even, NaN to zero",
	       kern->name);

	x[0] = 1.0f;
	x[1] = -1.0f;
	x[4] = 0.0f;
	q = record(kern, x, &scale, &sum);
	tap_ok(scale == npu_half_to_float(npu_float_to_half(2.5f / 127.0f)) && q[3] == -127 &&
	       q[0] == 51 && q[1] == -51, "quant q8: %s, the scale is rounded to half, q is not",
	       kern->name);

	x[5] = -INFINITY;
	q = record(kern, x, &scale, &sum);
	tap_ok(q[0] == 0 && q[5] == 0 && scale == INFINITY,
	       "quant q8: %s, an infinity leaves zeros and an infinite scale", kern->name);

	x[5] = 0x1p40f;
	q = record(kern, x, &scale, &sum);
	tap_ok(q[5] == 127 && scale == INFINITY, "quant q8: %s, a scale past half is infinite",
	       kern->name);

	for (int j = 0; j < 32; j++)
		x[j] = 0.0f;
	x[7] = -0x1p-130f;
	q = record(kern, x, &scale, &sum);
	tap_ok(q[7] == -127 && q[0] == 0 && scale == 0.0f && sum == -127,
	       "quant q8: %s, subnormal blocks saturate under scale zero", kern->name);
}

static void test_golden(const struct npu_kernels *ref)
{
	rng_seed(400);
	fresh(TAME);
	ref->quant_q8(got, src, 96, 96, 5);
	tap_ok(golden(hash_bytes(got, 5 * NPU_ACT_Q8_ROW_BYTES(96)),
		      0x1695a7a8117f0e29), "quant q8: golden bits");
	ref->convert(got, NPU_DTYPE_F16, src, NPU_DTYPE_F32, 1000);
	tap_ok(golden(hash_bytes(got, 2000), 0x09509327cdc94eb7), "convert to half: golden bits");
	ref->convert(got, NPU_DTYPE_BF16, src, NPU_DTYPE_F32, 1000);
	tap_ok(golden(hash_bytes(got, 2000), 0x0bcbb5f87376ee98), "convert to bfloat16: golden bits");
}

/* Values come back within half a step plus what half costs the scale */
static void test_meaning(const struct npu_kernels *ref)
{
	bool ok = true;

	fresh(TAME);
	for (int b = 0; b < MAX_FLOATS / 32 && ok; b++) {
		float scale, amax = 0;
		int32_t sum, total = 0;
		const int8_t *q = record(ref, src + 32 * b, &scale, &sum);

		for (int j = 0; j < 32; j++)
			amax = fmaxf(amax, fabsf(src[32 * b + j]));
		for (int j = 0; j < 32; j++) {
			double err = fabs((double)q[j] * (double)scale - (double)src[32 * b + j]);

			ok &= err <= (double)amax / 127 * 0.5001 + (double)amax * 0x1p-11;
			total += q[j];
		}
		ok &= total == sum;
	}
	tap_ok(ok, "quant q8: values come back within half a step, sums are of the block");
}

int main(void)
{
	const struct npu_kernels *kern[NPU_ISA_COUNT];
	int n = implementations(kern);

	rng_seed(45);
	each_fast("quantisation", test_same);
	for (int i = 0; i < n; i++)
		test_q8_rules(kern[i]);
	test_golden(kern[0]);
	test_meaning(kern[0]);
	return tap_done();
}

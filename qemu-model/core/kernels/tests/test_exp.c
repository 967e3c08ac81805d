// SPDX-License-Identifier: MIT
/* The exponential, the conversions of halves, the random numbers: against what they stand for. */
#include "exp.h"
#include "expd.h"
#include "kernels_test.h"
#include "philox.h"

static void test_exp_accuracy(void)
{
	double worst = 0;
	float at = 0;

	for (uint32_t i = 0; i < 4000000; i++) {
		float x = NPU_EXP_MIN + (NPU_EXP_MAX - NPU_EXP_MIN) * ((float)i / 4000000);
		double want = exp((double)x), ulp;
		int e;

		frexp(want, &e);
		ulp = ldexp(1, e - 24);
		if (fabs((double)npu_exp(x) - want) / ulp > worst) {
			worst = fabs((double)npu_exp(x) - want) / ulp;
			at = x;
		}
	}
	tap_diag("worst error %.3f ulp at %a", worst, (double)at);
	tap_ok(worst < 2.5, "exp: error below 2.5 ulp from underflow to overflow");
}

static void test_expd(void)
{
	double worst = 0;

	for (uint32_t i = 0; i < 4000000; i++) {
		float x = -87.0f * ((float)i / 4000000);
		double want = exp((double)x), ulp;
		int e;

		frexp(want, &e);
		ulp = ldexp(1, e - 24);
		worst = fmax(worst, fabs((double)npu_expd(x) - want) / ulp);
	}
	tap_diag("worst error %.4f ulp", worst);
	tap_ok(worst < 0.51, "expd: error below 0.51 ulp down to underflow");
	tap_ok(npu_expd(0.0f) == 1.0f && npu_expd(-INFINITY) == 0.0f && npu_expd(-104.0f) == 0.0f &&
	       npu_expd(-103.0f) == 0x1p-149f && isnan(npu_expd(NAN)),
	       "expd: one at zero, subnormals, zero below, NaN");
}

static void test_exp_ends(void)
{
	tap_ok(npu_exp(0.0f) == 1.0f && npu_exp(-0.0f) == 1.0f, "exp: of zero is exactly one");
	tap_ok(npu_exp(NPU_EXP_MIN) == 0x1.666d0cp-126f &&
	       npu_float_bits(npu_exp(nextafterf(NPU_EXP_MIN, -INFINITY))) == 0 &&
	       npu_float_bits(npu_exp(-INFINITY)) == 0, "exp: plus zero below -87");
	tap_ok(npu_exp(NPU_EXP_MAX) == 0x1.ffff08p+127f &&
	       npu_exp(nextafterf(NPU_EXP_MAX, INFINITY)) == INFINITY &&
	       npu_exp(INFINITY) == INFINITY, "exp: infinity above 0x1.62e42ep+6");
	tap_ok(isnan(npu_exp(NAN)), "exp: of NaN is NaN");
}

static void test_exp_golden(void)
{
	float y[4096];

	rng_seed(1);
	for (int i = 0; i < 4096; i++)
		y[i] = npu_exp(rng_float() * 20.0f);
	tap_ok(golden(hash_floats(y, 4096), 0x7fdbbc38a7bde8b5), "exp: bits of 4096 values");
}

/* So many that a change far below a unit in the last place moves some */
static void test_expd_golden(void)
{
	uint64_t h = 0;

	rng_seed(2);
	for (int i = 0; i < 1 << 20; i++)
		h = h * 31 + npu_float_bits(npu_expd(-fabsf(rng_float()) * 4.0f));
	tap_ok(golden(h, 0x1aeccdb8a82f08d7), "expd: bits of a million values");
}

static void test_half(void)
{
	bool widen = true, round = true;

	for (uint32_t h = 0; h < 0x10000; h++) {
		float f = npu_half_to_float(h);
		int exp = h >> 10 & 31, mant = h & 1023;
		double want = exp ? ldexp(1024 + mant, exp - 25) : ldexp(mant, -24);

		if (exp == 31) {
			widen &= mant ? isnan(f) : isinf(f) && !!signbit(f) == !!(h >> 15);
			continue;
		}
		widen &= (double)fabsf(f) == want && !!signbit(f) == !!(h >> 15);
		round &= npu_float_to_half(f) == h;
	}
	tap_ok(widen, "half: all 65536 patterns have the value of the standard");
	tap_ok(round, "half: a half goes to float and back unchanged");
}

/* Ties and their neighbours, by the definition: the nearest half, the even one of two */
static void test_half_rounding(void)
{
	bool ok = true;

	for (uint32_t h = 0; h < 0x7bff; h++) {
		float lo = npu_half_to_float(h), hi = npu_half_to_float(h + 1);
		float tie = (float)(((double)lo + (double)hi) / 2);

		ok &= npu_float_to_half(tie) == (h & 1 ? h + 1 : h);
		ok &= npu_float_to_half(nextafterf(tie, 0)) == h;
		ok &= npu_float_to_half(nextafterf(tie, INFINITY)) == h + 1;
	}
	tap_ok(ok, "half: rounds to nearest, ties to even, subnormals too");
	tap_ok(npu_float_to_half(65519.996f) == 0x7bff && npu_float_to_half(65520.0f) == 0x7c00 &&
	       npu_float_to_half(-INFINITY) == 0xfc00 && npu_half_to_float(0x7c00) == INFINITY,
	       "half: infinity from 65520 on");
	tap_ok(npu_float_to_bf16(npu_bits_float(0x3f808000)) == 0x3f80 &&
	       npu_float_to_bf16(npu_bits_float(0x3f818000)) == 0x3f82 &&
	       npu_float_to_bf16(npu_bits_float(0x3f808001)) == 0x3f81 &&
	       npu_float_to_bf16(npu_bits_float(0x7f7fffff)) == 0x7f80 &&
	       isnan(npu_bf16_to_float(npu_float_to_bf16(npu_bits_float(0x7f800001)))),
	       "bfloat16: rounds to nearest, ties to even, NaN stays NaN");
}

static void test_philox(void)
{
	/* the generator's published vectors, those with a counter below 2^64 */
	tap_ok(npu_philox(0, 0) == 0x6627e8d5, "philox: known answer for zero");
	tap_ok(npu_philox(1, 0) != npu_philox(0, 1) &&
	       npu_philox(1ull << 32, 7) != npu_philox(1, 7) &&
	       npu_philox(5, 1ull << 32) != npu_philox(5, 1),
	       "philox: all bits of key and counter matter");
}

int main(void)
{
	test_exp_accuracy();
	test_expd();
	test_exp_ends();
	test_exp_golden();
	test_expd_golden();
	test_half();
	test_half_rounding();
	test_philox();
	return tap_done();
}

// SPDX-License-Identifier: MIT
/* RMSNORM, ROPE, SOFTMAX, EW, ARGMAX: every implementation gives the reference's bits. */
#include "kernels_test.h"

#define MAX_FLOATS	8192

static float a[MAX_FLOATS], b[MAX_FLOATS], want[MAX_FLOATS], got[MAX_FLOATS];

static const int shares[] = { TAME, SOME, MANY };

struct shape {
	uint32_t rows, cols;
	size_t stride;
};

static struct shape random_shape(uint32_t i)
{
	struct shape s = { .rows = rng_range(0, 7), .cols = i < 70 ? i : rng_range(0, 1000) };

	s.stride = s.cols + rng_range(0, 20);
	return s;
}

/* Fresh operands, and outputs that show what was written */
static void fresh(int share)
{
	fill(a, MAX_FLOATS, share);
	fill(b, MAX_FLOATS, share);
	for (int i = 0; i < MAX_FLOATS; i++)
		want[i] = got[i] = 12345.0f;
}

static void test_rmsnorm(const struct npu_kernels *ref, const struct npu_kernels *kern, int share)
{
	bool ok = true;

	for (uint32_t i = 0; i < 200 && ok; i++) {
		struct shape s = random_shape(i);

		fresh(share);
		ref->rmsnorm(want, s.stride, a, s.stride, b, 1e-5f, s.cols, s.rows);
		kern->rmsnorm(got, s.stride, a, s.stride, b, 1e-5f, s.cols, s.rows);
		ok = same_floats(got, want, MAX_FLOATS);
		kern->rmsnorm(a, s.stride, a, s.stride, b, 1e-5f, s.cols, s.rows);
		for (uint32_t r = 0; r < s.rows; r++)
			ok = ok && same_floats(a + r * s.stride, want + r * s.stride, s.cols);
	}
	tap_ok(ok, "rmsnorm: %s equals the reference, in place too, %d of 256 values awkward",
	       kern->name, share);
}

static void test_rope(const struct npu_kernels *ref, const struct npu_kernels *kern, int share)
{
	bool ok = true;

	for (uint32_t i = 0; i < 300 && ok; i++) {
		uint32_t rows = rng_range(0, 4), heads = rng_range(0, 5);
		uint32_t dim = 2 * rng_range(1, 66), rot = 2 * rng_range(0, dim / 2);
		size_t stride = heads * dim + rng_range(0, 9);

		fresh(share);
		memcpy(want, a, sizeof(a));
		memcpy(got, a, sizeof(a));
		ref->rope(want, stride, b, heads, dim, rot, i % 2, rows);
		kern->rope(got, stride, b, heads, dim, rot, i % 2, rows);
		ok = same_floats(got, want, MAX_FLOATS);
	}
	tap_ok(ok, "rope: %s equals the reference, %d of 256 values awkward", kern->name, share);
}

static void test_softmax(const struct npu_kernels *ref, const struct npu_kernels *kern, int share)
{
	bool ok = true;

	for (uint32_t i = 0; i < 200 && ok; i++) {
		struct shape s = random_shape(i);
		float scale = i % 4 ? 1.7f : -0.3f;

		fresh(share);
		ref->softmax(want, s.stride, a, s.stride, scale, s.cols, s.rows);
		kern->softmax(got, s.stride, a, s.stride, scale, s.cols, s.rows);
		ok = same_floats(got, want, MAX_FLOATS);
		kern->softmax(a, s.stride, a, s.stride, scale, s.cols, s.rows);
		for (uint32_t r = 0; r < s.rows; r++)
			ok = ok && same_floats(a + r * s.stride, want + r * s.stride, s.cols);
	}
	tap_ok(ok, "softmax: %s equals the reference, in place too, %d of 256 values awkward",
	       kern->name, share);
}

static void test_ew(const struct npu_kernels *ref, const struct npu_kernels *kern, int share)
{
	static const char *const names[] = { "add", "mul", "silu_mul", "scale", "copy" };

	for (uint8_t op = 0; op < NPU_EW_COUNT; op++) {
		bool ok = true;

		for (uint32_t i = 0; i < 150 && ok; i++) {
			struct shape s = random_shape(i);
			size_t b_stride = i % 3 ? s.stride : 0;

			fresh(share);
			ref->ew(op, -2.5f, want, s.stride, a, s.stride, b, b_stride, s.cols,
				s.rows);
			kern->ew(op, -2.5f, got, s.stride, a, s.stride, b, b_stride, s.cols,
				 s.rows);
			ok = same_floats(got, want, MAX_FLOATS);
			kern->ew(op, -2.5f, a, s.stride, a, s.stride, b, b_stride, s.cols, s.rows);
			for (uint32_t r = 0; r < s.rows; r++)
				ok = ok && same_floats(a + r * s.stride, want + r * s.stride,
						       s.cols);
		}
		tap_ok(ok, "ew %s: %s equals the reference, in place too, %d of 256 values awkward",
		       names[op], kern->name, share);
	}
}

static void test_argmax(const struct npu_kernels *ref, const struct npu_kernels *kern, int share)
{
	bool ok = true;

	for (uint32_t i = 1; i < 400 && ok; i++) {
		fresh(share);
		for (uint32_t j = 0; j < i; j++)	/* many equal ones */
			a[j] = i % 2 ? a[j] : rintf(a[j]);
		ok = kern->argmax(a, i) == ref->argmax(a, i);
	}
	tap_ok(ok, "argmax: %s equals the reference, %d of 256 values awkward", kern->name, share);
}

static void test_same(const struct npu_kernels *ref, const struct npu_kernels *kern)
{
	for (int s = 0; s < 3; s++) {
		test_rmsnorm(ref, kern, shares[s]);
		test_rope(ref, kern, shares[s]);
		test_softmax(ref, kern, shares[s]);
		test_ew(ref, kern, shares[s]);
		test_argmax(ref, kern, shares[s]);
	}
}

static void test_argmax_rules(const struct npu_kernels *kern)
{
	const float none[] = { NAN, -INFINITY, NAN }, zero[] = { -1.0f, -0.0f, 0.0f };
	const float inf[] = { 1.0f, INFINITY, INFINITY }, low[] = { -9.0f, -5.0f, -5.0f };

	tap_ok(kern->argmax(none, 3) == 0, "argmax: %s, NaN counts as minus infinity", kern->name);
	tap_ok(kern->argmax(zero, 3) == 1, "argmax: %s, the zeros are equal", kern->name);
	tap_ok(kern->argmax(inf, 3) == 1 && kern->argmax(low, 3) == 1,
	       "argmax: %s, the lowest index of equal ones", kern->name);
}

static void test_golden(const struct npu_kernels *ref)
{
	static float x[3 * 200], w[200], y[3 * 200];

	rng_seed(300);
	fill(x, 600, TAME);
	fill(w, 200, TAME);
	ref->rmsnorm(y, 200, x, 200, w, 1e-5f, 200, 3);
	tap_ok(golden(hash_floats(y, 600), 0x6d5c224486793629), "rmsnorm: golden bits");
	ref->softmax(y, 200, x, 200, 3.0f, 200, 3);
	tap_ok(golden(hash_floats(y, 600), 0xb7ed593561634348), "softmax: golden bits");
	ref->ew(NPU_EW_SILU_MUL, 0, y, 200, x, 200, w, 0, 200, 3);
	tap_ok(golden(hash_floats(y, 600), 0x30c063e5bbb110af), "ew silu_mul: golden bits");
	memcpy(y, x, sizeof(y));
	ref->rope(y, 200, w, 5, 40, 40, 0, 3);
	ref->rope(y, 200, w, 5, 40, 36, 1, 3);
	tap_ok(golden(hash_floats(y, 600), 0xfdf04f41952b7949), "rope: golden bits");
}

static void test_meaning(const struct npu_kernels *ref)
{
	double ss = 0, sum = 0, worst_norm = 0, worst_soft = 0, worst_silu = 0;
	float y[300], one[300];

	fresh(TAME);
	for (int j = 0; j < 300; j++) {
		ss += (double)a[j] * (double)a[j];
		sum += exp(2.0 * (double)a[j]);
		one[j] = 1.0f;
	}
	ref->rmsnorm(y, 300, a, 300, b, 1e-5f, 300, 1);
	for (int j = 0; j < 300; j++)
		worst_norm = fmax(worst_norm, fabs((double)y[j] - (double)a[j] * (double)b[j] /
						   sqrt(ss / 300 + 1e-5)));
	ref->softmax(y, 300, a, 300, 2.0f, 300, 1);
	for (int j = 0; j < 300; j++)
		worst_soft = fmax(worst_soft, fabs((double)y[j] - exp(2.0 * (double)a[j]) / sum));
	ref->ew(NPU_EW_SILU_MUL, 0, y, 300, a, 300, one, 300, 300, 1);
	for (int j = 0; j < 300; j++)
		worst_silu = fmax(worst_silu, fabs((double)y[j] - (double)a[j] /
						   (1 + exp(-(double)a[j]))));
	tap_ok(worst_norm < 1e-6 && worst_soft < 1e-7 && worst_silu < 1e-6,
	       "rmsnorm, softmax, silu: agree with double");
}

int main(void)
{
	const struct npu_kernels *kern[NPU_ISA_COUNT];
	int n = implementations(kern);

	rng_seed(44);
	each_fast("vector operators", test_same);
	for (int i = 0; i < n; i++)
		test_argmax_rules(kern[i]);
	test_golden(kern[0]);
	test_meaning(kern[0]);
	return tap_done();
}

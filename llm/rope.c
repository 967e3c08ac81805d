// SPDX-License-Identifier: MIT
#include "rope.h"

#include <errno.h>
#include <math.h>

/* x^n by squaring */
static double power(double x, unsigned int n)
{
	double r = 1;

	for (; n; n >>= 1) {
		if (n & 1)
			r *= x;
		x *= x;
	}
	return r;
}

/* The r in (0, 1] with r^n = 1/base, by bisection down to neighbouring doubles; base >= 1. */
static double inverse_root(double base, unsigned int n)
{
	double lo = 0, hi = 1;

	for (;;) {
		double mid = lo + (hi - lo) * 0.5;

		if (mid <= lo || mid >= hi)
			return hi;
		if (power(mid, n) * base < 1)
			lo = mid;
		else
			hi = mid;
	}
}

/* pi/2 in two parts; the first has 33 bits, so that its product with a quadrant is exact */
#define PI_2_HI	1.57079632673412561417e+00
#define PI_2_LO	6.07710050650619224932e-11

/* cos and sin of 0 <= x < 2^20 * pi/2, to some 1e-15: Taylor series behind a reduction to pi/4. */
static void cos_sin(double x, double *c, double *s)
{
	const uint32_t quadrant = (uint32_t)(x / (PI_2_HI + PI_2_LO) + 0.5);
	const double r = (x - quadrant * PI_2_HI) - quadrant * PI_2_LO;
	const double r2 = r * r;
	double cr = 1, sr = 1;

	for (int i = 17; i > 1; i -= 2) {
		sr = 1 - sr * r2 / (i * (i - 1));
		cr = 1 - cr * r2 / ((i - 1) * (i - 2));
	}
	sr *= r;
	switch (quadrant % 4) {
	case 0:
		*c = cr;
		*s = sr;
		break;
	case 1:
		*c = -sr;
		*s = cr;
		break;
	case 2:
		*c = -cr;
		*s = -sr;
		break;
	default:
		*c = sr;
		*s = -cr;
	}
}

int llm_rope_table(const struct llm_config *c, const float *divisors, uint32_t n_ctx, float *out)
{
	const uint32_t half = c->n_rot / 2;
	/* a base below one would make angles rise: take its inverse and divide instead */
	const bool rising = c->rope_base < 1;
	const double base = rising ? 1.0 / (double)c->rope_base : (double)c->rope_base;
	const double root = inverse_root(base, half);
	const float ratio = (float)(rising ? 1 / root : root);
	const float scale = 1.0f / c->rope_factor;

	for (uint32_t j = 0; divisors && j < half; j++) {
		if (!(divisors[j] > 0) || !isfinite(divisors[j]))
			return -EINVAL;
	}
	for (uint32_t p = 0; p < n_ctx; p++) {
		float theta = (float)p;

		for (uint32_t j = 0; j < half; j++) {
			double cr, sr;
			float angle = (divisors ? theta / divisors[j] : theta) * scale;

			if (!(angle < LLM_ROPE_MAX_ANGLE))
				return -ERANGE;
			cos_sin((double)angle, &cr, &sr);
			*out++ = (float)cr;
			*out++ = (float)sr;
			theta *= ratio;
		}
	}
	return 0;
}

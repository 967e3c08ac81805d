// SPDX-License-Identifier: MIT
#include "rope.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

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

/* cos and sin of x by their series, after halving x below 1/8 and doubling the angle back. */
static void cos_sin(double x, double *c, double *s)
{
	unsigned int halvings = 0;
	double term_c = 1, term_s, sum_c = 1, sum_s;

	while (x > 0.125) {
		x *= 0.5;
		halvings++;
	}
	term_s = x;
	sum_s = x;
	for (int i = 1; i < 9; i++) {
		term_c *= -x * x / ((2 * i - 1) * (2 * i));
		term_s *= -x * x / ((2 * i) * (2 * i + 1));
		sum_c += term_c;
		sum_s += term_s;
	}
	for (; halvings; halvings--) {
		double cc = sum_c * sum_c - sum_s * sum_s;

		sum_s = 2 * sum_s * sum_c;
		sum_c = cc;
	}
	*c = sum_c;
	*s = sum_s;
}

int llm_rope_table(const struct llm_config *c, const float *divisors, uint32_t n_ctx, float *out)
{
	const uint32_t half = c->n_rot / 2;
	/* a base below one would make frequencies rise: take its inverse and divide instead */
	const double base = c->rope_base >= 1 ? c->rope_base : 1.0 / (double)c->rope_base;
	const double ratio = inverse_root(base, half);
	double f = 1;
	struct {
		double c1, s1;	/* rotation by one position */
		double c, s;	/* rotation of the row */
	} *r = calloc(half, sizeof(*r));

	if (!r)
		return -ENOMEM;
	for (uint32_t j = 0; j < half; j++) {
		double step = f / (double)c->rope_factor;

		if (divisors) {
			if (!(divisors[j] > 0) || !isfinite(divisors[j])) {
				free(r);
				return -EINVAL;
			}
			step /= (double)divisors[j];
		}
		cos_sin(step, &r[j].c1, &r[j].s1);
		r[j].c = 1;
		f = c->rope_base >= 1 ? f * ratio : f / ratio;
	}
	for (uint32_t p = 0; p < n_ctx; p++) {
		for (uint32_t j = 0; j < half; j++) {
			double cn = r[j].c * r[j].c1 - r[j].s * r[j].s1;

			*out++ = (float)r[j].c;
			*out++ = (float)r[j].s;
			r[j].s = r[j].s * r[j].c1 + r[j].c * r[j].s1;
			r[j].c = cn;
		}
	}
	free(r);
	return 0;
}

// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "rope.h"
#include "tap.h"

/* Largest distance of the table from libm's doubles at the same angles. */
static double worst(const struct llm_config *c, const float *divisors, uint32_t n_ctx)
{
	const float ratio = (float)pow((double)c->rope_base, -2.0 / c->n_rot);
	float *t = malloc(llm_rope_bytes(c, n_ctx));
	const float *r = t;
	double w = 0;

	if (!t || llm_rope_table(c, divisors, n_ctx, t))
		return INFINITY;
	for (uint32_t p = 0; p < n_ctx; p++) {
		float theta = (float)p;

		for (uint32_t j = 0; j < c->n_rot / 2; j++, r += 2, theta *= ratio) {
			float a = (divisors ? theta / divisors[j] : theta) * (1 / c->rope_factor);

			w = fmax(w, fabs((double)r[0] - cos((double)a)));
			w = fmax(w, fabs((double)r[1] - sin((double)a)));
		}
	}
	free(t);
	return w;
}

/* Sum over the bits of a table: changes with any bit of it. */
static uint64_t bits(const struct llm_config *c, uint32_t n_ctx)
{
	float *t = malloc(llm_rope_bytes(c, n_ctx));
	uint64_t h = 0;

	if (!t || llm_rope_table(c, NULL, n_ctx, t))
		return 0;
	for (size_t i = 0; i < (size_t)n_ctx * c->n_rot; i++)
		h = h * 31 + ((const uint32_t *)t)[i];
	free(t);
	return h;
}

int main(void)
{
	struct llm_config c = { .n_rot = 64, .rope_base = 10000, .rope_factor = 1 };
	const float half_ulp = 3e-8f;
	float divisors[32], room[2 * 64];

	tap_ok(worst(&c, NULL, 8192) < half_ulp, "rope: 8192 positions, base 10000, rounded right");
	tap_diag("bits %#llx", (unsigned long long)bits(&c, 512));
	tap_ok(bits(&c, 512) == 0xb2f40c4c6a01f799ull, "rope: the table has the same bits on every machine");
	c.rope_base = 500000;
	c.n_rot = 128;
	tap_ok(worst(&c, NULL, 32768) < half_ulp, "rope: 32768 positions, base 500000");
	c.n_rot = 2;
	tap_ok(worst(&c, NULL, 64) < half_ulp, "rope: a single pair");
	c.n_rot = 64;
	c.rope_factor = 4;
	tap_ok(worst(&c, NULL, 1024) < half_ulp, "rope: linear scaling divides positions");
	for (int i = 0; i < 32; i++)
		divisors[i] = 1 + 0.25f * (float)i;
	tap_ok(worst(&c, divisors, 1024) < half_ulp, "rope: rope_freqs divides frequencies");
	c.rope_base = 0.5f;
	c.rope_factor = 1;
	tap_ok(worst(&c, NULL, 1024) < half_ulp, "rope: a base below one makes angles rise");
	c.rope_base = 1e-30f;
	tap_ok(llm_rope_table(&c, NULL, 2, room) == -ERANGE,
	       "rope: an angle past the limit is refused");
	divisors[3] = 0;
	tap_ok(llm_rope_table(&c, divisors, 1, room) == -EINVAL,
	       "rope: a divisor of zero is refused");
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
/*
 * exp of a float by way of double, for x <= 0: exp(x) = 2^(n/32) * P(r), x * 32/ln 2 = n + r.
 * Rounded once to float, error below 0.51 ulp: the value that C libraries give, which
 * llama.cpp calls at these places. Plain additions and multiplications of doubles, no
 * fused ones: the same bits everywhere.
 *
 * Constants: Arm optimized routines, single-precision scalar exp.
 */
#ifndef NPU_EXPD_H
#define NPU_EXPD_H

#include <stdint.h>
#include <string.h>

/* Below it the result rounds to zero. */
#define NPU_EXPD_MIN	(-0x1.9fe368p6f)

static inline float npu_expd(float x)
{
	/* bits of 2^(i/32), less i * 2^47: adding n * 2^47 gives 2^(n/32) */
	static const uint64_t table[32] = {
		0x3ff0000000000000, 0x3fefd9b0d3158574, 0x3fefb5586cf9890f, 0x3fef9301d0125b51,
		0x3fef72b83c7d517b, 0x3fef54873168b9aa, 0x3fef387a6e756238, 0x3fef1e9df51fdee1,
		0x3fef06fe0a31b715, 0x3feef1a7373aa9cb, 0x3feedea64c123422, 0x3feece086061892d,
		0x3feebfdad5362a27, 0x3feeb42b569d4f82, 0x3feeab07dd485429, 0x3feea47eb03a5585,
		0x3feea09e667f3bcd, 0x3fee9f75e8ec5f74, 0x3feea11473eb0187, 0x3feea589994cce13,
		0x3feeace5422aa0db, 0x3feeb737b0cdc5e5, 0x3feec49182a3f090, 0x3feed503b23e255d,
		0x3feee89f995ad3ad, 0x3feeff76f2fb5e47, 0x3fef199bdd85529c, 0x3fef3720dcef9069,
		0x3fef5818dcfba487, 0x3fef7c97337b9b5f, 0x3fefa4afa2a490da, 0x3fefd0765b6e4540,
	};
	const double shift = 0x1.8p52;
	double z, kd, r, p, scale;
	uint64_t n, bits;

	if (x != x)
		return x;
	if (x < NPU_EXPD_MIN)
		return 0.0f;
	z = (double)x * (0x1.71547652b82fep+0 * 32);
	kd = z + shift;
	memcpy(&n, &kd, sizeof(n));
	r = z - (kd - shift);
	bits = table[n % 32] + (n << 47);
	memcpy(&scale, &bits, sizeof(scale));
	p = (0x1.c6af84b912394p-5 / 32768 * r + 0x1.ebfce50fac4f3p-3 / 1024) * (r * r) +
	    (0x1.62e42ff0c52d6p-1 / 32 * r + 1);
	return (float)(p * scale);
}

#endif

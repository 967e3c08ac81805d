/* SPDX-License-Identifier: MIT */
/*
 * The exponential of the specification: exp(x) = 2^n * P(x - n * ln 2), n the integer
 * next to x * log2(e). One instruction sequence for all instruction sets; error below
 * 2.5 ulp, exp(0) is 1, zero below NPU_EXP_MIN, infinity above NPU_EXP_MAX.
 *
 * Constants and order of P: Arm optimized routines, single-precision vector exp, which
 * llama.cpp uses as well.
 */
#ifndef NPU_EXP_H
#define NPU_EXP_H

#include <math.h>

#include "half.h"

#define NPU_EXP_MIN	(-87.0f)
#define NPU_EXP_MAX	0x1.62e42ep+6f	/* the largest float whose exp is finite */

#define NPU_EXP_LOG2E	0x1.715476p+0f
#define NPU_EXP_ROUND	0x1.8p+23f	/* added: rounds to an integer, kept in the low bits */
#define NPU_EXP_LN2_HI	0x1.62e4p-1f
#define NPU_EXP_LN2_LO	0x1.7f7d1cp-20f

/* P(r) = (1 + C1 r) + ((C2 + C3 r) + (C4 + C5 r) r^2) r^2 */
#define NPU_EXP_C1	0x1.ffffecp-1f
#define NPU_EXP_C2	0x1.fffdb6p-2f
#define NPU_EXP_C3	0x1.555e66p-3f
#define NPU_EXP_C4	0x1.573e2ep-5f
#define NPU_EXP_C5	0x1.0e4020p-7f

static inline float npu_exp(float x)
{
	float z, n, r, u, p;

	if (x != x)
		return x;
	if (x < NPU_EXP_MIN)
		return 0.0f;
	if (x > NPU_EXP_MAX)
		return INFINITY;
	z = fmaf(x, NPU_EXP_LOG2E, NPU_EXP_ROUND);
	n = z - NPU_EXP_ROUND;
	r = fmaf(n, -NPU_EXP_LN2_HI, x);
	r = fmaf(n, -NPU_EXP_LN2_LO, r);
	u = r * r;
	p = fmaf(fmaf(fmaf(NPU_EXP_C5, r, NPU_EXP_C4), u, fmaf(NPU_EXP_C3, r, NPU_EXP_C2)), u,
		 fmaf(NPU_EXP_C1, r, 1.0f));
	/* times 2^n: onto the exponent; z's upper bits leave by the top */
	return npu_bits_float(npu_float_bits(p) + (npu_float_bits(z) << 23));
}

#endif

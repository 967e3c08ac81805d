/* SPDX-License-Identifier: MIT */
/*
 * The exponential of the specification: exp(x) = 2^n * P(x - n * ln 2), n the integer
 * next to x * log2(e). One instruction sequence for all instruction sets; error below
 * 1 ulp, exp(0) is 1, zero below NPU_EXP_MIN, infinity above NPU_EXP_MAX.
 */
#ifndef NPU_EXP_H
#define NPU_EXP_H

#include <math.h>

#include "half.h"

#define NPU_EXP_MIN	(-87.0f)
#define NPU_EXP_MAX	0x1.62e42ep+6f	/* the largest float whose exp is finite */

#define NPU_EXP_LOG2E	0x1.715476p+0f
#define NPU_EXP_ROUND	0x1.8p+23f	/* added: rounds to an integer, kept in the low bits */
#define NPU_EXP_LN2_HI	0x1.62e430p-1f
#define NPU_EXP_LN2_LO	(-0x1.05c610p-29f)

/* P(r) = 1 + r + C2 r^2 + ... + C6 r^6, minimax on |r| <= ln(2)/2 */
#define NPU_EXP_C2	0x1.fffffcp-2f
#define NPU_EXP_C3	0x1.555490p-3f
#define NPU_EXP_C4	0x1.5558f8p-5f
#define NPU_EXP_C5	0x1.123b04p-7f
#define NPU_EXP_C6	0x1.6a224ep-10f

static inline float npu_exp(float x)
{
	float z, n, r, p;

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
	p = NPU_EXP_C6;
	p = fmaf(p, r, NPU_EXP_C5);
	p = fmaf(p, r, NPU_EXP_C4);
	p = fmaf(p, r, NPU_EXP_C3);
	p = fmaf(p, r, NPU_EXP_C2);
	p = fmaf(p, r, 1.0f);
	p = fmaf(p, r, 1.0f);
	/* times 2^n: onto the exponent; z's upper bits leave by the top */
	return npu_bits_float(npu_float_bits(p) + (npu_float_bits(z) << 23));
}

#endif

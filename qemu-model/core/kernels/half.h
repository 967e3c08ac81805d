/* SPDX-License-Identifier: MIT */
/*
 * Half, bfloat16 and single in plain C: round to nearest even, subnormals kept,
 * a NaN stays a NaN of any payload. Gives the values of the hardware instructions.
 */
#ifndef NPU_HALF_H
#define NPU_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t npu_float_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static inline float npu_bits_float(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static inline float npu_half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t exp = h >> 10 & 0x1f;
	uint32_t mant = h & 0x3ff;

	if (exp == 0)		/* zero or subnormal: mant * 2^-24, exact */
		return npu_bits_float(sign | npu_float_bits((float)mant * 0x1p-24f));
	if (exp == 31)
		return npu_bits_float(sign | 0x7f800000 | mant << 13);
	return npu_bits_float(sign | (exp + 112) << 23 | mant << 13);
}

static inline uint16_t npu_float_to_half(float f)
{
	uint32_t u = npu_float_bits(f);
	uint16_t sign = u >> 16 & 0x8000;

	u &= 0x7fffffff;
	if (u > 0x7f800000)
		return sign | 0x7e00;
	if (u >= 0x477ff000)	/* 65520: half way to what would be 65536 */
		return sign | 0x7c00;
	if (u < 0x38800000)	/* below 2^-14: the sum's last bit is worth 2^-24 */
		return sign | (npu_float_bits(npu_bits_float(u) + 0.5f) - 0x3f000000);
	u += 0xfff + (u >> 13 & 1);
	return sign | ((u >> 13) - (112 << 10));
}

static inline float npu_bf16_to_float(uint16_t b)
{
	return npu_bits_float((uint32_t)b << 16);
}

static inline uint16_t npu_float_to_bf16(float f)
{
	uint32_t u = npu_float_bits(f);

	if ((u & 0x7fffffff) > 0x7f800000)
		return u >> 16 | 0x40;
	return (u + 0x7fff + (u >> 16 & 1)) >> 16;
}

/* Unaligned little-endian pieces of memory operands */
static inline uint16_t npu_load_u16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t npu_load_u32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline float npu_load_half(const void *p)
{
	return npu_half_to_float(npu_load_u16(p));
}

#endif

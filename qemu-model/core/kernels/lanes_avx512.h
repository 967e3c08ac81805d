/* SPDX-License-Identifier: MIT */
/*
 * 16 float lanes in one register: what *_lanes.h are written in, for AVX-512.
 * Contracts are the same in each lanes_*.h; n counts lanes from lane 0, 0..16.
 */
#ifndef NPU_LANES_AVX512_H
#define NPU_LANES_AVX512_H

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "exp.h"

#define NPU_LANES(name)	npu_##name##_avx512
/* ATTN's sums: vectors at a time, registers of 16 lanes for each */
#define LANES_GROUP	6
#define LANES_TILE	4

#define LANES_INLINE	static inline __attribute__((always_inline))

typedef __m512 v16;

LANES_INLINE __mmask16 v_mask(uint32_t n)
{
	return (__mmask16)((1u << n) - 1);
}

LANES_INLINE v16 v_set1(float x)
{
	return _mm512_set1_ps(x);
}

LANES_INLINE v16 v_load(const float *p)
{
	return _mm512_loadu_ps(p);
}

/* Lanes past n are zero and their memory is not read */
LANES_INLINE v16 v_load_n(const float *p, uint32_t n)
{
	return _mm512_maskz_loadu_ps(v_mask(n), p);
}

LANES_INLINE void v_store(float *p, v16 v)
{
	_mm512_storeu_ps(p, v);
}

LANES_INLINE void v_store_n(float *p, v16 v, uint32_t n)
{
	_mm512_mask_storeu_ps(p, v_mask(n), v);
}

/* The same of halves; stores round to nearest even */
LANES_INLINE v16 v_load_half(const void *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256(p));
}

LANES_INLINE v16 v_load_half_n(const void *p, uint32_t n)
{
	return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(v_mask(n), p));
}

LANES_INLINE __m256i v_to_half(v16 v)
{
	return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

LANES_INLINE void v_store_half(void *p, v16 v)
{
	_mm256_storeu_si256(p, v_to_half(v));
}

LANES_INLINE void v_store_half_n(void *p, v16 v, uint32_t n)
{
	_mm256_mask_storeu_epi16(p, v_mask(n), v_to_half(v));
}

LANES_INLINE v16 v_round_half(v16 v)
{
	return _mm512_cvtph_ps(v_to_half(v));
}

LANES_INLINE v16 v_add(v16 a, v16 b)
{
	return _mm512_add_ps(a, b);
}

LANES_INLINE v16 v_sub(v16 a, v16 b)
{
	return _mm512_sub_ps(a, b);
}

LANES_INLINE v16 v_mul(v16 a, v16 b)
{
	return _mm512_mul_ps(a, b);
}

LANES_INLINE v16 v_div(v16 a, v16 b)
{
	return _mm512_div_ps(a, b);
}

LANES_INLINE v16 v_fma(v16 a, v16 b, v16 c)
{
	return _mm512_fmadd_ps(a, b, c);
}

LANES_INLINE v16 v_abs(v16 a)
{
	return _mm512_abs_ps(a);
}

/* a > b ? a : b, so b where either is a NaN */
LANES_INLINE v16 v_max(v16 a, v16 b)
{
	return _mm512_max_ps(a, b);
}

/* a in lanes below n, b in the others */
LANES_INLINE v16 v_first(v16 a, v16 b, uint32_t n)
{
	return _mm512_mask_mov_ps(b, v_mask(n), a);
}

/* Bit i: a > b in lane i */
LANES_INLINE uint32_t v_greater(v16 a, v16 b)
{
	return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

/* Lane j and j + 8, then 4, 2, 1 */
LANES_INLINE float v_fold_add(v16 v)
{
	__m256 x = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
	__m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	y = _mm_add_ps(y, _mm_movehl_ps(y, y));
	return _mm_cvtss_f32(_mm_add_ss(y, _mm_shuffle_ps(y, y, 1)));
}

LANES_INLINE float v_fold_max(v16 v)
{
	__m256 x = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
	__m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	y = _mm_max_ps(y, _mm_movehl_ps(y, y));
	return _mm_cvtss_f32(_mm_max_ss(y, _mm_shuffle_ps(y, y, 1)));
}

/* See npu_exp() */
LANES_INLINE v16 v_exp(v16 x)
{
	v16 z = v_fma(x, v_set1(NPU_EXP_LOG2E), v_set1(NPU_EXP_ROUND));
	v16 n = v_sub(z, v_set1(NPU_EXP_ROUND));
	v16 r = v_fma(n, v_set1(-NPU_EXP_LN2_HI), x);
	v16 u, p;

	r = v_fma(n, v_set1(-NPU_EXP_LN2_LO), r);
	u = v_mul(r, r);
	p = v_fma(v_fma(v_set1(NPU_EXP_C5), r, v_set1(NPU_EXP_C4)), u,
		  v_fma(v_set1(NPU_EXP_C3), r, v_set1(NPU_EXP_C2)));
	p = v_fma(p, u, v_fma(v_set1(NPU_EXP_C1), r, v_set1(1.0f)));
	p = _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p),
						 _mm512_slli_epi32(_mm512_castps_si512(z), 23)));
	p = _mm512_mask_mov_ps(p, _mm512_cmp_ps_mask(x, v_set1(NPU_EXP_MIN), _CMP_LT_OQ),
			       v_set1(0.0f));
	p = _mm512_mask_mov_ps(p, _mm512_cmp_ps_mask(x, v_set1(NPU_EXP_MAX), _CMP_GT_OQ),
			       v_set1(INFINITY));
	return _mm512_mask_mov_ps(p, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x);
}

/* Pairs (x0, x1) turned by pairs (cos, sin): {x0 c - x1 s, x0 s + x1 c} */
LANES_INLINE v16 v_rotate_pairs(v16 x, v16 cs)
{
	v16 t = _mm512_mul_ps(_mm512_movehdup_ps(x), _mm512_permute_ps(cs, 0xb1));

	return _mm512_fmaddsub_ps(_mm512_moveldup_ps(x), cs, t);
}

/* 16 pairs at p: first and second elements */
LANES_INLINE void v_load_pairs(const float *p, v16 *first, v16 *second)
{
	const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14,
					       16, 18, 20, 22, 24, 26, 28, 30);
	const __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
	v16 a = v_load(p), b = v_load(p + 16);

	*first = _mm512_permutex2var_ps(a, even, b);
	*second = _mm512_permutex2var_ps(a, odd, b);
}

/* NaN to zero, then to the nearest integer in -127..127; stores them, returns their sum */
LANES_INLINE int32_t v_store_s8(int8_t *q, v16 v)
{
	__m512i i;

	v = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), v);
	v = _mm512_min_ps(_mm512_max_ps(v, v_set1(-127.0f)), v_set1(127.0f));
	i = _mm512_cvt_roundps_epi32(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	_mm_storeu_si128((void *)q, _mm512_cvtepi32_epi8(i));
	return _mm512_reduce_add_epi32(i);
}

#endif

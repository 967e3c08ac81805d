/* SPDX-License-Identifier: MIT */
/*
 * 16 float lanes in two registers: what *_lanes.h are written in, for AVX2, FMA and
 * F16C. Contracts are the same in each lanes_*.h; n counts lanes from lane 0, 0..16.
 */
#ifndef NPU_LANES_AVX2_H
#define NPU_LANES_AVX2_H

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "exp.h"

#define NPU_LANES(name)	npu_##name##_avx2
/* ATTN's sums: vectors at a time, registers of 16 lanes for each */
#define LANES_GROUP	2
#define LANES_TILE	2

#define LANES_INLINE	static inline __attribute__((always_inline))

typedef struct {
	__m256 lo, hi;
} v16;

#define V16_1(f, a)	((v16){ f((a).lo), f((a).hi) })
#define V16_2(f, a, b)	((v16){ f((a).lo, (b).lo), f((a).hi, (b).hi) })

LANES_INLINE v16 v_set1(float x)
{
	return (v16){ _mm256_set1_ps(x), _mm256_set1_ps(x) };
}

LANES_INLINE v16 v_load(const float *p)
{
	return (v16){ _mm256_loadu_ps(p), _mm256_loadu_ps(p + 8) };
}

/* Lanes past n are zero and their memory is not read */
LANES_INLINE v16 v_load_n(const float *p, uint32_t n)
{
	float t[16] = { 0 };

	if (n == 16)
		return v_load(p);
	memcpy(t, p, n * sizeof(*t));
	return v_load(t);
}

LANES_INLINE void v_store(float *p, v16 v)
{
	_mm256_storeu_ps(p, v.lo);
	_mm256_storeu_ps(p + 8, v.hi);
}

LANES_INLINE void v_store_n(float *p, v16 v, uint32_t n)
{
	float t[16];

	if (n == 16) {
		v_store(p, v);
		return;
	}
	v_store(t, v);
	memcpy(p, t, n * sizeof(*t));
}

/* The same of halves; stores round to nearest even */
LANES_INLINE v16 v_load_half(const void *p)
{
	const __m128i *h = p;

	return (v16){ _mm256_cvtph_ps(_mm_loadu_si128(h)),
		      _mm256_cvtph_ps(_mm_loadu_si128(h + 1)) };
}

LANES_INLINE v16 v_load_half_n(const void *p, uint32_t n)
{
	uint16_t t[16] = { 0 };

	if (n == 16)
		return v_load_half(p);
	memcpy(t, p, n * sizeof(*t));
	return v_load_half(t);
}

LANES_INLINE void v_store_half(void *p, v16 v)
{
	__m128i *h = p;

	_mm_storeu_si128(h, _mm256_cvtps_ph(v.lo, _MM_FROUND_TO_NEAREST_INT));
	_mm_storeu_si128(h + 1, _mm256_cvtps_ph(v.hi, _MM_FROUND_TO_NEAREST_INT));
}

LANES_INLINE void v_store_half_n(void *p, v16 v, uint32_t n)
{
	uint16_t t[16];

	v_store_half(t, v);
	memcpy(p, t, n * sizeof(*t));
}

LANES_INLINE v16 v_round_half(v16 v)
{
	return (v16){
		_mm256_cvtph_ps(_mm256_cvtps_ph(v.lo, _MM_FROUND_TO_NEAREST_INT)),
		_mm256_cvtph_ps(_mm256_cvtps_ph(v.hi, _MM_FROUND_TO_NEAREST_INT)),
	};
}

LANES_INLINE v16 v_add(v16 a, v16 b)
{
	return V16_2(_mm256_add_ps, a, b);
}

LANES_INLINE v16 v_sub(v16 a, v16 b)
{
	return V16_2(_mm256_sub_ps, a, b);
}

LANES_INLINE v16 v_mul(v16 a, v16 b)
{
	return V16_2(_mm256_mul_ps, a, b);
}

LANES_INLINE v16 v_div(v16 a, v16 b)
{
	return V16_2(_mm256_div_ps, a, b);
}

LANES_INLINE v16 v_fma(v16 a, v16 b, v16 c)
{
	return (v16){ _mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi) };
}

LANES_INLINE v16 v_abs(v16 a)
{
	v16 sign = v_set1(-0.0f);

	return V16_2(_mm256_andnot_ps, sign, a);
}

/* a > b ? a : b, so b where either is a NaN */
LANES_INLINE v16 v_max(v16 a, v16 b)
{
	return V16_2(_mm256_max_ps, a, b);
}

/* a in lanes below n, b in the others */
LANES_INLINE v16 v_first(v16 a, v16 b, uint32_t n)
{
	const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	__m256i lo = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane);
	__m256i hi = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n - 8), lane);

	return (v16){ _mm256_blendv_ps(b.lo, a.lo, _mm256_castsi256_ps(lo)),
		      _mm256_blendv_ps(b.hi, a.hi, _mm256_castsi256_ps(hi)) };
}

/* Bit i: a > b in lane i */
LANES_INLINE uint32_t v_greater(v16 a, v16 b)
{
	return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_GT_OQ)) |
	       (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a.hi, b.hi, _CMP_GT_OQ)) << 8;
}

/* Lane j and j + 8, then 4, 2, 1 */
LANES_INLINE float v_fold_add(v16 v)
{
	__m256 x = _mm256_add_ps(v.lo, v.hi);
	__m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	y = _mm_add_ps(y, _mm_movehl_ps(y, y));
	return _mm_cvtss_f32(_mm_add_ss(y, _mm_shuffle_ps(y, y, 1)));
}

LANES_INLINE float v_fold_max(v16 v)
{
	__m256 x = _mm256_max_ps(v.lo, v.hi);
	__m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	y = _mm_max_ps(y, _mm_movehl_ps(y, y));
	return _mm_cvtss_f32(_mm_max_ss(y, _mm_shuffle_ps(y, y, 1)));
}

LANES_INLINE __m256 exp8(__m256 x)
{
	__m256 z = _mm256_fmadd_ps(x, _mm256_set1_ps(NPU_EXP_LOG2E),
				   _mm256_set1_ps(NPU_EXP_ROUND));
	__m256 n = _mm256_sub_ps(z, _mm256_set1_ps(NPU_EXP_ROUND));
	__m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-NPU_EXP_LN2_HI), x);
	__m256 u, p;

	r = _mm256_fmadd_ps(n, _mm256_set1_ps(-NPU_EXP_LN2_LO), r);
	u = _mm256_mul_ps(r, r);
	p = _mm256_fmadd_ps(_mm256_fmadd_ps(_mm256_set1_ps(NPU_EXP_C5), r,
					    _mm256_set1_ps(NPU_EXP_C4)), u,
			    _mm256_fmadd_ps(_mm256_set1_ps(NPU_EXP_C3), r,
					    _mm256_set1_ps(NPU_EXP_C2)));
	p = _mm256_fmadd_ps(p, u, _mm256_fmadd_ps(_mm256_set1_ps(NPU_EXP_C1), r,
						  _mm256_set1_ps(1.0f)));
	p = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p),
						 _mm256_slli_epi32(_mm256_castps_si256(z), 23)));
	p = _mm256_andnot_ps(_mm256_cmp_ps(x, _mm256_set1_ps(NPU_EXP_MIN), _CMP_LT_OQ), p);
	p = _mm256_blendv_ps(p, _mm256_set1_ps(INFINITY),
			     _mm256_cmp_ps(x, _mm256_set1_ps(NPU_EXP_MAX), _CMP_GT_OQ));
	return _mm256_blendv_ps(p, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

/* See npu_exp() */
LANES_INLINE v16 v_exp(v16 x)
{
	return V16_1(exp8, x);
}

LANES_INLINE __m256 rotate4(__m256 x, __m256 cs)
{
	__m256 t = _mm256_mul_ps(_mm256_movehdup_ps(x), _mm256_permute_ps(cs, 0xb1));

	return _mm256_fmaddsub_ps(_mm256_moveldup_ps(x), cs, t);
}

/* Pairs (x0, x1) turned by pairs (cos, sin): {x0 c - x1 s, x0 s + x1 c} */
LANES_INLINE v16 v_rotate_pairs(v16 x, v16 cs)
{
	return V16_2(rotate4, x, cs);
}

LANES_INLINE __m256 even_or_odd(__m256 a, __m256 b, const int odd)
{
	__m256 x = odd ? _mm256_shuffle_ps(a, b, 0xdd) : _mm256_shuffle_ps(a, b, 0x88);

	return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}

/* 16 pairs at p: first and second elements */
LANES_INLINE void v_load_pairs(const float *p, v16 *first, v16 *second)
{
	v16 a = v_load(p), b = v_load(p + 16);

	*first = (v16){ even_or_odd(a.lo, a.hi, 0), even_or_odd(b.lo, b.hi, 0) };
	*second = (v16){ even_or_odd(a.lo, a.hi, 1), even_or_odd(b.lo, b.hi, 1) };
}

LANES_INLINE __m256i to_s32(__m256 v)
{
	v = _mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
	v = _mm256_min_ps(_mm256_max_ps(v, _mm256_set1_ps(-127.0f)), _mm256_set1_ps(127.0f));
	return _mm256_cvtps_epi32(v);
}

/* NaN to zero, then to the nearest integer in -127..127; stores them, returns their sum */
LANES_INLINE int32_t v_store_s8(int8_t *q, v16 v)
{
	__m256i lo = to_s32(v.lo), hi = to_s32(v.hi);
	__m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0xd8);
	__m256i sum = _mm256_add_epi32(lo, hi);
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));

	_mm_storeu_si128((void *)q, _mm_packs_epi16(_mm256_castsi256_si128(both),
						    _mm256_extracti128_si256(both, 1)));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

#endif

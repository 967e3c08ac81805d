// SPDX-License-Identifier: MIT
/*
 * MATMUL with AVX2, FMA and F16C: a register is half a strip, 8 rows in 8 lanes. One
 * activation row takes both halves at once, as weights come from memory; up to four
 * take one half after the other, as registers are few.
 */
#include <immintrin.h>
#include <string.h>

#include "impl.h"

#define ALWAYS_INLINE	static inline __attribute__((always_inline))

#define ROWS		4
#define PREFETCH	3072

ALWAYS_INLINE __m256i load32(const void *p)
{
	return _mm256_loadu_si256(p);
}

ALWAYS_INLINE __m256 load_half8(const void *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128(p));
}

ALWAYS_INLINE __m256i load4(const int8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return _mm256_set1_epi32(v);
}

/*
 * Q4_0: u4 * s8 pairs are at most 2 * 15 * 128, eight of them fit 16 bits, so a block
 * needs one widening. 8 rows from q (stride 64) times the block at act.
 */
ALWAYS_INLINE __m256i dot_q4_0(const uint8_t *q, const int8_t *act)
{
	const __m256i low = _mm256_set1_epi8(15);
	__m256i sum = _mm256_setzero_si256();

#pragma GCC unroll 4
	for (int g = 0; g < 4; g++) {
		__m256i w = load32(q + 64 * g);
		__m256i lo = _mm256_and_si256(w, low);
		__m256i hi = _mm256_and_si256(_mm256_srli_epi16(w, 4), low);

		sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(lo, load4(act + 4 * g)));
		sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(hi, load4(act + 16 + 4 * g)));
	}
	return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}

/* One strip times n rows of Q4_0, `halves` halves of it from half `first` on */
ALWAYS_INLINE void strip_q4_0(const struct npu_matmul *a, const uint8_t *w, size_t row,
			      float *out, int first, const int halves, const int n)
{
	const size_t pair_bytes = 64 + 2 * NPU_Q4_0_Q_BYTES;
	const size_t stride = NPU_ACT_Q8_ROW_BYTES((size_t)a->k);
	const int8_t *rec = npu_act_q(a->act, a->k, row);
	size_t blocks = a->k / NPU_QBLOCK;
	__m256 acc[ROWS][2];

	out += 8 * first;
#pragma GCC unroll 4
	for (int i = 0; i < n; i++)
#pragma GCC unroll 2
		for (int h = 0; h < halves; h++)
			acc[i][h] = _mm256_setzero_ps();
	for (size_t b = 0; b < blocks; b++) {
		/* a row's last block stands alone if their count is odd */
		struct npu_qblock blk = npu_qblock_of(w + b / 2 * pair_bytes, b % 2,
						      (b | 1) < blocks, NPU_Q4_0_Q_BYTES);

		if (halves == 2)
			for (size_t at = 0; at < pair_bytes / 2; at += 64)
				_mm_prefetch((const char *)blk.q + PREFETCH + at, _MM_HINT_T0);
#pragma GCC unroll 2
		for (int h = 0; h < halves; h++) {
			const uint8_t *q = blk.q + 32 * (first + h);
			__m256 d = load_half8(blk.scale + 16 * (first + h));

#pragma GCC unroll 4
			for (int i = 0; i < n; i++) {
				const int8_t *act = rec + i * stride;
				const float *da = (const float *)(act +
					NPU_ACT_Q8_SCALE_OFFSET((size_t)a->k)) + b;
				const int32_t *sum = (const int32_t *)(act +
					NPU_ACT_Q8_SUM_OFFSET((size_t)a->k)) + b;
				__m256i offset = _mm256_slli_epi32(_mm256_set1_epi32(*sum), 3);
				__m256i dot = dot_q4_0(q, act + 32 * b);
				__m256 isum = _mm256_cvtepi32_ps(_mm256_sub_epi32(dot, offset));
				__m256 scale = _mm256_mul_ps(d, _mm256_set1_ps(*da));

				acc[i][h] = _mm256_fmadd_ps(isum, scale, acc[i][h]);
			}
		}
	}
#pragma GCC unroll 4
	for (int i = 0; i < n; i++)
#pragma GCC unroll 2
		for (int h = 0; h < halves; h++)
			_mm256_storeu_ps(out + i * a->ldo + 8 * h, acc[i][h]);
}

/*
 * Half a strip of Q8_0 times one row: eight sums an output take half of the registers.
 * Both sides are widened first: u8 * s8 pairs pass 16 bits, where maddubs saturates.
 */
ALWAYS_INLINE void half_strip_q8_0(const struct npu_matmul *a, const uint8_t *w, size_t row,
				   float *out, const int half)
{
	const size_t pair_bytes = 64 + 2 * NPU_Q8_0_Q_BYTES;
	const int8_t *rec = npu_act_q(a->act, a->k, row);
	const float *da = (const float *)(rec + NPU_ACT_Q8_SCALE_OFFSET((size_t)a->k));
	const __m256i offset = _mm256_set1_epi16(128);
	size_t blocks = a->k / NPU_QBLOCK;
	__m256 acc[8];

#pragma GCC unroll 8
	for (int g = 0; g < 8; g++)
		acc[g] = _mm256_setzero_ps();
	for (size_t b = 0; b < blocks; b++) {
		struct npu_qblock blk = npu_qblock_of(w + b / 2 * pair_bytes, b % 2,
						      (b | 1) < blocks, NPU_Q8_0_Q_BYTES);
		__m256 scale = _mm256_mul_ps(load_half8(blk.scale + 16 * half),
					     _mm256_set1_ps(da[b]));

		if (!half)
			for (size_t at = 0; at < pair_bytes / 2; at += 64)
				_mm_prefetch((const char *)blk.q + PREFETCH + at, _MM_HINT_T0);
#pragma GCC unroll 8
		for (int g = 0; g < 8; g++) {
			const __m128i *q = (const void *)(blk.q + 64 * g + 32 * half);
			__m256i x = load4(rec + 32 * b + 4 * g);
			__m256i q0 = _mm256_cvtepu8_epi16(_mm_loadu_si128(q));
			__m256i q1 = _mm256_cvtepu8_epi16(_mm_loadu_si128(q + 1));
			__m256i dot;

			x = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(x));
			/* sums of pairs: lanes {r0, r0, r1, r1, ...} until they are added */
			q0 = _mm256_madd_epi16(_mm256_sub_epi16(q0, offset), x);
			q1 = _mm256_madd_epi16(_mm256_sub_epi16(q1, offset), x);
			dot = _mm256_permute4x64_epi64(_mm256_hadd_epi32(q0, q1), 0xd8);
			acc[g] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scale, acc[g]);
		}
	}
#pragma GCC unroll 4
	for (int g = 0; g < 4; g++)
		acc[g] = _mm256_add_ps(acc[g], acc[g + 4]);
	_mm256_storeu_ps(out + 8 * half, _mm256_add_ps(_mm256_add_ps(acc[0], acc[2]),
						       _mm256_add_ps(acc[1], acc[3])));
}

/* `strips` strips times n rows of floats; w holds floats or halves. */
ALWAYS_INLINE void strip_float(const struct npu_matmul *a, const uint8_t *w, size_t distance,
			       size_t row, float *out, const int is_half, const int n,
			       const int strips)
{
	const float *act = (const float *)a->act + row * a->lda;
	__m256 acc[ROWS][4];

#pragma GCC unroll 4
	for (int i = 0; i < n; i++)
#pragma GCC unroll 4
		for (int s = 0; s < 2 * strips; s++)
			acc[i][s] = _mm256_setzero_ps();
	for (size_t k = 0; k < a->k; k++, w += is_half ? 32 : 64) {
		__m256 weight[4];

#pragma GCC unroll 4
		for (int s = 0; s < 2 * strips; s++) {
			const uint8_t *p = w + s / 2 * distance + (is_half ? 16 : 32) * (s % 2);

			if (s % 2 == 0)
				_mm_prefetch((const char *)p + PREFETCH / strips, _MM_HINT_T0);
			weight[s] = is_half ? load_half8(p) : _mm256_loadu_ps((const float *)p);
		}
#pragma GCC unroll 4
		for (int i = 0; i < n; i++)
#pragma GCC unroll 4
			for (int s = 0; s < 2 * strips; s++)
				acc[i][s] = _mm256_fmadd_ps(weight[s],
							    _mm256_set1_ps(act[i * a->lda + k]),
							    acc[i][s]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < n; i++)
#pragma GCC unroll 4
		for (int s = 0; s < 2 * strips; s++)
			_mm256_storeu_ps(out + i * a->ldo + 8 * s, acc[i][s]);
}

/* A pass of n = 1..4 rows with n known to the compiler */
#define CASES(call) \
	switch (n) { \
	case 1: call(1); break; \
	case 2: call(2); break; \
	case 3: call(3); break; \
	default: call(4); break; \
	}

static void pass_q4_0(const struct npu_matmul *a, const uint8_t *w, size_t row, float *out,
		      size_t n)
{
#define CALL(n) do { \
		strip_q4_0(a, w, row, out, 0, 1, n); \
		strip_q4_0(a, w, row, out, 1, 1, n); \
	} while (0)
	if (n == 1)
		strip_q4_0(a, w, row, out, 0, 2, 1);
	else
		CASES(CALL)
#undef CALL
}

static void pass_q8_0(const struct npu_matmul *a, const uint8_t *w, size_t row, float *out,
		      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		half_strip_q8_0(a, w, row + i, out + i * a->ldo, 0);
		half_strip_q8_0(a, w, row + i, out + i * a->ldo, 1);
	}
}

static void pass_f32(const struct npu_matmul *a, const uint8_t *w, size_t row, float *out,
		     size_t n)
{
#define CALL(n) strip_float(a, w, 0, row, out, 0, n, 1)
	CASES(CALL)
#undef CALL
}

static void pass_f16(const struct npu_matmul *a, const uint8_t *w, size_t row, float *out,
		     size_t n)
{
#define CALL(n) strip_float(a, w, 0, row, out, 1, n, 1)
	CASES(CALL)
#undef CALL
}

ALWAYS_INLINE void matmul(const struct npu_matmul *a, uint32_t wtype, uint32_t first_strip,
			  void (*pass)(const struct npu_matmul *a, const uint8_t *w,
				       size_t row, float *out, size_t n))
{
	size_t distance = npu_strip_bytes(wtype, a->k);

	for (size_t s = first_strip; s < a->strips; s++)
		for (size_t row = 0, n; row < a->m; row += n) {
			n = a->m - row < ROWS ? a->m - row : ROWS;
			pass(a, (const uint8_t *)a->w + s * distance, row,
			     a->out + row * a->ldo + 16 * s, n);
		}
}

/*
 * One row: its two chains a strip are too short of work for the latency of an
 * addition, so two strips go at once. Returns the strips done.
 */
ALWAYS_INLINE uint32_t two_strips(const struct npu_matmul *a, uint32_t wtype)
{
	size_t distance = npu_strip_bytes(wtype, a->k);
	uint32_t s;

	if (a->m != 1)
		return 0;
	for (s = 0; s + 2 <= a->strips; s += 2)
		strip_float(a, (const uint8_t *)a->w + s * distance, distance, 0,
			    a->out + 16 * (size_t)s, wtype == NPU_WTYPE_F16, 1, 2);
	return s;
}

void npu_matmul_f32_avx2(const struct npu_matmul *a)
{
	matmul(a, NPU_WTYPE_F32, two_strips(a, NPU_WTYPE_F32), pass_f32);
}

void npu_matmul_f16_avx2(const struct npu_matmul *a)
{
	matmul(a, NPU_WTYPE_F16, two_strips(a, NPU_WTYPE_F16), pass_f16);
}

void npu_matmul_q8_0_avx2(const struct npu_matmul *a)
{
	matmul(a, NPU_WTYPE_Q8_0, 0, pass_q8_0);
}

void npu_matmul_q4_0_avx2(const struct npu_matmul *a)
{
	matmul(a, NPU_WTYPE_Q4_0, 0, pass_q4_0);
}

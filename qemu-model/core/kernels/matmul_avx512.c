// SPDX-License-Identifier: MIT
/*
 * MATMUL with AVX-512 VNNI: the 16 rows of a strip are the 16 lanes of a register, so each
 * lane runs the specified chain of one output. Up to 12 activation rows share what was
 * unpacked from a strip.
 */
#include <immintrin.h>
#include <string.h>

#include "impl.h"

#define ALWAYS_INLINE	static inline __attribute__((always_inline))

/* Activation rows of one pass: 12 integer and 12 float sums leave 8 registers. */
#define ROWS		12

/* The same for Q8_0, which has eight float sums an output */
#define Q8_ROWS		3

/* How far ahead of the multiplication weights are fetched, bytes */
#define PREFETCH	3072

/*
 * Row i of up to 12 as base[i / 3] + (i % 3) * stride: four pointers and one
 * stride address all rows without an addition.
 */
struct rows {
	const int8_t *q[4];
	const float *scale[4];
	const int32_t *sum[4];
	size_t stride;
};

ALWAYS_INLINE struct rows rows_of(const struct npu_matmul *a, size_t row)
{
	struct rows rows = { .stride = NPU_ACT_Q8_ROW_BYTES((size_t)a->k) };

	for (int i = 0; i < 4; i++) {
		const int8_t *rec = (const int8_t *)a->act + (row + 3 * i) * rows.stride;

		rows.q[i] = rec;
		rows.scale[i] = (const float *)(rec + NPU_ACT_Q8_SCALE_OFFSET((size_t)a->k));
		rows.sum[i] = (const int32_t *)(rec + NPU_ACT_Q8_SUM_OFFSET((size_t)a->k));
	}
	return rows;
}

ALWAYS_INLINE __m512i load4(const int8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return _mm512_set1_epi32(v);
}

#define ROW(rows, field, i) \
	((const void *)((const uint8_t *)(rows)->field[(i) / 3] + (i) % 3 * (rows)->stride))

/* acc[i] += (dot[i] - 8 * sum of q_a) * (d * scale of row i), for block b */
ALWAYS_INLINE void accumulate(__m512 *acc, const __m512i *dot, const struct rows *rows,
			      size_t b, __m512 d, const int n)
{
#pragma GCC unroll 12
	for (int i = 0; i < n; i++) {
		const float *da = ROW(rows, scale, i);
		const int32_t *sum = ROW(rows, sum, i);
		__m512i offset = _mm512_slli_epi32(_mm512_set1_epi32(sum[b]), 3);
		__m512 isum = _mm512_cvtepi32_ps(_mm512_sub_epi32(dot[i], offset));

		acc[i] = _mm512_fmadd_ps(isum, _mm512_mul_ps(d, _mm512_set1_ps(da[b])), acc[i]);
	}
}

ALWAYS_INLINE void block_q4_0(__m512 *acc, const struct rows *rows, size_t b,
			      struct npu_qblock blk, const int n)
{
	const __m512i low = _mm512_set1_epi8(15);
	__m512 d = _mm512_cvtph_ps(_mm256_loadu_si256((const void *)blk.scale));
	__m512i dot[ROWS];

#pragma GCC unroll 12
	for (int i = 0; i < n; i++)
		dot[i] = _mm512_setzero_si512();
#pragma GCC unroll 4
	for (int g = 0; g < 4; g++) {
		__m512i q = _mm512_loadu_si512(blk.q + 64 * g);
		__m512i lo = _mm512_and_si512(q, low);
		__m512i hi = _mm512_and_si512(_mm512_srli_epi16(q, 4), low);

#pragma GCC unroll 12
		for (int i = 0; i < n; i++) {
			const int8_t *act = (const int8_t *)ROW(rows, q, i) + 32 * b + 4 * g;

			dot[i] = _mm512_dpbusd_epi32(dot[i], lo, load4(act));
			dot[i] = _mm512_dpbusd_epi32(dot[i], hi, load4(act + 16));
		}
	}
	accumulate(acc, dot, rows, b, d, n);
}

/* Fetches the weights that a few rows will want soon. */
ALWAYS_INLINE void prefetch(const uint8_t *q, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += 64)
		_mm_prefetch((const char *)q + PREFETCH + at, _MM_HINT_T0);
}

/* One strip times n rows: blocks in pairs, then an odd last one. */
ALWAYS_INLINE void strip_q4_0(const struct npu_matmul *a, const uint8_t *w, size_t row,
			      float *out, const int n)
{
	const size_t pair_bytes = 64 + 2 * NPU_Q4_0_Q_BYTES;
	size_t blocks = a->k / NPU_QBLOCK;
	struct rows rows = rows_of(a, row);
	__m512 acc[ROWS];

#pragma GCC unroll 12
	for (int i = 0; i < n; i++)
		acc[i] = _mm512_setzero_ps();
	for (size_t b = 0; b < blocks; b++, w += b % 2 ? 0 : pair_bytes) {
		/* a row's last block stands alone if their count is odd */
		struct npu_qblock blk = npu_qblock_of(w, b % 2, (b | 1) < blocks,
						      NPU_Q4_0_Q_BYTES);

		if (n <= 4)
			prefetch(blk.q, pair_bytes / 2);
		block_q4_0(acc, &rows, b, blk, n);
	}
#pragma GCC unroll 12
	for (int i = 0; i < n; i++)
		_mm512_storeu_ps(out + i * a->ldo, acc[i]);
}

/* -128 * sum of q_a for each four elements of a block: takes back the weights' offset */
ALWAYS_INLINE void offsets(const int8_t *act, int32_t offset[8])
{
	__m256i sums = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1),
					   _mm256_loadu_si256((const void *)act));

	_mm256_storeu_si256((void *)offset,
			    _mm256_slli_epi32(_mm256_sub_epi32(_mm256_setzero_si256(), sums), 7));
}

/* The same for Q8_0, which has eight sums an output: rows are few, as registers are. */
ALWAYS_INLINE void strip_q8_0(const struct npu_matmul *a, const uint8_t *w, size_t row,
			      float *out, const int n)
{
	const size_t pair_bytes = 64 + 2 * NPU_Q8_0_Q_BYTES;
	size_t blocks = a->k / NPU_QBLOCK;
	struct rows rows = rows_of(a, row);
	__m512 acc[Q8_ROWS][8];

#pragma GCC unroll 3
	for (int i = 0; i < n; i++)
#pragma GCC unroll 8
		for (int g = 0; g < 8; g++)
			acc[i][g] = _mm512_setzero_ps();
	for (size_t b = 0; b < blocks; b++, w += b % 2 ? 0 : pair_bytes) {
		struct npu_qblock blk = npu_qblock_of(w, b % 2, (b | 1) < blocks,
						      NPU_Q8_0_Q_BYTES);
		__m512 d = _mm512_cvtph_ps(_mm256_loadu_si256((const void *)blk.scale));
		__m512 scale[Q8_ROWS];
		int32_t offset[Q8_ROWS][8];

		prefetch(blk.q, pair_bytes / 2);
#pragma GCC unroll 3
		for (int i = 0; i < n; i++) {
			const float *da = ROW(&rows, scale, i);

			scale[i] = _mm512_mul_ps(d, _mm512_set1_ps(da[b]));
			offsets((const int8_t *)ROW(&rows, q, i) + 32 * b, offset[i]);
		}
#pragma GCC unroll 8
		for (int g = 0; g < 8; g++) {
			__m512i q = _mm512_loadu_si512(blk.q + 64 * g);

#pragma GCC unroll 3
			for (int i = 0; i < n; i++) {
				const int8_t *act = (const int8_t *)ROW(&rows, q, i) + 32 * b +
						    4 * g;
				__m512i dot = _mm512_set1_epi32(offset[i][g]);

				dot = _mm512_dpbusd_epi32(dot, q, load4(act));
				acc[i][g] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scale[i],
							    acc[i][g]);
			}
		}
	}
#pragma GCC unroll 3
	for (int i = 0; i < n; i++) {
#pragma GCC unroll 4
		for (int g = 0; g < 4; g++)
			acc[i][g] = _mm512_add_ps(acc[i][g], acc[i][g + 4]);
		_mm512_storeu_ps(out + i * a->ldo,
				 _mm512_add_ps(_mm512_add_ps(acc[i][0], acc[i][2]),
					       _mm512_add_ps(acc[i][1], acc[i][3])));
	}
}

/* One strip times n rows of floats; w holds floats or halves. */
ALWAYS_INLINE void strip_float(const struct npu_matmul *a, const uint8_t *w, size_t distance,
			       size_t row, float *out, const int is_half, const int n,
			       const int strips)
{
	const float *act = (const float *)a->act + row * a->lda;
	__m512 acc[ROWS];

#pragma GCC unroll 12
	for (int i = 0; i < n * strips; i++)
		acc[i] = _mm512_setzero_ps();
	for (size_t k = 0; k < a->k; k++, w += is_half ? 32 : 64) {
		__m512 weight[4];

#pragma GCC unroll 4
		for (int s = 0; s < strips; s++) {
			const uint8_t *p = w + s * distance;

			if (n <= 4)
				_mm_prefetch((const char *)p + PREFETCH / strips, _MM_HINT_T0);
			weight[s] = is_half ?
				_mm512_cvtph_ps(_mm256_loadu_si256((const void *)p)) :
				_mm512_loadu_ps(p);
		}
#pragma GCC unroll 12
		for (int i = 0; i < n; i++)
#pragma GCC unroll 4
			for (int s = 0; s < strips; s++)
				acc[i * strips + s] =
					_mm512_fmadd_ps(weight[s],
							_mm512_set1_ps(act[i * a->lda + k]),
							acc[i * strips + s]);
	}
#pragma GCC unroll 12
	for (int i = 0; i < n * strips; i++)
		_mm512_storeu_ps(out + i / strips * a->ldo + i % strips * 16, acc[i]);
}

/* A pass of n = 1..12 rows with n known to the compiler */
#define CASES(call) \
	switch (n) { \
	case 1: call(1); break; \
	case 2: call(2); break; \
	case 3: call(3); break; \
	case 4: call(4); break; \
	case 5: call(5); break; \
	case 6: call(6); break; \
	case 7: call(7); break; \
	case 8: call(8); break; \
	case 9: call(9); break; \
	case 10: call(10); break; \
	case 11: call(11); break; \
	default: call(12); break; \
	}

/* Rows of the next pass when `left` are left: passes of about equal size, `most` rows at most */
static size_t pass_rows(size_t left, size_t most)
{
	size_t passes = (left + most - 1) / most;

	return (left + passes - 1) / passes;
}

static void pass_q4_0(const struct npu_matmul *a, const uint8_t *w, size_t row, float *out,
		      size_t n)
{
#define CALL(n) strip_q4_0(a, w, row, out, n)
	CASES(CALL)
#undef CALL
}

static void pass_q8_0(const struct npu_matmul *a, const uint8_t *w, size_t row, float *out,
		      size_t n)
{
	switch (n) {
	case 1:
		strip_q8_0(a, w, row, out, 1);
		break;
	case 2:
		strip_q8_0(a, w, row, out, 2);
		break;
	default:
		strip_q8_0(a, w, row, out, 3);
		break;
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
			n = pass_rows(a->m - row, wtype == NPU_WTYPE_Q8_0 ? Q8_ROWS : ROWS);
			pass(a, (const uint8_t *)a->w + s * distance, row,
			     a->out + row * a->ldo + 16 * s, n);
		}
}

/*
 * Few rows: a chain a lane is too short of work for the latency of an addition, so
 * four strips go at once. Returns the strips done.
 */
ALWAYS_INLINE uint32_t four_strips(const struct npu_matmul *a, uint32_t wtype)
{
	size_t distance = npu_strip_bytes(wtype, a->k);
	const int is_half = wtype == NPU_WTYPE_F16;
	uint32_t s;

	if (a->m == 0 || a->m > 3)
		return 0;
	for (s = 0; s + 4 <= a->strips; s += 4) {
		const uint8_t *w = (const uint8_t *)a->w + s * distance;
		float *out = a->out + 16 * (size_t)s;

		if (a->m == 1)
			strip_float(a, w, distance, 0, out, is_half, 1, 4);
		else if (a->m == 2)
			strip_float(a, w, distance, 0, out, is_half, 2, 4);
		else
			strip_float(a, w, distance, 0, out, is_half, 3, 4);
	}
	return s;
}

void npu_matmul_f32_avx512(const struct npu_matmul *a)
{
	matmul(a, NPU_WTYPE_F32, four_strips(a, NPU_WTYPE_F32), pass_f32);
}

void npu_matmul_f16_avx512(const struct npu_matmul *a)
{
	matmul(a, NPU_WTYPE_F16, four_strips(a, NPU_WTYPE_F16), pass_f16);
}

void npu_matmul_q8_0_avx512(const struct npu_matmul *a)
{
	matmul(a, NPU_WTYPE_Q8_0, 0, pass_q8_0);
}

void npu_matmul_q4_0_avx512(const struct npu_matmul *a)
{
	matmul(a, NPU_WTYPE_Q4_0, 0, pass_q4_0);
}

/* SPDX-License-Identifier: MIT */
/*
 * RMSNORM, ROPE, SOFTMAX, EW, ARGMAX, TOPK and SAMPLE in 16 lanes. Included once by each
 * vector_<isa>.c after its lanes_<isa>.h; gives the bits of vector_ref.c.
 */
#include "impl.h"

/* Lanes of the step at j of cols */
LANES_INLINE uint32_t step_of(uint32_t j, uint32_t cols)
{
	return cols - j < 16 ? cols - j : 16;
}

/* Rows whose sums of squares run side by side: one alone waits for each addition */
#define NORM_ROWS	4

LANES_INLINE void squares(const float *x, size_t stride, uint32_t cols, const int rows,
			  double sum[NORM_ROWS])
{
	for (int i = 0; i < rows; i++)
		sum[i] = 0;
	for (uint32_t j = 0; j < cols; j++)
#pragma GCC unroll 4
		for (int i = 0; i < rows; i++) {
			float square = x[i * stride + j] * x[i * stride + j];

			sum[i] += (double)square;
		}
}

void NPU_LANES(rmsnorm)(float *dst, size_t dst_stride, const float *src, size_t src_stride,
			const float *weight, float eps, uint32_t cols, uint32_t rows)
{
	double sum[NORM_ROWS];

	for (size_t i = 0; i < rows; i++) {
		const float *x = src + i * src_stride;
		float *y = dst + i * dst_stride;
		v16 r;

		if (i % NORM_ROWS == 0) {
			if (rows - i >= NORM_ROWS)
				squares(x, src_stride, cols, NORM_ROWS, sum);
			else
				squares(x, src_stride, cols, (int)(rows - i), sum);
		}
		r = v_set1(1.0f / sqrtf((float)(sum[i % NORM_ROWS] / cols) + eps));
		for (uint32_t j = 0; j < cols; j += 16) {
			uint32_t n = step_of(j, cols);
			v16 v = v_mul(v_load_n(x + j, n), r);

			v_store_n(y + j, v_mul(v, v_load_n(weight + j, n)), n);
		}
	}
}

/* pairs (j, j + pairs) from j on */
LANES_INLINE void rotate_halves(float *head, const float *cs, uint32_t pairs, uint32_t j)
{
	for (; j < pairs; j++) {
		float c = cs[2 * j], s = cs[2 * j + 1];
		float x0 = head[j], x1 = head[j + pairs];

		head[j] = fmaf(x0, c, -(x1 * s));
		head[j + pairs] = fmaf(x0, s, x1 * c);
	}
}

LANES_INLINE void rotate_head(float *head, const float *cs, uint32_t n_rot, int half)
{
	uint32_t j, pairs = n_rot / 2;

	if (!half) {
		for (j = 0; j < n_rot; j += 16) {
			uint32_t n = step_of(j, n_rot);

			v_store_n(head + j, v_rotate_pairs(v_load_n(head + j, n),
							   v_load_n(cs + j, n)), n);
		}
		return;
	}
	for (j = 0; j + 16 <= pairs; j += 16) {
		v16 x0 = v_load(head + j), x1 = v_load(head + j + pairs);
		v16 c, s;

		v_load_pairs(cs + 2 * j, &c, &s);
		v_store(head + j, v_fma(x0, c, v_sub(v_set1(-0.0f), v_mul(x1, s))));
		v_store(head + j + pairs, v_fma(x0, s, v_mul(x1, c)));
	}
	rotate_halves(head, cs, pairs, j);
}

void NPU_LANES(rope)(float *x, size_t stride, const float *table, uint32_t n_heads,
		     uint32_t head_dim, uint32_t n_rot, int half, uint32_t rows)
{
	for (size_t i = 0; i < rows; i++)
		for (uint32_t h = 0; h < n_heads; h++)
			rotate_head(x + i * stride + (size_t)h * head_dim, table + i * n_rot,
				    n_rot, half);
}

void NPU_LANES(softmax)(float *dst, size_t dst_stride, const float *src, size_t src_stride,
			float scale, uint32_t cols, uint32_t rows)
{
	const v16 none = v_set1(-INFINITY), factor = v_set1(scale);

	for (size_t i = 0; i < rows; i++) {
		const float *x = src + i * src_stride;
		float *y = dst + i * dst_stride;
		v16 max = none, sum = v_set1(0.0f);

		for (uint32_t j = 0; j < cols; j += 16) {
			uint32_t n = step_of(j, cols);
			v16 t = v_mul(factor, v_load_n(x + j, n));

			max = v_max(v_first(t, none, n), max);
		}
		max = v_set1(v_fold_max(max));
		for (uint32_t j = 0; j < cols; j += 16) {
			uint32_t n = step_of(j, cols);
			v16 e = v_exp(v_sub(v_mul(factor, v_load_n(x + j, n)), max));

			v_store_n(y + j, e, n);
			sum = v_add(sum, v_first(e, v_set1(0.0f), n));
		}
		sum = v_set1(v_fold_add(sum));
		for (uint32_t j = 0; j < cols; j += 16) {
			uint32_t n = step_of(j, cols);

			v_store_n(y + j, v_div(v_load_n(y + j, n), sum), n);
		}
	}
}

LANES_INLINE v16 ew(const int op, v16 imm, v16 a, v16 b)
{
	switch (op) {
	case NPU_EW_ADD:
		return v_add(a, b);
	case NPU_EW_MUL:
		return v_mul(a, b);
	case NPU_EW_SILU_MUL: {
		v16 e = v_exp(v_sub(v_set1(-0.0f), a));

		return v_mul(v_div(a, v_add(v_set1(1.0f), e)), b);
	}
	case NPU_EW_SCALE:
		return v_mul(a, imm);
	}
	return a;
}

LANES_INLINE void ew_rows(const int op, float imm, float *dst, size_t dst_stride, const float *a,
			  size_t a_stride, const float *b, size_t b_stride, uint32_t cols,
			  uint32_t rows)
{
	const int unary = op == NPU_EW_SCALE || op == NPU_EW_COPY;
	const v16 factor = v_set1(imm);

	for (size_t i = 0; i < rows; i++, dst += dst_stride, a += a_stride, b += b_stride)
		for (uint32_t j = 0; j < cols; j += 16) {
			uint32_t n = step_of(j, cols);
			v16 x = v_load_n(a + j, n);

			v_store_n(dst + j, ew(op, factor, x, unary ? x : v_load_n(b + j, n)), n);
		}
}

void NPU_LANES(ew)(uint8_t op, float imm, float *dst, size_t dst_stride, const float *a,
		   size_t a_stride, const float *b, size_t b_stride, uint32_t cols,
		   uint32_t rows)
{
#define ROWS(op) ew_rows(op, imm, dst, dst_stride, a, a_stride, b, b_stride, cols, rows)
	if (op == NPU_EW_SCALE || op == NPU_EW_COPY) {
		b = a;	/* not read */
		b_stride = 0;
	}
	switch (op) {
	case NPU_EW_ADD:
		ROWS(NPU_EW_ADD);
		break;
	case NPU_EW_MUL:
		ROWS(NPU_EW_MUL);
		break;
	case NPU_EW_SILU_MUL:
		ROWS(NPU_EW_SILU_MUL);
		break;
	case NPU_EW_SCALE:
		ROWS(NPU_EW_SCALE);
		break;
	case NPU_EW_COPY:
		ROWS(NPU_EW_COPY);
		break;
	}
#undef ROWS
}

static uint32_t scan(const float *x, uint32_t from, uint32_t n, float t)
{
	const v16 limit = v_set1(t);

	while (from < n) {
		uint32_t len = step_of(from, n);
		uint32_t hit;

		if (n - from >= 64 &&
		    !(v_greater(v_load(x + from), limit) | v_greater(v_load(x + from + 16), limit) |
		      v_greater(v_load(x + from + 32), limit) |
		      v_greater(v_load(x + from + 48), limit))) {
			from += 64;
			continue;
		}
		hit = v_greater(v_first(v_load_n(x + from, len), limit, len), limit);
		if (hit)
			return from + (uint32_t)__builtin_ctz(hit);
		from += len;
	}
	return n;
}

/* The largest, then the first that nothing below it is larger than or equal to */
uint32_t NPU_LANES(argmax)(const float *x, uint32_t n)
{
	const v16 none = v_set1(-INFINITY);
	v16 max = none;
	float best;

	for (uint32_t j = 0; j < n; j += 16) {
		uint32_t len = step_of(j, n);

		max = v_max(v_first(v_load_n(x + j, len), none, len), max);
	}
	best = v_fold_max(max);
	return best > -INFINITY ? scan(x, 0, n, nextafterf(best, -INFINITY)) : 0;
}

static void exp_in_place(float *x, uint32_t n)
{
	for (uint32_t j = 0; j < n; j += 16) {
		uint32_t len = step_of(j, n);

		v_store_n(x + j, v_exp(v_load_n(x + j, len)), len);
	}
}

static const struct npu_sample_ops ops = { scan, exp_in_place, NPU_LANES(argmax) };

void NPU_LANES(topk)(const float *x, uint32_t n, uint32_t k, struct npu_topk_entry *dst,
		     void *work)
{
	npu_topk(&ops, x, n, k, dst, work);
}

uint32_t NPU_LANES(sample)(const float *logits, uint32_t n, const struct npu_sample_params *p,
			   uint64_t counter, void *work)
{
	return npu_sample(&ops, logits, n, p, counter, work);
}

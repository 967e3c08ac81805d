// SPDX-License-Identifier: MIT
/*
 * RMSNORM, ROPE, SOFTMAX, EW and ARGMAX as the specification has them. The sum of RMSNORM runs
 * in double, in order; that of SOFTMAX in 16 lanes, lane j taking the elements j, j + 16, ...,
 * which are then folded.
 */
#include <math.h>

#include "exp.h"
#include "impl.h"

static float fold16(float lane[16])
{
	for (int h = 8; h; h /= 2)
		for (int j = 0; j < h; j++)
			lane[j] += lane[j + h];
	return lane[0];
}

void npu_rmsnorm_ref(float *dst, size_t dst_stride, const float *src, size_t src_stride,
		     const float *weight, float eps, uint32_t cols, uint32_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		const float *x = src + i * src_stride;
		float *y = dst + i * dst_stride;
		double sum = 0;
		float r;

		for (uint32_t j = 0; j < cols; j++) {
			float square = x[j] * x[j];

			sum += (double)square;
		}
		r = 1.0f / sqrtf((float)(sum / cols) + eps);
		for (uint32_t j = 0; j < cols; j++)
			y[j] = x[j] * r * weight[j];
	}
}

void npu_rope_ref(float *x, size_t stride, const float *table, uint32_t n_heads,
		  uint32_t head_dim, uint32_t n_rot, int half, uint32_t rows)
{
	uint32_t step = half ? 1 : 2, apart = half ? n_rot / 2 : 1;

	for (size_t i = 0; i < rows; i++)
		for (uint32_t h = 0; h < n_heads; h++) {
			const float *cs = table + i * n_rot;
			float *head = x + i * stride + (size_t)h * head_dim;

			for (uint32_t j = 0; j < n_rot / 2; j++) {
				float c = cs[2 * j], s = cs[2 * j + 1];
				float x0 = head[step * j], x1 = head[step * j + apart];

				head[step * j] = fmaf(x0, c, -(x1 * s));
				head[step * j + apart] = fmaf(x0, s, x1 * c);
			}
		}
}

void npu_softmax_ref(float *dst, size_t dst_stride, const float *src, size_t src_stride,
		     float scale, uint32_t cols, uint32_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		const float *x = src + i * src_stride;
		float *y = dst + i * dst_stride;
		float lane[16] = { 0 };
		float max = -INFINITY, sum;

		for (uint32_t j = 0; j < cols; j++) {
			float t = scale * x[j];

			max = t > max ? t : max;	/* a NaN is never larger */
		}
		for (uint32_t j = 0; j < cols; j++) {
			y[j] = npu_exp(scale * x[j] - max);
			lane[j % 16] += y[j];
		}
		sum = fold16(lane);
		for (uint32_t j = 0; j < cols; j++)
			y[j] = y[j] / sum;
	}
}

static float ew(uint8_t op, float imm, float a, float b)
{
	switch (op) {
	case NPU_EW_ADD:
		return a + b;
	case NPU_EW_MUL:
		return a * b;
	case NPU_EW_SILU_MUL:
		return a / (1.0f + npu_exp(-a)) * b;
	case NPU_EW_SCALE:
		return a * imm;
	}
	return a;
}

void npu_ew_ref(uint8_t op, float imm, float *dst, size_t dst_stride, const float *a,
		size_t a_stride, const float *b, size_t b_stride, uint32_t cols,
		uint32_t rows)
{
	int unary = op == NPU_EW_SCALE || op == NPU_EW_COPY;

	for (size_t i = 0; i < rows; i++)
		for (uint32_t j = 0; j < cols; j++)
			dst[i * dst_stride + j] = ew(op, imm, a[i * a_stride + j],
						     unary ? 0.0f : b[i * b_stride + j]);
}

uint32_t npu_argmax_ref(const float *x, uint32_t n)
{
	float best = -INFINITY;
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++)
		if (x[i] > best) {	/* a NaN is never larger */
			best = x[i];
			at = i;
		}
	return at;
}

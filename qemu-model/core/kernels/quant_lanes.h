/* SPDX-License-Identifier: MIT */
/*
 * QUANT, CONVERT and KV_STORE in 16 lanes. Included once by each quant_<isa>.c after its
 * lanes_<isa>.h; gives the bits of quant_ref.c.
 */
#include "impl.h"

/* Lanes of the step at j of n */
LANES_INLINE uint32_t step_of(uint32_t j, uint32_t n)
{
	return n - j < 16 ? n - j : 16;
}

/* One block of 32: q, returns its scale; sum of q to *sum. */
LANES_INLINE float quant_block(int8_t *q, const float *x, int32_t *sum)
{
	v16 lo = v_load(x), hi = v_load(x + 16), zero = v_set1(0.0f);
	float amax = v_fold_max(v_max(v_abs(hi), v_max(v_abs(lo), zero)));
	v16 id = v_set1(amax != 0.0f ? 127.0f / amax : 0.0f);

	*sum = v_store_s8(q, v_mul(lo, id)) + v_store_s8(q + 16, v_mul(hi, id));
	return npu_half_to_float(npu_float_to_half(amax / 127.0f));
}

void NPU_LANES(quant_q8)(void *dst, const float *src, size_t src_stride, uint32_t cols,
			 uint32_t rows)
{
	const size_t scale_at = NPU_ACT_Q8_SCALE_OFFSET((size_t)cols);
	const size_t sum_at = NPU_ACT_Q8_SUM_OFFSET((size_t)cols);
	const size_t size = NPU_ACT_Q8_ROW_BYTES((size_t)cols);
	const size_t blocks = cols / NPU_QBLOCK;

	for (size_t i = 0; i < rows; i++) {
		uint8_t *rec = (uint8_t *)dst + i * size;
		float *scale = (float *)(rec + scale_at);
		int32_t *sum = (int32_t *)(rec + sum_at);

		for (size_t b = 0; b < blocks; b++)
			scale[b] = quant_block((int8_t *)rec + b * NPU_QBLOCK,
					       src + i * src_stride + b * NPU_QBLOCK, &sum[b]);
		memset(rec + cols, 0, scale_at - cols);
		memset(scale + blocks, 0, sum_at - scale_at - 4 * blocks);
		memset(sum + blocks, 0, size - sum_at - 4 * blocks);
	}
}

void NPU_LANES(quant_f16r)(float *dst, size_t dst_stride, const float *src, size_t src_stride,
			   uint32_t cols, uint32_t rows)
{
	for (size_t i = 0; i < rows; i++)
		for (uint32_t j = 0; j < cols; j += 16) {
			uint32_t n = step_of(j, cols);

			v_store_n(dst + i * dst_stride + j,
				  v_round_half(v_load_n(src + i * src_stride + j, n)), n);
		}
}

void NPU_LANES(convert)(void *dst, uint8_t dst_type, const void *src, uint8_t src_type, uint32_t n)
{
	if (dst_type == NPU_DTYPE_F16 && src_type == NPU_DTYPE_F32) {
		NPU_LANES(kv_store_v)(src, n, dst);
	} else if (dst_type == NPU_DTYPE_F32 && src_type == NPU_DTYPE_F16) {
		for (uint32_t i = 0; i < n; i += 16)
			v_store_n((float *)dst + i,
				  v_load_half_n((const uint16_t *)src + i, step_of(i, n)),
				  step_of(i, n));
	} else {	/* rare */
		npu_convert_ref(dst, dst_type, src, src_type, n);
	}
}

/* A row at a time, 16 dimensions a step; the strip has them 16 halves apart. */
void NPU_LANES(kv_store_k)(const float *src, size_t src_stride, uint32_t dims, uint32_t first,
			   uint32_t count, void *dst)
{
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t d = 0; d < dims; d += 16) {
			uint16_t *to = (uint16_t *)dst + 16 * (size_t)d + first + i;
			uint32_t n = step_of(d, dims);
			uint16_t h[16];

			v_store_half(h, v_load_n(src + i * src_stride + d, n));
			for (uint32_t j = 0; j < n; j++)
				memcpy(to + 16 * j, &h[j], sizeof(h[j]));
		}
}

void NPU_LANES(kv_store_v)(const float *src, uint32_t dims, void *dst)
{
	for (uint32_t d = 0; d < dims; d += 16)
		v_store_half_n((uint16_t *)dst + d, v_load_n(src + d, step_of(d, dims)),
			       step_of(d, dims));
}

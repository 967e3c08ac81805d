// SPDX-License-Identifier: MIT
/*
 * QUANT, CONVERT and KV_STORE as the specification has them: everything that rounds a
 * float to something smaller.
 */
#include <math.h>

#include "half.h"
#include "impl.h"

/* One block of 32: q, returns its scale; sum of q to *sum. */
static float quant_block(int8_t q[NPU_QBLOCK], const float *x, int32_t *sum)
{
	float amax = 0.0f, id;

	for (int j = 0; j < NPU_QBLOCK; j++) {
		float v = fabsf(x[j]);

		amax = v > amax ? v : amax;	/* a NaN is never larger */
	}
	id = amax != 0.0f ? 127.0f / amax : 0.0f;
	*sum = 0;
	for (int j = 0; j < NPU_QBLOCK; j++) {
		float v = x[j] * id;

		if (v != v)
			v = 0.0f;
		v = v > 127.0f ? 127.0f : v < -127.0f ? -127.0f : v;
		q[j] = (int8_t)rintf(v);
		*sum += q[j];
	}
	return npu_half_to_float(npu_float_to_half(amax / 127.0f));
}

void npu_quant_q8_ref(void *dst, const float *src, size_t src_stride, uint32_t cols,
		      uint32_t rows)
{
	size_t blocks = cols / NPU_QBLOCK;

	for (size_t i = 0; i < rows; i++) {
		uint8_t *rec = (uint8_t *)dst + i * NPU_ACT_Q8_ROW_BYTES((size_t)cols);

		memset(rec, 0, NPU_ACT_Q8_ROW_BYTES((size_t)cols));
		for (size_t b = 0; b < blocks; b++) {
			int32_t sum;
			float d = quant_block((int8_t *)rec + b * NPU_QBLOCK,
					      src + i * src_stride + b * NPU_QBLOCK, &sum);

			memcpy(rec + NPU_ACT_Q8_SCALE_OFFSET((size_t)cols) + 4 * b, &d, 4);
			memcpy(rec + NPU_ACT_Q8_SUM_OFFSET((size_t)cols) + 4 * b, &sum, 4);
		}
	}
}

void npu_quant_f16r_ref(float *dst, size_t dst_stride, const float *src, size_t src_stride,
			uint32_t cols, uint32_t rows)
{
	for (size_t i = 0; i < rows; i++)
		for (uint32_t j = 0; j < cols; j++)
			dst[i * dst_stride + j] =
				npu_half_to_float(npu_float_to_half(src[i * src_stride + j]));
}

static float load(const uint8_t *p, uint8_t type)
{
	float f;

	if (type == NPU_DTYPE_F16)
		return npu_load_half(p);
	if (type == NPU_DTYPE_BF16)
		return npu_bf16_to_float(npu_load_u16(p));
	memcpy(&f, p, sizeof(f));
	return f;
}

static void store(uint8_t *p, uint8_t type, float f)
{
	uint16_t h;

	if (type == NPU_DTYPE_F32) {
		memcpy(p, &f, sizeof(f));
		return;
	}
	h = type == NPU_DTYPE_F16 ? npu_float_to_half(f) : npu_float_to_bf16(f);
	memcpy(p, &h, sizeof(h));
}

void npu_convert_ref(void *dst, uint8_t dst_type, const void *src, uint8_t src_type, uint32_t n)
{
	size_t to = dst_type == NPU_DTYPE_F32 ? 4 : 2;
	size_t from = src_type == NPU_DTYPE_F32 ? 4 : 2;

	if (dst_type == src_type) {	/* a copy, bit for bit */
		memcpy(dst, src, n * to);
		return;
	}
	for (size_t i = 0; i < n; i++)
		store((uint8_t *)dst + i * to, dst_type,
		      load((const uint8_t *)src + i * from, src_type));
}

void npu_kv_store_k_ref(const float *src, size_t src_stride, uint32_t dims, uint32_t first,
			uint32_t count, void *dst)
{
	uint8_t *strip = dst;

	for (uint32_t d = 0; d < dims; d++)
		for (uint32_t i = 0; i < count; i++)
			store(strip + 2 * (16 * (size_t)d + first + i), NPU_DTYPE_F16,
			      src[i * src_stride + d]);
}

void npu_kv_store_v_ref(const float *src, uint32_t dims, void *dst)
{
	for (uint32_t d = 0; d < dims; d++)
		store((uint8_t *)dst + 2 * (size_t)d, NPU_DTYPE_F16, src[d]);
}

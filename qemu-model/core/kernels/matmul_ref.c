// SPDX-License-Identifier: MIT
/*
 * MATMUL as the specification has it: one chain of fused multiply-adds an output, in
 * ascending order of k (floats) or of blocks of 32 (quantised). The other matmul_*.c
 * give these bits.
 */
#include <math.h>

#include "half.h"
#include "impl.h"

/* acc[r] = out[i][16s + r], or zero where the sums start */
static void load_acc(const struct npu_matmul *a, const float *out, float acc[16])
{
	for (int r = 0; r < 16; r++)
		acc[r] = a->k0 ? out[r] : 0.0f;
}

static float weight(const uint8_t *w, size_t index, int is_half)
{
	float f;

	if (is_half)
		return npu_load_half(w + 2 * index);
	memcpy(&f, w + 4 * index, sizeof(f));
	return f;
}

static void matmul_float(const struct npu_matmul *a, uint32_t wtype)
{
	size_t distance = npu_strip_bytes(wtype, a->k);

	for (uint32_t s = 0; s < a->strips; s++) {
		const uint8_t *w = (const uint8_t *)a->w + s * distance;

		for (size_t i = 0; i < a->m; i++) {
			const float *act = (const float *)a->act + i * a->lda;
			float *out = a->out + i * a->ldo + 16 * (size_t)s;
			float acc[16];

			load_acc(a, out, acc);
			for (uint32_t k = a->k0; k < a->k1; k++)
				for (int r = 0; r < 16; r++)
					acc[r] = fmaf(weight(w, (size_t)(k - a->k0) * 16 + r,
							     wtype == NPU_WTYPE_F16),
						      act[k], acc[r]);
			memcpy(out, acc, sizeof(acc));
		}
	}
}

/* sum over the block of q_w * q_a, q_w without its offset, modulo 2^32 */
static int32_t dot_q8_0(const uint8_t *q, const int8_t *act, int r, int32_t asum)
{
	int32_t sum = 0;

	for (int g = 0; g < 8; g++)
		for (int j = 0; j < 4; j++)
			sum += q[64 * g + 4 * r + j] * act[4 * g + j];
	return (int32_t)((uint32_t)sum - 128 * (uint32_t)asum);
}

static int32_t dot_q4_0(const uint8_t *q, const int8_t *act, int r, int32_t asum)
{
	int32_t sum = 0;

	for (int g = 0; g < 4; g++)
		for (int j = 0; j < 4; j++) {
			uint8_t b = q[64 * g + 4 * r + j];

			sum += (b & 15) * act[4 * g + j] + (b >> 4) * act[16 + 4 * g + j];
		}
	return (int32_t)((uint32_t)sum - 8 * (uint32_t)asum);
}

static void matmul_quant(const struct npu_matmul *a, uint32_t wtype, size_t q_bytes,
			 int32_t (*dot)(const uint8_t *q, const int8_t *act, int r,
					int32_t asum))
{
	size_t distance = npu_strip_bytes(wtype, a->k);
	uint32_t b0 = a->k0 / NPU_QBLOCK, b1 = a->k1 / NPU_QBLOCK;

	for (uint32_t s = 0; s < a->strips; s++) {
		const uint8_t *w = (const uint8_t *)a->w + s * distance;

		for (size_t i = 0; i < a->m; i++) {
			const int8_t *act = npu_act_q(a->act, a->k, i);
			float *out = a->out + i * a->ldo + 16 * (size_t)s;
			float acc[16];

			load_acc(a, out, acc);
			for (uint32_t b = b0; b < b1; b++) {
				const uint8_t *pair = w + (size_t)(b - b0) / 2 *
						      (64 + 2 * q_bytes);
				/* the row's last block stands alone if their count is odd */
				struct npu_qblock blk = npu_qblock_of(pair, b % 2,
					(b | 1) < a->k / NPU_QBLOCK, q_bytes);
				float da;
				int32_t asum;

				memcpy(&da, act + NPU_ACT_Q8_SCALE_OFFSET((size_t)a->k) + 4 * b, 4);
				memcpy(&asum, act + NPU_ACT_Q8_SUM_OFFSET((size_t)a->k) + 4 * b, 4);
				for (int r = 0; r < 16; r++) {
					float s1 = npu_load_half(blk.scale + 2 * r) * da;

					acc[r] = fmaf((float)dot(blk.q, act + 32 * b, r, asum),
						      s1, acc[r]);
				}
			}
			memcpy(out, acc, sizeof(acc));
		}
	}
}

void npu_matmul_f32_ref(const struct npu_matmul *a)
{
	matmul_float(a, NPU_WTYPE_F32);
}

void npu_matmul_f16_ref(const struct npu_matmul *a)
{
	matmul_float(a, NPU_WTYPE_F16);
}

void npu_matmul_q8_0_ref(const struct npu_matmul *a)
{
	matmul_quant(a, NPU_WTYPE_Q8_0, NPU_Q8_0_Q_BYTES, dot_q8_0);
}

void npu_matmul_q4_0_ref(const struct npu_matmul *a)
{
	matmul_quant(a, NPU_WTYPE_Q4_0, NPU_Q4_0_Q_BYTES, dot_q4_0);
}

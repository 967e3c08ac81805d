// SPDX-License-Identifier: MIT
/*
 * MATMUL as the specification has it: one chain of fused multiply-adds an output, in
 * ascending order of k (floats) or of blocks of 32 (quantised); Q8_0 has eight, one for each
 * group of four elements of a block. The other matmul_*.c give these bits.
 */
#include <math.h>

#include "half.h"
#include "impl.h"

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
			float acc[16] = { 0 };

			for (uint32_t k = 0; k < a->k; k++)
				for (int r = 0; r < 16; r++)
					acc[r] = fmaf(weight(w, (size_t)k * 16 + r,
							     wtype == NPU_WTYPE_F16),
						      act[k], acc[r]);
			memcpy(out, acc, sizeof(acc));
		}
	}
}

/* What a block of row i of the activations holds */
struct act_block {
	const int8_t *q;
	float scale;
	int32_t sum;
};

static struct act_block act_block_of(const struct npu_matmul *a, size_t i, uint32_t b)
{
	const int8_t *rec = npu_act_q(a->act, a->k, i);
	struct act_block blk = { .q = rec + NPU_QBLOCK * b };

	memcpy(&blk.scale, rec + NPU_ACT_Q8_SCALE_OFFSET((size_t)a->k) + 4 * b, 4);
	memcpy(&blk.sum, rec + NPU_ACT_Q8_SUM_OFFSET((size_t)a->k) + 4 * b, 4);
	return blk;
}

static struct npu_qblock weight_block_of(const struct npu_matmul *a, const uint8_t *w, uint32_t b,
					 size_t q_bytes)
{
	/* a row's last block stands alone if their count is odd */
	return npu_qblock_of(w + (size_t)b / 2 * (64 + 2 * q_bytes), b % 2,
			     (b | 1) < a->k / NPU_QBLOCK, q_bytes);
}

/* sum over four elements of q_w * q_a, q_w without its offset */
static int32_t dot_q8_0(const uint8_t *q, const int8_t *act)
{
	int32_t sum = 0;

	for (int j = 0; j < 4; j++)
		sum += (q[j] - 128) * act[j];
	return sum;
}

static float output_q8_0(const struct npu_matmul *a, const uint8_t *w, size_t i, int r)
{
	float lane[8] = { 0 };

	for (uint32_t b = 0; b < a->k / NPU_QBLOCK; b++) {
		struct npu_qblock blk = weight_block_of(a, w, b, NPU_Q8_0_Q_BYTES);
		struct act_block act = act_block_of(a, i, b);
		float scale = npu_load_half(blk.scale + 2 * r) * act.scale;

		for (int g = 0; g < 8; g++)
			lane[g] = fmaf((float)dot_q8_0(blk.q + 64 * g + 4 * r, act.q + 4 * g),
				       scale, lane[g]);
	}
	for (int h = 4; h; h /= 2)
		for (int g = 0; g < h; g++)
			lane[g] += lane[g + h];
	return lane[0];
}

/* sum over the block of q_w * q_a, q_w without its offset, modulo 2^32 */
static int32_t dot_q4_0(const uint8_t *q, const int8_t *act, int32_t asum)
{
	int32_t sum = 0;

	for (int g = 0; g < 4; g++)
		for (int j = 0; j < 4; j++) {
			uint8_t b = q[64 * g + j];

			sum += (b & 15) * act[4 * g + j] + (b >> 4) * act[16 + 4 * g + j];
		}
	return (int32_t)((uint32_t)sum - 8 * (uint32_t)asum);
}

static float output_q4_0(const struct npu_matmul *a, const uint8_t *w, size_t i, int r)
{
	float acc = 0;

	for (uint32_t b = 0; b < a->k / NPU_QBLOCK; b++) {
		struct npu_qblock blk = weight_block_of(a, w, b, NPU_Q4_0_Q_BYTES);
		struct act_block act = act_block_of(a, i, b);
		float scale = npu_load_half(blk.scale + 2 * r) * act.scale;

		acc = fmaf((float)dot_q4_0(blk.q + 4 * r, act.q, act.sum), scale, acc);
	}
	return acc;
}

static void matmul_quant(const struct npu_matmul *a, uint32_t wtype,
			 float (*output)(const struct npu_matmul *a, const uint8_t *w, size_t i,
					 int r))
{
	size_t distance = npu_strip_bytes(wtype, a->k);

	for (uint32_t s = 0; s < a->strips; s++)
		for (size_t i = 0; i < a->m; i++)
			for (int r = 0; r < 16; r++)
				a->out[i * a->ldo + 16 * (size_t)s + r] =
					output(a, (const uint8_t *)a->w + s * distance, i, r);
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
	matmul_quant(a, NPU_WTYPE_Q8_0, output_q8_0);
}

void npu_matmul_q4_0_ref(const struct npu_matmul *a)
{
	matmul_quant(a, NPU_WTYPE_Q4_0, output_q4_0);
}

// SPDX-License-Identifier: MIT
/*
 * RELAYOUT and WROWS: weights from GGUF rows into strips, and rows of strips back as
 * floats. Both move data; the one rounding is the product value * scale.
 */
#include "half.h"
#include "impl.h"

void npu_wrow_f32(const void *w, uint32_t r, uint32_t k, float *dst)
{
	for (size_t i = 0; i < k; i++)
		memcpy(dst + i, (const uint8_t *)w + 4 * (16 * i + r), 4);
}

void npu_wrow_f16(const void *w, uint32_t r, uint32_t k, float *dst)
{
	for (size_t i = 0; i < k; i++)
		dst[i] = npu_load_half((const uint8_t *)w + 2 * (16 * i + r));
}

void npu_wrow_q8_0(const void *w, uint32_t r, uint32_t k, float *dst)
{
	uint32_t blocks = k / NPU_QBLOCK;

	for (uint32_t b = 0; b < blocks; b++) {
		const uint8_t *pair = (const uint8_t *)w +
				      (size_t)(b / 2) * 2 * NPU_Q8_0_BLOCK_BYTES;
		struct npu_qblock blk = npu_qblock_of(pair, b % 2, (b | 1) < blocks,
						      NPU_Q8_0_Q_BYTES);
		float d = npu_load_half(blk.scale + 2 * r);

		for (int i = 0; i < NPU_QBLOCK; i++)
			*dst++ = (float)(blk.q[64 * (i / 4) + 4 * r + i % 4] - 128) * d;
	}
}

void npu_wrow_q4_0(const void *w, uint32_t r, uint32_t k, float *dst)
{
	uint32_t blocks = k / NPU_QBLOCK;

	for (uint32_t b = 0; b < blocks; b++) {
		const uint8_t *pair = (const uint8_t *)w +
				      (size_t)(b / 2) * 2 * NPU_Q4_0_BLOCK_BYTES;
		struct npu_qblock blk = npu_qblock_of(pair, b % 2, (b | 1) < blocks,
						      NPU_Q4_0_Q_BYTES);
		float d = npu_load_half(blk.scale + 2 * r);

		for (int i = 0; i < NPU_QBLOCK; i++) {
			uint8_t q = blk.q[64 * (i % 16 / 4) + 4 * r + i % 4];

			*dst++ = (float)((i < 16 ? q & 15 : q >> 4) - 8) * d;
		}
	}
}

void npu_relayout_f32(const void *const row[NPU_STRIP_ROWS], uint32_t k, void *dst)
{
	uint8_t *out = dst;

	for (size_t i = 0; i < k; i++)
		for (int r = 0; r < NPU_STRIP_ROWS; r++, out += 4) {
			uint32_t v = row[r] ? npu_load_u32((const uint8_t *)row[r] + 4 * i) : 0;

			memcpy(out, &v, 4);
		}
}

void npu_relayout_f16(const void *const row[NPU_STRIP_ROWS], uint32_t k, void *dst)
{
	uint8_t *out = dst;

	for (size_t i = 0; i < k; i++)
		for (int r = 0; r < NPU_STRIP_ROWS; r++, out += 2) {
			uint16_t v = row[r] ? npu_load_u16((const uint8_t *)row[r] + 2 * i) : 0;

			memcpy(out, &v, 2);
		}
}

/*
 * Q8_0 and Q4_0 blocks {half d; u8 q[4 * groups]}: q goes over four bytes at a time, with
 * `flip` turning signed values into value + 128. A row of zeros has scale zero.
 */
static inline void relayout_quant(const void *const row[NPU_STRIP_ROWS], uint32_t k, void *dst,
				  uint32_t groups, uint32_t flip, uint32_t zero)
{
	uint32_t blocks = k / NPU_QBLOCK;
	size_t q_bytes = 64 * groups, from = 2 + 4 * groups;

	for (uint32_t b = 0; b < blocks; b++) {
		uint8_t *pair = (uint8_t *)dst + (size_t)(b / 2) * (64 + 2 * q_bytes);
		uint8_t *scale = pair + 32 * (b % 2);
		uint8_t *q = pair + ((b | 1) < blocks ? 64 : 32) + q_bytes * (b % 2);

		for (int r = 0; r < NPU_STRIP_ROWS; r++) {
			const uint8_t *src = row[r] ? (const uint8_t *)row[r] + b * from : NULL;
			uint16_t d = src ? npu_load_u16(src) : 0;

			memcpy(scale + 2 * r, &d, 2);
			for (uint32_t g = 0; g < groups; g++) {
				uint32_t v = src ? npu_load_u32(src + 2 + 4 * g) ^ flip : zero;

				memcpy(q + 64 * g + 4 * r, &v, 4);
			}
		}
	}
}

void npu_relayout_q8_0(const void *const row[NPU_STRIP_ROWS], uint32_t k, void *dst)
{
	relayout_quant(row, k, dst, 8, 0x80808080, 0x80808080);
}

void npu_relayout_q4_0(const void *const row[NPU_STRIP_ROWS], uint32_t k, void *dst)
{
	relayout_quant(row, k, dst, 4, 0, 0x88888888);
}

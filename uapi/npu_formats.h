/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Data formats: how weights, quantised activations and the KV cache lie in
 * memory and scratchpad. Little-endian throughout. The arithmetic on them is
 * chapter "Arithmetic" of the hardware specification.
 */
#ifndef NPU_FORMATS_H
#define NPU_FORMATS_H

#include "npu_types.h"

/*
 * Weight types. The numbers are the device's own, not GGUF's.
 *
 * A weight matrix w[n][k] is stored in strips of NPU_STRIP_ROWS rows; rows past
 * n in the last strip are zero. Strips follow each other at a distance of
 * NPU_STRIP_BYTES(type, k); the first is aligned to NPU_WEIGHT_ALIGN bytes.
 */
#define NPU_WTYPE_F32	0
#define NPU_WTYPE_F16	1
#define NPU_WTYPE_Q8_0	2
#define NPU_WTYPE_Q4_0	3
#define NPU_WTYPE_COUNT	4

#define NPU_STRIP_ROWS		16
#define NPU_WEIGHT_ALIGN	64
/* Elements of k that share a scale in Q8_0 and Q4_0; k is a multiple of it */
#define NPU_QBLOCK		32

/*
 * Strip layout, r = row in the strip (0..15):
 *
 * F32   float w[k][16]                 64 bytes a k
 * F16   half  w[k][16]                 32 bytes a k
 * Q8_0  pairs of blocks, block b covers k = 32b..32b+31. A pair is
 *         half scale[2][16]            [block in pair][r]
 *         u8   q[2][8][16][4]          [block in pair][g][r][j], k = 32b + 4g + j,
 *                                      holding value + 128
 *       17 cache lines; a last odd block is half such a pair: scale[1], q[1].
 * Q4_0  pairs of blocks likewise:
 *         half scale[2][16]
 *         u8   q[2][4][16][4]          [block in pair][g][r][j]: low nibble
 *                                      k = 32b + 4g + j, high k = 32b + 16 + 4g + j,
 *                                      holding value + 8
 *       9 cache lines a pair.
 *
 * value = q * scale; scales are IEEE half.
 */
#define NPU_Q8_0_BLOCK_BYTES	544	/* one block of one strip */
#define NPU_Q4_0_BLOCK_BYTES	288

/* Bytes of a strip before alignment; 0 for an unknown type. k in elements. */
static inline __u64 npu_strip_payload(__u32 wtype, __u64 k)
{
	switch (wtype) {
	case NPU_WTYPE_F32:
		return k * 64;
	case NPU_WTYPE_F16:
		return k * 32;
	case NPU_WTYPE_Q8_0:
		return k / NPU_QBLOCK * NPU_Q8_0_BLOCK_BYTES;
	case NPU_WTYPE_Q4_0:
		return k / NPU_QBLOCK * NPU_Q4_0_BLOCK_BYTES;
	}
	return 0;
}

/* Distance between strips, bytes. */
static inline __u64 npu_strip_bytes(__u32 wtype, __u64 k)
{
	return NPU_ALIGN_UP(npu_strip_payload(wtype, k), NPU_WEIGHT_ALIGN);
}

/* Bytes of a whole tiled matrix w[n][k]. Caller bounds n and k (NPU_MAX_N, NPU_MAX_K). */
static inline __u64 npu_weight_bytes(__u32 wtype, __u64 n, __u64 k)
{
	return (n + NPU_STRIP_ROWS - 1) / NPU_STRIP_ROWS * npu_strip_bytes(wtype, k);
}

/*
 * Row of w[n][k] as GGUF files hold it, bytes; 0 for an unknown type. This is
 * what RELAYOUT reads: F32 and F16 plain, Q8_0 blocks {half d; s8 q[32]}, Q4_0
 * blocks {half d; u8 q[16]} with element j in the low nibble of q[j] and
 * element j + 16 in the high one, value + 8.
 */
static inline __u64 npu_source_row_bytes(__u32 wtype, __u64 k)
{
	switch (wtype) {
	case NPU_WTYPE_F32:
		return k * 4;
	case NPU_WTYPE_F16:
		return k * 2;
	case NPU_WTYPE_Q8_0:
		return k / NPU_QBLOCK * 34;
	case NPU_WTYPE_Q4_0:
		return k / NPU_QBLOCK * 18;
	}
	return 0;
}

/*
 * Activation types of MATMUL and QUANT.
 *
 * F32  float rows. Goes with weights F32, and with F16 after QUANT to F16R
 *      (values rounded to half, kept as float).
 * Q8   goes with Q8_0 and Q4_0. A row of k elements (multiple of 32) is a record of
 *      NPU_ACT_Q8_ROW_BYTES(k):
 *        s8    q[k]         padded to 64 bytes
 *        float scale[k/32]  padded to 64 bytes; a half's value
 *        s32   sum[k/32]    padded to 64 bytes; sum of q over the block
 */
#define NPU_ATYPE_F32	0
#define NPU_ATYPE_Q8	1
#define NPU_ATYPE_F16R	2	/* QUANT only */

#define NPU_ACT_Q8_SCALE_OFFSET(k) NPU_ALIGN_UP(k, 64)
#define NPU_ACT_Q8_SUM_OFFSET(k) \
	(NPU_ALIGN_UP(k, 64) + NPU_ALIGN_UP((k) / NPU_QBLOCK * 4, 64))
#define NPU_ACT_Q8_ROW_BYTES(k) \
	(NPU_ALIGN_UP(k, 64) + 2 * NPU_ALIGN_UP((k) / NPU_QBLOCK * 4, 64))

/*
 * KV cache of one layer and one KV head, for `capacity` positions (a multiple of 16):
 *
 * K  half k[capacity/16][head_dim][16]   strips of 16 positions, as weights
 * V  half v[capacity][head_dim]
 */
#define NPU_KV_F16	0

static inline __u64 npu_kv_bytes(__u64 capacity, __u64 head_dim)
{
	return capacity * head_dim * 2;
}

/* Positions that one step of the online softmax covers; see ATTENTION. */
#define NPU_ATTN_BLOCK	64

/*
 * Parameters of PENALIZE and SAMPLE, in memory. All 64 bytes are read at each
 * use, so they can change between jobs without a new command buffer.
 */
struct npu_sample_params {
	float temperature;	/* <= 0: arg-max */
	float top_p;		/* >= 1: off */
	float min_p;		/* <= 0: off */
	float repeat_penalty;	/* 1: off; finite, > 0 */
	float frequency_penalty; /* 0: off */
	float presence_penalty;	/* 0: off */
	__u32 top_k;		/* 0: off */
	__u32 pad;		/* zero */
	__u64 seed;		/* key of the counter-based generator */
	__u64 reserved[3];	/* zero */
};
NPU_CHECK_SIZE(struct npu_sample_params, 64);

#endif

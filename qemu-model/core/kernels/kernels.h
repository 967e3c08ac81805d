/* SPDX-License-Identifier: MIT */
/*
 * The device's arithmetic on host pointers: one table of functions for each
 * instruction set, all with the bits of chapter "Arithmetic" of the hardware
 * specification (qemu-model/doc/arithmetic.rst).
 *
 * Every function is pure: no globals, no allocation, no locks; any number of
 * threads may run on disjoint outputs. Operands were checked and translated before:
 * nothing here fails. Values of any kind (NaN, infinities, any bytes as weights) are
 * defined input; counts of zero are allowed and write nothing.
 *
 * Operands in memory may lie in pages that are not contiguous for the host. Functions that
 * read or write memory therefore take a contiguous piece; each says at which
 * places an operand may be cut. A piece that cannot be cut is copied by the caller.
 *
 * The floating-point environment of the calling thread is the default one: round to
 * nearest, subnormals kept.
 *
 * Strides are in elements, of floats unless said otherwise. Floats are aligned to 4
 * bytes, weights and K/V pieces to 2; 64 is faster.
 */
#ifndef NPU_KERNELS_H
#define NPU_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu_formats.h"
#include "npu_cmd.h"
#include "../npu_core.h"	/* enum npu_isa */

/*
 * MATMUL, a part: out[i][16s + r] for i < m, s < strips, r < 16.
 *
 * act   F32, F16 weights: float [m][lda]. Q8_0, Q4_0: m records of
 *       NPU_ACT_Q8_ROW_BYTES(k), 4-byte aligned, lda ignored
 * w     of the first strip; strips are npu_strip_bytes(wtype, k) apart
 * out   float [m][ldo], its column of the first strip
 * k     elements of a row; Q types: a multiple of 32
 * out does not overlap act or w.
 */
struct npu_matmul {
	const void *act;
	size_t lda;
	const void *w;
	float *out;
	size_t ldo;
	uint32_t m;
	uint32_t strips;
	uint32_t k;
};

/*
 * ATTN of m query rows times n_rep heads over one KV head.
 *
 * q      float: row i, head r at q + i * q_stride + r * head_dim
 * out    likewise with out_stride; may be q itself with the same stride
 * state  NPU_ATTN_STATE_FLOATS(head_dim) for each of the m * n_rep vectors
 * work   NPU_ATTN_WORK_FLOATS(head_dim), contents do not matter
 * pos    row i sees positions 0..pos+i
 * half   position by position with sums in half (NPU_CMDF_ATTN_HALF), else in blocks
 * state and work are aligned to 64 bytes.
 */
struct npu_attn {
	const float *q;
	size_t q_stride;
	float *out;
	size_t out_stride;
	float *state;
	float *work;
	uint32_t head_dim;
	uint32_t n_rep;
	uint32_t m;
	uint32_t pos;
	float scale;
	bool half;
};

/* {maximum, sum, 14 unused} and the weighted sum of V, padded to 16 */
#define NPU_ATTN_STATE_FLOATS(head_dim) (16 + NPU_ALIGN_UP((size_t)(head_dim), 16))
/* K and V of a block as floats, and the scores of a few vectors */
#define NPU_ATTN_WORK_FLOATS(head_dim) \
	(2 * NPU_ATTN_BLOCK * NPU_ALIGN_UP((size_t)(head_dim), 16) + 16 * NPU_ATTN_BLOCK)

/*
 * Where positions 64b..64b+63 of a KV head lie: K strips of 16 positions and V groups
 * of 16 rows, head_dim * 32 bytes each. Of the last block only what lies below the
 * largest limit (pos + m positions) is read: K strips that hold such a position, V rows
 * up to it. Other pointers need not be valid.
 */
struct npu_attn_block {
	const void *k[NPU_ATTN_BLOCK / 16];
	const void *v[NPU_ATTN_BLOCK / 16];
};

/* Entry of a TOPK result */
struct npu_topk_entry {
	float value;
	uint32_t index;
};
NPU_CHECK_SIZE(struct npu_topk_entry, 8);

struct npu_kernels {
	enum npu_isa isa;
	const char *name;	/* "scalar", "avx2", "avx512" */

	/* see struct npu_matmul; the atype follows from the weight type */
	void (*matmul[NPU_WTYPE_COUNT])(const struct npu_matmul *a);

	/*
	 * WROWS: dst[k] = row r (0..15) of a strip. A part of a strip works alike, from an
	 * element that is a multiple of 64 (Q types; any for F32, F16): w and dst
	 * point to that element, k is the part's length.
	 */
	void (*wrow[NPU_WTYPE_COUNT])(const void *w, uint32_t r, uint32_t k, float *dst);

	/*
	 * RELAYOUT: 16 rows as GGUF holds them to a strip; row[r] NULL is a row of zeros.
	 * Writes npu_strip_payload(wtype, k) bytes; the caller clears the rest up to
	 * npu_strip_bytes(). Parts of k as for wrow. dst does not overlap a row.
	 */
	void (*relayout[NPU_WTYPE_COUNT])(const void *const row[NPU_STRIP_ROWS], uint32_t k,
					  void *dst);

	/*
	 * KV_STORE into a K strip: rows src[i][d], i < count, d < dims, to positions
	 * first + i (first + count <= 16). dst is the strip at dimension 0 or, with src
	 * moved alike, at any other: 32 bytes a dimension.
	 * V: kv_store_v writes one row or a part of it: dims halves.
	 */
	void (*kv_store_k)(const float *src, size_t src_stride, uint32_t dims, uint32_t first,
			   uint32_t count, void *dst);
	void (*kv_store_v)(const float *src, uint32_t dims, void *dst);

	/*
	 * ATTN: attn_start once, attn_block for blocks 0..(pos + m - 1) / 64 in order,
	 * attn_finish once, which writes out. See struct npu_attn.
	 */
	void (*attn_start)(const struct npu_attn *a);
	void (*attn_block)(const struct npu_attn *a, uint32_t block,
			   const struct npu_attn_block *kv);
	void (*attn_finish)(const struct npu_attn *a);

	/* RMSNORM: dst[i][j] from src[i][j], weight[j]; dst may be src */
	void (*rmsnorm)(float *dst, size_t dst_stride, const float *src, size_t src_stride,
			const float *weight, float eps, uint32_t cols, uint32_t rows);

	/* ROPE in place: x[rows][stride], table[rows][n_rot]; half: NPU_CMDF_ROPE_HALF */
	void (*rope)(float *x, size_t stride, const float *table, uint32_t n_heads,
		     uint32_t head_dim, uint32_t n_rot, int half, uint32_t rows);

	/* SOFTMAX of scale * src, row by row; dst may be src */
	void (*softmax)(float *dst, size_t dst_stride, const float *src, size_t src_stride,
			float scale, uint32_t cols, uint32_t rows);

	/*
	 * EW: dst[i][j] = a[i][j] op b[i][j], op an enum npu_ew below NPU_EW_COUNT; b unused
	 * by SCALE and COPY. dst may be a or b; other overlaps are not allowed.
	 */
	void (*ew)(uint8_t op, float imm, float *dst, size_t dst_stride, const float *a,
		   size_t a_stride, const float *b, size_t b_stride, uint32_t cols,
		   uint32_t rows);

	/* QUANT: rows of cols floats to records (cols a multiple of 32), or rounded to half */
	void (*quant_q8)(void *dst, const float *src, size_t src_stride, uint32_t cols,
			 uint32_t rows);
	void (*quant_f16r)(float *dst, size_t dst_stride, const float *src, size_t src_stride,
			   uint32_t cols, uint32_t rows);

	/* CONVERT: n elements, types are enum npu_dtype; no overlap */
	void (*convert)(void *dst, uint8_t dst_type, const void *src, uint8_t src_type,
			uint32_t n);

	/* ARGMAX of n >= 1 floats */
	uint32_t (*argmax)(const float *x, uint32_t n);

	/*
	 * TOPK: 1 <= k <= n. work is npu_topk_work_bytes(n, k) bytes, 8-byte aligned, and
	 * does not overlap x or dst; dst does not overlap x.
	 */
	void (*topk)(const float *x, uint32_t n, uint32_t k, struct npu_topk_entry *dst,
		     void *work);

	/* PENALIZE in place; work is npu_penalize_work_bytes(count) bytes, 8-byte aligned */
	void (*penalize)(float *logits, uint32_t n, const uint32_t *history, uint32_t count,
			 const struct npu_sample_params *p, void *work);

	/*
	 * SAMPLE: the token drawn from n >= 1 logits, which stay as they are. counter is
	 * the command's; work is npu_sample_work_bytes(n, p) bytes, 8-byte aligned.
	 */
	uint32_t (*sample)(const float *logits, uint32_t n, const struct npu_sample_params *p,
			   uint64_t counter, void *work);
};

#define NPU_EW_COUNT	(NPU_EW_COPY + 1)
#define NPU_DTYPE_COUNT	(NPU_DTYPE_BF16 + 1)

/* The table of an instruction set; NULL if this host does not have it. */
const struct npu_kernels *npu_kernels_get(enum npu_isa isa);

/* "best", "scalar", "avx2", "avx512"; -1 for anything else. */
int npu_isa_parse(const char *name);

/*
 * A whole ATTN from an array of its blocks, (pos + m + 63) / 64 of them: attn_start,
 * attn_block for each, attn_finish.
 */
void npu_attn_run(const struct npu_kernels *kern, const struct npu_attn *a,
		  const struct npu_attn_block *blocks);

/* Bytes of work for n values; never more than 16 * n + 1024. */
size_t npu_topk_work_bytes(uint32_t n, uint32_t k);
size_t npu_penalize_work_bytes(uint32_t count);
size_t npu_sample_work_bytes(uint32_t n, const struct npu_sample_params *p);

#endif

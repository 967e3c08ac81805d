/* SPDX-License-Identifier: MIT */
/*
 * The implementations behind the dispatch tables, one set of names an instruction set:
 * npu_<kernel>_ref, _avx2, _avx512. Contracts are those of struct npu_kernels.
 */
#ifndef NPU_KERNELS_IMPL_H
#define NPU_KERNELS_IMPL_H

#include "kernels.h"

#define NPU_DECLARE_KERNELS(isa) \
	void npu_matmul_f32_##isa(const struct npu_matmul *a); \
	void npu_matmul_f16_##isa(const struct npu_matmul *a); \
	void npu_matmul_q8_0_##isa(const struct npu_matmul *a); \
	void npu_matmul_q4_0_##isa(const struct npu_matmul *a); \
	void npu_kv_store_k_##isa(const float *src, size_t src_stride, uint32_t dims, \
				  uint32_t first, uint32_t count, void *dst); \
	void npu_kv_store_v_##isa(const float *src, uint32_t dims, void *dst); \
	void npu_attn_block_##isa(const struct npu_attn *a, uint32_t block, \
				  const struct npu_attn_block *kv); \
	void npu_rmsnorm_##isa(float *dst, size_t dst_stride, const float *src, \
			       size_t src_stride, const float *weight, float eps, \
			       uint32_t cols, uint32_t rows); \
	void npu_rope_##isa(float *x, size_t stride, const float *table, uint32_t n_heads, \
			    uint32_t head_dim, uint32_t n_rot, int half, uint32_t rows); \
	void npu_softmax_##isa(float *dst, size_t dst_stride, const float *src, \
			       size_t src_stride, float scale, uint32_t cols, \
			       uint32_t rows); \
	void npu_ew_##isa(uint8_t op, float imm, float *dst, size_t dst_stride, \
			  const float *a, size_t a_stride, const float *b, \
			  size_t b_stride, uint32_t cols, uint32_t rows); \
	void npu_quant_q8_##isa(void *dst, const float *src, size_t src_stride, \
				uint32_t cols, uint32_t rows); \
	void npu_quant_f16r_##isa(float *dst, size_t dst_stride, const float *src, \
				  size_t src_stride, uint32_t cols, uint32_t rows); \
	void npu_convert_##isa(void *dst, uint8_t dst_type, const void *src, \
			       uint8_t src_type, uint32_t n); \
	uint32_t npu_argmax_##isa(const float *x, uint32_t n); \
	void npu_topk_##isa(const float *x, uint32_t n, uint32_t k, \
			    struct npu_topk_entry *dst, void *work); \
	uint32_t npu_sample_##isa(const float *logits, uint32_t n, \
				  const struct npu_sample_params *p, uint64_t counter, \
				  void *work)

NPU_DECLARE_KERNELS(ref);
NPU_DECLARE_KERNELS(avx2);
NPU_DECLARE_KERNELS(avx512);

/* One implementation for all: no rounding in them, or no time spent in them. */
void npu_wrow_f32(const void *w, uint32_t r, uint32_t k, float *dst);
void npu_wrow_f16(const void *w, uint32_t r, uint32_t k, float *dst);
void npu_wrow_q8_0(const void *w, uint32_t r, uint32_t k, float *dst);
void npu_wrow_q4_0(const void *w, uint32_t r, uint32_t k, float *dst);
void npu_relayout_f32(const void *const row[NPU_STRIP_ROWS], uint32_t k, void *dst);
void npu_relayout_f16(const void *const row[NPU_STRIP_ROWS], uint32_t k, void *dst);
void npu_relayout_q8_0(const void *const row[NPU_STRIP_ROWS], uint32_t k, void *dst);
void npu_relayout_q4_0(const void *const row[NPU_STRIP_ROWS], uint32_t k, void *dst);
void npu_attn_start(const struct npu_attn *a);
void npu_attn_finish(const struct npu_attn *a);
void npu_penalize(float *logits, uint32_t n, const uint32_t *history, uint32_t count,
		  const struct npu_sample_params *p, void *work);

/*
 * What selection and sampling use of an instruction set:
 * scan  lowest i >= from, i < n, with x[i] > t; n if there is none
 * exp   y[i] = exp(x[i]) in place
 */
struct npu_sample_ops {
	uint32_t (*scan)(const float *x, uint32_t from, uint32_t n, float t);
	void (*exp)(float *x, uint32_t n);
	uint32_t (*argmax)(const float *x, uint32_t n);
};

void npu_topk(const struct npu_sample_ops *ops, const float *x, uint32_t n, uint32_t k,
	      struct npu_topk_entry *dst, void *work);
uint32_t npu_sample(const struct npu_sample_ops *ops, const float *logits, uint32_t n,
		    const struct npu_sample_params *p, uint64_t counter, void *work);

/* Where block b (of 32 elements, even or odd) of a strip of K/32 blocks lies */
struct npu_qblock {
	const uint8_t *scale;	/* half[16] */
	const uint8_t *q;
};

/*
 * pair    the pair of blocks
 * half    bytes of one block's q
 * whole   the pair has two blocks
 */
static inline struct npu_qblock npu_qblock_of(const uint8_t *pair, unsigned int odd,
					      unsigned int whole, size_t half)
{
	return (struct npu_qblock){
		.scale = pair + 32 * odd,
		.q = pair + (whole ? 64 : 32) + half * odd,
	};
}

#define NPU_Q8_0_Q_BYTES	512	/* q of a block of a strip */
#define NPU_Q4_0_Q_BYTES	256

/* The fields of row i of a MATMUL's or QUANT's Q8 records of k elements */
static inline const int8_t *npu_act_q(const void *act, uint32_t k, size_t i)
{
	return (const int8_t *)act + i * NPU_ACT_Q8_ROW_BYTES((size_t)k);
}

#endif

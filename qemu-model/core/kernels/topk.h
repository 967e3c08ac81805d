/* SPDX-License-Identifier: MIT */
/*
 * Selection and sorting that TOPK, PENALIZE and SAMPLE share.
 */
#ifndef NPU_TOPK_H
#define NPU_TOPK_H

#include "impl.h"

/* Bytes of work of npu_topk_inner(); at most 16 * n */
size_t npu_topk_inner_bytes(uint32_t n, uint32_t k);

/* As npu_topk(), but the k entries lie in the first 8 * k bytes of work. */
struct npu_topk_entry *npu_topk_inner(const struct npu_sample_ops *ops, const float *x,
				      uint32_t n, uint32_t k, void *work);

struct npu_sort_item {
	uint32_t key;	/* smaller first */
	uint32_t index;
};
NPU_CHECK_SIZE(struct npu_sort_item, sizeof(struct npu_topk_entry));

/* Sorts by key, equal keys stay in order. a, b: n items each; the result is in b. */
void npu_radix_sort(struct npu_sort_item *a, struct npu_sort_item *b, uint32_t n);

#endif

// SPDX-License-Identifier: MIT
/*
 * TOPK and SAMPLE with plain loops.
 */
#include "exp.h"
#include "impl.h"

static uint32_t scan(const float *x, uint32_t from, uint32_t n, float t)
{
	while (from < n && !(x[from] > t))
		from++;
	return from;
}

static void exp_in_place(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = npu_exp(x[i]);
}

static const struct npu_sample_ops ops = { scan, exp_in_place, npu_argmax_ref };

void npu_topk_ref(const float *x, uint32_t n, uint32_t k, struct npu_topk_entry *dst,
		  void *work)
{
	npu_topk(&ops, x, n, k, dst, work);
}

uint32_t npu_sample_ref(const float *logits, uint32_t n, const struct npu_sample_params *p,
			uint64_t counter, void *work)
{
	return npu_sample(&ops, logits, n, p, counter, work);
}

// SPDX-License-Identifier: MIT
/*
 * PENALIZE and SAMPLE, after llama.cpp's samplers: penalties, top-k, top-p, min-p,
 * temperature, a draw. All sums run in the order of the candidates, so the token is the
 * same on every instruction set.
 */
#include <math.h>

#include "half.h"
#include "philox.h"
#include "topk.h"

/* Histories up to this long are sorted by insertion */
#define SORT_MIN	128

size_t npu_penalize_work_bytes(uint32_t count)
{
	return 2 * sizeof(struct npu_sort_item) * (size_t)count;
}

/* The ids in order; a, b: count items each. Returns a or b. */
static struct npu_sort_item *sort_ids(const uint32_t *ids, uint32_t count,
				      struct npu_sort_item *a, struct npu_sort_item *b)
{
	for (uint32_t i = 0; i < count; i++) {
		struct npu_sort_item item = { ids[i], 0 };
		uint32_t at = i;

		if (count <= SORT_MIN)
			for (; at > 0 && a[at - 1].key > item.key; at--)
				a[at] = a[at - 1];
		a[at] = item;
	}
	if (count <= SORT_MIN)
		return a;
	npu_radix_sort(a, b, count);
	return b;
}

static float penalized(float x, uint32_t times, const struct npu_sample_params *p)
{
	x = x > 0.0f ? x / p->repeat_penalty : x * p->repeat_penalty;
	return x - ((float)times * p->frequency_penalty + p->presence_penalty);
}

void npu_penalize(float *logits, uint32_t n, const uint32_t *history, uint32_t count,
		  const struct npu_sample_params *p, void *work)
{
	struct npu_sort_item *a = work;
	const struct npu_sort_item *id = sort_ids(history, count, a, a + count);

	for (uint32_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && id[end].key == id[i].key; end++)
			;
		if (id[i].key < n)
			logits[id[i].key] = penalized(logits[id[i].key], end - i, p);
	}
}

static uint32_t candidates(uint32_t n, const struct npu_sample_params *p)
{
	return p->top_k == 0 || p->top_k > n ? n : p->top_k;
}

size_t npu_sample_work_bytes(uint32_t n, const struct npu_sample_params *p)
{
	return npu_topk_inner_bytes(n, candidates(n, p));
}

static float sum_in_order(const float *x, uint32_t n)
{
	float sum = 0.0f;

	for (uint32_t i = 0; i < n; i++)
		sum += x[i];
	return sum;
}

/* The shortest prefix of p with at least the share top_p of the whole */
static uint32_t keep_top_p(const float *p, uint32_t n, float top_p)
{
	float sum = 0.0f, enough;

	if (!(top_p < 1.0f))
		return n;
	enough = top_p * sum_in_order(p, n);
	for (uint32_t i = 0; i < n; i++) {
		sum += p[i];
		if (sum >= enough)
			return i + 1;
	}
	return n;
}

/* p[0] is 1, so min_p is a share of the largest */
static uint32_t keep_min_p(const float *p, uint32_t n, float min_p)
{
	uint32_t keep = 1;

	if (!(min_p > 0.0f))
		return n;
	while (keep < n && p[keep] >= min_p)
		keep++;
	return keep;
}

/* The first of n whose prefix sum of e is past the random share of the whole */
static uint32_t draw(const float *e, uint32_t n, uint64_t seed, uint64_t counter)
{
	float u = (float)(npu_philox(seed, counter) >> 8) * 0x1p-24f;
	float goal = u * sum_in_order(e, n);
	float sum = 0.0f;

	for (uint32_t i = 0; i < n; i++) {
		sum += e[i];
		if (sum > goal)
			return i;
	}
	return n - 1;
}

uint32_t npu_sample(const struct npu_sample_ops *ops, const float *logits, uint32_t n,
		    const struct npu_sample_params *p, uint64_t counter, void *work)
{
	uint32_t keep = candidates(n, p);
	struct npu_topk_entry *c;
	float *e, best;

	if (!(p->temperature > 0.0f))
		return ops->argmax(logits, n);
	c = npu_topk_inner(ops, logits, n, keep, work);
	best = c[0].value;
	if (isinf(best))
		return c[0].index;
	e = (float *)(c + keep);	/* what selection used is free again */

	if (p->top_p < 1.0f || p->min_p > 0.0f) {
		for (uint32_t i = 0; i < keep; i++)
			e[i] = c[i].value - best;
		ops->exp(e, keep);
		keep = keep_top_p(e, keep, p->top_p);
		keep = keep_min_p(e, keep, p->min_p);
	}
	for (uint32_t i = 0; i < keep; i++)
		e[i] = (c[i].value - best) / p->temperature;
	ops->exp(e, keep);
	return c[draw(e, keep, p->seed, counter)].index;
}

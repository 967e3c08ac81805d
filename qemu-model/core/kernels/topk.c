// SPDX-License-Identifier: MIT
/*
 * TOPK: the order of logits is by value descending, then by index ascending; a NaN counts
 * as minus infinity and the zeros are equal. A few are picked with a heap behind a
 * scan for values above its least, many by sorting all.
 */
#include <math.h>

#include "half.h"
#include "topk.h"

/* Up to this many the heap stays in the nearest cache; past it sorting is as fast. */
#define HEAP_MAX	2048

/* Larger key: larger value */
static uint32_t key_of(float x)
{
	uint32_t u;

	if (x != x)
		x = -INFINITY;
	u = npu_float_bits(x + 0.0f);	/* -0 + 0 = +0 */
	return u & 0x80000000 ? ~u : u | 0x80000000;
}

static uint64_t heap_key(float x, uint32_t index)
{
	return (uint64_t)key_of(x) << 32 | (uint32_t)~index;
}

static uint32_t heap_index(uint64_t key)
{
	return ~(uint32_t)key;
}

/* Moves heap[i] down to its place; the least is on top. */
static void sift_down(uint64_t *heap, uint32_t n, uint32_t i)
{
	uint64_t v = heap[i];

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && heap[child + 1] < heap[child])
			child++;
		if (heap[child] >= v)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = v;
}

static float value_of(const float *x, uint32_t index)
{
	return x[index] != x[index] ? -INFINITY : x[index];
}

static void select_heap(const struct npu_sample_ops *ops, const float *x, uint32_t n,
			uint32_t k, struct npu_topk_entry *dst, uint64_t *heap)
{
	for (uint32_t i = 0; i < k; i++)
		heap[i] = heap_key(x[i], i);
	for (uint32_t i = k / 2; i-- > 0;)
		sift_down(heap, k, i);
	/* An equal value at a higher index is never better, so "larger" suffices. */
	for (uint32_t i = k;; i++) {
		i = ops->scan(x, i, n, value_of(x, heap_index(heap[0])));
		if (i >= n)
			break;
		heap[0] = heap_key(x[i], i);
		sift_down(heap, k, 0);
	}
	for (uint32_t left = k; left; left--) {
		uint32_t index = heap_index(heap[0]);

		dst[left - 1] = (struct npu_topk_entry){ value_of(x, index), index };
		heap[0] = heap[left - 1];
		sift_down(heap, left - 1, 0);
	}
}

#define RADIX_BITS	11
#define RADIX_SIZE	(1u << RADIX_BITS)
#define RADIX_PASSES	3

static void radix_pass(const struct npu_sort_item *from, struct npu_sort_item *to, uint32_t n,
		       unsigned int shift, uint32_t place[RADIX_SIZE])
{
	uint32_t sum = 0;

	for (uint32_t d = 0; d < RADIX_SIZE; d++) {
		uint32_t count = place[d];

		place[d] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < n; i++)
		to[place[from[i].key >> shift & (RADIX_SIZE - 1)]++] = from[i];
}

void npu_radix_sort(struct npu_sort_item *a, struct npu_sort_item *b, uint32_t n)
{
	uint32_t place[RADIX_PASSES][RADIX_SIZE] = { 0 };

	for (uint32_t i = 0; i < n; i++)
		for (int p = 0; p < RADIX_PASSES; p++)
			place[p][a[i].key >> p * RADIX_BITS & (RADIX_SIZE - 1)]++;
	radix_pass(a, b, n, 0, place[0]);
	radix_pass(b, a, n, RADIX_BITS, place[1]);
	radix_pass(a, b, n, 2 * RADIX_BITS, place[2]);
}

static void select_sort(const float *x, uint32_t n, uint32_t k, struct npu_topk_entry *dst,
			struct npu_sort_item *a, struct npu_sort_item *b)
{
	for (uint32_t i = 0; i < n; i++)
		a[i] = (struct npu_sort_item){ ~key_of(x[i]), i };
	npu_radix_sort(a, b, n);	/* stable: equal values by index */
	for (uint32_t i = 0; i < k; i++) {
		uint32_t index = b[i].index;

		dst[i] = (struct npu_topk_entry){ value_of(x, index), index };
	}
}

/* Whether k of n are worth a heap */
static int uses_heap(uint32_t k)
{
	return k <= HEAP_MAX;
}

size_t npu_topk_work_bytes(uint32_t n, uint32_t k)
{
	return uses_heap(k) ? 8 * (size_t)k : 16 * (size_t)n;
}

void npu_topk(const struct npu_sample_ops *ops, const float *x, uint32_t n, uint32_t k,
	      struct npu_topk_entry *dst, void *work)
{
	struct npu_sort_item *items = work;

	if (uses_heap(k))
		select_heap(ops, x, n, k, dst, work);
	else
		select_sort(x, n, k, dst, items, items + n);
}

size_t npu_topk_inner_bytes(uint32_t n, uint32_t k)
{
	return uses_heap(k) ? 16 * (size_t)k : 16 * (size_t)n;
}

struct npu_topk_entry *npu_topk_inner(const struct npu_sample_ops *ops, const float *x,
				      uint32_t n, uint32_t k, void *work)
{
	struct npu_topk_entry *dst = work;
	struct npu_sort_item *items = work;

	if (uses_heap(k))
		select_heap(ops, x, n, k, dst, (uint64_t *)work + k);
	else	/* sorted items are read in order, so the entries may take their place */
		select_sort(x, n, k, dst, items + n, items);
	return dst;
}

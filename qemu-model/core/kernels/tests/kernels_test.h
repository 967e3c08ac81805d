/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the kernels share: random values with the awkward ones among them,
 * comparison to the bit with a NaN equal to any NaN, and a hash for golden constants.
 */
#ifndef KERNELS_TEST_H
#define KERNELS_TEST_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "half.h"
#include "kernels.h"
#include "tap.h"

/* splitmix64: the same values on every host, as golden constants need */
static uint64_t rng_state;

__attribute__((unused))
static void rng_seed(uint64_t seed)
{
	rng_state = seed;
}

__attribute__((unused))
static uint64_t rng(void)
{
	uint64_t z = rng_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* lo..hi */
__attribute__((unused))
static uint32_t rng_range(uint32_t lo, uint32_t hi)
{
	return lo + rng() % (hi - lo + 1);
}

/* About normal: the sum of four uniform numbers, exact */
__attribute__((unused))
static float rng_float(void)
{
	uint64_t r = rng();
	int sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (int)(r >> 16 * i & 0xffff) - 0x8000;
	return (float)sum * 0x1p-15f;
}

static const uint32_t awkward[] = {
	0x00000000, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345,
	0x00000001, 0x807fffff, 0x7f7fffff, 0xff7fffff, 0x00800000, 0x3f800000,
	0x477fefff, 0x477ff000, 0x33000000, 0x33000001, 0x387fffff, 0x42b17218,
	0xc2ae0000, 0x42b17217, 0x7f000000, 0x01000000,
};

/* How many of 256 values are awkward */
enum { TAME = 0, SOME = 8, MANY = 96 };

__attribute__((unused))
static void fill(float *x, size_t n, int share)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t r = rng();

		if ((int)(r & 255) >= share)
			x[i] = rng_float();
		else if (r & 256)	/* any bits */
			x[i] = npu_bits_float(r >> 32);
		else
			x[i] = npu_bits_float(awkward[(r >> 32) %
						      (sizeof(awkward) / sizeof(*awkward))]);
	}
}

__attribute__((unused))
static void fill_half(uint16_t *x, size_t n, int share)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (int)(rng() & 255) < share ? rng() : npu_float_to_half(rng_float());
}

__attribute__((unused))
static void fill_bytes(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = rng();
}

/* Index of the first difference, n if there is none; a NaN equals any NaN. */
__attribute__((unused))
static size_t differ(const float *a, const float *b, size_t n)
{
	size_t i = 0;

	while (i < n && (npu_float_bits(a[i]) == npu_float_bits(b[i]) ||
			 (isnan(a[i]) && isnan(b[i]))))
		i++;
	return i;
}

/* True if equal; says where not. */
__attribute__((unused))
static bool same_floats(const float *got, const float *want, size_t n)
{
	size_t i = differ(got, want, n);

	if (i < n)
		tap_diag("at %zu of %zu: got %a, want %a", i, n, (double)got[i], (double)want[i]);
	return i == n;
}

/* FNV-1a over 32-bit words, NaN as one word */
__attribute__((unused))
static uint64_t hash_floats(const float *x, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++) {
		h ^= isnan(x[i]) ? 0x7fc00000 : npu_float_bits(x[i]);
		h *= 0x100000001b3;
	}
	return h;
}

__attribute__((unused))
static uint64_t hash_bytes(const void *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * 0x100000001b3;
	return h;
}

/* True if equal; says what was seen, for whoever changes the specification. */
__attribute__((unused))
static bool golden(uint64_t got, uint64_t want)
{
	if (got != want)
		tap_diag("got 0x%016llx, want 0x%016llx", (unsigned long long)got,
			 (unsigned long long)want);
	return got == want;
}

/* Zeroed, aligned to 64 bytes; a test that cannot have it ends. */
__attribute__((unused))
static void *alloc(size_t bytes)
{
	void *p = aligned_alloc(64, NPU_ALIGN_UP(bytes + 64, 64));

	if (!p) {
		perror("aligned_alloc");
		exit(1);
	}
	memset(p, 0, NPU_ALIGN_UP(bytes + 64, 64));
	return p;
}

/* A copy of x in memory of its own, so that a sanitizer sees reads and writes past it */
__attribute__((unused))
static void *copy_of(const void *x, size_t bytes)
{
	void *p = alloc(bytes);

	memcpy(p, x, bytes);
	return p;
}

/* The implementations of this host, the reference first; returns their count. */
__attribute__((unused))
static int implementations(const struct npu_kernels *kern[NPU_ISA_COUNT])
{
	int n = 0;

	for (int isa = NPU_ISA_SCALAR; isa < NPU_ISA_COUNT; isa++) {
		kern[n] = npu_kernels_get(isa);
		n += !!kern[n];
	}
	return n;
}

/* Calls test(reference, kern) for each fast implementation; says which are missing. */
__attribute__((unused))
static void each_fast(const char *what, void (*test)(const struct npu_kernels *ref,
						     const struct npu_kernels *kern))
{
	static const char *const names[] = { "", "", "avx2", "avx512" };

	for (int isa = NPU_ISA_AVX2; isa < NPU_ISA_COUNT; isa++) {
		char text[64];

		if (npu_kernels_get(isa)) {
			test(npu_kernels_get(NPU_ISA_SCALAR), npu_kernels_get(isa));
			continue;
		}
		snprintf(text, sizeof(text), "%s: %s", what, names[isa]);
		tap_skip(text, "this host does not have it");
	}
}

#endif

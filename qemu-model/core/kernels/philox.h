/* SPDX-License-Identifier: MIT */
/*
 * Philox4x32-10, a counter-based generator (Salmon et al., "Parallel random numbers: as
 * easy as 1, 2, 3", 2011): the number is a function of key and counter, so a replayed
 * job draws the same tokens.
 */
#ifndef NPU_PHILOX_H
#define NPU_PHILOX_H

#include <stdint.h>

/* First word of the block {counter, 0, 0} under the key */
static inline uint32_t npu_philox(uint64_t key, uint64_t counter)
{
	uint32_t k0 = key, k1 = key >> 32;
	uint32_t c0 = counter, c1 = counter >> 32, c2 = 0, c3 = 0;

	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)0xd2511f53 * c0;
		uint64_t p1 = (uint64_t)0xcd9e8d57 * c2;

		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += 0x9e3779b9;
		k1 += 0xbb67ae85;
	}
	return c0;
}

#endif

// SPDX-License-Identifier: MIT
/* The allocator of device addresses, and page tables of the sim transport. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npu_mmu.h"
#include "rig.h"
#include "sim_pt.h"
#include "tap.h"
#include "va.h"

#define MIB	(1ull << 20)

static void test_choice(void)
{
	struct va_space s;
	uint64_t at;

	va_init(&s, 0x10000, 16 * MIB);
	tap_ok(!va_find(&s, 4096, 4096, &at) && at == 0x10000,
	       "the lowest free address comes first");
	tap_ok(!va_find(&s, 3 * MIB, 2 * MIB, &at) && at == 2 * MIB, "an alignment is kept");
	va_take(&s, 2 * MIB, 3 * MIB, NULL);
	tap_ok(!va_find(&s, 3 * MIB, 2 * MIB, &at) && at == 6 * MIB,
	       "taken ranges are passed over");
	tap_ok(!va_find(&s, 10 * MIB, 4096, &at) && at == 5 * MIB, "a gap that fits is found");
	tap_ok(va_find(&s, 12 * MIB, 4096, &at) == -ENOSPC, "what fits nowhere is refused");
	va_free(&s);
}

static void test_taking(void)
{
	struct va_space s;

	va_init(&s, 0x10000, 16 * MIB);
	va_take(&s, MIB, MIB, &s);
	tap_ok(va_take(&s, MIB, 4096, NULL) == -EEXIST &&
	       va_take(&s, 2 * MIB - 4096, 8192, NULL) == -EEXIST &&
	       va_take(&s, MIB - 4096, 8192, NULL) == -EEXIST,
	       "an overlap is refused at both ends");
	tap_ok(!va_take(&s, 2 * MIB, 4096, NULL) && !va_take(&s, MIB - 4096, 4096, NULL),
	       "neighbours may touch");
	tap_ok(va_take(&s, 0, 4096, NULL) == -EINVAL &&
	       va_take(&s, 16 * MIB - 4096, 8192, NULL) == -EINVAL &&
	       va_take(&s, 4 * MIB, ~0ull, NULL) == -EINVAL &&
	       va_take(&s, 4 * MIB, 0, NULL) == -EINVAL,
	       "what leaves the space or wraps is refused");
	tap_ok(!va_take(&s, 16 * MIB - 4096, 4096, NULL), "the last page can be taken");
	tap_ok(va_at(&s, MIB)->owner == &s && !va_at(&s, MIB + 4096),
	       "a range is found by its start");
	tap_ok(!va_give(&s, MIB) && va_give(&s, MIB) == -ENOENT && !va_take(&s, MIB, MIB, NULL),
	       "a range given back can be taken again");
	va_free(&s);
}

/* Against an array of pages */
static void test_random(void)
{
	enum { PAGES = 512 };
	uint8_t taken[PAGES] = { 0 };
	struct rng g = { 3 };
	struct va_space s;
	bool ok = true;

	va_init(&s, 0, PAGES * 4096);
	for (int i = 0; i < 20000; i++) {
		uint32_t at = rng_below(&g, PAGES), n = 1 + rng_below(&g, 16), j;
		const struct va_range *r = va_at(&s, at * 4096ull);

		if (r) {
			memset(taken + at, 0, r->size / 4096);
			ok &= !va_give(&s, at * 4096ull);
			continue;
		}
		for (j = at; j < at + n && j < PAGES && !taken[j]; j++)
			;
		if (j == at + n) {
			ok &= !va_take(&s, at * 4096ull, n * 4096ull, NULL);
			memset(taken + at, 1, n);
		} else {
			ok &= va_take(&s, at * 4096ull, n * 4096ull, NULL) < 0;
		}
	}
	tap_ok(ok, "20000 random ranges are taken and given back as a map of pages says");
	va_free(&s);
}

/* What the device would read: the entry of an address, 0 if there is none */
static uint64_t walk(const struct sim_pt *pt, uint64_t va)
{
	const uint64_t *t = pt->root;
	uint64_t e = t[npu_pt_index(va, NPU_PT_SHIFT_ROOT)];

	if (!(e & NPU_PTE_VALID))
		return 0;
	t = (const uint64_t *)(uintptr_t)(e & NPU_PTE_ADDR_MASK);
	e = t[npu_pt_index(va, NPU_PT_SHIFT_MID)];
	if (!(e & NPU_PTE_VALID) || (e & NPU_PTE_LEAF))
		return e;
	t = (const uint64_t *)(uintptr_t)(e & NPU_PTE_ADDR_MASK);
	return t[npu_pt_index(va, NPU_PT_SHIFT_LAST)];
}

static void test_tables(void)
{
	char *mem = aligned_alloc(2 * MIB, 6 * MIB);
	uint64_t bus = (uintptr_t)mem, leaf = NPU_PTE_VALID | NPU_PTE_LEAF;
	struct sim_pt pt;

	sim_pt_init(&pt);
	sim_pt_map(&pt, 4 * MIB, mem, 5 * MIB, true);
	tap_ok(walk(&pt, 4 * MIB) == (bus | leaf | NPU_PTE_WRITE) &&
	       walk(&pt, 6 * MIB) == ((bus + 2 * MIB) | leaf | NPU_PTE_WRITE),
	       "aligned memory is mapped by large pages");
	tap_ok(walk(&pt, 8 * MIB) == ((bus + 4 * MIB) | leaf | NPU_PTE_WRITE) &&
	       walk(&pt, 9 * MIB - 4096) == ((bus + 5 * MIB - 4096) | leaf | NPU_PTE_WRITE) &&
	       !walk(&pt, 9 * MIB), "the rest by small ones, and not a page more");
	sim_pt_map(&pt, 12 * MIB + 4096, mem, 2 * MIB, false);
	tap_ok(walk(&pt, 12 * MIB + 4096) == (bus | leaf) &&
	       walk(&pt, 14 * MIB) == ((bus + 2 * MIB - 4096) | leaf),
	       "memory that does not line up is mapped by small pages, read-only if asked");
	sim_pt_unmap(&pt, 4 * MIB, 5 * MIB);
	sim_pt_unmap(&pt, 12 * MIB + 4096, 2 * MIB);
	tap_ok(!(walk(&pt, 4 * MIB) & 1) && !(walk(&pt, 8 * MIB) & 1) &&
	       !(walk(&pt, 14 * MIB) & 1), "nothing is left after unmapping");
	sim_pt_map(&pt, 12 * MIB, mem, 2 * MIB, true);
	tap_ok(walk(&pt, 12 * MIB) == (bus | leaf | NPU_PTE_WRITE),
	       "a large page takes the place of an emptied table");
	sim_pt_free(&pt);
	free(mem);
}

int main(void)
{
	test_choice();
	test_taking();
	test_random();
	test_tables();
	return tap_done();
}

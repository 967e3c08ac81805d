// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npu_mmu.h"
#include "sim_pt.h"

static uint64_t *table_new(void)
{
	uint64_t *t = aligned_alloc(NPU_PAGE_SIZE, NPU_PAGE_SIZE);

	if (t)
		memset(t, 0, NPU_PAGE_SIZE);
	return t;
}

static uint64_t *table_of(uint64_t entry)
{
	if (!(entry & NPU_PTE_VALID) || (entry & NPU_PTE_LEAF))
		return NULL;
	return (uint64_t *)(uintptr_t)(entry & NPU_PTE_ADDR_MASK);
}

/* The device walks the tables at any time, so an entry is stored whole and last. */
static void set(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* The table behind an entry, made if there is none. */
static uint64_t *table_get(uint64_t *entry)
{
	uint64_t *t = table_of(*entry);

	if (t)
		return t;
	t = table_new();
	if (t)
		set(entry, (uint64_t)(uintptr_t)t | NPU_PTE_VALID);
	return t;
}

int sim_pt_init(struct sim_pt *pt)
{
	pt->root = table_new();
	return pt->root ? 0 : -ENOMEM;
}

void sim_pt_free(struct sim_pt *pt)
{
	for (uint32_t i = 0; pt->root && i < NPU_PT_ENTRIES; i++) {
		uint64_t *mid = table_of(pt->root[i]);

		for (uint32_t j = 0; mid && j < NPU_PT_ENTRIES; j++)
			free(table_of(mid[j]));
		free(mid);
	}
	free(pt->root);
	pt->root = NULL;
}

/* Maps one page, a large one where that is possible; returns its size, 0: no memory. */
static uint64_t map_page(struct sim_pt *pt, uint64_t va, uint64_t bus, uint64_t left, uint64_t bits)
{
	uint64_t *mid = table_get(&pt->root[npu_pt_index(va, NPU_PT_SHIFT_ROOT)]);
	uint64_t *entry, *last;

	if (!mid)
		return 0;
	entry = &mid[npu_pt_index(va, NPU_PT_SHIFT_MID)];
	if (((va | bus) & (NPU_LARGE_PAGE_SIZE - 1)) == 0 && left >= NPU_LARGE_PAGE_SIZE) {
		/* an emptied table of small pages may be left here */
		uint64_t *old = table_of(*entry);

		set(entry, bus | bits);
		free(old);
		return NPU_LARGE_PAGE_SIZE;
	}
	last = table_get(entry);
	if (!last)
		return 0;
	set(&last[npu_pt_index(va, NPU_PT_SHIFT_LAST)], bus | bits);
	return NPU_PAGE_SIZE;
}

int sim_pt_map(struct sim_pt *pt, uint64_t va, void *mem, uint64_t size, bool write)
{
	uint64_t bus = (uint64_t)(uintptr_t)mem;
	uint64_t bits = NPU_PTE_VALID | NPU_PTE_LEAF | (write ? NPU_PTE_WRITE : 0);
	uint64_t step;

	for (uint64_t done = 0; done < size; done += step) {
		step = map_page(pt, va + done, bus + done, size - done, bits);
		if (!step) {
			sim_pt_unmap(pt, va, done);
			return -ENOMEM;
		}
	}
	return 0;
}

void sim_pt_unmap(struct sim_pt *pt, uint64_t va, uint64_t size)
{
	uint64_t step;

	for (uint64_t done = 0; done < size; done += step) {
		uint64_t at = va + done;
		uint64_t *mid = table_of(pt->root[npu_pt_index(at, NPU_PT_SHIFT_ROOT)]);
		uint64_t *entry = mid ? &mid[npu_pt_index(at, NPU_PT_SHIFT_MID)] : NULL;
		uint64_t *last = entry ? table_of(*entry) : NULL;

		step = NPU_PAGE_SIZE;
		if (last) {
			set(&last[npu_pt_index(at, NPU_PT_SHIFT_LAST)], 0);
		} else if (entry && (*entry & NPU_PTE_LEAF)) {
			set(entry, 0);
			step = NPU_LARGE_PAGE_SIZE;
		}
	}
}

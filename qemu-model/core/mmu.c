/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mmu.h"

/*
 * A tagged pointer is the host pointer to a page (aligned to NPU_BUS_ALIGN) with TAG_WRITE in its
 * lowest bit; zero is a page that is not cached.
 */
#define TAG_WRITE	1ul
#define TAG_MASK	((uintptr_t)NPU_BUS_ALIGN - 1)

#define REGION_PAGES	NPU_PT_ENTRIES

struct npu_region {
	uintptr_t base;			/* tagged: the whole region in one piece; or zero */
	uintptr_t *page;		/* tagged, [REGION_PAGES]; NULL if base is set */
	struct npu_mapping *maps;
	unsigned int n_maps;
};

void npu_mmu_init(struct npu_mmu *m, const struct npu_bus *bus, uint64_t root)
{
	memset(m, 0, sizeof(*m));
	m->bus = bus;
	m->root = root;
	pthread_mutex_init(&m->lock, NULL);
}

static void region_free(struct npu_mmu *m, struct npu_region *r)
{
	if (!r)
		return;
	for (unsigned int i = 0; i < r->n_maps; i++)
		npu_bus_unmap(m->bus, &r->maps[i]);
	m->paged -= !!r->page;
	free(r->maps);
	free(r->page);
	free(r);
}

void npu_mmu_invalidate(struct npu_mmu *m, uint64_t start, uint64_t size)
{
	uint64_t first = start >> NPU_LARGE_PAGE_SHIFT;
	uint64_t end = (start + size + NPU_LARGE_PAGE_SIZE - 1) >> NPU_LARGE_PAGE_SHIFT;

	for (uint64_t i = first; i < end; i++) {
		struct npu_region **table = m->dir[i / NPU_PT_ENTRIES];

		if (!table) {
			i |= NPU_PT_ENTRIES - 1;
			continue;
		}
		region_free(m, table[i % NPU_PT_ENTRIES]);
		table[i % NPU_PT_ENTRIES] = NULL;
	}
}

void npu_mmu_release(struct npu_mmu *m)
{
	npu_mmu_invalidate(m, 0, NPU_VA_SIZE);
	for (unsigned int i = 0; i < NPU_PT_ENTRIES; i++)
		free(m->dir[i]);
	pthread_mutex_destroy(&m->lock);
	memset(m, 0, sizeof(*m));
}

/* Tagged pointer to the page of @va, zero if it is not cached. @va is below NPU_VA_SIZE. */
static inline uintptr_t lookup(const struct npu_mmu *m, uint64_t va, uint64_t *left)
{
	struct npu_region **table = __atomic_load_n(&m->dir[va >> NPU_PT_SHIFT_ROOT],
						    __ATOMIC_ACQUIRE);
	const struct npu_region *r;

	*left = 0;
	if (!table)
		return 0;
	r = __atomic_load_n(&table[npu_pt_index(va, NPU_PT_SHIFT_MID)], __ATOMIC_ACQUIRE);
	if (!r)
		return 0;
	if (r->base) {
		*left = NPU_LARGE_PAGE_SIZE - (va & (NPU_LARGE_PAGE_SIZE - 1));
		return r->base + (va & (NPU_LARGE_PAGE_SIZE - 1) & ~(NPU_PAGE_SIZE - 1));
	}
	*left = NPU_PAGE_SIZE - (va & (NPU_PAGE_SIZE - 1));
	return __atomic_load_n(&r->page[npu_pt_index(va, NPU_PT_SHIFT_LAST)], __ATOMIC_ACQUIRE);
}

/* The entry of a table that @va selects; zero (not valid) if it is malformed. */
static int read_entry(const struct npu_mmu *m, uint64_t table, uint64_t va, uint32_t shift,
		      uint64_t *out)
{
	uint64_t entry;
	int ret = npu_bus_read(m->bus, table + 8 * npu_pt_index(va, shift), &entry, sizeof(entry));

	if (ret)
		return ret;
	if (!(entry & NPU_PTE_VALID) || (entry & ~NPU_PTE_KNOWN))
		entry = 0;
	*out = entry;
	return 0;
}

static bool is_table(uint64_t entry)
{
	return entry && !(entry & (NPU_PTE_LEAF | NPU_PTE_WRITE));
}

/*
 * The 512 leaves of the region around @va, as entries of a last table; zero where
 * nothing valid is. -EFAULT: a table cannot be read.
 */
static int walk(const struct npu_mmu *m, uint64_t va, uint64_t leaf[REGION_PAGES])
{
	uint64_t entry;
	int ret;

	memset(leaf, 0, REGION_PAGES * sizeof(*leaf));
	ret = read_entry(m, m->root, va, NPU_PT_SHIFT_ROOT, &entry);
	if (ret || !is_table(entry))
		return ret;
	ret = read_entry(m, entry & NPU_PTE_ADDR_MASK, va, NPU_PT_SHIFT_MID, &entry);
	if (ret)
		return ret;
	if (entry & NPU_PTE_LEAF) {
		if (entry & NPU_PTE_ADDR_MASK & (NPU_LARGE_PAGE_SIZE - 1))
			return 0;
		for (unsigned int i = 0; i < REGION_PAGES; i++)
			leaf[i] = entry + i * NPU_PAGE_SIZE;
	} else if (is_table(entry)) {
		ret = npu_bus_read(m->bus, entry & NPU_PTE_ADDR_MASK, leaf,
				   REGION_PAGES * sizeof(*leaf));
		if (ret)
			return ret;
		for (unsigned int i = 0; i < REGION_PAGES; i++) {
			if (!(leaf[i] & NPU_PTE_VALID) || !(leaf[i] & NPU_PTE_LEAF) ||
			    (leaf[i] & ~NPU_PTE_KNOWN))
				leaf[i] = 0;
		}
	}
	if (va < NPU_LARGE_PAGE_SIZE)
		memset(leaf, 0, (NPU_VA_MIN >> NPU_PAGE_SHIFT) * sizeof(*leaf));
	return 0;
}

/* Maps pages i.. of the region that follow each other on the bus; returns how many, 0: refused. */
static unsigned int map_run(struct npu_mmu *m, const uint64_t *leaf, const uintptr_t *known,
			    unsigned int i, struct npu_mapping *map)
{
	unsigned int n = 1;

	while (i + n < REGION_PAGES && leaf[i + n] == leaf[i] + n * NPU_PAGE_SIZE &&
	       !(known && known[i + n]))
		n++;
	if (npu_bus_map(m->bus, leaf[i] & NPU_PTE_ADDR_MASK, n * NPU_PAGE_SIZE,
			leaf[i] & NPU_PTE_WRITE, map))
		return 0;
	if (map->bytes % NPU_PAGE_SIZE || ((uintptr_t)map->ptr & TAG_MASK)) {
		npu_bus_unmap(m->bus, map);
		return 0;
	}
	return (unsigned int)(map->bytes >> NPU_PAGE_SHIFT);
}

/* Room for the mappings of one fill, which are at most one a page. */
static int reserve_maps(struct npu_region *r)
{
	struct npu_mapping *maps = realloc(r->maps, (r->n_maps + REGION_PAGES) * sizeof(*maps));

	if (!maps)
		return -ENOMEM;
	r->maps = maps;
	return 0;
}

/* Gives back what reserve_maps() took too much. */
static void trim_maps(struct npu_region *r)
{
	struct npu_mapping *maps = realloc(r->maps, (r->n_maps + 1) * sizeof(*maps));

	if (maps)
		r->maps = maps;
}

/* Maps what @leaf has and the region does not; pages that the bus refuses stay out. */
static void fill(struct npu_mmu *m, struct npu_region *r, const uint64_t *leaf)
{
	for (unsigned int i = 0, n; i < REGION_PAGES; i += n) {
		struct npu_mapping *map = &r->maps[r->n_maps];
		uintptr_t tag;

		n = 1;
		if (!leaf[i] || r->page[i])
			continue;
		n = map_run(m, leaf, r->page, i, map);
		if (!n) {
			n = 1;
			continue;
		}
		r->n_maps++;
		tag = (uintptr_t)map->ptr | (leaf[i] & NPU_PTE_WRITE ? TAG_WRITE : 0);
		for (unsigned int j = 0; j < n; j++)
			__atomic_store_n(&r->page[i + j], tag + j * NPU_PAGE_SIZE,
					 __ATOMIC_RELEASE);
	}
}

/* A region that came as one mapping needs no array of pages. */
static void compact(struct npu_mmu *m, struct npu_region *r)
{
	if (r->n_maps != 1 || r->maps[0].bytes != NPU_LARGE_PAGE_SIZE)
		return;
	r->base = r->page[0];
	free(r->page);
	r->page = NULL;
	m->paged--;
}

static struct npu_region *region_new(struct npu_mmu *m)
{
	struct npu_region *r;

	if (m->paged >= NPU_MMU_MAX_PAGED)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->page = calloc(REGION_PAGES, sizeof(*r->page));
	if (!r->page) {
		free(r);
		return NULL;
	}
	m->paged++;
	return r;
}

/* Walks the tables for the region of @va and caches what can be. Under the lock. */
static enum npu_fault miss(struct npu_mmu *m, uint64_t va)
{
	struct npu_region ***dir = &m->dir[va >> NPU_PT_SHIFT_ROOT];
	uint64_t leaf[REGION_PAGES];
	struct npu_region **slot;
	struct npu_region *r;
	uint64_t left;

	if (lookup(m, va, &left))
		return NPU_FAULT_NONE;
	if (walk(m, va, leaf))
		return NPU_FAULT_BUS;
	if (!leaf[npu_pt_index(va, NPU_PT_SHIFT_LAST)])
		return NPU_FAULT_PAGE;
	if (!*dir) {
		slot = calloc(NPU_PT_ENTRIES, sizeof(*slot));
		if (!slot)
			return NPU_FAULT_BUS;
		__atomic_store_n(dir, slot, __ATOMIC_RELEASE);
	}
	slot = &(*dir)[npu_pt_index(va, NPU_PT_SHIFT_MID)];
	r = *slot ? *slot : region_new(m);
	if (!r)
		return NPU_FAULT_BUS;
	if (!reserve_maps(r)) {
		fill(m, r, leaf);
		trim_maps(r);
	}
	if (!*slot) {
		compact(m, r);
		__atomic_store_n(slot, r, __ATOMIC_RELEASE);
	}
	return lookup(m, va, &left) ? NPU_FAULT_NONE : NPU_FAULT_BUS;
}

uint8_t *npu_mmu_run(struct npu_mmu *m, uint64_t va, uint64_t len, bool write, uint64_t *run,
		     enum npu_fault *fault)
{
	uintptr_t page, next;
	uint64_t have, left;

	if (va >> NPU_VA_BITS) {
		*fault = NPU_FAULT_PAGE;
		return NULL;
	}
	page = lookup(m, va, &have);
	if (!page) {
		pthread_mutex_lock(&m->lock);
		*fault = miss(m, va);
		pthread_mutex_unlock(&m->lock);
		if (*fault)
			return NULL;
		page = lookup(m, va, &have);
	}
	if (write && !(page & TAG_WRITE)) {
		*fault = NPU_FAULT_PROTECTION;
		return NULL;
	}
	page = (page & ~TAG_MASK) + (va & (NPU_PAGE_SIZE - 1));
	while (have < len && !((va + have) >> NPU_VA_BITS)) {
		next = lookup(m, va + have, &left);
		if ((next & ~TAG_MASK) != page + have || (write && !(next & TAG_WRITE)))
			break;
		have += left;
	}
	*run = have < len ? have : len;
	return (uint8_t *)page;
}

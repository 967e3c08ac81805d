// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three-level page tables. 2 MiB of device addresses ("slot") are one leaf where the DMA
 * addresses are contiguous and aligned, else a table of 512 pages.
 *
 * A table stays with its slot until the end: a slot that turns into a leaf keeps its table, empty,
 * for the day when the leaf is split. So nothing is freed while the device may walk it, and
 * after the prepare step nothing can fail.
 */
#include <linux/dma-mapping.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "npu_device.h"
#include "npu_mmu.h"

struct npu_pt {
	u64 *entry;		/* NPU_PT_ENTRIES, read by the device */
	dma_addr_t dma;
	struct npu_pt *child[];	/* NPU_PT_ENTRIES; none in a last table */
};

static struct npu_pt *npu_pt_alloc(struct npu_device *npu, bool last)
{
	struct npu_pt *pt;

	pt = kvzalloc(struct_size(pt, child, last ? 0 : NPU_PT_ENTRIES), GFP_KERNEL);
	if (!pt)
		return NULL;
	pt->entry = dma_alloc_coherent(npu->base.dev, NPU_PAGE_SIZE, &pt->dma,
				       GFP_KERNEL | __GFP_NOWARN);
	if (!pt->entry) {
		kvfree(pt);
		return NULL;
	}
	return pt;
}

static void npu_pt_free(struct npu_device *npu, struct npu_pt *pt, int levels_below)
{
	int i;

	if (!pt)
		return;
	for (i = 0; levels_below && i < NPU_PT_ENTRIES; i++)
		npu_pt_free(npu, pt->child[i], levels_below - 1);
	dma_free_coherent(npu->base.dev, NPU_PAGE_SIZE, pt->entry, pt->dma);
	kvfree(pt);
}

static void npu_pt_set(struct npu_pt *pt, u32 index, u64 value)
{
	WRITE_ONCE(pt->entry[index], value);
}

int npu_mmu_init(struct npu_mmu *mmu, struct npu_device *npu)
{
	mmu->npu = npu;
	mmu->root = npu_pt_alloc(npu, false);
	return mmu->root ? 0 : -ENOMEM;
}

void npu_mmu_fini(struct npu_mmu *mmu)
{
	npu_pt_free(mmu->npu, mmu->root, 2);
	mmu->root = NULL;
	mmu->large = 0;
}

dma_addr_t npu_mmu_root(const struct npu_mmu *mmu)
{
	return mmu->root->dma;
}

/* Position in a list of DMA segments */
struct npu_sg_pos {
	struct scatterlist *sg;
	u64 offset;		/* in sg */
	u32 left;		/* segments, sg included */
};

static bool npu_sg_seek(struct npu_sg_pos *pos, struct sg_table *sgt, u64 offset)
{
	pos->sg = sgt->sgl;
	pos->left = sgt->nents;
	pos->offset = 0;
	while (pos->left && offset >= sg_dma_len(pos->sg)) {
		offset -= sg_dma_len(pos->sg);
		pos->left--;
		if (pos->left)
			pos->sg = sg_next(pos->sg);
	}
	pos->offset = offset;
	return pos->left;
}

static dma_addr_t npu_sg_addr(const struct npu_sg_pos *pos)
{
	return sg_dma_address(pos->sg) + pos->offset;
}

/* Goes on by @bytes; false if the list ends before. The end itself can be reached. */
static bool npu_sg_advance(struct npu_sg_pos *pos, u64 bytes)
{
	while (bytes) {
		u64 step;

		if (!pos->left)
			return false;
		step = min_t(u64, bytes, sg_dma_len(pos->sg) - pos->offset);
		pos->offset += step;
		bytes -= step;
		if (pos->offset == sg_dma_len(pos->sg)) {
			pos->left--;
			pos->offset = 0;
			if (pos->left)
				pos->sg = sg_next(pos->sg);
		}
	}
	return true;
}

/* Can the next 2 MiB be one leaf? Segments that touch count as one. */
static bool npu_sg_large(struct npu_sg_pos pos)
{
	u64 bytes = NPU_LARGE_PAGE_SIZE;
	dma_addr_t addr;

	if (!pos.left)
		return false;
	addr = npu_sg_addr(&pos);
	if (addr & (NPU_LARGE_PAGE_SIZE - 1))
		return false;
	while (bytes) {
		u64 step;

		if (!pos.left || npu_sg_addr(&pos) != addr)
			return false;
		step = min_t(u64, bytes, sg_dma_len(pos.sg) - pos.offset);
		addr += step;
		bytes -= step;
		npu_sg_advance(&pos, step);
	}
	return true;
}

/* First address past the slot of @va, at most @end */
static u64 npu_slot_end(u64 va, u64 end)
{
	return min(ALIGN_DOWN(va, NPU_LARGE_PAGE_SIZE) + NPU_LARGE_PAGE_SIZE, end);
}

static struct npu_pt *npu_mmu_mid(struct npu_mmu *mmu, u64 va)
{
	return mmu->root->child[npu_pt_index(va, NPU_PT_SHIFT_ROOT)];
}

static int npu_mmu_need_mid(struct npu_mmu *mmu, u64 va)
{
	u32 index = npu_pt_index(va, NPU_PT_SHIFT_ROOT);
	struct npu_pt *mid;

	if (mmu->root->child[index])
		return 0;
	mid = npu_pt_alloc(mmu->npu, false);
	if (!mid)
		return -ENOMEM;
	mmu->root->child[index] = mid;
	npu_pt_set(mmu->root, index, mid->dma | NPU_PTE_VALID);
	return 0;
}

/* Gives the slot of @va a table; a leaf is split into the same 512 translations. */
static int npu_mmu_need_last(struct npu_mmu *mmu, u64 va)
{
	u32 index = npu_pt_index(va, NPU_PT_SHIFT_MID);
	struct npu_pt *mid = npu_mmu_mid(mmu, va);
	struct npu_pt *last = mid->child[index];
	u64 leaf = mid->entry[index];
	u32 i;

	if (!last) {
		last = npu_pt_alloc(mmu->npu, true);
		if (!last)
			return -ENOMEM;
		mid->child[index] = last;
	}
	if (leaf & NPU_PTE_LEAF) {
		for (i = 0; i < NPU_PT_ENTRIES; i++)
			npu_pt_set(last, i, leaf + (u64)i * NPU_PAGE_SIZE);
		/* The table is complete before it can be seen. */
		dma_wmb();
		mmu->large--;
	}
	if (!(leaf & NPU_PTE_VALID) || leaf & NPU_PTE_LEAF)
		npu_pt_set(mid, index, last->dma | NPU_PTE_VALID);
	return 0;
}

/* Splits the leaf that a range's border would cut. */
static int npu_mmu_split(struct npu_mmu *mmu, u64 va)
{
	struct npu_pt *mid;

	if (!(va & (NPU_LARGE_PAGE_SIZE - 1)))
		return 0;
	mid = npu_mmu_mid(mmu, va);
	if (!mid || !(mid->entry[npu_pt_index(va, NPU_PT_SHIFT_MID)] & NPU_PTE_LEAF))
		return 0;
	return npu_mmu_need_last(mmu, va);
}

int npu_mmu_prepare_unmap(struct npu_mmu *mmu, u64 va, u64 size)
{
	int ret;

	ret = npu_mmu_split(mmu, va);
	if (!ret)
		ret = npu_mmu_split(mmu, va + size);
	return ret;
}

int npu_mmu_prepare_map(struct npu_mmu *mmu, u64 va, u64 size, struct sg_table *sgt, u64 offset)
{
	struct npu_sg_pos pos;
	u64 end = va + size;
	u64 next;
	int ret;

	ret = npu_mmu_prepare_unmap(mmu, va, size);
	if (ret)
		return ret;
	if (!npu_sg_seek(&pos, sgt, offset))
		return -EFAULT;
	for (; va < end; va = next) {
		next = npu_slot_end(va, end);
		ret = npu_mmu_need_mid(mmu, va);
		if (ret)
			return ret;
		if (next - va < NPU_LARGE_PAGE_SIZE || !npu_sg_large(pos)) {
			ret = npu_mmu_need_last(mmu, va);
			if (ret)
				return ret;
		}
		if (!npu_sg_advance(&pos, next - va))
			return -EFAULT;
	}
	return 0;
}

void npu_mmu_map(struct npu_mmu *mmu, u64 va, u64 size, struct sg_table *sgt, u64 offset,
		 bool write)
{
	u64 bits = NPU_PTE_VALID | NPU_PTE_LEAF | (write ? NPU_PTE_WRITE : 0);
	struct npu_sg_pos pos;
	u64 end = va + size;
	u64 next;

	npu_sg_seek(&pos, sgt, offset);
	for (; va < end; va = next) {
		struct npu_pt *mid = npu_mmu_mid(mmu, va);
		u32 index = npu_pt_index(va, NPU_PT_SHIFT_MID);

		next = npu_slot_end(va, end);
		if (next - va == NPU_LARGE_PAGE_SIZE && npu_sg_large(pos)) {
			npu_pt_set(mid, index, npu_sg_addr(&pos) | bits);
			mmu->large++;
			npu_sg_advance(&pos, NPU_LARGE_PAGE_SIZE);
			continue;
		}
		for (; va < next; va += NPU_PAGE_SIZE) {
			npu_pt_set(mid->child[index], npu_pt_index(va, NPU_PT_SHIFT_LAST),
				   npu_sg_addr(&pos) | bits);
			npu_sg_advance(&pos, NPU_PAGE_SIZE);
		}
	}
	dma_wmb();
}

void npu_mmu_unmap(struct npu_mmu *mmu, u64 va, u64 size)
{
	u64 end = va + size;
	u64 next;

	for (; va < end; va = next) {
		struct npu_pt *mid = npu_mmu_mid(mmu, va);
		u32 index = npu_pt_index(va, NPU_PT_SHIFT_MID);

		next = npu_slot_end(va, end);
		if (!mid)
			continue;
		if (mid->entry[index] & NPU_PTE_LEAF) {
			/* Whole: the prepare step has split leaves at the borders. */
			npu_pt_set(mid, index, 0);
			mmu->large--;
			continue;
		}
		if (!mid->child[index])
			continue;
		for (; va < next; va += NPU_PAGE_SIZE)
			npu_pt_set(mid->child[index], npu_pt_index(va, NPU_PT_SHIFT_LAST), 0);
	}
	dma_wmb();
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables of a context, as npu_mmu.h of the contract describes them. Changes happen under
 * the VM's lock; the caller invalidates the device's TLB.
 */
#ifndef NPU_MMU_DRV_H
#define NPU_MMU_DRV_H

#include <linux/scatterlist.h>
#include <linux/types.h>

#include "../uapi/npu_mmu.h"

struct npu_device;
struct npu_pt;

struct npu_mmu {
	struct npu_device *npu;
	struct npu_pt *root;
	u32 large;		/* leaves of 2 MiB */
};

int npu_mmu_init(struct npu_mmu *mmu, struct npu_device *npu);

/* npu_mmu_fini() - Frees all tables. The device must not walk them any more. May be repeated. */
void npu_mmu_fini(struct npu_mmu *mmu);

/* npu_mmu_root() - Bus address of the root table. */
dma_addr_t npu_mmu_root(const struct npu_mmu *mmu);

/**
 * npu_mmu_prepare_map() - Allocate what npu_mmu_map() and the unmaps before it need.
 * @mmu: tables
 * @va: start of the range, page aligned
 * @size: bytes, page aligned, not zero
 * @sgt: DMA addresses of the buffer
 * @offset: in the buffer, bytes
 *
 * Translations stay as they are, also when it fails.
 *
 * Return: 0, -ENOMEM, or -EFAULT the buffer's addresses end before @offset + @size.
 */
int npu_mmu_prepare_map(struct npu_mmu *mmu, u64 va, u64 size, struct sg_table *sgt, u64 offset);

/* npu_mmu_prepare_unmap() - The same for an unmap alone. */
int npu_mmu_prepare_unmap(struct npu_mmu *mmu, u64 va, u64 size);

/* npu_mmu_map() - Writes the translations; arguments as prepared. Cannot fail. */
void npu_mmu_map(struct npu_mmu *mmu, u64 va, u64 size, struct sg_table *sgt, u64 offset,
		 bool write);

/* npu_mmu_unmap() - Clears the translations; inside of a prepared range. Cannot fail. */
void npu_mmu_unmap(struct npu_mmu *mmu, u64 va, u64 size);

#endif

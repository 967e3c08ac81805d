/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Page tables of a context: three levels, 512 entries of 8 bytes each, 4 KiB tables.
 * A device address has NPU_VA_BITS bits; higher ones set are a page fault.
 *
 *   38      30 29      21 20      12 11         0
 *   root index | mid index | last index | offset
 *
 * A mid entry with NPU_PTE_LEAF maps 2 MiB, a last entry maps 4 KiB. Table and
 * page addresses are bus addresses.
 */
#ifndef NPU_MMU_H
#define NPU_MMU_H

#include "npu_types.h"

#define NPU_VA_BITS		39
#define NPU_VA_SIZE		(1ull << NPU_VA_BITS)
/* The first pages stay unmapped: an address of zero plus a small offset always faults. */
#define NPU_VA_MIN		0x10000ull

#define NPU_PAGE_SHIFT		12
#define NPU_PAGE_SIZE		(1ull << NPU_PAGE_SHIFT)
#define NPU_LARGE_PAGE_SHIFT	21
#define NPU_LARGE_PAGE_SIZE	(1ull << NPU_LARGE_PAGE_SHIFT)

#define NPU_PT_ENTRIES		512
#define NPU_PT_SHIFT_ROOT	30
#define NPU_PT_SHIFT_MID	21
#define NPU_PT_SHIFT_LAST	12

#define NPU_PTE_VALID		(1ull << 0)
#define NPU_PTE_WRITE		(1ull << 1)	/* leaf only */
#define NPU_PTE_LEAF		(1ull << 2)	/* set in each leaf, 4 KiB or 2 MiB */
#define NPU_PTE_ADDR_MASK	0x000ffffffffff000ull
/* All other bits are zero; an entry with one of them set is a page fault. */
#define NPU_PTE_KNOWN \
	(NPU_PTE_VALID | NPU_PTE_WRITE | NPU_PTE_LEAF | NPU_PTE_ADDR_MASK)

/* Index of @va at the level whose entries cover 1 << @shift bytes. */
static inline __u32 npu_pt_index(__u64 va, __u32 shift)
{
	return (__u32)(va >> shift) & (NPU_PT_ENTRIES - 1);
}

#endif

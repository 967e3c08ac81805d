/* SPDX-License-Identifier: MIT */
/* Page tables of npu_mmu.h over host memory; bus addresses are host addresses. */
#ifndef LIBNPU_SIM_PT_H
#define LIBNPU_SIM_PT_H

#include <stdbool.h>
#include <stdint.h>

struct sim_pt {
	uint64_t *root;		/* NPU_PT_ENTRIES */
};

int sim_pt_init(struct sim_pt *pt);	/* -ENOMEM */
void sim_pt_free(struct sim_pt *pt);

/*
 * Maps pages of memory at mem; all multiples of the page size. 2 MiB pages are used where both
 * addresses allow. -ENOMEM: nothing is mapped.
 */
int sim_pt_map(struct sim_pt *pt, uint64_t va, void *mem, uint64_t size, bool write);
/* Unmaps; the device may use old translations until it has been told. */
void sim_pt_unmap(struct sim_pt *pt, uint64_t va, uint64_t size);

#endif

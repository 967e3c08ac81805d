/* SPDX-License-Identifier: MIT */
/*
 * Translations of a context: page tables as npu_mmu.h has them, walked once, their results kept
 * as host pointers until an invalidation. Lookups need no lock and may run on any number of
 * threads; invalidation needs memory alone (see gate.h).
 */
#ifndef NPU_CORE_MMU_H
#define NPU_CORE_MMU_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "npu_cmd.h"
#include "npu_mmu.h"

/*
 * 2 MiB regions of a context that may be cached page by page: bounds the host memory which page
 * tables full of small pages can take. One more is NPU_FAULT_BUS.
 */
#define NPU_MMU_MAX_PAGED 65536

struct npu_region;

struct npu_mmu {
	const struct npu_bus *bus;
	uint64_t root;			/* bus address */
	pthread_mutex_t lock;		/* of walks */
	unsigned int paged;
	struct npu_region **dir[NPU_PT_ENTRIES];
};

/* Starts with nothing cached. */
void npu_mmu_init(struct npu_mmu *m, const struct npu_bus *bus, uint64_t root);
/* Ends all mappings. */
void npu_mmu_release(struct npu_mmu *m);
/* Forgets translations of [start, start + size), within NPU_VA_SIZE. */
void npu_mmu_invalidate(struct npu_mmu *m, uint64_t start, uint64_t size);

/*
 * Host pointer to device address @va for reading or writing; *run is how many of the @len (>=
 * 1) bytes from there follow each other in the host. NULL: *fault is NPU_FAULT_PAGE,
 * _PROTECTION or _BUS, for @va.
 */
uint8_t *npu_mmu_run(struct npu_mmu *m, uint64_t va, uint64_t len, bool write, uint64_t *run,
		     enum npu_fault *fault);

#endif

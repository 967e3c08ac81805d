/* SPDX-License-Identifier: MIT */
/*
 * A context: an address space. Changed by the firmware's orders, with memory held.
 */
#ifndef NPU_CORE_CONTEXT_H
#define NPU_CORE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu.h"

struct npu_context {
	bool used;
	uint32_t serial;	/* tells contexts apart that had the same id, for the scratchpad */
	struct npu_mmu mmu;
};

#endif

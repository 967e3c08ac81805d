/* SPDX-License-Identifier: MIT */
/*
 * A context: an address space and whether it may still run. Changed only by the control thread,
 * with memory held, and by the runner (faulted).
 */
#ifndef NPU_CORE_CONTEXT_H
#define NPU_CORE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu.h"

struct npu_context {
	bool used;
	bool faulted;		/* its jobs end as NPU_FAULT_CONTEXT until it is reset */
	unsigned int queues;
	bool ending;		/* a reset waits for its queues to come to rest */
	uint32_t ending_id;	/* of the message to answer then */
	uint32_t serial;	/* tells contexts apart that had the same id, for the scratchpad */
	struct npu_mmu mmu;
};

#endif

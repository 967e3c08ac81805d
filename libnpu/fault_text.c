// SPDX-License-Identifier: MIT
/* A failed job's record as a sentence. */
#include <errno.h>
#include <stdio.h>

#include "npu.h"

/* What fault_addr means depends on the fault. */
static const char *addr_meaning(uint32_t fault)
{
	switch (fault) {
	case NPU_FAULT_PAGE:
	case NPU_FAULT_PROTECTION:
	case NPU_FAULT_BUS:
	case NPU_FAULT_ALIGN:
		return "device address";
	default:
		return "value";
	}
}

const char *npu_fault_text(const struct npu_result *r, char *text, size_t size)
{
	if (r->fault == NPU_FAULT_NONE)
		snprintf(text, size, "job %llu: %s", (unsigned long long)r->seqno,
			 r->error == -ETIME ? "made no progress and was stopped" :
			 r->error ? "was cancelled" : "finished");
	else if (r->fault == NPU_FAULT_KILLED || r->fault == NPU_FAULT_CONTEXT ||
		 r->fault == NPU_FAULT_HANG)
		snprintf(text, size, "job %llu: %s", (unsigned long long)r->seqno,
			 npu_fault_name(r->fault));
	else
		snprintf(text, size, "job %llu: %s: %s 0x%llx, command %s at offset 0x%x of the "
			 "command buffer, core %u, last mark %u", (unsigned long long)r->seqno,
			 npu_fault_name(r->fault), addr_meaning(r->fault),
			 (unsigned long long)r->fault_addr, npu_opcode_name(r->fault_opcode),
			 r->fault_offset, r->fault_core, r->fault_mark);
	return text;
}

/* SPDX-License-Identifier: MIT */
#include "fw.h"

void status_clear(uint32_t at, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i += 4)
		status_put(at + i, 0);
}

void status_account(const struct npu_done *record)
{
	fw.jobs++;
	fw.faults += record->fault != NPU_FAULT_NONE;
	fw.energy_pj += record->energy_pj;
	status_put64(STATUS_AT(model_ns), fw.model_ns);
	status_put64(STATUS_AT(energy_pj), fw.energy_pj);
	for (unsigned int i = 0; i < NPU_ENGINE_COUNT; i++) {
		fw.busy_ns[i] += record->busy_ns[i];
		status_put64(STATUS_AT(busy_ns) + 8 * i, fw.busy_ns[i]);
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * Windows of the control core onto bus memory.
 */
#include "device.h"
#include "npu_mmu.h"

void *npu_control_window(struct npu_control *c, uint32_t addr, uint32_t bytes)
{
	uint32_t w = (addr - NPU_CC_WINDOW_BASE) / NPU_CC_WINDOW_BYTES;
	uint32_t offset = addr % NPU_CC_WINDOW_BYTES;

	if (addr < NPU_CC_WINDOW_BASE || bytes > c->window_bytes[w] ||
	    offset > c->window_bytes[w] - bytes ||
	    offset % NPU_PAGE_SIZE + bytes > NPU_PAGE_SIZE)
		return NULL;
	return npu_window_at(&c->window[w], offset);
}

static void end_window(struct npu_core *core, uint32_t index)
{
	struct npu_control *c = &core->control;

	c->window_bytes[index] = 0;
	npu_window_unmap(&core->bus, &c->window[index]);
}

uint32_t npu_control_map(struct npu_core *core, uint32_t index, uint64_t addr, uint32_t bytes)
{
	struct npu_control *c = &core->control;

	if (index >= NPU_CC_WINDOWS || addr % NPU_PAGE_SIZE || bytes > NPU_CC_WINDOW_BYTES)
		return NPU_CC_INVALID;
	end_window(core, index);
	if (!bytes)
		return NPU_CC_OK;
	if (npu_window_map(&core->bus, addr, bytes, &c->window[index]))
		return NPU_CC_BUS;
	c->window_bytes[index] = bytes;
	return NPU_CC_OK;
}

void npu_control_unmap(struct npu_core *core)
{
	for (uint32_t i = 0; i < NPU_CC_WINDOWS; i++)
		end_window(core, i);
}

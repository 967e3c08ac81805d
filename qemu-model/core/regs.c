/* SPDX-License-Identifier: MIT */
/*
 * Registers of BAR 0. Accesses leave word for the device's threads and return.
 */
#include <string.h>

#include "device.h"
#include "npu_mmu.h"

static uint32_t machine_reg(const struct npu_machine *m, uint32_t offset)
{
	switch (offset) {
	case NPU_REG_CORES:
		return m->cores;
	case NPU_REG_SPAD_BYTES:
		return m->spad_bytes;
	case NPU_REG_FIFO_BYTES:
		return m->fifo_bytes;
	case NPU_REG_MACS:
		return m->macs;
	case NPU_REG_MATRIX_MHZ:
		return m->matrix_mhz;
	case NPU_REG_VECTOR_BITS:
		return m->vector_bits;
	case NPU_REG_DMA_CHANNELS:
		return m->dma_channels;
	case NPU_REG_DMA_BYTES:
		return m->dma_bytes;
	case NPU_REG_DMA_MHZ:
		return m->dma_mhz;
	case NPU_REG_DRAM_MBPS:
		return m->dram_mbps;
	case NPU_REG_DRAM_NS:
		return m->dram_ns;
	case NPU_REG_CONTEXTS:
		return m->contexts;
	case NPU_REG_QUEUES:
		return m->queues;
	}
	return 0;
}

/* Registers that read back what was written; NULL if @offset is none. */
static uint32_t *plain_reg(struct npu_regs *r, uint32_t offset)
{
	switch (offset) {
	case NPU_REG_TEST_DMA_LO:
		return &r->test_dma_lo;
	case NPU_REG_TEST_DMA_HI:
		return &r->test_dma_hi;
	case NPU_REG_TEST_DMA_SIZE:
		return &r->test_dma_size;
	case NPU_REG_FW_ADDR_LO:
		return &r->fw_addr_lo;
	case NPU_REG_FW_ADDR_HI:
		return &r->fw_addr_hi;
	case NPU_REG_FW_SIZE:
		return &r->fw_size;
	case NPU_REG_BOOT_LO:
		return &r->boot_lo;
	case NPU_REG_BOOT_HI:
		return &r->boot_hi;
	}
	return NULL;
}

/* A reset counts from the moment it is asked for, however late the control thread comes to it. */
static uint32_t visible_state(const struct npu_core *core)
{
	if (__atomic_load_n(&core->requests, __ATOMIC_ACQUIRE) & NPU_REQUEST_RESET)
		return NPU_STATE_RESETTING;
	return npu_device_state(core);
}

uint32_t npu_core_reg_read(struct npu_core *core, uint32_t offset)
{
	struct npu_regs *r = &core->regs;
	uint32_t *plain = plain_reg(r, offset);

	if (plain)
		return *plain;
	switch (offset) {
	case NPU_REG_ID:
		return NPU_ID;
	case NPU_REG_HW_VERSION:
		return NPU_HW_VERSION;
	case NPU_REG_CMD_VERSION:
		return NPU_CMD_VERSION_MAJOR << 16 | NPU_CMD_VERSION_MINOR;
	case NPU_REG_VA_BITS:
		return NPU_VA_BITS;
	case NPU_REG_DMA_BITS:
		return NPU_DMA_BITS;
	case NPU_REG_TEST_VALUE:
		return r->test_value * 2;
	case NPU_REG_TEST_DMA_STATUS:
		return r->test_dma_status;
	case NPU_REG_STATE:
		return visible_state(core);
	case NPU_REG_ERROR:
		return __atomic_load_n(&r->error, __ATOMIC_ACQUIRE);
	case NPU_REG_ERROR_FOUND:
		return r->error_found;
	case NPU_REG_ERROR_WANTED:
		return r->error_wanted;
	case NPU_REG_FW_API:
		return visible_state(core) == NPU_STATE_RUNNING ? r->fw_api : 0;
	case NPU_REG_FLASH:
		return (core->rom.io.size ? NPU_FLASH_PRESENT : 0) |
		       (core->rom.source != NPU_FW_SOURCE_HOST ? NPU_FLASH_BOOTED : 0);
	case NPU_REG_FW_SOURCE:
		return core->rom.source;
	case NPU_REG_SECURITY:
		return npu_rom_counter(core);
	case NPU_REG_LIFECYCLE:
		return core->rom.policy.development;
	case NPU_REG_RESETS:
		return __atomic_load_n(&core->resets, __ATOMIC_RELAXED);
	}
	return machine_reg(&core->machine, offset);
}

/* The self test's DMA, done before the write of its register returns. */
static uint32_t test_dma(struct npu_core *core, uint32_t what)
{
	struct npu_regs *r = &core->regs;
	uint64_t addr = (uint64_t)r->test_dma_hi << 32 | r->test_dma_lo;
	uint32_t left = r->test_dma_size;

	if (!core->bus_master)
		return NPU_BOOT_BUS;
	if (left > NPU_TEST_DMA_MAX)
		return NPU_BOOT_SIZE;
	if (what < NPU_TEST_DMA_CLEAR || what > NPU_TEST_DMA_INVERT)
		return NPU_BOOT_FIELD;
	while (left) {
		struct npu_mapping m;
		uint8_t *p;

		if (npu_bus_map(&core->bus, addr, left, true, &m))
			return NPU_BOOT_BUS;
		p = m.ptr;
		if (what == NPU_TEST_DMA_INVERT) {
			for (uint64_t i = 0; i < m.bytes; i++)
				p[i] = (uint8_t)~p[i];
		} else {
			memset(p, what == NPU_TEST_DMA_FILL ? NPU_TEST_DMA_PATTERN : 0, m.bytes);
		}
		npu_bus_unmap(&core->bus, &m);
		addr += m.bytes;
		left -= (uint32_t)m.bytes;
	}
	return NPU_BOOT_OK;
}

static void write_boot(struct npu_core *core, uint32_t value)
{
	uint32_t state = visible_state(core);

	if (value != 1 || (state != NPU_STATE_IDLE && state != NPU_STATE_ERROR))
		return;
	core->regs.error = NPU_BOOT_OK;
	core->regs.error_found = 0;
	core->regs.error_wanted = 0;
	npu_device_set_state(core, NPU_STATE_BOOTING);
	npu_device_request(core, NPU_REQUEST_BOOT);
}

/* Leaves a value for the firmware. */
static void leave_word(struct npu_core *core, uint32_t *where, uint32_t value, uint32_t irq)
{
	__atomic_store_n(where, value, __ATOMIC_RELEASE);
	npu_control_irq(core, irq);
}

void npu_core_reg_write(struct npu_core *core, uint32_t offset, uint32_t value)
{
	struct npu_regs *r = &core->regs;
	uint32_t *plain = plain_reg(r, offset);

	if (plain) {
		*plain = value;
		return;
	}
	if (offset >= NPU_REG_QUEUE_TAIL(0) && offset < NPU_REG_QUEUE_TAIL(NPU_MAX_QUEUES)) {
		npu_control_ring(core, (offset - NPU_REG_QUEUE_TAIL(0)) / 4, value);
		return;
	}
	switch (offset) {
	case NPU_REG_TEST_VALUE:
		r->test_value = value;
		break;
	case NPU_REG_TEST_IRQ:
		if (value < NPU_MSIX_COUNT)
			npu_device_request(core, NPU_REQUEST_IRQ(value));
		break;
	case NPU_REG_TEST_DMA_CTRL:
		r->test_dma_status = test_dma(core, value);
		break;
	case NPU_REG_CTRL:
		if (value == NPU_CTRL_RESET)
			npu_device_request(core, NPU_REQUEST_RESET);
		break;
	case NPU_REG_BOOT:
		write_boot(core, value);
		break;
	case NPU_REG_H2D_TAIL:
		leave_word(core, &core->control.h2d_tail, value, NPU_CC_IRQ_H2D);
		break;
	case NPU_REG_D2H_ARM:
		leave_word(core, &core->control.d2h_head, value, NPU_CC_IRQ_D2H_ARM);
		break;
	case NPU_REG_DONE_ARM:
		leave_word(core, &core->control.done_head, value, NPU_CC_IRQ_DONE_ARM);
		break;
	}
}

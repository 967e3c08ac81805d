/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "device.h"
#include "npu_cmd.h"
#include "npu_regs.h"

static bool power_of_two(uint32_t v)
{
	return v && !(v & (v - 1));
}

const char *npu_machine_check(const struct npu_machine *m)
{
	if (m->cores < 1 || m->cores > NPU_MAX_CORES)
		return "cores: 1..16";
	if (m->spad_bytes < (64u << 10) || m->spad_bytes > (16u << 20) ||
	    m->spad_bytes % NPU_SPAD_ALIGN)
		return "spad_bytes: 65536..16777216, a multiple of 64";
	if (m->fifo_bytes < (4u << 10) || m->fifo_bytes > (4u << 20))
		return "fifo_bytes: 4096..4194304";
	if (!power_of_two(m->macs) || m->macs > (1u << 20))
		return "macs: a power of two up to 1048576";
	if (m->matrix_mhz < 1 || m->matrix_mhz > 100000)
		return "matrix_mhz: 1..100000";
	if (!power_of_two(m->vector_bits) || m->vector_bits < 128 || m->vector_bits > 8192)
		return "vector_bits: a power of two, 128..8192";
	if (m->dma_channels < 1 || m->dma_channels > 8)
		return "dma_channels: 1..8";
	if (m->dma_bytes < 1 || m->dma_bytes > 4096)
		return "dma_bytes: 1..4096";
	if (m->dma_mhz < 1 || m->dma_mhz > 100000)
		return "dma_mhz: 1..100000";
	if (m->dram_mbps < 1 || m->dram_mbps > 100000000)
		return "dram_mbps: 1..100000000";
	if (m->dram_efficiency < 1 || m->dram_efficiency > 1000)
		return "dram_efficiency: 1..1000 per mille";
	if (m->dram_ns > 1000000)
		return "dram_ns: 0..1000000";
	if (m->contexts < 1 || m->contexts > NPU_MAX_CONTEXTS)
		return "contexts: 1..64";
	if (m->queues < 1 || m->queues > NPU_MAX_QUEUES)
		return "queues: 1..64";
	return NULL;
}

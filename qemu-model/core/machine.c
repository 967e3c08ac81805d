/* SPDX-License-Identifier: MIT */
/*
 * The two machines that come with the model. Shapes and rates are near the shipping parts that the
 * specification's chapter "Machine" names.
 *
 * Energy, from published figures for one operation:
 * - arithmetic and SRAM in 7 nm: Jouppi et al., "Ten Lessons From Three Generations Shaped
 *   Google's TPUv4i", ISCA 2021, table 2: int8 multiply 0.07 pJ and int32 add 0.03 pJ; fp16
 *   multiply 0.34 pJ and fp32 add 0.38 pJ; fp32 multiply 1.31 pJ (a lane operation here is the
 *   mean of it and an add); 64 bits of a 1 MiB SRAM 14 pJ.
 * - LPDDR5: 5 pJ a bit, interface and array, the middle of what vendors state (4 to 6).
 * The static power is an assumption: about a tenth of what the arithmetic takes at full load.
 */
#include "npu_core.h"

const struct npu_machine npu_machine_default = {
	.cores = 4,
	.spad_bytes = 2u << 20,
	.fifo_bytes = 512u << 10,
	.macs = 4096,
	.matrix_mhz = 1500,
	.vector_bits = 1024,
	.dma_channels = 2,
	.dma_bytes = 64,
	.dma_mhz = 1000,
	.dram_mbps = 128000,
	.dram_efficiency = 900,
	.dram_ns = 300,
	.contexts = 16,
	.queues = 64,
	.fj_mac_int8 = 100,
	.fj_mac_float = 720,
	.fj_vector_op = 850,
	.fj_dram_byte = 40000,
	.fj_spad_byte = 1750,
	.idle_mw = 250,
};

const struct npu_machine npu_machine_small = {
	.cores = 1,
	.spad_bytes = 1u << 20,
	.fifo_bytes = 256u << 10,
	.macs = 2048,
	.matrix_mhz = 1500,
	.vector_bits = 512,
	.dma_channels = 2,
	.dma_bytes = 32,
	.dma_mhz = 1000,
	.dram_mbps = 34000,
	.dram_efficiency = 900,
	.dram_ns = 300,
	.contexts = 8,
	.queues = 16,
	.fj_mac_int8 = 100,
	.fj_mac_float = 720,
	.fj_vector_op = 850,
	.fj_dram_byte = 40000,
	.fj_spad_byte = 1750,
	.idle_mw = 60,
};

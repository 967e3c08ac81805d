/* SPDX-License-Identifier: MIT */
/*
 * One valid example of each command, to be changed field by field.
 */
#ifndef NPU_TEST_COMMANDS_H
#define NPU_TEST_COMMANDS_H

#include <stddef.h>
#include <stdint.h>

#include "host.h"

union command {
	struct npu_cmd_hdr hdr;
	struct npu_cmd_barrier barrier;
	struct npu_cmd_loop loop;
	struct npu_cmd_break brk;
	struct npu_cmd_alu alu;
	struct npu_cmd_scalar scalar;
	struct npu_cmd_mark mark;
	struct npu_cmd_dma dma;
	struct npu_cmd_gather gather;
	struct npu_cmd_kv_store kv_store;
	struct npu_cmd_relayout relayout;
	struct npu_cmd_matmul matmul;
	struct npu_cmd_wrows wrows;
	struct npu_cmd_attn attn;
	struct npu_cmd_rmsnorm rmsnorm;
	struct npu_cmd_rope rope;
	struct npu_cmd_softmax softmax;
	struct npu_cmd_ew ew;
	struct npu_cmd_quant quant;
	struct npu_cmd_convert convert;
	struct npu_cmd_argmax argmax;
	struct npu_cmd_topk topk;
	struct npu_cmd_penalize penalize;
	struct npu_cmd_sample sample;
	uint8_t byte[96];
};

/* Memory that the examples use: all of it zero but a repeat penalty of one at its start */
#define COMMANDS_BYTES (1u << 20)

/* Bytes of command @opcode; 0: no such opcode. */
size_t command_bytes(uint8_t opcode);
/* A valid example, which works in a stream of core 0 on memory at @va. */
union command command_example(uint8_t opcode, uint64_t va);
const char *command_name(uint8_t opcode);

#endif

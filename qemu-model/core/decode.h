/* SPDX-License-Identifier: MIT */
/*
 * From a command buffer in the guest's memory to a program: a private copy, checked in full before
 * the first command runs, with jump targets resolved.
 */
#ifndef NPU_CORE_DECODE_H
#define NPU_CORE_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu.h"
#include "npu_cmd.h"

struct npu_stream;
struct npu_op;

/* What a command leaves behind */
enum npu_step {
	NPU_STEP_OK,
	NPU_STEP_BARRIER,	/* the stream waits */
	NPU_STEP_END,
	NPU_STEP_SAFE,		/* stopped at a MARK with NPU_CMDF_SAFE, as it was asked to */
	NPU_STEP_PAUSE,		/* the time log is full; runs on after it has been replayed */
	NPU_STEP_STOPPED,	/* killed, or another core has faulted */
	NPU_STEP_FAULT,		/* see npu_stream.fault */
};

typedef enum npu_step npu_exec_fn(struct npu_stream *s, const struct npu_op *op);

/* A decoded command. Its fixed fields have been checked. */
struct npu_op {
	npu_exec_fn *exec;
	const void *cmd;	/* in the program's copy */
	uint32_t offset;	/* in the command buffer */
	uint32_t target; /* LOOP, BREAK: past the LOOP_END; LOOP_END: the first of the body */
	uint32_t cost;		/* host ns of the phase that last began here, see job.c */
};

/* Details of a fault, as struct npu_done has them */
struct npu_fault_info {
	enum npu_fault code;
	uint16_t core;
	uint16_t opcode;
	uint32_t offset;
	uint32_t mark;
	uint64_t value;
};

struct npu_program {
	uint32_t users;			/* the slots that keep it, and jobs saved half-way */
	uint8_t *copy;			/* of the whole command buffer */
	struct npu_op *ops;		/* of all streams */
	uint32_t size;
	uint32_t n_ops;
	uint16_t n_streams;
	uint16_t n_params;
	uint32_t first[NPU_MAX_CORES];	/* index in ops */
};

/*
 * Decodes @size bytes at @va for a device of @cores cores; the caller is its user. NULL: *fault
 * says why (core, opcode and offset of the first bad command in order of cores).
 */
struct npu_program *npu_program_create(struct npu_mmu *mmu, uint64_t va, uint32_t size,
				       uint32_t cores, struct npu_fault_info *fault);
/* One user less; the last one's frees it. NULL is allowed. */
void npu_program_put(struct npu_program *p);

/* Whether the buffer at @va still holds what @p was made of. */
bool npu_program_matches(const struct npu_program *p, struct npu_mmu *mmu, uint64_t va,
			 uint32_t size);

/*
 * Checks the fixed fields of a command: registers, pads, enumerations, alignment of the scratchpad
 * operands, limits. Returns NPU_FAULT_NONE or the fault with the refused value.
 */
enum npu_fault npu_check_cmd(const void *cmd, uint32_t core, uint32_t streams, uint64_t *value);

#endif

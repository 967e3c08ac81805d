/* SPDX-License-Identifier: MIT */
/*
 * Decoded instructions of the control core, shared by the files rv32*.c alone.
 */
#ifndef NPU_CORE_RV32_OP_H
#define NPU_CORE_RV32_OP_H

#include "npu_fw_hw.h"
#include "rv32.h"

#define RV32_PAGE_WORDS (NPU_CC_PAGE_BYTES / 4)
#define RV32_PAGE_OPS	(RV32_PAGE_WORDS + 1)	/* the last is RV32_OP_NEXT_PAGE */

/*
 * UNDECODED is zero: a page of zeros is one not decoded yet. Jumps and branches end in _NEAR if
 * the target is aligned and in the same page.
 */
#define RV32_OPS(X) \
	X(UNDECODED) X(NEXT_PAGE) X(ILLEGAL) \
	X(LUI) X(AUIPC) X(JAL) X(JAL_NEAR) X(JALR) \
	X(BEQ) X(BNE) X(BLT) X(BGE) X(BLTU) X(BGEU) \
	X(BEQ_NEAR) X(BNE_NEAR) X(BLT_NEAR) X(BGE_NEAR) X(BLTU_NEAR) X(BGEU_NEAR) \
	X(LB) X(LH) X(LW) X(LBU) X(LHU) X(SB) X(SH) X(SW) \
	X(ADDI) X(SLTI) X(SLTIU) X(XORI) X(ORI) X(ANDI) X(SLLI) X(SRLI) X(SRAI) \
	X(ADD) X(SUB) X(SLL) X(SLT) X(SLTU) X(XOR) X(SRL) X(SRA) X(OR) X(AND) \
	X(MUL) X(MULH) X(MULHSU) X(MULHU) X(DIV) X(DIVU) X(REM) X(REMU) \
	X(FENCE) X(ECALL) X(EBREAK) X(MRET) X(WFI) X(CSR)

enum rv32_opcode {
#define RV32_OP_ENUM(name) RV32_OP_##name,
	RV32_OPS(RV32_OP_ENUM)
#undef RV32_OP_ENUM
	RV32_OP_COUNT,
};

struct rv32_op {
	uint8_t op;		/* enum rv32_opcode */
	uint8_t rd;		/* of struct rv32.x: 32 stands for x0 */
	uint8_t rs1;
	uint8_t rs2;
	int32_t imm;		/* CSR, ILLEGAL: the instruction itself */
};
_Static_assert(sizeof(struct rv32_op) == 8, "records are indexed in units of 8 bytes");

/* Decodes @word, which stands @page_offset bytes into its page. Any word has a meaning. */
struct rv32_op rv32_decode(uint32_t word, uint32_t page_offset);

/*
 * A CSR instruction @word with the counters up to date before it. False: illegal, and nothing
 * has changed. A counter that it writes is left one short, as it is yet to retire.
 */
bool rv32_csr(struct rv32 *cpu, uint32_t word);

/* Enters the handler from pc; false: a double trap, the core is halted instead. */
bool rv32_exception(struct rv32 *cpu, enum rv32_cause cause, uint32_t tval);
void rv32_mret(struct rv32 *cpu);

/* Enters the handler of an NMI or an interrupt, if one is to be taken at pc. */
void rv32_take_interrupt(struct rv32 *cpu);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Instruction words for tests of the control core's processor, format by format.
 */
#ifndef TESTS_RV32_ASM_H
#define TESTS_RV32_ASM_H

#include <stdint.h>

#define A_LUI	0x37u
#define A_AUIPC	0x17u
#define A_JAL	0x6fu
#define A_JALR	0x67u
#define A_BRANCH 0x63u
#define A_LOAD	0x03u
#define A_STORE	0x23u
#define A_IMM	0x13u
#define A_REG	0x33u
#define A_FENCE	0x0fu
#define A_SYSTEM 0x73u

#define A_NOP	0x00000013u
#define A_ECALL	0x00000073u
#define A_EBREAK 0x00100073u
#define A_WFI	0x10500073u
#define A_MRET	0x30200073u

static inline uint32_t a_r(uint32_t opcode, uint32_t f3, uint32_t f7, uint32_t rd, uint32_t rs1,
			   uint32_t rs2)
{
	return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}

static inline uint32_t a_i(uint32_t opcode, uint32_t f3, uint32_t rd, uint32_t rs1, int32_t imm)
{
	return (uint32_t)imm << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}

static inline uint32_t a_s(uint32_t f3, uint32_t rs2, uint32_t rs1, int32_t imm)
{
	uint32_t u = (uint32_t)imm;

	return (u >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | (u & 0x1f) << 7 | A_STORE;
}

static inline uint32_t a_b(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t offset)
{
	uint32_t u = (uint32_t)offset;

	return (u >> 12 & 1) << 31 | (u >> 5 & 0x3f) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 |
	       (u >> 1 & 0xf) << 8 | (u >> 11 & 1) << 7 | A_BRANCH;
}

static inline uint32_t a_u(uint32_t opcode, uint32_t rd, uint32_t value)
{
	return (value & 0xfffff000) | rd << 7 | opcode;
}

static inline uint32_t a_jal(uint32_t rd, int32_t offset)
{
	uint32_t u = (uint32_t)offset;

	return (u >> 20 & 1) << 31 | (u >> 1 & 0x3ff) << 21 | (u >> 11 & 1) << 20 |
	       (u >> 12 & 0xff) << 12 | rd << 7 | A_JAL;
}

static inline uint32_t a_addi(uint32_t rd, uint32_t rs1, int32_t imm)
{
	return a_i(A_IMM, 0, rd, rs1, imm);
}

static inline uint32_t a_lw(uint32_t rd, uint32_t rs1, int32_t imm)
{
	return a_i(A_LOAD, 2, rd, rs1, imm);
}

static inline uint32_t a_sw(uint32_t rs2, uint32_t rs1, int32_t imm)
{
	return a_s(2, rs2, rs1, imm);
}

/* @f3: 1 write, 2 set, 3 clear; 5..7 with @rs1 as the value */
static inline uint32_t a_csr(uint32_t f3, uint32_t rd, uint32_t csr, uint32_t rs1)
{
	return csr << 20 | rs1 << 15 | f3 << 12 | rd << 7 | A_SYSTEM;
}

#endif

// SPDX-License-Identifier: MIT
/*
 * From an instruction word to a record. What the specification reserves is illegal, but for the
 * fields of FENCE and FENCE.I, which it wants ignored.
 */
#include "rv32_op.h"

#define WORD_ECALL  0x00000073u
#define WORD_EBREAK 0x00100073u
#define WORD_WFI    0x10500073u
#define WORD_MRET   0x30200073u

static const uint8_t branch_ops[8] = {
	RV32_OP_BEQ, RV32_OP_BNE, RV32_OP_ILLEGAL, RV32_OP_ILLEGAL,
	RV32_OP_BLT, RV32_OP_BGE, RV32_OP_BLTU, RV32_OP_BGEU,
};

static const uint8_t load_ops[8] = {
	RV32_OP_LB, RV32_OP_LH, RV32_OP_LW, RV32_OP_ILLEGAL,
	RV32_OP_LBU, RV32_OP_LHU, RV32_OP_ILLEGAL, RV32_OP_ILLEGAL,
};

static const uint8_t store_ops[8] = {
	RV32_OP_SB, RV32_OP_SH, RV32_OP_SW, RV32_OP_ILLEGAL,
	RV32_OP_ILLEGAL, RV32_OP_ILLEGAL, RV32_OP_ILLEGAL, RV32_OP_ILLEGAL,
};

static const uint8_t imm_ops[8] = {
	RV32_OP_ADDI, RV32_OP_SLLI, RV32_OP_SLTI, RV32_OP_SLTIU,
	RV32_OP_XORI, RV32_OP_SRLI, RV32_OP_ORI, RV32_OP_ANDI,
};

static const uint8_t base_ops[8] = {
	RV32_OP_ADD, RV32_OP_SLL, RV32_OP_SLT, RV32_OP_SLTU,
	RV32_OP_XOR, RV32_OP_SRL, RV32_OP_OR, RV32_OP_AND,
};

static const uint8_t mul_ops[8] = {
	RV32_OP_MUL, RV32_OP_MULH, RV32_OP_MULHSU, RV32_OP_MULHU,
	RV32_OP_DIV, RV32_OP_DIVU, RV32_OP_REM, RV32_OP_REMU,
};

static int32_t imm_i(uint32_t word)
{
	return (int32_t)word >> 20;
}

static int32_t imm_s(uint32_t word)
{
	return ((int32_t)word >> 25) * 32 | (int32_t)(word >> 7 & 0x1f);
}

static int32_t imm_b(uint32_t word)
{
	return ((int32_t)word >> 31) * 4096 |
	       (int32_t)((word << 4 & 0x800) | (word >> 20 & 0x7e0) | (word >> 7 & 0x1e));
}

static int32_t imm_j(uint32_t word)
{
	return ((int32_t)word >> 31) * 0x100000 |
	       (int32_t)((word & 0xff000) | (word >> 9 & 0x800) | (word >> 20 & 0x7fe));
}

/* Whether a jump by @imm stays in the page and is aligned: then nothing is left to check. */
static bool is_near(uint32_t page_offset, int32_t imm)
{
	return !(imm & 3) && page_offset + (uint32_t)imm < NPU_CC_PAGE_BYTES;
}

static void decode_shift(struct rv32_op *o, uint32_t word)
{
	uint32_t funct7 = word >> 25;

	o->imm = (int32_t)(word >> 20 & 0x1f);
	if (o->op == RV32_OP_SRLI && funct7 == 0x20)
		o->op = RV32_OP_SRAI;
	else if (funct7)
		o->op = RV32_OP_ILLEGAL;
}

static uint8_t decode_reg(uint32_t funct3, uint32_t funct7)
{
	switch (funct7) {
	case 0x00:
		return base_ops[funct3];
	case 0x01:
		return mul_ops[funct3];
	case 0x20:
		if (funct3 == 0)
			return RV32_OP_SUB;
		if (funct3 == 5)
			return RV32_OP_SRA;
		return RV32_OP_ILLEGAL;
	default:
		return RV32_OP_ILLEGAL;
	}
}

static uint8_t decode_system(uint32_t word, uint32_t funct3)
{
	if (funct3)
		return funct3 == 4 ? RV32_OP_ILLEGAL : RV32_OP_CSR;
	switch (word) {
	case WORD_ECALL:
		return RV32_OP_ECALL;
	case WORD_EBREAK:
		return RV32_OP_EBREAK;
	case WORD_WFI:
		return RV32_OP_WFI;
	case WORD_MRET:
		return RV32_OP_MRET;
	default:
		return RV32_OP_ILLEGAL;
	}
}

struct rv32_op rv32_decode(uint32_t word, uint32_t page_offset)
{
	uint32_t funct3 = word >> 12 & 7, rd = word >> 7 & 0x1f;
	struct rv32_op o = {
		.op = RV32_OP_ILLEGAL,
		.rd = rd ? (uint8_t)rd : 32,
		.rs1 = word >> 15 & 0x1f,
		.rs2 = word >> 20 & 0x1f,
	};

	switch (word & 0x7f) {
	case 0x03:
		o.op = load_ops[funct3];
		o.imm = imm_i(word);
		break;
	case 0x0f:
		if (funct3 < 2)
			o.op = RV32_OP_FENCE;
		break;
	case 0x13:
		o.op = imm_ops[funct3];
		o.imm = imm_i(word);
		if (funct3 == 1 || funct3 == 5)
			decode_shift(&o, word);
		break;
	case 0x17:
		o.op = RV32_OP_AUIPC;
		o.imm = (int32_t)(word & 0xfffff000);
		break;
	case 0x23:
		o.op = store_ops[funct3];
		o.imm = imm_s(word);
		break;
	case 0x33:
		o.op = decode_reg(funct3, word >> 25);
		break;
	case 0x37:
		o.op = RV32_OP_LUI;
		o.imm = (int32_t)(word & 0xfffff000);
		break;
	case 0x63:
		o.op = branch_ops[funct3];
		o.imm = imm_b(word);
		if (o.op != RV32_OP_ILLEGAL && is_near(page_offset, o.imm))
			o.op += RV32_OP_BEQ_NEAR - RV32_OP_BEQ;
		break;
	case 0x67:
		if (funct3 == 0)
			o.op = RV32_OP_JALR;
		o.imm = imm_i(word);
		break;
	case 0x6f:
		o.imm = imm_j(word);
		o.op = is_near(page_offset, o.imm) ? RV32_OP_JAL_NEAR : RV32_OP_JAL;
		break;
	case 0x73:
		o.op = decode_system(word, funct3);
		o.imm = (int32_t)word;
		break;
	}
	if (o.op == RV32_OP_ILLEGAL)
		o.imm = (int32_t)word;
	return o;
}

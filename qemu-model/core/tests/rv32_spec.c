// SPDX-License-Identifier: MIT
/*
 * One instruction at a time. Encodings are the lines of the manual's instruction listings, and
 * immediates are put together bit by bit as in its figures.
 */
#include "npu_fw_image.h"
#include "rv32_spec.h"

enum name {
	LUI, AUIPC, JAL, JALR, BEQ, BNE, BLT, BGE, BLTU, BGEU,
	LB, LH, LW, LBU, LHU, SB, SH, SW,
	ADDI, SLTI, SLTIU, XORI, ORI, ANDI, SLLI, SRLI, SRAI,
	ADD, SUB, SLL, SLT, SLTU, XOR, SRL, SRA, OR, AND,
	FENCE, FENCE_I, ECALL, EBREAK, MRET, WFI,
	MUL, MULH, MULHSU, MULHU, DIV, DIVU, REM, REMU,
	CSRRW, CSRRS, CSRRC, CSRRWI, CSRRSI, CSRRCI,
	NONE,
};

static const struct {
	enum name name;
	const char *bits;	/* 31 to 0; blanks only for the eye, '.' any */
} listing[] = {
	{ LUI,    "....... ..... ..... ... ..... 0110111" },
	{ AUIPC,  "....... ..... ..... ... ..... 0010111" },
	{ JAL,    "....... ..... ..... ... ..... 1101111" },
	{ JALR,   "....... ..... ..... 000 ..... 1100111" },
	{ BEQ,    "....... ..... ..... 000 ..... 1100011" },
	{ BNE,    "....... ..... ..... 001 ..... 1100011" },
	{ BLT,    "....... ..... ..... 100 ..... 1100011" },
	{ BGE,    "....... ..... ..... 101 ..... 1100011" },
	{ BLTU,   "....... ..... ..... 110 ..... 1100011" },
	{ BGEU,   "....... ..... ..... 111 ..... 1100011" },
	{ LB,     "....... ..... ..... 000 ..... 0000011" },
	{ LH,     "....... ..... ..... 001 ..... 0000011" },
	{ LW,     "....... ..... ..... 010 ..... 0000011" },
	{ LBU,    "....... ..... ..... 100 ..... 0000011" },
	{ LHU,    "....... ..... ..... 101 ..... 0000011" },
	{ SB,     "....... ..... ..... 000 ..... 0100011" },
	{ SH,     "....... ..... ..... 001 ..... 0100011" },
	{ SW,     "....... ..... ..... 010 ..... 0100011" },
	{ ADDI,   "....... ..... ..... 000 ..... 0010011" },
	{ SLTI,   "....... ..... ..... 010 ..... 0010011" },
	{ SLTIU,  "....... ..... ..... 011 ..... 0010011" },
	{ XORI,   "....... ..... ..... 100 ..... 0010011" },
	{ ORI,    "....... ..... ..... 110 ..... 0010011" },
	{ ANDI,   "....... ..... ..... 111 ..... 0010011" },
	{ SLLI,   "0000000 ..... ..... 001 ..... 0010011" },
	{ SRLI,   "0000000 ..... ..... 101 ..... 0010011" },
	{ SRAI,   "0100000 ..... ..... 101 ..... 0010011" },
	{ ADD,    "0000000 ..... ..... 000 ..... 0110011" },
	{ SUB,    "0100000 ..... ..... 000 ..... 0110011" },
	{ SLL,    "0000000 ..... ..... 001 ..... 0110011" },
	{ SLT,    "0000000 ..... ..... 010 ..... 0110011" },
	{ SLTU,   "0000000 ..... ..... 011 ..... 0110011" },
	{ XOR,    "0000000 ..... ..... 100 ..... 0110011" },
	{ SRL,    "0000000 ..... ..... 101 ..... 0110011" },
	{ SRA,    "0100000 ..... ..... 101 ..... 0110011" },
	{ OR,     "0000000 ..... ..... 110 ..... 0110011" },
	{ AND,    "0000000 ..... ..... 111 ..... 0110011" },
	{ FENCE,  "....... ..... ..... 000 ..... 0001111" },
	{ FENCE_I, "....... ..... ..... 001 ..... 0001111" },
	{ ECALL,  "0000000 00000 00000 000 00000 1110011" },
	{ EBREAK, "0000000 00001 00000 000 00000 1110011" },
	{ MRET,   "0011000 00010 00000 000 00000 1110011" },
	{ WFI,    "0001000 00101 00000 000 00000 1110011" },
	{ MUL,    "0000001 ..... ..... 000 ..... 0110011" },
	{ MULH,   "0000001 ..... ..... 001 ..... 0110011" },
	{ MULHSU, "0000001 ..... ..... 010 ..... 0110011" },
	{ MULHU,  "0000001 ..... ..... 011 ..... 0110011" },
	{ DIV,    "0000001 ..... ..... 100 ..... 0110011" },
	{ DIVU,   "0000001 ..... ..... 101 ..... 0110011" },
	{ REM,    "0000001 ..... ..... 110 ..... 0110011" },
	{ REMU,   "0000001 ..... ..... 111 ..... 0110011" },
	{ CSRRW,  "....... ..... ..... 001 ..... 1110011" },
	{ CSRRS,  "....... ..... ..... 010 ..... 1110011" },
	{ CSRRC,  "....... ..... ..... 011 ..... 1110011" },
	{ CSRRWI, "....... ..... ..... 101 ..... 1110011" },
	{ CSRRSI, "....... ..... ..... 110 ..... 1110011" },
	{ CSRRCI, "....... ..... ..... 111 ..... 1110011" },
};

#define LISTED (sizeof(listing) / sizeof(listing[0]))

/* Field inst[hi:lo] */
static uint32_t field(uint32_t inst, int hi, int lo)
{
	uint32_t value = 0;

	for (int i = hi; i >= lo; i--)
		value = value * 2 + (inst >> i & 1);
	return value;
}

/* The two's complement number of @n bits @value */
static int64_t two_complement(uint32_t value, int n)
{
	int64_t v = value;

	return v >= (int64_t)1 << (n - 1) ? v - ((int64_t)1 << n) : v;
}

static enum name look_up(uint32_t inst)
{
	static uint32_t care[LISTED], want[LISTED];

	if (!care[0]) {
		for (unsigned int i = 0; i < LISTED; i++) {
			for (const char *c = listing[i].bits; *c; c++) {
				if (*c == ' ')
					continue;
				care[i] = care[i] * 2 + (*c != '.');
				want[i] = want[i] * 2 + (*c == '1');
			}
		}
	}
	for (unsigned int i = 0; i < LISTED; i++)
		if ((inst & care[i]) == want[i])
			return listing[i].name;
	return NONE;
}

static void enter(struct spec *s, uint32_t cause, uint32_t tval)
{
	uint32_t mie = field(s->csr[0x300], 3, 3);

	s->csr[0x341] = s->pc;
	s->csr[0x342] = cause;
	s->csr[0x343] = tval;
	s->csr[0x300] = 0x1800 + mie * 0x80;
	s->pc = s->csr[0x305] - s->csr[0x305] % 4;
	if (s->csr[0x305] % 4 == 1 && cause >= 0x80000000)
		s->pc += (cause - 0x80000000) * 4;
}

static void exception(struct spec *s, uint32_t cause, uint32_t tval)
{
	if (s->handles) {
		s->dead = true;
		s->dead_cause = cause;
		s->dead_tval = tval;
		return;
	}
	enter(s, cause, tval);
	s->handles = true;
}

/* Reads @n bytes for a load or a fetch (@right); the cause of a fault, or -1. */
static int read_memory(struct spec *s, uint32_t addr, uint32_t n, uint8_t right, uint32_t *value)
{
	bool fetch = right == NPU_FW_SECTION_X;
	uint64_t at = (uint64_t)addr - s->base;

	*value = 0;
	if (addr % n)
		return fetch ? 0 : 4;
	if (addr >= s->base && at < s->bytes) {
		if (!(s->rights[at / 4096] & right))
			return fetch ? 1 : 5;
		for (uint32_t i = 0; i < n; i++)
			*value += (uint32_t)s->ram[at + i] << 8 * i;
		return -1;
	}
	if (fetch)
		return 1;
	return s->bus.load(s->bus.opaque, addr, n, value) ? -1 : 5;
}

static int write_memory(struct spec *s, uint32_t addr, uint32_t n, uint32_t value)
{
	uint64_t at = (uint64_t)addr - s->base;

	if (addr % n)
		return 6;
	if (n < 4)
		value %= 1u << 8 * n;
	if (addr >= s->base && at < s->bytes) {
		if (!(s->rights[at / 4096] & NPU_FW_SECTION_W))
			return 7;
		for (uint32_t i = 0; i < n; i++)
			s->ram[at + i] = (uint8_t)(value >> 8 * i);
		return -1;
	}
	return s->bus.store(s->bus.opaque, addr, n, value) ? -1 : 7;
}

/* CSR instruction; @written says which counter must not count it. False: illegal. */
static bool access_csr(struct spec *s, uint32_t inst, enum name name, uint32_t *written)
{
	uint32_t number = field(inst, 31, 20), rs1 = field(inst, 19, 15), old, new;
	uint32_t operand = name >= CSRRWI ? rs1 : s->r[rs1];
	bool write = name == CSRRW || name == CSRRWI || rs1 != 0;

	switch (number) {
	case 0xf11: case 0xf12: case 0xf13: case 0xf14: case 0xf15:
		if (write)
			return false;
		/* fall through */
	case 0x310:
		old = 0;
		break;
	case 0x301:
		old = 1u << 30 | 1u << ('I' - 'A') | 1u << ('M' - 'A');
		break;
	case 0x300: case 0x304: case 0x305: case 0x340: case 0x341: case 0x342: case 0x343:
		old = s->csr[number];
		break;
	case 0x344:
		old = s->lines;
		break;
	case 0xb00:
		old = s->cycles % 0x100000000;
		break;
	case 0xb80:
		old = s->cycles / 0x100000000;
		break;
	case 0xb02:
		old = s->instret % 0x100000000;
		break;
	case 0xb82:
		old = s->instret / 0x100000000;
		break;
	default:
		return false;
	}
	if (name == CSRRW || name == CSRRWI)
		new = operand;
	else if (name == CSRRS || name == CSRRSI)
		new = old | operand;
	else
		new = old & ~operand;
	if (field(inst, 11, 7))
		s->r[field(inst, 11, 7)] = old;
	if (!write)
		return true;
	switch (number) {
	case 0x300:
		s->csr[number] = 0x1800 + field(new, 7, 7) * 0x80 + field(new, 3, 3) * 8;
		if (field(new, 3, 3))
			s->handles = false;
		break;
	case 0x304:
		s->csr[number] = field(new, 11, 11) * 0x800 + field(new, 7, 7) * 0x80 +
				 field(new, 3, 3) * 8;
		break;
	case 0x305:
		s->csr[number] = field(new, 31, 2) * 4 + field(new, 0, 0);
		break;
	case 0x341:
		s->csr[number] = field(new, 31, 2) * 4;
		break;
	case 0x340: case 0x342: case 0x343:
		s->csr[number] = new;
		break;
	case 0xb00:
		s->cycles = s->cycles / 0x100000000 * 0x100000000 + new;
		*written = 0xb00;
		break;
	case 0xb80:
		s->cycles = new * 0x100000000ull + s->cycles % 0x100000000;
		*written = 0xb00;
		break;
	case 0xb02:
		s->instret = s->instret / 0x100000000 * 0x100000000 + new;
		*written = 0xb02;
		break;
	case 0xb82:
		s->instret = new * 0x100000000ull + s->instret % 0x100000000;
		*written = 0xb02;
		break;
	}
	return true;
}

/* Bits 63..32 of the product of two numbers of 33 bits */
static uint32_t product_high(__int128 a, __int128 b)
{
	return (uint32_t)(uint64_t)((a * b) >> 32);
}

static uint32_t compute(enum name name, uint32_t a, uint32_t b)
{
	int64_t sa = two_complement(a, 32), sb = two_complement(b, 32);

	switch (name) {
	case ADD: case ADDI:
		return (uint32_t)(sa + sb);
	case SUB:
		return (uint32_t)(sa - sb);
	case SLT: case SLTI:
		return sa < sb ? 1 : 0;
	case SLTU: case SLTIU:
		return a < b ? 1 : 0;
	case XOR: case XORI:
		return (a | b) - (a & b);
	case OR: case ORI:
		return a | b;
	case AND: case ANDI:
		return a & b;
	case SLL: case SLLI:
		return (uint32_t)((uint64_t)a << b % 32);
	case SRL: case SRLI:
		return (uint32_t)((uint64_t)a >> b % 32);
	case SRA: case SRAI:
		for (b %= 32; b; b--)
			a = a / 2 + (a & 0x80000000);
		return a;
	case MUL:
		return (uint32_t)((uint64_t)a * b);
	case MULH:
		return product_high(sa, sb);
	case MULHSU:
		return product_high(sa, b);
	case MULHU:
		return product_high(a, b);
	case DIV:
		return b == 0 ? 0xffffffff : (uint32_t)(sa / sb);
	case DIVU:
		return b == 0 ? 0xffffffff : a / b;
	case REM:
		return b == 0 ? a : (uint32_t)(sa - sa / sb * sb);
	default:	/* REMU */
		return b == 0 ? a : a - a / b * b;
	}
}

static bool branches(enum name name, uint32_t a, uint32_t b)
{
	switch (name) {
	case BEQ:
		return a == b;
	case BNE:
		return a != b;
	case BLT:
		return two_complement(a, 32) < two_complement(b, 32);
	case BGE:
		return two_complement(a, 32) >= two_complement(b, 32);
	case BLTU:
		return a < b;
	default:	/* BGEU */
		return a >= b;
	}
}

static void execute(struct spec *s, uint32_t inst)
{
	uint32_t rd = field(inst, 11, 7), rs1 = s->r[field(inst, 19, 15)];
	uint32_t rs2 = s->r[field(inst, 24, 20)], next = s->pc + 4, result = 0, written = 0;
	uint32_t i_imm = (uint32_t)two_complement(field(inst, 31, 20), 12);
	uint32_t s_imm = (uint32_t)two_complement(field(inst, 31, 25) * 32 +
						  field(inst, 11, 7), 12);
	uint32_t b_imm = (uint32_t)two_complement(field(inst, 31, 31) * 4096 +
						  field(inst, 7, 7) * 2048 +
						  field(inst, 30, 25) * 32 +
						  field(inst, 11, 8) * 2, 13);
	uint32_t u_imm = field(inst, 31, 12) * 4096;
	uint32_t j_imm = (uint32_t)two_complement(field(inst, 31, 31) * 0x100000 +
						  field(inst, 19, 12) * 4096 +
						  field(inst, 20, 20) * 2048 +
						  field(inst, 30, 21) * 2, 21);
	enum name name = look_up(inst);
	int fault;

	switch (name) {
	case NONE:
		exception(s, 2, inst);
		return;
	case LUI:
		result = u_imm;
		break;
	case AUIPC:
		result = s->pc + u_imm;
		break;
	case JAL: case JALR:
		result = next;
		next = name == JAL ? s->pc + j_imm : (rs1 + i_imm) / 2 * 2;
		break;
	case BEQ: case BNE: case BLT: case BGE: case BLTU: case BGEU:
		rd = 0;
		if (branches(name, rs1, rs2))
			next = s->pc + b_imm;
		break;
	case LB: case LH: case LW: case LBU: case LHU: {
		uint32_t n = name == LW ? 4 : name == LH || name == LHU ? 2 : 1;

		fault = read_memory(s, rs1 + i_imm, n, NPU_FW_SECTION_R, &result);
		if (fault >= 0) {
			exception(s, (uint32_t)fault, rs1 + i_imm);
			return;
		}
		if (name == LB || name == LH)
			result = (uint32_t)two_complement(result, (int)n * 8);
		break;
	}
	case SB: case SH: case SW:
		rd = 0;
		fault = write_memory(s, rs1 + s_imm, name == SW ? 4 : name == SH ? 2 : 1, rs2);
		if (fault >= 0) {
			exception(s, (uint32_t)fault, rs1 + s_imm);
			return;
		}
		break;
	case ADDI: case SLTI: case SLTIU: case XORI: case ORI: case ANDI:
		result = compute(name, rs1, i_imm);
		break;
	case SLLI: case SRLI: case SRAI:
		result = compute(name, rs1, field(inst, 24, 20));
		break;
	case FENCE: case FENCE_I:
		rd = 0;
		break;
	case ECALL:
		exception(s, 11, 0);
		return;
	case EBREAK:
		exception(s, 3, s->pc);
		return;
	case MRET:
		next = s->csr[0x341];
		s->csr[0x300] = 0x1800 + 0x80 + field(s->csr[0x300], 7, 7) * 8;
		s->handles = false;
		break;
	case WFI:
		s->waits = true;
		break;
	case CSRRW: case CSRRS: case CSRRC: case CSRRWI: case CSRRSI: case CSRRCI:
		rd = 0;
		if (!access_csr(s, inst, name, &written)) {
			exception(s, 2, inst);
			return;
		}
		break;
	default:
		result = compute(name, rs1, rs2);
		break;
	}
	if (next % 4) {
		exception(s, 0, next);
		return;
	}
	if (rd)
		s->r[rd] = result;
	s->pc = next;
	s->retired++;
	if (written != 0xb00)
		s->cycles++;
	if (written != 0xb02)
		s->instret++;
}

void spec_step(struct spec *s)
{
	uint32_t ready, inst;
	int fault;

	if (s->stopped || s->dead)
		return;
	ready = s->lines & s->csr[0x304];
	if (s->waits && !ready && !s->nmi)
		return;
	s->waits = false;
	if (s->nmi) {
		s->nmi = false;
		enter(s, s->nmi_cause, 0);
	} else if (ready && field(s->csr[0x300], 3, 3)) {
		enter(s, 0x80000000 + (field(ready, 11, 11) ? 11 : field(ready, 3, 3) ? 3 : 7), 0);
	}
	fault = read_memory(s, s->pc, 4, NPU_FW_SECTION_X, &inst);
	if (fault >= 0)
		exception(s, (uint32_t)fault, s->pc);
	else
		execute(s, inst);
	if (s->waits && (s->nmi || (s->lines & s->csr[0x304])))
		s->waits = false;
}

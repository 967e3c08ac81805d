// SPDX-License-Identifier: MIT
/*
 * The control core's state: making, resetting, page rights, CSRs, traps. rv32_run.c executes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rv32_op.h"

#define MISA	0x40001100u	/* 32 bit, I, M */
#define LINES	(RV32_MSIP | RV32_MTIP | RV32_MEIP)
#define RIGHTS	(NPU_FW_SECTION_R | NPU_FW_SECTION_W | NPU_FW_SECTION_X)
#define BYTES_MAX (1u << 30)

/* To be called whenever something of this changes: rv32_run() looks only at attention. */
static void update_attention(struct rv32 *cpu)
{
	cpu->attention = cpu->halted || cpu->nmi ||
			 ((cpu->mstatus & RV32_MSTATUS_MIE) && (cpu->mip & cpu->mie));
}

static void drop_page(struct rv32 *cpu, uint32_t page)
{
	struct rv32_op *ops = cpu->ops + (size_t)page * RV32_PAGE_OPS;

	memset(ops, 0, RV32_PAGE_WORDS * sizeof(*ops));
	ops[RV32_PAGE_WORDS].op = RV32_OP_NEXT_PAGE;
}

int rv32_init(struct rv32 *cpu, uint8_t *ram, uint32_t base, uint32_t bytes,
	      const struct rv32_bus *bus)
{
	uint32_t pages = bytes / NPU_CC_PAGE_BYTES;

	memset(cpu, 0, sizeof(*cpu));
	if (base % NPU_CC_PAGE_BYTES || bytes % NPU_CC_PAGE_BYTES || !bytes || bytes > BYTES_MAX ||
	    base > UINT32_MAX - (bytes - 1))
		return -EINVAL;
	cpu->ram = ram;
	cpu->base = base;
	cpu->bytes = bytes;
	cpu->bus = *bus;
	cpu->rights = malloc(pages);
	cpu->ops = calloc((size_t)pages * RV32_PAGE_OPS, sizeof(*cpu->ops));
	if (!cpu->rights || !cpu->ops) {
		rv32_release(cpu);
		return -ENOMEM;
	}
	memset(cpu->rights, NPU_FW_SECTION_R | NPU_FW_SECTION_W, pages);
	rv32_reset(cpu, base, 0);
	return 0;
}

void rv32_release(struct rv32 *cpu)
{
	free(cpu->rights);
	free(cpu->ops);
	cpu->rights = NULL;
	cpu->ops = NULL;
}

int rv32_set_rights(struct rv32 *cpu, uint32_t page, uint8_t rights)
{
	if (page >= cpu->bytes / NPU_CC_PAGE_BYTES || (rights & ~RIGHTS))
		return -EINVAL;
	if ((rights & NPU_FW_SECTION_W) && (rights & NPU_FW_SECTION_X))
		return -EINVAL;
	cpu->rights[page] = rights;
	drop_page(cpu, page);
	return 0;
}

void rv32_reset(struct rv32 *cpu, uint32_t pc, uint32_t a0)
{
	memset(cpu->x, 0, sizeof(cpu->x));
	cpu->x[10] = a0;
	cpu->pc = pc & ~3u;
	cpu->mstatus = RV32_MSTATUS_MPP;
	cpu->mie = 0;
	cpu->mtvec = 0;
	cpu->mscratch = 0;
	cpu->mepc = 0;
	cpu->mcause = 0;
	cpu->mtval = 0;
	cpu->mcycle = 0;
	cpu->minstret = 0;
	cpu->retired = 0;
	cpu->wfi = false;
	cpu->halted = false;
	cpu->double_trap = false;
	cpu->in_exception = false;
	cpu->nmi = false;
	cpu->nmi_cause = 0;
	cpu->double_cause = 0;
	cpu->double_tval = 0;
	for (uint32_t p = 0; p < cpu->bytes / NPU_CC_PAGE_BYTES; p++)
		drop_page(cpu, p);
	update_attention(cpu);
}

void rv32_set_irq(struct rv32 *cpu, uint32_t lines, bool level)
{
	lines &= LINES;
	cpu->mip = level ? cpu->mip | lines : cpu->mip & ~lines;
	update_attention(cpu);
}

void rv32_nmi(struct rv32 *cpu, uint32_t cause)
{
	cpu->nmi = true;
	cpu->nmi_cause = cause;
	update_attention(cpu);
}

void rv32_stop(struct rv32 *cpu)
{
	cpu->halted = true;
	update_attention(cpu);
}

static void enter_handler(struct rv32 *cpu, uint32_t cause, uint32_t tval)
{
	cpu->mepc = cpu->pc;
	cpu->mcause = cause;
	cpu->mtval = tval;
	cpu->mstatus = RV32_MSTATUS_MPP |
		       (cpu->mstatus & RV32_MSTATUS_MIE ? RV32_MSTATUS_MPIE : 0);
	cpu->pc = cpu->mtvec & ~3u;
	if ((cpu->mtvec & 1) && (cause & RV32_INTERRUPT))
		cpu->pc += 4 * cause;
	update_attention(cpu);
}

bool rv32_exception(struct rv32 *cpu, enum rv32_cause cause, uint32_t tval)
{
	if (cpu->in_exception) {
		cpu->halted = true;
		cpu->double_trap = true;
		cpu->double_cause = cause;
		cpu->double_tval = tval;
		update_attention(cpu);
		return false;
	}
	enter_handler(cpu, cause, tval);
	cpu->in_exception = true;
	return true;
}

void rv32_take_interrupt(struct rv32 *cpu)
{
	uint32_t pending = cpu->mip & cpu->mie;

	if (cpu->nmi) {
		cpu->nmi = false;
		enter_handler(cpu, cpu->nmi_cause, 0);
	} else if (pending && (cpu->mstatus & RV32_MSTATUS_MIE)) {
		uint32_t cause = pending & RV32_MEIP ? 11 : pending & RV32_MSIP ? 3 : 7;

		enter_handler(cpu, RV32_INTERRUPT | cause, 0);
	}
}

void rv32_mret(struct rv32 *cpu)
{
	cpu->pc = cpu->mepc;
	cpu->mstatus = RV32_MSTATUS_MPP | RV32_MSTATUS_MPIE |
		       (cpu->mstatus & RV32_MSTATUS_MPIE ? RV32_MSTATUS_MIE : 0);
	cpu->in_exception = false;
	update_attention(cpu);
}

static bool csr_read(const struct rv32 *cpu, uint32_t csr, uint32_t *value)
{
	switch (csr) {
	case 0x300:
		*value = cpu->mstatus;
		return true;
	case 0x301:
		*value = MISA;
		return true;
	case 0x304:
		*value = cpu->mie;
		return true;
	case 0x305:
		*value = cpu->mtvec;
		return true;
	case 0x340:
		*value = cpu->mscratch;
		return true;
	case 0x341:
		*value = cpu->mepc;
		return true;
	case 0x342:
		*value = cpu->mcause;
		return true;
	case 0x343:
		*value = cpu->mtval;
		return true;
	case 0x344:
		*value = cpu->mip;
		return true;
	case 0xb00:
		*value = (uint32_t)cpu->mcycle;
		return true;
	case 0xb02:
		*value = (uint32_t)cpu->minstret;
		return true;
	case 0xb80:
		*value = (uint32_t)(cpu->mcycle >> 32);
		return true;
	case 0xb82:
		*value = (uint32_t)(cpu->minstret >> 32);
		return true;
	case 0x310:		/* mstatush */
	case 0xf11:		/* mvendorid, marchid, mimpid, mhartid, mconfigptr */
	case 0xf12:
	case 0xf13:
	case 0xf14:
	case 0xf15:
		*value = 0;
		return true;
	default:
		return false;
	}
}

/* A counter with one half written. The instruction's own count is yet to come: one less. */
static uint64_t write_low(uint64_t counter, uint32_t value)
{
	return ((counter & ~(uint64_t)UINT32_MAX) | value) - 1;
}

static uint64_t write_high(uint64_t counter, uint32_t value)
{
	return ((uint64_t)value << 32 | (uint32_t)counter) - 1;
}

/* Of a CSR that exists and may be written; the rest of them has no bit that may change. */
static void csr_write(struct rv32 *cpu, uint32_t csr, uint32_t value)
{
	switch (csr) {
	case 0x300:
		cpu->mstatus = RV32_MSTATUS_MPP |
			       (value & (RV32_MSTATUS_MIE | RV32_MSTATUS_MPIE));
		if (value & RV32_MSTATUS_MIE)
			cpu->in_exception = false;
		break;
	case 0x304:
		cpu->mie = value & LINES;
		break;
	case 0x305:
		cpu->mtvec = value & ~2u;
		break;
	case 0x340:
		cpu->mscratch = value;
		break;
	case 0x341:
		cpu->mepc = value & ~3u;
		break;
	case 0x342:
		cpu->mcause = value;
		break;
	case 0x343:
		cpu->mtval = value;
		break;
	case 0xb00:
		cpu->mcycle = write_low(cpu->mcycle, value);
		break;
	case 0xb02:
		cpu->minstret = write_low(cpu->minstret, value);
		break;
	case 0xb80:
		cpu->mcycle = write_high(cpu->mcycle, value);
		break;
	case 0xb82:
		cpu->minstret = write_high(cpu->minstret, value);
		break;
	}
}

bool rv32_csr(struct rv32 *cpu, uint32_t word)
{
	uint32_t csr = word >> 20, rd = word >> 7 & 0x1f, field = word >> 15 & 0x1f, old;
	uint32_t operand = word & 0x4000 ? field : cpu->x[field];
	uint32_t action = word >> 12 & 3;	/* 1 write, 2 set, 3 clear */
	bool write = action == 1 || field;

	if (!csr_read(cpu, csr, &old))
		return false;
	if (write && csr >> 10 == 3)
		return false;
	if (write) {
		if (action == 2)
			operand |= old;
		else if (action == 3)
			operand = old & ~operand;
		csr_write(cpu, csr, operand);
		update_attention(cpu);
	}
	if (rd)
		cpu->x[rd] = old;
	return true;
}

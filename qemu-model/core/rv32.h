/* SPDX-License-Identifier: MIT */
/*
 * An RV32IM core with Zicsr and machine mode only, as an interpreter. It knows RAM and a bus.
 *
 * Machine CSRs: mvendorid marchid mimpid mhartid mconfigptr mstatus mstatush misa mie mtvec
 * mscratch mepc mcause mtval mip mcycle[h] minstret[h]; all others are illegal. mcycle counts as
 * minstret does. Interrupts in their order: MEIP, MSIP, MTIP. Of an access that is both misaligned
 * and not allowed, misaligned is reported; ebreak's mtval is its address, ecall's zero.
 *
 * One thread at a time; locking is the caller's. The bus callbacks may call everything here but
 * rv32_init, rv32_release, rv32_reset and rv32_run.
 */
#ifndef NPU_CORE_RV32_H
#define NPU_CORE_RV32_H

#include <stdbool.h>
#include <stdint.h>

#define RV32_MSIP (1u << 3)
#define RV32_MTIP (1u << 7)
#define RV32_MEIP (1u << 11)

#define RV32_MSTATUS_MIE  (1u << 3)
#define RV32_MSTATUS_MPIE (1u << 7)
#define RV32_MSTATUS_MPP  (3u << 11)	/* always set */

enum rv32_cause {
	RV32_FETCH_MISALIGNED	= 0,
	RV32_FETCH_ACCESS	= 1,
	RV32_ILLEGAL		= 2,
	RV32_BREAKPOINT		= 3,
	RV32_LOAD_MISALIGNED	= 4,
	RV32_LOAD_ACCESS	= 5,
	RV32_STORE_MISALIGNED	= 6,
	RV32_STORE_ACCESS	= 7,
	RV32_ECALL		= 11,
};

#define RV32_INTERRUPT 0x80000000u	/* in mcause */

/* Why rv32_run() returned */
enum rv32_stop {
	RV32_LIMIT,		/* max_instructions were begun */
	RV32_WFI,		/* waits for an interrupt that is enabled in mie, or an NMI */
	RV32_STOPPED,		/* halted by rv32_stop() */
	RV32_DOUBLE_TRAP,	/* halted: an exception in an exception's handler */
};

/*
 * Everything outside RAM: @bytes is 1, 2 or 4, @addr a multiple of it. A word of a load is
 * zero-extended. False: access fault. Meanwhile pc is the instruction's address; the counters are
 * those of the last time that rv32_run() brought them up to date.
 */
struct rv32_bus {
	void *opaque;
	bool (*load)(void *opaque, uint32_t addr, unsigned int bytes, uint32_t *value);
	bool (*store)(void *opaque, uint32_t addr, unsigned int bytes, uint32_t value);
};

struct rv32_op;

struct rv32 {
	uint32_t x[33];		/* the last takes what is written to x0 */
	uint32_t pc;
	uint32_t mstatus;
	uint32_t mie;
	uint32_t mip;
	uint32_t mtvec;
	uint32_t mscratch;
	uint32_t mepc;
	uint32_t mcause;
	uint32_t mtval;
	uint64_t mcycle;
	uint64_t minstret;
	uint64_t retired;	/* instructions since reset; software cannot write it */

	bool wfi;		/* stands after a WFI */
	bool halted;		/* by rv32_stop() or a double trap, until reset */
	bool double_trap;	/* then halted; pc is of the second, the CSRs of the first */
	bool in_exception;	/* since an exception: no mret, no write that sets mstatus.MIE */
	bool nmi;		/* waits for the next instruction boundary */
	bool attention;		/* the next boundary has something to do */
	uint32_t nmi_cause;
	uint32_t double_cause;	/* of the exception that halted it */
	uint32_t double_tval;

	uint8_t *ram;
	uint32_t base;
	uint32_t bytes;
	uint8_t *rights;	/* NPU_FW_SECTION_* of each page */
	struct rv32_op *ops;	/* decoded words, those of a page and one that leads to the next */
	struct rv32_bus bus;
};

/*
 * Makes a core with the caller's @ram; all pages may be read and written. Reset it before it runs.
 * Errors: -EINVAL @base or @bytes is not a multiple of NPU_CC_PAGE_BYTES, or @bytes is zero or
 * above 1 GiB, or the range wraps; -ENOMEM.
 */
int rv32_init(struct rv32 *cpu, uint8_t *ram, uint32_t base, uint32_t bytes,
	      const struct rv32_bus *bus);
void rv32_release(struct rv32 *cpu);

/*
 * Rights of page @page, counted from the start of RAM: NPU_FW_SECTION_R, _W, _X.
 * Errors: -EINVAL no such page, unknown bits, or both _W and _X; nothing changes then.
 */
int rv32_set_rights(struct rv32 *cpu, uint32_t page, uint8_t rights);

/*
 * All registers are zero but pc (a multiple of 4), a0 and mstatus; interrupt lines and rights
 * stay. Between resets the host does not write to executable pages: they are decoded once.
 */
void rv32_reset(struct rv32 *cpu, uint32_t pc, uint32_t a0);

/*
 * Runs up to @max_instructions. One that traps counts, as it does not for minstret; entering an
 * interrupt does not. A halted core and one that waits return at once.
 */
enum rv32_stop rv32_run(struct rv32 *cpu, uint64_t max_instructions);

/* Sets or clears lines of mip; @lines is of RV32_MSIP, RV32_MTIP, RV32_MEIP. */
void rv32_set_irq(struct rv32 *cpu, uint32_t lines, bool level);

/*
 * At the next instruction boundary enters mtvec's handler with mcause @cause, mtval 0, whatever
 * mstatus.MIE says. The last of several wins.
 */
void rv32_nmi(struct rv32 *cpu, uint32_t cause);

/* Halts: rv32_run() returns RV32_STOPPED after the instruction that is under way. */
void rv32_stop(struct rv32 *cpu);

#endif

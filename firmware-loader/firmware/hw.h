/* SPDX-License-Identifier: MIT */
/*
 * The hardware: all that the firmware touches outside of its own memory, and the instructions
 * that C does not have. On the host the same functions are a fake device (tests/fake_hw.c).
 */
#ifndef FW_HW_H
#define FW_HW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu_fw_hw.h"

/* Which window shows what */
enum {
	HW_WIN_STATUS	= 0,
	HW_WIN_H2D	= 1,
	HW_WIN_D2H	= 2,
	HW_WIN_DONE	= 3,
	HW_WIN_LOG	= 4,
	HW_WIN_QUEUE	= 64,	/* plus q: the ring of queue q */
};

/* Address of byte @offset of window @w, as the control core and the command processor see it */
static inline uint32_t hw_window(uint32_t w, uint32_t offset)
{
	return NPU_CC_WINDOW_BASE + w * NPU_CC_WINDOW_BYTES + offset;
}

/* What waits for the loop; mip's bits */
#define HW_PENDING_TIMER	(1u << 7)
#define HW_PENDING_IRQ		(1u << 11)

#ifdef __riscv

static inline uint32_t hw_read(uint32_t reg)
{
	return *(volatile uint32_t *)(NPU_CC_REGS_BASE + reg);
}

static inline void hw_write(uint32_t reg, uint32_t v)
{
	*(volatile uint32_t *)(NPU_CC_REGS_BASE + reg) = v;
}

/* Words and bytes of bus memory */
static inline uint32_t hw_load(uint32_t addr)
{
	return *(volatile uint32_t *)addr;
}

static inline void hw_store(uint32_t addr, uint32_t v)
{
	*(volatile uint32_t *)addr = v;
}

static inline void hw_store8(uint32_t addr, uint8_t v)
{
	*(volatile uint8_t *)addr = v;
}

/* Whatever has been read or written before is so for everybody who sees the next store. */
static inline void hw_release(void)
{
	__asm__ volatile("fence rw, w" ::: "memory");
}

static inline void hw_acquire(void)
{
	__asm__ volatile("fence r, rw" ::: "memory");
}

/* Interrupts are never taken, so one that comes between the look and this ends the sleep. */
static inline void hw_wfi(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

static inline uint32_t hw_pending(void)
{
	uint32_t v;

	__asm__ volatile("csrr %0, mip" : "=r"(v));
	return v;
}

static inline void hw_wake_by(uint32_t pending)
{
	__asm__ volatile("csrw mie, %0" :: "r"(pending));
}

/* Instructions since boot */
static inline uint64_t hw_instructions(void)
{
	uint32_t lo, hi, again;

	do {
		__asm__ volatile("csrr %0, minstreth" : "=r"(hi));
		__asm__ volatile("csrr %0, minstret" : "=r"(lo));
		__asm__ volatile("csrr %0, minstreth" : "=r"(again));
	} while (hi != again);
	return (uint64_t)hi << 32 | lo;
}

/* Into the trap entry, which saves the registers and does not come back */
static inline __attribute__((noreturn)) void hw_trap(void)
{
	__asm__ volatile("ebreak" ::: "memory");
	__builtin_unreachable();
}

/* The core has been stopped by STATE; should it not be, it sleeps. */
static inline __attribute__((noreturn)) void hw_halt(void)
{
	hw_wake_by(0);
	for (;;)
		hw_wfi();
}

#else

uint32_t hw_read(uint32_t reg);
void hw_write(uint32_t reg, uint32_t v);
uint32_t hw_load(uint32_t addr);
void hw_store(uint32_t addr, uint32_t v);
void hw_store8(uint32_t addr, uint8_t v);
static inline void hw_release(void) { }
static inline void hw_acquire(void) { }
void hw_wfi(void);
uint32_t hw_pending(void);
void hw_wake_by(uint32_t pending);
uint64_t hw_instructions(void);
__attribute__((noreturn)) void hw_trap(void);
__attribute__((noreturn)) void hw_halt(void);

#endif

/* Of a pair of registers: the low half latches the high one. */
static inline uint64_t hw_read64(uint32_t lo)
{
	uint32_t v = hw_read(lo);

	return (uint64_t)hw_read(lo + 4) << 32 | v;
}

/* The high half makes both count. */
static inline void hw_write64(uint32_t lo, uint64_t v)
{
	hw_write(lo, (uint32_t)v);
	hw_write(lo + 4, (uint32_t)(v >> 32));
}

static inline uint64_t hw_load64(uint32_t addr)
{
	uint32_t v = hw_load(addr);

	return (uint64_t)hw_load(addr + 4) << 32 | v;
}

/* Maps @bytes at the bus address @addr as window @w, or with zero ends it. */
static inline bool hw_map(uint32_t w, uint64_t addr, uint32_t bytes)
{
	hw_write(NPU_CC_WIN_INDEX, w);
	hw_write64(NPU_CC_WIN_ADDR_LO, addr);
	hw_write(NPU_CC_WIN_SIZE, bytes);
	return hw_read(NPU_CC_WIN_STATUS) == NPU_CC_OK;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The end: what the firmware leaves behind when it cannot go on.
 */
#ifndef FW_PANIC_H
#define FW_PANIC_H

#include "hw.h"

/* Saved by trap.S, in this order */
struct trap_frame {
	uint32_t regs[32];	/* x0..x31 */
	uint32_t cause;
	uint32_t pc;
	uint32_t value;
	uint32_t status;
};

/* Where the stack ends; a store below it is its overrun. By link.ld. */
struct stack_bounds {
	uint32_t bottom;
	uint32_t guard;		/* start of what lies below and cannot be written */
};

/*
 * Leaves the panic record, a line in the log and an event, as far as there is room and the API
 * knows them, and stops with state DEAD.
 */
__attribute__((noreturn))
void panic_trap(const struct trap_frame *frame, const struct stack_bounds *stack);

#endif

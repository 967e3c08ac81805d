/* SPDX-License-Identifier: MIT */
/*
 * The entry. The boot ROM has loaded the sections, zeroed the rest of them, and put the hand-over's
 * address into a0; interrupts are off and stay so.
 */
	.section .text.start, "ax"
	.globl _start
	.type _start, @function
_start:
	la	sp, stack_top
	la	t0, trap_stack_top
	csrw	mscratch, t0
	la	t0, trap_entry
	csrw	mtvec, t0
	call	fw_main
1:	wfi
	j	1b
	.size _start, . - _start

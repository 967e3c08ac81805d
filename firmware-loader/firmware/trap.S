/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and the watchdog; none of them is come back from. The registers are saved on a stack
 * of its own, since the other one may have run over. A trap within the trap only stops the core.
 */
	.section .text.trap, "ax"
	.globl trap_entry
	.type trap_entry, @function
	.balign 4
trap_entry:
	csrrw	sp, mscratch, sp
	addi	sp, sp, -144		/* struct trap_frame, 16-byte aligned */
	sw	zero, 0(sp)
	sw	x1, 4(sp)
	sw	x3, 12(sp)
	sw	x4, 16(sp)
	sw	x5, 20(sp)
	sw	x6, 24(sp)
	sw	x7, 28(sp)
	sw	x8, 32(sp)
	sw	x9, 36(sp)
	sw	x10, 40(sp)
	sw	x11, 44(sp)
	sw	x12, 48(sp)
	sw	x13, 52(sp)
	sw	x14, 56(sp)
	sw	x15, 60(sp)
	sw	x16, 64(sp)
	sw	x17, 68(sp)
	sw	x18, 72(sp)
	sw	x19, 76(sp)
	sw	x20, 80(sp)
	sw	x21, 84(sp)
	sw	x22, 88(sp)
	sw	x23, 92(sp)
	sw	x24, 96(sp)
	sw	x25, 100(sp)
	sw	x26, 104(sp)
	sw	x27, 108(sp)
	sw	x28, 112(sp)
	sw	x29, 116(sp)
	sw	x30, 120(sp)
	sw	x31, 124(sp)
	csrr	t0, mscratch
	sw	t0, 8(sp)
	csrr	t0, mcause
	sw	t0, 128(sp)
	csrr	t0, mepc
	sw	t0, 132(sp)
	csrr	t0, mtval
	sw	t0, 136(sp)
	csrr	t0, mstatus
	sw	t0, 140(sp)
	la	t0, trap_again
	csrw	mtvec, t0
	mv	a0, sp
	la	a1, stack_bounds
	call	panic_trap
	.size trap_entry, . - trap_entry

	.type trap_again, @function
	.balign 4
trap_again:
	li	t0, 0x20000040		/* NPU_CC_REGS_BASE + NPU_CC_STATE */
	li	t1, 4			/* NPU_STATE_DEAD */
	sw	t1, 0(t0)
	csrw	mie, zero
1:	wfi
	j	1b
	.size trap_again, . - trap_again

	.section .rodata.stack_bounds, "a"
	.balign 4
stack_bounds:				/* struct stack_bounds */
	.word	stack_bottom
	.word	stack_guard

/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * What the firmware sees: the control core's address map, registers and hand-over.
 *
 * The control core is RV32IM with Zicsr, machine mode only, little-endian. It starts at the
 * image's entry with interrupts off and a0 = NPU_CC_HANDOFF. Misaligned accesses, and accesses to
 * what is not there or not allowed, trap as the privileged specification says. Registers are
 * accessed as aligned words; of a 64-bit pair reading the low half latches the high one, and
 * writing the high half makes both count. See chapter "Control core" of the specification.
 */
#ifndef NPU_FW_HW_H
#define NPU_FW_HW_H

#include "npu_types.h"
#include "npu_fw_image.h"
#include "npu_fw_msg.h"

/*
 * Address map. Memory has the rights of the section that was loaded there; the rest of it may be
 * read and written. The last NPU_CC_HANDOFF_BYTES are written by the boot ROM and read-only.
 */
#define NPU_CC_RAM_BASE		0x10000000u
#define NPU_CC_RAM_BYTES	0x00040000u
#define NPU_CC_HANDOFF_BYTES	0x00001000u
#define NPU_CC_HANDOFF		(NPU_CC_RAM_BASE + NPU_CC_RAM_BYTES - NPU_CC_HANDOFF_BYTES)
#define NPU_CC_PAGE_BYTES	0x00001000u	/* granule of rights; sections share no page */
#define NPU_CC_REGS_BASE	0x20000000u
#define NPU_CC_REGS_BYTES	0x00010000u
/* Window w onto bus memory: at NPU_CC_WINDOW_BASE + w * NPU_CC_WINDOW_BYTES */
#define NPU_CC_WINDOW_BASE	0x80000000u
#define NPU_CC_WINDOW_BYTES	0x01000000u
#define NPU_CC_WINDOWS		128

/* Left by the boot ROM at NPU_CC_HANDOFF; checked by it but for params, which are the driver's. */
struct npu_fw_handoff {
	__u32 size;			/* of this struct */
	__u32 source;			/* enum npu_fw_source */
	__u32 api_min;			/* from the image's header */
	__u32 api_max;
	__u32 security_version;
	__u32 pad;
	char version[32];		/* text, ends with zero */
	struct npu_fw_config config;
	struct npu_boot_params params;	/* as read, unchecked */
};
NPU_CHECK_SIZE(struct npu_fw_handoff, 24 + 32 + 64 + 128);

/* The machine, RO */
#define NPU_CC_ID		0x000	/* NPU_ID */
#define NPU_CC_HW_VERSION	0x004
#define NPU_CC_CMD_VERSION	0x008
#define NPU_CC_CORES		0x00c
#define NPU_CC_CONTEXTS		0x010
#define NPU_CC_QUEUES		0x014
#define NPU_CC_MATRIX_MHZ	0x018	/* highest clock */

/* Time */
#define NPU_CC_TIME_LO		0x020	/* RO, microseconds of host time */
#define NPU_CC_TIME_HI		0x024
#define NPU_CC_TIMER_LO		0x028	/* RW, mip.MTIP while TIME >= TIMER; all ones: never */
#define NPU_CC_TIMER_HI		0x02c
#define NPU_CC_MODEL_LO		0x030	/* RO, modelled ns since boot, the running job included */
#define NPU_CC_MODEL_HI		0x034
/*
 * WO, milliseconds of host time; each write starts it anew, zero stops it. When it has run out
 * the core traps with NPU_CC_CAUSE_WATCHDOG whatever mstatus.MIE says; when it runs out a second
 * time without a write the core stops and the state is DEAD.
 */
#define NPU_CC_WATCHDOG		0x038
#define NPU_CC_WATCHDOG_MAX	60000
#define NPU_CC_CAUSE_WATCHDOG	0x80000010u	/* mcause; mepc is where it ran */

/* The driver's registers */
#define NPU_CC_STATE		0x040	/* WO, RUNNING, or what stops the core: ERROR, DEAD */
#define NPU_CC_ERROR		0x044	/* WO, for NPU_REG_ERROR; before STATE */
#define NPU_CC_FOUND		0x048
#define NPU_CC_WANTED		0x04c
#define NPU_CC_FW_API		0x050	/* WO, for NPU_REG_FW_API; before STATE */
/* WO, 1: this boot has come to its end; confirms a flash slot, raises the security counter */
#define NPU_CC_HEALTHY		0x054
#define NPU_CC_MSI		0x058	/* WO, raises the vector written */

/* Interrupts: mip.MEIP while IRQ & IRQ_ENABLE. IRQ: a bit written as one is cleared. */
#define NPU_CC_IRQ		0x060
#define NPU_CC_IRQ_ENABLE	0x064
#define NPU_CC_IRQ_H2D		0x01	/* NPU_REG_H2D_TAIL was written */
#define NPU_CC_IRQ_D2H_ARM	0x02	/* NPU_REG_D2H_ARM */
#define NPU_CC_IRQ_DONE_ARM	0x04	/* NPU_REG_DONE_ARM */
#define NPU_CC_IRQ_QUEUE	0x08	/* NPU_REG_QUEUE_TAIL(q) of some queue */
#define NPU_CC_IRQ_JOB		0x10	/* JOB_STATUS has become DONE or STOPPED */
#define NPU_CC_IRQ_THERMAL	0x20	/* TEMPERATURE has changed */

/* Doorbells: RO, the value of the last write */
#define NPU_CC_H2D_TAIL		0x070
#define NPU_CC_D2H_HEAD		0x074
#define NPU_CC_DONE_HEAD	0x078
/* RO, queues whose doorbell was written since the last read, which clears that half */
#define NPU_CC_RUNG_LO		0x080
#define NPU_CC_RUNG_HI		0x084
#define NPU_CC_QUEUE_TAIL(q)	(0x400 + 4 * (q))	/* RW, of queue q */

/* Answer of WIN_STATUS and CTX_STATUS to the last operation */
enum npu_cc_status {
	NPU_CC_OK	= 0,
	NPU_CC_BUS	= 1,	/* the bus refuses the address */
	NPU_CC_INVALID	= 2,	/* an operand is out of range */
};

/* Windows: index, address, then the size maps; zero ends the window. Page aligned. */
#define NPU_CC_WIN_INDEX	0x100
#define NPU_CC_WIN_ADDR_LO	0x104
#define NPU_CC_WIN_ADDR_HI	0x108
#define NPU_CC_WIN_SIZE		0x10c	/* bytes, at most NPU_CC_WINDOW_BYTES */
#define NPU_CC_WIN_STATUS	0x110	/* RO */

/* Address spaces: operands, then the operation, which is over when the write returns. */
#define NPU_CC_CTX_ID		0x120
#define NPU_CC_CTX_A_LO		0x124	/* CREATE: bus address of the root; INVALIDATE: start */
#define NPU_CC_CTX_A_HI		0x128
#define NPU_CC_CTX_B_LO		0x12c	/* INVALIDATE: bytes */
#define NPU_CC_CTX_B_HI		0x130
#define NPU_CC_CTX_OP		0x134	/* WO, enum npu_cc_ctx_op */
#define NPU_CC_CTX_STATUS	0x138	/* RO */

enum npu_cc_ctx_op {
	NPU_CC_CTX_CREATE	= 1,
	NPU_CC_CTX_DESTROY	= 2,	/* no job of it runs; saved ones of it are dropped before */
	NPU_CC_CTX_INVALIDATE	= 3,	/* returns when no access by an older translation goes on */
};

/*
 * The command processor runs one job at a time. A job that stops at a safe point is saved in the
 * slot of its queue, from which RESUME goes on.
 */
#define NPU_CC_JOB_QUEUE	0x140	/* queue, whose slot is meant */
#define NPU_CC_JOB_CONTEXT	0x144
#define NPU_CC_JOB_ENTRY	0x148	/* START: where struct npu_ring_entry is, in a window */
#define NPU_CC_JOB_LIMIT_LO	0x150	/* modelled ns of this run, after which it stops at its */
#define NPU_CC_JOB_LIMIT_HI	0x154	/* next safe point; zero: none */
#define NPU_CC_JOB_OP		0x158	/* WO, enum npu_cc_job_op */
#define NPU_CC_JOB_STATUS	0x15c	/* RO, enum npu_cc_job_status */
#define NPU_CC_JOB_PROGRESS	0x160	/* RO, MARKs of the running job since its START */
#define NPU_CC_JOB_RESULT	0x200	/* RO, struct npu_done of the last job DONE or STOPPED */

enum npu_cc_job_op {
	NPU_CC_JOB_START	= 1,	/* only if no job runs */
	NPU_CC_JOB_RESUME	= 2,	/* only if no job runs and the slot is filled */
	NPU_CC_JOB_STOP		= 3,	/* the running job, at its next safe point, or at its end */
	NPU_CC_JOB_KILL		= 4,	/* the running job, at once: NPU_FAULT_KILLED */
	NPU_CC_JOB_DROP		= 5,	/* empties the slot of JOB_QUEUE */
	NPU_CC_JOB_LIMIT	= 6,	/* JOB_LIMIT counts for the running job */
};

enum npu_cc_job_status {
	NPU_CC_JOB_IDLE		= 0,
	NPU_CC_JOB_RUNNING	= 1,
	NPU_CC_JOB_DONE		= 2,	/* until the next START or RESUME */
	NPU_CC_JOB_STOPPED	= 3,	/* saved; model_ns of JOB_RESULT is so far */
};

/* Clock and temperature */
#define NPU_CC_CLOCK_MHZ	0x170	/* RW, 1..MATRIX_MHZ, from the next START or RESUME on */
#define NPU_CC_TEMPERATURE	0x174	/* RO, millicelsius, signed */

#endif

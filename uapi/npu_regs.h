/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * PCI identity and registers. All registers are 32 bits wide and accessed so; 64-bit
 * addresses are written low half first and take effect with the high half. RO
 * registers ignore writes; undefined offsets read zero. Reset values and side
 * effects: chapter "Registers" of the specification.
 */
#ifndef NPU_REGS_H
#define NPU_REGS_H

#include "npu_types.h"

#define NPU_PCI_VENDOR		0x1234
#define NPU_PCI_DEVICE		0x4e50
#define NPU_PCI_CLASS		0x1200	/* processing accelerator */
#define NPU_PCI_REVISION	0x01

#define NPU_BAR_REGS		0
#define NPU_BAR_REGS_SIZE	0x10000
#define NPU_BAR_MSIX		4

#define NPU_MSIX_EVENT		0	/* messages from the firmware */
#define NPU_MSIX_DONE		1	/* completions */
#define NPU_MSIX_COUNT		2

/* Identity and machine description, RO */
#define NPU_REG_ID		0x000	/* NPU_ID */
#define NPU_REG_HW_VERSION	0x004	/* major << 16 | minor, of the specification */
#define NPU_REG_CMD_VERSION	0x008	/* major << 16 | minor, NPU_CMD_VERSION_* */
#define NPU_REG_CORES		0x00c
#define NPU_REG_SPAD_BYTES	0x010	/* scratchpad of a core */
#define NPU_REG_FIFO_BYTES	0x014	/* weight stream FIFO of a core */
#define NPU_REG_MACS		0x018	/* int8 multiply-accumulates a cycle and core */
#define NPU_REG_MATRIX_MHZ	0x01c
#define NPU_REG_VECTOR_BITS	0x020
#define NPU_REG_DMA_CHANNELS	0x024	/* of a core */
#define NPU_REG_DMA_BYTES	0x028	/* bytes a cycle and channel */
#define NPU_REG_DMA_MHZ		0x02c
#define NPU_REG_DRAM_MBPS	0x030	/* 10^6 bytes a second */
#define NPU_REG_DRAM_NS		0x034	/* latency */
#define NPU_REG_CONTEXTS	0x038	/* contexts, ids 0..n-1 */
#define NPU_REG_QUEUES		0x03c	/* queues, ids 0..n-1 */
#define NPU_REG_VA_BITS		0x040
#define NPU_REG_DMA_BITS	0x044	/* width of bus addresses */

#define NPU_ID			0x3155504eu	/* "NPU1" */
#define NPU_HW_VERSION		0x00010000u

/*
 * Self test, usable in every state: proves register access, interrupts and DMA
 * before any firmware runs.
 */
#define NPU_REG_TEST_VALUE	0x080	/* RW, reads back twice what was written */
#define NPU_REG_TEST_IRQ	0x084	/* WO, raises the vector written */
#define NPU_REG_TEST_DMA_LO	0x088	/* RW, bus address */
#define NPU_REG_TEST_DMA_HI	0x08c
#define NPU_REG_TEST_DMA_SIZE	0x090	/* RW, bytes, at most NPU_TEST_DMA_MAX */
#define NPU_REG_TEST_DMA_CTRL	0x094	/* WO, NPU_TEST_DMA_*; done when the write returns */
#define NPU_REG_TEST_DMA_STATUS	0x098	/* RO, enum npu_boot_error of the last one */
#define NPU_TEST_DMA_CLEAR	1	/* writes zeros */
#define NPU_TEST_DMA_FILL	2	/* writes NPU_TEST_DMA_PATTERN */
#define NPU_TEST_DMA_INVERT	3	/* reads, writes the complement */
#define NPU_TEST_DMA_PATTERN	0x96
#define NPU_TEST_DMA_MAX	65536

/* Boot and reset */
#define NPU_REG_CTRL		0x100	/* WO, NPU_CTRL_* */
#define NPU_REG_STATE		0x104	/* RO, enum npu_state */
#define NPU_REG_ERROR		0x108	/* RO, enum npu_boot_error; why STATE is ERROR */
#define NPU_REG_ERROR_FOUND	0x10c	/* RO, value found that was refused */
#define NPU_REG_ERROR_WANTED	0x110	/* RO, limit or value wanted */
#define NPU_REG_FW_API		0x114	/* RO, major << 16 | minor, valid while RUNNING */
#define NPU_REG_FW_ADDR_LO	0x118	/* RW, bus address of the image */
#define NPU_REG_FW_ADDR_HI	0x11c
#define NPU_REG_FW_SIZE		0x120	/* RW, bytes; zero: boot from flash */
#define NPU_REG_BOOT_LO		0x124	/* RW, bus address of struct npu_boot_params */
#define NPU_REG_BOOT_HI		0x128
#define NPU_REG_BOOT		0x12c	/* WO, 1 starts the boot ROM; only in state IDLE or ERROR */
#define NPU_REG_RESETS		0x130	/* RO, device resets since power on */
#define NPU_REG_FLASH		0x134	/* RO, NPU_FLASH_* */
#define NPU_REG_FW_SOURCE	0x138	/* RO, enum npu_fw_source of the image */
#define NPU_REG_SECURITY	0x13c	/* RO, the security counter */
#define NPU_REG_LIFECYCLE	0x140	/* RO, 1: development state, 0: production */
#define NPU_FLASH_PRESENT	0x1
#define NPU_FLASH_BOOTED	0x2	/* this boot came from it */

/* Stops all work, forgets contexts, queues and addresses; back to IDLE. Poll STATE. */
#define NPU_CTRL_RESET		0x1

enum npu_state {
	NPU_STATE_IDLE		= 0,	/* waits for an image */
	NPU_STATE_BOOTING	= 1,
	NPU_STATE_RUNNING	= 2,
	NPU_STATE_ERROR		= 3,	/* image refused, see NPU_REG_ERROR */
	NPU_STATE_DEAD		= 4,	/* firmware stopped; only a reset helps */
	NPU_STATE_RESETTING	= 5,
};

enum npu_boot_error {
	NPU_BOOT_OK		= 0,
	NPU_BOOT_BUS		= 1,	/* cannot read image or boot parameters */
	NPU_BOOT_SIZE		= 2,	/* found/wanted: bytes */
	NPU_BOOT_MAGIC		= 3,
	NPU_BOOT_HEADER		= 4,	/* header version or size */
	NPU_BOOT_SECTION	= 5,	/* found: index of the section out of bounds */
	NPU_BOOT_HASH		= 6,
	NPU_BOOT_API		= 7,	/* the driver's; wanted: nearest that the image speaks */
	NPU_BOOT_HW		= 8,	/* image is for other hardware versions */
	NPU_BOOT_SECURITY	= 9,	/* security version below the device's counter */
	NPU_BOOT_SIGNATURE	= 10,	/* none, or wrong */
	NPU_BOOT_PARAMS		= 11,	/* struct npu_boot_params malformed; found: field offset */
	NPU_BOOT_FIELD		= 12,	/* reserved field not zero; found: its offset */
	NPU_BOOT_CONFIG		= 13,	/* no CONFIG section or value out of range; found: offset */
	NPU_BOOT_KEY		= 14,	/* key id (first 32 bits); wanted: the fused one */
	NPU_BOOT_DEV_KEY	= 15,	/* development key, but the device is in production state */
	/* nothing in flash boots; found: error of slot A | B << 8 | golden << 16 */
	NPU_BOOT_FLASH		= 16,	/* wanted: the flash is 1 absent, 2 unreadable, else 0 */
};

/* The value wanted with NPU_BOOT_FLASH */
#define NPU_BOOT_FLASH_ABSENT		1
#define NPU_BOOT_FLASH_UNREADABLE	2

/* Message rings and completions, see npu_fw_msg.h */
#define NPU_REG_H2D_TAIL	0x200	/* WO, doorbell: messages written so far */
#define NPU_REG_D2H_ARM		0x204	/* WO, head: interrupt when the tail differs from it */
#define NPU_REG_DONE_ARM	0x208	/* WO, the same for completions */

/* WO, doorbell of queue q: entries written so far, modulo 2^32 */
#define NPU_REG_QUEUE_TAIL(q)	(0x1000 + 4 * (q))
#define NPU_MAX_QUEUES		64
#define NPU_MAX_CONTEXTS	64

#endif

/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * What is in the device's flash: a header, a state that is kept twice, a golden image and the
 * slots A and B.
 *
 *   sector 0                      struct npu_flash_header; written at creation, never again
 *   sectors 1 and 2               struct npu_flash_state, the newer one counts
 *   NPU_FLASH_GOLDEN_AT           golden image, slot_bytes; written at creation, never again
 *   npu_flash_slot_at(A)          slot A, slot_bytes
 *   npu_flash_slot_at(B)          slot B, slot_bytes
 *
 * Flash is written in whole sectors, and a power cut leaves anything in the one sector that was
 * being written. So each change of the state is one write, to the sector that does not hold the
 * newest state, and an image is written only into a slot that the state calls EMPTY.
 */
#ifndef NPU_FLASH_H
#define NPU_FLASH_H

#include "npu_fw_image.h"
#include "npu_types.h"

#define NPU_FLASH_MAGIC		0x4853414c4655504eull	/* "NPUFLASH" */
#define NPU_FLASH_VERSION	1
#define NPU_FLASH_SECTOR	4096u	/* one write, aligned */
#define NPU_FLASH_ATTEMPTS	3	/* boots that a staged image has to become healthy */

#define NPU_FLASH_STATE_AT(i)	(NPU_FLASH_SECTOR * (1 + (i)))	/* i: 0 or 1 */
#define NPU_FLASH_GOLDEN_AT	(NPU_FLASH_SECTOR * 3)

struct npu_flash_header {
	__u64 magic;
	__u32 version;		/* NPU_FLASH_VERSION */
	__u32 header_size;	/* of this struct */
	__u32 slot_bytes;	/* multiple of the sector, at most NPU_FW_MAX_BYTES */
	__u32 golden_size;	/* 1..slot_bytes */
	__u8 golden_sha256[32];	/* of the whole golden image */
	__u8 reserved[32];	/* zero */
	__u8 sha256[32];	/* of all before it */
};
NPU_CHECK_SIZE(struct npu_flash_header, 120);
NPU_CHECK_OFFSET(struct npu_flash_header, sha256, 88);

enum npu_flash_slot_state {
	NPU_FLASH_SLOT_EMPTY		= 0,	/* what lies there counts for nothing */
	NPU_FLASH_SLOT_STAGED		= 1,	/* to be tried */
	NPU_FLASH_SLOT_CONFIRMED	= 2,	/* was healthy once */
	NPU_FLASH_SLOT_BAD		= 3,	/* staged, but never healthy in its attempts */
};

struct npu_flash_slot {
	__u32 state;		/* enum npu_flash_slot_state; at most one slot is STAGED */
	__u32 attempts;		/* STAGED: boots begun so far; zero once confirmed */
	__u32 security_version;	/* of the image */
	__u32 image_size;	/* 1..slot_bytes unless EMPTY */
	__u8 sha256[32];	/* of the whole image */
};
NPU_CHECK_SIZE(struct npu_flash_slot, 48);

struct npu_flash_state {
	__u64 sequence;		/* each state's is one above that of the state before it */
	__u32 security_counter;	/* images below it do not boot; never decreases */
	/* NPU_FW_SOURCE_SLOT_A or _B, and that slot is CONFIRMED; zero: no slot is */
	__u32 active;
	struct npu_flash_slot slot[2];
	__u8 reserved[16];	/* zero */
	__u8 sha256[32];	/* of all before it */
};
NPU_CHECK_SIZE(struct npu_flash_state, 160);
NPU_CHECK_OFFSET(struct npu_flash_state, sha256, 128);

/* Where the image of NPU_FW_SOURCE_SLOT_A, _SLOT_B or _GOLDEN begins. */
static inline __u64 npu_flash_slot_at(__u32 slot_bytes, __u32 source)
{
	if (source == NPU_FW_SOURCE_GOLDEN)
		return NPU_FLASH_GOLDEN_AT;
	return NPU_FLASH_GOLDEN_AT + (__u64)slot_bytes * source;
}

/* Bytes of the whole flash. */
static inline __u64 npu_flash_bytes(__u32 slot_bytes)
{
	return NPU_FLASH_GOLDEN_AT + 3 * (__u64)slot_bytes;
}

#endif

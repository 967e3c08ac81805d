/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Firmware image: header, section table, payload. Everything in it is untrusted until the
 * boot ROM has checked ranges, then hash, then (from a secured device) the signature.
 */
#ifndef NPU_FW_IMAGE_H
#define NPU_FW_IMAGE_H

#include "npu_types.h"

#define NPU_FW_MAGIC		0x574655504eull	/* "NPUFW", zero padded */
#define NPU_FW_HEADER_VERSION	2
#define NPU_FW_MAX_BYTES	(4u << 20)
#define NPU_FW_MAX_SECTIONS	16
#define NPU_FW_HASH_BYTES	32	/* SHA-256 */
#define NPU_FW_KEY_BYTES	32	/* Ed25519 public key */
#define NPU_FW_SIGNATURE_BYTES	64	/* Ed25519 */

/* A signature of an image is good for nothing else. */
#define NPU_FW_SIGNED_TEXT	"npu firmware image 2"

enum npu_fw_signature {
	NPU_FW_SIGNATURE_NONE		= 0,
	NPU_FW_SIGNATURE_ED25519	= 1,
};

struct npu_fw_header {
	__u64 magic;
	__u32 header_version;
	__u32 header_size;	/* of this struct */
	__u32 image_size;	/* whole file, bytes */
	__u32 n_sections;	/* 1..NPU_FW_MAX_SECTIONS, table follows the header */
	__u32 hw_version_min;	/* NPU_REG_HW_VERSION, inclusive range */
	__u32 hw_version_max;
	__u32 api_min;		/* message APIs that it speaks, inclusive, one major: */
	__u32 api_max;		/* major << 16 | minor */
	__u32 security_version;	/* never below the device's counter */
	__u32 signature_type;	/* enum npu_fw_signature */
	__u32 flags;		/* zero */
	__u32 pad;		/* zero */
	char version[32];	/* text, ends with zero */
	__u8 build_id[32];	/* of what was packed */
	/* zero if unsigned; the key's id is the SHA-256 of this field */
	__u8 public_key[NPU_FW_KEY_BYTES];
	/* SHA-256 of the whole image with hash and signature taken as zero */
	__u8 hash[NPU_FW_HASH_BYTES];
	/* of NPU_FW_SIGNED_TEXT (with its zero), then hash; zero if unsigned */
	__u8 signature[NPU_FW_SIGNATURE_BYTES];
	__u8 reserved[8];	/* zero */
};
NPU_CHECK_SIZE(struct npu_fw_header, 256);
NPU_CHECK_OFFSET(struct npu_fw_header, hash, 152);

enum npu_fw_section_type {
	NPU_FW_SECTION_CODE	= 1,	/* for the control core */
	NPU_FW_SECTION_DATA	= 2,
	NPU_FW_SECTION_CONFIG	= 3,	/* struct npu_fw_config, exactly one */
};

#define NPU_FW_SECTION_R	0x1
#define NPU_FW_SECTION_W	0x2
#define NPU_FW_SECTION_X	0x4

struct npu_fw_section {
	__u32 type;
	__u32 flags;		/* NPU_FW_SECTION_* */
	__u32 offset;		/* in the image, multiple of 16, past the section table */
	__u32 size;		/* bytes in the image */
	__u32 load_addr;	/* in the control core's memory */
	__u32 load_size;	/* >= size, the rest is zeroed */
	__u32 entry;		/* CODE: first instruction */
	__u32 pad;
};
NPU_CHECK_SIZE(struct npu_fw_section, 32);

/* Where an image came from. */
enum npu_fw_source {
	NPU_FW_SOURCE_HOST	= 0,	/* the driver's memory */
	NPU_FW_SOURCE_SLOT_A	= 1,	/* flash */
	NPU_FW_SOURCE_SLOT_B	= 2,
	NPU_FW_SOURCE_GOLDEN	= 3,
};

/* How the firmware schedules and watches; ranges in brackets are checked at boot. */
struct npu_fw_config {
	__u32 size;			/* of this struct */
	__u32 max_jobs_per_turn;	/* [1, 4096] of a queue before another of its priority */
	__u32 time_slice_us[4];		/* [10, 1000000] modelled, by priority */
	__u32 heartbeat_ms;		/* [1, 100] host time */
	__u32 starvation_turns;		/* [1, 65536] turns of higher queues that lower ones wait */
	__u32 job_hang_ms;		/* [100, 3600000] host time without progress of a job */
	__u32 watchdog_ms;		/* [10, 60000] host time, for the firmware itself */
	__u32 throttle_millicelsius;	/* [0, 150000] above it the clock is lowered step by step */
	__u32 critical_millicelsius;	/* [throttle, 150000] above it no job is started */
	__u32 reserved[4];		/* zero */
};
NPU_CHECK_SIZE(struct npu_fw_config, 64);

#endif

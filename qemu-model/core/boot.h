/* SPDX-License-Identifier: MIT */
/*
 * The boot ROM's judgement of a firmware image; see chapter "Boot" of the specification.
 */
#ifndef NPU_CORE_BOOT_H
#define NPU_CORE_BOOT_H

#include <stddef.h>
#include <stdint.h>

#include "npu_fw_image.h"
#include "npu_regs.h"

struct npu_boot_result {
	enum npu_boot_error error;	/* for NPU_REG_ERROR */
	uint32_t found;			/* for NPU_REG_ERROR_FOUND */
	uint32_t wanted;		/* for NPU_REG_ERROR_WANTED */
	/* the rest is valid if error is NPU_BOOT_OK, else zero */
	uint32_t api;			/* for NPU_REG_FW_API: major << 16 | minor */
	uint32_t security_version;
	struct npu_fw_config config;
	char version[32];		/* ends with zero */
};

/*
 * Checks size bytes at image, whatever they hold: size, magic, header, zero fields, sections,
 * hash, hardware range, API major, security version, ranges of the configuration. image is read
 * several times and must not change meanwhile: take a copy of what lies in the guest's memory.
 * security_counter is the lowest security version that boots. Returns 0 or -EINVAL; *out is
 * always filled.
 */
int npu_boot_check(const void *image, size_t size, uint32_t security_counter,
		   struct npu_boot_result *out);

#endif

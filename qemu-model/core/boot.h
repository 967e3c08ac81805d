/* SPDX-License-Identifier: MIT */
/*
 * The boot ROM's judgement of a firmware image; see chapter "Boot" of the specification.
 */
#ifndef NPU_CORE_BOOT_H
#define NPU_CORE_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"

/* What a device demands of an image beside that it is whole and for this hardware. */
struct npu_boot_policy {
	uint32_t security_counter;	/* lowest security version that boots */
	bool development;		/* the development key is accepted */
	bool has_fused_key;
	uint8_t fused_key[32];		/* SHA-256 of the key that is accepted */
};

/*
 * Judges size bytes at image, whatever they hold, in the order of the specification's table.
 * image is read several times and must not change meanwhile: take a copy of what lies in the
 * guest's memory. Returns 0 or -EINVAL; *out is always filled.
 */
int npu_boot_check(const void *image, size_t size, const struct npu_boot_policy *policy,
		   struct npu_image_result *out);

#endif

/* SPDX-License-Identifier: MIT */
/* Builds a firmware image in memory. */
#ifndef NPU_PACK_H
#define NPU_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "npu_fw_image.h"

struct npu_pack {
	const char *version;		/* 1..31 letters, digits and ._+~- */
	uint32_t security_version;
	uint32_t api_min;		/* inclusive range of one major, major << 16 | minor */
	uint32_t api_max;
	uint32_t hw_version_min;	/* inclusive range, major << 16 | minor */
	uint32_t hw_version_max;
	struct npu_fw_config config;
	const void *elf;		/* the firmware, elf_reader.h; NULL: configuration only */
	size_t elf_size;
	const uint8_t *seed;		/* [32] of the key that signs; NULL: unsigned */
};

/*
 * Packs the ELF's segments (CODE if executed, DATA else, in the ELF's order) and one CONFIG
 * section. The same input gives the same bytes everywhere; the build id is a hash of the input
 * but for the key, so that it tells what runs and not who signed.
 *
 * *size becomes the bytes of the image. image NULL: nothing else is done. Errors: -ENOSPC image
 * has less than *size; -EINVAL the version, the ELF or a range of versions, and why is a line
 * without a file's name.
 */
int npu_pack(const struct npu_pack *what, void *image, size_t capacity, size_t *size, char *why,
	     size_t why_size);

#endif

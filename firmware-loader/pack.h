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
	uint32_t api;			/* major << 16 | minor */
	uint32_t hw_version_min;	/* inclusive range, major << 16 | minor */
	uint32_t hw_version_max;
	struct npu_fw_config config;
};

/* Bytes of the image that npu_pack() makes. */
#define NPU_PACK_BYTES \
	(sizeof(struct npu_fw_header) + sizeof(struct npu_fw_section) + \
	 sizeof(struct npu_fw_config))

/*
 * Fills image[NPU_PACK_BYTES]: one CONFIG section, unsigned. The same input gives the same bytes
 * everywhere; the build id is a hash of the input. -EINVAL: the version text.
 */
int npu_pack(const struct npu_pack *what, uint8_t image[NPU_PACK_BYTES]);

#endif

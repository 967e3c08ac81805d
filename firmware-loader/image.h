/* SPDX-License-Identifier: MIT */
/*
 * Checks a firmware image (uapi/npu_fw_image.h). The packing tool, the device's boot ROM and
 * the tests share it, so that what the tool calls good is what the device boots.
 */
#ifndef NPU_IMAGE_H
#define NPU_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu_fw_image.h"
#include "npu_regs.h"

/* What the image has to fit. */
struct npu_image_limits {
	uint32_t hw_version;		/* of the device, major << 16 | minor */
	uint32_t api_major;		/* that it speaks */
	uint32_t security_counter;	/* lowest security version accepted */
};

/*
 * Why an image was refused, or what is in it. found and wanted are those of the boot
 * error registers; their meaning for each error is in the table above npu_image_check().
 */
struct npu_image_result {
	enum npu_boot_error error;
	uint32_t found;
	uint32_t wanted;
	/* the rest is valid if error is NPU_BOOT_OK, else zero */
	uint32_t api;
	uint32_t security_version;
	uint32_t n_sections;
	struct npu_fw_config config;
	char version[32];		/* letters, digits and ._+~-, ends with zero */
};

/* Limits of the device that this tree models, with a security counter of zero. */
extern const struct npu_image_limits npu_image_limits_default;

/*
 * Checks size bytes at image, whatever they hold. The checks are done in the order of
 * this table; the first that fails is reported.
 *
 *   NPU_BOOT_SIZE       found bytes given; wanted: the header's size, NPU_FW_MAX_BYTES, or
 *                       the image size that the header states
 *   NPU_BOOT_MAGIC      found and wanted: the 32 bits of the magic that differ, low ones first
 *   NPU_BOOT_HEADER     header version, then header size; (the stated image size follows)
 *   NPU_BOOT_FIELD      a reserved field, pad or unused key that is not zero, or a version that
 *                       is no text; found: its offset in the image, wanted zero
 *   NPU_BOOT_SIGNATURE  found: the signature type, wanted: NPU_FW_SIGNATURE_NONE
 *   NPU_BOOT_SECTION    found: index of the section, or the number of sections; wanted:
 *                       offset in the image of the field that is out of bounds
 *   NPU_BOOT_HASH       found and wanted: the first 32 bits that differ
 *   NPU_BOOT_HW         found: the end of the image's range, wanted: the device's version
 *   NPU_BOOT_API        found: API major of the image, wanted: the device's
 *   NPU_BOOT_SECURITY   found: security version of the image, wanted: the device's counter
 *   NPU_BOOT_CONFIG     found: offset in struct npu_fw_config of the value out of range (zero:
 *                       there is none, or its size differs), wanted: the limit it passed
 *
 * Returns 0 or -EINVAL; *out is always filled. Alignment of image does not matter.
 */
int npu_image_check(const void *image, size_t size, const struct npu_image_limits *limits,
		    struct npu_image_result *out);

/*
 * SHA-256 of the image with hash and signature taken as zero. size is at least that of
 * struct npu_fw_header.
 */
void npu_image_hash(const void *image, size_t size, uint8_t hash[NPU_FW_HASH_BYTES]);

/* A version is 1..31 ASCII letters, digits and ._+~- and zeros behind them. */
bool npu_image_version_valid(const char version[32]);

/*
 * Checks the values of a configuration; on -EINVAL *offset and *limit are what
 * NPU_BOOT_CONFIG reports, or NPU_BOOT_FIELD with *limit zero for a reserved word.
 */
int npu_image_check_config(const struct npu_fw_config *config, uint32_t *offset, uint32_t *limit);

#endif

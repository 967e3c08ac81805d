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

/* SHA-256 of a public key. */
#define NPU_KEY_ID_BYTES	32

/* What the image has to fit. */
struct npu_image_limits {
	uint32_t hw_version;		/* of the device, major << 16 | minor */
	uint32_t api_min;		/* of the driver; zero and UINT32_MAX: any, because the */
	uint32_t api_max;		/* firmware and it settle it between them */
	uint32_t security_counter;	/* lowest security version accepted */
	bool need_code;			/* the image is to run, not only to configure */
	bool need_signature;		/* an unsigned image is refused */
	bool development;		/* the device is in development state */
	bool has_fused_key;
	uint8_t fused_key[NPU_KEY_ID_BYTES];	/* id of the key that signs for this device */
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
	uint32_t api_min;
	uint32_t api_max;
	uint32_t security_version;
	uint32_t n_sections;
	uint32_t entry;			/* first instruction, zero: there is no code */
	bool is_signed;
	bool development_key;		/* it is the tree's development key that signed */
	uint8_t key_id[NPU_KEY_ID_BYTES];	/* zero if unsigned */
	struct npu_fw_config config;
	char version[32];		/* letters, digits and ._+~-, ends with zero */
};

/*
 * The device that this tree models, as it is made: development state, no key fused, a counter of
 * zero. Neither code nor a signature is asked for; whoever runs the image sets both.
 */
extern const struct npu_image_limits npu_image_limits_default;

/*
 * Checks size bytes at image, whatever they hold: first npu_fw_parse() (uapi/npu_fw_parse.h, which
 * has the table of its refusals), then in the order of this table; the first that fails is told.
 *
 *   NPU_BOOT_SECTION    need_code, and no section has an entry; found: n_sections, wanted: zero
 *   NPU_BOOT_HASH       found and wanted: the first 32 bits that differ
 *   NPU_BOOT_SIGNATURE  found: the signature type, wanted: NPU_FW_SIGNATURE_ED25519; if they are
 *                       equal, the signature is not that of this image by its key
 *   NPU_BOOT_KEY        neither the fused key nor the development key; found and wanted: the
 *                       first 8 digits of the key's id and the fused one's, zero: none is fused
 *   NPU_BOOT_DEV_KEY    the development key, in production state, even if it is fused; found: as
 *                       above, wanted: 1
 *   NPU_BOOT_SECURITY   found: security version of the image, wanted: the device's counter
 *   NPU_BOOT_API        found: the driver's API; wanted: the nearest end of the image's range
 *   NPU_BOOT_CONFIG     found: offset in struct npu_fw_config of the value out of range, wanted:
 *                       the limit it passed (NPU_BOOT_FIELD if it is a reserved word)
 *
 * Returns 0 or -EINVAL; *out is always filled. Alignment of image does not matter.
 */
int npu_image_check(const void *image, size_t size, const struct npu_image_limits *limits,
		    struct npu_image_result *out);

/*
 * Section i of an image that was found good, to load it: the bytes are at image + out->offset.
 * -ENOENT: i is past the last one.
 */
int npu_image_section(const void *image, uint32_t i, struct npu_fw_section *out);

/*
 * SHA-256 of the image with hash and signature taken as zero. size is at least that of
 * struct npu_fw_header.
 */
void npu_image_hash(const void *image, size_t size, uint8_t hash[NPU_FW_HASH_BYTES]);

/* What an Ed25519 signature of an image with this hash is of. */
#define NPU_IMAGE_SIGNED_BYTES	(sizeof(NPU_FW_SIGNED_TEXT) + NPU_FW_HASH_BYTES)
void npu_image_signed_text(const uint8_t hash[NPU_FW_HASH_BYTES],
			   uint8_t text[NPU_IMAGE_SIGNED_BYTES]);

/* The id of a key, and the 32 bits of it that errors show: its first 8 hexadecimal digits. */
void npu_key_id(const uint8_t public_key[NPU_FW_KEY_BYTES], uint8_t id[NPU_KEY_ID_BYTES]);
uint32_t npu_key_id_word(const uint8_t id[NPU_KEY_ID_BYTES]);

/*
 * Checks the values of a configuration; on -EINVAL *offset and *limit are what NPU_BOOT_CONFIG
 * reports, with *limit zero for a reserved word.
 */
int npu_image_check_config(const struct npu_fw_config *config, uint32_t *offset, uint32_t *limit);

#endif

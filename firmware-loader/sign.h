/* SPDX-License-Identifier: MIT */
/* Keys as text, and the signature of an image. */
#ifndef NPU_SIGN_H
#define NPU_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "npu_fw_image.h"

enum npu_key_part {
	NPU_KEY_SEED,	/* secret: `seed = ` and 64 hexadecimal digits */
	NPU_KEY_PUBLIC,	/* `public = ` and 64 hexadecimal digits */
};

/* Bytes of the longest key file that is read. */
#define NPU_KEY_TEXT_MAX	4096

/*
 * Parses a key file: one line that holds the wanted part; lines that start with # and empty ones
 * are comments. -EINVAL: why is a line without the file's name.
 */
int npu_key_parse(const char *text, size_t size, enum npu_key_part wanted, uint8_t key[32],
		  char *why, size_t why_size);

/* The public key of a seed. */
void npu_key_public(const uint8_t seed[32], uint8_t public_key[NPU_FW_KEY_BYTES]);

/*
 * Signs an image in place, over an older signature if there is one: type, public key, hash and
 * signature are written. size is at least that of struct npu_fw_header; what the image holds is
 * not looked at. The same seed and image give the same bytes.
 */
void npu_sign(void *image, size_t size, const uint8_t seed[32]);

#endif

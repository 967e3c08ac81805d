// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "image.h"
#include "sign.h"

static const struct {
	const char *name;	/* in the file */
	const char *file;	/* how npu-fw keygen names it */
} parts[] = {
	[NPU_KEY_SEED] = { "seed", "NAME.key" },
	[NPU_KEY_PUBLIC] = { "public", "NAME.pub" },
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* 64 digits and nothing else. */
static bool parse_hex(const char *text, size_t size, uint8_t key[32])
{
	size_t i;

	if (size != 64)
		return false;
	for (i = 0; i < 64; i++)
		if (digit(text[i]) < 0)
			return false;
	for (i = 0; i < 32; i++)
		key[i] = digit(text[2 * i]) << 4 | digit(text[2 * i + 1]);
	return true;
}

static void trim(const char **text, size_t *size)
{
	while (*size && isspace((unsigned char)**text)) {
		++*text;
		--*size;
	}
	while (*size && isspace((unsigned char)(*text)[*size - 1]))
		--*size;
}

/* Cuts "name =" off the line; the part it names, -1 if none. */
static int parse_name(const char **line, size_t *size)
{
	const char *equals = memchr(*line, '=', *size);
	size_t name_size, i;
	const char *name = *line;

	if (!equals)
		return -1;
	name_size = equals - *line;
	*size -= name_size + 1;
	*line = equals + 1;
	trim(&name, &name_size);
	trim(line, size);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strlen(parts[i].name) == name_size && !memcmp(parts[i].name, name, name_size))
			return i;
	return -1;
}

int npu_key_parse(const char *text, size_t size, enum npu_key_part wanted, uint8_t key[32],
		  char *why, size_t why_size)
{
	unsigned int number = 0, found_in = 0;

	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;
		const char *line = text;
		int part;

		text += length + !!end;
		size -= length + !!end;
		number++;
		trim(&line, &length);
		if (!length || *line == '#')
			continue;
		part = parse_name(&line, &length);
		if (part < 0) {
			snprintf(why, why_size, "line %u is no key; wanted %s = 64 hexadecimal digits",
				 number, parts[wanted].name);
			return -EINVAL;
		}
		if (part != (int)wanted) {
			snprintf(why, why_size, "it holds %s, wanted %s; name the file %s",
				 parts[part].name, parts[wanted].name, parts[wanted].file);
			return -EINVAL;
		}
		if (found_in) {
			snprintf(why, why_size, "line %u holds a second key, the first is in line %u; remove one",
				 number, found_in);
			return -EINVAL;
		}
		if (!parse_hex(line, length, key)) {
			snprintf(why, why_size, "line %u: %s has %zu characters, wanted 64 hexadecimal digits",
				 number, parts[part].name, length);
			return -EINVAL;
		}
		found_in = number;
	}
	if (!found_in) {
		snprintf(why, why_size, "it holds no key, wanted %s; make one with npu-fw keygen",
			 parts[wanted].name);
		return -EINVAL;
	}
	return 0;
}

void npu_key_public(const uint8_t seed[32], uint8_t public_key[NPU_FW_KEY_BYTES])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(public_key, secret, seed);
	sodium_memzero(secret, sizeof(secret));
}

void npu_sign(void *image, size_t size, const uint8_t seed[32])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	uint8_t text[NPU_IMAGE_SIGNED_BYTES];
	struct npu_fw_header h;

	memcpy(&h, image, sizeof(h));
	h.signature_type = NPU_FW_SIGNATURE_ED25519;
	crypto_sign_seed_keypair(h.public_key, secret, seed);
	/* the hash is of the image that names type and key */
	memcpy(image, &h, sizeof(h));
	npu_image_hash(image, size, h.hash);
	npu_image_signed_text(h.hash, text);
	crypto_sign_detached(h.signature, NULL, text, sizeof(text), secret);
	sodium_memzero(secret, sizeof(secret));
	memcpy(image, &h, sizeof(h));
}

NPU_STATIC_ASSERT(crypto_sign_SEEDBYTES == 32 &&
		  crypto_sign_PUBLICKEYBYTES == NPU_FW_KEY_BYTES &&
		  crypto_sign_BYTES == NPU_FW_SIGNATURE_BYTES, "sizes of Ed25519");

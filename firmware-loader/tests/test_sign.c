// SPDX-License-Identifier: MIT
/* Keys and signatures: whose images boot where; runs beside keys/. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "dev_key.h"
#include "image.h"
#include "kit.h"
#include "sign.h"
#include "tap.h"

/* Seed and public key of test 1 in section 7.1 of RFC 8032; no one trusts them. */
static const uint8_t other_seed[32] = {
	0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
	0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
	0x7f, 0x60,
};

static const uint8_t other_public[32] = {
	0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07,
	0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
	0x51, 0x1a,
};

static struct npu_image_result result;
static char why[256];

static bool read_key(const char *file, enum npu_key_part part, uint8_t key[32])
{
	char text[NPU_KEY_TEXT_MAX];
	FILE *f = fopen(file, "r");
	size_t size = f ? fread(text, 1, sizeof(text), f) : 0;

	if (f)
		fclose(f);
	return npu_key_parse(text, size, part, key, why, sizeof(why)) == 0;
}

static void test_development_key(void)
{
	uint8_t key[32];

	tap_ok(read_key("keys/development.key", NPU_KEY_SEED, key) &&
	       !memcmp(key, npu_dev_key_seed, 32),
	       "keys: dev_key.c holds the seed of keys/development.key");
	tap_ok(read_key("keys/development.pub", NPU_KEY_PUBLIC, key) &&
	       !memcmp(key, npu_dev_key_public, 32),
	       "keys: dev_key.c holds the key of keys/development.pub");
	npu_key_public(npu_dev_key_seed, key);
	tap_ok(!memcmp(key, npu_dev_key_public, 32), "keys: both belong together");
	npu_key_public(other_seed, key);
	tap_ok(!memcmp(key, other_public, 32), "keys: RFC 8032's seed gives its public key");
}

static bool key_refused(const char *text, const char *wanted)
{
	size_t size = strlen(text);
	char *copy = malloc(size ? size : 1);
	uint8_t key[32];
	int ret;

	memcpy(copy, text, size);
	ret = npu_key_parse(copy, size, NPU_KEY_SEED, key, why, sizeof(why));
	free(copy);
	if (ret == -EINVAL && !strcmp(why, wanted))
		return true;
	tap_diag("ret %d: %s", ret, why);
	return false;
}

#define DIGITS	"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static void test_key_text(void)
{
	static const char good[] = "# a comment = here\n\n  seed\t=  " DIGITS " \r\n";
	uint8_t key[32];

	tap_ok(npu_key_parse(good, strlen(good), NPU_KEY_SEED, key, why, sizeof(why)) == 0 &&
	       key[0] == 0 && key[1] == 0x11 && key[31] == 0xff,
	       "keys: comments, spaces and capital digits are good");
	tap_ok(key_refused("", "it holds no key, wanted seed; make one with npu-fw keygen"),
	       "keys: an empty file is refused");
	tap_ok(key_refused("public = " DIGITS,
			   "it holds public, wanted seed; name the file NAME.key"),
	       "keys: a public key in place of the secret one is refused");
	tap_ok(key_refused(DIGITS "\n", "line 1 is no key; wanted seed = 64 hexadecimal digits"),
	       "keys: digits without a name are refused");
	tap_ok(key_refused("sead = " DIGITS,
			   "line 1 is no key; wanted seed = 64 hexadecimal digits"),
	       "keys: an unknown name is refused");
	tap_ok(key_refused("seed = " DIGITS "0",
			   "line 1: seed has 65 characters, wanted 64 hexadecimal digits"),
	       "keys: a digit too many is refused");
	tap_ok(key_refused("#\nseed =",
			   "line 2: seed has 0 characters, wanted 64 hexadecimal digits"),
	       "keys: no digits are refused");
	tap_ok(key_refused("seed = g112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF0",
			   "line 1: seed has 64 characters, wanted 64 hexadecimal digits"),
	       "keys: what is no digit is refused");
	tap_ok(key_refused("seed = " DIGITS "\nseed = " DIGITS "\n",
			   "line 2 holds a second key, the first is in line 1; remove one"),
	       "keys: a second key is refused");
}

static uint8_t *image_by(const uint8_t *seed, size_t *size)
{
	struct npu_pack what = kit_pack;

	what.seed = seed;
	return kit_image(&what, size);
}

static bool refused(const uint8_t *image, size_t size, const struct npu_image_limits *limits,
		    enum npu_boot_error error, uint32_t found, uint32_t wanted)
{
	int ret = npu_image_check(image, size, limits, &result);

	if (ret == -EINVAL && result.error == error && result.found == found &&
	    result.wanted == wanted && !result.is_signed)
		return true;
	tap_diag("ret %d error %u found %#x wanted %#x", ret, result.error, result.found,
		 result.wanted);
	return false;
}

static void test_states(void)
{
	struct npu_image_limits limits = npu_image_limits_default;
	uint8_t dev_id[32], other_id[32];
	uint32_t dev, other;
	size_t size;
	uint8_t *by_dev = image_by(npu_dev_key_seed, &size);
	uint8_t *by_other = image_by(other_seed, &size);

	limits.need_signature = true;
	limits.need_code = true;
	npu_key_id(npu_dev_key_public, dev_id);
	npu_key_id(other_public, other_id);
	dev = npu_key_id_word(dev_id);
	other = npu_key_id_word(other_id);
	tap_ok(other == ((uint32_t)other_id[0] << 24 | other_id[1] << 16 | other_id[2] << 8 |
			 other_id[3]), "sign: errors show the first 8 digits of a key's id");

	tap_ok(npu_image_check(by_dev, size, &limits, &result) == 0 && result.is_signed &&
	       result.development_key && !memcmp(result.key_id, dev_id, 32),
	       "sign: development state, nothing fused: the development key is good");
	tap_ok(refused(by_other, size, &limits, NPU_BOOT_KEY, other, 0),
	       "sign: development state, nothing fused: another key is refused");

	limits.has_fused_key = true;
	memcpy(limits.fused_key, other_id, 32);
	tap_ok(npu_image_check(by_other, size, &limits, &result) == 0 && result.is_signed &&
	       !result.development_key && !memcmp(result.key_id, other_id, 32),
	       "sign: development state: the fused key is good");
	tap_ok(npu_image_check(by_dev, size, &limits, &result) == 0 && result.development_key,
	       "sign: development state: the development key is good beside the fused one");
	limits.development = false;
	tap_ok(npu_image_check(by_other, size, &limits, &result) == 0,
	       "sign: production state: the fused key is good");
	tap_ok(refused(by_dev, size, &limits, NPU_BOOT_DEV_KEY, dev, 1),
	       "sign: production state: the development key is refused");
	limits.fused_key[31] ^= 1;
	tap_ok(refused(by_other, size, &limits, NPU_BOOT_KEY, other, other),
	       "sign: a fused key that differs in its last bit is another key");
	memcpy(limits.fused_key, dev_id, 32);
	tap_ok(refused(by_dev, size, &limits, NPU_BOOT_DEV_KEY, dev, 1),
	       "sign: production state: the development key is refused even if it is fused");
	tap_ok(refused(by_other, size, &limits, NPU_BOOT_KEY, other, dev),
	       "sign: production state: any key but the fused one is refused");
	limits.has_fused_key = false;
	tap_ok(refused(by_other, size, &limits, NPU_BOOT_KEY, other, 0),
	       "sign: production state, nothing fused: no key is good");
	free(by_dev);
	free(by_other);
}

static void test_forgery(void)
{
	struct npu_image_limits limits = npu_image_limits_default;
	uint8_t secret[crypto_sign_SECRETKEYBYTES], public_key[32];
	struct npu_fw_header *h;
	size_t size, small;
	uint8_t *image = image_by(npu_dev_key_seed, &size), *again;

	limits.need_signature = true;
	limits.security_counter = 7;
	h = (struct npu_fw_header *)image;
	tap_ok(npu_image_check(image, size, &limits, &result) == 0,
	       "sign: a security version at the counter is good");
	limits.security_counter = 8;
	tap_ok(refused(image, size, &limits, NPU_BOOT_SECURITY, 7, 8),
	       "sign: an older security version is refused, though the signature is good");
	limits.security_counter = 0;

	/* the signature that another key gives for this very hash */
	again = image_by(other_seed, &small);
	memcpy(h->signature, ((struct npu_fw_header *)again)->signature, 64);
	tap_ok(refused(image, size, &limits, NPU_BOOT_SIGNATURE, 1, 1),
	       "sign: a signature by another key is refused");
	memcpy(h->public_key, other_public, 32);
	image[size - 1] ^= 1;
	npu_image_hash(image, size, h->hash);
	tap_ok(refused(image, size, &limits, NPU_BOOT_SIGNATURE, 1, 1),
	       "sign: a key's signature of one image is not good for another");
	image[size - 1] ^= 1;
	npu_sign(image, size, other_seed);
	tap_ok(!memcmp(image, again, size),
	       "sign: signing anew gives what packing with that key gives");

	/* a signature of the hash alone, as another protocol might make it */
	crypto_sign_seed_keypair(public_key, secret, npu_dev_key_seed);
	npu_sign(image, size, npu_dev_key_seed);
	crypto_sign_detached(h->signature, NULL, h->hash, 32, secret);
	tap_ok(refused(image, size, &limits, NPU_BOOT_SIGNATURE, 1, 1),
	       "sign: a signature that does not say that it is of firmware is refused");

	/* signed as it is, then another configuration with a good hash */
	npu_sign(image, size, npu_dev_key_seed);
	image[size - 1] ^= 1;
	npu_image_hash(image, size, h->hash);
	tap_ok(refused(image, size, &limits, NPU_BOOT_SIGNATURE, 1, 1),
	       "sign: another payload under a good hash is refused");
	free(again);
	free(image);
}

int main(void)
{
	test_development_key();
	test_key_text();
	test_states();
	test_forgery();
	return tap_done();
}

// SPDX-License-Identifier: MIT
/* npu-fw keygen, npu-fw sign */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "cmd.h"
#include "explain.h"
#include "image.h"
#include "sign.h"

#define NAME_MAX_BYTES	1024

/* Both commands know -o, sign alone knows --key. */
static int parse(int argc, char **argv, const char **output, const char **key)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "key", required_argument, NULL, 'k' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (c == 'o')
			*output = optarg;
		else if (c == 'k' && key)
			*key = optarg;
		else if (c == 'k')
			return cmd_usage_error("keygen makes a key and takes none", NULL);
		else
			return EXIT_USAGE;
	}
	return 0;
}

/* Writes `part = hex` to NAME.suffix, which must not exist: a lost key is lost for good. */
static int write_key(const char *name, const char *suffix, const char *part,
		     const uint8_t key[32], mode_t mode)
{
	char path[NAME_MAX_BYTES + 8], digits[65], text[128];
	int fd, length;
	bool written;

	snprintf(path, sizeof(path), "%s%s", name, suffix);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0) {
		fprintf(stderr, "npu-fw: %s: %s\n", path, strerror(errno));
		return EXIT_REFUSED;
	}
	cmd_hex(key, 32, digits);
	length = snprintf(text, sizeof(text), "%s = %s\n", part, digits);
	written = write(fd, text, length) == length && !fsync(fd);
	sodium_memzero(digits, sizeof(digits));
	sodium_memzero(text, sizeof(text));
	if (close(fd) || !written) {
		fprintf(stderr, "npu-fw: %s: cannot write %d bytes: %s\n", path, length,
			strerror(errno));
		unlink(path);
		return EXIT_REFUSED;
	}
	return 0;
}

int cmd_keygen(int argc, char **argv)
{
	uint8_t seed[32], public_key[32], id[NPU_KEY_ID_BYTES];
	const char *name = NULL;
	char digits[65];
	int ret;

	if (parse(argc, argv, &name, NULL))
		return EXIT_USAGE;
	if (optind < argc || !name || strlen(name) > NAME_MAX_BYTES)
		return cmd_usage_error("keygen wants -o NAME and nothing else", NULL);
	if (sodium_init() < 0) {
		fprintf(stderr, "npu-fw: no random numbers on this host\n");
		return EXIT_REFUSED;
	}
	randombytes_buf(seed, sizeof(seed));
	npu_key_public(seed, public_key);
	/* readable by its owner alone from the moment that it exists */
	ret = write_key(name, ".key", "seed", seed, 0600);
	sodium_memzero(seed, sizeof(seed));
	if (!ret)
		ret = write_key(name, ".pub", "public", public_key, 0644);
	if (ret)
		return ret;
	npu_key_id(public_key, id);
	cmd_hex(id, sizeof(id), digits);
	printf("%s.key, %s.pub: key id %s\n", name, name, digits);
	return 0;
}

static int judge(const char *name, const uint8_t *image, size_t size,
		 const struct npu_image_limits *limits, bool is_signed)
{
	struct npu_image_result result;
	char why[NPU_EXPLAIN_BYTES];

	npu_image_check(image, size, limits, &result);
	if (!result.error || (!is_signed && (result.error == NPU_BOOT_SIGNATURE ||
					     result.error == NPU_BOOT_KEY)))
		return 0;
	fprintf(stderr, "npu-fw: %s: is not signed: %s\n", name,
		npu_image_explain(&result, why, sizeof(why)));
	return EXIT_REFUSED;
}

/* A damaged image must not become a genuine one: it is judged before and after. */
static int sign(const char *name, uint8_t *image, size_t size, const uint8_t seed[32])
{
	struct npu_image_limits limits = npu_image_limits_default;
	uint8_t public_key[NPU_FW_KEY_BYTES];
	struct npu_fw_header h;

	/* for whatever driver and hardware it is */
	limits.api_min = 0;
	limits.api_max = UINT32_MAX;
	if (size >= sizeof(h)) {
		memcpy(&h, image, sizeof(h));
		limits.hw_version = h.hw_version_min;
	}
	if (judge(name, image, size, &limits, false))
		return EXIT_REFUSED;
	npu_sign(image, size, seed);
	npu_key_public(seed, public_key);
	npu_key_id(public_key, limits.fused_key);
	limits.has_fused_key = true;
	limits.need_signature = true;
	return judge(name, image, size, &limits, true);
}

int cmd_sign(int argc, char **argv)
{
	const char *key = NULL, *output = NULL, *name;
	uint8_t seed[32];
	uint8_t *image;
	size_t size;
	int ret;

	if (parse(argc, argv, &output, &key))
		return EXIT_USAGE;
	if (optind + 1 != argc || !key || !output)
		return cmd_usage_error("sign wants --key FILE, an image and -o FILE", NULL);
	name = argv[optind];
	image = cmd_read_file(name, NPU_FW_MAX_BYTES, &size);
	if (!image)
		return EXIT_REFUSED;
	ret = cmd_read_key(key, NPU_KEY_SEED, seed);
	if (!ret)
		ret = sign(name, image, size, seed);
	if (!ret)
		ret = cmd_write_file(output, image, size);
	sodium_memzero(seed, sizeof(seed));
	free(image);
	return ret;
}

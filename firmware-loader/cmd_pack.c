// SPDX-License-Identifier: MIT
/* npu-fw pack */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cmd.h"
#include "config.h"
#include "image.h"
#include "npu_fw_msg.h"
#include "npu_versions.h"
#include "pack.h"

/* An ELF with all that debuggers want. */
#define ELF_MAX		(64u << 20)

static int read_config(const char *name, struct npu_fw_config *config)
{
	const size_t max = 65536;
	char why[256];
	char *text;
	size_t size;
	int ret;

	if (!strcmp(name, "defaults")) {
		*config = npu_config_defaults;
		return 0;
	}
	text = cmd_read_file(name, max, &size);
	if (!text)
		return EXIT_REFUSED;
	if (size > max) {
		fprintf(stderr, "npu-fw: %s: longer than %zu bytes; is it a configuration\n", name,
			max);
		ret = EXIT_REFUSED;
	} else {
		ret = npu_config_parse(text, size, config, why, sizeof(why));
		if (ret)
			fprintf(stderr, "npu-fw: %s: %s\n", name, why);
	}
	free(text);
	return ret;
}

struct files {
	const char *elf;
	const char *config;
	const char *key;
	const char *output;
};

/* Packs and writes; what->elf and seed are set as far as the files name them. */
static int pack(struct npu_pack *what, const struct files *f)
{
	size_t size, capacity;
	uint8_t *image;
	char why[256];
	int ret;

	if (npu_pack(what, NULL, 0, &capacity, why, sizeof(why))) {
		fprintf(stderr, "npu-fw: %s: %s\n", f->elf ? f->elf : f->output, why);
		return EXIT_REFUSED;
	}
	image = malloc(capacity);
	if (!image) {
		fprintf(stderr, "npu-fw: no memory for %zu bytes\n", capacity);
		return EXIT_REFUSED;
	}
	ret = npu_pack(what, image, capacity, &size, why, sizeof(why));
	if (ret) {
		fprintf(stderr, "npu-fw: %s: %s\n", f->elf ? f->elf : f->output, why);
		ret = EXIT_REFUSED;
	} else {
		ret = cmd_write_file(f->output, image, size);
	}
	free(image);
	return ret;
}

static int pack_files(struct npu_pack *what, const struct files *f)
{
	uint8_t seed[32];
	void *elf = NULL;
	int ret;

	if (read_config(f->config, &what->config))
		return EXIT_REFUSED;
	if (f->key) {
		if (cmd_read_key(f->key, NPU_KEY_SEED, seed))
			return EXIT_REFUSED;
		what->seed = seed;
	}
	if (f->elf) {
		elf = cmd_read_file(f->elf, ELF_MAX, &what->elf_size);
		if (!elf)
			return EXIT_REFUSED;
		what->elf = elf;
	}
	ret = pack(what, f);
	free(elf);
	sodium_memzero(seed, sizeof(seed));
	return ret;
}

int cmd_pack(int argc, char **argv)
{
	static const struct option options[] = {
		{ "elf", required_argument, NULL, 'e' },
		{ "config", required_argument, NULL, 'c' },
		{ "version", required_argument, NULL, 'v' },
		{ "security", required_argument, NULL, 's' },
		{ "api", required_argument, NULL, 'a' },
		{ "hw", required_argument, NULL, 'w' },
		{ "key", required_argument, NULL, 'k' },
		{ "output", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 }
	};
	struct npu_pack what = {
		.api_min = NPU_MESSAGES_FIRMWARE_MIN,
		.api_max = NPU_MESSAGES_FIRMWARE_MAX,
		.hw_version_min = NPU_HW_VERSION & 0xffff0000,
		.hw_version_max = NPU_HW_VERSION | 0xffff,
	};
	struct files f = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		switch (c) {
		case 'e':
			f.elf = optarg;
			break;
		case 'c':
			f.config = optarg;
			break;
		case 'v':
			what.version = optarg;
			break;
		case 's':
			if (!cmd_parse_u32(optarg, &what.security_version))
				return cmd_usage_error("--security wants a number below 2^32, not",
						       optarg);
			break;
		case 'a':
			if (!cmd_parse_range(optarg, &what.api_min, &what.api_max))
				return cmd_usage_error("--api wants A.B-C.D, not", optarg);
			break;
		case 'w':
			if (!cmd_parse_range(optarg, &what.hw_version_min, &what.hw_version_max))
				return cmd_usage_error("--hw wants A.B-C.D, not", optarg);
			break;
		case 'k':
			f.key = optarg;
			break;
		case 'o':
			f.output = optarg;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return cmd_usage_error("pack takes no file but", "-o FILE");
	if (!f.config || !what.version || !f.output)
		return cmd_usage_error("a new image needs --config, --version and -o", NULL);
	return pack_files(&what, &f);
}

// SPDX-License-Identifier: MIT
/* npu-fw pack */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "config.h"
#include "npu_fw_msg.h"
#include "pack.h"

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
		return -EINVAL;
	if (size > max) {
		fprintf(stderr, "npu-fw: %s: longer than %zu bytes; is it a configuration\n", name,
			max);
		ret = -EINVAL;
	} else {
		ret = npu_config_parse(text, size, config, why, sizeof(why));
		if (ret)
			fprintf(stderr, "npu-fw: %s: %s\n", name, why);
	}
	free(text);
	return ret;
}

int cmd_pack(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "version", required_argument, NULL, 'v' },
		{ "security", required_argument, NULL, 's' },
		{ "api", required_argument, NULL, 'a' },
		{ "hw", required_argument, NULL, 'w' },
		{ "output", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 }
	};
	struct npu_pack pack = {
		.api = NPU_FW_API_MAJOR << 16 | NPU_FW_API_MINOR,
		.hw_version_min = NPU_HW_VERSION & 0xffff0000,
		.hw_version_max = NPU_HW_VERSION | 0xffff,
	};
	const char *config = NULL, *output = NULL, *end;
	uint8_t image[NPU_PACK_BYTES];
	int c;

	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'v':
			pack.version = optarg;
			break;
		case 's':
			if (!cmd_parse_u32(optarg, &pack.security_version))
				return cmd_usage_error("--security wants a number below 2^32, not",
						       optarg);
			break;
		case 'a':
			if (!cmd_parse_version(optarg, &end, &pack.api) || *end)
				return cmd_usage_error("--api wants MAJOR.MINOR, not", optarg);
			break;
		case 'w':
			if (!cmd_parse_range(optarg, &pack.hw_version_min, &pack.hw_version_max))
				return cmd_usage_error("--hw wants A.B-C.D, not", optarg);
			break;
		case 'o':
			output = optarg;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return cmd_usage_error("pack takes no file but", "-o FILE");
	if (!config || !pack.version || !output)
		return cmd_usage_error("a new image needs --config, --version and -o", NULL);
	if (read_config(config, &pack.config))
		return EXIT_REFUSED;
	if (npu_pack(&pack, image))
		return cmd_usage_error("a version has 1 to 31 letters, digits and ._+~-, not",
				       pack.version);
	return cmd_write_file(output, image, sizeof(image));
}

// SPDX-License-Identifier: MIT
/* npu-fw verify */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "explain.h"
#include "image.h"

/* Sets one property of the device that is asked about; zero, or EXIT_*. */
static int device_option(int c, const char *value, struct npu_image_limits *limits)
{
	uint8_t public_key[NPU_FW_KEY_BYTES];
	const char *end;

	switch (c) {
	case 'k':
		if (cmd_read_key(value, NPU_KEY_PUBLIC, public_key))
			return EXIT_REFUSED;
		npu_key_id(public_key, limits->fused_key);
		limits->has_fused_key = true;
		return 0;
	case 's':
		if (!cmd_parse_u32(value, &limits->security_counter))
			return cmd_usage_error("--security wants a number below 2^32, not", value);
		return 0;
	case 't':
		limits->development = !strcmp(value, "development");
		if (!limits->development && strcmp(value, "production"))
			return cmd_usage_error("--state wants development or production, not",
					       value);
		return 0;
	case 'w':
		if (!cmd_parse_version(value, &end, &limits->hw_version) || *end)
			return cmd_usage_error("--hw wants A.B, not", value);
		return 0;
	case 'a':
		if (!cmd_parse_range(value, &limits->api_min, &limits->api_max))
			return cmd_usage_error("--api wants A.B-C.D, not", value);
		return 0;
	}
	return EXIT_USAGE;
}

int cmd_verify(int argc, char **argv)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "security", required_argument, NULL, 's' },
		{ "state", required_argument, NULL, 't' },
		{ "hw", required_argument, NULL, 'w' },
		{ "api", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 }
	};
	struct npu_image_limits limits = npu_image_limits_default;
	struct npu_image_result result;
	char why[NPU_EXPLAIN_BYTES];
	const char *file;
	uint8_t *image;
	size_t size;
	int c, ret;

	limits.need_code = true;
	limits.need_signature = true;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		ret = device_option(c, optarg, &limits);
		if (ret)
			return ret;
	}
	file = cmd_one_file(argc, argv);
	if (!file)
		return EXIT_USAGE;
	image = cmd_read_file(file, NPU_FW_MAX_BYTES, &size);
	if (!image)
		return EXIT_REFUSED;
	npu_image_check(image, size, &limits, &result);
	free(image);
	if (result.error) {
		fprintf(stderr, "npu-fw: %s: %s\n", file,
			npu_image_explain(&result, why, sizeof(why)));
		return EXIT_REFUSED;
	}
	printf("%s: good, version %s, security version %u, signed by %s %08x\n", file,
	       result.version, result.security_version,
	       result.development_key ? "the development key" : "key",
	       npu_key_id_word(result.key_id));
	return 0;
}

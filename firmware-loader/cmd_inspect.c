// SPDX-License-Identifier: MIT
/* npu-fw inspect, npu-fw verify */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "config.h"
#include "explain.h"
#include "image.h"

static void show_lines(const char *name, const struct npu_fw_header *h,
		       const struct npu_image_result *r)
{
	char build[65], hash[65], why[256];
	unsigned int i;

	cmd_hex(h->build_id, 32, build);
	cmd_hex(h->hash, 32, hash);
	printf("file              %s\n", name);
	printf("version           %.31s\n", r->error ? "(not valid)" : h->version);
	printf("size              %u bytes, %u sections\n", h->image_size, h->n_sections);
	printf("api               %u.%u\n", h->api_max >> 16, h->api_max & 0xffff);
	printf("hardware          %u.%u to %u.%u\n", h->hw_version_min >> 16,
	       h->hw_version_min & 0xffff, h->hw_version_max >> 16, h->hw_version_max & 0xffff);
	printf("security version  %u\n", h->security_version);
	printf("signature         %s\n", h->signature_type == NPU_FW_SIGNATURE_NONE ? "none" :
	       h->signature_type == NPU_FW_SIGNATURE_ED25519 ? "Ed25519" : "unknown");
	printf("build id          %s\n", build);
	printf("sha256            %s\n", hash);
	for (i = 0; !r->error && npu_config_key(i); i++)
		printf("%-23s %u\n", npu_config_key(i), npu_config_value(&r->config, i));
	printf("verdict           %s\n", npu_image_explain(r, why, sizeof(why)));
}

/* Numbers and texts that need no escapes: the version is shown only when it was checked. */
static void show_json(const struct npu_fw_header *h, const struct npu_image_result *r)
{
	char build[65], hash[65];
	unsigned int i;

	cmd_hex(h->build_id, 32, build);
	cmd_hex(h->hash, 32, hash);
	printf("{\"verdict\": \"%s\", \"found\": %u, \"wanted\": %u, \"version\": \"%.31s\", ",
	       npu_boot_error_name(r->error), r->found, r->wanted, r->version);
	printf("\"image_size\": %u, \"n_sections\": %u, \"api\": \"%u.%u\", ", h->image_size,
	       h->n_sections, h->api_max >> 16, h->api_max & 0xffff);
	printf("\"hw_version_min\": \"%u.%u\", \"hw_version_max\": \"%u.%u\", ",
	       h->hw_version_min >> 16, h->hw_version_min & 0xffff, h->hw_version_max >> 16,
	       h->hw_version_max & 0xffff);
	printf("\"security_version\": %u, \"signature_type\": %u, ", h->security_version,
	       h->signature_type);
	printf("\"build_id\": \"%s\", \"sha256\": \"%s\", \"config\": {", build, hash);
	for (i = 0; !r->error && npu_config_key(i); i++)
		printf("%s\"%s\": %u", i ? ", " : "", npu_config_key(i),
		       npu_config_value(&r->config, i));
	printf("}}\n");
}

/* The one file that the command line names; NULL: said why. */
static const char *one_file(int argc, char **argv)
{
	if (optind == argc)
		cmd_usage_error("name an image file", NULL);
	else if (optind + 1 < argc)
		cmd_usage_error("one file at a time, not also", argv[optind + 1]);
	else
		return argv[optind];
	return NULL;
}

int cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	struct npu_fw_header header = { 0 };
	struct npu_image_result result;
	const char *file;
	bool json = false;
	uint8_t *image;
	size_t size;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	file = one_file(argc, argv);
	if (!file)
		return EXIT_USAGE;
	image = cmd_read_file(file, NPU_FW_MAX_BYTES, &size);
	if (!image)
		return EXIT_REFUSED;
	ret = npu_image_check(image, size, &npu_image_limits_default, &result);
	if (size >= sizeof(header))
		memcpy(&header, image, sizeof(header));
	free(image);
	if (json)
		show_json(&header, &result);
	else
		show_lines(file, &header, &result);
	return ret ? EXIT_REFUSED : 0;
}

int cmd_verify(int argc, char **argv)
{
	static const struct option options[] = {
		{ "security", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 }
	};
	struct npu_image_limits limits = npu_image_limits_default;
	struct npu_image_result result;
	const char *file;
	char why[256];
	uint8_t *image;
	size_t size;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 's')
			return EXIT_USAGE;
		if (!cmd_parse_u32(optarg, &limits.security_counter))
			return cmd_usage_error("--security wants a number below 2^32, not", optarg);
	}
	file = one_file(argc, argv);
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
	printf("%s: good, version %s, security version %u\n", file, result.version,
	       result.security_version);
	return 0;
}

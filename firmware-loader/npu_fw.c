/* SPDX-License-Identifier: MIT */
/* npu-fw: packs, shows and checks firmware images; see npu-fw(1). */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "explain.h"
#include "image.h"
#include "npu_fw_msg.h"
#include "pack.h"

static const char usage[] =
	"usage: npu-fw pack --config FILE|defaults --version TEXT -o FILE [options]\n"
	"       npu-fw inspect FILE [--json]\n"
	"       npu-fw verify FILE [--security N]\n"
	"\n"
	"pack     makes an image from a configuration\n"
	"inspect  shows what is in an image, also in one that no device boots\n"
	"verify   tells whether the device would boot an image, and if not, why\n"
	"\n"
	"  --config FILE     configuration as text; defaults: the values of npu.conf\n"
	"  --version TEXT    version, 1 to 31 letters, digits and ._+~-\n"
	"  --security N      security version; verify: the device's counter (0)\n"
	"  --api A.B         message API that the firmware speaks (this tree's)\n"
	"  --hw A.B-C.D      hardware versions that it is for (all of this tree's major)\n"
	"  -o, --output FILE where the image goes\n"
	"  --json            one JSON object instead of lines\n"
	"  --help            this text\n"
	"\n"
	"Exit status: 0 good, 1 refused or failed, 2 wrong usage.\n";

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct arguments {
	const char *file;
	const char *config;
	const char *output;
	bool json;
	struct npu_pack pack;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "npu-fw: %s%s%s; see npu-fw --help\n", what, value ? " " : "",
		value ? value : "");
	return EXIT_USAGE;
}

/* Reads at most max bytes of a file, and one more so that the caller sees what is too long. */
static void *read_file(const char *name, size_t max, size_t *size)
{
	FILE *f = fopen(name, "rb");
	char *data = NULL;

	if (f)
		data = malloc(max + 1);
	if (data) {
		*size = fread(data, 1, max + 1, f);
		if (ferror(f)) {
			free(data);
			data = NULL;
		}
	}
	if (!data)
		fprintf(stderr, "npu-fw: %s: %s\n", name, strerror(errno));
	if (f)
		fclose(f);
	return data;
}

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
	text = read_file(name, max, &size);
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

static int pack(struct arguments *a)
{
	uint8_t image[NPU_PACK_BYTES];
	bool written;
	FILE *f;

	if (!a->config || !a->pack.version || !a->output)
		return usage_error("a new image needs --config, --version and -o", NULL);
	if (read_config(a->config, &a->pack.config))
		return EXIT_REFUSED;
	if (npu_pack(&a->pack, image))
		return usage_error("a version has 1 to 31 letters, digits and ._+~-, not",
				   a->pack.version);
	f = fopen(a->output, "wb");
	if (!f) {
		fprintf(stderr, "npu-fw: %s: %s\n", a->output, strerror(errno));
		return EXIT_REFUSED;
	}
	written = fwrite(image, sizeof(image), 1, f) == 1;
	if (fclose(f) || !written) {
		fprintf(stderr, "npu-fw: %s: cannot write %zu bytes: %s\n", a->output,
			sizeof(image), strerror(errno));
		return EXIT_REFUSED;
	}
	return 0;
}

static void hex(const uint8_t *bytes, size_t n, char *text)
{
	size_t i;

	for (i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
}

static void show_lines(const char *name, const struct npu_fw_header *h,
		       const struct npu_image_result *r)
{
	char build[65], hash[65], why[256];
	unsigned int i;

	hex(h->build_id, 32, build);
	hex(h->hash, 32, hash);
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

	hex(h->build_id, 32, build);
	hex(h->hash, 32, hash);
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

static int judge(const struct arguments *a, bool show)
{
	struct npu_image_limits limits = npu_image_limits_default;
	struct npu_image_result result;
	struct npu_fw_header header = { 0 };
	char why[256];
	uint8_t *image;
	size_t size;
	int ret;

	if (!a->file)
		return usage_error("name an image file", NULL);
	image = read_file(a->file, NPU_FW_MAX_BYTES, &size);
	if (!image)
		return EXIT_REFUSED;
	limits.security_counter = show ? 0 : a->pack.security_version;
	ret = npu_image_check(image, size, &limits, &result);
	if (size >= sizeof(header))
		memcpy(&header, image, sizeof(header));
	free(image);
	if (show && a->json)
		show_json(&header, &result);
	else if (show)
		show_lines(a->file, &header, &result);
	else if (ret)
		fprintf(stderr, "npu-fw: %s: %s\n", a->file,
			npu_image_explain(&result, why, sizeof(why)));
	else
		printf("%s: good, version %s, security version %u\n", a->file, result.version,
		       result.security_version);
	return ret ? EXIT_REFUSED : 0;
}

static bool parse_u32(const char *text, uint32_t *value)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v > UINT32_MAX)
		return false;
	*value = v;
	return true;
}

/* A.B with both below 65536; *end is the text behind it. */
static bool parse_version(const char *text, const char **end, uint32_t *value)
{
	unsigned int major, minor;
	int used;

	if (*text < '0' || *text > '9' || sscanf(text, "%5u.%5u%n", &major, &minor, &used) != 2 ||
	    major > 0xffff || minor > 0xffff)
		return false;
	*value = major << 16 | minor;
	*end = text + used;
	return true;
}

static bool parse_hw_range(const char *text, struct npu_pack *p)
{
	const char *end;

	return parse_version(text, &end, &p->hw_version_min) && *end == '-' &&
	       parse_version(end + 1, &end, &p->hw_version_max) && !*end;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "version", required_argument, NULL, 'v' },
		{ "security", required_argument, NULL, 's' },
		{ "api", required_argument, NULL, 'a' },
		{ "hw", required_argument, NULL, 'w' },
		{ "output", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	struct arguments a = {
		.pack.api = NPU_FW_API_MAJOR << 16 | NPU_FW_API_MINOR,
		.pack.hw_version_min = NPU_HW_VERSION & 0xffff0000,
		.pack.hw_version_max = NPU_HW_VERSION | 0xffff,
	};
	const char *command, *end;
	int c;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			a.config = optarg;
			break;
		case 'v':
			a.pack.version = optarg;
			break;
		case 's':
			if (!parse_u32(optarg, &a.pack.security_version))
				return usage_error("--security wants a number below 2^32, not",
						   optarg);
			break;
		case 'a':
			if (!parse_version(optarg, &end, &a.pack.api) || *end)
				return usage_error("--api wants MAJOR.MINOR, not", optarg);
			break;
		case 'w':
			if (!parse_hw_range(optarg, &a.pack))
				return usage_error("--hw wants A.B-C.D, not", optarg);
			break;
		case 'o':
			a.output = optarg;
			break;
		case 'j':
			a.json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	command = argv[optind++];
	if (optind < argc)
		a.file = argv[optind++];
	if (optind < argc)
		return usage_error("one file at a time, not also", argv[optind]);
	if (!strcmp(command, "pack"))
		return a.file ? usage_error("pack takes no file but", "-o FILE") : pack(&a);
	if (!strcmp(command, "inspect"))
		return judge(&a, true);
	if (!strcmp(command, "verify"))
		return judge(&a, false);
	return usage_error("unknown command", command);
}

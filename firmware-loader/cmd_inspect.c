// SPDX-License-Identifier: MIT
/* npu-fw inspect */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "config.h"
#include "dev_key.h"
#include "explain.h"
#include "image.h"
#include "npu_fw_parse.h"

#define MAJOR(v)	((v) >> 16)
#define MINOR(v)	((v) & 0xffff)

/* What can be told of an image, also of one that is refused. */
struct view {
	const char *file;
	struct npu_image_result result;
	struct npu_fw_header h;		/* zero if the file is shorter */
	bool parsed;			/* the ranges are good: the rest is valid */
	struct npu_fw_section section[NPU_FW_MAX_SECTIONS];
	struct npu_fw_config config;
	char build_id[65];
	char hash[65];
	char key_id[65];
};

static void fill(struct view *v, const char *file, const uint8_t *image, size_t size)
{
	struct npu_image_limits limits = npu_image_limits_default;
	uint8_t id[NPU_KEY_ID_BYTES];
	struct npu_fw_refusal why;
	uint32_t i;

	memset(v, 0, sizeof(*v));
	v->file = file;
	limits.need_code = true;
	limits.need_signature = true;
	npu_image_check(image, size, &limits, &v->result);
	if (size >= sizeof(v->h))
		memcpy(&v->h, image, sizeof(v->h));
	cmd_hex(v->h.build_id, sizeof(v->h.build_id), v->build_id);
	cmd_hex(v->h.hash, sizeof(v->h.hash), v->hash);
	npu_key_id(v->h.public_key, id);
	cmd_hex(id, sizeof(id), v->key_id);

	/* an image for other hardware can be shown too */
	v->parsed = !npu_fw_parse(image, size, v->h.hw_version_min, &why);
	for (i = 0; v->parsed && i < v->h.n_sections; i++) {
		npu_image_section(image, i, &v->section[i]);
		if (v->section[i].type == NPU_FW_SECTION_CONFIG)
			memcpy(&v->config, image + v->section[i].offset, sizeof(v->config));
	}
}

/* Text that is safe to print; the version of an image that was not checked is not. */
static const char *version(const struct view *v)
{
	return npu_fw_version_valid(v->h.version) ? v->h.version : "";
}

static bool is_signed(const struct view *v)
{
	return v->h.signature_type == NPU_FW_SIGNATURE_ED25519;
}

static bool development_key(const struct view *v)
{
	return is_signed(v) && !memcmp(v->h.public_key, npu_dev_key_public, NPU_FW_KEY_BYTES);
}

static const char *type_name(uint32_t type)
{
	return type == NPU_FW_SECTION_CODE ? "code" : type == NPU_FW_SECTION_DATA ? "data" :
	       "config";
}

static const char *rights(uint32_t flags, char text[4])
{
	text[0] = flags & NPU_FW_SECTION_R ? 'r' : '-';
	text[1] = flags & NPU_FW_SECTION_W ? 'w' : '-';
	text[2] = flags & NPU_FW_SECTION_X ? 'x' : '-';
	text[3] = 0;
	return text;
}

static void show_section(const struct npu_fw_section *s, unsigned int i)
{
	char text[4];

	printf("section %-2u        %-6s %s %7u bytes", i, type_name(s->type),
	       rights(s->flags, text), s->size);
	if (s->type != NPU_FW_SECTION_CONFIG)
		printf(" to %#x, %u in memory", s->load_addr, s->load_size);
	if (s->entry)
		printf(", entry %#x", s->entry);
	putchar('\n');
}

static void show_lines(const struct view *v)
{
	const struct npu_fw_header *h = &v->h;
	char why[NPU_EXPLAIN_BYTES];
	unsigned int i;

	printf("file              %s\n", v->file);
	printf("version           %s\n", *version(v) ? version(v) : "(not valid)");
	printf("size              %u bytes, %u sections\n", h->image_size, h->n_sections);
	printf("api               %u.%u to %u.%u\n", MAJOR(h->api_min), MINOR(h->api_min),
	       MAJOR(h->api_max), MINOR(h->api_max));
	printf("hardware          %u.%u to %u.%u\n", MAJOR(h->hw_version_min),
	       MINOR(h->hw_version_min), MAJOR(h->hw_version_max), MINOR(h->hw_version_max));
	printf("security version  %u\n", h->security_version);
	printf("signature         %s\n", is_signed(v) ? "Ed25519" :
	       h->signature_type == NPU_FW_SIGNATURE_NONE ? "none" : "unknown");
	if (is_signed(v))
		printf("key id            %s%s\n", v->key_id,
		       development_key(v) ? " (DEVELOPMENT KEY)" : "");
	printf("build id          %s\n", v->build_id);
	printf("sha256            %s\n", v->hash);
	for (i = 0; v->parsed && i < h->n_sections; i++)
		show_section(&v->section[i], i);
	for (i = 0; v->parsed && npu_config_key(i); i++)
		printf("%-23s %u\n", npu_config_key(i), npu_config_value(&v->config, i));
	printf("verdict           %s\n", npu_image_explain(&v->result, why, sizeof(why)));
}

static void json_sections(const struct view *v)
{
	unsigned int i;
	char text[4];

	for (i = 0; v->parsed && i < v->h.n_sections; i++) {
		const struct npu_fw_section *s = &v->section[i];

		printf("%s{\"type\": \"%s\", \"rights\": \"%s\", \"offset\": %u, \"size\": %u, ",
		       i ? ", " : "", type_name(s->type), rights(s->flags, text), s->offset,
		       s->size);
		printf("\"load_addr\": %u, \"load_size\": %u, \"entry\": %u}", s->load_addr,
		       s->load_size, s->entry);
	}
}

/* Numbers and texts that need no escapes. */
static void show_json(const struct view *v)
{
	const struct npu_fw_header *h = &v->h;
	const struct npu_image_result *r = &v->result;
	char why[NPU_EXPLAIN_BYTES];
	unsigned int i;

	printf("{\"verdict\": \"%s\", \"found\": %u, \"wanted\": %u, \"text\": \"%s\", ",
	       npu_boot_error_name(r->error), r->found, r->wanted,
	       npu_image_explain(r, why, sizeof(why)));
	printf("\"version\": \"%s\", \"image_size\": %u, \"n_sections\": %u, ", version(v),
	       h->image_size, h->n_sections);
	printf("\"api_min\": \"%u.%u\", \"api_max\": \"%u.%u\", ", MAJOR(h->api_min),
	       MINOR(h->api_min), MAJOR(h->api_max), MINOR(h->api_max));
	printf("\"hw_version_min\": \"%u.%u\", \"hw_version_max\": \"%u.%u\", ",
	       MAJOR(h->hw_version_min), MINOR(h->hw_version_min), MAJOR(h->hw_version_max),
	       MINOR(h->hw_version_max));
	printf("\"security_version\": %u, \"signature_type\": %u, ", h->security_version,
	       h->signature_type);
	printf("\"key_id\": \"%s\", \"development_key\": %s, ", is_signed(v) ? v->key_id : "",
	       development_key(v) ? "true" : "false");
	printf("\"build_id\": \"%s\", \"sha256\": \"%s\", \"sections\": [", v->build_id, v->hash);
	json_sections(v);
	printf("], \"config\": {");
	for (i = 0; v->parsed && npu_config_key(i); i++)
		printf("%s\"%s\": %u", i ? ", " : "", npu_config_key(i),
		       npu_config_value(&v->config, i));
	printf("}}\n");
}

int cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	bool json = false;
	const char *file;
	uint8_t *image;
	struct view v;
	size_t size;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	file = cmd_one_file(argc, argv);
	if (!file)
		return EXIT_USAGE;
	image = cmd_read_file(file, NPU_FW_MAX_BYTES, &size);
	if (!image)
		return EXIT_REFUSED;
	fill(&v, file, image, size);
	free(image);
	if (json)
		show_json(&v);
	else
		show_lines(&v);
	return v.result.error ? EXIT_REFUSED : 0;
}

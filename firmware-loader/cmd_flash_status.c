// SPDX-License-Identifier: MIT
/* npu-fw status */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "cmd_flash.h"
#include "explain.h"

static const char *const source_names[] = { "host", "slot A", "slot B", "golden" };
static const char *const state_names[] = { "empty", "staged", "confirmed", "bad" };

/* An image in the flash as the device would judge it. */
struct content {
	const struct npu_flash_slot *slot;	/* NULL: golden */
	uint32_t size;
	const uint8_t *sha256;
	bool active;
	bool empty;
	bool altered;
	struct npu_image_result result;		/* neither empty nor altered */
};

static struct content look(struct cmd_flash *f, enum npu_fw_source source)
{
	struct content c = { .size = f->flash.header.golden_size,
			     .sha256 = f->flash.header.golden_sha256 };
	uint32_t size;
	void *image;

	if (source != NPU_FW_SOURCE_GOLDEN) {
		c.slot = &f->flash.state.slot[source - NPU_FW_SOURCE_SLOT_A];
		c.size = c.slot->image_size;
		c.sha256 = c.slot->sha256;
		c.active = f->flash.state.active == (uint32_t)source;
		c.empty = c.slot->state == NPU_FLASH_SLOT_EMPTY;
	}
	if (c.empty)
		return c;
	c.altered = npu_flash_load(&f->flash, source, &image, &size) != 0;
	if (c.altered)
		return c;
	f->judge.judge(f, image, size, f->flash.state.security_counter);
	c.result = f->result;
	free(image);
	return c;
}

static const char *verdict(const struct content *c)
{
	return c->empty ? "empty" : c->altered ? "altered" : npu_boot_error_name(c->result.error);
}

static void show_line(enum npu_fw_source source, const struct content *c)
{
	char why[NPU_EXPLAIN_BYTES];

	printf("%-17s ", source_names[source]);
	if (c->slot) {
		printf("%s%s", state_names[c->slot->state], c->active ? ", active" : "");
		if (c->slot->state == NPU_FLASH_SLOT_STAGED)
			printf(", %u of %u attempts used", c->slot->attempts, NPU_FLASH_ATTEMPTS);
	} else {
		printf("read-only");
	}
	if (c->empty)
		printf("\n");
	else if (c->altered)
		printf("; it cannot be read or was altered\n");
	else if (c->result.error)
		printf("; %s\n", npu_image_explain(&c->result, why, sizeof(why)));
	else
		printf("; version %s, security version %u\n", c->result.version,
		       c->result.security_version);
}

static void show_json(const struct content *c)
{
	char hash[2 * NPU_FW_HASH_BYTES + 1];

	cmd_hex(c->sha256, NPU_FW_HASH_BYTES, hash);
	printf("{\"state\": \"%s\", \"active\": %s, \"attempts\": %u, ",
	       c->slot ? state_names[c->slot->state] : "golden", c->active ? "true" : "false",
	       c->slot ? c->slot->attempts : 0);
	printf("\"verdict\": \"%s\", \"version\": \"%.31s\", \"security_version\": %u, ",
	       verdict(c), c->result.version, c->result.security_version);
	printf("\"image_size\": %u, \"sha256\": \"%s\"}", c->size, hash);
}

static void show(struct cmd_flash *f, bool json, const struct npu_flash_choice *next)
{
	static const char *const keys[] = { "", "slot_a", "slot_b", "golden" };
	const struct npu_flash_state *state = &f->flash.state;
	struct content c;
	unsigned int i;

	if (json)
		printf("{\"slot_bytes\": %u, \"sequence\": %llu, \"security_counter\": %u, \"in_use\": %s",
		       f->flash.header.slot_bytes, (unsigned long long)state->sequence,
		       state->security_counter, f->file.in_use ? "true" : "false");
	else
		printf("file              %s%s\nslots             %u bytes\nsecurity counter  %u\n",
		       f->name, f->file.in_use ? " (in use)" : "", f->flash.header.slot_bytes,
		       state->security_counter);
	for (i = NPU_FW_SOURCE_SLOT_A; i <= NPU_FW_SOURCE_GOLDEN; i++) {
		c = look(f, i);
		if (json) {
			printf(", \"%s\": ", keys[i]);
			show_json(&c);
		} else {
			show_line(i, &c);
		}
	}
	if (json) {
		printf(", \"next\": \"%s\", \"attempt\": %u}\n",
		       next->image ? keys[next->source] : "", next->attempt);
		return;
	}
	printf("next boot         ");
	if (!next->image)
		printf("nothing boots\n");
	else if (next->attempt)
		printf("%s, attempt %u of %u\n", source_names[next->source], next->attempt,
		       NPU_FLASH_ATTEMPTS);
	else
		printf("%s\n", source_names[next->source]);
}

int cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		CMD_FLASH_OPTIONS,
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	struct npu_flash_choice next;
	struct cmd_flash f;
	bool json = false;
	const char *name;
	int c, ret;

	cmd_flash_begin(&f);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j') {
			json = true;
			continue;
		}
		ret = cmd_flash_option(&f, c, optarg);
		if (ret)
			return ret;
	}
	name = cmd_one_file(argc, argv);
	if (!name)
		return EXIT_USAGE;
	ret = cmd_flash_open(&f, name, NPU_FLASH_FILE_LOOK);
	if (ret)
		return ret;
	if (npu_flash_preview(&f.flash, &f.judge, &next))
		ret = cmd_flash_refuse(name, f.flash.why);
	show(&f, json, &next);
	free(next.image);
	cmd_flash_close(&f);
	return ret;
}

// SPDX-License-Identifier: MIT
/* npu-fw stage, npu-fw rollback */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "cmd_flash.h"
#include "explain.h"

static char letter(enum npu_fw_source slot)
{
	return slot == NPU_FW_SOURCE_SLOT_A ? 'A' : 'B';
}

/*
 * Whether the golden image boots now, and does not once an image of this security version is
 * healthy.
 */
static bool outdates_golden(const struct npu_flash *flash, uint32_t security_version,
			    uint32_t *golden_version)
{
	struct npu_fw_header h = { 0 };
	uint32_t size;
	void *golden;

	if (npu_flash_load(flash, NPU_FW_SOURCE_GOLDEN, &golden, &size))
		return false;
	if (size >= sizeof(h))
		memcpy(&h, golden, sizeof(h));
	free(golden);
	*golden_version = h.security_version;
	return h.security_version >= flash->state.security_counter &&
	       h.security_version < security_version;
}

static int stage(struct cmd_flash *f, const char *name, const void *image, size_t size,
		 bool outdate)
{
	struct npu_flash_staged staged;
	char why[NPU_EXPLAIN_BYTES];
	uint32_t golden;
	int ret;

	if (f->judge.judge(f, image, size, f->flash.state.security_counter))
		return cmd_flash_refuse(name, npu_image_explain(&f->result, why, sizeof(why)));
	if (outdates_golden(&f->flash, f->result.security_version, &golden)) {
		snprintf(why, sizeof(why),
			 "once it is healthy the golden image boots no more: security version %u, the golden image's is %u; %s",
			 f->result.security_version, golden,
			 outdate ? "staged as asked for" : "--yes-outdate-golden stages it");
		cmd_flash_refuse(name, why);
		if (!outdate)
			return EXIT_REFUSED;
	}
	cmd_flash_progress(f, "stage", (size + NPU_FLASH_SECTOR - 1) / NPU_FLASH_SECTOR);
	/* whoever holds the lock knows that no device runs from it */
	ret = npu_flash_stage(&f->flash, &f->judge, NPU_FW_SOURCE_HOST, image, size, &staged);
	cmd_flash_progress_end(f);
	if (ret == -EALREADY) {
		printf("%s: slot %c holds this image and is active; ", f->name,
		       letter(staged.slot));
		if (staged.withdrawn)
			printf("the update in slot %c is withdrawn\n", letter(staged.withdrawn));
		else
			printf("nothing to do\n");
		return 0;
	}
	if (ret)
		return cmd_flash_refuse(f->name, f->flash.why);
	printf("%s: slot %c: version %s, security version %u; the next boot tries it\n", f->name,
	       letter(staged.slot), f->result.version, f->result.security_version);
	return 0;
}

int cmd_stage(int argc, char **argv)
{
	static const struct option options[] = {
		CMD_FLASH_OPTIONS,
		{ "yes-outdate-golden", no_argument, NULL, 'y' },
		{ NULL, 0, NULL, 0 }
	};
	bool outdate = false;
	struct cmd_flash f;
	void *image;
	size_t size;
	int c, ret;

	cmd_flash_begin(&f);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'y') {
			outdate = true;
			continue;
		}
		ret = cmd_flash_option(&f, c, optarg);
		if (ret)
			return ret;
	}
	if (argc - optind != 2)
		return cmd_usage_error("stage wants a flash and an image: npu-fw stage FLASH IMAGE",
				       NULL);
	image = cmd_read_file(argv[optind + 1], NPU_FW_MAX_BYTES, &size);
	if (!image)
		return EXIT_REFUSED;
	ret = cmd_flash_open(&f, argv[optind], NPU_FLASH_FILE_WRITE);
	if (!ret) {
		ret = stage(&f, argv[optind + 1], image, size, outdate);
		cmd_flash_close(&f);
	}
	free(image);
	return ret;
}

int cmd_rollback(int argc, char **argv)
{
	static const struct option options[] = {
		{ NULL, 0, NULL, 0 }
	};
	struct cmd_flash f;
	const char *name;
	int ret;

	cmd_flash_begin(&f);
	if (getopt_long(argc, argv, "", options, NULL) != -1)
		return EXIT_USAGE;
	name = cmd_one_file(argc, argv);
	if (!name)
		return EXIT_USAGE;
	ret = cmd_flash_open(&f, name, NPU_FLASH_FILE_WRITE);
	if (ret)
		return ret;
	if (npu_flash_rollback(&f.flash))
		ret = cmd_flash_refuse(name, f.flash.why);
	else
		printf("%s: slot %c is active; the next boot runs it\n", name,
		       letter(f.flash.state.active));
	cmd_flash_close(&f);
	return ret;
}

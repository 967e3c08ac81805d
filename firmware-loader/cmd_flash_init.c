// SPDX-License-Identifier: MIT
/* npu-fw flash-init */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "cmd_flash.h"
#include "explain.h"

struct init {
	const char *golden;
	const char *output;
	uint32_t slot_bytes;
	uint32_t security;
	bool security_given;
	bool force;
	struct cmd_flash f;
};

static int parse(int argc, char **argv, struct init *a)
{
	static const struct option options[] = {
		CMD_FLASH_OPTIONS,
		{ "golden", required_argument, NULL, 'g' },
		{ "output", required_argument, NULL, 'o' },
		{ "slot-size", required_argument, NULL, 'z' },
		{ "security", required_argument, NULL, 's' },
		{ "force", no_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 }
	};
	int c, ret;

	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		switch (c) {
		case 'g':
			a->golden = optarg;
			break;
		case 'o':
			a->output = optarg;
			break;
		case 'z':
			if (!cmd_parse_u32(optarg, &a->slot_bytes) || !a->slot_bytes ||
			    a->slot_bytes > NPU_FW_MAX_BYTES || a->slot_bytes % NPU_FLASH_SECTOR)
				return cmd_usage_error("--slot-size wants a multiple of 4096 up to 4194304, not",
						       optarg);
			break;
		case 's':
			if (!cmd_parse_u32(optarg, &a->security))
				return cmd_usage_error("--security wants a number below 2^32, not",
						       optarg);
			a->security_given = true;
			break;
		case 'f':
			a->force = true;
			break;
		default:
			ret = cmd_flash_option(&a->f, c, optarg);
			if (ret)
				return ret;
		}
	}
	if (optind < argc)
		return cmd_usage_error("flash-init takes no file but --golden FILE and -o FLASH, not",
				       argv[optind]);
	if (!a->golden || !a->output)
		return cmd_usage_error("a new flash needs --golden and -o", NULL);
	return 0;
}

/* What is in the file already: it is replaced on request only, and its counter lives on. */
static int check_old(struct init *a)
{
	struct npu_flash *flash = &a->f.flash;
	char why[256];

	if (!a->f.file.io.size)
		return 0;
	if (!a->force)
		return cmd_flash_refuse(a->output, "it is not empty; --force makes it anew, what is in it is lost");
	if (!npu_flash_open(flash, &a->f.file.io)) {
		if (!a->security_given)
			a->security = flash->state.security_counter;
		if (a->security >= flash->state.security_counter)
			return 0;
		snprintf(why, sizeof(why),
			 "its security counter is %u and never decreases, --security %u is below it; leave --security away to keep it",
			 flash->state.security_counter, a->security);
		return cmd_flash_refuse(a->output, why);
	}
	if (flash->header.magic == NPU_FLASH_MAGIC && !a->security_given)
		return cmd_flash_refuse(a->output, "it is a damaged flash whose security counter is not known; give it with --security N");
	return 0;
}

static int make(struct init *a, const void *golden, size_t size)
{
	uint64_t bytes = npu_flash_bytes(a->slot_bytes);
	char why[NPU_EXPLAIN_BYTES];
	int ret;

	if (a->f.judge.judge(a->f.judge.opaque, golden, size, a->security))
		return cmd_flash_refuse(a->golden, npu_image_explain(&a->f.result, why,
								       sizeof(why)));
	if (size > a->slot_bytes) {
		snprintf(why, sizeof(why), "it has %zu bytes, the slots %u; raise --slot-size",
			 size, a->slot_bytes);
		return cmd_flash_refuse(a->golden, why);
	}
	ret = npu_flash_file_resize(&a->f.file, bytes);
	if (ret == -ERANGE) {
		snprintf(why, sizeof(why), "it has %llu bytes, wanted %llu; lower --slot-size",
			 (unsigned long long)a->f.file.io.size, (unsigned long long)bytes);
		return cmd_flash_refuse(a->output, why);
	}
	if (ret)
		return cmd_flash_refuse(a->output, strerror(-ret));
	if (npu_flash_create(&a->f.flash, &a->f.file.io, a->slot_bytes, golden, size, a->security))
		return cmd_flash_refuse(a->output, a->f.flash.why);
	printf("%s: golden image %s, security version %u; slots of %u bytes, security counter %u\n",
	       a->output, a->f.result.version, a->f.result.security_version, a->slot_bytes,
	       a->security);
	return 0;
}

int cmd_flash_init(int argc, char **argv)
{
	struct init a = { .slot_bytes = NPU_FW_MAX_BYTES };
	void *golden;
	size_t size;
	int ret;

	cmd_flash_begin(&a.f);
	ret = parse(argc, argv, &a);
	if (ret)
		return ret;
	golden = cmd_read_file(a.golden, NPU_FW_MAX_BYTES, &size);
	if (!golden)
		return EXIT_REFUSED;
	ret = cmd_flash_open_file(&a.f, a.output, NPU_FLASH_FILE_CREATE);
	if (!ret) {
		ret = check_old(&a);
		if (!ret)
			ret = make(&a, golden, size);
		cmd_flash_close(&a.f);
	}
	free(golden);
	return ret;
}

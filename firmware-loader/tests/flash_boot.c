// SPDX-License-Identifier: MIT
/*
 * A device's boot from a flash file, for test_flash_tool.sh: prints the version that runs and
 * confirms it. usage: flash_boot FLASH [sick|hold]
 * sick: it does not become healthy; hold: the device runs until stdin ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flash_file.h"
#include "image.h"

static enum npu_boot_error judge(void *opaque, const void *image, uint64_t size,
				 uint32_t security_counter)
{
	struct npu_image_limits limits = npu_image_limits_default;
	struct npu_image_result *result = opaque;

	limits.need_code = true;
	limits.need_signature = true;
	limits.security_counter = security_counter;
	npu_image_check(image, size, &limits, result);
	return result->error;
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "";
	struct npu_image_result result;
	const struct npu_flash_judge j = { judge, &result };
	struct npu_flash_choice choice;
	struct npu_flash_file file;
	struct npu_flash flash;
	int ret;

	if (argc < 2)
		return 2;
	ret = npu_flash_file_open(&file, argv[1], NPU_FLASH_FILE_WRITE);
	if (ret) {
		printf("%s\n", strerror(-ret));
		return 1;
	}
	if (npu_flash_open(&flash, &file.io) || npu_flash_choose(&flash, &j, &choice)) {
		printf("%s\n", flash.why);
		return 1;
	}
	free(choice.image);
	printf("%s\n", result.version);
	fflush(stdout);
	if (strcmp(how, "sick"))
		ret = npu_flash_confirm(&flash, choice.source, choice.security_version);
	while (!strcmp(how, "hold") && getchar() != EOF)
		;
	npu_flash_file_close(&file);
	return ret != 0;
}

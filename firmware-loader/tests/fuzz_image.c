// SPDX-License-Identifier: MIT
/* libFuzzer: any bytes as an image, as they are and with a good hash; any text as configuration. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "explain.h"
#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct npu_image_result result;
	struct npu_fw_config config;
	char text[256];
	uint8_t *copy;

	npu_image_check(data, size, &npu_image_limits_default, &result);
	npu_image_explain(&result, text, sizeof(text));
	npu_config_parse((const char *)data, size, &config, text, sizeof(text));

	if (size >= sizeof(struct npu_fw_header)) {
		copy = malloc(size);
		memcpy(copy, data, size);
		npu_image_hash(copy, size, copy + offsetof(struct npu_fw_header, hash));
		npu_image_check(copy, size, &npu_image_limits_default, &result);
		npu_image_explain(&result, text, sizeof(text));
		free(copy);
	}
	return 0;
}

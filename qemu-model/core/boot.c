/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "boot.h"
#include "image.h"

int npu_boot_check(const void *image, size_t size, uint32_t security_counter,
		   struct npu_boot_result *out)
{
	struct npu_image_limits limits = npu_image_limits_default;
	struct npu_image_result result;
	int ret;

	limits.security_counter = security_counter;
	ret = npu_image_check(image, size, &limits, &result);
	out->error = result.error;
	out->found = result.found;
	out->wanted = result.wanted;
	out->api = result.api_max;
	out->security_version = result.security_version;
	out->config = result.config;
	memcpy(out->version, result.version, sizeof(out->version));
	return ret;
}

/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "boot.h"

int npu_boot_check(const void *image, size_t size, const struct npu_boot_policy *policy,
		   struct npu_image_result *out)
{
	struct npu_image_limits limits = npu_image_limits_default;

	/* Which API they speak, firmware and driver settle between them. */
	limits.api_min = 0;
	limits.api_max = UINT32_MAX;
	limits.security_counter = policy->security_counter;
	limits.need_code = true;
	limits.need_signature = true;
	limits.development = policy->development;
	limits.has_fused_key = policy->has_fused_key;
	memcpy(limits.fused_key, policy->fused_key, sizeof(limits.fused_key));
	return npu_image_check(image, size, &limits, out);
}

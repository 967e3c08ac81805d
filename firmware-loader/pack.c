/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "image.h"
#include "pack.h"

/* The section starts right behind the table and is 16-byte aligned as it must be. */
NPU_STATIC_ASSERT((sizeof(struct npu_fw_header) + sizeof(struct npu_fw_section)) % 16 == 0,
		  "alignment of the first section");

int npu_pack(const struct npu_pack *what, uint8_t image[NPU_PACK_BYTES])
{
	struct npu_fw_header header = {
		.magic = NPU_FW_MAGIC,
		.header_version = NPU_FW_HEADER_VERSION,
		.header_size = sizeof(header),
		.image_size = NPU_PACK_BYTES,
		.n_sections = 1,
		.hw_version_min = what->hw_version_min,
		.hw_version_max = what->hw_version_max,
		.api_min = what->api & 0xffff0000,
		.api_max = what->api,
		.security_version = what->security_version,
		.signature_type = NPU_FW_SIGNATURE_NONE,
	};
	struct npu_fw_section section = {
		.type = NPU_FW_SECTION_CONFIG,
		.flags = NPU_FW_SECTION_R,
		.offset = sizeof(header) + sizeof(section),
		.size = sizeof(what->config),
		.load_size = sizeof(what->config),
	};
	size_t len = strlen(what->version);

	if (len >= sizeof(header.version))
		return -EINVAL;
	memcpy(header.version, what->version, len);
	if (!npu_image_version_valid(header.version))
		return -EINVAL;

	memcpy(image, &header, sizeof(header));
	memcpy(image + sizeof(header), &section, sizeof(section));
	memcpy(image + section.offset, &what->config, sizeof(what->config));
	npu_image_hash(image, NPU_PACK_BYTES, header.build_id);
	memcpy(image, &header, sizeof(header));
	npu_image_hash(image, NPU_PACK_BYTES, header.hash);
	memcpy(image, &header, sizeof(header));
	return 0;
}

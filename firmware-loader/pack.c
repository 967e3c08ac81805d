// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "elf_reader.h"
#include "image.h"
#include "npu_fw_parse.h"
#include "pack.h"
#include "sign.h"

/* Where sections are in the image. */
static uint32_t align(uint32_t offset)
{
	return NPU_ALIGN_UP(offset, 16u);
}

/* Fills section[0..n_segments] from the segments and the configuration; the image's size. */
static uint64_t place(const struct npu_elf *elf, struct npu_fw_section *section)
{
	uint32_t n = elf->n_segments, i;
	uint64_t at = align(sizeof(struct npu_fw_header) + (n + 1) * sizeof(*section));

	for (i = 0; i < n; i++) {
		const struct npu_elf_segment *s = &elf->segment[i];
		bool code = s->rights & NPU_FW_SECTION_X;

		section[i] = (struct npu_fw_section) {
			.type = code ? NPU_FW_SECTION_CODE : NPU_FW_SECTION_DATA,
			.flags = s->rights,
			.offset = at,
			.size = s->file_size,
			.load_addr = s->address,
			.load_size = s->size,
		};
		if (elf->entry >= s->address && elf->entry - s->address < s->file_size)
			section[i].entry = elf->entry;
		/* at most the control core's memory, all of them together */
		at = align(at + s->file_size);
	}
	section[n] = (struct npu_fw_section) {
		.type = NPU_FW_SECTION_CONFIG,
		.flags = NPU_FW_SECTION_R,
		.offset = at,
		.size = sizeof(struct npu_fw_config),
		.load_size = sizeof(struct npu_fw_config),
	};
	return at + sizeof(struct npu_fw_config);
}

NPU_STATIC_ASSERT(NPU_CC_RAM_BYTES + 4096 < NPU_FW_MAX_BYTES,
		  "what fits the control core fits an image");

static int check(const struct npu_pack *what, struct npu_elf *elf, char *why, size_t why_size)
{
	char version[32] = "";

	memset(elf, 0, sizeof(*elf));
	if (strlen(what->version) < sizeof(version))
		memcpy(version, what->version, strlen(what->version));
	if (!npu_fw_version_valid(version)) {
		snprintf(why, why_size, "version '%.40s', wanted 1 to 31 letters, digits and ._+~-",
			 what->version);
		return -EINVAL;
	}
	if (what->api_min > what->api_max || what->api_min >> 16 != what->api_max >> 16) {
		snprintf(why, why_size, "APIs from %u.%u to %u.%u, wanted a rising range of one major",
			 what->api_min >> 16, what->api_min & 0xffff, what->api_max >> 16,
			 what->api_max & 0xffff);
		return -EINVAL;
	}
	if (what->hw_version_min > what->hw_version_max) {
		snprintf(why, why_size, "hardware from %u.%u to %u.%u, wanted a rising range",
			 what->hw_version_min >> 16, what->hw_version_min & 0xffff,
			 what->hw_version_max >> 16, what->hw_version_max & 0xffff);
		return -EINVAL;
	}
	return what->elf ? npu_elf_read(what->elf, what->elf_size, elf, why, why_size) : 0;
}

int npu_pack(const struct npu_pack *what, void *image, size_t capacity, size_t *size, char *why,
	     size_t why_size)
{
	struct npu_fw_section section[NPU_FW_MAX_SECTIONS];
	struct npu_fw_header header = {
		.magic = NPU_FW_MAGIC,
		.header_version = NPU_FW_HEADER_VERSION,
		.header_size = sizeof(header),
		.hw_version_min = what->hw_version_min,
		.hw_version_max = what->hw_version_max,
		.api_min = what->api_min,
		.api_max = what->api_max,
		.security_version = what->security_version,
		.signature_type = NPU_FW_SIGNATURE_NONE,
	};
	struct npu_fw_refusal refusal;
	uint8_t *bytes = image;
	struct npu_elf elf;
	uint32_t i;

	*size = 0;
	if (check(what, &elf, why, why_size))
		return -EINVAL;
	*size = place(&elf, section);
	if (!image)
		return 0;
	if (capacity < *size) {
		snprintf(why, why_size, "room for %zu bytes, the image has %zu", capacity, *size);
		return -ENOSPC;
	}

	header.image_size = *size;
	header.n_sections = elf.n_segments + 1;
	memcpy(header.version, what->version, strlen(what->version));
	memset(bytes, 0, *size);
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), section, header.n_sections * sizeof(section[0]));
	for (i = 0; i < elf.n_segments; i++)
		memcpy(bytes + section[i].offset,
		       (const uint8_t *)what->elf + elf.segment[i].offset,
		       elf.segment[i].file_size);
	memcpy(bytes + section[i].offset, &what->config, sizeof(what->config));

	npu_image_hash(bytes, *size, header.build_id);
	memcpy(bytes, &header, sizeof(header));
	npu_image_hash(bytes, *size, header.hash);
	memcpy(bytes, &header, sizeof(header));
	if (what->seed)
		npu_sign(bytes, *size, what->seed);

	/* the reader's rules are the image's; should they ever differ, it is told here */
	if (npu_fw_parse(bytes, *size, what->hw_version_min, &refusal)) {
		snprintf(why, why_size, "the packed image is refused with error %u, found %u, wanted %u",
			 refusal.error, refusal.found, refusal.wanted);
		return -EINVAL;
	}
	return 0;
}

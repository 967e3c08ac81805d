// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"

static struct kit_elf standard = {
	.header = {
		.e_ident = {
			ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT
		},
		.e_type = ET_EXEC,
		.e_machine = EM_RISCV,
		.e_version = EV_CURRENT,
		.e_entry = NPU_CC_RAM_BASE,
		.e_phoff = offsetof(struct kit_elf, segment),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = KIT_SEGMENTS,
	},
#define SEGMENT(field, bytes, page, memory, rights) { \
		.p_type = PT_LOAD, .p_offset = offsetof(struct kit_elf, field), \
		.p_vaddr = NPU_CC_RAM_BASE + (page) * KIT_PAGE, \
		.p_paddr = NPU_CC_RAM_BASE + (page) * KIT_PAGE, \
		.p_filesz = (bytes), .p_memsz = (memory), .p_flags = (rights), .p_align = KIT_PAGE }
	.segment = {
		[KIT_CODE] = SEGMENT(code, 8, 0, 8, PF_R | PF_X),
		[KIT_DATA] = SEGMENT(data, 10, 1, KIT_PAGE + 1, PF_R | PF_W),
		[KIT_GUARD] = SEGMENT(pad, 0, 3, KIT_PAGE, 0),
		[KIT_STACK] = SEGMENT(pad, 0, 4, 2 * KIT_PAGE, PF_R | PF_W),
	},
	/* 1: wfi; j 1b */
	.code = { 0x10500073, 0xffdff06f },
	.data = "ten bytes",
};

void kit_elf(struct kit_elf *elf)
{
	*elf = standard;
}

const struct npu_pack kit_pack = {
	.version = "1.2.3-test",
	.security_version = 7,
	.api_min = 1u << 16,
	.api_max = 1u << 16 | 5,
	.hw_version_min = NPU_HW_VERSION,
	.hw_version_max = NPU_HW_VERSION,
	.config = {
		.size = sizeof(struct npu_fw_config),
		.max_jobs_per_turn = 4096,
		.time_slice_us = { 10, 1000000, 20, 30 },
		.heartbeat_ms = 100,
		.starvation_turns = 65536,
		.job_hang_ms = 100,
		.watchdog_ms = 60000,
		.throttle_millicelsius = 0,
		.critical_millicelsius = 150000,
	},
	.elf = &standard,
	.elf_size = sizeof(standard),
};

uint8_t *kit_image(const struct npu_pack *what, size_t *size)
{
	uint8_t *image = NULL;
	char why[256];

	if (npu_pack(what, NULL, 0, size, why, sizeof(why)))
		return NULL;
	image = malloc(*size);
	if (image && npu_pack(what, image, *size, size, why, sizeof(why))) {
		free(image);
		image = NULL;
	}
	return image;
}

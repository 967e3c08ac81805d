/* SPDX-License-Identifier: MIT */
/* Small firmware for tests: an ELF made without a compiler, and what it is packed with. */
#ifndef NPU_TESTS_KIT_H
#define NPU_TESTS_KIT_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "npu_fw_hw.h"
#include "pack.h"

#define KIT_PAGE	NPU_CC_PAGE_BYTES
#define KIT_SEGMENTS	4
#define KIT_ELF_BYTES	(sizeof(struct kit_elf))

/*
 * Code at the start of memory that waits for ever, data of which the file holds a part, a page
 * without rights, a stack behind it.
 */
struct kit_elf {
	Elf32_Ehdr header;
	Elf32_Phdr segment[KIT_SEGMENTS];
	uint32_t code[2];
	uint8_t data[10];
	uint8_t pad[2];
};

enum { KIT_CODE, KIT_DATA, KIT_GUARD, KIT_STACK };

void kit_elf(struct kit_elf *elf);

/* Packs that ELF, unsigned; any field may be changed before npu_pack(). */
extern const struct npu_pack kit_pack;

/* npu_pack() into allocated memory, NULL if it is refused. */
uint8_t *kit_image(const struct npu_pack *what, size_t *size);

#endif

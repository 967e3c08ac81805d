/* SPDX-License-Identifier: MIT */
/* The loadable segments of a firmware ELF: 32-bit RISC-V, for the control core. */
#ifndef NPU_ELF_READER_H
#define NPU_ELF_READER_H

#include <stddef.h>
#include <stdint.h>

#include "npu_fw_image.h"

struct npu_elf_segment {
	uint32_t rights;	/* NPU_FW_SECTION_*; zero: pages that nothing may touch */
	uint32_t address;	/* in the control core's memory, start of a page */
	uint32_t size;		/* bytes in memory, at least 1 */
	uint32_t offset;	/* in the ELF */
	uint32_t file_size;	/* bytes in the ELF; the rest is zero */
};

struct npu_elf {
	uint32_t entry;		/* a word of the bytes of an executable segment */
	uint32_t n_segments;
	struct npu_elf_segment segment[NPU_FW_MAX_SECTIONS - 1];
};

/*
 * Reads size bytes of an ELF, whatever they hold. On success the segments lie within the ELF and
 * within the control core's memory below the hand-over, share no page, and none is both written
 * and executed. -EINVAL: why is a line without the file's name: which segment, what was found,
 * what is wanted.
 */
int npu_elf_read(const void *elf, size_t size, struct npu_elf *out, char *why, size_t why_size);

#endif

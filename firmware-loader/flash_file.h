/* SPDX-License-Identifier: MIT */
/* A flash in a file or on a block device, locked for one user at a time. */
#ifndef NPU_FLASH_FILE_H
#define NPU_FLASH_FILE_H

#include <stdbool.h>

#include "flash.h"

struct npu_flash_file {
	int fd;
	bool in_use;			/* LOOK: somebody else has it open to write */
	struct npu_flash_io io;		/* a write is on the medium when it returns */
};

enum npu_flash_file_mode {
	NPU_FLASH_FILE_LOOK,	/* read; also while somebody else has it open to write */
	NPU_FLASH_FILE_WRITE,
	NPU_FLASH_FILE_CREATE,	/* as WRITE; made empty if it is not there */
};

/*
 * -EWOULDBLOCK: somebody else has it open (to write, or in mode WRITE and CREATE at all);
 * -ENOTBLK: neither a file nor a block device; or what open() says.
 */
int npu_flash_file_open(struct npu_flash_file *file, const char *name,
			enum npu_flash_file_mode mode);
/* Gives a file this size, or checks that a block device has it: -ERANGE. */
int npu_flash_file_resize(struct npu_flash_file *file, uint64_t bytes);
void npu_flash_file_close(struct npu_flash_file *file);

#endif

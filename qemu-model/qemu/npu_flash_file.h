/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's flash as a file (or block device) of the host.
 */
#ifndef NPU_FLASH_FILE_H
#define NPU_FLASH_FILE_H

#include "npu_core.h"

struct npu_flash_file {
	int fd;			/* -1: there is no flash */
};

/*
 * Opens @path for reading and writing, locks it against npu-fw and other devices, and fills @out.
 * NULL: no flash. False and *errp: it cannot be opened, or somebody else has it.
 */
bool npu_flash_file_open(struct npu_flash_file *f, const char *path,
			 struct npu_core_flash *out, Error **errp);
void npu_flash_file_close(struct npu_flash_file *f);

#endif

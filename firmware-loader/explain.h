/* SPDX-License-Identifier: MIT */
/* Refusals of an image in words. */
#ifndef NPU_EXPLAIN_H
#define NPU_EXPLAIN_H

#include <stddef.h>

#include "image.h"

/* Bytes that the longest explanation needs, its zero included. */
#define NPU_EXPLAIN_BYTES	320

/*
 * Writes what is wrong, what was found, what is wanted and the command that mends it: one line
 * without a newline, quotes or the file's name. Returns text.
 */
const char *npu_image_explain(const struct npu_image_result *result, char *text, size_t size);

/* Name of a boot error as it stands in npu_regs.h, without NPU_BOOT_ and in lower case. */
const char *npu_boot_error_name(enum npu_boot_error error);

#endif

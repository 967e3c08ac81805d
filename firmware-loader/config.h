/* SPDX-License-Identifier: MIT */
/*
 * The firmware's configuration as text: one `key = value` a line, `#` starts a comment.
 * Each key stands once; the keys are those of npu.conf.
 */
#ifndef NPU_CONFIG_H
#define NPU_CONFIG_H

#include <stddef.h>

#include "npu_fw_image.h"

/* What npu.conf holds as it is checked in. */
extern const struct npu_fw_config npu_config_defaults;

/*
 * Parses size bytes of text. Every key has to be there. On an error -EINVAL, and why is a line
 * without the file's name: place, what was found, what is wanted.
 */
int npu_config_parse(const char *text, size_t size, struct npu_fw_config *config, char *why,
		     size_t why_size);

/* Key i of the configuration, NULL past the last one. */
const char *npu_config_key(unsigned int i);
/* Its value in config. */
__u32 npu_config_value(const struct npu_fw_config *config, unsigned int i);

#endif

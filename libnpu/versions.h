/* SPDX-License-Identifier: MIT */
/* Which drivers, devices and firmware this library goes with: npu_versions.h, as refusals. */
#ifndef LIBNPU_VERSIONS_H
#define LIBNPU_VERSIONS_H

#include <stdint.h>

#include "npu_versions.h"

enum versions_part {
	VERSIONS_DRIVER,	/* its ioctls */
	VERSIONS_DEVICE,	/* its commands */
	VERSIONS_FIRMWARE,	/* its messages; the sim transport plays the driver */
};

/*
 * `found` is the highest version that the part of `who` (a node, a file) speaks; it speaks those
 * below it of the same major, too. 0, or -EPROTO with who, found, wanted and what mends it: an
 * older library, or an older part.
 */
int versions_check(enum versions_part part, const char *who, uint32_t found);

#endif

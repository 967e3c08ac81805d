/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Which versions go together. Two parts speak through an interface if their ranges meet; they
 * then use the lower of both highest versions, and what came later is off.
 */
#ifndef NPU_VERSIONS_H
#define NPU_VERSIONS_H

#include "npu_types.h"

#define NPU_VERSION(major, minor)	((__u32)(major) << 16 | (minor))
#define NPU_VERSION_MAJOR(v)		((v) >> 16)
#define NPU_VERSION_MINOR(v)		((v) & 0xffff)

/*
 * ROW(interface, part, lowest, highest, what mends it if this part is the old one)
 *
 * interface: MESSAGES between driver and firmware, IOCTLS between libnpu and driver,
 * COMMANDS between libnpu and device.
 */
#define NPU_VERSION_TABLE(ROW) \
	ROW(MESSAGES, FIRMWARE,	NPU_VERSION(1, 0), NPU_VERSION(1, 1), \
	    "install firmware of this release: make -C firmware-loader install") \
	ROW(MESSAGES, DRIVER,	NPU_VERSION(1, 0), NPU_VERSION(1, 1), \
	    "install the driver of this release: make install, " \
	    "then modprobe -r npu && modprobe npu") \
	ROW(IOCTLS, DRIVER,	NPU_VERSION(1, 0), NPU_VERSION(1, 1), \
	    "install the driver of this release: make install, " \
	    "then modprobe -r npu && modprobe npu") \
	ROW(IOCTLS, LIBNPU,	NPU_VERSION(1, 0), NPU_VERSION(1, 1), \
	    "install libnpu of this release: make -C libnpu install") \
	ROW(COMMANDS, DEVICE,	NPU_VERSION(1, 0), NPU_VERSION(1, 0), \
	    "use the device model of this release: make setup") \
	ROW(COMMANDS, LIBNPU,	NPU_VERSION(1, 0), NPU_VERSION(1, 0), \
	    "install libnpu of this release: make -C libnpu install")

/* NPU_MESSAGES_DRIVER_MIN, NPU_MESSAGES_DRIVER_MAX, ... */
#define NPU_VERSION_RANGE(interface, part, min, max, mend) \
	NPU_##interface##_##part##_MIN = (min), NPU_##interface##_##part##_MAX = (max),
enum npu_version_range {
	NPU_VERSION_TABLE(NPU_VERSION_RANGE)
};

/* Whether [a_min, a_max] and [b_min, b_max] have a version in common; one major each. */
static inline int npu_versions_meet(__u32 a_min, __u32 a_max, __u32 b_min, __u32 b_max)
{
	return a_min <= b_max && b_min <= a_max && a_max >> 16 == b_max >> 16;
}

#endif

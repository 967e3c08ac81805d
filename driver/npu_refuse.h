/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a firmware does not boot, in words: what was found, what was wanted, what mends it.
 */
#ifndef NPU_REFUSE_H
#define NPU_REFUSE_H

#include <linux/types.h>

struct npu_device;

/**
 * npu_refuse() - Say why an image is refused.
 * @npu: device; its firmware is named as npu_fw_where() does
 * @error: enum npu_boot_error
 * @found: as npu_fw_parse() and the boot ROM tell it
 * @wanted: likewise
 *
 * Return: -EINVAL; -ENOENT the flash has nothing that boots
 */
int npu_refuse(struct npu_device *npu, u32 error, u32 found, u32 wanted);

/* npu_refuse_api() - Whether the driver speaks with firmware of these APIs: 0 or -EINVAL. */
int npu_refuse_api(struct npu_device *npu, u32 api_min, u32 api_max);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware image: loaded once at probe, kept in DMA memory for every re-boot.
 */
#ifndef NPU_FW_H
#define NPU_FW_H

#include <linux/completion.h>
#include <linux/types.h>

#include "npu_fw_image.h"

struct npu_device;

struct npu_fw {
	void *image;
	dma_addr_t image_dma;
	u32 image_size;
	u32 api;		/* of the running firmware: major << 16 | minor */
	u32 security_version;
	char version[32];	/* ends with zero */
	struct completion ready;
};

/**
 * npu_fw_load() - Fetch the image from user space and check what can be checked early.
 * @npu: device, with info filled
 *
 * Return: 0, -ENOENT no such file, -EINVAL refused; the reason has been printed.
 */
int npu_fw_load(struct npu_device *npu);

/**
 * npu_fw_boot() - Boot the loaded image and wait until the firmware says it is ready.
 * @npu: device in state IDLE, with interrupts and the boot parameters in place
 *
 * Return: 0, -EINVAL the boot ROM refused the image, -ETIMEDOUT; the reason has been printed.
 */
int npu_fw_boot(struct npu_device *npu);

#endif

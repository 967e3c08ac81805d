/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware: an image loaded once at probe and kept in DMA memory for every re-boot, or what the
 * device has in its flash.
 */
#ifndef NPU_FW_H
#define NPU_FW_H

#include <linux/completion.h>
#include <linux/types.h>

#include "npu_fw_image.h"
#include "npu_fw_msg.h"

struct npu_device;

#define NPU_FW_NAME	"npu/npu.fw"

struct npu_fw {
	bool from_flash;
	void *image;		/* NULL with from_flash */
	dma_addr_t image_dma;
	u32 image_size;
	/* Of the firmware that runs */
	u32 api;		/* major << 16 | minor */
	u32 security_version;
	u32 features;		/* NPU_FW_FEATURE_* */
	u32 source;		/* enum npu_fw_source */
	char version[32];	/* ends with zero */
	struct completion ready;
};

/**
 * npu_fw_load() - Fetch the image from user space and check what can be checked early.
 * @npu: device, with info filled
 *
 * Without a file the device's flash is taken, if it has one.
 *
 * Return: 0, -ENOENT no such file, -EINVAL refused; the reason has been printed.
 */
int npu_fw_load(struct npu_device *npu);

/**
 * npu_fw_boot() - Boot the firmware and wait until it says that it is ready.
 * @npu: device in state IDLE, with interrupts and the boot parameters in place
 *
 * Return: 0, -EINVAL the boot ROM or the firmware refused, -ENOENT nothing in flash boots, -EIO it
 * stopped, -ETIMEDOUT; the reason has been printed.
 */
int npu_fw_boot(struct npu_device *npu);

/* npu_fw_boots() - How often to try: what fails in flash some times is passed over then. */
unsigned int npu_fw_boots(struct npu_device *npu);

/* npu_fw_ready() - The firmware's first message; from the interrupt. */
void npu_fw_ready(struct npu_device *npu, const struct npu_msg *msg);

/* npu_fw_where() - The image's file, or where in flash it is; for messages. */
const char *npu_fw_where(struct npu_device *npu);

/* npu_fw_tell() - At info level: what the firmware cannot do. */
void npu_fw_tell(struct npu_device *npu);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fetches the firmware image, hands it to the boot ROM and turns each refusal into a sentence
 * that says which file, what was found, what was wanted and what helps.
 */
#include <linux/dma-mapping.h>
#include <linux/firmware.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/string.h>

#include "npu_device.h"
#include "npu_fw.h"
#include "npu_regs.h"

#define NPU_FW_NAME		"npu/npu.fw"
#define NPU_FW_BOOT_US		(10 * USEC_PER_SEC)
#define NPU_FW_READY_MS		10000

static char *npu_fw_name = NPU_FW_NAME;
module_param_named(firmware, npu_fw_name, charp, 0444);
MODULE_PARM_DESC(firmware, "Firmware image in the search path (default " NPU_FW_NAME ")");
MODULE_FIRMWARE(NPU_FW_NAME);

/* Wrong values found are in npu_refuse()'s second and third argument. */
static const struct {
	const char *what;
	const char *help;
} npu_refusals[] = {
	[NPU_BOOT_BUS] = { "the device cannot read the image or the boot parameters",
		"check that the device may master the bus" },
	[NPU_BOOT_SIZE] = { "wrong size in bytes", "the file is cut or padded: install it again" },
	[NPU_BOOT_MAGIC] = { "not a firmware image (magic)", "install a file made by npu-fw pack" },
	[NPU_BOOT_HEADER] = { "unknown header version or size",
		"install firmware and driver of the same release" },
	[NPU_BOOT_SECTION] = { "a section lies outside of the image",
		"the file is damaged: install it again" },
	[NPU_BOOT_HASH] = { "the hash does not fit the contents",
		"the file was altered: install it again" },
	[NPU_BOOT_API] = { "wrong message API (major)",
		"install firmware of the wanted major, or the driver that goes with it" },
	[NPU_BOOT_HW] = { "made for another hardware version",
		"install the firmware of this device" },
	[NPU_BOOT_SECURITY] = { "security version below the device's counter",
		"install newer firmware; going back is not possible" },
	[NPU_BOOT_SIGNATURE] = { "missing or wrong signature",
		"install firmware signed for this device" },
	[NPU_BOOT_PARAMS] = { "malformed boot parameters (field offset)",
		"this driver does not fit the device: update it" },
	[NPU_BOOT_FIELD] = { "a reserved field is not zero (offset)",
		"the image is newer than the device: install older firmware" },
	[NPU_BOOT_CONFIG] = { "no configuration section, or a value out of range (offset)",
		"the image was packed wrongly: install it again" },
};

static int npu_refuse(struct npu_device *npu, u32 error, u64 found, u64 wanted)
{
	const char *what = "refused for an unknown reason";
	const char *help = "update the driver";

	if (error && error < ARRAY_SIZE(npu_refusals)) {
		what = npu_refusals[error].what;
		help = npu_refusals[error].help;
	}
	drm_err(&npu->base, "firmware %s: %s: found %#llx, wanted %#llx; %s (npu-fw inspect FILE)\n",
		npu_fw_name, what, found, wanted, help);
	return -EINVAL;
}

/* Only what would waste the boot ROM's time; it checks everything again. */
static int npu_fw_check(struct npu_device *npu, const struct firmware *fw)
{
	const struct npu_fw_header *h = (const void *)fw->data;
	const struct npu_fw_section *s;
	u32 table_end;
	u32 i;

	if (fw->size < sizeof(*h))
		return npu_refuse(npu, NPU_BOOT_SIZE, fw->size, sizeof(*h));
	if (fw->size > NPU_FW_MAX_BYTES)
		return npu_refuse(npu, NPU_BOOT_SIZE, fw->size, NPU_FW_MAX_BYTES);
	if (h->magic != NPU_FW_MAGIC)
		return npu_refuse(npu, NPU_BOOT_MAGIC, h->magic, NPU_FW_MAGIC);
	if (h->header_version != NPU_FW_HEADER_VERSION)
		return npu_refuse(npu, NPU_BOOT_HEADER, h->header_version, NPU_FW_HEADER_VERSION);
	if (h->header_size != sizeof(*h))
		return npu_refuse(npu, NPU_BOOT_HEADER, h->header_size, sizeof(*h));
	if (h->image_size != fw->size)
		return npu_refuse(npu, NPU_BOOT_SIZE, fw->size, h->image_size);
	if (h->flags)
		return npu_refuse(npu, NPU_BOOT_FIELD, offsetof(struct npu_fw_header, flags), 0);
	if (h->api_max >> 16 != NPU_FW_API_MAJOR)
		return npu_refuse(npu, NPU_BOOT_API, h->api_max >> 16, NPU_FW_API_MAJOR);
	if (npu->info.hw_version < h->hw_version_min)
		return npu_refuse(npu, NPU_BOOT_HW, h->hw_version_min, npu->info.hw_version);
	if (npu->info.hw_version > h->hw_version_max)
		return npu_refuse(npu, NPU_BOOT_HW, h->hw_version_max, npu->info.hw_version);
	if (!h->n_sections || h->n_sections > NPU_FW_MAX_SECTIONS)
		return npu_refuse(npu, NPU_BOOT_SECTION, h->n_sections, NPU_FW_MAX_SECTIONS);

	table_end = sizeof(*h) + h->n_sections * sizeof(*s);
	if (table_end > fw->size)
		return npu_refuse(npu, NPU_BOOT_SIZE, fw->size, table_end);
	s = (const void *)(h + 1);
	for (i = 0; i < h->n_sections; i++) {
		if (s[i].offset < table_end || s[i].offset > fw->size ||
		    s[i].size > fw->size - s[i].offset)
			return npu_refuse(npu, NPU_BOOT_SECTION, i, h->n_sections);
	}
	return 0;
}

int npu_fw_load(struct npu_device *npu)
{
	const struct firmware *fw;
	int ret;

	init_completion(&npu->fw.ready);
	ret = request_firmware(&fw, npu_fw_name, npu->base.dev);
	if (ret) {
		drm_err(&npu->base,
			"firmware %s: cannot be loaded (%d); install it below /lib/firmware (make install in firmware-loader)\n",
			npu_fw_name, ret);
		return ret;
	}
	ret = npu_fw_check(npu, fw);
	if (ret)
		goto out_release;

	npu->fw.image = dmam_alloc_coherent(npu->base.dev, PAGE_ALIGN(fw->size),
					    &npu->fw.image_dma, GFP_KERNEL);
	if (!npu->fw.image) {
		ret = -ENOMEM;
		goto out_release;
	}
	memcpy(npu->fw.image, fw->data, fw->size);
	npu->fw.image_size = fw->size;
out_release:
	release_firmware(fw);
	return ret;
}

int npu_fw_boot(struct npu_device *npu)
{
	u32 state;
	int ret;

	reinit_completion(&npu->fw.ready);
	npu_write64(npu, NPU_REG_FW_ADDR_LO, npu->fw.image_dma);
	npu_write(npu, NPU_REG_FW_SIZE, npu->fw.image_size);
	npu_write64(npu, NPU_REG_BOOT_LO, npu->boot_dma);
	npu_write(npu, NPU_REG_BOOT, 1);

	ret = read_poll_timeout(npu_read, state,
				state != NPU_STATE_IDLE && state != NPU_STATE_BOOTING,
				1000, NPU_FW_BOOT_US, false, npu, NPU_REG_STATE);
	if (ret) {
		drm_err(&npu->base, "firmware %s: does not come up, state %u after %lu s; power the device off and on\n",
			npu_fw_name, state, NPU_FW_BOOT_US / USEC_PER_SEC);
		return -ETIMEDOUT;
	}
	if (state == NPU_STATE_ERROR)
		return npu_refuse(npu, npu_read(npu, NPU_REG_ERROR),
				  npu_read(npu, NPU_REG_ERROR_FOUND),
				  npu_read(npu, NPU_REG_ERROR_WANTED));
	if (state != NPU_STATE_RUNNING) {
		drm_err(&npu->base, "firmware %s: stopped while it booted, state %u; see debugfs fw_log\n",
			npu_fw_name, state);
		return -EIO;
	}
	npu->fw.api = npu_read(npu, NPU_REG_FW_API);
	if (npu->fw.api >> 16 != NPU_FW_API_MAJOR)
		return npu_refuse(npu, NPU_BOOT_API, npu->fw.api >> 16, NPU_FW_API_MAJOR);

	/* Interrupt of the first message; everything before it needs none. */
	npu_mbox_arm(npu);
	if (!wait_for_completion_timeout(&npu->fw.ready, msecs_to_jiffies(NPU_FW_READY_MS))) {
		drm_err(&npu->base, "firmware %s: runs but says nothing for %d s; power the device off and on\n",
			npu_fw_name, NPU_FW_READY_MS / 1000);
		return -ETIMEDOUT;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fetches the firmware image, hands it to the boot ROM and agrees with it on a version.
 */
#include <linux/dma-mapping.h>
#include <linux/firmware.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/string.h>

#include "npu_crash.h"
#include "npu_device.h"
#include "npu_flash.h"
#include "npu_fw.h"
#include "npu_fw_parse.h"
#include "npu_refuse.h"
#include "npu_regs.h"
#include "npu_versions.h"

#define NPU_FW_BOOT_US		(10 * USEC_PER_SEC)
#define NPU_FW_READY_MS		10000
#define NPU_FW_LOOK_MS		50	/* whether it has stopped meanwhile */

static char *npu_fw_name = NPU_FW_NAME;
module_param_named(firmware, npu_fw_name, charp, 0444);
MODULE_PARM_DESC(firmware, "Firmware image in the search path, or flash (default " NPU_FW_NAME ")");
MODULE_FIRMWARE(NPU_FW_NAME);

const char *npu_fw_where(struct npu_device *npu)
{
	static const char * const places[] = {
		[NPU_FW_SOURCE_HOST] = "in flash",
		[NPU_FW_SOURCE_SLOT_A] = "in flash slot A",
		[NPU_FW_SOURCE_SLOT_B] = "in flash slot B",
		[NPU_FW_SOURCE_GOLDEN] = "in flash (golden)",
	};
	u32 source = npu->fw.source;

	if (!npu->fw.from_flash)
		return npu_fw_name;
	return source < ARRAY_SIZE(places) ? places[source] : places[0];
}

static int npu_fw_use_flash(struct npu_device *npu)
{
	npu->fw.from_flash = true;
	if (npu_read(npu, NPU_REG_FLASH) & NPU_FLASH_PRESENT)
		return 0;
	npu_refuse(npu, NPU_BOOT_FLASH, 0, NPU_BOOT_FLASH_ABSENT);
	return -ENODEV;
}

/* What a bad file would waste the boot ROM's time with; it checks everything again. */
static int npu_fw_check(struct npu_device *npu, const struct firmware *fw)
{
	struct npu_fw_refusal why;
	struct npu_fw_header h;

	if (npu_fw_parse(fw->data, fw->size, npu->info.hw_version, &why))
		return npu_refuse(npu, why.error, why.found, why.wanted);
	memcpy(&h, fw->data, sizeof(h));
	return npu_refuse_api(npu, h.api_min, h.api_max);
}

static int npu_fw_keep(struct npu_device *npu, const struct firmware *fw)
{
	npu->fw.image = dmam_alloc_coherent(npu->base.dev, PAGE_ALIGN(fw->size),
					    &npu->fw.image_dma, GFP_KERNEL);
	if (!npu->fw.image)
		return -ENOMEM;
	memcpy(npu->fw.image, fw->data, fw->size);
	npu->fw.image_size = fw->size;
	return 0;
}

int npu_fw_load(struct npu_device *npu)
{
	const struct firmware *fw;
	int ret;

	init_completion(&npu->fw.ready);
	if (!strcmp(npu_fw_name, "flash"))
		return npu_fw_use_flash(npu);
	/* Its own complaint names the file alone. */
	ret = firmware_request_nowarn(&fw, npu_fw_name, npu->base.dev);
	if (ret == -ENOENT && !strcmp(npu_fw_name, NPU_FW_NAME) &&
	    npu_read(npu, NPU_REG_FLASH) & NPU_FLASH_PRESENT) {
		drm_notice(&npu->base, "firmware %s: no such file (yet); booting from flash\n",
			   npu_fw_name);
		return npu_fw_use_flash(npu);
	}
	if (ret) {
		drm_err(&npu->base, "firmware %s: cannot be loaded: found error %d, wanted a file below /lib/firmware; install it: make -C firmware-loader install\n",
			npu_fw_name, ret);
		return ret;
	}
	ret = npu_fw_check(npu, fw);
	if (!ret)
		ret = npu_fw_keep(npu, fw);
	release_firmware(fw);
	return ret;
}

unsigned int npu_fw_boots(struct npu_device *npu)
{
	return npu->fw.from_flash ? NPU_FLASH_ATTEMPTS + 1 : 1;
}

void npu_fw_ready(struct npu_device *npu, const struct npu_msg *msg)
{
	struct npu_fw *fw = &npu->fw;

	/* Once a boot; what is agreed on does not change any more. */
	if (completion_done(&fw->ready))
		return;
	fw->api = msg->ready.api;
	fw->security_version = msg->ready.security_version;
	/* What older firmware leaves there means nothing. */
	fw->features = fw->api >= NPU_VERSION(1, 1) ? msg->ready.features : 0;
	memcpy(fw->version, msg->ready.version, sizeof(fw->version) - 1);
	fw->version[sizeof(fw->version) - 1] = 0;
	complete_all(&fw->ready);
}

/* It is not RUNNING, as it should be. */
static int npu_fw_stopped(struct npu_device *npu, u32 state)
{
	if (state == NPU_STATE_ERROR)
		return npu_refuse(npu, npu_read(npu, NPU_REG_ERROR),
				  npu_read(npu, NPU_REG_ERROR_FOUND),
				  npu_read(npu, NPU_REG_ERROR_WANTED));
	drm_err(&npu->base, "firmware %s: stopped while it booted: found state %u, wanted %u; install another: make -C firmware-loader install\n",
		npu_fw_where(npu), state, NPU_STATE_RUNNING);
	npu_crash_tell(npu);
	return -EIO;
}

/* Its first message has an interrupt; what comes before needs none. */
static int npu_fw_await_ready(struct npu_device *npu)
{
	unsigned int ms;
	u32 state;

	npu_mbox_arm(npu);
	for (ms = 0; ms < NPU_FW_READY_MS; ms += NPU_FW_LOOK_MS) {
		if (wait_for_completion_timeout(&npu->fw.ready, msecs_to_jiffies(NPU_FW_LOOK_MS)))
			return 0;
		state = npu_read(npu, NPU_REG_STATE);
		if (state != NPU_STATE_RUNNING)
			return npu_fw_stopped(npu, state);
	}
	drm_err(&npu->base, "firmware %s: runs, but was not ready: found no message in %u s, wanted one; power the device off and on\n",
		npu_fw_where(npu), NPU_FW_READY_MS / 1000);
	return -ETIMEDOUT;
}

/* The boot ROM's part: RUNNING, or why not */
static int npu_fw_start(struct npu_device *npu)
{
	u32 state;
	int ret;

	npu_write64(npu, NPU_REG_FW_ADDR_LO, npu->fw.image_dma);
	npu_write(npu, NPU_REG_FW_SIZE, npu->fw.image_size);
	npu_write64(npu, NPU_REG_BOOT_LO, npu->boot_dma);
	npu_write(npu, NPU_REG_BOOT, 1);

	ret = read_poll_timeout(npu_read, state,
				state != NPU_STATE_IDLE && state != NPU_STATE_BOOTING,
				1000, NPU_FW_BOOT_US, false, npu, NPU_REG_STATE);
	npu->fw.source = npu_read(npu, NPU_REG_FW_SOURCE);
	if (ret) {
		drm_err(&npu->base, "firmware %s: does not come up: found state %u after %lu s, wanted %u; power the device off and on\n",
			npu_fw_where(npu), state, NPU_FW_BOOT_US / USEC_PER_SEC, NPU_STATE_RUNNING);
		return -ETIMEDOUT;
	}
	return state == NPU_STATE_RUNNING ? 0 : npu_fw_stopped(npu, state);
}

int npu_fw_boot(struct npu_device *npu)
{
	int ret;

	reinit_completion(&npu->fw.ready);
	npu->fw.source = NPU_FW_SOURCE_HOST;
	ret = npu_fw_start(npu);
	if (!ret)
		ret = npu_fw_await_ready(npu);
	if (!ret)
		ret = npu_refuse_api(npu, npu->fw.api, npu->fw.api);
	return ret;
}

void npu_fw_tell(struct npu_device *npu)
{
	static const struct {
		u32 feature;
		const char *what;
	} features[] = {
		{ NPU_FW_FEATURE_PREEMPT, "pre-emption" },
		{ NPU_FW_FEATURE_PANIC, "panic record" },
		{ NPU_FW_FEATURE_WAIT_NS, "wait times" },
		{ NPU_FW_FEATURE_HANG, "job watchdog" },
	};
	const struct npu_fw *fw = &npu->fw;
	char off[64] = "";
	int i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		if (fw->features & features[i].feature)
			continue;
		if (off[0])
			strlcat(off, ", ", sizeof(off));
		strlcat(off, features[i].what, sizeof(off));
	}
	if (off[0])
		drm_info(&npu->base, "firmware %s speaks API %u.%u: %s off\n", fw->version,
			 NPU_VERSION_MAJOR(fw->api), NPU_VERSION_MINOR(fw->api), off);
}

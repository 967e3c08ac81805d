// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sentence for each way in which a boot can be refused.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/stddef.h>

#include "npu_device.h"
#include "npu_fw.h"
#include "npu_refuse.h"
#include "npu_regs.h"
#include "npu_versions.h"

/* NPU_ROW_MESSAGES_DRIVER, ... */
#define NPU_ROW_ID(interface, part, ...)	NPU_ROW_##interface##_##part,
#define NPU_ROW(interface, part, low, high, text) \
	[NPU_ROW_##interface##_##part] = { .min = (low), .max = (high), .mend = (text) },
enum npu_row {
	NPU_VERSION_TABLE(NPU_ROW_ID)
};

static const struct {
	u32 min;
	u32 max;
	const char *mend;	/* if this part is the old one */
} npu_rows[] = {
	NPU_VERSION_TABLE(NPU_ROW)
};

#define NPU_INSTALL_AGAIN	"install it again: make -C firmware-loader install"
#define NPU_INSTALL_RELEASE	"install firmware of this release: make -C firmware-loader install"

/* How a value is read */
enum npu_value {
	NPU_VALUE_NUMBER,
	NPU_VALUE_HEX,
	NPU_VALUE_VERSION,
	NPU_VALUE_BYTES,
	NPU_VALUE_OFFSET,
};

struct npu_refusal {
	const char *what;
	enum npu_value value;
	const char *wanted;	/* in place of the value wanted, which then says nothing */
	const char *mend;
};

static const struct npu_refusal npu_refusals[] = {
	[NPU_BOOT_OK] = { "no reason given", NPU_VALUE_NUMBER, NULL,
		"power the device off and on" },
	[NPU_BOOT_BUS] = { "the device cannot read the image or the boot parameters",
		NPU_VALUE_HEX, "an address that it may read",
		"see what the kernel's log says of its IOMMU: dmesg" },
	[NPU_BOOT_SIZE] = { "the file is cut or padded", NPU_VALUE_BYTES, NULL,
		NPU_INSTALL_AGAIN },
	[NPU_BOOT_MAGIC] = { "not a firmware image", NPU_VALUE_HEX, NULL, NPU_INSTALL_AGAIN },
	[NPU_BOOT_HEADER] = { "unknown version or size of its header", NPU_VALUE_NUMBER, NULL,
		NPU_INSTALL_RELEASE },
	[NPU_BOOT_HASH] = { "it was altered, the hash does not fit", NPU_VALUE_HEX, NULL,
		NPU_INSTALL_AGAIN },
	[NPU_BOOT_HW] = { "made for another hardware version", NPU_VALUE_VERSION, NULL,
		"install firmware for this hardware, npu-fw inspect FILE says for which it is" },
	[NPU_BOOT_SECURITY] = { "its security version is below the device's counter",
		NPU_VALUE_NUMBER, NULL,
		"there is no way back, " NPU_INSTALL_RELEASE },
	[NPU_BOOT_PARAMS] = { "it refuses the driver's boot parameters", NPU_VALUE_OFFSET,
		"one that it knows",
		"install driver and firmware of the same release: make install" },
	[NPU_BOOT_FIELD] = { "a field is out of range", NPU_VALUE_OFFSET,
		"one that this driver knows", NPU_INSTALL_RELEASE },
	[NPU_BOOT_KEY] = { "signed with a key that this device does not know", NPU_VALUE_HEX,
		NULL, "sign it with the device's key: npu-fw sign" },
	[NPU_BOOT_DEV_KEY] = {
		"signed with the development key, which is refused in production state",
		NPU_VALUE_HEX, "the fused key", "sign it with the device's key: npu-fw sign" },
};

static const char *npu_value(char *text, size_t size, enum npu_value how, u32 value)
{
	switch (how) {
	case NPU_VALUE_HEX:
		snprintf(text, size, "0x%x", value);
		break;
	case NPU_VALUE_VERSION:
		snprintf(text, size, "%u.%u", NPU_VERSION_MAJOR(value), NPU_VERSION_MINOR(value));
		break;
	case NPU_VALUE_BYTES:
		snprintf(text, size, "%u bytes", value);
		break;
	case NPU_VALUE_OFFSET:
		snprintf(text, size, "a value at offset %u", value);
		break;
	default:
		snprintf(text, size, "%u", value);
	}
	return text;
}

static void npu_say(struct npu_device *npu, const char *what, const char *found,
		    const char *wanted, const char *mend)
{
	drm_err(&npu->base, "firmware %s: %s: found %s, wanted %s; %s\n", npu_fw_where(npu), what,
		found, wanted, mend);
}

/* @api is the firmware's end of its range that lies nearest to the driver's. */
static void npu_say_api(struct npu_device *npu, u32 api)
{
	const u32 min = NPU_MESSAGES_DRIVER_MIN, max = NPU_MESSAGES_DRIVER_MAX;
	bool newer = api > max;

	drm_err(&npu->base, "firmware %s: %s driver: found API %u.%u %s, wanted %u.%u to %u.%u; %s\n",
		npu_fw_where(npu), newer ? "too new for this" : "too old for this",
		NPU_VERSION_MAJOR(api), NPU_VERSION_MINOR(api), newer ? "and later" : "at most",
		NPU_VERSION_MAJOR(min), NPU_VERSION_MINOR(min), NPU_VERSION_MAJOR(max),
		NPU_VERSION_MINOR(max),
		npu_rows[newer ? NPU_ROW_MESSAGES_DRIVER : NPU_ROW_MESSAGES_FIRMWARE].mend);
}

static void npu_say_signature(struct npu_device *npu, u32 found)
{
	if (found == NPU_FW_SIGNATURE_NONE)
		npu_say(npu, "it is not signed", "no signature", "Ed25519",
			"sign it: npu-fw sign");
	else if (found != NPU_FW_SIGNATURE_ED25519)
		npu_say(npu, "unknown kind of signature", "another", "Ed25519",
			NPU_INSTALL_RELEASE);
	else
		npu_say(npu, "its signature is not by the key that it names", "a wrong signature",
			"a right one", NPU_INSTALL_AGAIN);
}

static void npu_say_section(struct npu_device *npu, u32 found, u32 wanted)
{
	char f[32], w[48];

	snprintf(f, sizeof(f), "section %u", found);
	snprintf(w, sizeof(w), "one whose field at offset %u is good", wanted);
	if (wanted == offsetof(struct npu_fw_header, n_sections)) {
		snprintf(f, sizeof(f), "%u sections", found);
		snprintf(w, sizeof(w), "1 to %u", NPU_FW_MAX_SECTIONS);
	}
	npu_say(npu, "a section is out of bounds", f, w, NPU_INSTALL_AGAIN);
}

/* Its size word, at offset zero, is wrong too if there is none. */
static void npu_say_config(struct npu_device *npu, u32 found, u32 wanted)
{
	char f[32], w[32];

	snprintf(f, sizeof(f), found ? "a value at offset %u" : "none", found);
	snprintf(w, sizeof(w), found ? "one within its limit of %u" : "one of %u bytes", wanted);
	npu_say(npu, found ? "its configuration is out of range" : "it has no configuration", f, w,
		"correct it and pack the image again: npu-fw pack");
}

static const char *npu_refusal_short(u32 error)
{
	switch (error) {
	case NPU_BOOT_OK:
		return "empty or never healthy";
	case NPU_BOOT_API:
		return "wrong message API";
	case NPU_BOOT_SIGNATURE:
		return "not signed, or wrongly";
	case NPU_BOOT_FLASH:
		return "unreadable";
	case NPU_BOOT_SECTION:
		return "a section is out of bounds";
	case NPU_BOOT_CONFIG:
		return "its configuration is missing or out of range";
	default:
		return error < ARRAY_SIZE(npu_refusals) ? npu_refusals[error].what : "unknown";
	}
}

#define NPU_FLASH_MENDS	"install " NPU_FW_NAME " and bind the driver again, or: npu-fw stage"

static void npu_say_flash(struct npu_device *npu, u32 found, u32 wanted)
{
	if (wanted == NPU_BOOT_FLASH_ABSENT)
		npu_say(npu, "the device has no flash", "none", "one with firmware",
			"leave out firmware=flash: modprobe -r npu && modprobe npu");
	else if (wanted == NPU_BOOT_FLASH_UNREADABLE)
		npu_say(npu, "the flash cannot be read", "no valid header",
			"one made by npu-fw flash-init", NPU_FLASH_MENDS);
	else
		drm_err(&npu->base, "firmware %s: nothing in it boots: found slot A (%s), slot B (%s), golden (%s), wanted one that is good; %s\n",
			npu_fw_where(npu), npu_refusal_short(found & 0xff),
			npu_refusal_short(found >> 8 & 0xff), npu_refusal_short(found >> 16 & 0xff),
			NPU_FLASH_MENDS);
}

static void npu_say_row(struct npu_device *npu, u32 error, u32 found, u32 wanted)
{
	const struct npu_refusal *r;
	char f[32], w[32];

	if (error >= ARRAY_SIZE(npu_refusals) || !npu_refusals[error].what) {
		drm_err(&npu->base, "firmware %s: refused for reason %u, which this driver does not know: found %#x, wanted %#x; %s\n",
			npu_fw_where(npu), error, found, wanted,
			npu_rows[NPU_ROW_MESSAGES_DRIVER].mend);
		return;
	}
	r = &npu_refusals[error];
	npu_value(f, sizeof(f), r->value, found);
	npu_value(w, sizeof(w), r->value, wanted);
	npu_say(npu, r->what, f, r->wanted ?: w, r->mend);
}

int npu_refuse(struct npu_device *npu, u32 error, u32 found, u32 wanted)
{
	switch (error) {
	case NPU_BOOT_API:
		npu_say_api(npu, wanted);
		break;
	case NPU_BOOT_SIGNATURE:
		npu_say_signature(npu, found);
		break;
	case NPU_BOOT_FLASH:
		npu_say_flash(npu, found, wanted);
		break;
	case NPU_BOOT_SECTION:
		npu_say_section(npu, found, wanted);
		break;
	case NPU_BOOT_CONFIG:
		npu_say_config(npu, found, wanted);
		break;
	default:
		npu_say_row(npu, error, found, wanted);
	}
	return error == NPU_BOOT_FLASH ? -ENOENT : -EINVAL;
}

int npu_refuse_api(struct npu_device *npu, u32 api_min, u32 api_max)
{
	const u32 min = NPU_MESSAGES_DRIVER_MIN, max = NPU_MESSAGES_DRIVER_MAX;

	if (npu_versions_meet(api_min, api_max, min, max))
		return 0;
	return npu_refuse(npu, NPU_BOOT_API, max, api_min > max ? api_min : api_max);
}

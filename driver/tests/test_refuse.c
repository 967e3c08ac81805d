// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each sentence with which the driver refuses a firmware, those too for which no image can be
 * made; on the host. selftests/npu/firmware.sh and flash.sh have the driver say them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tap.h"

#include "npu_fw_image.h"
#include "npu_regs.h"
#include "npu_versions.h"

/* In place of the kernel's: a device that has a name, and a log of one line */
#define NPU_DEVICE_H
#define NPU_FW_H
#define NPU_FW_NAME	"npu/npu.fw"
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
typedef __u32 u32;

struct npu_device {
	int base;
	const char *where;
};

static char said[512];

#define drm_err(log, ...) \
	((void)(log), snprintf(said, sizeof(said), __VA_ARGS__))

static const char *npu_fw_where(struct npu_device *npu)
{
	return npu->where;
}

#include "../npu_refuse.c"

#define AGAIN	"install it again: make -C firmware-loader install"
#define RELEASE	"install firmware of this release: make -C firmware-loader install"
#define DRIVER	"install the driver of this release: make install, then modprobe -r npu && modprobe npu"
#define DEVICE_KEY "sign it with the device's key: npu-fw sign"
#define STAGE	"install npu/npu.fw and bind the driver again, or: npu-fw stage"

/* The three values as the boot ROM tells them, and the sentence behind the firmware's name. */
static const struct {
	const char *name;
	u32 error, found, wanted;
	const char *text;
} cases[] = {
	{ "unreadable memory", NPU_BOOT_BUS, 0x1000, 0,
	  "the device cannot read the image or the boot parameters: found 0x1000, wanted an address that it may read; see what the kernel's log says of its IOMMU: dmesg"
	},
	{ "another size", NPU_BOOT_SIZE, 100, 256,
	  "the file is cut or padded: found 100 bytes, wanted 256 bytes; " AGAIN },
	{ "another magic", NPU_BOOT_MAGIC, 0, 0x4655504e,
	  "not a firmware image: found 0x0, wanted 0x4655504e; " AGAIN },
	{ "another header", NPU_BOOT_HEADER, 3, 2,
	  "unknown version or size of its header: found 3, wanted 2; " RELEASE },
	{ "a section out of bounds", NPU_BOOT_SECTION, 2, 328,
	  "a section is out of bounds: found section 2, wanted one whose field at offset 328 is good; "
	  AGAIN },
	{ "too many sections", NPU_BOOT_SECTION, 17, 20,
	  "a section is out of bounds: found 17 sections, wanted 1 to 16; " AGAIN },
	{ "another hash", NPU_BOOT_HASH, 0x12345678, 0x9abcdef0,
	  "it was altered, the hash does not fit: found 0x12345678, wanted 0x9abcdef0; " AGAIN },
	{ "newer messages", NPU_BOOT_API, NPU_VERSION(1, 1), NPU_VERSION(2, 0),
	  "too new for this driver: found API 2.0 and later, wanted 1.0 to 1.1; " DRIVER },
	{ "older messages", NPU_BOOT_API, NPU_VERSION(1, 1), NPU_VERSION(0, 9),
	  "too old for this driver: found API 0.9 at most, wanted 1.0 to 1.1; " RELEASE },
	{ "other hardware", NPU_BOOT_HW, 0x00020003, 0x00010000,
	  "made for another hardware version: found 2.3, wanted 1.0; install firmware for this hardware, npu-fw inspect FILE says for which it is"
	},
	{ "an older security version", NPU_BOOT_SECURITY, 1, 3,
	  "its security version is below the device's counter: found 1, wanted 3; there is no way back, "
	  RELEASE },
	{ "no signature", NPU_BOOT_SIGNATURE, 0, 1,
	  "it is not signed: found no signature, wanted Ed25519; sign it: npu-fw sign" },
	{ "a wrong signature", NPU_BOOT_SIGNATURE, 1, 1,
	  "its signature is not by the key that it names: found a wrong signature, wanted a right one; "
	  AGAIN },
	{ "another kind of signature", NPU_BOOT_SIGNATURE, 2, 1,
	  "unknown kind of signature: found another, wanted Ed25519; " RELEASE },
	{ "bad boot parameters", NPU_BOOT_PARAMS, 48, 1024,
	  "it refuses the driver's boot parameters: found a value at offset 48, wanted one that it knows; install driver and firmware of the same release: make install"
	},
	{ "a reserved field", NPU_BOOT_FIELD, 48, 0,
	  "a field is out of range: found a value at offset 48, wanted one that this driver knows; "
	  RELEASE },
	{ "no configuration", NPU_BOOT_CONFIG, 0, 64,
	  "it has no configuration: found none, wanted one of 64 bytes; correct it and pack the image again: npu-fw pack"
	},
	{ "a bad configuration", NPU_BOOT_CONFIG, 4, 4096,
	  "its configuration is out of range: found a value at offset 4, wanted one within its limit of 4096; correct it and pack the image again: npu-fw pack"
	},
	{ "another key", NPU_BOOT_KEY, 0xdeadbeef, 0x4deb38bb,
	  "signed with a key that this device does not know: found 0xdeadbeef, wanted 0x4deb38bb; "
	  DEVICE_KEY },
	{ "the development key", NPU_BOOT_DEV_KEY, 0x4deb38bb, 1,
	  "signed with the development key, which is refused in production state: found 0x4deb38bb, wanted the fused key; "
	  DEVICE_KEY },
	{ "no flash", NPU_BOOT_FLASH, 0, NPU_BOOT_FLASH_ABSENT,
	  "the device has no flash: found none, wanted one with firmware; leave out firmware=flash: modprobe -r npu && modprobe npu"
	},
	{ "an unreadable flash", NPU_BOOT_FLASH, 0, NPU_BOOT_FLASH_UNREADABLE,
	  "the flash cannot be read: found no valid header, wanted one made by npu-fw flash-init; "
	  STAGE },
	{ "a flash with nothing good", NPU_BOOT_FLASH,
	  NPU_BOOT_HASH | NPU_BOOT_OK << 8 | NPU_BOOT_SECURITY << 16, 0,
	  "nothing in it boots: found slot A (it was altered, the hash does not fit), slot B (empty or never healthy), golden (its security version is below the device's counter), wanted one that is good; "
	  STAGE },
	{ "a reason of the future", NPU_BOOT_FLASH + 1, 5, 6,
	  "refused for reason 17, which this driver does not know: found 0x5, wanted 0x6; "
	  DRIVER },
};

static void check_sentence(unsigned int i)
{
	struct npu_device npu = { .where = "npu/npu.fw" };
	char wanted[512];
	int ret, wanted_ret = -EINVAL;

	if (cases[i].error == NPU_BOOT_FLASH)
		wanted_ret = -ENOENT;
	ret = npu_refuse(&npu, cases[i].error, cases[i].found, cases[i].wanted);
	snprintf(wanted, sizeof(wanted), "firmware npu/npu.fw: %s\n", cases[i].text);
	if (!tap_ok(!strcmp(said, wanted) && ret == wanted_ret, "refuse: %s, in words",
		    cases[i].name))
		tap_diag("%d, %s", ret, said);
}

/* Each reason has a sentence here, and a place in the list of what is wrong with a slot. */
static bool all_reasons_known(void)
{
	unsigned int error, i;

	for (error = NPU_BOOT_OK + 1; error <= NPU_BOOT_FLASH; error++) {
		i = 0;
		while (i < ARRAY_SIZE(cases) && cases[i].error != error)
			i++;
		if (i == ARRAY_SIZE(cases) || !strcmp(npu_refusal_short(error), "unknown"))
			return false;
	}
	return true;
}

static bool meets(u32 min, u32 max)
{
	struct npu_device npu = { .where = "npu/npu.fw" };

	return !npu_refuse_api(&npu, min, max);
}

int main(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		check_sentence(i);
	tap_ok(all_reasons_known(), "refuse: no reason of the contract is without words");
	tap_ok(meets(NPU_VERSION(1, 0), NPU_VERSION(1, 0)) &&
	       meets(NPU_VERSION(1, 1), NPU_VERSION(1, 7)) &&
	       meets(NPU_VERSION(1, 0), NPU_VERSION(1, 1)),
	       "refuse: firmware whose range of APIs meets the driver's is taken");
	tap_ok(!meets(NPU_VERSION(1, 2), NPU_VERSION(1, 7)) &&
	       strstr(said, "too new for this driver: found API 1.2 and later, wanted 1.0"),
	       "refuse: firmware one minor too new is refused");
	tap_ok(!meets(NPU_VERSION(0, 1), NPU_VERSION(0, 9)) &&
	       strstr(said, "too old for this driver: found API 0.9 at most, wanted 1.0"),
	       "refuse: firmware of an older major is refused");
	return tap_done();
}

// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "explain.h"
#include "npu_versions.h"

#define INSTALL	"make -C firmware-loader install"
#define AGAIN	"install it again: " INSTALL
#define SIGN	"npu-fw sign --key FILE"

const char *npu_boot_error_name(enum npu_boot_error error)
{
	static const char *const names[] = {
		[NPU_BOOT_OK] = "ok",
		[NPU_BOOT_BUS] = "bus",
		[NPU_BOOT_SIZE] = "size",
		[NPU_BOOT_MAGIC] = "magic",
		[NPU_BOOT_HEADER] = "header",
		[NPU_BOOT_SECTION] = "section",
		[NPU_BOOT_HASH] = "hash",
		[NPU_BOOT_API] = "api",
		[NPU_BOOT_HW] = "hw",
		[NPU_BOOT_SECURITY] = "security",
		[NPU_BOOT_SIGNATURE] = "signature",
		[NPU_BOOT_PARAMS] = "params",
		[NPU_BOOT_FIELD] = "field",
		[NPU_BOOT_CONFIG] = "config",
		[NPU_BOOT_KEY] = "key",
		[NPU_BOOT_DEV_KEY] = "dev_key",
		[NPU_BOOT_FLASH] = "flash",
	};

	return (unsigned int)error < sizeof(names) / sizeof(names[0]) ? names[error] : "unknown";
}

/* What the table of versions says to do if this part is the old one of an interface. */
static const char *mend(const char *interface, const char *part)
{
#define ROW(interface, part, min, max, mend) { #interface, #part, min, max, mend },
	static const struct {
		const char *interface;
		const char *part;
		uint32_t min;
		uint32_t max;
		const char *mend;
	} rows[] = { NPU_VERSION_TABLE(ROW) };
#undef ROW
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].interface, interface) && !strcmp(rows[i].part, part))
			return rows[i].mend;
	return "install all parts of one release";
}

static void explain_size(uint32_t found, uint32_t wanted, char *text, size_t size)
{
	const char *how = "its header says";

	if (wanted == sizeof(struct npu_fw_header) && found < wanted)
		how = "wanted at least";
	else if (wanted == NPU_FW_MAX_BYTES && found > wanted)
		how = "wanted at most";
	snprintf(text, size, "it has %u bytes, %s %u; " AGAIN, found, how, wanted);
}

static void explain_header(uint32_t found, uint32_t wanted, char *text, size_t size)
{
	const char *what = wanted == NPU_FW_HEADER_VERSION ? "version" : "size";

	snprintf(text, size,
		 "its header has %s %u, wanted %u; take firmware of the device's release: " INSTALL,
		 what, found, wanted);
}

static void explain_section(uint32_t found, uint32_t wanted, char *text, size_t size)
{
	if (!wanted)
		snprintf(text, size,
			 "none of its %u sections has an instruction to start at; pack it with npu-fw pack --elf FILE",
			 found);
	else if (wanted == offsetof(struct npu_fw_header, n_sections))
		snprintf(text, size,
			 "it has %u sections, wanted 1 to %u that lie in the file; " AGAIN, found,
			 NPU_FW_MAX_SECTIONS);
	else
		snprintf(text, size,
			 "section %u is out of bounds in the field at byte %u; pack it again, or "
			 AGAIN, found, wanted);
}

static void explain_api(uint32_t driver, uint32_t firmware, char *text, size_t size)
{
	bool old_driver = driver < firmware;

	snprintf(text, size, "the driver speaks API %u.%u, the firmware %s %u.%u; %s", driver >> 16,
		 driver & 0xffff, old_driver ? "not below" : "not above", firmware >> 16,
		 firmware & 0xffff, mend("MESSAGES", old_driver ? "DRIVER" : "FIRMWARE"));
}

static void explain_signature(uint32_t found, uint32_t wanted, char *text, size_t size)
{
	if (found == NPU_FW_SIGNATURE_NONE)
		snprintf(text, size, "it is not signed: signature type 0, wanted %u (Ed25519); sign it: "
			 SIGN, wanted);
	else if (found != wanted)
		snprintf(text, size,
			 "its signature is of type %u, wanted %u (Ed25519); sign it anew: " SIGN,
			 found, wanted);
	else
		snprintf(text, size,
			 "its signature is not one of the key that it names; " AGAIN
			 ", or sign it anew: " SIGN);
}

static void explain_key(uint32_t found, uint32_t wanted, char *text, size_t size)
{
	if (wanted)
		snprintf(text, size,
			 "it is signed by key %08x, the device takes %08x; sign it with that one: "
			 SIGN, found, wanted);
	else
		snprintf(text, size,
			 "it is signed by key %08x, the device has no key fused; sign it with the development key: "
			 "npu-fw sign --key firmware-loader/keys/development.key", found);
}

/* Why one image of a flash does not boot. */
static const char *flash_part(uint32_t error)
{
	static const char *const parts[] = {
		[NPU_BOOT_OK] = "nothing to boot",
		[NPU_BOOT_BUS] = "cannot be read",
		[NPU_BOOT_SIZE] = "wrong size",
		[NPU_BOOT_MAGIC] = "no firmware",
		[NPU_BOOT_HEADER] = "unknown header",
		[NPU_BOOT_SECTION] = "malformed",
		[NPU_BOOT_HASH] = "altered",
		[NPU_BOOT_API] = "other API",
		[NPU_BOOT_HW] = "for other hardware",
		[NPU_BOOT_SECURITY] = "security version too old",
		[NPU_BOOT_SIGNATURE] = "not signed or wrongly",
		[NPU_BOOT_PARAMS] = "refused the driver",
		[NPU_BOOT_FIELD] = "malformed",
		[NPU_BOOT_CONFIG] = "bad configuration",
		[NPU_BOOT_KEY] = "signed by another key",
		[NPU_BOOT_DEV_KEY] = "signed by the development key",
		[NPU_BOOT_FLASH] = "its attempts are used up",
	};

	return error < sizeof(parts) / sizeof(parts[0]) ? parts[error] : "refused";
}

static void explain_flash(uint32_t found, uint32_t wanted, char *text, size_t size)
{
	if (wanted == NPU_BOOT_FLASH_ABSENT)
		snprintf(text, size,
			 "the device has no flash to boot from; make one and give it to the device: npu-fw flash-init --golden IMAGE -o FLASH");
	else if (wanted == NPU_BOOT_FLASH_UNREADABLE)
		snprintf(text, size,
			 "the flash cannot be read or is damaged; make it anew: npu-fw flash-init --force --golden IMAGE -o FLASH");
	else
		snprintf(text, size,
			 "nothing in flash boots (slot A: %s, slot B: %s, golden: %s); put a good one there: npu-fw stage FLASH IMAGE",
			 flash_part(found & 0xff), flash_part(found >> 8 & 0xff),
			 flash_part(found >> 16 & 0xff));
}

static void explain_config(uint32_t found, uint32_t wanted, char *text, size_t size)
{
	unsigned int i;

	/* keys stand in the order of the struct, behind its size word */
	for (i = 0; npu_config_key(i); i++)
		if (found == 4 * (i + 1)) {
			snprintf(text, size,
				 "the configuration's %s is out of range, the limit is %u; correct it and pack again: npu-fw pack --config FILE",
				 npu_config_key(i), wanted);
			return;
		}
	snprintf(text, size,
		 "it has no CONFIG section of %u bytes; take firmware of the device's release: "
		 INSTALL, wanted);
}

const char *npu_image_explain(const struct npu_image_result *r, char *text, size_t size)
{
	uint32_t found = r->found, wanted = r->wanted;

	switch (r->error) {
	case NPU_BOOT_OK:
		snprintf(text, size, "good");
		return text;
	case NPU_BOOT_BUS:
		snprintf(text, size,
			 "the device cannot read image or boot parameters at address %#x (low 32 bits); "
			 "let it master the bus: setpci -d 1234:4e50 COMMAND=6:6", found);
		return text;
	case NPU_BOOT_SIZE:
		explain_size(found, wanted, text, size);
		return text;
	case NPU_BOOT_MAGIC:
		snprintf(text, size,
			 "it is no NPU firmware: magic word %#x, wanted %#x; name a file made by npu-fw pack",
			 found, wanted);
		return text;
	case NPU_BOOT_HEADER:
		explain_header(found, wanted, text, size);
		return text;
	case NPU_BOOT_SECTION:
		explain_section(found, wanted, text, size);
		return text;
	case NPU_BOOT_HASH:
		snprintf(text, size,
			 "it was altered: its SHA-256 has word %08x, the header %08x; " AGAIN,
			 found, wanted);
		return text;
	case NPU_BOOT_API:
		explain_api(found, wanted, text, size);
		return text;
	case NPU_BOOT_HW:
		snprintf(text, size,
			 "it is for hardware %s %u.%u, the device is %u.%u; take the firmware for this device, "
			 "or pack it with --hw", found > wanted ? "from" : "up to", found >> 16,
			 found & 0xffff, wanted >> 16, wanted & 0xffff);
		return text;
	case NPU_BOOT_SECURITY:
		snprintf(text, size,
			 "its security version is %u, the device wants %u or above; install newer firmware: "
			 INSTALL, found, wanted);
		return text;
	case NPU_BOOT_SIGNATURE:
		explain_signature(found, wanted, text, size);
		return text;
	case NPU_BOOT_PARAMS:
		snprintf(text, size,
			 "the driver's boot parameters are malformed at byte %u (limit %u); %s",
			 found, wanted, mend("MESSAGES", "DRIVER"));
		return text;
	case NPU_BOOT_FIELD:
		snprintf(text, size,
			 "the field at byte %u is malformed or not zero as it must be; " AGAIN,
			 found);
		return text;
	case NPU_BOOT_CONFIG:
		explain_config(found, wanted, text, size);
		return text;
	case NPU_BOOT_KEY:
		explain_key(found, wanted, text, size);
		return text;
	case NPU_BOOT_DEV_KEY:
		snprintf(text, size,
			 "it is signed by the development key %08x, which everybody has, and the device is in "
			 "production state; sign it with the key that is fused: " SIGN, found);
		return text;
	case NPU_BOOT_FLASH:
		explain_flash(found, wanted, text, size);
		return text;
	}
	snprintf(text, size,
		 "refused with error %u, which this npu-fw does not know (found %#x, wanted %#x); "
		 "take the npu-fw of the device's release", r->error, found, wanted);
	return text;
}

/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "config.h"
#include "explain.h"

#define AGAIN "fetch or pack it again"

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
	};

	return (unsigned int)error < sizeof(names) / sizeof(names[0]) ? names[error] : "unknown";
}

static const char *explain_config(const struct npu_image_result *r, char *text, size_t size)
{
	unsigned int i;

	/* keys stand in the order of the struct, behind its size word */
	for (i = 0; npu_config_key(i); i++)
		if (r->found == 4 * (i + 1)) {
			snprintf(text, size,
				 "the configuration's %s is out of range, the limit is %u; correct it and pack again",
				 npu_config_key(i), r->wanted);
			return text;
		}
	snprintf(text, size,
		 "it has no CONFIG section of %u bytes; pack it with a npu-fw that fits this device",
		 r->wanted);
	return text;
}

const char *npu_image_explain(const struct npu_image_result *r, char *text, size_t size)
{
	uint32_t found = r->found, wanted = r->wanted;

	switch (r->error) {
	case NPU_BOOT_OK:
		snprintf(text, size, "good");
		break;
	case NPU_BOOT_BUS:
		snprintf(text, size, "the device cannot read it; is bus mastering on");
		break;
	case NPU_BOOT_SIZE:
		snprintf(text, size, "it has %u bytes, wanted %s %u; " AGAIN, found,
			 wanted == sizeof(struct npu_fw_header) && found < wanted ? "at least" :
			 wanted == NPU_FW_MAX_BYTES ? "at most" : "as its header says", wanted);
		break;
	case NPU_BOOT_MAGIC:
		snprintf(text, size,
			 "it is no NPU firmware: magic word %#x, wanted %#x; name another file",
			 found, wanted);
		break;
	case NPU_BOOT_HEADER:
		snprintf(text, size,
			 "its header version or size is %u, wanted %u; use a npu-fw of this image's time",
			 found, wanted);
		break;
	case NPU_BOOT_SECTION:
		if (wanted < sizeof(struct npu_fw_header))
			snprintf(text, size, "it has %u sections, wanted 1 to %u in the file; "
				 AGAIN, found, NPU_FW_MAX_SECTIONS);
		else
			snprintf(text, size,
				 "section %u is out of bounds in the field at byte %u; " AGAIN,
				 found, wanted);
		break;
	case NPU_BOOT_HASH:
		snprintf(text, size,
			 "it was altered: its SHA-256 has word %08x, the header %08x; " AGAIN,
			 found, wanted);
		break;
	case NPU_BOOT_API:
		snprintf(text, size,
			 "it speaks API %u, the device %u; take a firmware with API %u or a newer device",
			 found, wanted, wanted);
		break;
	case NPU_BOOT_HW:
		snprintf(text, size,
			 "it is for hardware %s %u.%u, the device is %u.%u; take the firmware for this device",
			 found > wanted ? "from" : "up to", found >> 16, found & 0xffff,
			 wanted >> 16, wanted & 0xffff);
		break;
	case NPU_BOOT_SECURITY:
		snprintf(text, size,
			 "its security version is %u, the device wants %u or above; take a newer firmware",
			 found, wanted);
		break;
	case NPU_BOOT_SIGNATURE:
		snprintf(text, size,
			 "its signature type is %u, the device has no key and wants %u; take the unsigned one",
			 found, wanted);
		break;
	case NPU_BOOT_PARAMS:
		snprintf(text, size,
			 "the driver's boot parameters are malformed at byte %u (limit %u); update the driver",
			 found, wanted);
		break;
	case NPU_BOOT_FIELD:
		snprintf(text, size,
			 "the field at byte %u is malformed or not zero as it must be; " AGAIN,
			 found);
		break;
	case NPU_BOOT_CONFIG:
		return explain_config(r, text, size);
	case NPU_BOOT_KEY:
	case NPU_BOOT_DEV_KEY:
	case NPU_BOOT_FLASH:
		snprintf(text, size, "refused with error %u", r->error);
		break;
	}
	return text;
}

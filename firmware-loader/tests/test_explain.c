// SPDX-License-Identifier: MIT
/* Every refusal in words, to the letter: what was found, what is wanted, what mends it. */
#include <string.h>

#include "explain.h"
#include "npu_fw_image.h"
#include "tap.h"

#define N_COUNT	offsetof(struct npu_fw_header, n_sections)

static const struct {
	enum npu_boot_error error;
	uint32_t found;
	uint32_t wanted;
	const char *text;
} cases[] = { {
	NPU_BOOT_OK, 0, 0,
	"good",
}, {
	NPU_BOOT_BUS, 0x40000000, 0,
	"the device cannot read image or boot parameters at address 0x40000000 (low 32 bits); let it master the bus: setpci -d 1234:4e50 COMMAND=6:6",
}, {
	NPU_BOOT_SIZE, 100, 256,
	"it has 100 bytes, wanted at least 256; install it again: make -C firmware-loader install",
}, {
	NPU_BOOT_SIZE, NPU_FW_MAX_BYTES + 1, NPU_FW_MAX_BYTES,
	"it has 4194305 bytes, wanted at most 4194304; install it again: make -C firmware-loader install",
}, {
	NPU_BOOT_SIZE, 1000, 1024,
	"it has 1000 bytes, its header says 1024; install it again: make -C firmware-loader install",
}, {
	NPU_BOOT_SIZE, 1000, 256,
	"it has 1000 bytes, its header says 256; install it again: make -C firmware-loader install",
}, {
	NPU_BOOT_MAGIC, 0x464c457f, 0x5550494e,
	"it is no NPU firmware: magic word 0x464c457f, wanted 0x5550494e; name a file made by npu-fw pack",
}, {
	NPU_BOOT_HEADER, 1, 2,
	"its header has version 1, wanted 2; take firmware of the device's release: make -C firmware-loader install",
}, {
	NPU_BOOT_HEADER, 260, 256,
	"its header has size 260, wanted 256; take firmware of the device's release: make -C firmware-loader install",
}, {
	NPU_BOOT_SECTION, 17, N_COUNT,
	"it has 17 sections, wanted 1 to 16 that lie in the file; install it again: make -C firmware-loader install",
}, {
	NPU_BOOT_SECTION, 3, 0,
	"none of its 3 sections has an instruction to start at; pack it with npu-fw pack --elf FILE",
}, {
	NPU_BOOT_SECTION, 1, 300,
	"section 1 is out of bounds in the field at byte 300; pack it again, or install it again: make -C firmware-loader install",
}, {
	NPU_BOOT_HASH, 0x12345678, 9,
	"it was altered: its SHA-256 has word 12345678, the header 00000009; install it again: make -C firmware-loader install",
}, {
	NPU_BOOT_API, 0x20000, 0x10001,
	"the driver speaks API 2.0, the firmware not above 1.1; install firmware of this release: make -C firmware-loader install",
}, {
	NPU_BOOT_API, 0x10000, 0x10002,
	"the driver speaks API 1.0, the firmware not below 1.2; install the driver of this release: make install, then modprobe -r npu && modprobe npu",
}, {
	NPU_BOOT_HW, 0x20000, 0x10000,
	"it is for hardware from 2.0, the device is 1.0; take the firmware for this device, or pack it with --hw",
}, {
	NPU_BOOT_HW, 9, 0x10000,
	"it is for hardware up to 0.9, the device is 1.0; take the firmware for this device, or pack it with --hw",
}, {
	NPU_BOOT_SECURITY, 3, 4,
	"its security version is 3, the device wants 4 or above; install newer firmware: make -C firmware-loader install",
}, {
	NPU_BOOT_SIGNATURE, NPU_FW_SIGNATURE_NONE, 1,
	"it is not signed: signature type 0, wanted 1 (Ed25519); sign it: npu-fw sign --key FILE",
}, {
	NPU_BOOT_SIGNATURE, 9, 1,
	"its signature is of type 9, wanted 1 (Ed25519); sign it anew: npu-fw sign --key FILE",
}, {
	NPU_BOOT_SIGNATURE, NPU_FW_SIGNATURE_ED25519, 1,
	"its signature is not one of the key that it names; install it again: make -C firmware-loader install, or sign it anew: npu-fw sign --key FILE",
}, {
	NPU_BOOT_PARAMS, 88, 0,
	"the driver's boot parameters are malformed at byte 88 (limit 0); install the driver of this release: make install, then modprobe -r npu && modprobe npu",
}, {
	NPU_BOOT_FIELD, 56, 0,
	"the field at byte 56 is malformed or not zero as it must be; install it again: make -C firmware-loader install",
}, {
	NPU_BOOT_CONFIG, 24, 100,
	"the configuration's heartbeat_ms is out of range, the limit is 100; correct it and pack again: npu-fw pack --config FILE",
}, {
	NPU_BOOT_CONFIG, 0, 64,
	"it has no CONFIG section of 64 bytes; take firmware of the device's release: make -C firmware-loader install",
}, {
	NPU_BOOT_KEY, 0x01234567, 0x89abcdef,
	"it is signed by key 01234567, the device takes 89abcdef; sign it with that one: npu-fw sign --key FILE",
}, {
	NPU_BOOT_KEY, 0x01234567, 0,
	"it is signed by key 01234567, the device has no key fused; sign it with the development key: npu-fw sign --key firmware-loader/keys/development.key",
}, {
	NPU_BOOT_DEV_KEY, 0x01234567, 1,
	"it is signed by the development key 01234567, which everybody has, and the device is in production state; sign it with the key that is fused: npu-fw sign --key FILE",
}, {
	NPU_BOOT_FLASH, 0, NPU_BOOT_FLASH_ABSENT,
	"the device has no flash to boot from; make one and give it to the device: npu-fw flash-init --golden IMAGE -o FLASH",
}, {
	NPU_BOOT_FLASH, 0, NPU_BOOT_FLASH_UNREADABLE,
	"the flash cannot be read or is damaged; make it anew: npu-fw flash-init --force --golden IMAGE -o FLASH",
}, {
	NPU_BOOT_FLASH, NPU_BOOT_FLASH | NPU_BOOT_HASH << 8 | NPU_BOOT_SECURITY << 16, 0,
	"nothing in flash boots (slot A: its attempts are used up, slot B: altered, golden: security version too old); put a good one there: npu-fw stage FLASH IMAGE",
}, {
	NPU_BOOT_FLASH, NPU_BOOT_BUS << 8, 0,
	"nothing in flash boots (slot A: nothing to boot, slot B: cannot be read, golden: nothing to boot); put a good one there: npu-fw stage FLASH IMAGE",
}, {
	17, 5, 6,
	"refused with error 17, which this npu-fw does not know (found 0x5, wanted 0x6); take the npu-fw of the device's release",
} };

/* Any numbers give one line that needs no escapes and fits. */
static void test_any(void)
{
	static const uint32_t values[] = {
		0, 1, 2, 4, 20, 64, 256, 0x20001, 0x100e10, 4u << 20, 0xffffff, 0xffffffff
	};
	const size_t n = sizeof(values) / sizeof(values[0]);
	unsigned int wrong = 0, e;
	char text[1024];
	size_t i, j;

	for (e = NPU_BOOT_OK; e <= NPU_BOOT_FLASH + 1; e++)
		for (i = 0; i < n; i++)
			for (j = 0; j < n; j++) {
				struct npu_image_result r = {
					.error = e, .found = values[i], .wanted = values[j]
				};

				memset(text, 0, sizeof(text));
				npu_image_explain(&r, text, sizeof(text));
				wrong += strlen(text) < 4 || strlen(text) >= NPU_EXPLAIN_BYTES ||
					 text[strlen(text) - 1] == '.' || strpbrk(text, "\n\"\\");
			}
	tap_ok(!wrong, "texts: every boot error has one line of at most %d bytes for any numbers",
	       NPU_EXPLAIN_BYTES - 1);
}

static void test_names(void)
{
	static const char *const names[] = {
		"ok", "bus", "size", "magic", "header", "section", "hash", "api", "hw", "security",
		"signature", "params", "field", "config", "key", "dev_key", "flash", "unknown"
	};
	unsigned int wrong = 0, e;

	for (e = 0; e <= NPU_BOOT_FLASH + 1; e++)
		wrong += strcmp(npu_boot_error_name(e), names[e]) != 0;
	wrong += strcmp(npu_boot_error_name((enum npu_boot_error)-1), "unknown") != 0;
	tap_ok(!wrong, "texts: every boot error has its name");
}

int main(void)
{
	char text[NPU_EXPLAIN_BYTES];
	bool told[NPU_BOOT_FLASH + 1] = { false };
	unsigned int missing = 0;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct npu_image_result r = {
			.error = cases[i].error, .found = cases[i].found, .wanted = cases[i].wanted
		};

		npu_image_explain(&r, text, sizeof(text));
		if (!tap_ok(!strcmp(text, cases[i].text), "texts: %s, found %#x, wanted %#x",
			    npu_boot_error_name(r.error), r.found, r.wanted))
			tap_diag("%s", text);
		if (r.error <= NPU_BOOT_FLASH)
			told[r.error] = true;
	}
	for (i = 0; i <= NPU_BOOT_FLASH; i++)
		missing += !told[i];
	tap_ok(!missing, "texts: every boot error was asserted above");
	test_any();
	test_names();
	return tap_done();
}

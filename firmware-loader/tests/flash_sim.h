/* SPDX-License-Identifier: MIT */
/*
 * A flash in memory that loses power when told to, images for it, and a device that boots
 * from it. An image whose version begins with "sick" never becomes healthy.
 */
#ifndef FLASH_SIM_H
#define FLASH_SIM_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "flash.h"
#include "tap.h"

#define SIM_SLOT_SECTORS	4
#define SIM_SLOT_BYTES		(SIM_SLOT_SECTORS * NPU_FLASH_SECTOR)
#define SIM_BYTES		(3 * NPU_FLASH_SECTOR + 3 * SIM_SLOT_BYTES)
#define SIM_IMAGE_BYTES		10000	/* two sectors and a part */
#define SIM_IMAGE_SECTORS	3
#define SIM_NO_CUT		-1

/* What a cut leaves of the sector: the first bytes are new, the rest is old or something else. */
struct sim_cut {
	const char *name;
	unsigned int new_bytes;
	enum { SIM_OLD, SIM_ERASED, SIM_GARBAGE } rest;
};

static const struct sim_cut sim_cuts[] __attribute__((unused)) = {
	{ "nothing written", 0, SIM_OLD },
	{ "one byte", 1, SIM_OLD },
	{ "half of the state", sizeof(struct npu_flash_state) / 2, SIM_OLD },
	{ "all but a byte of the state", sizeof(struct npu_flash_state) - 1, SIM_OLD },
	{ "the state, then garbage", sizeof(struct npu_flash_state), SIM_GARBAGE },
	{ "half of the sector", NPU_FLASH_SECTOR / 2, SIM_OLD },
	{ "half of the sector, rest erased", NPU_FLASH_SECTOR / 2, SIM_ERASED },
	{ "half of the state, then garbage", sizeof(struct npu_flash_state) / 2, SIM_GARBAGE },
	{ "erased", 0, SIM_ERASED },
	{ "garbage", 0, SIM_GARBAGE },
	{ "all written", NPU_FLASH_SECTOR, SIM_OLD },
};
#define SIM_CUTS	(sizeof(sim_cuts) / sizeof(sim_cuts[0]))

struct sim {
	uint8_t bytes[SIM_BYTES];
	uint64_t size;
	int writes;			/* begun so far */
	int cut_at;			/* write during which power goes, SIM_NO_CUT: none */
	const struct sim_cut *cut;
	bool off;
	bool worn;			/* writes say nothing and change nothing */
	int fail_write;			/* write that fails with EIO without a cut, or SIM_NO_CUT */
	uint64_t fail_read_at;		/* sector whose reads fail, ~0: none */
};

__attribute__((unused))
static int sim_read(void *opaque, uint64_t at, void *to, size_t bytes)
{
	struct sim *sim = opaque;

	if (sim->off || at > sim->size || bytes > sim->size - at ||
	    (sim->fail_read_at >= at && sim->fail_read_at < at + bytes))
		return -EIO;
	memcpy(to, sim->bytes + at, bytes);
	return 0;
}

__attribute__((unused))
static int sim_write(void *opaque, uint64_t at, const void *from, size_t bytes)
{
	struct sim *sim = opaque;
	const uint8_t *new = from;
	uint8_t *to = sim->bytes + at;
	unsigned int i, rest;
	int n = sim->writes;

	if (sim->off)
		return -EIO;
	if (at % NPU_FLASH_SECTOR || bytes != NPU_FLASH_SECTOR || at + bytes > sim->size) {
		tap_ok(false, "flash: a write is one aligned sector of the flash");
		return -EIO;
	}
	sim->writes++;
	if (sim->worn)
		return 0;
	if (n == sim->fail_write)
		return -EIO;
	rest = n == sim->cut_at ? sim->cut->new_bytes : NPU_FLASH_SECTOR;
	memcpy(to, new, rest);
	if (n != sim->cut_at)
		return 0;
	for (i = rest; i < NPU_FLASH_SECTOR && sim->cut->rest != SIM_OLD; i++)
		to[i] = sim->cut->rest == SIM_ERASED ? 0xff : 0x5a ^ (uint8_t)(i * 151 >> 3);
	sim->off = true;
	return -EIO;
}

/* Power is there, all faults are gone. */
__attribute__((unused))
static void sim_power(struct sim *sim)
{
	sim->off = false;
	sim->writes = 0;
	sim->cut_at = SIM_NO_CUT;
	sim->fail_write = SIM_NO_CUT;
	sim->fail_read_at = ~0ull;
	sim->worn = false;
	sim->size = SIM_BYTES;
}

__attribute__((unused))
static struct npu_flash_io sim_io(struct sim *sim)
{
	return (struct npu_flash_io){ sim_read, sim_write, sim, sim->size };
}

/* SHA-256 of the image with its hash taken as zero. */
__attribute__((unused))
static void sim_hash(const void *image, uint64_t size, uint8_t hash[NPU_FW_HASH_BYTES])
{
	uint8_t *copy = malloc(size);

	memcpy(copy, image, size);
	memset(copy + offsetof(struct npu_fw_header, hash), 0, NPU_FW_HASH_BYTES);
	crypto_hash_sha256(hash, copy, size);
	free(copy);
}

/* An image of SIM_IMAGE_BYTES; its bytes depend on version and security. */
__attribute__((unused))
static void sim_image(uint8_t image[SIM_IMAGE_BYTES], const char *version, uint32_t security)
{
	struct npu_fw_header h = {
		.magic = NPU_FW_MAGIC,
		.header_version = NPU_FW_HEADER_VERSION,
		.header_size = sizeof(h),
		.image_size = SIM_IMAGE_BYTES,
		.security_version = security,
	};
	uint8_t seed[randombytes_SEEDBYTES] = { security };

	strcpy(h.version, version);
	memcpy(seed + 1, version, strlen(version));
	randombytes_buf_deterministic(image, SIM_IMAGE_BYTES, seed);
	memcpy(image, &h, sizeof(h));
	sim_hash(image, SIM_IMAGE_BYTES, h.hash);
	memcpy(image, &h, sizeof(h));
}

/* The boot ROM as far as these images need it. */
__attribute__((unused))
static enum npu_boot_error sim_judge_fn(void *opaque, const void *image, uint64_t size,
					uint32_t security_counter)
{
	struct npu_fw_header h;
	uint8_t hash[NPU_FW_HASH_BYTES];

	(void)opaque;
	if (size < sizeof(h))
		return NPU_BOOT_SIZE;
	memcpy(&h, image, sizeof(h));
	if (h.magic != NPU_FW_MAGIC)
		return NPU_BOOT_MAGIC;
	if (h.image_size != size)
		return NPU_BOOT_SIZE;
	sim_hash(image, size, hash);
	if (memcmp(hash, h.hash, sizeof(hash)))
		return NPU_BOOT_HASH;
	return h.security_version < security_counter ? NPU_BOOT_SECURITY : NPU_BOOT_OK;
}

static const struct npu_flash_judge sim_judge __attribute__((unused)) = { sim_judge_fn, NULL };

/* A new flash with this golden image; power is on. */
__attribute__((unused))
static int sim_create(struct sim *sim, const char *golden, uint32_t security)
{
	uint8_t image[SIM_IMAGE_BYTES];
	struct npu_flash flash;
	struct npu_flash_io io;

	memset(sim, 0, sizeof(*sim));
	sim_power(sim);
	io = sim_io(sim);
	sim_image(image, golden, security);
	return npu_flash_create(&flash, &io, SIM_SLOT_BYTES, image, sizeof(image), security);
}

__attribute__((unused))
static int sim_stage(struct sim *sim, const char *version, uint32_t security)
{
	uint8_t image[SIM_IMAGE_BYTES];
	struct npu_flash_io io = sim_io(sim);
	struct npu_flash_staged staged;
	struct npu_flash flash;
	int ret;

	ret = npu_flash_open(&flash, &io);
	if (ret)
		return ret;
	sim_image(image, version, security);
	return npu_flash_stage(&flash, &sim_judge, NPU_FW_SOURCE_HOST, image, sizeof(image),
			       &staged);
}

__attribute__((unused))
static int sim_rollback(struct sim *sim)
{
	struct npu_flash_io io = sim_io(sim);
	struct npu_flash flash;
	int ret = npu_flash_open(&flash, &io);

	return ret ? ret : npu_flash_rollback(&flash);
}

struct sim_boot {
	int ret;			/* of open or choose */
	char version[32];		/* of what ran, "" if nothing did */
	uint32_t attempt;
	uint32_t found;
	enum npu_fw_source source;
};

/* One boot of the device: choose, run, become healthy unless sick. */
__attribute__((unused))
static struct sim_boot sim_boot(struct sim *sim)
{
	struct npu_flash_io io = sim_io(sim);
	struct npu_flash_choice choice;
	struct sim_boot boot = { 0 };
	struct npu_fw_header h;
	struct npu_flash flash;

	boot.ret = npu_flash_open(&flash, &io);
	if (boot.ret)
		return boot;
	boot.ret = npu_flash_choose(&flash, &sim_judge, &choice);
	boot.found = choice.found;
	if (boot.ret)
		return boot;
	memcpy(&h, choice.image, sizeof(h));
	free(choice.image);
	strcpy(boot.version, h.version);
	boot.attempt = choice.attempt;
	boot.source = choice.source;
	if (strncmp(h.version, "sick", 4))
		npu_flash_confirm(&flash, choice.source, choice.security_version);
	return boot;
}

/* Whether the next boot runs exactly this version. */
__attribute__((unused))
static bool sim_boots(struct sim *sim, const char *version)
{
	struct sim_boot boot = sim_boot(sim);

	if (!boot.ret && !strcmp(boot.version, version))
		return true;
	tap_diag("boot: %d, version '%s', found %#x; expected '%s'", boot.ret, boot.version,
		 boot.found, version);
	return false;
}

/* The state that counts, all ones if the flash does not open. */
__attribute__((unused))
static struct npu_flash_state sim_state(struct sim *sim)
{
	struct npu_flash_io io = sim_io(sim);
	struct npu_flash flash;

	if (npu_flash_open(&flash, &io))
		memset(&flash.state, 0xff, sizeof(flash.state));
	return flash.state;
}

#endif

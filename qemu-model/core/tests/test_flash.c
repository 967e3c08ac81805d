/* SPDX-License-Identifier: MIT */
/*
 * Boot from flash by the device: which slot, what is counted and confirmed, the security counter,
 * and a power cut at every write.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev_key.h"
#include "flash.h"
#include "host.h"
#include "tap.h"

#define SLOT (256u << 10)

/* Flash in memory. The write number `cut` and all after it are lost; that one leaves garbage. */
struct chip {
	uint8_t *bytes;
	uint64_t size;
	unsigned int writes;
	unsigned int cut;	/* counted from 1; 0: never */
	bool torn;
};

static int chip_read(void *opaque, uint64_t at, void *to, size_t bytes)
{
	struct chip *c = opaque;

	if (at > c->size || bytes > c->size - at)
		return -EIO;
	memcpy(to, c->bytes + at, bytes);
	return 0;
}

static int chip_write(void *opaque, uint64_t at, const void *from, size_t bytes)
{
	struct chip *c = opaque;

	c->writes++;
	if (c->cut && c->writes > c->cut)
		return -EIO;
	if (c->cut == c->writes) {
		if (c->torn) {
			memset(c->bytes + at, 0x5a, bytes);
			memcpy(c->bytes + at, from, bytes / 2);
		}
		return -EIO;
	}
	memcpy(c->bytes + at, from, bytes);
	return 0;
}

static enum npu_boot_error accept(void *opaque, const void *image, uint64_t size,
				  uint32_t security_counter)
{
	(void)opaque;
	(void)image;
	(void)size;
	(void)security_counter;
	return NPU_BOOT_OK;
}

static const struct npu_flash_judge anything = { .judge = accept };

static struct npu_flash_io io_of(struct chip *c)
{
	return (struct npu_flash_io) {
		.read = chip_read, .write = chip_write, .opaque = c, .size = c->size,
	};
}

/* A device that has this flash and no memory of before */
static struct host *power_on(struct chip *c, bool development)
{
	const struct npu_core_config config = {
		.machine = npu_machine_default, .threads = 1, .development = development,
		.flash = { .read = chip_read, .write = chip_write, .opaque = c, .size = c->size },
	};

	return host_new_config(&config, 16);
}

/* An image of this version; free() it. */
static void *image(const char *version, uint32_t security, size_t *size)
{
	struct host *h = host_new(&npu_machine_default, 1, 1);
	void *data;

	h->version = version;
	h->security_version = security;
	data = host_image(h, size);
	host_free(h);
	return data;
}

static void chip_new(struct chip *c)
{
	struct npu_flash_io io;
	struct npu_flash flash;
	size_t size;
	void *golden = image("golden", 1, &size);

	*c = (struct chip) { .size = npu_flash_bytes(SLOT) };
	c->bytes = calloc(1, c->size);
	io = io_of(c);
	if (npu_flash_create(&flash, &io, SLOT, golden, size, 1))
		tap_diag("create: %s", flash.why);
	free(golden);
}

static int stage(struct chip *c, const char *version, uint32_t security)
{
	struct npu_flash_io io = io_of(c);
	struct npu_flash_staged staged;
	struct npu_flash flash;
	size_t size;
	void *data = image(version, security, &size);
	int ret = npu_flash_open(&flash, &io);

	if (!ret)
		ret = npu_flash_stage(&flash, &anything, NPU_FW_SOURCE_HOST, data, size, &staged);
	free(data);
	return ret;
}

/* Powers on, boots, waits until the firmware has said that it is healthy. The version, or "". */
static const char *boot(struct chip *c, uint32_t *source, uint32_t *counter)
{
	static char version[33];
	struct host *h = power_on(c, true);
	struct npu_msg ready;
	uint32_t beat;

	version[0] = 0;
	if (host_boot_flash(h, &ready)) {
		memcpy(version, ready.ready.version, 32);
		beat = __atomic_load_n(&h->status->heartbeat, __ATOMIC_RELAXED);
		host_differs(&h->status->heartbeat, beat, 5000);
		beat = __atomic_load_n(&h->status->heartbeat, __ATOMIC_RELAXED);
		host_differs(&h->status->heartbeat, beat, 5000);
	}
	*source = npu_core_reg_read(h->core, NPU_REG_FW_SOURCE);
	*counter = npu_core_reg_read(h->core, NPU_REG_SECURITY);
	host_free(h);
	return version;
}

static void test_life(void)
{
	uint32_t source, counter;
	struct chip c;

	chip_new(&c);
	tap_ok(!strcmp(boot(&c, &source, &counter), "golden") &&
	       source == NPU_FW_SOURCE_GOLDEN && counter == 1,
	       "flash: with empty slots the golden image boots");
	stage(&c, "2.0", 1);
	tap_ok(!strcmp(boot(&c, &source, &counter), "2.0") && source == NPU_FW_SOURCE_SLOT_A,
	       "flash: a staged image boots");
	stage(&c, "3.0", 2);
	tap_ok(!strcmp(boot(&c, &source, &counter), "3.0") && source == NPU_FW_SOURCE_SLOT_B &&
	       counter == 2, "flash: the next one goes to the other slot and raises the counter");
	c.bytes[npu_flash_slot_at(SLOT, NPU_FW_SOURCE_SLOT_B) + 1000] ^= 1;
	tap_ok(!strcmp(boot(&c, &source, &counter), "") && counter == 2,
	       "flash: when it rots, images below the counter do not come back");
	free(c.bytes);
}

/* What a refusal says: each slot's error. */
static void test_refused(void)
{
	struct npu_msg ready;
	struct host *h;
	struct chip c;

	chip_new(&c);
	stage(&c, "2.0", 1);
	h = power_on(&c, false);
	tap_ok(!host_boot_flash(h, &ready) &&
	       npu_core_reg_read(h->core, NPU_REG_STATE) == NPU_STATE_ERROR &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_FLASH &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR_FOUND) ==
	       (NPU_BOOT_DEV_KEY | NPU_BOOT_DEV_KEY << 16) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR_WANTED) == 0,
	       "refused: in production state nothing that the development key has signed boots");
	host_free(h);
	memset(c.bytes + NPU_FLASH_STATE_AT(0), 0, 2 * NPU_FLASH_SECTOR);
	h = power_on(&c, true);
	tap_ok(!host_boot_flash(h, &ready) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_FLASH &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR_WANTED) == 2,
	       "refused: a flash without a state is damaged");
	host_boot(h);
	tap_ok(npu_core_reg_read(h->core, NPU_REG_FW_SOURCE) == NPU_FW_SOURCE_HOST,
	       "refused: in development state an image from the driver boots all the same");
	host_free(h);
	h = power_on(&c, false);
	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_BOOT, 1);
	tap_ok(host_state(h, NPU_STATE_ERROR, 5000) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_FLASH &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR_WANTED) == 2,
	       "refused: in production state none does: the counter is lost");
	host_free(h);
	free(c.bytes);
	h = host_new(&npu_machine_default, 16, 1);
	tap_ok(!host_boot_flash(h, &ready) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_FLASH &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR_WANTED) == 1 &&
	       !(npu_core_reg_read(h->core, NPU_REG_FLASH) & NPU_FLASH_PRESENT),
	       "refused: a device without flash says so");
	host_free(h);
}

/*
 * One update from 2.0 to 3.0: staged, booted, confirmed; cut at write @cut. Returns how many writes
 * it takes; *booted is what a device boots that has power again.
 */
static unsigned int update(unsigned int cut, bool torn, char booted[33], char again[33],
			   uint32_t *counter)
{
	uint32_t source;
	unsigned int writes;
	struct chip c;

	chip_new(&c);
	stage(&c, "2.0", 1);
	boot(&c, &source, counter);
	c.writes = 0;
	c.cut = cut;
	c.torn = torn;
	if (!stage(&c, "3.0", 2))
		boot(&c, &source, counter);
	writes = c.writes;
	c.cut = 0;
	strcpy(booted, boot(&c, &source, counter));
	strcpy(again, boot(&c, &source, counter));
	free(c.bytes);
	return writes;
}

static void test_cuts(void)
{
	char booted[33], again[33];
	unsigned int writes, boot_writes = 0, old = 0;
	bool ok = true, once_new = false;
	uint32_t counter;

	writes = update(0, false, booted, again, &counter);
	tap_ok(!strcmp(booted, "3.0") && !strcmp(again, "3.0") && counter == 2,
	       "cuts: without one the update is in force");
	for (unsigned int cut = 1; cut <= writes; cut++) {
		for (int torn = 0; torn < 2; torn++) {
			bool is_new;

			update(cut, torn, booted, again, &counter);
			is_new = !strcmp(booted, "3.0");
			/* once the image is staged each later cut leaves the new one */
			ok &= (is_new || (!once_new && !strcmp(booted, "2.0"))) &&
			      !strcmp(again, booted) && counter == (is_new ? 2 : 1);
			if (!ok) {
				tap_diag("cut %u of %u, torn %d: '%s', '%s', counter %u", cut,
					 writes, torn, booted, again, counter);
				goto out;
			}
			old += !is_new;
			boot_writes += is_new;
			once_new |= is_new && torn;
		}
	}
out:
	tap_ok(ok && old && boot_writes,
	       "cuts: at each of %u writes, the device boots 2.0 before the update and 3.0 after",
	       writes);
	tap_diag("%u cuts left the old image, %u the new one", old, boot_writes);
}

static void test_host_counter(void)
{
	struct npu_core_config config = {
		.machine = npu_machine_default, .threads = 1, .development = true,
		.security_counter = 3,
	};
	struct host *h = host_new_config(&config, 16);

	h->security_version = 2;
	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_BOOT, 1);
	tap_ok(host_state(h, NPU_STATE_ERROR, 5000) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_SECURITY &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR_FOUND) == 2 &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR_WANTED) == 3,
	       "counter: an image below it is refused");
	h->security_version = 5;
	host_boot(h);
	host_differs(&h->status->heartbeat, h->status->heartbeat, 5000);
	host_differs(&h->status->heartbeat, h->status->heartbeat, 5000);
	tap_ok(npu_core_reg_read(h->core, NPU_REG_SECURITY) == 5,
	       "counter: a healthy boot raises it, without flash too");
	npu_core_reset(h->core);
	h->security_version = 4;
	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_BOOT, 1);
	tap_ok(host_state(h, NPU_STATE_ERROR, 5000) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_SECURITY,
	       "counter: a reset does not take it back");
	host_free(h);
}

static void test_keys(void)
{
	struct npu_core_config config = {
		.machine = npu_machine_default, .threads = 1, .has_fused_key = true,
	};
	uint8_t seed[32] = { 1, 2, 3 };
	struct host *h;

	memset(config.fused_key, 0x77, sizeof(config.fused_key));
	h = host_new_config(&config, 16);
	h->seed = NULL;
	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_BOOT, 1);
	tap_ok(host_state(h, NPU_STATE_ERROR, 5000) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_SIGNATURE &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR_FOUND) == NPU_FW_SIGNATURE_NONE,
	       "keys: an unsigned image is refused");
	h->seed = seed;
	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_BOOT, 1);
	tap_ok(host_state(h, NPU_STATE_ERROR, 5000) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_KEY &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR_WANTED) == 0x77777777,
	       "keys: one signed by another key than the fused one is refused");
	h->seed = npu_dev_key_seed;
	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_BOOT, 1);
	tap_ok(host_state(h, NPU_STATE_ERROR, 5000) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_DEV_KEY,
	       "keys: the development key is refused in production state");
	host_free(h);
}

int main(void)
{
	test_life();
	test_refused();
	test_host_counter();
	test_keys();
	test_cuts();
	return tap_done();
}

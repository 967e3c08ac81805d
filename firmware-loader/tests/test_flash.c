// SPDX-License-Identifier: MIT
/* The flash: what boots, what is staged where, what is refused. Cuts: test_flash_cut.c */
#include "flash_sim.h"

#define A	NPU_FW_SOURCE_SLOT_A
#define B	NPU_FW_SOURCE_SLOT_B
#define GOLDEN	NPU_FW_SOURCE_GOLDEN
#define HOST	NPU_FW_SOURCE_HOST

static struct sim sim;
static struct npu_flash flash;
static uint8_t image[SIM_IMAGE_BYTES];

static int open_flash(void)
{
	struct npu_flash_io io = sim_io(&sim);

	return npu_flash_open(&flash, &io);
}

static bool says(int ret, int wanted, const char *why)
{
	if (ret == wanted && !strcmp(flash.why, why))
		return true;
	tap_diag("ret %d '%s'", ret, flash.why);
	return false;
}

/* The next boot: this version from there, with this found word. */
static bool boots(const char *version, enum npu_fw_source source, uint32_t attempt, uint32_t found)
{
	struct sim_boot b = sim_boot(&sim);

	if (!b.ret && !strcmp(b.version, version) && b.source == source && b.attempt == attempt &&
	    b.found == found)
		return true;
	tap_diag("ret %d version '%s' source %d attempt %u found %#x", b.ret, b.version, b.source,
		 b.attempt, b.found);
	return false;
}

static bool slot_is(enum npu_fw_source slot, uint32_t state, uint32_t attempts)
{
	struct npu_flash_state s = sim_state(&sim);
	const struct npu_flash_slot *found = &s.slot[slot - A];

	if (found->state == state && found->attempts == attempts)
		return true;
	tap_diag("slot %d: state %u attempts %u", slot, found->state, found->attempts);
	return false;
}

/* Alters the image at source; a second time takes it back. */
static void rot(enum npu_fw_source source)
{
	sim.bytes[npu_flash_slot_at(SIM_SLOT_BYTES, source) + 5000] ^= 1;
}

/* v1 confirmed in A, v2 confirmed and active in B; all of security version 1 */
static void two(void)
{
	sim_create(&sim, "g", 1);
	sim_stage(&sim, "v1", 1);
	sim_boot(&sim);
	sim_stage(&sim, "v2", 1);
	sim_boot(&sim);
	sim_power(&sim);
}

/* Writes a state over sector i as if it belonged there. */
static void forge(unsigned int i, struct npu_flash_state s)
{
	crypto_hash_sha256(s.sha256, (const uint8_t *)&s, sizeof(s) - 32);
	memcpy(sim.bytes + NPU_FLASH_STATE_AT(i), &s, sizeof(s));
}

static void test_layout(void)
{
	tap_ok(!sim_create(&sim, "g", 1) && !memcmp(sim.bytes, "NPUFLASH", 8) &&
	       !memcmp(sim.bytes + 8, "\1\0\0\0\170\0\0\0\0\100\0\0\20\47\0\0", 16),
	       "flash: header: magic, version 1, 120 bytes, slots of 16384, golden of 10000");
	sim_image(image, "g", 1);
	tap_ok(!memcmp(sim.bytes + 0x3000, image, sizeof(image)),
	       "flash: the golden image is in sector 3");
	two();
	sim_image(image, "v1", 1);
	tap_ok(!memcmp(sim.bytes + 0x3000 + 0x4000, image, sizeof(image)),
	       "flash: slot A is behind the golden image's room");
	sim_image(image, "v2", 1);
	tap_ok(!memcmp(sim.bytes + 0x3000 + 0x8000, image, sizeof(image)) &&
	       npu_flash_bytes(0x4000) == 0x3000 + 0xc000, "flash: slot B is behind slot A, and last");
}

static void test_update(void)
{
	unsigned int i, wrong = 0;

	sim_create(&sim, "g", 1);
	tap_ok(boots("g", GOLDEN, 0, 0) && sim_state(&sim).active == 0,
	       "flash: a new one boots golden");
	tap_ok(!sim_stage(&sim, "v1", 1) && slot_is(A, NPU_FLASH_SLOT_STAGED, 0) &&
	       boots("v1", A, 1, 0) && slot_is(A, NPU_FLASH_SLOT_CONFIRMED, 0) &&
	       sim_state(&sim).active == A, "flash: a good update is confirmed by its first boot");
	sim_power(&sim);
	tap_ok(boots("v1", A, 0, 0) && !sim.writes,
	       "flash: a boot of a confirmed image writes nothing");
	tap_ok(!sim_stage(&sim, "v2", 1) && slot_is(B, NPU_FLASH_SLOT_STAGED, 0) &&
	       boots("v2", B, 1, 0) && boots("v2", B, 0, 0) &&
	       slot_is(A, NPU_FLASH_SLOT_CONFIRMED, 0), "flash: the next one goes into the other slot");
	sim_stage(&sim, "sick", 1);
	for (i = 0; i < NPU_FLASH_ATTEMPTS; i++)
		wrong += !boots("sick", A, i + 1, 0) ||
			 !slot_is(A, NPU_FLASH_SLOT_STAGED, i + 1);
	tap_ok(!wrong && NPU_FLASH_ATTEMPTS == 3 && boots("v2", B, 0, NPU_BOOT_FLASH) &&
	       slot_is(A, NPU_FLASH_SLOT_BAD, 3) && boots("v2", B, 0, NPU_BOOT_FLASH),
	       "flash: one that never confirms is tried exactly 3 times, then the old one boots");
	tap_ok(!sim_stage(&sim, "v3", 1) && boots("v3", A, 1, 0),
	       "flash: the next update goes over the bad one");

	sim_create(&sim, "g", 1);
	sim_stage(&sim, "sick", 1);
	for (i = 0; i < NPU_FLASH_ATTEMPTS; i++)
		sim_boot(&sim);
	tap_ok(boots("g", GOLDEN, 0, NPU_BOOT_FLASH),
	       "flash: a first update that never confirms gives way to golden");
	tap_ok(!sim_stage(&sim, "v1", 1) && slot_is(B, NPU_FLASH_SLOT_STAGED, 0) &&
	       boots("v1", B, 1, NPU_BOOT_FLASH),
	       "flash: the next update goes beside a bad one, into the empty slot");
}

static void test_passed_over(void)
{
	struct npu_flash_choice choice;

	two();
	rot(B);
	tap_ok(boots("v1", A, 0, NPU_BOOT_HASH << 8) && sim_state(&sim).active == A,
	       "flash: an active image that is altered is passed over for the other confirmed one, "
	       "which becomes active");
	rot(A);
	tap_ok(boots("g", GOLDEN, 0, NPU_BOOT_HASH | NPU_BOOT_HASH << 8),
	       "flash: both slots altered: golden boots");
	rot(GOLDEN);
	open_flash();
	tap_ok(says(npu_flash_choose(&flash, &sim_judge, &choice), -ENOENT,
		    "nothing in it boots: slot A has error 6, slot B 6, golden 6; "
		    "stage an image that is good") &&
	       choice.found == 0x060606 && !choice.image,
	       "flash: golden altered, too: nothing boots, and the three errors are found");
	rot(A);
	tap_ok(boots("v1", A, 0, 0), "flash: what became good again boots again");
	two();
	sim.fail_read_at = npu_flash_slot_at(SIM_SLOT_BYTES, B) + NPU_FLASH_SECTOR;
	tap_ok(boots("v1", A, 0, NPU_BOOT_BUS << 8), "flash: a slot that cannot be read is passed over");
	two();
	sim_stage(&sim, "v3", 1);
	rot(A);
	sim_power(&sim);
	tap_ok(boots("v2", B, 0, NPU_BOOT_HASH) && slot_is(A, NPU_FLASH_SLOT_STAGED, 0) &&
	       !sim.writes, "flash: a staged image that is altered is passed over, no attempt counted");
	two();
	sim_stage(&sim, "v3", 1);
	sim_power(&sim);
	sim.fail_write = 0;
	tap_ok(boots("v2", B, 0, NPU_BOOT_BUS) && slot_is(A, NPU_FLASH_SLOT_STAGED, 0),
	       "flash: a staged image whose attempt cannot be counted is not tried");
	two();
	sim_stage(&sim, "sick", 1);
	open_flash();
	sim_power(&sim);
	tap_ok(!npu_flash_preview(&flash, &sim_judge, &choice) && choice.source == A &&
	       choice.attempt == 1 && !sim.writes && slot_is(A, NPU_FLASH_SLOT_STAGED, 0),
	       "flash: a preview tells the next boot and writes nothing");
	free(choice.image);
}

static void test_security(void)
{
	two();
	sim_stage(&sim, "v3", 5);
	tap_ok(sim_state(&sim).security_counter == 1, "flash: staging raises no counter");
	tap_ok(boots("v3", A, 1, 0) && sim_state(&sim).security_counter == 5,
	       "flash: a healthy boot raises the counter to the image's security version");
	tap_ok(sim_stage(&sim, "v4", 4) == -EINVAL && slot_is(B, NPU_FLASH_SLOT_CONFIRMED, 0),
	       "flash: an image below the counter is not staged, and nothing is written");
	rot(A);
	tap_ok(sim_boot(&sim).ret == -ENOENT &&
	       sim_boot(&sim).found == (NPU_BOOT_HASH | NPU_BOOT_SECURITY << 8 |
					NPU_BOOT_SECURITY << 16),
	       "flash: slot and golden image below the counter do not boot");
	rot(A);
	open_flash();
	tap_ok(says(npu_flash_rollback(&flash), -EPERM,
		    "slot B has security version 1, the device wants 5 or above; stage "
		    "a newer image") &&
	       boots("v3", A, 0, 0), "flash: no rollback below the counter");
	sim_stage(&sim, "v5", 5);
	sim_boot(&sim);
	tap_ok(!sim_rollback(&sim) && boots("v3", A, 0, 0) && sim_state(&sim).security_counter == 5,
	       "flash: rollback at the counter, which stays");

	two();
	open_flash();
	tap_ok(!npu_flash_confirm(&flash, HOST, 7) && sim_state(&sim).security_counter == 7 &&
	       !npu_flash_confirm(&flash, GOLDEN, 6) && sim_state(&sim).security_counter == 7 &&
	       sim_state(&sim).active == B, "flash: healthy images from elsewhere raise the counter "
	       "and change no slot; nothing lowers it");
	memset(sim.bytes + NPU_FLASH_STATE_AT(0), 0xff, NPU_FLASH_SECTOR);
	tap_ok(sim_state(&sim).security_counter == 7, "flash: the loss of a state sector does not "
	       "take the counter back");
	two();
	open_flash();
	npu_flash_confirm(&flash, HOST, 7);
	memset(sim.bytes + NPU_FLASH_STATE_AT(1), 0xff, NPU_FLASH_SECTOR);
	tap_ok(sim_state(&sim).security_counter == 7, "flash: nor does that of the other one");

	two();
	sim_stage(&sim, "v3", 3);
	open_flash();
	sim_power(&sim);
	tap_ok(says(npu_flash_confirm(&flash, A, 9), -EINVAL,
		    "slot A has security version 3, not 9") && !sim.writes,
	       "flash: a slot is confirmed with its own security version");
	sim_create(&sim, "g", 1);
	open_flash();
	sim_power(&sim);
	tap_ok(says(npu_flash_confirm(&flash, A, 1), -EINVAL,
		    "slot A holds nothing to confirm, its state is 0") &&
	       says(npu_flash_confirm(&flash, 4, 1), -EINVAL, "image source 4, wanted at most 3") &&
	       !sim.writes, "flash: an empty slot and an unknown source are not confirmed");
}

static void test_rollback(void)
{
	sim_create(&sim, "g", 1);
	open_flash();
	tap_ok(says(npu_flash_rollback(&flash), -ENOENT, "there is nothing to go back to: no second "
		    "slot was ever healthy; stage the image that you want"),
	       "flash: rollback of a new one is refused");
	sim_stage(&sim, "v1", 1);
	sim_boot(&sim);
	sim_stage(&sim, "v2", 1);
	tap_ok(sim_rollback(&sim) == -ENOENT && boots("v2", B, 1, 0),
	       "flash: rollback to an image that was never healthy is refused");
	tap_ok(!sim_rollback(&sim) && boots("v1", A, 0, 0) && !sim_rollback(&sim) &&
	       boots("v2", B, 0, 0), "flash: rollback goes to the other confirmed image, and back");
	rot(A);
	open_flash();
	tap_ok(says(npu_flash_rollback(&flash), -EUCLEAN,
		    "the image in slot A was altered; stage it again") && boots("v2", B, 0, 0),
	       "flash: rollback to an altered image is refused");
	sim.fail_read_at = npu_flash_slot_at(SIM_SLOT_BYTES, A);
	tap_ok(says(npu_flash_rollback(&flash), -EIO, "cannot read slot A: Input/output error"),
	       "flash: rollback to an image that cannot be read is refused");
}

static int stage_booted(enum npu_fw_source booted, const char *version,
			struct npu_flash_staged *staged)
{
	sim_image(image, version, 1);
	open_flash();
	return npu_flash_stage(&flash, &sim_judge, booted, image, sizeof(image), staged);
}

static void test_stage(void)
{
	static uint8_t big[SIM_SLOT_BYTES + 1];
	struct npu_fw_header h = { .magic = NPU_FW_MAGIC, .image_size = SIM_SLOT_BYTES,
				    .security_version = 1, .version = "big" };
	struct npu_flash_staged staged;
	int ret;

	two();
	ret = stage_booted(HOST, "v2", &staged);
	tap_ok(says(ret, -EALREADY, "slot B holds this image and is active") && staged.slot == B &&
	       !staged.withdrawn && !sim.writes, "flash: the active image is not staged again");
	sim_stage(&sim, "v3", 1);
	sim_power(&sim);
	ret = stage_booted(HOST, "v2", &staged);
	tap_ok(ret == -EALREADY && staged.withdrawn == A && sim.writes == 1 &&
	       slot_is(A, NPU_FLASH_SLOT_EMPTY, 0) && boots("v2", B, 0, 0),
	       "flash: staging the active image withdraws another staged one");
	two();
	rot(B);
	tap_ok(!sim_stage(&sim, "v2", 1) && boots("v2", B, 1, 0),
	       "flash: an altered active image may be staged again, into its own slot");
	two();
	sim_stage(&sim, "sick", 1);
	sim_boot(&sim);
	sim_boot(&sim);
	tap_ok(!sim_stage(&sim, "v3", 1) && boots("v3", A, 1, 0),
	       "flash: a staged image takes the place of another one, with all attempts");
	two();
	sim_stage(&sim, "v3", 1);
	ret = stage_booted(A, "v4", &staged);
	tap_ok(says(ret, -EBUSY, "the image of slot A runs on trial; let it become healthy, or reset "
		    "the device") && boots("v3", A, 1, 0), "flash: nothing is staged during a trial");
	sim_rollback(&sim);
	ret = stage_booted(A, "v4", &staged);
	tap_ok(says(ret, -EBUSY, "the running image came from slot A, which is to be written; reset "
		    "the device") && boots("v2", B, 0, 0), "flash: the booted slot is not written");

	two();
	open_flash();
	memcpy(big, &h, sizeof(h));
	sim_hash(big, SIM_SLOT_BYTES, big + offsetof(struct npu_fw_header, hash));
	tap_ok(!npu_flash_stage(&flash, &sim_judge, HOST, big, SIM_SLOT_BYTES, &staged) &&
	       boots("big", A, 1, 0), "flash: an image may be as large as a slot");
	tap_ok(says(npu_flash_stage(&flash, &sim_judge, HOST, big, SIM_SLOT_BYTES + 1, &staged),
		    -EFBIG, "the image has 16385 bytes, the slots 16384; make a flash "
		    "with larger slots"),
	       "flash: a byte more is refused");
	big[300] ^= 1;
	sim_power(&sim);
	tap_ok(says(npu_flash_stage(&flash, &sim_judge, HOST, big, SIM_SLOT_BYTES, &staged),
		    -EINVAL, "the image is refused with error 6") &&
	       staged.error == NPU_BOOT_HASH && !sim.writes, "flash: an image that the judge refuses is not staged");
	tap_ok(npu_flash_stage(&flash, &sim_judge, HOST, big, 0, &staged) == -EINVAL &&
	       staged.error == NPU_BOOT_SIZE, "flash: an empty image is refused");

	two();
	sim.worn = true;
	ret = stage_booted(HOST, "v3", &staged);
	tap_ok(says(ret, -EIO, "the sector at byte 4096 does not hold what was written; the flash is "
		    "worn out, replace it") && boots("v2", B, 0, 0),
	       "flash: a state that reads back otherwise is an error");
	two();
	sim_stage(&sim, "v3", 1);
	sim.bytes[npu_flash_slot_at(SIM_SLOT_BYTES, A)] ^= 1;
	sim_power(&sim);
	sim.fail_write = 2;
	ret = stage_booted(HOST, "v4", &staged);
	tap_ok(says(ret, -EIO, "cannot write the sector at byte 32768: Input/output error") &&
	       boots("v2", B, 0, 0), "flash: an error in the middle of an update leaves the old one");
}

static void test_damaged(void)
{
	struct npu_flash_state s;
	unsigned int i, newest, wrong = 0;
	static struct sim good;

	two();
	sim_stage(&sim, "v3", 1);
	good = sim;
	open_flash();
	newest = flash.state_at;
	/* the state before it says slot A is EMPTY */
	for (i = 0; i < 8 * sizeof(s); i++) {
		sim = good;
		sim.bytes[NPU_FLASH_STATE_AT(newest) + i / 8] ^= 1 << i % 8;
		wrong += !boots("v2", B, 0, 0);
	}
	tap_ok(!wrong, "flash: each altered bit of the newest state lets the one before it count");
	sim = good;
	sim.fail_read_at = NPU_FLASH_STATE_AT(newest);
	tap_ok(boots("v2", B, 0, 0), "flash: so does a state that cannot be read");
	sim.bytes[NPU_FLASH_STATE_AT(!newest)] ^= 1;
	tap_ok(says(open_flash(), -EUCLEAN, "both of its state sectors are damaged, which no power "
		    "cut does; make it anew with npu-fw flash-init --force --security N"),
	       "flash: both states damaged: it does not open, and golden does not boot");
	for (i = wrong = 0; i < 8 * sizeof(struct npu_flash_header); i++) {
		sim = good;
		sim.bytes[i / 8] ^= 1 << i % 8;
		wrong += open_flash() != (i < 8 * 16 ? -EINVAL : -EUCLEAN);
	}
	tap_ok(!wrong, "flash: each altered bit of the header is refused");
	sim = good;
	sim.bytes[7] ^= 1;
	tap_ok(says(open_flash(), -EINVAL, "it is no NPU flash: magic word 0x4953414c4655504e, wanted "
		    "0x4853414c4655504e; make one with npu-fw flash-init"), "flash: magic in words");
	sim = good;
	sim.bytes[8] = 2;
	tap_ok(says(open_flash(), -EINVAL, "its layout is version 2 with a header of 120 bytes, wanted "
		    "1 and 120; use a npu-fw of its time"), "flash: version in words");
	sim = good;
	sim.bytes[100] ^= 1;
	tap_ok(says(open_flash(), -EUCLEAN, "its header is damaged, or it was not made to the end; "
		    "make it anew with npu-fw flash-init --force --security N"),
	       "flash: damaged header in words");
	sim = good;
	sim.fail_read_at = 0;
	tap_ok(says(open_flash(), -EIO, "cannot read its header: Input/output error"),
	       "flash: a header that cannot be read");
	for (i = wrong = 0; i < SIM_BYTES; i += 512) {
		sim = good;
		sim.size = i;
		wrong += open_flash() != -EINVAL;
	}
	sim.size = SIM_BYTES - 1;
	tap_ok(!wrong && says(open_flash(), -EINVAL, "it is cut off: it has 61439 bytes, its header "
			      "wants 61440; make it anew with npu-fw flash-init --force "
			      "--security N"),
	       "flash: each truncated length is refused");
	sim.size = 100;
	tap_ok(says(open_flash(), -EINVAL, "it is no NPU flash: it has 100 bytes, wanted at least "
		    "24576; make one with npu-fw flash-init"), "flash: a small file is none");

#define REFUSED(change, text) do { \
		sim = good; \
		s = sim_state(&sim); \
		change; \
		forge(newest, s); \
		tap_ok(open_flash() == -EUCLEAN, "flash: a state is refused with " text); \
	} while (0)
	REFUSED(s.active = 3, "a third slot active");
	REFUSED(s.active = A, "an active slot that is not confirmed");
	REFUSED(s.active = 0, "a confirmed slot and none active");
	REFUSED(s.slot[0].state = 4, "an unknown slot state");
	REFUSED(s.slot[0].image_size = SIM_SLOT_BYTES + 1, "an image larger than its slot");
	REFUSED(s.slot[0].image_size = 0, "an image of no bytes");
	REFUSED((s.active = 0, s.slot[1].state = NPU_FLASH_SLOT_STAGED), "two staged images");
	REFUSED(s.reserved[15] = 1, "a reserved byte that is not zero");
	REFUSED(s.sequence++, "a gap in the sequence");
	REFUSED(s.sequence--, "the sequence of the other one");
	REFUSED(s.security_counter = 0, "a counter below that of the one before it");
	sim = good;
	s = sim_state(&sim);
	s.sequence = UINT64_MAX - 1;
	forge(!newest, s);
	s.sequence = UINT64_MAX;
	forge(newest, s);
	open_flash();
	tap_ok(says(npu_flash_confirm(&flash, HOST, 9), -EUCLEAN, "its state has the last sequence "
		    "number there is; make it anew with npu-fw flash-init --force --security N"),
	       "flash: the sequence does not wrap");
}

static void test_create(void)
{
	struct npu_flash_io io;

	sim_create(&sim, "g", 1);
	io = sim_io(&sim);
	sim_image(image, "g", 1);
#define CREATE(slot, size) npu_flash_create(&flash, &io, slot, image, size, 0)
	tap_ok(says(CREATE(0, 10000), -EINVAL,
		    "slots of 0 bytes, wanted a multiple of 4096 up to 4194304") &&
	       CREATE(4095, 10) == -EINVAL && CREATE((4u << 20) + 4096, 10000) == -EINVAL,
	       "flash: slots are whole sectors within NPU_FW_MAX_BYTES");
	tap_ok(says(CREATE(8192, 8193), -EINVAL, "the golden image has 8193 bytes, wanted 1 to 8192; "
		    "make the slots larger") && CREATE(8192, 0) == -EINVAL && !CREATE(8192, 8192),
	       "flash: the golden image fits into a slot's room");
	tap_ok(says(CREATE(32768, 10000), -EINVAL, "it has 61440 bytes, wanted at least 110592; make "
		    "the slots smaller"), "flash: it is not made where there is no room");
}

int main(void)
{
	test_layout();
	test_update();
	test_passed_over();
	test_security();
	test_rollback();
	test_stage();
	test_damaged();
	test_create();
	return tap_done();
}

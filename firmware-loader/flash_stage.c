// SPDX-License-Identifier: MIT
/* Updates: an image into the slot that is not needed, and the way back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "flash.h"
#include "flash_state.h"

/* CONFIRMED, unaltered and not below the counter; *ret is why not. */
static bool usable(struct npu_flash *flash, enum npu_fw_source source, int *ret)
{
	const struct npu_flash_slot *slot = npu_flash_slot_of(&flash->state, source);
	void *image;
	uint32_t size;

	*ret = slot->state != NPU_FLASH_SLOT_CONFIRMED ? -ENOENT :
	       slot->security_version < flash->state.security_counter ? -EPERM :
	       npu_flash_load(flash, source, &image, &size);
	if (!*ret)
		free(image);
	return !*ret;
}

/*
 * The slot to write: not the one that would boot meanwhile. *active is what is active once that
 * slot is EMPTY.
 */
static enum npu_fw_source pick_slot(struct npu_flash *flash, uint32_t *active)
{
	const struct npu_flash_state *state = &flash->state;
	enum npu_fw_source staged = npu_flash_staged_slot(state), other;
	int ret;

	*active = state->active;
	if (!state->active) {
		if (staged)
			return npu_flash_other(staged);
		return state->slot[0].state != NPU_FLASH_SLOT_EMPTY &&
		       state->slot[1].state == NPU_FLASH_SLOT_EMPTY ? NPU_FW_SOURCE_SLOT_B :
								      NPU_FW_SOURCE_SLOT_A;
	}
	other = npu_flash_other(state->active);
	if (usable(flash, state->active, &ret) || (staged != other && !usable(flash, other, &ret)))
		return other;
	/* the active one boots no more, the other one does or may */
	*active = staged == other ? 0 : other;
	return npu_flash_other(other);
}

/* Writes the image and compares what is there afterwards. */
static int write_image(struct npu_flash *flash, uint64_t start, const uint8_t *image,
		       uint64_t size)
{
	uint8_t sector[NPU_FLASH_SECTOR], back[NPU_FLASH_SECTOR];
	uint64_t at, n;
	int ret;

	for (at = 0; at < size; at += n) {
		n = size - at < sizeof(sector) ? size - at : sizeof(sector);
		memset(sector, 0, sizeof(sector));
		memcpy(sector, image + at, n);
		ret = flash->io.write(flash->io.opaque, start + at, sector, sizeof(sector));
		if (ret)
			return npu_flash_fail(flash, ret, "cannot write the sector at byte %llu: %s",
					      (unsigned long long)(start + at), strerror(-ret));
	}
	/* in a second pass: a flash that mixes up addresses shows it only now */
	for (at = 0; at < size; at += n) {
		n = size - at < sizeof(back) ? size - at : sizeof(back);
		ret = flash->io.read(flash->io.opaque, start + at, back, n);
		if (ret)
			return npu_flash_fail(flash, ret,
					      "cannot read back the sector at byte %llu: %s",
					      (unsigned long long)(start + at), strerror(-ret));
		if (memcmp(back, image + at, n))
			return npu_flash_fail(flash, -EIO,
					      "the sector at byte %llu does not hold what was written; the flash is worn out, replace it",
					      (unsigned long long)(start + at));
	}
	return 0;
}

/* It is active already; a staged other image would take its place at the next boot. */
static int keep_active(struct npu_flash *flash, struct npu_flash_staged *staged)
{
	struct npu_flash_state next = flash->state;
	enum npu_fw_source slot = npu_flash_staged_slot(&next);
	int ret;

	staged->slot = next.active;
	if (slot) {
		memset(npu_flash_slot_of(&next, slot), 0, sizeof(struct npu_flash_slot));
		ret = npu_flash_put_state(flash, &next);
		if (ret)
			return ret;
		staged->withdrawn = slot;
	}
	return npu_flash_fail(flash, -EALREADY, "slot %c holds this image and is active",
			      npu_flash_letter(staged->slot));
}

int npu_flash_stage(struct npu_flash *flash, const struct npu_flash_judge *judge,
		    enum npu_fw_source booted, const void *image, uint64_t size,
		    struct npu_flash_staged *staged)
{
	enum npu_fw_source before = npu_flash_staged_slot(&flash->state), target;
	struct npu_flash_slot new = { .state = NPU_FLASH_SLOT_STAGED, .image_size = size };
	const struct npu_flash_slot *active;
	struct npu_fw_header header;
	struct npu_flash_state next;
	uint32_t active_after;
	int ret;

	memset(staged, 0, sizeof(*staged));
	if (size > flash->header.slot_bytes)
		return npu_flash_fail(flash, -EFBIG,
				      "the image has %llu bytes, the slots %u; make a flash with larger slots",
				      (unsigned long long)size, flash->header.slot_bytes);
	staged->error = size < sizeof(header) ? NPU_BOOT_SIZE :
			judge->judge(judge->opaque, image, size, flash->state.security_counter);
	if (staged->error)
		return npu_flash_fail(flash, -EINVAL, "the image is refused with error %u",
				      staged->error);
	if (before && before == booted)
		return npu_flash_fail(flash, -EBUSY,
				      "the image of slot %c runs on trial; let it become healthy, or reset the device",
				      npu_flash_letter(booted));

	memcpy(&header, image, sizeof(header));
	new.security_version = header.security_version;
	crypto_hash_sha256(new.sha256, image, size);
	if (flash->state.active) {
		active = npu_flash_slot_of(&flash->state, flash->state.active);
		if (active->image_size == size &&
		    !memcmp(active->sha256, new.sha256, sizeof(new.sha256)) &&
		    usable(flash, flash->state.active, &ret))
			return keep_active(flash, staged);
	}
	target = pick_slot(flash, &active_after);
	if (target == booted)
		return npu_flash_fail(flash, -EBUSY,
				      "the running image came from slot %c, which is to be written; reset the device",
				      npu_flash_letter(booted));
	staged->slot = target;

	next = flash->state;
	if (npu_flash_slot_of(&next, target)->state != NPU_FLASH_SLOT_EMPTY) {
		memset(npu_flash_slot_of(&next, target), 0, sizeof(new));
		next.active = active_after;
		ret = npu_flash_put_state(flash, &next);
		if (ret)
			return ret;
	}
	ret = write_image(flash, npu_flash_slot_at(flash->header.slot_bytes, target), image, size);
	if (ret)
		return ret;
	next = flash->state;
	if (before)
		memset(npu_flash_slot_of(&next, before), 0, sizeof(new));
	*npu_flash_slot_of(&next, target) = new;
	return npu_flash_put_state(flash, &next);
}

int npu_flash_rollback(struct npu_flash *flash)
{
	struct npu_flash_state next = flash->state;
	enum npu_fw_source other = npu_flash_other(next.active);
	const struct npu_flash_slot *slot = npu_flash_slot_of(&next, other);
	int ret;

	if (!next.active || slot->state != NPU_FLASH_SLOT_CONFIRMED)
		return npu_flash_fail(flash, -ENOENT,
				      "there is nothing to go back to: no second slot was ever healthy; stage the image that you want");
	if (!usable(flash, other, &ret)) {
		if (ret == -EPERM)
			return npu_flash_fail(flash, ret,
					      "slot %c has security version %u, the device wants %u or above; stage a newer image",
					      npu_flash_letter(other), slot->security_version,
					      next.security_counter);
		if (ret == -EUCLEAN)
			return npu_flash_fail(flash, ret,
					      "the image in slot %c was altered; stage it again",
					      npu_flash_letter(other));
		return npu_flash_fail(flash, ret, "cannot read slot %c: %s",
				      npu_flash_letter(other), strerror(-ret));
	}
	next.active = other;
	return npu_flash_put_state(flash, &next);
}

// SPDX-License-Identifier: MIT
/* The flash's layout: opening it, its two state sectors, making one, reading an image. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "flash.h"
#include "flash_state.h"

#define REMAKE	"make it anew with npu-fw flash-init --force --security N"

NPU_STATIC_ASSERT(sizeof(struct npu_flash_header) <= NPU_FLASH_SECTOR &&
		  sizeof(struct npu_flash_state) <= NPU_FLASH_SECTOR,
		  "header and state are one sector each");
NPU_STATIC_ASSERT(NPU_FW_MAX_BYTES % NPU_FLASH_SECTOR == 0, "a slot is whole sectors");

int npu_flash_fail(struct npu_flash *flash, int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(flash->why, sizeof(flash->why), fmt, ap);
	va_end(ap);
	return ret;
}

static bool all_zero(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Whether the struct at data is followed, within bytes, by the SHA-256 of what stands before. */
static bool hash_right(const void *data, size_t bytes)
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, data, bytes - sizeof(hash));
	return !memcmp(hash, (const uint8_t *)data + bytes - sizeof(hash), sizeof(hash));
}

static void put_hash(void *data, size_t bytes)
{
	crypto_hash_sha256((uint8_t *)data + bytes - crypto_hash_sha256_BYTES, data,
			   bytes - crypto_hash_sha256_BYTES);
}

static bool slot_bytes_valid(uint32_t slot_bytes)
{
	return slot_bytes && slot_bytes <= NPU_FW_MAX_BYTES && slot_bytes % NPU_FLASH_SECTOR == 0;
}

/* Writes one sector, zeros behind bytes, and reads it back. */
static int put_sector(struct npu_flash *flash, uint64_t at, const void *data, size_t bytes)
{
	uint8_t sector[NPU_FLASH_SECTOR] = { 0 }, back[NPU_FLASH_SECTOR];
	int ret;

	if (bytes)
		memcpy(sector, data, bytes);
	ret = flash->io.write(flash->io.opaque, at, sector, sizeof(sector));
	if (ret)
		return npu_flash_fail(flash, ret, "cannot write the sector at byte %llu: %s",
				      (unsigned long long)at, strerror(-ret));
	ret = flash->io.read(flash->io.opaque, at, back, sizeof(back));
	if (ret)
		return npu_flash_fail(flash, ret, "cannot read back the sector at byte %llu: %s",
				      (unsigned long long)at, strerror(-ret));
	if (memcmp(sector, back, sizeof(back)))
		return npu_flash_fail(flash, -EIO,
				      "the sector at byte %llu does not hold what was written; the flash is worn out, replace it",
				      (unsigned long long)at);
	return 0;
}

static int check_header(struct npu_flash *flash)
{
	const struct npu_flash_header *h = &flash->header;
	uint64_t wanted;

	if (h->magic != NPU_FLASH_MAGIC)
		return npu_flash_fail(flash, -EINVAL,
				      "it is no NPU flash: magic word %#llx, wanted %#llx; make one with npu-fw flash-init",
				      (unsigned long long)h->magic,
				      (unsigned long long)NPU_FLASH_MAGIC);
	if (h->version != NPU_FLASH_VERSION || h->header_size != sizeof(*h))
		return npu_flash_fail(flash, -EINVAL,
				      "its layout is version %u with a header of %u bytes, wanted %u and %zu; use a npu-fw of its time",
				      h->version, h->header_size, NPU_FLASH_VERSION, sizeof(*h));
	if (!hash_right(h, sizeof(*h)))
		return npu_flash_fail(flash, -EUCLEAN,
				      "its header is damaged, or it was not made to the end; "
				      REMAKE);
	if (!slot_bytes_valid(h->slot_bytes) || !h->golden_size ||
	    h->golden_size > h->slot_bytes || !all_zero(h->reserved, sizeof(h->reserved)))
		return npu_flash_fail(flash, -EUCLEAN,
				      "its header has slots of %u bytes, a golden image of %u, or a reserved field that is not zero; "
				      REMAKE, h->slot_bytes, h->golden_size);
	wanted = npu_flash_bytes(h->slot_bytes);
	if (flash->io.size < wanted)
		return npu_flash_fail(flash, -EINVAL,
				      "it is cut off: it has %llu bytes, its header wants %llu; "
				      REMAKE, (unsigned long long)flash->io.size,
				      (unsigned long long)wanted);
	return 0;
}

/* A state that has its hash; whether it is one that this library writes. */
static bool state_sound(const struct npu_flash *flash, const struct npu_flash_state *state)
{
	const struct npu_flash_slot *slot = state->slot;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (slot[i].state > NPU_FLASH_SLOT_BAD)
			return false;
		if (slot[i].state != NPU_FLASH_SLOT_EMPTY &&
		    (!slot[i].image_size || slot[i].image_size > flash->header.slot_bytes))
			return false;
	}
	if (slot[0].state == NPU_FLASH_SLOT_STAGED && slot[1].state == NPU_FLASH_SLOT_STAGED)
		return false;
	if (!all_zero(state->reserved, sizeof(state->reserved)))
		return false;
	if (npu_flash_is_slot(state->active))
		return slot[state->active - NPU_FW_SOURCE_SLOT_A].state ==
		       NPU_FLASH_SLOT_CONFIRMED;
	return !state->active && slot[0].state != NPU_FLASH_SLOT_CONFIRMED &&
	       slot[1].state != NPU_FLASH_SLOT_CONFIRMED;
}

static int read_states(struct npu_flash *flash)
{
	struct npu_flash_state state[2];
	bool whole[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		/* a torn sector may as well give an error */
		whole[i] = !flash->io.read(flash->io.opaque, NPU_FLASH_STATE_AT(i), &state[i],
					   sizeof(state[i])) &&
			   hash_right(&state[i], sizeof(state[i]));
		if (whole[i] && !state_sound(flash, &state[i]))
			return npu_flash_fail(flash, -EUCLEAN,
					      "its state in sector %u contradicts itself; " REMAKE,
					      1 + i);
	}
	if (!whole[0] && !whole[1])
		return npu_flash_fail(flash, -EUCLEAN,
				      "both of its state sectors are damaged, which no power cut does; "
				      REMAKE);
	i = !whole[0] || (whole[1] && state[1].sequence > state[0].sequence);
	if (whole[0] && whole[1] &&
	    (state[i].sequence - state[!i].sequence != 1 ||
	     state[i].security_counter < state[!i].security_counter))
		return npu_flash_fail(flash, -EUCLEAN,
				      "its two states are no successors: %llu with counter %u, %llu with counter %u; "
				      REMAKE, (unsigned long long)state[0].sequence,
				      state[0].security_counter,
				      (unsigned long long)state[1].sequence,
				      state[1].security_counter);
	flash->state = state[i];
	flash->state_at = i;
	return 0;
}

int npu_flash_open(struct npu_flash *flash, const struct npu_flash_io *io)
{
	int ret;

	memset(flash, 0, sizeof(*flash));
	flash->io = *io;
	if (io->size < npu_flash_bytes(NPU_FLASH_SECTOR))
		return npu_flash_fail(flash, -EINVAL,
				      "it is no NPU flash: it has %llu bytes, wanted at least %llu; make one with npu-fw flash-init",
				      (unsigned long long)io->size,
				      (unsigned long long)npu_flash_bytes(NPU_FLASH_SECTOR));
	ret = io->read(io->opaque, 0, &flash->header, sizeof(flash->header));
	if (ret)
		return npu_flash_fail(flash, ret, "cannot read its header: %s", strerror(-ret));
	ret = check_header(flash);
	if (ret)
		return ret;
	return read_states(flash);
}

int npu_flash_put_state(struct npu_flash *flash, const struct npu_flash_state *state)
{
	struct npu_flash_state next = *state;
	unsigned int at = !flash->state_at;
	int ret;

	if (flash->state.sequence == UINT64_MAX)
		return npu_flash_fail(flash, -EUCLEAN,
				      "its state has the last sequence number there is; " REMAKE);
	next.sequence = flash->state.sequence + 1;
	put_hash(&next, sizeof(next));
	ret = put_sector(flash, NPU_FLASH_STATE_AT(at), &next, sizeof(next));
	if (ret)
		return ret;
	flash->state = next;
	flash->state_at = at;
	return 0;
}

int npu_flash_create(struct npu_flash *flash, const struct npu_flash_io *io, uint32_t slot_bytes,
		     const void *golden, uint64_t size, uint32_t security_counter)
{
	struct npu_flash_state first = { .security_counter = security_counter };
	struct npu_flash_header *h = &flash->header;
	uint64_t at, n;
	int ret;

	memset(flash, 0, sizeof(*flash));
	flash->io = *io;
	if (!slot_bytes_valid(slot_bytes))
		return npu_flash_fail(flash, -EINVAL,
				      "slots of %u bytes, wanted a multiple of %u up to %u",
				      slot_bytes, NPU_FLASH_SECTOR, NPU_FW_MAX_BYTES);
	if (!size || size > slot_bytes)
		return npu_flash_fail(flash, -EINVAL,
				      "the golden image has %llu bytes, wanted 1 to %u; make the slots larger",
				      (unsigned long long)size, slot_bytes);
	if (io->size < npu_flash_bytes(slot_bytes))
		return npu_flash_fail(flash, -EINVAL,
				      "it has %llu bytes, wanted at least %llu; make the slots smaller",
				      (unsigned long long)io->size,
				      (unsigned long long)npu_flash_bytes(slot_bytes));

	/* without a header it is no flash until all the rest is there */
	ret = put_sector(flash, 0, NULL, 0);
	for (at = 0; !ret && at < size; at += n) {
		n = size - at < NPU_FLASH_SECTOR ? size - at : NPU_FLASH_SECTOR;
		ret = put_sector(flash, NPU_FLASH_GOLDEN_AT + at, (const uint8_t *)golden + at, n);
	}
	/* both sectors, so that the loss of one is no loss from the beginning */
	flash->state_at = 1;
	if (!ret)
		ret = npu_flash_put_state(flash, &first);
	if (!ret)
		ret = npu_flash_put_state(flash, &first);
	if (ret)
		return ret;

	h->magic = NPU_FLASH_MAGIC;
	h->version = NPU_FLASH_VERSION;
	h->header_size = sizeof(*h);
	h->slot_bytes = slot_bytes;
	h->golden_size = size;
	crypto_hash_sha256(h->golden_sha256, golden, size);
	put_hash(h, sizeof(*h));
	return put_sector(flash, 0, h, sizeof(*h));
}

int npu_flash_load(const struct npu_flash *flash, enum npu_fw_source source, void **image,
		   uint32_t *size)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	const struct npu_flash_slot *slot;
	const uint8_t *wanted;
	void *data;
	int ret;

	*image = NULL;
	*size = 0;
	if (source == NPU_FW_SOURCE_GOLDEN) {
		*size = flash->header.golden_size;
		wanted = flash->header.golden_sha256;
	} else {
		slot = &flash->state.slot[source - NPU_FW_SOURCE_SLOT_A];
		if (slot->state == NPU_FLASH_SLOT_EMPTY)
			return -ENOENT;
		*size = slot->image_size;
		wanted = slot->sha256;
	}
	data = malloc(*size);
	if (!data)
		return -ENOMEM;
	ret = flash->io.read(flash->io.opaque,
			     npu_flash_slot_at(flash->header.slot_bytes, source), data, *size);
	if (!ret) {
		crypto_hash_sha256(hash, data, *size);
		if (memcmp(hash, wanted, sizeof(hash)))
			ret = -EUCLEAN;
	}
	if (ret) {
		free(data);
		return ret;
	}
	*image = data;
	return 0;
}

enum npu_fw_source npu_flash_staged_slot(const struct npu_flash_state *state)
{
	if (state->slot[0].state == NPU_FLASH_SLOT_STAGED)
		return NPU_FW_SOURCE_SLOT_A;
	if (state->slot[1].state == NPU_FLASH_SLOT_STAGED)
		return NPU_FW_SOURCE_SLOT_B;
	return NPU_FW_SOURCE_HOST;
}

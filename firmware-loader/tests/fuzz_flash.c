// SPDX-License-Identifier: MIT
/*
 * libFuzzer: any bytes as a flash, as they are and mended so far that they open: choose, confirm,
 * roll back, stage. What opens stays one that opens, and its counter never decreases.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "flash.h"

/* The smallest flash. */
#define SLOT_BYTES	NPU_FLASH_SECTOR
#define BYTES		(6 * NPU_FLASH_SECTOR)

static uint8_t bytes[BYTES];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int get(void *opaque, uint64_t at, void *to, size_t n)
{
	uint64_t size = *(uint64_t *)opaque;

	if (at > size || n > size - at)
		abort();
	memcpy(to, bytes + at, n);
	return 0;
}

static int put(void *opaque, uint64_t at, const void *from, size_t n)
{
	if (at % NPU_FLASH_SECTOR || n != NPU_FLASH_SECTOR || at + n > *(uint64_t *)opaque)
		abort();
	memcpy(bytes + at, from, n);
	return 0;
}

/* Good, by a byte of the image and its security version. */
static enum npu_boot_error judge(void *opaque, const void *image, uint64_t size, uint32_t counter)
{
	struct npu_fw_header h;

	(void)opaque;
	memcpy(&h, image, sizeof(h));
	if (((const uint8_t *)image)[size - 1] & 1)
		return NPU_BOOT_HASH;
	return h.security_version < counter ? NPU_BOOT_SECURITY : NPU_BOOT_OK;
}

static void reopen(struct npu_flash *flash, const struct npu_flash_io *io, uint32_t *counter)
{
	if (npu_flash_open(flash, io) || flash->state.security_counter < *counter)
		abort();
	*counter = flash->state.security_counter;
}

static void use(uint64_t size)
{
	static const uint8_t image[SLOT_BYTES];
	const struct npu_flash_io io = { get, put, &size, size };
	const struct npu_flash_judge j = { judge, NULL };
	struct npu_flash_choice choice;
	struct npu_flash_staged staged;
	struct npu_flash flash;
	uint32_t counter;
	int i;

	if (npu_flash_open(&flash, &io)) {
		if (!memchr(flash.why, 0, sizeof(flash.why)) || !*flash.why)
			abort();
		return;
	}
	counter = flash.state.security_counter;
	if (!npu_flash_preview(&flash, &j, &choice))
		free(choice.image);
	for (i = 0; i < 5; i++) {
		if (!npu_flash_choose(&flash, &j, &choice)) {
			if (choice.security_version < counter)
				abort();
			free(choice.image);
			if (i == 4)
				npu_flash_confirm(&flash, choice.source, choice.security_version);
		}
		reopen(&flash, &io, &counter);
	}
	npu_flash_rollback(&flash);
	reopen(&flash, &io, &counter);
	npu_flash_stage(&flash, &j, NPU_FW_SOURCE_HOST, image, sizeof(image), &staged);
	reopen(&flash, &io, &counter);
	npu_flash_confirm(&flash, NPU_FW_SOURCE_SLOT_A, counter);
	npu_flash_confirm(&flash, NPU_FW_SOURCE_SLOT_B, counter);
	reopen(&flash, &io, &counter);
}

static void put_hash(void *of, size_t n)
{
	crypto_hash_sha256((uint8_t *)of + n - 32, of, n - 32);
}

/* A bit of how that is not set mends a field, so that the input gets past npu_flash_open(). */
static void mend_state(struct npu_flash_state *s, unsigned int how)
{
	unsigned int i;

	memset(s->reserved, 0, how & 1 ? 0 : sizeof(s->reserved));
	if (!(how & 2))
		s->sequence = 7 + (s->sequence & 1);
	for (i = 0; i < 2; i++) {
		struct npu_flash_slot *slot = &s->slot[i];

		if (!(how & 4))
			slot->state &= 3;
		if (!(how & 8))
			slot->image_size = 1 + slot->image_size % SLOT_BYTES;
		if (!(how & 16) && slot->image_size <= SLOT_BYTES)
			crypto_hash_sha256(slot->sha256,
					   bytes + npu_flash_slot_at(SLOT_BYTES, 1 + i),
					   slot->image_size);
		if (!(how & 32))
			slot->attempts &= 3;
	}
	if (!(how & 64) && s->slot[0].state == NPU_FLASH_SLOT_STAGED &&
	    s->slot[1].state == NPU_FLASH_SLOT_STAGED)
		s->slot[1].state = NPU_FLASH_SLOT_EMPTY;
	if (!(how & 128))
		s->active = s->slot[s->active & 1].state == NPU_FLASH_SLOT_CONFIRMED ?
			    1 + (s->active & 1) :
			    s->slot[!(s->active & 1)].state == NPU_FLASH_SLOT_CONFIRMED ?
			    1 + !(s->active & 1) : 0;
	put_hash(s, sizeof(*s));
}

/* The input in turn: what to mend, header, two states, then the three images in equal parts. */
struct input {
	uint8_t how[4];
	struct npu_flash_header header;
	struct npu_flash_state state[2];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct npu_flash_header *h;
	struct input in;
	size_t part;
	unsigned int i;

	/* as it is */
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, data, size < BYTES ? size : BYTES);
	use(size < BYTES ? size : BYTES);

	if (size < sizeof(in))
		return 0;
	memcpy(&in, data, sizeof(in));
	part = (size - sizeof(in)) / 3;
	if (part > SLOT_BYTES)
		part = SLOT_BYTES;
	memset(bytes, 0, sizeof(bytes));
	for (i = 0; i < 3; i++)
		memcpy(bytes + NPU_FLASH_GOLDEN_AT + i * SLOT_BYTES, data + sizeof(in) + i * part,
		       part);
	for (i = 0; i < 2; i++) {
		mend_state(&in.state[i], in.how[i]);
		if (in.how[3] & 1 << i)
			in.state[i].sha256[0] ^= 1;
		memcpy(bytes + NPU_FLASH_STATE_AT(i), &in.state[i], sizeof(in.state[i]));
	}
	h = &in.header;
	h->magic = NPU_FLASH_MAGIC;
	h->version = NPU_FLASH_VERSION;
	h->header_size = sizeof(*h);
	if (!(in.how[2] & 1))
		memset(h->reserved, 0, sizeof(h->reserved));
	if (!(in.how[2] & 2))
		h->slot_bytes = SLOT_BYTES;
	if (!(in.how[2] & 4))
		h->golden_size = 1 + h->golden_size % SLOT_BYTES;
	if (!(in.how[2] & 8) && h->golden_size <= SLOT_BYTES)
		crypto_hash_sha256(h->golden_sha256, bytes + NPU_FLASH_GOLDEN_AT, h->golden_size);
	put_hash(h, sizeof(*h));
	memcpy(bytes, h, sizeof(*h));
	use(BYTES);
	return 0;
}

// SPDX-License-Identifier: MIT
/* The flash as the boot ROM sees it: which image is next, and that it became healthy. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flash.h"
#include "flash_state.h"

/* The order to try: at most four places, ends with HOST. */
static void boot_order(const struct npu_flash_state *state, enum npu_fw_source order[5])
{
	enum npu_fw_source staged = npu_flash_staged_slot(state), other;
	unsigned int n = 0;

	if (staged)
		order[n++] = staged;
	if (state->active) {
		order[n++] = state->active;
		other = npu_flash_other(state->active);
		if (state->slot[other - NPU_FW_SOURCE_SLOT_A].state == NPU_FLASH_SLOT_CONFIRMED)
			order[n++] = other;
	}
	order[n++] = NPU_FW_SOURCE_GOLDEN;
	order[n] = NPU_FW_SOURCE_HOST;
}

/* Fills choice with the image of source if it is good; -ENOMEM is the only failure. */
static int judge_image(struct npu_flash *flash, enum npu_fw_source source,
		       const struct npu_flash_judge *judge, struct npu_flash_choice *choice,
		       enum npu_boot_error *error)
{
	struct npu_fw_header header;
	int ret = npu_flash_load(flash, source, &choice->image, &choice->size);

	if (ret == -ENOMEM)
		return npu_flash_fail(flash, ret, "no memory for an image of %u bytes",
				      choice->size);
	if (ret)
		*error = ret == -EUCLEAN ? NPU_BOOT_HASH : NPU_BOOT_BUS;
	else if (choice->size < sizeof(header))
		*error = NPU_BOOT_SIZE;
	else
		*error = judge->judge(judge->opaque, choice->image, choice->size,
				      flash->state.security_counter);
	if (*error) {
		free(choice->image);
		choice->image = NULL;
		choice->size = 0;
		return 0;
	}
	memcpy(&header, choice->image, sizeof(header));
	choice->security_version = header.security_version;
	choice->source = source;
	return 0;
}

/* The image of the staged slot is good: its boot is counted before it begins. */
static enum npu_boot_error count_attempt(struct npu_flash *flash, enum npu_fw_source source,
					 bool write, struct npu_flash_choice *choice)
{
	struct npu_flash_state next = flash->state;

	choice->attempt = ++npu_flash_slot_of(&next, source)->attempts;
	if (!write || !npu_flash_put_state(flash, &next))
		return NPU_BOOT_OK;
	/* uncounted, it could be tried for ever */
	free(choice->image);
	memset(choice, 0, sizeof(*choice));
	return NPU_BOOT_BUS;
}

static void give_up(struct npu_flash *flash, enum npu_fw_source source)
{
	struct npu_flash_state next = flash->state;

	npu_flash_slot_of(&next, source)->state = NPU_FLASH_SLOT_BAD;
	/* if this fails the next boot does it; the fall back must not wait for it */
	npu_flash_put_state(flash, &next);
}

static int choose(struct npu_flash *flash, const struct npu_flash_judge *judge, bool write,
		  struct npu_flash_choice *choice)
{
	enum npu_boot_error error[4] = { 0 };	/* by source */
	enum npu_fw_source order[5], source;
	unsigned int i;
	uint32_t found = 0;
	int ret;

	memset(choice, 0, sizeof(*choice));
	for (i = 0; i < 2; i++)
		if (flash->state.slot[i].state == NPU_FLASH_SLOT_BAD)
			error[NPU_FW_SOURCE_SLOT_A + i] = NPU_BOOT_FLASH;
	boot_order(&flash->state, order);
	for (i = 0; order[i] != NPU_FW_SOURCE_HOST && !choice->image; i++) {
		const struct npu_flash_slot *slot;

		source = order[i];
		slot = npu_flash_is_slot(source) ? npu_flash_slot_of(&flash->state, source) : NULL;
		if (slot && slot->state == NPU_FLASH_SLOT_STAGED &&
		    slot->attempts >= NPU_FLASH_ATTEMPTS) {
			error[source] = NPU_BOOT_FLASH;
			if (write)
				give_up(flash, source);
			continue;
		}
		ret = judge_image(flash, source, judge, choice, &error[source]);
		if (ret)
			return ret;
		if (!error[source] && slot && slot->state == NPU_FLASH_SLOT_STAGED)
			error[source] = count_attempt(flash, source, write, choice);
	}
	for (i = NPU_FW_SOURCE_SLOT_A; i <= NPU_FW_SOURCE_GOLDEN; i++)
		found |= (uint32_t)error[i] << 8 * (i - NPU_FW_SOURCE_SLOT_A);
	choice->found = found;
	if (choice->image)
		return 0;
	return npu_flash_fail(flash, -ENOENT,
			      "nothing in it boots: slot A has error %u, slot B %u, golden %u; stage an image that is good",
			      found & 0xff, found >> 8 & 0xff, found >> 16);
}

int npu_flash_choose(struct npu_flash *flash, const struct npu_flash_judge *judge,
		     struct npu_flash_choice *choice)
{
	return choose(flash, judge, true, choice);
}

int npu_flash_preview(struct npu_flash *flash, const struct npu_flash_judge *judge,
		      struct npu_flash_choice *choice)
{
	return choose(flash, judge, false, choice);
}

int npu_flash_confirm(struct npu_flash *flash, enum npu_fw_source source,
		      uint32_t security_version)
{
	struct npu_flash_state next = flash->state;
	bool raised = security_version > next.security_counter;
	struct npu_flash_slot *slot;
	int ret;

	if ((unsigned int)source > NPU_FW_SOURCE_GOLDEN)
		return npu_flash_fail(flash, -EINVAL, "image source %u, wanted at most %u", source,
				      NPU_FW_SOURCE_GOLDEN);
	if (raised)
		next.security_counter = security_version;
	if (npu_flash_is_slot(source)) {
		slot = npu_flash_slot_of(&next, source);
		if (slot->state != NPU_FLASH_SLOT_STAGED && slot->state != NPU_FLASH_SLOT_CONFIRMED)
			return npu_flash_fail(flash, -EINVAL,
					      "slot %c holds nothing to confirm, its state is %u",
					      npu_flash_letter(source), slot->state);
		if (slot->security_version != security_version)
			return npu_flash_fail(flash, -EINVAL,
					      "slot %c has security version %u, not %u",
					      npu_flash_letter(source), slot->security_version,
					      security_version);
		if (slot->state == NPU_FLASH_SLOT_CONFIRMED && next.active == source && !raised)
			return 0;
		slot->state = NPU_FLASH_SLOT_CONFIRMED;
		slot->attempts = 0;
		next.active = source;
	} else if (!raised) {
		return 0;
	}
	ret = npu_flash_put_state(flash, &next);
	if (ret)
		return ret;
	/* confirmed; if the second copy fails, the next write meets the same sector and says so */
	if (raised)
		npu_flash_put_state(flash, &flash->state);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* What the parts of the flash library share; users include flash.h. */
#ifndef NPU_FLASH_STATE_H
#define NPU_FLASH_STATE_H

#include <stdbool.h>

#include "flash.h"

/* Writes down why in flash and returns ret. */
__attribute__((format(printf, 3, 4)))
int npu_flash_fail(struct npu_flash *flash, int ret, const char *fmt, ...);

/*
 * Writes *state as the newest one: one sector, read back. flash->state is *state from then on,
 * with its sequence; on errors it is as before, and the next write goes to the same sector.
 */
int npu_flash_put_state(struct npu_flash *flash, const struct npu_flash_state *state);

static inline bool npu_flash_is_slot(uint32_t source)
{
	return source == NPU_FW_SOURCE_SLOT_A || source == NPU_FW_SOURCE_SLOT_B;
}

static inline enum npu_fw_source npu_flash_other(uint32_t source)
{
	return source == NPU_FW_SOURCE_SLOT_A ? NPU_FW_SOURCE_SLOT_B : NPU_FW_SOURCE_SLOT_A;
}

static inline struct npu_flash_slot *npu_flash_slot_of(struct npu_flash_state *state,
						       uint32_t source)
{
	return &state->slot[source - NPU_FW_SOURCE_SLOT_A];
}

/* The STAGED slot, NPU_FW_SOURCE_HOST if there is none. */
enum npu_fw_source npu_flash_staged_slot(const struct npu_flash_state *state);

static inline char npu_flash_letter(uint32_t source)
{
	return source == NPU_FW_SOURCE_SLOT_A ? 'A' : 'B';
}

#endif

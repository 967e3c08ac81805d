/* SPDX-License-Identifier: MIT */
/*
 * The boot ROM: image out of the driver's memory or out of flash, its judgement, its sections into
 * the control core's memory, and what becomes of a firmware that stops.
 */
#ifndef NPU_CORE_ROM_H
#define NPU_CORE_ROM_H

#include <stdbool.h>
#include <stdint.h>

#include "boot.h"
#include "flash.h"

struct npu_core;

struct npu_rom {
	struct npu_boot_policy policy;	/* its counter is kept here if there is no flash */
	struct npu_flash_io io;		/* size zero: no flash */
	struct npu_flash flash;		/* as it was read at the last boot */
	bool flash_open;		/* it could be read */
	enum npu_fw_source source;	/* of the image that runs, or was refused */
	uint32_t attempt;		/* of a staged image, else zero */
	uint32_t security_version;	/* of the image that runs */
	uint32_t stop_state;		/* why the firmware stops: enum npu_state */
};

/* Reads the flash, if there is one. */
void npu_rom_init(struct npu_core *core);

/* Boots as the registers say, or says in them why not. Control thread, inside the gate. */
void npu_rom_boot(struct npu_core *core);

/* The firmware has written NPU_CC_STATE, NPU_CC_HEALTHY. */
void npu_rom_state(struct npu_core *core, uint32_t state);
void npu_rom_healthy(struct npu_core *core);
/*
 * The control core stands still, by the firmware's wish or not: state ERROR or DEAD; but an
 * image that is on trial and has not come up is followed by the next one.
 */
void npu_rom_stopped(struct npu_core *core, const char *why);

/* The security counter now */
uint32_t npu_rom_counter(const struct npu_core *core);

#endif

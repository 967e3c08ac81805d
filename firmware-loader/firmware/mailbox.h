/* SPDX-License-Identifier: MIT */
/*
 * Messages between driver and firmware.
 */
#ifndef FW_MAILBOX_H
#define FW_MAILBOX_H

#include "hw.h"

struct mailbox {
	uint32_t h2d_entries;
	uint32_t d2h_entries;
	uint32_t h2d_head;
	uint32_t h2d_tail;	/* by the doorbell */
	uint32_t d2h_tail;
	uint32_t d2h_head;	/* read by the driver, by its last arming */
	bool armed;
};

/* Handles what the driver has written, as far as there is room for answers. */
void mailbox_run(void);

/* Whether a message can be written to the driver. */
bool mailbox_room(void);
/* Writes one; there is room. Raises NPU_MSIX_EVENT if armed. */
void mailbox_post(const struct npu_msg *msg);
/* The driver has read up to @head; a head that cannot be is ignored. */
void mailbox_arm(uint32_t head);

#endif

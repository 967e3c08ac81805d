/* SPDX-License-Identifier: MIT */
/*
 * Messages between driver and firmware; all of it runs on the control thread.
 */
#ifndef NPU_CORE_MAILBOX_H
#define NPU_CORE_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "npu_fw_msg.h"

struct npu_core;

struct npu_mailbox {
	struct npu_window h2d;
	struct npu_window d2h;
	uint32_t h2d_entries;
	uint32_t d2h_entries;
	uint32_t h2d_head;
	uint32_t d2h_tail;
	uint32_t d2h_head;	/* read by the driver, by its last arming */
	bool armed;
};

/* Handles what the driver has written, as far as there is room for answers. Inside the gate. */
void npu_mailbox_run(struct npu_core *core);

/* Whether a message can be written to the driver. */
bool npu_mailbox_room(const struct npu_mailbox *mb);
/* Writes one; there is room. Raises NPU_MSIX_EVENT if armed. */
void npu_mailbox_post(struct npu_core *core, const struct npu_msg *msg);
/* The driver has read up to @head; a head that cannot be is ignored. */
void npu_mailbox_arm(struct npu_core *core, uint32_t head);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The ring of completion records. A record is written only into a slot that the driver has said
 * to have read (NPU_REG_DONE_ARM); whoever has a job to end asks for room first.
 */
#ifndef FW_DONE_H
#define FW_DONE_H

#include "hw.h"

struct done_ring {
	uint32_t entries;
	uint32_t tail;		/* records written */
	uint32_t head;		/* read by the driver, by its last arming */
	bool armed;
};

/* Whether @n records can be written. */
bool done_room(uint32_t n);
/* Writes a record, then the tail; raises NPU_MSIX_DONE if armed. There is room. */
void done_post(const struct npu_done *record);
/* The driver has read up to @head; a head that cannot be is ignored. */
void done_arm(uint32_t head);

#endif

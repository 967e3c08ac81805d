/* SPDX-License-Identifier: MIT */
/*
 * The ring of completion records. A record is written only into a slot that the driver has
 * said to have read (NPU_REG_DONE_ARM); whoever has a job to end asks for room first.
 */
#ifndef NPU_CORE_DONE_H
#define NPU_CORE_DONE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "npu_fw_msg.h"

struct npu_done_ring {
	pthread_mutex_t lock;
	struct npu_window window;
	uint32_t entries;
	uint32_t tail;		/* records written */
	uint32_t head;		/* records that the driver has read, by its last arming */
	bool armed;
	bool starved;		/* somebody found no room */
};

void npu_done_init(struct npu_done_ring *r);
void npu_done_destroy(struct npu_done_ring *r);

/* Empties the ring for a new boot; takes over @window. */
void npu_done_start(struct npu_done_ring *r, const struct npu_window *window, uint32_t entries);

/* Whether @n records can be written; if not, the arming that makes room says so. */
bool npu_done_room(struct npu_done_ring *r, uint32_t n);
/*
 * Writes a record, then the tail in @status. There is room. Returns whether to raise
 * NPU_MSIX_DONE.
 */
bool npu_done_post(struct npu_done_ring *r, struct npu_status_page *status,
		   const struct npu_done *record);

struct npu_done_armed {
	bool interrupt;		/* there are records past the head: raise NPU_MSIX_DONE now */
	bool room;		/* somebody waits for the room that there is now */
};

/* The driver has read up to @head; a head that cannot be is ignored. */
struct npu_done_armed npu_done_arm(struct npu_done_ring *r, uint32_t head);

#endif

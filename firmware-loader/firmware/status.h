/* SPDX-License-Identifier: MIT */
/*
 * The status page. Fields of 64 bits are two stores, low half first.
 */
#ifndef FW_STATUS_H
#define FW_STATUS_H

#include "hw.h"

#define STATUS_AT(field)	((uint32_t)offsetof(struct npu_status_page, field))
#define STATUS_QUEUE(q, field) \
	(STATUS_AT(queue) + (q) * (uint32_t)sizeof(((struct npu_status_page *)0)->queue[0]) + \
	 STATUS_AT(queue[0].field) - STATUS_AT(queue))

static inline void status_put(uint32_t at, uint32_t v)
{
	hw_store(hw_window(HW_WIN_STATUS, at), v);
}

static inline void status_put64(uint32_t at, uint64_t v)
{
	status_put(at, (uint32_t)v);
	status_put(at + 4, (uint32_t)(v >> 32));
}

/* Zeros @bytes of the page from @at on. */
void status_clear(uint32_t at, uint32_t bytes);

/* Adds what a job that has ended used to the sums since boot. */
void status_account(const struct npu_done *record);

#endif

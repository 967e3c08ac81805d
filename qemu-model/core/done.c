/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "done.h"

void npu_done_init(struct npu_done_ring *r)
{
	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
}

void npu_done_destroy(struct npu_done_ring *r)
{
	pthread_mutex_destroy(&r->lock);
}

void npu_done_start(struct npu_done_ring *r, const struct npu_window *window, uint32_t entries)
{
	pthread_mutex_lock(&r->lock);
	r->window = *window;
	r->entries = entries;
	r->tail = 0;
	r->head = 0;
	r->armed = false;
	r->starved = false;
	pthread_mutex_unlock(&r->lock);
}

bool npu_done_room(struct npu_done_ring *r, uint32_t n)
{
	bool room;

	pthread_mutex_lock(&r->lock);
	room = r->entries - (r->tail - r->head) >= n;
	r->starved |= !room;
	pthread_mutex_unlock(&r->lock);
	return room;
}

bool npu_done_post(struct npu_done_ring *r, struct npu_status_page *status,
		   const struct npu_done *record)
{
	bool interrupt;

	pthread_mutex_lock(&r->lock);
	memcpy(npu_window_at(&r->window, (uint64_t)(r->tail & (r->entries - 1)) * sizeof(*record)),
	       record, sizeof(*record));
	r->tail++;
	__atomic_store_n(&status->done_tail, r->tail, __ATOMIC_RELEASE);
	interrupt = r->armed;
	r->armed = false;
	pthread_mutex_unlock(&r->lock);
	return interrupt;
}

struct npu_done_armed npu_done_arm(struct npu_done_ring *r, uint32_t head)
{
	struct npu_done_armed out = { 0 };

	pthread_mutex_lock(&r->lock);
	if (r->entries && head - r->head <= r->tail - r->head) {
		r->head = head;
		r->armed = head == r->tail;
		out.interrupt = !r->armed;
		out.room = r->starved && r->tail - head < r->entries;
		r->starved &= !out.room;
	}
	pthread_mutex_unlock(&r->lock);
	return out;
}

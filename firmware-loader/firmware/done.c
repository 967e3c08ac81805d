/* SPDX-License-Identifier: MIT */
#include "fw.h"

bool done_room(uint32_t n)
{
	/* also false when tail and head are not what they can be */
	return fw.done.tail - fw.done.head + n <= fw.done.entries;
}

void done_post(const struct npu_done *record)
{
	uint32_t slot = fw.done.tail & (fw.done.entries - 1);
	uint32_t at = hw_window(HW_WIN_DONE, slot * (uint32_t)sizeof(*record));
	const uint32_t *word = (const uint32_t *)record;

	FW_CHECK(done_room(1));
	for (uint32_t i = 0; i < sizeof(*record) / 4; i += 8, at += 32) {
		hw_store(at, word[i]);
		hw_store(at + 4, word[i + 1]);
		hw_store(at + 8, word[i + 2]);
		hw_store(at + 12, word[i + 3]);
		hw_store(at + 16, word[i + 4]);
		hw_store(at + 20, word[i + 5]);
		hw_store(at + 24, word[i + 6]);
		hw_store(at + 28, word[i + 7]);
	}
	fw.done.tail++;
	hw_release();
	status_put(STATUS_AT(done_tail), fw.done.tail);
	if (fw.done.armed)
		hw_write(NPU_CC_MSI, NPU_MSIX_DONE);
	fw.done.armed = false;
}

void done_arm(uint32_t head)
{
	struct done_ring *r = &fw.done;

	if (head - r->head > r->tail - r->head)
		return;
	r->head = head;
	r->armed = head == r->tail;
	if (!r->armed)
		hw_write(NPU_CC_MSI, NPU_MSIX_DONE);
}

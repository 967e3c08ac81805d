/* SPDX-License-Identifier: MIT */
#include "fw.h"

bool mailbox_room(void)
{
	return fw.mailbox.d2h_tail - fw.mailbox.d2h_head < fw.mailbox.d2h_entries;
}

static uint32_t slot(uint32_t w, uint32_t i, uint32_t entries)
{
	return hw_window(w, (i & (entries - 1)) * (uint32_t)sizeof(struct npu_msg));
}

void mailbox_post(const struct npu_msg *msg)
{
	struct mailbox *mb = &fw.mailbox;
	uint32_t at = slot(HW_WIN_D2H, mb->d2h_tail, mb->d2h_entries);

	FW_CHECK(mailbox_room());
	for (uint32_t i = 0; i < sizeof(*msg) / 4; i++)
		hw_store(at + 4 * i, ((const uint32_t *)msg)[i]);
	mb->d2h_tail++;
	hw_release();
	status_put(STATUS_AT(d2h_tail), mb->d2h_tail);
	if (mb->armed)
		hw_write(NPU_CC_MSI, NPU_MSIX_EVENT);
	mb->armed = false;
}

void mailbox_arm(uint32_t head)
{
	struct mailbox *mb = &fw.mailbox;

	if (head - mb->d2h_head > mb->d2h_tail - mb->d2h_head)
		return;
	mb->d2h_head = head;
	mb->armed = head == mb->d2h_tail;
	if (!mb->armed)
		hw_write(NPU_CC_MSI, NPU_MSIX_EVENT);
}

void mailbox_run(void)
{
	struct mailbox *mb = &fw.mailbox;
	struct npu_msg msg;

	if (mb->h2d_tail - mb->h2d_head > mb->h2d_entries)
		return;
	hw_acquire();
	while (mb->h2d_head != mb->h2d_tail && mailbox_room()) {
		uint32_t at = slot(HW_WIN_H2D, mb->h2d_head, mb->h2d_entries);

		for (uint32_t i = 0; i < sizeof(msg) / 4; i++)
			((uint32_t *)&msg)[i] = hw_load(at + 4 * i);
		mb->h2d_head++;
		hw_release();
		status_put(STATUS_AT(h2d_head), mb->h2d_head);
		message_handle(&msg);
	}
}

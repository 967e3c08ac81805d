// SPDX-License-Identifier: MIT
/* Messages to the firmware and its answers. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "sim.h"

void sim_mailbox_drain(struct sim *s)
{
	uint32_t tail = __atomic_load_n(&s->status->d2h_tail, __ATOMIC_ACQUIRE);

	for (; s->d2h_head != tail; s->d2h_head++) {
		const struct npu_msg *m = &s->d2h[s->d2h_head % SIM_MSG_ENTRIES];

		if (m->type == NPU_MSG_EVENT_PANIC)
			s->dead = true;
		if ((m->type & NPU_MSG_REPLY) && m->id == s->next_id) {
			s->reply = *m;
			s->replied = true;
		}
		if (m->type == NPU_MSG_EVENT_READY) {
			s->reply = *m;
			s->replied = true;
		}
	}
	pthread_cond_broadcast(&s->changed);
}

void sim_mailbox_arm(struct sim *s)
{
	uint32_t head;

	pthread_mutex_lock(&s->lock);
	head = s->d2h_head;
	if (s->d2h_armed) {
		pthread_mutex_unlock(&s->lock);
		return;
	}
	s->d2h_armed = true;
	pthread_mutex_unlock(&s->lock);
	sim_reg_write(s, NPU_REG_D2H_ARM, head);
}

static const char *status_text(uint16_t status)
{
	static const char *const text[] = {
		"ok", "unknown message", "argument out of range", "busy", "does not exist",
		"address cannot be reached",
	};

	return status < sizeof(text) / sizeof(text[0]) ? text[status] : "?";
}

static int status_errno(uint16_t status)
{
	switch (status) {
	case NPU_MSG_STATUS_OK:
		return 0;
	case NPU_MSG_STATUS_INVALID:
		return -EINVAL;
	case NPU_MSG_STATUS_BUSY:
		return -EBUSY;
	case NPU_MSG_STATUS_NOENT:
		return -ENOENT;
	default:
		return -EIO;
	}
}

int sim_request(struct sim *s, struct npu_msg *msg)
{
	int64_t deadline = sim_now_ns() + SIM_TIMEOUT_MS * 1000000ll;
	uint32_t tail;
	int rc = 0;

	pthread_mutex_lock(&s->request_lock);
	pthread_mutex_lock(&s->lock);
	s->replied = false;
	msg->id = ++s->next_id;
	s->h2d[s->h2d_tail % SIM_MSG_ENTRIES] = *msg;
	tail = ++s->h2d_tail;
	pthread_mutex_unlock(&s->lock);

	sim_reg_write(s, NPU_REG_H2D_TAIL, tail);

	pthread_mutex_lock(&s->lock);
	while (!s->replied && !s->dead && !rc) {
		if (!s->d2h_armed) {
			pthread_mutex_unlock(&s->lock);
			sim_mailbox_arm(s);
			pthread_mutex_lock(&s->lock);
			continue;
		}
		if (!sim_wait_changed(s, deadline))
			rc = -ETIME;
	}
	if (s->replied)
		*msg = s->reply;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->request_lock);

	if (s->dead)
		return npu_fail(-ENODEV, "sim: the firmware has stopped");
	if (rc)
		return npu_fail(-EIO, "sim: message 0x%x was not answered in %u ms", msg->type,
				SIM_TIMEOUT_MS);
	rc = status_errno(msg->status);
	if (rc)
		return npu_fail(rc, "sim: message 0x%x: %s", msg->type & ~NPU_MSG_REPLY,
				status_text(msg->status));
	return 0;
}

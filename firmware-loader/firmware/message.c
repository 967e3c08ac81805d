/* SPDX-License-Identifier: MIT */
#include "fw.h"

bool message_rest_zero(const struct npu_msg *msg, size_t bytes)
{
	const uint32_t *word = (const uint32_t *)msg->arg;
	uint32_t seen = 0;

	/* The arguments of every type are whole words. */
	for (size_t i = bytes / 4; i < sizeof(msg->arg) / 4; i++)
		seen |= word[i];
	return !seen;
}

void message_reply(uint16_t type, uint32_t id, uint16_t status)
{
	struct npu_msg r = { .type = type | NPU_MSG_REPLY, .status = status, .id = id };

	mailbox_post(&r);
}

static uint16_t telemetry(const struct npu_msg *msg, struct npu_msg *r)
{
	if (!message_rest_zero(msg, 0))
		return NPU_MSG_STATUS_INVALID;
	r->telemetry.matrix_mhz = fw.power.mhz;
	r->telemetry.millicelsius = hw_read(NPU_CC_TEMPERATURE);
	r->telemetry.energy_pj = fw.energy_pj;
	r->telemetry.jobs = fw.jobs;
	r->telemetry.faults = fw.faults;
	r->telemetry.model_ns = fw.model_ns;
	if (fw.api >= NPU_VERSION(1, 1))
		r->telemetry.instructions = hw_instructions();
	return NPU_MSG_STATUS_OK;
}

static uint16_t handle(const struct npu_msg *msg, struct npu_msg *r)
{
	switch (msg->type) {
	case NPU_MSG_PING:
		memcpy(r->arg, msg->arg, sizeof(r->arg));
		return NPU_MSG_STATUS_OK;
	case NPU_MSG_CONTEXT_CREATE:
		return context_create(msg);
	case NPU_MSG_CONTEXT_DESTROY:
		return context_destroy(msg);
	case NPU_MSG_TLB_INVALIDATE:
		return context_invalidate(msg);
	case NPU_MSG_CONTEXT_RESET:
		return context_reset(msg);
	case NPU_MSG_QUEUE_CREATE:
		return queue_create(msg);
	case NPU_MSG_QUEUE_DESTROY:
	case NPU_MSG_QUEUE_SUSPEND:
	case NPU_MSG_QUEUE_RESUME:
	case NPU_MSG_QUEUE_RESET:
	case NPU_MSG_QUEUE_PRIORITY:
		return queue_change(msg);
	case NPU_MSG_POWER:
		return power_request(msg, r);
	case NPU_MSG_TELEMETRY:
		return telemetry(msg, r);
	}
	return NPU_MSG_STATUS_UNKNOWN;
}

void message_handle(const struct npu_msg *msg)
{
	struct npu_msg r = { .type = msg->type | NPU_MSG_REPLY, .id = msg->id };
	uint16_t status = msg->status ? NPU_MSG_STATUS_INVALID : handle(msg, &r);

	if (status == MESSAGE_LATER)
		return;
	r.status = status;
	mailbox_post(&r);
}

void message_settle(void)
{
	struct set s = fw.restless_queues;

	while (!set_empty(&s))
		queue_settle(&fw.queue[set_take(&s)]);
	s = fw.restless_contexts;
	while (!set_empty(&s))
		context_settle(set_take(&s));
}

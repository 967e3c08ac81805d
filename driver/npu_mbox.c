// SPDX-License-Identifier: GPL-2.0-only
/*
 * Request and reply over the message rings; events go to their owners.
 */
#include <linux/dma-mapping.h>
#include <linux/moduleparam.h>

#include "npu_crash.h"
#include "npu_device.h"
#include "npu_mbox.h"
#include "npu_recovery.h"
#include "npu_trace.h"

static unsigned int npu_mbox_timeout_ms = 10000;
module_param_named(mbox_timeout_ms, npu_mbox_timeout_ms, uint, 0644);
MODULE_PARM_DESC(mbox_timeout_ms, "Time that the firmware has for an answer (default 10000)");

/* A request on its caller's stack; on mbox.waiting until its reply or the caller gives up. */
struct npu_mbox_wait {
	struct list_head node;
	struct completion done;
	struct npu_msg *msg;
	u32 id;
	int error;
};

int npu_mbox_init(struct npu_device *npu)
{
	struct npu_mbox *mbox = &npu->mbox;

	spin_lock_init(&mbox->lock);
	INIT_LIST_HEAD(&mbox->waiting);
	init_waitqueue_head(&mbox->space);
	mbox->dead = true;

	mbox->h2d = dmam_alloc_coherent(npu->base.dev, NPU_MBOX_H2D_ENTRIES * sizeof(*mbox->h2d),
					&mbox->h2d_dma, GFP_KERNEL);
	mbox->d2h = dmam_alloc_coherent(npu->base.dev, NPU_MBOX_D2H_ENTRIES * sizeof(*mbox->d2h),
					&mbox->d2h_dma, GFP_KERNEL);
	return mbox->h2d && mbox->d2h ? 0 : -ENOMEM;
}

void npu_mbox_restart(struct npu_device *npu)
{
	struct npu_mbox *mbox = &npu->mbox;

	spin_lock_irq(&mbox->lock);
	mbox->h2d_tail = 0;
	mbox->d2h_head = 0;
	mbox->in_flight = 0;
	mbox->dead = false;
	spin_unlock_irq(&mbox->lock);
}

void npu_mbox_abort(struct npu_device *npu)
{
	struct npu_mbox *mbox = &npu->mbox;
	struct npu_mbox_wait *wait, *next;
	unsigned long flags;

	spin_lock_irqsave(&mbox->lock, flags);
	mbox->dead = true;
	list_for_each_entry_safe(wait, next, &mbox->waiting, node) {
		list_del_init(&wait->node);
		wait->error = -EIO;
		complete(&wait->done);
	}
	spin_unlock_irqrestore(&mbox->lock, flags);
	wake_up_all(&mbox->space);
}

/* Puts the request into the ring; false if it is full. */
static bool npu_mbox_post(struct npu_device *npu, struct npu_mbox_wait *wait)
{
	struct npu_mbox *mbox = &npu->mbox;

	lockdep_assert_held(&mbox->lock);
	if (mbox->in_flight >= NPU_MBOX_H2D_ENTRIES)
		return false;
	mbox->in_flight++;
	wait->id = mbox->next_id++;
	wait->msg->id = wait->id;
	mbox->h2d[mbox->h2d_tail % NPU_MBOX_H2D_ENTRIES] = *wait->msg;
	mbox->h2d_tail++;
	list_add_tail(&wait->node, &mbox->waiting);
	/* The message is in memory before the doorbell: writel() orders them. */
	npu_write(npu, NPU_REG_H2D_TAIL, mbox->h2d_tail);
	return true;
}

static bool npu_mbox_try(struct npu_device *npu, struct npu_mbox_wait *wait)
{
	struct npu_mbox *mbox = &npu->mbox;
	bool settled = true;

	spin_lock_irq(&mbox->lock);
	if (mbox->dead)
		wait->error = -EIO;
	else
		settled = npu_mbox_post(npu, wait);
	spin_unlock_irq(&mbox->lock);
	return settled;
}

static int npu_mbox_status(const struct npu_msg *reply)
{
	switch (reply->status) {
	case NPU_MSG_STATUS_OK:
		return 0;
	case NPU_MSG_STATUS_INVALID:
		return -EINVAL;
	case NPU_MSG_STATUS_BUSY:
		return -EBUSY;
	case NPU_MSG_STATUS_NOENT:
		return -ENOENT;
	case NPU_MSG_STATUS_BUS:
		return -EFAULT;
	default:
		return -EIO;
	}
}

int npu_mbox_call(struct npu_device *npu, struct npu_msg *msg)
{
	unsigned long timeout = msecs_to_jiffies(READ_ONCE(npu_mbox_timeout_ms));
	struct npu_mbox *mbox = &npu->mbox;
	struct npu_mbox_wait wait = { .msg = msg };
	u16 type = msg->type;
	int ret;

	init_completion(&wait.done);
	INIT_LIST_HEAD(&wait.node);
	if (!wait_event_timeout(mbox->space, npu_mbox_try(npu, &wait), timeout)) {
		ret = -ETIMEDOUT;
		goto out_no_answer;
	}
	if (wait.error)
		return wait.error;

	trace_npu_mbox_send(npu->base.dev, type, wait.id);
	wait_for_completion_timeout(&wait.done, timeout);

	/* Off the list nobody writes to this stack frame any more. */
	spin_lock_irq(&mbox->lock);
	ret = list_empty(&wait.node) ? wait.error : -ETIMEDOUT;
	list_del_init(&wait.node);
	spin_unlock_irq(&mbox->lock);
	if (ret == -ETIMEDOUT)
		goto out_no_answer;
	if (ret)
		return ret;

	ret = npu_mbox_status(msg);
	trace_npu_mbox_reply(npu->base.dev, type, wait.id, msg->status);
	if (ret)
		drm_dbg(&npu->base, "message %#x: the firmware answers with status %u\n", type,
			msg->status);
	return ret;

out_no_answer:
	drm_err(&npu->base, "message %#x: no answer from the firmware in %u ms\n", type,
		READ_ONCE(npu_mbox_timeout_ms));
	npu_recovery_crashed(npu, "the firmware does not answer");
	return ret;
}

void npu_mbox_arm(struct npu_device *npu)
{
	npu_write(npu, NPU_REG_D2H_ARM, npu->mbox.d2h_head);
}

static void npu_mbox_reply(struct npu_device *npu, const struct npu_msg *msg)
{
	struct npu_mbox *mbox = &npu->mbox;
	struct npu_mbox_wait *wait;

	if (mbox->in_flight)
		mbox->in_flight--;
	list_for_each_entry(wait, &mbox->waiting, node) {
		if (wait->id != msg->id)
			continue;
		list_del_init(&wait->node);
		*wait->msg = *msg;
		complete(&wait->done);
		return;
	}
	drm_dbg(&npu->base, "message %#x: reply to %u came too late\n", msg->type, msg->id);
}

static void npu_mbox_event(struct npu_device *npu, const struct npu_msg *msg)
{
	switch (msg->type) {
	case NPU_MSG_EVENT_READY:
		npu_fw_ready(npu, msg);
		break;
	case NPU_MSG_EVENT_FAULT:
		/* The job's own record ends it; this tells which context to clear. */
		trace_npu_fault(npu->base.dev, msg->fault.queue, msg->fault.seqno,
				msg->fault.fault, msg->fault.addr);
		break;
	case NPU_MSG_EVENT_PANIC:
		npu_crash_event(npu, msg);
		break;
	default:
		drm_dbg(&npu->base, "message %#x: unknown event ignored\n", msg->type);
	}
}

void npu_mbox_drain(struct npu_device *npu)
{
	struct npu_mbox *mbox = &npu->mbox;
	unsigned long flags;
	struct npu_msg msg;
	bool empty;
	u32 tail;

	spin_lock_irqsave(&mbox->lock, flags);
	if (mbox->dead) {
		spin_unlock_irqrestore(&mbox->lock, flags);
		return;
	}
	tail = READ_ONCE(npu->status->d2h_tail);
	/* Entries are written before the tail: read them after it. */
	dma_rmb();
	empty = tail == mbox->d2h_head;
	if (tail - mbox->d2h_head > NPU_MBOX_D2H_ENTRIES) {
		drm_err_ratelimited(&npu->base, "message ring: tail %u, head %u, size %u\n", tail,
				    mbox->d2h_head, NPU_MBOX_D2H_ENTRIES);
		mbox->d2h_head = tail;
		npu_recovery_crashed(npu, "message ring out of bounds");
	}
	while (mbox->d2h_head != tail) {
		msg = mbox->d2h[mbox->d2h_head % NPU_MBOX_D2H_ENTRIES];
		mbox->d2h_head++;
		if (msg.type & NPU_MSG_REPLY)
			npu_mbox_reply(npu, &msg);
		else
			npu_mbox_event(npu, &msg);
	}
	npu_mbox_arm(npu);
	spin_unlock_irqrestore(&mbox->lock, flags);
	wake_up_all(&mbox->space);
	/* Also raised when the firmware stops and can say nothing any more. */
	if (empty)
		npu_crash_look(npu);
}

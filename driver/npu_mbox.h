/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages to and from the firmware: two rings in DMA memory, see npu_fw_msg.h.
 */
#ifndef NPU_MBOX_H
#define NPU_MBOX_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "npu_fw_msg.h"

struct npu_device;

#define NPU_MBOX_H2D_ENTRIES	64
/* Replies to all requests fit beside as many events. */
#define NPU_MBOX_D2H_ENTRIES	256

struct npu_mbox {
	struct npu_msg *h2d;
	dma_addr_t h2d_dma;
	struct npu_msg *d2h;
	dma_addr_t d2h_dma;

	spinlock_t lock;		/* everything below */
	u32 h2d_tail;
	u32 d2h_head;
	u32 next_id;
	u32 in_flight;			/* requests without a reply, those given up included */
	struct list_head waiting;
	bool dead;			/* no answer can come any more */
	wait_queue_head_t space;
};

int npu_mbox_init(struct npu_device *npu);

/* npu_mbox_restart() - Empty rings, for a device that is about to boot. */
void npu_mbox_restart(struct npu_device *npu);

/* npu_mbox_abort() - Ends all waits with -EIO and refuses new requests until a restart. */
void npu_mbox_abort(struct npu_device *npu);

/**
 * npu_mbox_call() - Send a request and wait for its reply.
 * @npu: device, between npu_device_get() and npu_device_put(), or being reset by the caller
 * @msg: request; becomes the reply
 *
 * Never allocates: it is on the way to signal fences. Asks for a reset of the device when no
 * answer comes.
 *
 * Return: 0; -EIO refused, or the firmware is dead; -ETIMEDOUT no answer in time;
 * -EINVAL, -EBUSY, -ENOENT, -EFAULT by the reply's status.
 */
int npu_mbox_call(struct npu_device *npu, struct npu_msg *msg);

/* npu_mbox_arm() - Lets the next message interrupt. */
void npu_mbox_arm(struct npu_device *npu);

/* npu_mbox_drain() - Takes all messages; from the interrupt. */
void npu_mbox_drain(struct npu_device *npu);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What each message of the driver does. Control thread, memory held.
 */
#ifndef NPU_CORE_MESSAGE_H
#define NPU_CORE_MESSAGE_H

#include "npu_fw_msg.h"

struct npu_core;

/* Handles one message and answers it, at once or when a queue has come to rest. */
void npu_message_handle(struct npu_core *core, const struct npu_msg *msg);

/* Brings queues to rest as far as it goes, and answers what waited for it. */
void npu_message_settle(struct npu_core *core);

#endif

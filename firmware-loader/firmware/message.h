/* SPDX-License-Identifier: MIT */
/*
 * The driver's requests: which function serves which, and the answer.
 */
#ifndef FW_MESSAGE_H
#define FW_MESSAGE_H

#include "hw.h"

/* The answer will come when a queue or context has come to rest. */
#define MESSAGE_LATER 0xffff

/* Handles one message and answers it, at once or when a queue has come to rest. */
void message_handle(const struct npu_msg *msg);

/* Answers a request; there is room. */
void message_reply(uint16_t type, uint32_t id, uint16_t status);

/* Arguments behind the first @bytes of them are zero. */
bool message_rest_zero(const struct npu_msg *msg, size_t bytes);
#define MESSAGE_REST_ZERO(msg, member) message_rest_zero(msg, sizeof((msg)->member))

/* Brings queues and contexts to rest as far as it goes, and answers what waited for it. */
void message_settle(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The firmware's log in the driver's memory: lines of text, byte i since boot at i % log_bytes.
 */
#ifndef NPU_CORE_LOG_H
#define NPU_CORE_LOG_H

#include <stdint.h>

#include "bus.h"

struct npu_core;

struct npu_log {
	struct npu_window window;	/* zeros: the driver wants none */
	uint32_t bytes;
	uint32_t tail;
};

/*
 * Adds a line that begins with the modelled time since boot. Control thread, inside the gate, while
 * RUNNING.
 */
void npu_log(struct npu_core *core, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

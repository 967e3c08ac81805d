/* SPDX-License-Identifier: MIT */
/*
 * The main loop: interrupts are looked at, never taken.
 */
#ifndef FW_LOOP_H
#define FW_LOOP_H

#include "hw.h"

struct beat {
	uint32_t count;		/* heartbeats */
	uint32_t tick_us;	/* of the timer: kicks the watchdog */
	uint64_t last_us;	/* tick */
	uint64_t next_us;	/* heartbeat */
	bool healthy;		/* the device knows that this boot has come to its end */
};

/* Comes round once. False: there was nothing to do, sleep. */
bool loop_round(void);

/* Where start.S goes; @handoff is at NPU_CC_HANDOFF. */
void fw_main(const struct npu_fw_handoff *handoff);

#endif

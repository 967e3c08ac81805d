/* SPDX-License-Identifier: MIT */
/*
 * Power and clock. Above throttle_millicelsius the clock is lowered by a tenth of the highest a
 * tick, down to three tenths; it is raised again when the temperature is 5 degrees below. Above
 * critical_millicelsius no job is started until it is 5 degrees below that.
 */
#ifndef FW_POWER_H
#define FW_POWER_H

#include "hw.h"

#define POWER_STEPS		10
#define POWER_STEPS_MIN		3
#define POWER_HYSTERESIS	5000	/* millicelsius */

struct power {
	bool on;
	bool hot;		/* above the critical temperature, or not yet well below */
	uint32_t steps;		/* of POWER_STEPS, that the temperature allows */
	uint32_t cap_mhz;	/* that the driver wants at most; zero: any */
	uint32_t mhz;		/* that the next job runs at */
};

void power_start(void);
/* Answer of POWER; message.c */
uint16_t power_request(const struct npu_msg *msg, struct npu_msg *reply);
/* Looks at the temperature; once a tick. */
void power_govern(void);

#endif

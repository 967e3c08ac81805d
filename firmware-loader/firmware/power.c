/* SPDX-License-Identifier: MIT */
#include "fw.h"

/* Whether the clock has changed */
static bool set_clock(void)
{
	uint32_t mhz = fw.matrix_mhz * fw.power.steps / POWER_STEPS;

	if (fw.power.cap_mhz && fw.power.cap_mhz < mhz)
		mhz = fw.power.cap_mhz;
	if (mhz == fw.power.mhz)
		return false;
	fw.power.mhz = mhz;
	hw_write(NPU_CC_CLOCK_MHZ, mhz);
	return true;
}

void power_start(void)
{
	fw.power = (struct power) { .on = true, .steps = POWER_STEPS };
	set_clock();
}

uint16_t power_request(const struct npu_msg *msg, struct npu_msg *reply)
{
	uint32_t floor = fw.matrix_mhz * POWER_STEPS_MIN / POWER_STEPS;

	if (!MESSAGE_REST_ZERO(msg, power) || msg->power.state > 1 ||
	    msg->power.mhz > fw.matrix_mhz)
		return NPU_MSG_STATUS_INVALID;
	if (!msg->power.state && fw.run.queue)
		return NPU_MSG_STATUS_BUSY;
	fw.power.on = msg->power.state;
	/* A wish that the clock cannot follow is none; the answer says what it is. */
	fw.power.cap_mhz = msg->power.mhz >= floor ? msg->power.mhz : 0;
	set_clock();
	reply->power.state = msg->power.state;
	reply->power.mhz = fw.power.mhz;
	return NPU_MSG_STATUS_OK;
}

static void log_temperature(int32_t t, const char *what)
{
	/* Below zero nothing is said. */
	log_line("temperature %u.%03u C, clock %u of %u MHz%s", (uint32_t)t / 1000,
		 (uint32_t)t % 1000, fw.power.mhz, fw.matrix_mhz, what);
}

void power_govern(void)
{
	int32_t t = (int32_t)hw_read(NPU_CC_TEMPERATURE);
	int32_t throttle = (int32_t)fw.config.throttle_millicelsius;
	int32_t critical = (int32_t)fw.config.critical_millicelsius;
	struct power *p = &fw.power;

	if (t > throttle && p->steps > POWER_STEPS_MIN)
		p->steps--;
	else if (t < throttle - POWER_HYSTERESIS && p->steps < POWER_STEPS)
		p->steps++;
	if (set_clock() && t >= 0)
		log_temperature(t, "");
	if (!p->hot && t > critical) {
		p->hot = true;
		log_temperature(t, ", no job is started");
		if (fw.run.queue)
			job_stop();
	} else if (p->hot && t < critical - POWER_HYSTERESIS) {
		p->hot = false;
		log_temperature(t > 0 ? t : 0, ", jobs are started again");
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * Power, clock and heat. The test boot lowers the clock above 95 degrees and starts nothing above
 * 110; the machine's clock is 1500 MHz.
 */
#include "driver.h"
#include "tap.h"

static uint32_t asked(uint32_t state, uint32_t mhz)
{
	struct npu_msg msg = { .type = NPU_MSG_POWER };

	msg.power.state = state;
	msg.power.mhz = mhz;
	return driver_call(&msg) ? 0 : msg.power.mhz;
}

static uint32_t told(void)
{
	struct npu_msg msg = { .type = NPU_MSG_TELEMETRY };

	driver_call(&msg);
	return msg.telemetry.matrix_mhz;
}

static void put(uint64_t ns, uint64_t safe_ns)
{
	driver_put(6, ns, safe_ns);
	driver_ring(6);
}

static void setup(void)
{
	driver_boot();
	driver_context(0);
	driver_queue(6, 0, NPU_PRIORITY_NORMAL, 16);
}

static void test_requests(void)
{
	setup();
	tap_ok(told() == 1500 && fake.reg[NPU_CC_CLOCK_MHZ / 4] == 1500, "clock: the highest at first");
	tap_ok(asked(1, 1000) == 1000 && told() == 1000 && fake.reg[NPU_CC_CLOCK_MHZ / 4] == 1000,
	       "POWER: a clock is a cap, and the answer says so");
	tap_ok(asked(1, 0) == 1500, "POWER: zero is any");
	tap_ok(asked(1, 450) == 450, "POWER: three tenths are the lowest");
	tap_ok(asked(1, 449) == 1500 && asked(1, 1) == 1500,
	       "POWER: a clock below is no wish; the answer states the real one");
	tap_ok(asked(1, 1500) == 1500, "POWER: the highest clock");
	tap_ok(driver_call3(NPU_MSG_POWER, 1 | 1501ull << 32, 0, 0) == NPU_MSG_STATUS_INVALID,
	       "POWER: more than the machine's clock is refused");
	tap_ok(driver_call3(NPU_MSG_POWER, 2, 0, 0) == NPU_MSG_STATUS_INVALID,
	       "POWER: an unknown state is refused");
	tap_ok(driver_call3(NPU_MSG_POWER, 1, 1, 0) == NPU_MSG_STATUS_INVALID,
	       "POWER: an unused argument is refused");
	tap_ok(told() == 1500, "POWER: a refusal has changed nothing");
}

static void test_off(void)
{
	setup();
	tap_ok(asked(0, 0) == 1500, "power: off");
	put(10, 0);
	driver_run();
	tap_ok(!fake.starts, "power: off, no job runs");
	asked(1, 0);
	driver_run();
	tap_ok(driver_done_is(6, 1, 0), "power: on, it does");
	put(FAKE_ENDLESS, 0);
	driver_run();
	tap_ok(driver_call3(NPU_MSG_POWER, 0, 0, 0) == NPU_MSG_STATUS_BUSY,
	       "power: is not turned off under a job");
}

static uint32_t after_tick(int32_t millicelsius)
{
	fake.millicelsius = millicelsius;
	driver_ticks(1);
	return told();
}

static void test_throttle(void)
{
	uint32_t mhz = 1500;
	bool ok = true;

	setup();
	tap_ok(after_tick(95000) == 1500, "throttle: not at the limit");
	tap_ok(after_tick(95001) == 1350 &&
	       driver_log_ends("] temperature 95.001 C, clock 1350 of 1500 MHz"),
	       "throttle: a tenth less above it, and the log says so");
	put(10, 0);
	driver_run();
	tap_ok(fake.job_mhz == 1350, "throttle: the next job runs at that");
	for (mhz = 1350; mhz > 450; mhz -= 150)
		ok &= told() == mhz && after_tick(100000) == mhz - 150;
	tap_ok(ok && after_tick(100000) == 450, "throttle: step by step, down to three tenths");
	tap_ok(after_tick(95000) == 450 && after_tick(90000) == 450,
	       "throttle: it stays until it is 5 degrees below");
	tap_ok(after_tick(89999) == 600, "throttle: then it rises");
	tap_ok(asked(1, 700) == 600, "throttle: what the driver wants stays a cap");
	tap_ok(after_tick(89999) == 700 && after_tick(-40000) == 700, "throttle: the lower one counts");
	for (unsigned int i = 0; i < 10; i++)
		after_tick(-40000);
	tap_ok(asked(1, 0) == 1500, "throttle: all of it is back at the end");
}

static void test_critical(void)
{
	struct npu_done d;

	setup();
	put(1000, 100);
	driver_run_ns(150);
	after_tick(110000);
	driver_run_ns(100);
	tap_ok(fake.job_status == NPU_CC_JOB_RUNNING && !fake.stops, "critical: not at the limit");
	after_tick(110001);
	driver_run();
	tap_ok(fake.filled[6] && fake.slot[6].ran == 300, "critical: the running job makes way");
	put(10, 0);
	driver_run();
	tap_ok(fake.starts == 1 && !fake.resumes, "critical: none is started");
	after_tick(105000);
	driver_run();
	tap_ok(!fake.resumes, "critical: until it is 5 degrees below");
	after_tick(104999);
	driver_run();
	tap_ok(driver_done(&d) && d.seqno == 1 && d.model_ns == 1000 && driver_done_is(6, 2, 0),
	       "critical: then jobs go on");
	tap_ok(driver_log_ends("] temperature 104.999 C, clock 900 of 1500 MHz, "
			       "jobs are started again"),
	       "critical: the log says so");
}

int main(void)
{
	test_requests();
	test_off();
	test_throttle();
	test_critical();
	return tap_done();
}

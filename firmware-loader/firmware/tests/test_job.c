/* SPDX-License-Identifier: MIT */
/*
 * Jobs: records and their waiting time, progress, faults of contexts, jobs that hang.
 */
#include <string.h>

#include "driver.h"
#include "tap.h"

#define NORMAL	NPU_PRIORITY_NORMAL
#define HIGH	NPU_PRIORITY_HIGH
#define FAULT	NPU_FAULT_PAGE

static void setup_api(uint32_t api)
{
	driver_boot_api(api);
	for (uint32_t i = 0; i < 2; i++) {
		driver_context(i);
		driver_queue(i, i, NORMAL, 16);
	}
	driver_queue(2, 0, HIGH, 16);
}

static void setup(void)
{
	setup_api(NPU_VERSION(1, 1));
}

static void put(uint32_t queue, uint64_t ns)
{
	driver_put(queue, ns, 0);
	driver_ring(queue);
}

static void put_bad(uint32_t queue)
{
	driver_put(queue, 100, 0)->FAKE_FAULT = FAULT;
	driver_ring(queue);
}

static uint64_t wait_of(uint32_t queue)
{
	struct npu_done d;

	return driver_done(&d) && d.queue == queue ? d.wait_ns : ~0ull;
}

static void test_record(void)
{
	struct npu_done d;

	setup();
	driver_put(1, 12345, 0)->seqno = 0x123456789abcull;
	driver_ring(1);
	driver_run();
	tap_ok(driver_done(&d) && d.seqno == 0x123456789abcull && d.queue == 1 && !d.fault &&
	       d.model_ns == 12345 && d.energy_pj == 24690 && d.busy_ns[0] == 12345 &&
	       d.busy_ns[3] == 3 && d.commands == 7 && !d.wait_ns,
	       "record: what the command processor says, with the queue");
	tap_ok(fake.job.context == 1, "record: the job has run in its context");
}

static void test_wait(void)
{
	setup();
	put(0, 1000);
	put(1, 1000);
	driver_run_ns(300);
	put(1, 1000);
	driver_run();
	tap_ok(wait_of(0) == 0, "wait: none for the first");
	tap_ok(wait_of(1) == 1000, "wait: the time of the others since the doorbell");
	tap_ok(wait_of(1) == 1700, "wait: each has its own doorbell");
	/* more doorbells than are kept */
	put(0, 100000);
	for (unsigned int i = 0; i < 16; i++) {
		driver_run_ns(1000);
		put(1, 10);
	}
	driver_run_ns(1000);
	driver_run();
	wait_of(0);
	bool ok = true;

	for (uint64_t i = 0; i < 16; i++)
		ok &= wait_of(1) == 100000 - 1000 * (i + 1) + 10 * i;
	tap_ok(ok, "wait: 16 doorbells of a queue are kept");
	put(0, 100000);
	driver_queue(3, 1, NORMAL, 32);
	for (unsigned int i = 0; i < 20; i++) {
		driver_run_ns(1000);
		put(3, 0);
	}
	driver_run();
	wait_of(0);
	ok = true;
	for (uint64_t i = 0; i < 20; i++)
		ok &= wait_of(3) == 100000 - 1000 * ((i < 16 ? i : 15) + 1);
	tap_ok(ok, "wait: those beyond count from the last that is");
	put(0, 1000);
	driver_run_ns(100);
	put(1, 10);
	driver_run_ns(400);
	driver_call3(NPU_MSG_QUEUE_RESET, 1, 0, 0);
	tap_ok(wait_of(1) == 400, "wait: of a job that was killed in its ring as well");
	setup_api(NPU_VERSION(1, 0));
	put(0, 1000);
	put(1, 1000);
	driver_run();
	tap_ok(!wait_of(0) && !wait_of(1), "wait: API 1.0 knows none");
}

static void test_progress(void)
{
	struct npu_done d;

	setup();
	driver_put(0, 10000, 500)->FAKE_MARK = 100;
	driver_ring(0);
	driver_run_ns(1050);
	driver_ticks(1);
	tap_ok(driver.status->queue[0].progress == 10, "progress: each tick shows the MARKs");
	put(2, 10);
	driver_run_ns(455);
	tap_ok(driver.status->queue[0].progress == 15, "progress: so does a stop");
	driver_run();
	tap_ok(driver.status->queue[0].progress == 101 && driver.status->queue[0].done == 1,
	       "progress: at the end it is the MARKs and one");
	driver_done(&d);
	driver_done(&d);
	put(0, 10);
	driver_run();
	tap_ok(driver.status->queue[0].progress == 102 && driver.status->queue[0].head == 2,
	       "progress: it counts on");
}

static void test_fault(void)
{
	struct npu_msg msg;
	struct npu_done d;

	setup();
	put(0, 10);
	put_bad(0);
	put(0, 10);
	put(2, 10);
	put(1, 10);
	driver_run();
	tap_ok(driver_receive(&msg) && msg.type == NPU_MSG_EVENT_FAULT && !msg.id &&
	       msg.fault.queue == 0 && msg.fault.context == 0 && msg.fault.seqno == 2 &&
	       msg.fault.addr == 0x1234 && msg.fault.fault == FAULT && msg.fault.core == 2,
	       "fault: the driver is told, with details");
	tap_ok(driver_log_ends("] context 0 queue 0 job 2: fault 5 on core 2 at 0x1234"),
	       "fault: the log says so");
	tap_ok(!driver_receive(&msg), "fault: once");
	tap_ok(driver_done_is(2, 1, 0) && driver_done_is(0, 1, 0), "fault: jobs before it are whole");
	tap_ok(driver_done_is(0, 2, FAULT), "fault: the job that did it says so");
	tap_ok(driver_done_is(0, 3, NPU_FAULT_CONTEXT) && driver_done_is(1, 1, 0) &&
	       fake.starts == 4,
	       "fault: later jobs of the context do not start, those of others do");
	put(2, 10);
	driver_run();
	tap_ok(driver_done_is(2, 2, NPU_FAULT_CONTEXT) && !driver_receive(&msg),
	       "fault: nor do those of its other queues, which is no new event");
	driver_call3(NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	put(0, 10);
	driver_run();
	tap_ok(driver_done(&d) && !d.fault, "fault: the context runs again after its reset");
	msg = (struct npu_msg) { .type = NPU_MSG_TELEMETRY };
	driver_call(&msg);
	tap_ok(msg.telemetry.jobs == 7 && msg.telemetry.faults == 3 &&
	       msg.telemetry.model_ns == fake.model_ns && msg.telemetry.energy_pj == 280,
	       "fault: telemetry counts them");
}

static void test_fault_saved(void)
{
	setup();
	driver_put(0, 1000, 100);
	driver_ring(0);
	driver_run_ns(50);
	put_bad(2);
	put(0, 10);
	driver_run();
	tap_ok(driver_done_is(2, 1, FAULT) && driver_done_is(0, 1, NPU_FAULT_CONTEXT) &&
	       driver_done_is(0, 2, NPU_FAULT_CONTEXT) && fake.drops == 1 && !fake.resumes &&
	       !fake.misuses, "fault: a saved job of the context does not go on");
}

static void test_fault_full(void)
{
	struct npu_msg msg = { .type = NPU_MSG_PING };
	unsigned int told = 0;

	setup();
	for (unsigned int i = 0; i < 16; i++)
		driver_send(&msg);
	put_bad(0);
	put(1, 10);
	driver_run();
	tap_ok(driver.status->done_tail == 1 && fake.starts == 1,
	       "fault: no job is started until the event has found room");
	driver_receive(&msg);
	driver_run();
	tap_ok(driver.status->done_tail == 2, "fault: then they go on");
	for (unsigned int i = 0; i < 16; i++) {
		driver_receive(&msg);
		told += msg.type == NPU_MSG_EVENT_FAULT;
	}
	tap_ok(told == 1 && !driver_receive(&msg), "fault: and the event is there, once");
}

/* A tick is 20 ms, a hang 1000. */
static void test_hang(void)
{
	struct npu_msg msg;
	struct npu_done d;

	setup();
	put(0, FAKE_ENDLESS);
	put(0, 10);
	put(1, 10);
	driver_run();
	driver_ticks(50);
	tap_ok(!fake.kills, "hang: a job may be without progress for as long as is said");
	driver_ticks(1);
	tap_ok(fake.kills == 1, "hang: then it is killed");
	driver_run();
	tap_ok(driver_done(&d) && d.queue == 0 && d.seqno == 1 && d.fault == NPU_FAULT_HANG &&
	       d.fault_core == 2 && d.fault_addr == 0x1234 && d.commands == 7,
	       "hang: the record says so, with what the device knows");
	tap_ok(driver_done_is(0, 2, NPU_FAULT_CONTEXT) && driver_done_is(1, 1, 0),
	       "hang: its context is guilty, others are innocent");
	tap_ok(driver_receive(&msg) && msg.type == NPU_MSG_EVENT_FAULT &&
	       msg.fault.fault == NPU_FAULT_HANG, "hang: the driver is told");
	driver_call3(NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	driver_put(0, FAKE_ENDLESS, 0)->FAKE_MARK = 100;
	driver_ring(0);
	for (unsigned int i = 0; i < 20; i++) {
		driver_run_ns(100);
		driver_ticks(40);
	}
	tap_ok(fake.kills == 1, "hang: a job with MARKs does not, however long it takes");
	driver_ticks(51);
	tap_ok(fake.kills == 2, "hang: until they end");
	driver_done(&d);
	driver_call3(NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	put(1, FAKE_ENDLESS);
	driver_run();
	driver_ticks(1);
	fake_sleep_us(3600 * 1000000ull);
	driver_ticks(20);
	tap_ok(fake.kills == 2, "hang: time in which the core did not run counts for nothing");
}

static void test_hang_driver(void)
{
	struct npu_done d;

	setup();
	put(0, FAKE_ENDLESS);
	driver_run();
	driver_ticks(10);
	driver_call3(NPU_MSG_QUEUE_RESET, 0, 0, 0);
	tap_ok(driver_done_is(0, 1, NPU_FAULT_KILLED) && !fw.context[0].faulted,
	       "hang: a job that the driver kills is KILLED, its context clean");
	/* both in one round of the loop */
	put(0, FAKE_ENDLESS);
	driver_run();
	driver_ticks(50);
	driver.h2d[driver.h2d_tail++ & 15] = (struct npu_msg) { .type = NPU_MSG_QUEUE_RESET };
	fake_doorbell(NPU_CC_IRQ_H2D, NPU_CC_H2D_TAIL, driver.h2d_tail);
	driver_ticks(1);
	driver_run();
	tap_ok(driver_done_is(0, 2, NPU_FAULT_KILLED) && !fw.context[0].faulted,
	       "hang: even when the watchdog was as fast");
	setup_api(NPU_VERSION(1, 0));
	put(0, FAKE_ENDLESS);
	put(0, 10);
	driver_run();
	driver_ticks(51);
	driver_run();
	tap_ok(driver_done(&d) && d.fault == NPU_FAULT_KILLED && driver_done_is(0, 2, 0),
	       "hang: a driver of 1.0 sees KILLED");
}

/* A job that is resumed starts with a clean slate; its time as a saved one is not its own. */
static void test_hang_saved(void)
{
	setup();
	driver_put(0, FAKE_ENDLESS, 100);
	driver_ring(0);
	driver_run_ns(50);
	driver_ticks(40);
	driver_put(2, FAKE_ENDLESS, 0)->FAKE_MARK = 100;
	driver_ring(2);
	driver_run_ns(50);
	for (unsigned int i = 0; i < 10; i++) {
		driver_run_ns(100);
		driver_ticks(40);
	}
	driver_call3(NPU_MSG_QUEUE_RESET, 2, 0, 0);
	driver_ticks(40);
	tap_ok(fake.kills == 1 && fake.resumes == 1 && fake.job_queue == 0,
	       "hang: a saved job waits for as long as it takes");
}

int main(void)
{
	test_record();
	test_wait();
	test_progress();
	test_fault();
	test_fault_saved();
	test_fault_full();
	test_hang();
	test_hang_driver();
	test_hang_saved();
	return tap_done();
}

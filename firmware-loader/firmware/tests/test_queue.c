/* SPDX-License-Identifier: MIT */
/*
 * Queues: doorbells, suspend, reset, destruction; the completion ring. Jobs that are stopped at
 * safe points in the middle of that.
 */
#include <string.h>

#include "driver.h"
#include "tap.h"

#define NORMAL NPU_PRIORITY_NORMAL

static void put_short(uint32_t queue, unsigned int n)
{
	while (n--)
		driver_put(queue, 10, 0);
}

static void setup(void)
{
	driver_boot();
	driver_context(0);
	driver_context(1);
}

static void test_order(void)
{
	bool ok = true;

	setup();
	driver_queue(0, 0, NORMAL, 16);
	for (unsigned int round = 0; round < 10; round++) {
		put_short(0, 16);
		driver_ring(0);
		driver_run();
		for (unsigned int i = 1; i <= 16; i++)
			ok &= driver_done_is(0, 16 * round + i, NPU_FAULT_NONE);
	}
	tap_ok(ok, "queue: a full ring of jobs runs in order, round after round");
	tap_ok(driver.status->queue[0].head == 160 && driver.status->queue[0].done == 160 &&
	       driver.status->queue[0].progress == 160 && driver.status->model_ns == 1600 &&
	       driver.status->energy_pj == 3200 && driver.status->busy_ns[0] == 1600 &&
	       driver.status->busy_ns[3] == 480, "queue: the status page counts them");
	fake_ring(0, 160 + 17);
	driver_run();
	tap_ok(driver.status->queue[0].head == 160, "queue: a doorbell past the ring is ignored");
	put_short(0, 1);
	driver_ring(0);
	driver_run();
	tap_ok(driver_done_is(0, 161, NPU_FAULT_NONE), "queue: one that makes sense counts again");
	driver_call3(NPU_MSG_QUEUE_DESTROY, 0, 0, 0);
	fake_ring(0, 1);
	fake_ring(5, 1);
	driver_run();
	tap_ok(driver.status->done_tail == 161, "queue: a doorbell of no queue is ignored");
	driver_queue(63, 1, NORMAL, 4);
	put_short(63, 1);
	driver_ring(63);
	driver_run();
	tap_ok(driver_done_is(63, 1, NPU_FAULT_NONE) && fake.job.context == 1,
	       "queue: the last one works");
	tap_ok(!fake.misuses, "queue: the command processor was used as it has to be");
}

static void test_suspend(void)
{
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_SUSPEND, .queue.queue = 3 };
	struct npu_done d;

	setup();
	driver_queue(3, 0, NORMAL, 16);
	driver_call3(NPU_MSG_QUEUE_SUSPEND, 3, 0, 0);
	put_short(3, 2);
	driver_ring(3);
	driver_run();
	tap_ok(!fake.starts && driver_log_ends("] queue 3: suspended after 0 jobs"),
	       "suspend: no job is taken after the answer");
	driver_call3(NPU_MSG_QUEUE_RESUME, 3, 0, 0);
	driver_run();
	tap_ok(driver_done_is(3, 1, 0) && driver_done_is(3, 2, 0), "suspend: they run after RESUME");
	driver_put(3, 1000, 0);
	driver_put(3, 1000, 100);
	driver_ring(3);
	driver_run_ns(500);
	driver_send(&msg);
	tap_ok(!driver_receive(&msg), "suspend: is not answered while a job runs");
	tap_ok(driver_call3(NPU_MSG_QUEUE_RESET, 3, 0, 0) == NPU_MSG_STATUS_BUSY,
	       "suspend: another order to the queue is BUSY meanwhile");
	driver_run();
	tap_ok(driver_done_is(3, 3, 0) && driver_receive(&msg) &&
	       msg.type == (NPU_MSG_QUEUE_SUSPEND | NPU_MSG_REPLY) && !msg.status,
	       "suspend: a job without safe points ends first");
	driver_call3(NPU_MSG_QUEUE_RESUME, 3, 0, 0);
	driver_run_ns(250);
	msg = (struct npu_msg) { .type = NPU_MSG_QUEUE_SUSPEND, .queue.queue = 3 };
	driver_send(&msg);
	driver_run();
	tap_ok(driver_receive(&msg) && !driver_done(&d) && fake.filled[3] &&
	       fake.slot[3].ran == 300,
	       "suspend: one with safe points is stopped at the next and stays saved");
	driver_run();
	tap_ok(fake.filled[3], "suspend: and nobody resumes it");
	driver_call3(NPU_MSG_QUEUE_RESUME, 3, 0, 0);
	driver_run();
	tap_ok(driver_done(&d) && d.seqno == 4 && d.model_ns == 1000 && fake.resumes == 1,
	       "suspend: RESUME goes on with it");
	tap_ok(!fake.misuses, "suspend: the command processor was used as it has to be");
}

/* A late answer finds the ring of messages full. */
static void test_late(void)
{
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_SUSPEND, .queue.queue = 3 };
	struct npu_msg ping = { .type = NPU_MSG_PING };
	unsigned int late = 0;

	setup();
	driver_queue(3, 0, NORMAL, 16);
	driver_put(3, 1000, 0);
	driver_ring(3);
	driver_run_ns(500);
	driver_send(&msg);
	for (unsigned int i = 0; i < 16; i++)
		driver_send(&ping);
	driver_run();
	tap_ok(driver.status->d2h_tail == driver.d2h_head + 16 && driver.status->done_tail == 1,
	       "late answers: wait for room");
	for (unsigned int i = 0; i < 17 && driver_receive(&msg); i++)
		late += msg.type == (NPU_MSG_QUEUE_SUSPEND | NPU_MSG_REPLY);
	tap_ok(late == 1 && !driver_receive(&msg), "late answers: come once there is");
	/* Seen together: the second has the last room. */
	for (unsigned int i = 0; i < 15; i++)
		driver_send(&ping);
	driver.h2d[driver.h2d_tail++ & 15] = (struct npu_msg) { .type = NPU_MSG_CONTEXT_RESET };
	driver_send(&ping);
	tap_ok(driver.status->d2h_tail == driver.d2h_head + 16, "late answers: of a context as well");
	for (unsigned int i = 0; i < 17 && driver_receive(&msg); i++)
		late += msg.type == (NPU_MSG_CONTEXT_RESET | NPU_MSG_REPLY);
	tap_ok(late == 2 && !driver_receive(&msg), "late answers: they come, too");
}

static void test_reset(void)
{
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_RESET, .queue.queue = 5 };
	struct npu_done d;
	bool ok;

	setup();
	driver_queue(5, 0, NORMAL, 16);
	driver_put(5, FAKE_ENDLESS, 0);
	put_short(5, 3);
	driver_ring(5);
	driver_run();
	tap_ok(driver_call3(NPU_MSG_QUEUE_RESET, 5, 0, 0) == NPU_MSG_STATUS_OK && fake.kills == 1,
	       "reset: of a queue with a job that hangs is answered");
	ok = true;
	for (uint64_t i = 1; i <= 4; i++)
		ok &= driver_done_is(5, i, NPU_FAULT_KILLED);
	tap_ok(ok && driver_log_ends("] queue 5: reset after 4 jobs"),
	       "reset: running and queued jobs each complete as KILLED, in order");
	put_short(5, 1);
	driver_ring(5);
	driver_run();
	tap_ok(driver_done_is(5, 5, NPU_FAULT_NONE), "reset: the queue and its context run on");
	/* A job that is saved for a higher one */
	driver_queue(6, 1, NPU_PRIORITY_HIGH, 16);
	driver_put(5, 1000, 100);
	put_short(5, 1);
	driver_ring(5);
	driver_run_ns(150);
	driver_put(6, FAKE_ENDLESS, 0);
	driver_ring(6);
	driver_run();
	tap_ok(fake.filled[5] && fake.job_queue == 6, "reset: a job is saved");
	driver_send(&msg);
	tap_ok(!fake.filled[5] && fake.drops == 1 && driver_done(&d) && d.seqno == 6 &&
	       d.fault == NPU_FAULT_KILLED && d.queue == 5 && d.commands == 7 &&
	       driver_done_is(5, 7, NPU_FAULT_KILLED) && driver_receive(&msg),
	       "reset: the saved job is dropped and has its record, before those behind it");
	driver_call3(NPU_MSG_QUEUE_DESTROY, 6, 0, 0);
	tap_ok(driver_done_is(6, 1, NPU_FAULT_KILLED), "destroy: kills what is left");
	tap_ok(!driver_done(&d) && !fake.misuses, "destroy: and nothing comes after");
}

static void test_context_reset(void)
{
	struct npu_msg msg;

	setup();
	driver_queue(0, 0, NORMAL, 16);
	driver_queue(1, 0, NPU_PRIORITY_HIGH, 16);
	driver_queue(2, 1, NORMAL, 16);
	driver_put(0, 1000, 100);
	driver_ring(0);
	driver_run_ns(50);
	driver_put(1, FAKE_ENDLESS, 0);
	put_short(2, 1);
	driver_ring(1);
	driver_ring(2);
	driver_run();
	tap_ok(driver_call3(NPU_MSG_CONTEXT_RESET, 0, 0, 0) == NPU_MSG_STATUS_OK &&
	       driver_log_ends("] context 0: reset"), "context reset: is answered");
	driver_run();
	tap_ok(driver_done_is(0, 1, NPU_FAULT_KILLED) && driver_done_is(1, 1, NPU_FAULT_KILLED) &&
	       driver_done_is(2, 1, NPU_FAULT_NONE) && !driver_receive(&msg),
	       "context reset: kills what runs and what is saved, nothing of others");
	put_short(0, 1);
	driver_ring(0);
	driver_run();
	tap_ok(driver_done_is(0, 2, NPU_FAULT_NONE), "context reset: its queues run on");
}

static void test_full(void)
{
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_RESET, .queue.queue = 7 };
	uint32_t n = 64 + 20, got = 0;
	struct npu_done d;
	bool ok = true;

	setup();
	driver_queue(7, 0, NORMAL, 128);
	put_short(7, n);
	driver_ring(7);
	driver_run();
	tap_ok(driver.status->done_tail == 64 && fake.starts == 64,
	       "completions: a full ring holds jobs back");
	while (driver_done(&d)) {
		ok &= d.seqno == ++got;
		driver_run();
	}
	tap_ok(ok && got == n, "completions: they go on as records are read, none is lost");
	put_short(7, n);
	driver_ring(7);
	driver_run();
	fake_doorbell(NPU_CC_IRQ_DONE_ARM, NPU_CC_DONE_HEAD, driver.done_head - 1);
	driver_run();
	fake_doorbell(NPU_CC_IRQ_DONE_ARM, NPU_CC_DONE_HEAD, driver.done_head + 65);
	driver_run();
	tap_ok(driver.status->done_tail == driver.done_head + 64,
	       "completions: an arming that cannot be makes no room");
	driver_send(&msg);
	tap_ok(!driver_receive(&msg), "completions: a reset waits for room for its records");
	for (got = 0; got < n && driver_done(&d); got++)
		ok &= d.seqno == n + got + 1 &&
		      d.fault == (got < 64 ? NPU_FAULT_NONE : NPU_FAULT_KILLED);
	tap_ok(ok && got == n && driver_receive(&msg) && msg.status == NPU_MSG_STATUS_OK,
	       "completions: then every job has its record, and the reset its answer");
	/* The running job of another queue was promised its record. */
	driver_queue(8, 0, NPU_PRIORITY_HIGH, 16);
	driver_put(8, 1000, 0);
	driver_ring(8);
	driver_run_ns(10);
	put_short(7, n);
	driver_ring(7);
	msg = (struct npu_msg) { .type = NPU_MSG_QUEUE_RESET, .queue.queue = 7 };
	driver_send(&msg);
	tap_ok(driver.status->done_tail == driver.done_head + 63,
	       "completions: killed jobs leave room for the one that runs");
	driver_run();
	tap_ok(driver.status->done_tail == driver.done_head + 64, "completions: which it takes");
}

static void test_interrupts(void)
{
	uint32_t irqs;

	setup();
	driver_queue(8, 0, NORMAL, 64);
	put_short(8, 1);
	driver_ring(8);
	driver_run();
	tap_ok(!fake.msi[NPU_MSIX_DONE], "interrupts: after a boot the ring is not armed");
	driver_done_is(8, 1, 0);
	irqs = fake.msi[NPU_MSIX_DONE];
	put_short(8, 50);
	driver_ring(8);
	driver_run();
	tap_ok(fake.msi[NPU_MSIX_DONE] == irqs + 1, "interrupts: one for a batch of 50 jobs");
	fake_doorbell(NPU_CC_IRQ_DONE_ARM, NPU_CC_DONE_HEAD, driver.done_head + 49);
	fake_loop();
	tap_ok(fake.msi[NPU_MSIX_DONE] == irqs + 2,
	       "interrupts: arming behind the tail interrupts at once");
	fake_doorbell(NPU_CC_IRQ_DONE_ARM, NPU_CC_DONE_HEAD, driver.done_head + 50);
	fake_loop();
	tap_ok(fake.msi[NPU_MSIX_DONE] == irqs + 2,
	       "interrupts: arming at the tail waits for the next record");
	put_short(8, 1);
	driver_ring(8);
	driver_run();
	tap_ok(fake.msi[NPU_MSIX_DONE] == irqs + 3, "interrupts: which raises one");
	put_short(8, 1);
	driver_ring(8);
	driver_run();
	tap_ok(fake.msi[NPU_MSIX_DONE] == irqs + 3, "interrupts: none while it is not armed");
}

/* Indices of all kinds pass 2^32 without a word. */
static void test_wrap(void)
{
	struct npu_msg msg = { .type = NPU_MSG_PING };
	bool ok = true;

	setup();
	driver_queue(0, 0, NORMAL, 4);
	fw.queue[0].head = fw.queue[0].tail = driver.queue[0].tail = 0xfffffffe;
	fw.done.head = fw.done.tail = driver.done_head = 0xfffffffd;
	driver.status->done_tail = driver.done_head;
	fw.mailbox.d2h_head = fw.mailbox.d2h_tail = driver.d2h_head = 0xffffffff;
	driver.status->d2h_tail = driver.d2h_head;
	fw.mailbox.h2d_head = fw.mailbox.h2d_tail = driver.h2d_tail = 0xffffffff;
	for (uint64_t i = 0; i < 3; i++) {
		driver_put(0, 10, 0);
		driver_put(0, 10, 0);
		driver_ring(0);
		driver_run();
		ok &= driver_done_is(0, 2 * i + 1, 0) && driver_done_is(0, 2 * i + 2, 0) &&
		      driver_call(&msg) == NPU_MSG_STATUS_OK;
		msg = (struct npu_msg) { .type = NPU_MSG_PING };
	}
	tap_ok(ok && driver.status->queue[0].head == 4, "indices: all wrap at 2^32");
}

int main(void)
{
	test_order();
	test_suspend();
	test_late();
	test_reset();
	test_context_reset();
	test_full();
	test_interrupts();
	test_wrap();
	return tap_done();
}

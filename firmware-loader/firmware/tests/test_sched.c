/* SPDX-License-Identifier: MIT */
/*
 * Scheduling: priorities, turns, fairness in modelled time, pre-emption and its bound, starvation.
 * Configuration of the test boot: turns of 4 jobs, slices of 500, 2000, 4000, 8000 us by priority,
 * 8 turns of starvation.
 */
#include <string.h>

#include "driver.h"
#include "tap.h"

#define IDLE	NPU_PRIORITY_IDLE
#define NORMAL	NPU_PRIORITY_NORMAL
#define HIGH	NPU_PRIORITY_HIGH
#define US	1000ull
#define MS	1000000ull

static void setup(void)
{
	driver_boot();
	for (uint32_t i = 0; i < 4; i++)
		driver_context(i);
}

static void put(uint32_t queue, unsigned int n, uint64_t ns, uint64_t safe_ns)
{
	while (n--)
		driver_put(queue, ns, safe_ns);
	driver_ring(queue);
}

/* The queues of the next @n records are these. */
static bool order_is(const char *queues)
{
	char got[64] = "";
	struct npu_done d;
	size_t n = 0;

	while (n < strlen(queues) && driver_done(&d) && n < sizeof(got) - 1)
		got[n++] = (char)('0' + d.queue);
	if (!strcmp(got, queues))
		return true;
	tap_diag("order %s, wanted %s", got, queues);
	return false;
}

static void test_priorities(void)
{
	setup();
	for (uint32_t p = 0; p < 4; p++)
		driver_queue(p, 0, p, 16);
	for (uint32_t p = 0; p < 4; p++)
		put(p, 3, 10, 0);
	driver_run();
	tap_ok(order_is("333222111000"), "priorities: higher queues run first");
	driver_call3(NPU_MSG_QUEUE_PRIORITY, 0 | (uint64_t)NPU_PRIORITY_REALTIME << 32, 0, 0);
	put(0, 1, 10, 0);
	put(2, 1, 10, 0);
	driver_run();
	tap_ok(order_is("02"), "priorities: a change counts from the next job on");
	driver_call3(NPU_MSG_POWER, 0, 0, 0);
	put(2, 1, 10, 0);
	put(1, 1, 10, 0);
	driver_run();
	driver_call3(NPU_MSG_QUEUE_PRIORITY, 1 | (uint64_t)NPU_PRIORITY_REALTIME << 32, 0, 0);
	driver_call3(NPU_MSG_POWER, 1, 0, 0);
	driver_run();
	tap_ok(order_is("12"), "priorities: of a queue that waits as well");
}

static void test_turns(void)
{
	setup();
	driver_queue(0, 0, NORMAL, 64);
	driver_queue(1, 0, NORMAL, 64);
	put(0, 8, 10, 0);
	put(1, 8, 10, 0);
	driver_run();
	tap_ok(order_is("0000111100001111"), "turns: queues of a priority take turns of 4 jobs");
	put(0, 4, 0, 0);
	put(1, 4, 0, 0);
	driver_run();
	tap_ok(order_is("00001111"), "turns: jobs that take no time as well");
	put(0, 3, 1500 * US, 0);
	put(1, 3, 1500 * US, 0);
	driver_run();
	tap_ok(order_is("001101") && !fake.resumes, "turns: end after a slice of modelled time");
	put(0, 6, 10, 0);
	driver_run();
	tap_ok(order_is("000000"), "turns: who is alone goes on");
}

static void test_contexts(void)
{
	unsigned int jobs[3] = { 0 };
	struct npu_done d;

	/* one context with one queue, another with two that put in as much each */
	setup();
	for (uint32_t i = 0; i < 3; i++) {
		driver_queue(i, i ? 1 : 0, NORMAL, 64);
		put(i, 64, 1000 * US, 0);
	}
	for (unsigned int i = 0; i < 32; i++) {
		driver_run_ns(1 * MS);
		if (driver_done(&d))
			jobs[d.queue]++;
	}
	tap_ok(jobs[0] == 16 && jobs[1] == 8 && jobs[2] == 8,
	       "fairness: contexts share alike, then their queues");
	tap_diag("%u %u %u", jobs[0], jobs[1], jobs[2]);
}

/* Of two contexts that always have work each has half the time, however long its jobs are. */
static void test_time(void)
{
	uint64_t served[2] = { 0 }, end;
	struct npu_done d;

	setup();
	driver_queue(0, 0, NORMAL, 64);
	driver_queue(1, 1, NORMAL, 64);
	put(0, 64, 100 * US, 0);
	put(1, 64, 5000 * US, 250 * US);
	end = fake.model_ns + 100 * MS;
	while (fake.model_ns < end) {
		fake_loop();
		fake_advance(end - fake.model_ns);
		fake_loop();
		while (driver_done(&d)) {
			served[d.queue] += d.model_ns;
			put(d.queue, 1, d.queue ? 5000 * US : 100 * US, d.queue ? 250 * US : 0);
		}
	}
	tap_ok(served[0] >= 48 * MS && served[0] <= 52 * MS && served[1] >= 45 * MS,
	       "fairness: short jobs and long ones have half the modelled time each");
	tap_diag("%llu and %llu us", (unsigned long long)served[0] / 1000,
		 (unsigned long long)served[1] / 1000);
	tap_ok(fake.resumes >= 20, "fairness: for long ones are stopped at safe points");
}

/* The same for queues of one context */
static void test_queues(void)
{
	uint64_t served[2] = { 0 };
	struct npu_done d;

	setup();
	driver_queue(0, 0, NORMAL, 64);
	driver_queue(1, 0, NORMAL, 64);
	put(0, 64, 100 * US, 0);
	put(1, 64, 1500 * US, 0);
	while (fake.model_ns < 100 * MS) {
		driver_run_ns(100 * US);
		while (driver_done(&d)) {
			served[d.queue] += d.model_ns;
			put(d.queue, 1, d.model_ns, 0);
		}
	}
	tap_ok(served[0] >= 47 * MS && served[0] <= 53 * MS,
	       "fairness: so do queues of a context with short jobs and long ones");
	tap_diag("%llu and %llu us", (unsigned long long)served[0] / 1000,
		 (unsigned long long)served[1] / 1000);
}

static void test_idle(void)
{
	setup();
	driver_queue(0, 0, NORMAL, 64);
	driver_queue(1, 1, NORMAL, 64);
	driver_queue(2, 0, NORMAL, 64);
	put(0, 20, 1000 * US, 0);
	driver_run_ns(20 * MS + 1);
	order_is("00000000000000000000");
	put(0, 8, 1000 * US, 0);
	fake_loop();
	put(1, 8, 1000 * US, 0);
	driver_run();
	tap_ok(order_is("0011001100110011"),
	       "fairness: a context that was idle has saved nothing up");
	put(0, 20, 1000 * US, 0);
	driver_run();
	order_is("00000000000000000000");
	put(0, 8, 1000 * US, 0);
	fake_loop();
	put(2, 8, 1000 * US, 0);
	driver_run();
	tap_ok(order_is("0022002200220022"), "fairness: nor has a queue of a context");
	/* or after one job that was long */
	put(0, 1, 50 * MS, 0);
	driver_run();
	order_is("0");
	put(0, 8, 1000 * US, 0);
	put(1, 8, 1000 * US, 0);
	driver_run();
	/* level, and whose last turn is the longest ago goes first */
	tap_ok(order_is("1100110011001100"),
	       "fairness: whoever comes after one long job has half as well");
	/* What was served at another priority is not held against a queue. */
	driver_queue(3, 0, HIGH, 64);
	driver_call3(NPU_MSG_QUEUE_PRIORITY, 2 | (uint64_t)HIGH << 32, 0, 0);
	put(2, 8, 1000 * US, 0);
	put(3, 8, 1000 * US, 0);
	driver_run();
	tap_ok(order_is("3333222233332222"),
	       "fairness: a queue of another priority now starts level there");
	/* Somebody who comes while a long job runs starts level with it. */
	put(0, 1, 50 * MS, 1 * MS);
	put(0, 1, 50 * MS, 1 * MS);
	driver_run_ns(30 * MS);
	put(1, 40, 1000 * US, 0);
	driver_run_ns(40 * MS);
	tap_ok(driver.status->queue[1].done - 16 >= 18 && driver.status->queue[1].done - 16 <= 22,
	       "fairness: who comes while a long job runs has half from then on");
	tap_diag("%u jobs of 20", driver.status->queue[1].done - 16);
}

static void test_preempt(void)
{
	struct npu_done d;

	setup();
	driver_queue(0, 0, NORMAL, 16);
	driver_queue(1, 1, HIGH, 16);
	put(0, 1, 10 * MS, 100 * US);
	driver_run_ns(1 * MS + 1);
	put(1, 1, 500 * US, 0);
	driver_run();
	tap_ok(driver_done(&d) && d.queue == 1 && d.wait_ns == 100 * US - 1,
	       "pre-emption: a higher job waits for the next safe point only");
	tap_ok(driver_done(&d) && d.queue == 0 && d.model_ns == 10 * MS &&
	       d.wait_ns == 500 * US && fake.resumes == 1 && fake.stops == 1,
	       "pre-emption: the lower one goes on where it was");
	tap_ok(fake.model_ns == 10500 * US && driver.status->model_ns == fake.model_ns &&
	       driver.status->energy_pj == 2 * fake.model_ns,
	       "pre-emption: sums count each run once");
	put(0, 1, 10 * MS, 0);
	driver_run_ns(1 * MS);
	put(1, 1, 500 * US, 0);
	driver_run();
	tap_ok(order_is("01"), "pre-emption: a job without safe points ends first");
	put(1, 1, 10 * MS, 100 * US);
	driver_run_ns(1 * MS);
	put(0, 1, 10, 0);
	driver_run();
	tap_ok(order_is("10"), "pre-emption: a lower one does not stop a higher one");
	/* of several levels, one on the other */
	driver_queue(2, 2, NPU_PRIORITY_REALTIME, 16);
	put(0, 1, 1 * MS, 10 * US);
	driver_run_ns(15 * US);
	put(1, 1, 1 * MS, 10 * US);
	driver_run_ns(15 * US);
	put(2, 1, 1 * MS, 10 * US);
	driver_run_ns(15 * US);
	tap_ok(fake.filled[0] && fake.filled[1] && fake.job_queue == 2,
	       "pre-emption: two jobs wait for a third");
	driver_run();
	tap_ok(order_is("210"), "pre-emption: and go on by priority");
	driver_put(0, 1 * MS, 10 * US);
	put(0, 1, 1 * MS, 10 * US);
	driver_run_ns(15 * US);
	driver_call3(NPU_MSG_QUEUE_PRIORITY, 1 | (uint64_t)IDLE << 32, 0, 0);
	put(1, 1, 10, 0);
	driver_run_ns(30 * US);
	tap_ok(fake.job_queue == 0 && !fake.filled[0], "pre-emption: not by a queue that is idle now");
	driver_call3(NPU_MSG_QUEUE_PRIORITY, 1 | (uint64_t)HIGH << 32, 0, 0);
	driver_run_ns(30 * US);
	tap_ok(order_is("1"), "pre-emption: a queue that waits is raised above the one that runs");
	tap_ok(!fake.misuses, "pre-emption: the command processor was used as it has to be");
}

static void test_slices(void)
{
	setup();
	driver_queue(0, 0, NORMAL, 16);
	driver_queue(1, 1, NORMAL, 16);
	put(0, 1, 10 * MS, 100 * US);
	driver_run_ns(1 * MS);
	tap_ok(!fake.job.limit && !fake.limits, "slices: who is alone has no limit");
	put(1, 1, 10 * MS, 100 * US);
	fake_loop();
	tap_ok(fake.limits == 1 && fake.job.limit == 2 * MS,
	       "slices: the running job has one when somebody else comes");
	driver_run_ns(1 * MS);
	tap_ok(fake.filled[0] && fake.slot[0].ran == 2 * MS && fake.job_queue == 1,
	       "slices: it stops after its slice, counted from its start");
	driver_run_ns(2 * MS);
	tap_ok(fake.filled[1] && fake.job_queue == 0 && fake.job.limit == 2 * MS,
	       "slices: and so does the other");
	driver_run();
	tap_ok(fake.resumes == 8 && order_is("01"), "slices: until both have ended");
	put(0, 1, 30 * MS, 100 * US);
	driver_run_ns(25 * MS);
	put(1, 1, 1 * MS, 0);
	driver_run_ns(100 * US + 1 * MS);
	tap_ok(order_is("1"), "slices: who has run for long already stops at its next safe point");
	driver_run();
	order_is("0");
	/* Jobs of one turn share its slice. */
	put(0, 4, 1500 * US, 100 * US);
	driver_run_ns(1);
	put(1, 1, 10, 0);
	driver_run();
	tap_ok(order_is("01000") && !fake.misuses, "slices: jobs of a turn share one");
}

static void test_starvation(void)
{
	unsigned int before = 0;
	struct npu_done d;
	bool ok = true;

	setup();
	driver_queue(0, 0, IDLE, 4);
	driver_queue(1, 0, HIGH, 64);
	put(0, 4, 10, 0);
	put(1, 40, 10, 0);
	driver_run();
	while (driver_done(&d) && d.queue)
		before++;
	tap_ok(before == 8 * 4, "starvation: a low queue waits 8 turns of higher ones");
	for (uint64_t i = 2; i <= 4; i++)
		ok &= driver_done_is(0, i, NPU_FAULT_NONE);
	tap_ok(ok, "starvation: and then it has a turn, as the others have");
	tap_ok(order_is("11111111"), "starvation: and they go on");
}

/* One high job that goes on and on: its slices are turns. */
static void test_starved_by_one(void)
{
	setup();
	driver_queue(0, 0, IDLE, 4);
	driver_queue(1, 1, HIGH, 4);
	put(1, 1, FAKE_ENDLESS, 100 * US);
	driver_run_ns(1 * MS);
	put(0, 1, 10 * MS, 100 * US);
	driver_run_ns(7 * 4 * MS);
	tap_ok(driver.status->queue[0].head == 0, "starvation: an endless higher job has its turns");
	driver_run_ns(2 * 4 * MS);
	tap_ok(driver.status->queue[0].head == 1 && fake.job_queue == 1 && fake.filled[0] &&
	       fake.slot[0].ran == 500 * US, "starvation: then the low one has its slice, no more");
	driver_run_ns(9 * 4 * MS);
	tap_ok(fake.slot[0].ran == 1000 * US, "starvation: and again as much later");
	/* bound: 10 ms in slices of 500 us, each after at most 8 + 1 turns of 4 ms */
	driver_run_ns(20 * (9 * 4 * MS + 500 * US));
	tap_ok(driver_done_is(0, 1, NPU_FAULT_NONE), "starvation: so it ends within the bound");
}

static void test_lent(void)
{
	setup();
	driver_queue(0, 0, IDLE, 4);
	driver_queue(1, 1, HIGH, 64);
	driver_queue(2, 2, NPU_PRIORITY_REALTIME, 4);
	put(0, 1, 10 * MS, 50 * US);
	put(1, 36, 10, 0);
	driver_run_ns(8 * 4 * 10 + 10);
	tap_ok(fake.job_queue == 0 && fake.job_status == NPU_CC_JOB_RUNNING,
	       "lent turn: the low job runs");
	put(2, 1, 10, 0);
	driver_run_ns(100 * US);
	tap_ok(fake.job_queue == 0 && !fake.stops, "lent turn: a higher one does not cut it short");
	driver_run_ns(400 * US);
	tap_ok(fake.filled[0] && fake.slot[0].ran == 500 * US, "lent turn: its slice does");
	driver_run();
	tap_ok(driver.status->done_tail == 38 && !fake.misuses, "lent turn: all come to their end");
}

/*
 * Whatever comes in whatever order: each job has one record, in the order of its queue, and no job
 * runs below a higher one that waits for longer than to the next safe point, but for lent turns.
 */
static void test_any(void)
{
	uint64_t seed = 42, next[NPU_MAX_QUEUES] = { 0 }, put_n = 0, got = 0;
	bool ok = true;
	struct npu_done d;

	setup();
	for (uint32_t i = 0; i < 64; i++)
		driver_queue(i, i % 4, i / 4 % 4, 16);
	for (unsigned int step = 0; step < 100000; step++) {
		uint32_t r = (uint32_t)((seed = seed * 6364136223846793005ull +
					 1442695040888963407ull) >> 33);
		uint32_t q = r % 64;

		switch (r >> 8 & 7) {
		case 0 ... 2:
			if (driver.queue[q].tail - driver.status->queue[q].head < 16) {
				put(q, 1, r >> 11 & 0xfffff, r >> 11 & 1 ? 5000 : 0);
				put_n++;
			}
			break;
		case 3:
			driver_call3(r & 1 << 12 ? NPU_MSG_QUEUE_RESUME : NPU_MSG_QUEUE_PRIORITY,
				     q | (r & 1 << 12 ? 0 : (uint64_t)(r >> 13 & 3) << 32), 0, 0);
			break;
		case 4:
			if (!(r >> 16 & 31)) {
				struct npu_msg msg = {
					.type = r & 1 << 12 ? NPU_MSG_QUEUE_SUSPEND :
						NPU_MSG_QUEUE_RESET,
					.queue.queue = q,
				};

				driver_send(&msg);
			}
			break;
		default:
			driver_run_ns(r >> 11 & 0x3ffff);
		}
		fake_loop();
		while (driver_done(&d)) {
			got++;
			ok &= d.seqno == ++next[d.queue] && d.queue < 64 &&
			      (d.fault == NPU_FAULT_NONE || d.fault == NPU_FAULT_KILLED);
		}
		while (driver_receive(&(struct npu_msg) { 0 }))
			;
	}
	for (uint32_t i = 0; i < 64; i++)
		driver_call3(NPU_MSG_QUEUE_RESUME, i, 0, 0);
	do {
		driver_run();
		while (driver_done(&d)) {
			got++;
			ok &= d.seqno == ++next[d.queue];
		}
	} while (fake.job_status == NPU_CC_JOB_RUNNING);
	tap_ok(ok && got == put_n && !fake.misuses,
	       "all: %llu jobs of 64 queues have one record each, in order",
	       (unsigned long long)put_n);
	tap_ok(fake.resumes > 100 && fake.drops > 0 && fake.kills > 0,
	       "all: some stopped, some killed");
	for (uint32_t i = 0; i < 64; i++)
		ok &= !fake.filled[i] && !fw.queue[i].saved && !fw.queue[i].kill;
	for (uint32_t p = 0; p < 4; p++) {
		ok &= set_empty(&fw.sched.ready[p]);
		for (uint32_t c = 0; c < 4; c++)
			ok &= !fw.context[c].share[p].ready;
	}
	tap_ok(ok && set_empty(&fw.restless_queues), "all: nothing is left");
}

int main(void)
{
	test_priorities();
	test_turns();
	test_contexts();
	test_time();
	test_queues();
	test_idle();
	test_preempt();
	test_slices();
	test_starvation();
	test_starved_by_one();
	test_lent();
	test_any();
	return tap_done();
}

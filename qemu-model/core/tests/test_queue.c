/* SPDX-License-Identifier: MIT */
/*
 * Queues: order, priorities, fairness, suspend, reset, destruction; the completion ring.
 */
#include <string.h>

#include "host.h"
#include "tap.h"

static struct host *h;
static struct vm vm;
static uint64_t empty_va, hang_va, flag_va;
static uint32_t empty_size, hang_size;

/* A job without commands, and one that runs until it is killed, having set a flag. */
static void make_jobs(void)
{
	struct cb cb;

	flag_va = vm_alloc(&vm, 4096, NULL);
	cb_init(&cb);
	cb_end(&cb, 0);
	empty_va = cb_place(&cb, &vm);
	empty_size = cb.size;
	cb_free(&cb);
	cb_init(&cb);
	cb_alu(&cb, NPU_ALU_ADD, 31, 0, 0, 1);
	cb_str(&cb, 31, flag_va);
	for (int i = 0; i < 4; i++)
		cb_loop(&cb, 0xffffffffu, 0, 0);
	for (int i = 0; i < 4; i++)
		cb_op(&cb, NPU_OP_LOOP_END);
	cb_end(&cb, 0);
	hang_va = cb_place(&cb, &vm);
	hang_size = cb.size;
	cb_free(&cb);
}

static void put_empty(struct queue *q, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		queue_put(q, empty_va, empty_size, NULL, 0);
}

/* Starts the endless job and waits until it runs. */
static void start_hang(struct queue *q)
{
	uint64_t zero = 0, flag = 0;

	vm_write(&vm, flag_va, &zero, 8);
	queue_put(q, hang_va, hang_size, NULL, 0);
	queue_ring(q);
	while (!flag)
		vm_read(&vm, flag_va, &flag, 8);
}

static bool next_is(uint32_t queue, uint64_t seqno, enum npu_fault fault)
{
	struct npu_done d;

	if (host_done(h, &d, 5000) && d.queue == queue && d.seqno == seqno && d.fault == fault)
		return true;
	tap_diag("queue %u seqno %llu fault %u, wanted %u %llu %u", d.queue,
		 (unsigned long long)d.seqno, d.fault, queue, (unsigned long long)seqno, fault);
	return false;
}

static void end_queue(struct queue *q)
{
	host_call3(h, NPU_MSG_QUEUE_DESTROY, q->id, 0, 0);
}

static void test_order(void)
{
	struct queue q;
	bool ok = true;

	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	for (unsigned int round = 0; round < 10; round++) {
		put_empty(&q, 16);
		queue_ring(&q);
		for (unsigned int i = 1; i <= 16; i++)
			ok &= next_is(0, 16 * round + i, NPU_FAULT_NONE);
	}
	tap_ok(ok, "queue: a full ring of jobs runs in order, round after round");
	tap_ok(h->status->queue[0].head == 160 && h->status->queue[0].done == 160 &&
	       h->status->queue[0].progress == 160, "queue: the status page counts them");
	npu_core_reg_write(h->core, NPU_REG_QUEUE_TAIL(0), q.tail + 17);
	tap_ok(!host_differs(&h->status->queue[0].head, 160, 50),
	       "queue: a doorbell past the ring is ignored");
	npu_core_reg_write(h->core, NPU_REG_QUEUE_TAIL(0), q.tail);
	end_queue(&q);
	npu_core_reg_write(h->core, NPU_REG_QUEUE_TAIL(0), 1);
	tap_ok(!host_differs(&h->status->done_tail, h->done_head, 50),
	       "queue: a doorbell of no queue is ignored");
}

/* Lets the device see doorbells of several queues at once. */
static void ring_all(struct queue *q, unsigned int n)
{
	host_call3(h, NPU_MSG_POWER, 0, 0, 0);
	for (unsigned int i = 0; i < n; i++)
		queue_ring(&q[i]);
	host_call3(h, NPU_MSG_POWER, 1, 0, 0);
}

static void test_priorities(void)
{
	struct queue q[4];
	bool ok = true;

	for (uint32_t p = 0; p < 4; p++) {
		queue_new(&q[p], &vm, p, p, 16);
		put_empty(&q[p], 3);
	}
	ring_all(q, 4);
	for (uint32_t p = 4; p-- > 0;) {
		for (uint32_t i = 1; i <= 3; i++)
			ok &= next_is(p, i, NPU_FAULT_NONE);
	}
	tap_ok(ok, "priorities: higher queues run first");
	host_call3(h, NPU_MSG_QUEUE_PRIORITY, 0 | (uint64_t)NPU_PRIORITY_REALTIME << 32, 0, 0);
	put_empty(&q[0], 1);
	put_empty(&q[2], 1);
	ring_all(q, 4);
	ok = next_is(0, 4, NPU_FAULT_NONE) && next_is(2, 4, NPU_FAULT_NONE);
	tap_ok(ok, "priorities: a change counts from the next job on");
	for (uint32_t p = 0; p < 4; p++)
		end_queue(&q[p]);
}

static void test_turns(void)
{
	uint32_t turn = h->fw_config.max_jobs_per_turn;
	struct queue q[2];
	bool ok = true;

	for (uint32_t i = 0; i < 2; i++) {
		queue_new(&q[i], &vm, i, NPU_PRIORITY_NORMAL, 64);
		put_empty(&q[i], 2 * turn);
	}
	ring_all(q, 2);
	for (uint32_t t = 0; t < 4; t++) {
		for (uint32_t i = 1; i <= turn; i++)
			ok &= next_is(t % 2, t / 2 * turn + i, NPU_FAULT_NONE);
	}
	tap_ok(ok, "turns: queues of a priority take turns of %u jobs", turn);
	for (uint32_t i = 0; i < 2; i++)
		end_queue(&q[i]);
}

static void test_starvation(void)
{
	uint32_t turns = h->fw_config.starvation_turns, per_turn = h->fw_config.max_jobs_per_turn;
	struct queue q[2];
	struct npu_done d;
	uint32_t before = 0;
	bool ok = true;

	queue_new(&q[0], &vm, 0, NPU_PRIORITY_IDLE, 4);
	queue_new(&q[1], &vm, 1, NPU_PRIORITY_HIGH, 256);
	put_empty(&q[0], 4);
	put_empty(&q[1], (turns + 2) * per_turn);
	ring_all(q, 2);
	while (host_done(h, &d, 5000) && d.queue != 0)
		before++;
	tap_ok(before == turns * per_turn, "starvation: a low queue waits %u turns of higher ones",
	       turns);
	for (uint64_t i = 2; i <= 4; i++)
		ok &= next_is(0, i, NPU_FAULT_NONE);
	tap_ok(ok, "starvation: and then it has a turn, as the others have");
	while (before++ < (turns + 2) * per_turn)
		host_done(h, &d, 5000);
	end_queue(&q[0]);
	end_queue(&q[1]);
}

static void test_suspend(void)
{
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_SUSPEND };
	struct queue q;

	queue_new(&q, &vm, 3, NPU_PRIORITY_NORMAL, 16);
	host_call3(h, NPU_MSG_QUEUE_SUSPEND, 3, 0, 0);
	put_empty(&q, 2);
	queue_ring(&q);
	tap_ok(!host_differs(&h->status->done_tail, h->done_head, 50),
	       "suspend: no job is taken after the answer");
	host_call3(h, NPU_MSG_QUEUE_RESUME, 3, 0, 0);
	tap_ok(next_is(3, 1, NPU_FAULT_NONE) && next_is(3, 2, NPU_FAULT_NONE),
	       "suspend: they run after RESUME");
	start_hang(&q);
	msg.queue.queue = 3;
	host_send(h, &msg);
	tap_ok(!host_receive(h, &msg, 50), "suspend: is not answered while a job runs");
	tap_ok(host_call3(h, NPU_MSG_QUEUE_RESET, 3, 0, 0) == NPU_MSG_STATUS_BUSY,
	       "suspend: another order to the queue is BUSY meanwhile");
	host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	tap_ok(next_is(3, 3, NPU_FAULT_KILLED), "suspend: a reset of the context ends it");
	end_queue(&q);
}

static void test_reset(void)
{
	struct npu_done d;
	struct queue q;
	bool ok;

	queue_new(&q, &vm, 5, NPU_PRIORITY_NORMAL, 16);
	start_hang(&q);
	put_empty(&q, 3);
	queue_ring(&q);
	tap_ok(host_call3(h, NPU_MSG_QUEUE_RESET, 5, 0, 0) == NPU_MSG_STATUS_OK,
	       "reset: of a queue with a job that hangs is answered");
	ok = next_is(5, 1, NPU_FAULT_KILLED);
	for (uint64_t i = 2; i <= 4; i++)
		ok &= next_is(5, i, NPU_FAULT_KILLED);
	tap_ok(ok, "reset: running and queued jobs each complete as KILLED, in order");
	put_empty(&q, 1);
	queue_ring(&q);
	tap_ok(next_is(5, 5, NPU_FAULT_NONE), "reset: the queue and its context run on");
	start_hang(&q);
	put_empty(&q, 1);
	queue_ring(&q);
	end_queue(&q);
	tap_ok(next_is(5, 6, NPU_FAULT_KILLED) && next_is(5, 7, NPU_FAULT_KILLED),
	       "destroy: kills what is left");
	tap_ok(!host_done(h, &d, 20), "destroy: and nothing comes after");
}

static void test_power(void)
{
	struct queue q;

	queue_new(&q, &vm, 6, NPU_PRIORITY_NORMAL, 16);
	host_call3(h, NPU_MSG_POWER, 0, 0, 0);
	put_empty(&q, 1);
	queue_ring(&q);
	tap_ok(!host_differs(&h->status->done_tail, h->done_head, 50), "power: off, no job runs");
	host_call3(h, NPU_MSG_POWER, 1, 0, 0);
	tap_ok(next_is(6, 1, NPU_FAULT_NONE), "power: on, it does");
	start_hang(&q);
	tap_ok(host_call3(h, NPU_MSG_POWER, 0, 0, 0) == NPU_MSG_STATUS_BUSY,
	       "power: is not turned off under a job");
	end_queue(&q);
	next_is(6, 2, NPU_FAULT_KILLED);
}

/* Records come in order and none is overwritten while the driver does not say that it has read. */
static void test_full(void)
{
	uint32_t n = h->done_entries + 20, got = 0;
	struct npu_done d;
	struct queue q;
	bool ok = true;

	queue_new(&q, &vm, 7, NPU_PRIORITY_NORMAL, 512);
	put_empty(&q, n);
	queue_ring(&q);
	tap_ok(host_reaches(&h->status->done_tail, h->done_head + h->done_entries, 5000) &&
	       !host_differs(&h->status->done_tail, h->done_head + h->done_entries, 50),
	       "completions: a full ring holds jobs back");
	while (host_done(h, &d, 5000)) {
		ok &= d.seqno == ++got;
		if (got == n)
			break;
	}
	tap_ok(ok && got == n, "completions: they go on as records are read, none is lost");
	put_empty(&q, n);
	queue_ring(&q);
	host_reaches(&h->status->done_tail, h->done_head + h->done_entries, 5000);
	npu_core_reg_write(h->core, NPU_REG_DONE_ARM, h->done_head - 1);
	npu_core_reg_write(h->core, NPU_REG_DONE_ARM, h->done_head + h->done_entries + 1);
	tap_ok(!host_differs(&h->status->done_tail, h->done_head + h->done_entries, 50),
	       "completions: an arming that cannot be makes no room");
	/* Jobs that are killed need room for their records, too. */
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_RESET, .queue.queue = 7 };

	host_send(h, &msg);
	tap_ok(!host_receive(h, &msg, 50), "completions: a reset waits for room for its records");
	for (got = 0; got < n && host_done(h, &d, 5000); got++)
		ok &= d.seqno == n + got + 1 &&
		      d.fault == (got < h->done_entries ? NPU_FAULT_NONE : NPU_FAULT_KILLED);
	tap_ok(ok && got == n && host_receive(h, &msg, 5000) && msg.status == NPU_MSG_STATUS_OK,
	       "completions: then every job has its record, and the reset its answer");
	end_queue(&q);
}

static void test_interrupts(void)
{
	unsigned int irqs;
	struct queue q;

	queue_new(&q, &vm, 8, NPU_PRIORITY_NORMAL, 64);
	npu_core_reg_write(h->core, NPU_REG_DONE_ARM, h->done_head);
	irqs = h->irqs[NPU_MSIX_DONE];
	put_empty(&q, 50);
	queue_ring(&q);
	host_reaches(&h->status->done_tail, h->done_head + 50, 5000);
	tap_ok(h->irqs[NPU_MSIX_DONE] == irqs + 1, "interrupts: one for a batch of 50 jobs");
	h->done_head += 49;
	npu_core_reg_write(h->core, NPU_REG_DONE_ARM, h->done_head);
	tap_ok(host_differs(&h->irqs[NPU_MSIX_DONE], irqs + 1, 1000),
	       "interrupts: arming behind the tail interrupts at once");
	h->done_head++;
	npu_core_reg_write(h->core, NPU_REG_DONE_ARM, h->done_head);
	tap_ok(!host_differs(&h->irqs[NPU_MSIX_DONE], irqs + 2, 50),
	       "interrupts: arming at the tail waits for the next record");
	put_empty(&q, 1);
	queue_ring(&q);
	tap_ok(host_differs(&h->irqs[NPU_MSIX_DONE], irqs + 2, 1000),
	       "interrupts: which raises one");
	h->done_head++;
	put_empty(&q, 1);
	queue_ring(&q);
	host_reaches(&h->status->done_tail, h->done_head + 1, 5000);
	tap_ok(h->irqs[NPU_MSIX_DONE] == irqs + 3, "interrupts: none while it is not armed");
	h->done_head++;
	end_queue(&q);
}

int main(void)
{
	h = host_new(&npu_machine_default, 64, 2);
	h->fw_config.max_jobs_per_turn = 4;
	h->fw_config.starvation_turns = 8;
	host_boot(h);
	vm_new(&vm, h, 0);
	make_jobs();
	test_order();
	test_priorities();
	test_turns();
	test_starvation();
	test_suspend();
	test_reset();
	test_power();
	test_full();
	test_interrupts();
	host_free(h);
	return tap_done();
}

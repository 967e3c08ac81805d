/* SPDX-License-Identifier: MIT */
/*
 * What one context, one job or a reset may not do to the others.
 */
#include <string.h>

#include "host.h"
#include "tap.h"

static struct host *h;
static struct vm vm[2];
static struct queue q[2];
static uint64_t out_va[2], *out[2];

static void setup(unsigned int threads)
{
	h = host_new(&npu_machine_default, 128, threads);
	host_boot(h);
	for (uint32_t i = 0; i < 2; i++) {
		vm_new(&vm[i], h, i);
		queue_new(&q[i], &vm[i], i, NPU_PRIORITY_NORMAL, 16);
		out_va[i] = vm_alloc(&vm[i], 4096, &out[i]);
	}
}

static struct npu_done run(unsigned int i, struct cb *cb)
{
	struct npu_done done = cb_run(cb, &vm[i], &q[i], NULL, 0);

	cb_free(cb);
	return done;
}

static struct npu_done run_good(unsigned int i)
{
	struct cb cb;

	cb_init(&cb);
	cb_str(&cb, 1, out_va[i]);
	return run(i, &cb);
}

static struct npu_done run_bad(unsigned int i)
{
	struct cb cb;

	cb_init(&cb);
	cb_str(&cb, 1, 0x7000000000ull);
	return run(i, &cb);
}

static void test_faults(void)
{
	struct npu_done done = run_bad(0);
	struct npu_msg msg;
	bool told = false;

	tap_ok(done.fault == NPU_FAULT_PAGE, "fault: the job that did it says so");
	while (!told && host_receive(h, &msg, 2000))
		told = msg.type == NPU_MSG_EVENT_FAULT;
	tap_ok(told && msg.fault.queue == 0 && msg.fault.context == 0 &&
	       msg.fault.seqno == done.seqno && msg.fault.addr == 0x7000000000ull &&
	       msg.fault.fault == NPU_FAULT_PAGE, "fault: the driver is told once, with details");
	tap_ok(run_good(0).fault == NPU_FAULT_CONTEXT,
	       "fault: later jobs of the context do not start");
	tap_ok(!host_receive(h, &msg, 50), "fault: which is no new event");
	tap_ok(run_good(1).fault == NPU_FAULT_NONE, "fault: another context runs on");
	host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	tap_ok(run_good(0).fault == NPU_FAULT_NONE,
	       "fault: the context runs again after its reset");
}

/* The lowest core's fault is the one reported, and the others' stores do not matter. */
static void test_which_fault(void)
{
	bool ok = true;

	for (unsigned int round = 0; round < 50; round++) {
		struct npu_done done;
		struct cb cb;

		cb_init(&cb);
		for (uint32_t s = 0; s < 4; s++) {
			cb_stream(&cb);
			cb_loop(&cb, s == 1 ? 3000 : 10, 0, 0);
			cb_op(&cb, NPU_OP_NOP);
			cb_op(&cb, NPU_OP_LOOP_END);
			cb_mark(&cb, s);
			if (s)
				cb_str(&cb, 1, 0x7000000000ull + 4096 * s);
			else
				cb_barrier(&cb, 15);
		}
		done = run(0, &cb);
		ok &= done.fault == NPU_FAULT_PAGE && done.fault_core == 1 &&
		      done.fault_mark == 1 && done.fault_addr == 0x7000001000ull;
		host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	}
	tap_ok(ok, "fault: of several cores the lowest is reported, whoever was first");
}

static void test_leak(void)
{
	uint8_t secret[4096];
	uint64_t seen = 0;
	struct cb cb;

	memset(secret, 0x5a, sizeof(secret));
	vm_write(&vm[0], out_va[0], secret, sizeof(secret));
	cb_init(&cb);
	cb_load(&cb, 65536, out_va[0], 4096);
	run(0, &cb);
	cb_init(&cb);
	cb_store(&cb, 65536, out_va[1], 4096);
	run(1, &cb);
	for (int i = 0; i < 512; i++)
		seen |= out[1][i];
	tap_ok(!seen, "scratchpad: another context finds nothing of what was left there");
}

/* The device reads the command buffer once: what changes after that does not count. */
static void test_toctou(void)
{
	struct npu_done done;
	uint64_t va, head;
	struct cb cb;
	uint32_t at;
	bool ok = true;

	cb_init(&cb);
	/* overwrites the command that follows it with an unknown opcode, then runs it */
	at = cb_alu(&cb, NPU_ALU_SUB, 31, 0, 0, 1);
	cb_str(&cb, 31, 0);
	cb_str(&cb, 31, out_va[0]);
	cb_end(&cb, 0);
	va = vm_alloc(&vm[0], cb.size, NULL);
	((struct npu_cmd_scalar *)(cb.buf + at + sizeof(struct npu_cmd_alu)))->addr.base =
		va + at + sizeof(struct npu_cmd_alu) + sizeof(struct npu_cmd_scalar);
	for (int i = 0; i < 3; i++) {
		out[0][0] = 0;
		vm_write(&vm[0], va, cb.buf, cb.size);
		done = queue_run(&q[0], va, cb.size, NULL, 0);
		vm_read(&vm[0], va + at + sizeof(struct npu_cmd_alu) +
			sizeof(struct npu_cmd_scalar), &head, 8);
		ok &= !done.fault && out[0][0] == ~0ull && head == ~0ull;
	}
	tap_ok(ok, "command buffer: a job that overwrites it runs what was there at its start");
	done = queue_run(&q[0], va, cb.size, NULL, 0);
	tap_ok(done.fault == NPU_FAULT_OPCODE, "command buffer: the next one finds the change");
	host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	cb_free(&cb);
}

/* A long job on all cores: a matrix over and over */
static void start_load(unsigned int i)
{
	struct npu_cmd_matmul mm = {
		.hdr.opcode = NPU_OP_MATMUL,
		.wtype = NPU_WTYPE_F32,
		.n = 4096,
		.k = 256,
		.ldo = 4096,
		.out = 65536,
		.m.imm = 8,
	};
	const uint32_t *progress;
	struct cb cb;

	mm.w.base = vm_alloc(&vm[i], 4096 * 256 * 4, NULL);
	mm.lda = 256;
	cb_init(&cb);
	for (int s = 0; s < 4; s++) {
		cb_stream(&cb);
		cb_loop(&cb, 0xffffffffu, 0, 0);
		CB_ADD(&cb, mm);
		cb_mark(&cb, 1);
		cb_op(&cb, NPU_OP_LOOP_END);
	}
	cb_end(&cb, 0);
	queue_put(&q[i], cb_place(&cb, &vm[i]), cb.size, NULL, 0);
	queue_ring(&q[i]);
	cb_free(&cb);
	progress = (const uint32_t *)&h->status->queue[i].progress;
	host_differs(progress, __atomic_load_n(progress, __ATOMIC_RELAXED), 5000);
}

/* While a job runs: invalidations, a heart that beats, other queues' messages. */
static void test_load(void)
{
	uint32_t beat = h->status->heartbeat;
	struct npu_done done;
	bool ok = true;

	start_load(0);
	for (int i = 0; i < 50; i++)
		ok &= host_call3(h, NPU_MSG_TLB_INVALIDATE, 0, 0, NPU_VA_SIZE) == NPU_MSG_STATUS_OK;
	tap_ok(ok, "load: invalidations are answered under a running job, which runs on");
	tap_ok(host_differs(&h->status->heartbeat, beat, 1000), "load: the heart beats");
	npu_core_bus_master(h->core, false);
	beat = h->status->heartbeat;
	tap_ok(!host_differs(&h->status->heartbeat, beat, 150),
	       "load: without bus mastering nothing is written");
	npu_core_bus_master(h->core, true);
	tap_ok(host_differs(&h->status->heartbeat, beat, 1000), "load: with it work goes on");
	host_call3(h, NPU_MSG_QUEUE_RESET, 0, 0, 0);
	tap_ok(host_done(h, &done, 5000) && done.fault == NPU_FAULT_KILLED,
	       "load: a reset of the queue ends it");
	start_load(0);
	npu_core_reset(h->core);
	tap_ok(h->maps == 0 && npu_core_reg_read(h->core, NPU_REG_STATE) == NPU_STATE_IDLE,
	       "reset: under load it returns with everything unmapped");
}

static void test_resets(unsigned int threads)
{
	bool ok = true;

	for (unsigned int i = 0; i < 20; i++) {
		setup(threads);
		start_load(i % 2);
		switch (i % 4) {
		case 0:
			npu_core_bus_master(h->core, false);
			npu_core_reset(h->core);
			ok &= h->maps == 0;
			break;
		case 1:
			npu_core_reg_write(h->core, NPU_REG_CTRL, NPU_CTRL_RESET);
			ok &= host_state(h, NPU_STATE_IDLE, 5000) && h->maps == 0;
			h->next = HOST_BASE;
			memset(h->mem, 0, 1 << 20);
			host_boot(h);
			break;
		case 2:
			for (int j = 0; j < 20; j++)
				npu_core_reg_write(h->core, NPU_REG_CTRL, NPU_CTRL_RESET);
			ok &= host_state(h, NPU_STATE_IDLE, 5000);
			npu_core_reg_write(h->core, NPU_REG_CTRL, NPU_CTRL_RESET);
			npu_core_reset(h->core);
			ok &= h->maps == 0;
			break;
		}
		host_free(h);
	}
	tap_ok(ok, "reset: by register, by the host, without bus mastering, at the end; %u threads",
	       threads);
}

int main(void)
{
	setup(2);
	test_faults();
	test_which_fault();
	test_leak();
	test_toctou();
	test_load();
	host_free(h);
	test_resets(1);
	test_resets(3);
	return tap_done();
}

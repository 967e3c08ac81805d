/* SPDX-License-Identifier: MIT */
/*
 * Control: scalar arithmetic, loops, breaks, parameters, barriers, deadlocks, marks.
 */
#include <string.h>

#include "host.h"
#include "tap.h"

static struct host *h;
static struct vm vm;
static struct queue q;
static uint64_t out_va, *out;

static struct npu_done run(struct cb *cb, const uint64_t *params, uint32_t n)
{
	struct npu_done done = cb_run(cb, &vm, &q, params, n);

	cb_free(cb);
	if (done.fault)
		host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	return done;
}

static uint32_t cb_break(struct cb *cb, enum npu_cond cond, uint8_t a, uint8_t b, uint64_t imm)
{
	struct npu_cmd_break c = {
		.hdr.opcode = NPU_OP_BREAK, .cond = (uint8_t)cond, .a = a, .b = b, .imm = imm,
	};

	return CB_ADD(cb, c);
}

static void test_alu(void)
{
	static const struct {
		enum npu_alu op;
		uint64_t a, b, imm, want;
		const char *name;
	} cases[] = {
		{ NPU_ALU_ADD, ~0ull, 1, 1, 1, "ADD wraps" },
		{ NPU_ALU_SUB, 1, 1, 1, ~0ull, "SUB wraps" },
		{ NPU_ALU_MUL, 1ull << 63, 2, 1, 1ull << 63, "MUL wraps" },
		{ NPU_ALU_AND, 0xff00, 0x0ff0, 0, 0x0f00, "AND" },
		{ NPU_ALU_OR, 0xf000, 0x000f, 0, 0xf00f, "OR" },
		{ NPU_ALU_SHL, 3, 65, 0, 6, "SHL takes six bits" },
		{ NPU_ALU_SHR, 1ull << 63, 63, 0, 1, "SHR is unsigned" },
		{ NPU_ALU_SHR, 12, 64, 1, 6, "SHR by register and value together" },
		{ NPU_ALU_MIN, ~0ull, 4, 1, 5, "MIN is unsigned" },
		{ NPU_ALU_MAX, ~0ull, 4, 1, ~0ull, "MAX is unsigned" },
		{ NPU_ALU_SUBSAT, 5, 3, 3, 0, "SUBSAT stops at zero" },
		{ NPU_ALU_SUBSAT, 5, 3, 1, 1, "SUBSAT subtracts" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t params[2] = { cases[i].a, cases[i].b };
		struct cb cb;

		cb_init(&cb);
		cb_alu(&cb, cases[i].op, 31, 1, 2, cases[i].imm);
		cb_str(&cb, 31, out_va);
		tap_ok(!run(&cb, params, 2).fault && out[0] == cases[i].want, "ALU: %s",
		       cases[i].name);
	}
}

static void test_registers(void)
{
	uint64_t params[NPU_MAX_PARAMS];
	bool ok = true;
	struct cb cb;

	cb_init(&cb);
	for (unsigned int i = 0; i < NPU_MAX_PARAMS; i++)
		params[i] = 0x1111111111111111ull * (i % 15 + 1);
	cb_alu(&cb, NPU_ALU_ADD, NPU_REG_ZERO, 1, 0, 5);
	for (uint8_t r = 0; r < NPU_REG_COUNT; r++)
		cb_str(&cb, r, out_va + 8u * r);
	memset(out, 0xff, 8 * NPU_REG_COUNT);
	ok = !run(&cb, params, NPU_MAX_PARAMS).fault;
	for (unsigned int r = 0; r < NPU_REG_COUNT; r++)
		ok &= out[r] == (r >= 1 && r <= NPU_MAX_PARAMS ? params[r - 1] : 0);
	tap_ok(ok, "registers: r0 is zero, r1.. hold all parameters, the others start at zero");

	struct npu_cmd_scalar ldr = {
		.hdr.opcode = NPU_OP_LDR, .reg = 31, .bytes = 4, .addr.base = out_va + 4,
	};

	out[0] = 0x8899aabbccddeeffull;
	cb_init(&cb);
	cb_alu(&cb, NPU_ALU_SUB, 31, 0, 0, 1);
	CB_ADD(&cb, ldr);
	ldr.hdr.opcode = NPU_OP_STR;
	ldr.addr.base = out_va + 12;
	CB_ADD(&cb, ldr);
	cb_str(&cb, 31, out_va + 16);
	out[1] = 0;
	tap_ok(!run(&cb, NULL, 0).fault && out[2] == 0x8899aabb && out[1] == 0x8899aabbull << 32,
	       "LDR and STR: four bytes, zero extended, and no more than four written");
}

/* r30 counts; r31 sums the indices. */
static void test_loops(void)
{
	uint64_t params[2] = { 5, 3 };
	struct cb cb;

	cb_init(&cb);
	cb_loop(&cb, 0, NPU_REG_PARAM(0), 29);
	cb_loop(&cb, 1, NPU_REG_PARAM(1), 28);
	cb_alu(&cb, NPU_ALU_ADD, 30, 30, 0, 1);
	cb_alu(&cb, NPU_ALU_ADD, 31, 31, 28, 0);
	cb_op(&cb, NPU_OP_LOOP_END);
	cb_alu(&cb, NPU_ALU_ADD, 31, 31, 29, 100);
	cb_op(&cb, NPU_OP_LOOP_END);
	cb_str(&cb, 30, out_va);
	cb_str(&cb, 31, out_va + 8);
	cb_str(&cb, 29, out_va + 16);
	tap_ok(!run(&cb, params, 2).fault && out[0] == 20 && out[1] == 5 * 6 + 10 + 500 &&
	       out[2] == 4,
	       "loops: counts from registers, nested, with their indices");

	cb_init(&cb);
	cb_loop(&cb, 0, 0, 29);
	cb_alu(&cb, NPU_ALU_ADD, 30, 30, 0, 1);
	cb_loop(&cb, 7, 0, 0);
	cb_alu(&cb, NPU_ALU_ADD, 30, 30, 0, 1);
	cb_op(&cb, NPU_OP_LOOP_END);
	cb_op(&cb, NPU_OP_LOOP_END);
	cb_str(&cb, 30, out_va);
	tap_ok(!run(&cb, NULL, 0).fault && out[0] == 0, "loops: a count of zero skips all of it");

	params[0] = 0xffffffffull;
	cb_init(&cb);
	cb_loop(&cb, 1, NPU_REG_PARAM(0), 0);
	cb_op(&cb, NPU_OP_LOOP_END);
	tap_ok(run(&cb, params, 1).fault == NPU_FAULT_OVERFLOW,
	       "loops: a count past 32 bits is an OVERFLOW fault");

	cb_init(&cb);
	cb_loop(&cb, 3, 0, 0);
	cb_alu(&cb, NPU_ALU_ADD, 30, 30, 0, 1);
	cb_op(&cb, NPU_OP_END);
	cb_op(&cb, NPU_OP_LOOP_END);
	tap_ok(!run(&cb, NULL, 0).fault, "END: in a loop ends the stream");
}

static uint64_t broken_at(enum npu_cond cond, uint64_t limit)
{
	uint64_t params[1] = { limit };
	struct cb cb;

	cb_init(&cb);
	cb_loop(&cb, 10, 0, 31);
	cb_loop(&cb, 1, 0, 0);
	cb_op(&cb, NPU_OP_LOOP_END);
	cb_break(&cb, cond, 31, NPU_REG_PARAM(0), 1);
	cb_alu(&cb, NPU_ALU_ADD, 30, 30, 0, 1);
	cb_op(&cb, NPU_OP_LOOP_END);
	cb_str(&cb, 30, out_va);
	out[0] = ~0ull;
	run(&cb, params, 1);
	return out[0];
}

static void test_breaks(void)
{
	struct cb cb;

	tap_ok(broken_at(NPU_COND_ALWAYS, 0) == 0 && broken_at(NPU_COND_EQ, 3) == 4 &&
	       broken_at(NPU_COND_NE, ~0ull) == 1 && broken_at(NPU_COND_GE, 4) == 5 &&
	       broken_at(NPU_COND_LT, 3) == 0 && broken_at(NPU_COND_EQ, 50) == 10,
	       "BREAK: each condition, on register plus value");
	cb_init(&cb);
	cb_loop(&cb, 3, 0, 0);
	cb_loop(&cb, 100, 0, 31);
	cb_break(&cb, NPU_COND_EQ, 31, 0, 2);
	cb_alu(&cb, NPU_ALU_ADD, 30, 30, 0, 1);
	cb_op(&cb, NPU_OP_LOOP_END);
	cb_alu(&cb, NPU_ALU_ADD, 30, 30, 0, 100);
	cb_op(&cb, NPU_OP_LOOP_END);
	cb_str(&cb, 30, out_va);
	tap_ok(!run(&cb, NULL, 0).fault && out[0] == 3 * 102,
	       "BREAK: leaves the innermost loop only");
}

/* Every core writes its number, all wait, every core reads its neighbour's. */
static void test_barriers(void)
{
	struct npu_cmd_scalar c = { .hdr.opcode = NPU_OP_STR, .reg = 31, .bytes = 8 };
	struct npu_done done;
	bool ok = true;
	struct cb cb;

	cb_init(&cb);
	for (uint32_t s = 0; s < 4; s++) {
		cb_stream(&cb);
		cb_loop(&cb, 50, 0, 30);
		cb_alu(&cb, NPU_ALU_ADD, 31, 31, 0, s + 1);
		c.hdr.opcode = NPU_OP_STR;
		c.addr.base = out_va + 64 * s;
		CB_ADD(&cb, c);
		cb_barrier(&cb, 15);
		c.hdr.opcode = NPU_OP_LDR;
		c.addr.base = out_va + 64 * ((s + 1) % 4);
		CB_ADD(&cb, c);
		cb_barrier(&cb, 15);
		cb_op(&cb, NPU_OP_LOOP_END);
		cb_str(&cb, 31, out_va + 1024 + 8 * s);
	}
	memset(out, 0, 4096);
	done = run(&cb, NULL, 0);
	for (uint32_t s = 0; s < 4; s++) {
		/* what was added by the cores that the value came through */
		uint64_t want = 0;

		for (uint32_t i = 0; i < 50; i++)
			want += (s + i + 1) % 4 + 1;
		ok &= out[128 + s] == want;
	}
	tap_ok(!done.fault && ok, "BARRIER: stores before it are seen after it, in every round");

	cb_init(&cb);
	for (uint32_t s = 0; s < 4; s++) {
		cb_stream(&cb);
		cb_barrier(&cb, s < 2 ? 3 : 12);
		cb_barrier(&cb, s == 0 ? 1 : 1u << s);
		cb_barrier(&cb, 15);
	}
	tap_ok(!run(&cb, NULL, 0).fault, "BARRIER: groups of cores meet on their own");
}

static void test_deadlocks(void)
{
	struct npu_done done;
	uint32_t at;
	struct cb cb;

	cb_init(&cb);
	cb_stream(&cb);
	cb_stream(&cb);
	at = cb_barrier(&cb, 3);
	done = run(&cb, NULL, 0);
	tap_ok(done.fault == NPU_FAULT_DEADLOCK && done.fault_core == 1 &&
	       done.fault_opcode == NPU_OP_BARRIER && done.fault_offset == at &&
	       done.fault_addr == 3,
	       "BARRIER: one that waits for an ended core is a DEADLOCK, with its place");
	cb_init(&cb);
	cb_stream(&cb);
	at = cb_barrier(&cb, 3);
	cb_stream(&cb);
	cb_barrier(&cb, 7);
	cb_stream(&cb);
	cb_barrier(&cb, 6);
	done = run(&cb, NULL, 0);
	tap_ok(done.fault == NPU_FAULT_DEADLOCK && done.fault_core == 0 && done.fault_offset == at,
	       "BARRIER: masks that differ are a DEADLOCK of the lowest core");
}

static void test_marks(void)
{
	uint64_t before = h->status->queue[0].progress;
	struct npu_done done;
	struct cb cb;

	cb_init(&cb);
	cb_loop(&cb, 10, 0, 0);
	cb_mark(&cb, 77);
	cb_op(&cb, NPU_OP_LOOP_END);
	run(&cb, NULL, 0);
	tap_ok(h->status->queue[0].progress == before + 11,
	       "MARK: raises the queue's progress, and so does the end of a job");
	cb_init(&cb);
	cb_mark(&cb, 5);
	cb_mark(&cb, 6);
	cb_str(&cb, 1, 8);
	cb_mark(&cb, 7);
	done = run(&cb, NULL, 0);
	tap_ok(done.fault == NPU_FAULT_PAGE && done.fault_mark == 6,
	       "MARK: a fault names the core's last one");
}

static void test_counts(void)
{
	struct npu_done done;
	struct cb cb;

	cb_init(&cb);
	cb_loop(&cb, 3, 0, 0);
	cb_op(&cb, NPU_OP_NOP);
	cb_op(&cb, NPU_OP_LOOP_END);
	done = run(&cb, NULL, 0);
	tap_ok(done.commands == 1 + 3 * 2 + 1, "record: counts executed commands");
	cb_init(&cb);
	cb_loop(&cb, 40000, 0, 31);
	cb_str(&cb, 31, out_va);
	cb_op(&cb, NPU_OP_LOOP_END);
	done = run(&cb, NULL, 0);
	tap_ok(!done.fault && done.write_bytes == 40000 * 8,
	       "time: a stream longer than the log is accounted in full");
}

int main(void)
{
	h = host_new(&npu_machine_default, 64, 2);
	host_boot(h);
	vm_new(&vm, h, 0);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	out_va = vm_alloc(&vm, 4096, &out);
	test_alu();
	test_registers();
	test_loops();
	test_breaks();
	test_barriers();
	test_deadlocks();
	test_marks();
	test_counts();
	host_free(h);
	return tap_done();
}

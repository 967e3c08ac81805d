/* SPDX-License-Identifier: MIT */
/*
 * Every message, each argument at its limit and one past it.
 */
#include <string.h>

#include "host.h"
#include "tap.h"

#define OK	NPU_MSG_STATUS_OK
#define INVALID	NPU_MSG_STATUS_INVALID
#define BUSY	NPU_MSG_STATUS_BUSY
#define NOENT	NPU_MSG_STATUS_NOENT
#define BUS	NPU_MSG_STATUS_BUS

static void expect(struct host *h, struct npu_msg *msg, uint16_t want, const char *what)
{
	uint16_t got = host_call(h, msg);

	if (!tap_ok(got == want, "%s", what))
		tap_diag("status %u, wanted %u", got, want);
}

static void expect3(struct host *h, uint16_t type, uint64_t a, uint64_t b, uint64_t c,
		    uint16_t want, const char *what)
{
	struct npu_msg msg = { .type = type, .arg = { a, b, c } };

	expect(h, &msg, want, what);
}

static void test_simple(struct host *h)
{
	struct npu_msg msg = { .type = NPU_MSG_PING, .arg = { 1, 2, 3, 4, 5, 6, 7 } };

	tap_ok(host_call(h, &msg) == OK && msg.arg[0] == 1 && msg.arg[6] == 7,
	       "PING: all arguments come back");
	msg = (struct npu_msg) { .type = NPU_MSG_PING, .status = 1 };
	expect(h, &msg, INVALID, "a request with a status is refused");
	expect3(h, 0x7f, 0, 0, 0, NPU_MSG_STATUS_UNKNOWN, "an unknown message is answered UNKNOWN");
	msg = (struct npu_msg) { .type = NPU_MSG_TELEMETRY };
	tap_ok(host_call(h, &msg) == OK &&
	       msg.telemetry.matrix_mhz == npu_machine_default.matrix_mhz,
	       "TELEMETRY: states the clock");
	expect3(h, NPU_MSG_TELEMETRY, 1, 0, 0, INVALID, "TELEMETRY: an argument is refused");
	msg = (struct npu_msg) { .type = NPU_MSG_POWER, .power = { .state = 1, .mhz = 1 } };
	tap_ok(host_call(h, &msg) == OK && msg.power.mhz == npu_machine_default.matrix_mhz,
	       "POWER: the answer states the real clock");
	expect3(h, NPU_MSG_POWER, 2, 0, 0, INVALID, "POWER: an unknown state is refused");
	expect3(h, NPU_MSG_POWER, 1 | (uint64_t)(npu_machine_default.matrix_mhz + 1) << 32, 0, 0,
		INVALID, "POWER: more than the machine's clock is refused");
	expect3(h, NPU_MSG_POWER, 1, 1, 0, INVALID, "POWER: an unused argument is refused");
}

static void test_context(struct host *h)
{
	uint32_t last = npu_machine_default.contexts - 1;
	uint64_t root = host_alloc(h, 4096);

	expect3(h, NPU_MSG_CONTEXT_CREATE, last + 1, root, 0, INVALID,
		"CONTEXT_CREATE: one past the last id is refused");
	expect3(h, NPU_MSG_CONTEXT_CREATE, 1ull << 32, root, 0, INVALID,
		"CONTEXT_CREATE: a pad is refused");
	expect3(h, NPU_MSG_CONTEXT_CREATE, last, root + 8, 0, INVALID,
		"CONTEXT_CREATE: a misaligned root is refused");
	expect3(h, NPU_MSG_CONTEXT_CREATE, last, 0x1000, 0, BUS,
		"CONTEXT_CREATE: a root that the bus refuses is reported");
	expect3(h, NPU_MSG_CONTEXT_CREATE, last, root, 1, INVALID,
		"CONTEXT_CREATE: an unused argument is refused");
	expect3(h, NPU_MSG_CONTEXT_CREATE, last, root, 0, OK, "CONTEXT_CREATE: the last id works");
	expect3(h, NPU_MSG_CONTEXT_CREATE, last, root, 0, BUSY,
		"CONTEXT_CREATE: an id twice is BUSY");
	expect3(h, NPU_MSG_TLB_INVALIDATE, last, 0, NPU_VA_SIZE, OK,
		"TLB_INVALIDATE: the whole address space");
	expect3(h, NPU_MSG_TLB_INVALIDATE, last, NPU_VA_SIZE - 1, 1, OK,
		"TLB_INVALIDATE: the last byte");
	expect3(h, NPU_MSG_TLB_INVALIDATE, last, NPU_VA_SIZE - 1, 2, INVALID,
		"TLB_INVALIDATE: one byte past the address space is refused");
	expect3(h, NPU_MSG_TLB_INVALIDATE, last, 0, 0, INVALID,
		"TLB_INVALIDATE: no bytes are refused");
	expect3(h, NPU_MSG_TLB_INVALIDATE, last, 4096, ~0ull, INVALID,
		"TLB_INVALIDATE: a range that wraps is refused");
	expect3(h, NPU_MSG_TLB_INVALIDATE, last - 1, 0, 4096, NOENT,
		"TLB_INVALIDATE: an unknown context");
	expect3(h, NPU_MSG_CONTEXT_RESET, last, 0, 0, OK,
		"CONTEXT_RESET: of a context without queues");
	expect3(h, NPU_MSG_CONTEXT_RESET, last - 1, 0, 0, NOENT,
		"CONTEXT_RESET: an unknown context");
	expect3(h, NPU_MSG_CONTEXT_RESET, last + 1, 0, 0, INVALID,
		"CONTEXT_RESET: one past the last id is refused");
	expect3(h, NPU_MSG_CONTEXT_RESET, last, 1, 0, INVALID,
		"CONTEXT_RESET: an unused argument is refused");
	expect3(h, NPU_MSG_CONTEXT_DESTROY, last, 1, 0, INVALID,
		"CONTEXT_DESTROY: an unused argument is refused");
	expect3(h, NPU_MSG_CONTEXT_DESTROY, last - 1, 0, 0, NOENT,
		"CONTEXT_DESTROY: an unknown context");
	expect3(h, NPU_MSG_CONTEXT_DESTROY, last, 0, 0, OK, "CONTEXT_DESTROY: works");
	expect3(h, NPU_MSG_CONTEXT_DESTROY, last, 0, 0, NOENT, "CONTEXT_DESTROY: works once");
}

static struct npu_msg queue_msg(uint32_t queue, uint32_t context, uint32_t priority,
				uint32_t entries, uint64_t ring)
{
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_CREATE };

	msg.queue_create.queue = queue;
	msg.queue_create.context = context;
	msg.queue_create.priority = priority;
	msg.queue_create.entries = entries;
	msg.queue_create.ring = ring;
	return msg;
}

static void test_queue_create(struct host *h)
{
	uint32_t last = npu_machine_default.queues - 1;
	uint64_t ring = host_alloc(h, NPU_QUEUE_ENTRIES_MAX * sizeof(struct npu_ring_entry));
	const struct {
		struct npu_msg msg;
		uint16_t want;
		const char *what;
	} cases[] = {
		{ queue_msg(last + 1, 0, 0, 4, ring), INVALID, "one past the last id is refused" },
		{ queue_msg(last, 3, 0, 4, ring), NOENT, "an unknown context" },
		{ queue_msg(last, 99, 0, 4, ring), INVALID,
		  "a context past the last id is refused" },
		{ queue_msg(last, 0, NPU_PRIORITY_COUNT, 4, ring), INVALID,
		  "a priority past the highest is refused" },
		{ queue_msg(last, 0, 0, NPU_QUEUE_ENTRIES_MIN / 2, ring), INVALID,
		  "too small a ring is refused" },
		{ queue_msg(last, 0, 0, NPU_QUEUE_ENTRIES_MAX * 2, ring), INVALID,
		  "too large a ring is refused" },
		{ queue_msg(last, 0, 0, 5, ring), INVALID, "a ring of no power of two is refused" },
		{ queue_msg(last, 0, 0, 4, ring + 256), INVALID, "a misaligned ring is refused" },
		{ queue_msg(last, 0, 0, 4, 0x1000), BUS,
		  "a ring that the bus refuses is reported" },
		{ queue_msg(last, 0, NPU_PRIORITY_REALTIME, NPU_QUEUE_ENTRIES_MAX, ring), OK,
		  "the last id, priority and size work" },
		{ queue_msg(last, 0, 0, 4, ring), BUSY, "an id twice is BUSY" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct npu_msg msg = cases[i].msg;
		uint16_t got = host_call(h, &msg);

		if (!tap_ok(got == cases[i].want, "QUEUE_CREATE: %s", cases[i].what))
			tap_diag("status %u, wanted %u", got, cases[i].want);
	}
}

static void test_queue(struct host *h)
{
	static const struct {
		uint16_t type;
		const char *name;
	} types[] = {
		{ NPU_MSG_QUEUE_SUSPEND, "QUEUE_SUSPEND" },
		{ NPU_MSG_QUEUE_RESUME, "QUEUE_RESUME" },
		{ NPU_MSG_QUEUE_RESET, "QUEUE_RESET" },
		{ NPU_MSG_QUEUE_PRIORITY, "QUEUE_PRIORITY" },
		{ NPU_MSG_QUEUE_DESTROY, "QUEUE_DESTROY" },
	};
	uint32_t last = npu_machine_default.queues - 1;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		uint16_t type = types[i].type;
		uint64_t priority = (uint64_t)NPU_PRIORITY_REALTIME << 32;
		bool takes = type == NPU_MSG_QUEUE_PRIORITY;

		tap_ok(host_call3(h, type, last + 1, 0, 0) == INVALID,
		       "%s: one past the last id is refused", types[i].name);
		tap_ok(host_call3(h, type, last - 1, 0, 0) == NOENT, "%s: an unknown queue",
		       types[i].name);
		tap_ok(host_call3(h, type, last, 1, 0) == INVALID,
		       "%s: an unused argument is refused", types[i].name);
		tap_ok(host_call3(h, type, last | (priority + (1ull << 32)), 0, 0) == INVALID,
		       "%s: a priority past the highest is refused", types[i].name);
		if (!takes)
			tap_ok(host_call3(h, type, last | priority, 0, 0) == INVALID,
			       "%s: a priority is refused", types[i].name);
		tap_ok(host_call3(h, type, last | (takes ? priority : 0), 0, 0) == OK, "%s: works",
		       types[i].name);
	}
	expect3(h, NPU_MSG_CONTEXT_DESTROY, 0, 0, 0, OK, "CONTEXT_DESTROY: after its last queue");
}

static void test_rings(struct host *h)
{
	struct npu_msg msg = { .type = NPU_MSG_PING };
	unsigned int irqs, n;

	/* Let the answers pile up: more requests than the ring of answers has room for. */
	for (n = 0; n < h->msg_entries; n++)
		host_send(h, &msg);
	tap_ok(host_reaches(&h->status->d2h_tail, h->d2h_head + h->msg_entries, 5000),
	       "mailbox: answers fill the ring");
	for (n = 0; n < 10; n++)
		host_send(h, &msg);
	tap_ok(!host_differs(&h->status->d2h_tail, h->d2h_head + h->msg_entries, 50),
	       "mailbox: a full ring of answers is not overwritten");
	for (n = 0; n < h->msg_entries + 10 && host_receive(h, &msg, 2000); n++)
		;
	tap_ok(n == h->msg_entries + 10, "mailbox: what was held back comes when there is room");
	irqs = h->irqs[NPU_MSIX_EVENT];
	msg = (struct npu_msg) { .type = NPU_MSG_PING };
	host_send(h, &msg);
	tap_ok(host_differs(&h->irqs[NPU_MSIX_EVENT], irqs, 1000),
	       "mailbox: an armed ring interrupts");
	host_send(h, &msg);
	tap_ok(host_reaches(&h->status->d2h_tail, h->d2h_head + 2, 5000) &&
	       h->irqs[NPU_MSIX_EVENT] == irqs + 1, "mailbox: only once until it is armed again");
	npu_core_reg_write(h->core, NPU_REG_D2H_ARM, h->d2h_head + 1);
	tap_ok(host_differs(&h->irqs[NPU_MSIX_EVENT], irqs + 1, 1000),
	       "mailbox: arming behind the tail interrupts at once");
	npu_core_reg_write(h->core, NPU_REG_H2D_TAIL, h->h2d_tail + h->msg_entries + 1);
	npu_core_reg_write(h->core, NPU_REG_D2H_ARM, h->d2h_head + 1000);
	tap_ok(!host_differs(&h->status->h2d_head, h->h2d_tail, 50),
	       "mailbox: a doorbell or an arming that cannot be is ignored");
}

int main(void)
{
	struct host *h = host_new(&npu_machine_default, 16, 1);
	struct vm vm;

	host_boot(h);
	test_simple(h);
	test_context(h);
	vm_new(&vm, h, 0);
	test_queue_create(h);
	expect3(h, NPU_MSG_CONTEXT_DESTROY, 0, 0, 0, BUSY, "CONTEXT_DESTROY: with queues is BUSY");
	test_queue(h);
	test_rings(h);
	host_free(h);
	return tap_done();
}

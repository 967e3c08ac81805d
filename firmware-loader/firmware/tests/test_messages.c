/* SPDX-License-Identifier: MIT */
/*
 * Every message, each argument at its limit and one past it; the two rings.
 */
#include <string.h>

#include "driver.h"
#include "npu_mmu.h"
#include "tap.h"

#define OK	NPU_MSG_STATUS_OK
#define INVALID	NPU_MSG_STATUS_INVALID
#define BUSY	NPU_MSG_STATUS_BUSY
#define NOENT	NPU_MSG_STATUS_NOENT
#define BUS	NPU_MSG_STATUS_BUS

static void expect(struct npu_msg *msg, uint16_t want, const char *what)
{
	uint16_t got = driver_call(msg);

	if (!tap_ok(got == want, "%s", what))
		tap_diag("status %u, wanted %u", got, want);
}

static void expect3(uint16_t type, uint64_t a, uint64_t b, uint64_t c, uint16_t want,
		    const char *what)
{
	struct npu_msg msg = { .type = type, .arg = { a, b, c } };

	expect(&msg, want, what);
}

static void test_simple(void)
{
	struct npu_msg msg = { .type = NPU_MSG_PING, .arg = { 1, 2, 3, 4, 5, 6, 7 } };

	tap_ok(driver_call(&msg) == OK && msg.arg[0] == 1 && msg.arg[6] == 7,
	       "PING: all arguments come back");
	msg = (struct npu_msg) { .type = NPU_MSG_PING, .status = 1 };
	expect(&msg, INVALID, "a request with a status is refused");
	expect3(0x7f, 0, 0, 0, NPU_MSG_STATUS_UNKNOWN, "an unknown message is answered UNKNOWN");
	expect3(NPU_MSG_EVENT_READY, 0, 0, 0, NPU_MSG_STATUS_UNKNOWN, "so is an event");
	msg = (struct npu_msg) { .type = NPU_MSG_TELEMETRY };
	tap_ok(driver_call(&msg) == OK && msg.telemetry.matrix_mhz == 1500 &&
	       msg.telemetry.millicelsius == 45000 && !msg.telemetry.jobs &&
	       msg.telemetry.instructions == 0x123456789ull, "TELEMETRY: states what there is");
	for (unsigned int i = 0; i < 7; i++) {
		msg = (struct npu_msg) { .type = NPU_MSG_TELEMETRY };
		msg.arg[i] = 1ull << 63;
		expect(&msg, INVALID, "TELEMETRY: an argument is refused");
	}
}

static void test_context(void)
{
	uint64_t root = driver_alloc(4096);

	expect3(NPU_MSG_CONTEXT_CREATE, 16, root, 0, INVALID,
		"CONTEXT_CREATE: one past the last id is refused");
	expect3(NPU_MSG_CONTEXT_CREATE, 1ull << 32, root, 0, INVALID,
		"CONTEXT_CREATE: a pad is refused");
	expect3(NPU_MSG_CONTEXT_CREATE, 15, root + 8, 0, INVALID,
		"CONTEXT_CREATE: a misaligned root is refused");
	expect3(NPU_MSG_CONTEXT_CREATE, 15, 0x1000, 0, BUS,
		"CONTEXT_CREATE: a root that the bus refuses is reported");
	expect3(NPU_MSG_CONTEXT_CREATE, 15, root, 1, INVALID,
		"CONTEXT_CREATE: an unused argument is refused");
	tap_ok(!fake.space[15].used, "CONTEXT_CREATE: a refusal has changed nothing");
	expect3(NPU_MSG_CONTEXT_CREATE, 15, root, 0, OK, "CONTEXT_CREATE: the last id works");
	tap_ok(fake.space[15].used && fake.space[15].root == root &&
	       driver_log_ends("] context 15: created"), "CONTEXT_CREATE: with its root table");
	expect3(NPU_MSG_CONTEXT_CREATE, 15, root, 0, BUSY, "CONTEXT_CREATE: an id twice is BUSY");
	expect3(NPU_MSG_TLB_INVALIDATE, 15, 0, NPU_VA_SIZE, OK,
		"TLB_INVALIDATE: the whole address space");
	expect3(NPU_MSG_TLB_INVALIDATE, 15, NPU_VA_SIZE - 1, 1, OK, "TLB_INVALIDATE: the last byte");
	tap_ok(fake.space[15].invalidations == 2 && fake.space[15].start == NPU_VA_SIZE - 1 &&
	       fake.space[15].size == 1, "TLB_INVALIDATE: of just that");
	expect3(NPU_MSG_TLB_INVALIDATE, 15, NPU_VA_SIZE - 1, 2, INVALID,
		"TLB_INVALIDATE: one byte past the address space is refused");
	expect3(NPU_MSG_TLB_INVALIDATE, 15, NPU_VA_SIZE, 1, INVALID,
		"TLB_INVALIDATE: a start past it is refused");
	expect3(NPU_MSG_TLB_INVALIDATE, 15, 0, 0, INVALID, "TLB_INVALIDATE: no bytes are refused");
	expect3(NPU_MSG_TLB_INVALIDATE, 15, 4096, ~0ull, INVALID,
		"TLB_INVALIDATE: a range that wraps is refused");
	expect3(NPU_MSG_TLB_INVALIDATE, 15 | 1ull << 32, 0, 1, INVALID,
		"TLB_INVALIDATE: a pad is refused");
	expect3(NPU_MSG_TLB_INVALIDATE, 14, 0, 4096, NOENT, "TLB_INVALIDATE: an unknown context");
	tap_ok(fake.space[15].invalidations == 2, "TLB_INVALIDATE: a refusal does nothing");
	expect3(NPU_MSG_CONTEXT_RESET, 15, 0, 0, OK, "CONTEXT_RESET: of a context without queues");
	expect3(NPU_MSG_CONTEXT_RESET, 14, 0, 0, NOENT, "CONTEXT_RESET: an unknown context");
	expect3(NPU_MSG_CONTEXT_RESET, 16, 0, 0, INVALID,
		"CONTEXT_RESET: one past the last id is refused");
	expect3(NPU_MSG_CONTEXT_RESET, 15, 1, 0, INVALID,
		"CONTEXT_RESET: an unused argument is refused");
	expect3(NPU_MSG_CONTEXT_DESTROY, 15, 1, 0, INVALID,
		"CONTEXT_DESTROY: an unused argument is refused");
	expect3(NPU_MSG_CONTEXT_DESTROY, 15 | 1ull << 32, 0, 0, INVALID,
		"CONTEXT_DESTROY: a pad is refused");
	expect3(NPU_MSG_CONTEXT_DESTROY, 14, 0, 0, NOENT, "CONTEXT_DESTROY: an unknown context");
	expect3(NPU_MSG_CONTEXT_DESTROY, 15, 0, 0, OK, "CONTEXT_DESTROY: works");
	tap_ok(!fake.space[15].used && driver_log_ends("] context 15: destroyed"),
	       "CONTEXT_DESTROY: the address space is gone");
	expect3(NPU_MSG_CONTEXT_DESTROY, 15, 0, 0, NOENT, "CONTEXT_DESTROY: works once");
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

static void test_queue_create(void)
{
	uint64_t ring = driver_alloc(NPU_QUEUE_ENTRIES_MAX * sizeof(struct npu_ring_entry));
	const struct {
		struct npu_msg msg;
		uint16_t want;
		const char *what;
	} cases[] = {
		{ queue_msg(64, 0, 0, 4, ring), INVALID, "one past the last id is refused" },
		{ queue_msg(63, 3, 0, 4, ring), NOENT, "an unknown context" },
		{ queue_msg(63, 16, 0, 4, ring), INVALID, "a context past the last id is refused" },
		{ queue_msg(63, 0, 4, 4, ring), INVALID, "a priority past the highest is refused" },
		{ queue_msg(63, 0, 0, 2, ring), INVALID, "too small a ring is refused" },
		{ queue_msg(63, 0, 0, 8192, ring), INVALID, "too large a ring is refused" },
		{ queue_msg(63, 0, 0, 5, ring), INVALID, "a ring of no power of two is refused" },
		{ queue_msg(63, 0, 0, 4, ring + 256), INVALID, "a misaligned ring is refused" },
		{ queue_msg(63, 0, 0, 4, 0x1000), BUS, "a ring that the bus refuses is reported" },
		{ queue_msg(63, 0, 3, 4096, ring), OK, "the last id, priority and size work" },
		{ queue_msg(63, 0, 0, 4, ring), BUSY, "an id twice is BUSY" },
		{ queue_msg(0, 0, 0, 4, ring), OK, "the first id and the smallest ring work" },
	};

	fake.reg[NPU_CC_QUEUE_TAIL(63) / 4] = 77;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct npu_msg msg = cases[i].msg;
		uint16_t got = driver_call(&msg);

		if (!tap_ok(got == cases[i].want, "QUEUE_CREATE: %s", cases[i].what))
			tap_diag("status %u, wanted %u", got, cases[i].want);
	}
	tap_ok(fake.window[HW_WIN_QUEUE + 63].bytes == 4096 * 256 &&
	       fake.window[HW_WIN_QUEUE + 63].addr == ring && !hw_read(NPU_CC_QUEUE_TAIL(63)),
	       "QUEUE_CREATE: the ring is mapped, the doorbell starts at zero");
	tap_ok(driver_log_ends("] queue 0: created, context 0, priority 0, 4 entries"),
	       "QUEUE_CREATE: the log says so");
	expect3(NPU_MSG_QUEUE_DESTROY, 0, 0, 0, OK, "QUEUE_DESTROY: of the first");
	tap_ok(!fake.window[HW_WIN_QUEUE].bytes &&
	       driver_log_ends("] queue 0: destroyed after 0 jobs"),
	       "QUEUE_DESTROY: its ring is not mapped any more");
}

static void test_queue(void)
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

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		uint16_t type = types[i].type;
		uint64_t priority = (uint64_t)NPU_PRIORITY_REALTIME << 32;
		bool takes = type == NPU_MSG_QUEUE_PRIORITY;

		tap_ok(driver_call3(type, 64, 0, 0) == INVALID,
		       "%s: one past the last id is refused", types[i].name);
		tap_ok(driver_call3(type, 62, 0, 0) == NOENT, "%s: an unknown queue",
		       types[i].name);
		tap_ok(driver_call3(type, 63, 1, 0) == INVALID,
		       "%s: an unused argument is refused", types[i].name);
		tap_ok(driver_call3(type, 63 | (priority + (1ull << 32)), 0, 0) == INVALID,
		       "%s: a priority past the highest is refused", types[i].name);
		if (!takes)
			tap_ok(driver_call3(type, 63 | priority, 0, 0) == INVALID,
			       "%s: a priority is refused", types[i].name);
		tap_ok(driver_call3(type, 63 | (takes ? priority : 0), 0, 0) == OK, "%s: works",
		       types[i].name);
	}
	expect3(NPU_MSG_CONTEXT_DESTROY, 0, 0, 0, OK, "CONTEXT_DESTROY: after its last queue");
}

static void test_rings(void)
{
	struct npu_msg msg = { .type = NPU_MSG_PING };
	uint32_t irqs, n;

	for (n = 0; n < 16; n++)
		driver_send(&msg);
	tap_ok(driver.status->d2h_tail == driver.d2h_head + 16, "mailbox: answers fill the ring");
	for (n = 0; n < 10; n++)
		driver_send(&msg);
	tap_ok(driver.status->d2h_tail == driver.d2h_head + 16 &&
	       driver.status->h2d_head == driver.h2d_tail - 10,
	       "mailbox: a full ring of answers is not overwritten, requests wait");
	for (n = 0; n < 26 && driver_receive(&msg); n++)
		;
	tap_ok(n == 26 && !driver_receive(&msg) && msg.id == driver.id,
	       "mailbox: what was held back comes when there is room");
	irqs = fake.msi[NPU_MSIX_EVENT];
	msg = (struct npu_msg) { .type = NPU_MSG_PING };
	driver_send(&msg);
	tap_ok(fake.msi[NPU_MSIX_EVENT] == irqs + 1, "mailbox: an armed ring interrupts");
	driver_send(&msg);
	tap_ok(fake.msi[NPU_MSIX_EVENT] == irqs + 1, "mailbox: only once until it is armed again");
	fake_doorbell(NPU_CC_IRQ_D2H_ARM, NPU_CC_D2H_HEAD, driver.d2h_head + 1);
	fake_loop();
	tap_ok(fake.msi[NPU_MSIX_EVENT] == irqs + 2,
	       "mailbox: arming behind the tail interrupts at once");
	fake_doorbell(NPU_CC_IRQ_H2D, NPU_CC_H2D_TAIL, driver.h2d_tail + 17);
	fake_doorbell(NPU_CC_IRQ_D2H_ARM, NPU_CC_D2H_HEAD, driver.d2h_head + 3);
	fake_loop();
	tap_ok(driver.status->h2d_head == driver.h2d_tail &&
	       fake.msi[NPU_MSIX_EVENT] == irqs + 2 && fw.mailbox.d2h_head == driver.d2h_head + 1,
	       "mailbox: a doorbell or an arming that cannot be is ignored");
}

/* Any request at all leaves the firmware alive and is answered, once. */
static void test_nonsense(void)
{
	uint64_t seed = 1;
	bool ok = true;

	for (unsigned int i = 0; i < 200000; i++) {
		struct npu_msg msg = { 0 }, r;

		for (size_t w = 0; w < sizeof(msg) / 8; w++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			/* mostly small numbers: those come further */
			((uint64_t *)&msg)[w] = seed >> 60 ? seed >> 60 & 3 : seed;
		}
		msg.type = (uint16_t)(seed >> 40 & 0x37);
		msg.status = 0;
		if (msg.type >= NPU_MSG_CONTEXT_CREATE && seed & 1 << 20)
			memset(&msg.arg[1], 0, sizeof(msg.arg) - 8);
		driver_send(&msg);
		ok &= driver_receive(&r) && r.id == msg.id && !driver_receive(&r);
	}
	tap_ok(ok, "mailbox: 200000 requests of random bytes have one answer each");
}

int main(void)
{
	driver_boot();
	test_simple();
	test_context();
	driver_context(0);
	test_queue_create();
	expect3(NPU_MSG_CONTEXT_DESTROY, 0, 0, 0, BUSY, "CONTEXT_DESTROY: with queues is BUSY");
	test_queue();
	test_rings();
	driver_boot();
	test_nonsense();
	driver_boot_api(NPU_VERSION(1, 0));
	struct npu_msg msg = { .type = NPU_MSG_TELEMETRY };

	tap_ok(driver_call(&msg) == OK && !msg.telemetry.instructions,
	       "TELEMETRY: API 1.0 knows no instructions");
	return tap_done();
}

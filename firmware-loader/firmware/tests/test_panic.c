/* SPDX-License-Identifier: MIT */
/*
 * The end: the record of each reason, the log's line, the event, the state.
 */
#include <string.h>

#include "driver.h"
#include "tap.h"

static struct trap_frame frame;
static const struct stack_bounds stack = { .bottom = 0x10008000, .guard = 0x10005000 };

static void trap(void)
{
	panic_trap(&frame, &stack);
}

static void broken(void)
{
	FW_CHECK(driver.next == 1);
}

static void set_frame(uint32_t cause, uint32_t value, uint32_t sp)
{
	frame = (struct trap_frame) {
		.cause = cause, .value = value, .pc = 0x10000abc, .status = 0x1800,
	};
	for (uint32_t i = 1; i < 32; i++)
		frame.regs[i] = 0x1000 + i;
	frame.regs[2] = sp;
}

static bool record_is(uint32_t reason, uint32_t cause, uint32_t value, const char *text)
{
	const struct npu_fw_panic *p = &driver.status->panic;

	if (p->magic == NPU_PANIC_MAGIC && p->reason == reason && p->cause == cause &&
	    p->value == value && !strcmp(p->text, text))
		return true;
	tap_diag("magic 0x%x reason %u cause 0x%x value 0x%x text %s", p->magic, p->reason,
		 p->cause, p->value, p->text);
	return false;
}

static bool event_is(uint32_t reason, uint64_t pc, uint64_t value)
{
	struct npu_msg msg = driver.d2h[driver.d2h_head & 15];

	return driver.status->d2h_tail == driver.d2h_head + 1 && msg.type == NPU_MSG_EVENT_PANIC &&
	       msg.panic.reason == reason && msg.panic.pc == pc && msg.panic.value == value;
}

static void test_trap(void)
{
	bool same = true;

	driver_boot();
	fw.model_ns = 1234567890;
	set_frame(7, 0x40, 0x10009000);
	tap_ok(fake_halts(trap) && fake.state == NPU_STATE_DEAD, "trap: the state is DEAD");
	tap_ok(record_is(NPU_PANIC_TRAP, 7, 0x40, "store access fault, address 0x40"),
	       "trap: the record says what and where");
	for (uint32_t i = 1; i < 32; i++)
		same &= driver.status->panic.regs[i] == (i == 2 ? 0x10009000 : 0x1000 + i);
	tap_ok(same && !driver.status->panic.regs[0] && driver.status->panic.pc == 0x10000abc &&
	       driver.status->panic.status == 0x1800 &&
	       driver.status->panic.model_ns == 1234567890, "trap: with all registers");
	tap_ok(event_is(NPU_PANIC_TRAP, 0x10000abc, 7), "trap: the driver is told");
	tap_ok(driver_log_ends("[     1.234567] panic: "
			       "store access fault, address 0x40, pc 0x10000abc"),
	       "trap: the log says so");
	tap_ok(fake.msi[NPU_MSIX_EVENT] == 1, "trap: with an interrupt, if armed");
}

static void test_watchdog(void)
{
	driver_boot();
	set_frame(NPU_CC_CAUSE_WATCHDOG, 0, 0x10009000);
	tap_ok(fake_halts(trap) && record_is(NPU_PANIC_WATCHDOG, NPU_CC_CAUSE_WATCHDOG, 0,
					     "no return to the main loop for 300 ms") &&
	       event_is(NPU_PANIC_WATCHDOG, 0x10000abc, 0), "watchdog: has a reason of its own");
	tap_ok(fake.watchdog == 300, "watchdog: it goes on, should the record hang as well");
}

static void test_stack(void)
{
	driver_boot();
	set_frame(7, 0x10007ffc, 0x10007ff0);
	tap_ok(fake_halts(trap) && record_is(NPU_PANIC_STACK, 7, 0x10007ffc,
					     "stack overrun at 0x10007ffc") &&
	       event_is(NPU_PANIC_STACK, 0x10000abc, 0x10007ffc),
	       "stack: a store below it is its overrun");
	driver_boot();
	set_frame(7, 0x10007ffc, 0x10008ff0);
	tap_ok(fake_halts(trap) && record_is(NPU_PANIC_TRAP, 7, 0x10007ffc,
					     "store access fault, address 0x10007ffc"),
	       "stack: there by a stray pointer it is not");
}

static void test_check(void)
{
	const struct npu_fw_panic *p = &driver.status->panic;

	driver_boot();
	tap_ok(fake_halts(broken) && p->reason == NPU_PANIC_CHECK && p->value &&
	       strstr(p->text, "test_panic.c:") == p->text &&
	       strstr(p->text, ": not driver.next == 1") &&
	       event_is(NPU_PANIC_CHECK, 0x10000040, p->value), "check: names file, line, invariant");
}

static void test_room(void)
{
	struct npu_msg msg = { .type = NPU_MSG_PING };

	driver_boot();
	for (unsigned int i = 0; i < 16; i++)
		driver_send(&msg);
	set_frame(5, 0x123, 0x10009000);
	tap_ok(fake_halts(trap) && driver.status->d2h_tail == driver.d2h_head + 16 &&
	       record_is(NPU_PANIC_TRAP, 5, 0x123, "load access fault, address 0x123") &&
	       fake.state == NPU_STATE_DEAD, "room: without it there is no event, but a record");
}

static void test_early(void)
{
	driver_prepare();
	set_frame(2, 0, 0x10009000);
	tap_ok(fake_halts(trap) && fake.state == NPU_STATE_DEAD &&
	       driver.status->panic.magic == 0xa5a5a5a5,
	       "early: before the rings are mapped nothing is written");
	driver_boot_api(NPU_VERSION(1, 0));
	tap_ok(fake_halts(trap) && fake.state == NPU_STATE_DEAD && !driver.status->panic.magic &&
	       event_is(NPU_PANIC_TRAP, 0x10000abc, 2), "early: API 1.0 knows no record");
}

int main(void)
{
	test_trap();
	test_watchdog();
	test_stack();
	test_check();
	test_room();
	test_early();
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
#include "fw.h"
#include "test_faults.h"

struct fw fw;

static void doorbells(void)
{
	struct set rung = { { hw_read(NPU_CC_RUNG_LO), 0 } };

	if (fw.queues > 32)
		rung.w[1] = hw_read(NPU_CC_RUNG_HI);
	while (!set_empty(&rung))
		queue_rung(set_take(&rung));
}

static void interrupts(void)
{
	uint32_t irq = hw_read(NPU_CC_IRQ);

	/* Cleared before they are served: what comes meanwhile is seen again. */
	hw_write(NPU_CC_IRQ, irq);
	if (irq & NPU_CC_IRQ_JOB)
		job_event();
	if (irq & NPU_CC_IRQ_DONE_ARM)
		done_arm(hw_read(NPU_CC_DONE_HEAD));
	if (irq & NPU_CC_IRQ_QUEUE)
		doorbells();
	if (irq & NPU_CC_IRQ_D2H_ARM)
		mailbox_arm(hw_read(NPU_CC_D2H_HEAD));
	if (irq & NPU_CC_IRQ_H2D)
		fw.mailbox.h2d_tail = hw_read(NPU_CC_H2D_TAIL);
}

static void start_ticks(void)
{
	/* Two kicks at least are missed before the watchdog bites. */
	uint32_t ms = fw.config.watchdog_ms / 3;

	if (ms > fw.config.heartbeat_ms)
		ms = fw.config.heartbeat_ms;
	fw.beat.tick_us = 1000 * ms;
}

/* The watchdog is kicked here and nowhere else: whoever does not come back to the loop is hung. */
static void tick(void)
{
	uint64_t now = hw_read64(NPU_CC_TIME_LO), elapsed = now - fw.beat.last_us;
	struct beat *b = &fw.beat;

	hw_write(NPU_CC_WATCHDOG, fw.config.watchdog_ms);
	if (!b->tick_us)
		start_ticks();
	/* Time in which the core was kept from running is nobody's fault. */
	if (elapsed > 2 * b->tick_us)
		elapsed = 2 * b->tick_us;
	b->last_us = now;
	if (now >= b->next_us) {
		b->next_us = now + fw.config.heartbeat_ms * 1000;
		status_put(STATUS_AT(heartbeat), ++b->count);
	}
	job_watch((uint32_t)elapsed);
	power_govern();
	if (!b->healthy && !test_unhealthy()) {
		b->healthy = true;
		hw_write(NPU_CC_HEALTHY, 1);
	}
	hw_write64(NPU_CC_TIMER_LO, now + b->tick_us);
}

static bool restless(void)
{
	return !set_empty(&fw.restless_queues) || !set_empty(&fw.restless_contexts);
}

bool loop_round(void)
{
	uint32_t pending = hw_pending();

	if (!(pending & (HW_PENDING_IRQ | HW_PENDING_TIMER)) && !fw.again)
		return false;
	fw.again = false;
	if (pending & HW_PENDING_IRQ)
		interrupts();
	if (pending & HW_PENDING_TIMER)
		tick();
	/* Answers that are due: events first, then queues and contexts that have come to rest. */
	if (fw.fault_pending)
		context_tell();
	if (restless())
		message_settle();
	if (fw.mailbox.h2d_head != fw.mailbox.h2d_tail) {
		mailbox_run();
		if (restless())
			message_settle();
	}
	sched_run();
	return true;
}

void fw_main(const struct npu_fw_handoff *handoff)
{
	if (!boot(handoff))
		hw_halt();
	for (;;) {
		if (!loop_round())
			hw_wfi();
	}
}

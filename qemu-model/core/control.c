/* SPDX-License-Identifier: MIT */
/*
 * Running the control core, and the control thread, which lends itself to it when no other does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"

/* Between looks while nothing is due */
#define IDLE_US		1000000
/* A timer that stays due is looked at again after this: the firmware has not set a new one. */
#define OVERDUE_US	1000
/* Instructions between two looks at reset, gate and watchdog: some 100 us */
#define SLICE		20000

uint64_t npu_control_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000;
}

/* What the processor reaches beside its memory */

static bool load(void *opaque, uint32_t addr, unsigned int bytes, uint32_t *value)
{
	struct npu_core *core = opaque;
	const void *p;

	if (addr - NPU_CC_REGS_BASE < NPU_CC_REGS_BYTES)
		return bytes == 4 && npu_control_reg_read(core, addr - NPU_CC_REGS_BASE, value);
	p = npu_control_window(&core->control, addr, bytes);
	if (!p)
		return false;
	if (bytes == 4)
		*value = __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
	else if (bytes == 2)
		*value = __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
	else
		*value = __atomic_load_n((const uint8_t *)p, __ATOMIC_RELAXED);
	return true;
}

static bool store(void *opaque, uint32_t addr, unsigned int bytes, uint32_t value)
{
	struct npu_core *core = opaque;
	void *p;

	if (addr - NPU_CC_REGS_BASE < NPU_CC_REGS_BYTES)
		return bytes == 4 && npu_control_reg_write(core, addr - NPU_CC_REGS_BASE, value);
	p = npu_control_window(&core->control, addr, bytes);
	if (!p)
		return false;
	if (bytes == 4)
		__atomic_store_n((uint32_t *)p, value, __ATOMIC_RELAXED);
	else if (bytes == 2)
		__atomic_store_n((uint16_t *)p, (uint16_t)value, __ATOMIC_RELAXED);
	else
		__atomic_store_n((uint8_t *)p, (uint8_t)value, __ATOMIC_RELAXED);
	return true;
}

/* Life */

static void clear(struct npu_core *core)
{
	struct npu_control *c = &core->control;

	c->on = false;
	c->called = 0;
	c->irq = 0;
	c->irq_enable = 0;
	memset(c->rung, 0, sizeof(c->rung));
	c->timer_us = UINT64_MAX;
	c->watchdog_us = UINT64_MAX;
	c->watchdog_ms = 0;
	c->watchdog_bit = false;
	c->healthy = false;
	c->error = 0;
	c->found = 0;
	c->wanted = 0;
	c->fw_api = 0;
	c->job_queue = 0;
	c->job_context = 0;
	c->job_entry = 0;
	c->job_limit_ns = 0;
	c->clock_mhz = core->machine.matrix_mhz;
}

int npu_control_init(struct npu_core *core)
{
	const struct rv32_bus bus = { .opaque = core, .load = load, .store = store };
	struct npu_control *c = &core->control;

	c->ram = aligned_alloc(NPU_CC_PAGE_BYTES, NPU_CC_RAM_BYTES);
	if (!c->ram || rv32_init(&c->cpu, c->ram, NPU_CC_RAM_BASE, NPU_CC_RAM_BYTES, &bus)) {
		free(c->ram);
		c->ram = NULL;
		return -ENOMEM;
	}
	memset(c->ram, 0, NPU_CC_RAM_BYTES);
	clear(core);
	return 0;
}

void npu_control_destroy(struct npu_core *core)
{
	if (!core->control.ram)
		return;
	rv32_release(&core->control.cpu);
	free(core->control.ram);
}

void npu_control_start(struct npu_core *core, uint32_t entry)
{
	struct npu_control *c = &core->control;

	clear(core);
	rv32_reset(&c->cpu, entry, NPU_CC_HANDOFF);
	c->watchdog_ms = NPU_CONTROL_BOOT_MS;
	c->watchdog_us = npu_control_now_us() + NPU_CONTROL_BOOT_MS * 1000ull;
	c->on = true;
	__atomic_store_n(&c->called, 1, __ATOMIC_SEQ_CST);
}

void npu_control_reset(struct npu_core *core)
{
	struct npu_control *c = &core->control;

	npu_control_unmap(core);
	clear(core);
	c->h2d_tail = 0;
	c->d2h_head = 0;
	c->done_head = 0;
	memset(c->queue_tail, 0, sizeof(c->queue_tail));
}

/* Reasons to run */

static void call(struct npu_core *core)
{
	__atomic_store_n(&core->control.called, 1, __ATOMIC_SEQ_CST);
	if (npu_dispatch_status(&core->dispatch) == NPU_CC_JOB_RUNNING)
		npu_event_ring(&core->control_event);
	else
		npu_event_ring(&core->runner_event);
}

void npu_control_irq(struct npu_core *core, uint32_t bits)
{
	__atomic_fetch_or(&core->control.irq, bits, __ATOMIC_SEQ_CST);
	call(core);
}

void npu_control_ring(struct npu_core *core, uint32_t q, uint32_t tail)
{
	struct npu_control *c = &core->control;

	__atomic_store_n(&c->queue_tail[q], tail, __ATOMIC_RELEASE);
	__atomic_fetch_or(&c->rung[q / 32], 1u << q % 32, __ATOMIC_SEQ_CST);
	npu_control_irq(core, NPU_CC_IRQ_QUEUE);
}

void npu_control_pass(struct npu_core *core)
{
	if (__atomic_load_n(&core->control.called, __ATOMIC_SEQ_CST))
		npu_event_ring(&core->control_event);
}

/* Running */

void npu_control_lines(struct npu_core *core)
{
	struct npu_control *c = &core->control;

	rv32_set_irq(&c->cpu, RV32_MEIP,
		     __atomic_load_n(&c->irq, __ATOMIC_SEQ_CST) & c->irq_enable);
	rv32_set_irq(&c->cpu, RV32_MTIP,
		     c->timer_us != UINT64_MAX && npu_control_now_us() >= c->timer_us);
}

/* Whether the firmware is still to be trusted with the core. */
static bool watch(struct npu_core *core)
{
	struct npu_control *c = &core->control;

	if (c->watchdog_us == UINT64_MAX || npu_control_now_us() < c->watchdog_us)
		return true;
	if (c->watchdog_bit)
		return false;
	c->watchdog_bit = true;
	__atomic_store_n(&c->watchdog_us, npu_control_now_us() + c->watchdog_ms * 1000ull,
			 __ATOMIC_SEQ_CST);
	rv32_nmi(&c->cpu, NPU_CC_CAUSE_WATCHDOG);
	return true;
}

static void halt(struct npu_core *core, const char *why)
{
	core->control.on = false;
	npu_rom_stopped(core, why);
}

static bool resetting(const struct npu_core *core)
{
	return __atomic_load_n(&core->gate.resetting, __ATOMIC_ACQUIRE);
}

/* Lets those through who close the gate; false: it is a reset. */
static bool yield(struct npu_core *core)
{
	if (npu_attention(&core->gate) & NPU_ATTEND_GATE) {
		npu_gate_yield(&core->gate);
		npu_control_excuse(core);
	}
	return !resetting(core);
}

/* Until it waits for an interrupt that is not there, or stops. */
static void run(struct npu_core *core)
{
	struct npu_control *c = &core->control;

	for (;;) {
		enum rv32_stop stop;

		npu_control_lines(core);
		if (!watch(core)) {
			halt(core, "the watchdog ran out twice");
			return;
		}
		stop = rv32_run(&c->cpu, SLICE);
		switch (stop) {
		case RV32_STOPPED:
			halt(core, "firmware");
			return;
		case RV32_DOUBLE_TRAP:
			halt(core, "double trap");
			return;
		case RV32_WFI:
			npu_control_lines(core);
			if (!(c->cpu.mip & c->cpu.mie))
				return;
			break;
		case RV32_LIMIT:
			if (!yield(core))
				return;
			break;
		}
	}
}

void npu_control_serve(struct npu_core *core)
{
	struct npu_control *c = &core->control;

	while (__atomic_load_n(&c->called, __ATOMIC_SEQ_CST) && !resetting(core) &&
	       !__atomic_exchange_n(&c->busy, 1, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&c->called, 0, __ATOMIC_SEQ_CST);
		if (c->on)
			run(core);
		__atomic_store_n(&c->busy, 0, __ATOMIC_SEQ_CST);
	}
}

bool npu_control_wanted(const struct npu_core *core)
{
	const struct npu_control *c = &core->control;

	return __atomic_load_n(&c->called, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&c->busy, __ATOMIC_SEQ_CST);
}

static uint64_t due_us(const struct npu_control *c)
{
	uint64_t timer = __atomic_load_n(&c->timer_us, __ATOMIC_SEQ_CST);
	uint64_t watchdog = __atomic_load_n(&c->watchdog_us, __ATOMIC_SEQ_CST);

	return timer < watchdog ? timer : watchdog;
}

uint64_t npu_control_tick(struct npu_core *core)
{
	struct npu_control *c = &core->control;
	uint64_t due = due_us(c), now = npu_control_now_us();

	if (due <= now) {
		__atomic_store_n(&c->called, 1, __ATOMIC_SEQ_CST);
		npu_control_serve(core);
		due = due_us(c);
		now = npu_control_now_us();
		if (due <= now)
			return OVERDUE_US;
	}
	return due - now < IDLE_US ? due - now + 1 : IDLE_US;
}

void npu_control_excuse(struct npu_core *core)
{
	struct npu_control *c = &core->control;

	if (c->watchdog_us != UINT64_MAX)
		__atomic_store_n(&c->watchdog_us,
				 npu_control_now_us() + c->watchdog_ms * 1000ull,
				 __ATOMIC_SEQ_CST);
}

/* The control thread */

/* Whatever has been asked for by registers, inside the gate */
static void serve(struct npu_core *core)
{
	/* A reset that is asked for from here on stays asked for. */
	uint32_t requests = __atomic_fetch_and(&core->requests, NPU_REQUEST_RESET,
					       __ATOMIC_ACQ_REL);

	for (unsigned int v = 0; v < NPU_MSIX_COUNT; v++) {
		if (requests & NPU_REQUEST_IRQ(v))
			npu_device_interrupt(core, v);
	}
	if (requests & NPU_REQUEST_BOOT)
		npu_rom_boot(core);
	npu_control_serve(core);
}

void *npu_control_thread(void *opaque)
{
	struct npu_core *core = opaque;
	bool locked_out = false;

	for (;;) {
		uint32_t seen = npu_event_seen(&core->control_event);
		uint64_t timeout = IDLE_US;

		if (__atomic_load_n(&core->stop, __ATOMIC_ACQUIRE))
			return NULL;
		if (__atomic_load_n(&core->requests, __ATOMIC_ACQUIRE) & NPU_REQUEST_RESET)
			npu_core_reset(core);
		if (npu_gate_try_enter(&core->gate)) {
			if (locked_out)
				npu_control_excuse(core);
			locked_out = false;
			serve(core);
			timeout = npu_control_tick(core);
			npu_gate_leave(&core->gate);
		} else {
			locked_out = true;
		}
		npu_event_wait(&core->control_event, seen, timeout, 0);
	}
}

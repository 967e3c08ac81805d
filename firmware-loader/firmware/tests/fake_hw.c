/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_hw.h"

struct fake fake;
void (*fake_core)(void);
static jmp_buf halted;

__attribute__((noreturn))
static void die(const char *what, uint32_t value)
{
	fprintf(stderr, "fake device: %s 0x%x\n", what, value);
	exit(1);
}

void fake_reset(void)
{
	uint8_t *bus = fake.bus ? fake.bus : malloc(FAKE_BUS_BYTES);

	if (!bus)
		die("no memory", 0);
	/* What the driver has not written is anything but zero. */
	memset(bus, 0xa5, FAKE_BUS_BYTES);
	memset(&fake, 0, sizeof(fake));
	memset(&fw, 0, sizeof(fw));
	fake.bus = bus;
	fake.machine = (struct npu_machine_regs) { 16, 64, 1500 };
	fake.millicelsius = 45000;
	fake.state = NPU_STATE_BOOTING;
	fake.timer = ~0ull;
	/* TIME does not start with the boot. */
	fake.time_us = 5000000;
}

void *fake_bus(uint64_t addr)
{
	return fake.bus + (addr - FAKE_BUS_BASE);
}

/* The driver's side */

void fake_doorbell(uint32_t irq, uint32_t reg, uint32_t value)
{
	fake.reg[reg / 4] = value;
	fake.reg[NPU_CC_IRQ / 4] |= irq;
}

void fake_ring(uint32_t queue, uint32_t tail)
{
	fake.rung[queue / 32] |= 1u << queue % 32;
	fake_doorbell(NPU_CC_IRQ_QUEUE, NPU_CC_QUEUE_TAIL(queue), tail);
}

void fake_sleep_us(uint64_t us)
{
	fake.time_us += us;
}

void fake_loop(void)
{
	if (fake_core) {
		fake_core();
		return;
	}
	for (unsigned int i = 0; loop_round(); i++) {
		if (i == 1000000)
			die("the firmware never sleeps", 0);
	}
}

bool fake_halts(void (*what)(void))
{
	if (setjmp(halted))
		return true;
	what();
	return false;
}

/* The command processor */

static uint64_t next_safe(const struct fake_job *j, uint64_t at)
{
	uint64_t step = j->entry.FAKE_SAFE;

	if (!step)
		return FAKE_ENDLESS;
	if (at <= j->run_from)
		at = j->run_from + 1;
	return (at + step - 1) / step * step;
}

static void job_over(uint32_t status, uint16_t fault)
{
	const struct fake_job *j = &fake.job;

	fake.job_status = status;
	fake.result = (struct npu_done) {
		.seqno = j->entry.seqno, .queue = 0xdead, .fault = fault, .model_ns = j->ran,
		.energy_pj = 2 * j->ran, .busy_ns = { j->ran, 1, 2, 3 }, .commands = 7,
		.fault_addr = fault ? 0x1234 : 0, .fault_core = fault ? 2 : 0, .wait_ns = ~0ull,
	};
	if (status == NPU_CC_JOB_STOPPED) {
		fake.slot[fake.job_queue] = *j;
		fake.filled[fake.job_queue] = true;
	}
	fake.reg[NPU_CC_IRQ / 4] |= NPU_CC_IRQ_JOB;
}

bool fake_advance(uint64_t ns)
{
	struct fake_job *j = &fake.job;
	uint64_t end = j->entry.FAKE_DURATION, safe = FAKE_ENDLESS, to;

	if (fake.job_status != NPU_CC_JOB_RUNNING)
		return false;
	if (j->stop)
		safe = next_safe(j, j->ran);
	if (j->limit) {
		uint64_t at = j->run_from + j->limit;

		at = next_safe(j, at > j->ran ? at : j->ran);
		safe = at < safe ? at : safe;
	}
	to = ns < FAKE_ENDLESS - j->ran ? j->ran + ns : FAKE_ENDLESS;
	to = to < end ? to : end;
	to = to < safe ? to : safe;
	if (to == FAKE_ENDLESS)
		return false;
	fake.model_ns += to - j->ran;
	j->ran = to;
	if (to == end)
		job_over(NPU_CC_JOB_DONE, (uint16_t)j->entry.FAKE_FAULT);
	else if (to == safe)
		job_over(NPU_CC_JOB_STOPPED, 0);
	return fake.job_status != NPU_CC_JOB_RUNNING;
}

static uint8_t *at(uint32_t addr, uint32_t bytes)
{
	uint32_t w = (addr - NPU_CC_WINDOW_BASE) / NPU_CC_WINDOW_BYTES;
	uint32_t offset = (addr - NPU_CC_WINDOW_BASE) % NPU_CC_WINDOW_BYTES;

	if (addr < NPU_CC_WINDOW_BASE || offset + bytes > fake.window[w].bytes || addr % bytes)
		die("access outside of a window", addr);
	return (uint8_t *)fake_bus(fake.window[w].addr) + offset;
}

static uint64_t pair(uint32_t lo)
{
	return (uint64_t)fake.reg[lo / 4 + 1] << 32 | fake.reg[lo / 4];
}

static void job_op(uint32_t op)
{
	uint32_t q = fake.reg[NPU_CC_JOB_QUEUE / 4];
	bool runs = fake.job_status == NPU_CC_JOB_RUNNING, start = op == NPU_CC_JOB_START;
	struct fake_job *j = &fake.job;

	switch (op) {
	case NPU_CC_JOB_START:
	case NPU_CC_JOB_RESUME:
		if (runs || fake.filled[q] == start) {
			fake.misuses++;
			return;
		}
		if (op == NPU_CC_JOB_RESUME) {
			*j = fake.slot[q];
			fake.filled[q] = false;
			fake.resumes++;
		} else {
			memset(j, 0, sizeof(*j));
			memcpy(&j->entry, at(fake.reg[NPU_CC_JOB_ENTRY / 4], 64), sizeof(j->entry));
			fake.starts++;
		}
		j->context = fake.reg[NPU_CC_JOB_CONTEXT / 4];
		j->run_from = j->ran;
		j->limit = pair(NPU_CC_JOB_LIMIT_LO);
		j->stop = false;
		fake.job_queue = q;
		fake.job_status = NPU_CC_JOB_RUNNING;
		fake.job_mhz = fake.reg[NPU_CC_CLOCK_MHZ / 4];
		return;
	case NPU_CC_JOB_DROP:
		fake.misuses += !fake.filled[q];
		fake.filled[q] = false;
		fake.drops++;
		return;
	case NPU_CC_JOB_STOP:
		fake.stops++;
		j->stop = true;
		return;
	case NPU_CC_JOB_LIMIT:
		fake.limits++;
		j->limit = pair(NPU_CC_JOB_LIMIT_LO);
		return;
	case NPU_CC_JOB_KILL:
		fake.kills++;
		if (runs)
			job_over(NPU_CC_JOB_DONE, NPU_FAULT_KILLED);
		return;
	}
	fake.misuses++;
}

/* Windows and address spaces */

static bool on_bus(uint64_t addr, uint32_t bytes)
{
	return addr >= FAKE_BUS_BASE && addr - FAKE_BUS_BASE <= FAKE_BUS_BYTES - bytes &&
	       addr != fake.refuse;
}

static void map_window(uint32_t bytes)
{
	uint64_t addr = pair(NPU_CC_WIN_ADDR_LO);
	uint32_t w = fake.reg[NPU_CC_WIN_INDEX / 4];

	fake.status = NPU_CC_OK;
	if (w >= NPU_CC_WINDOWS || bytes > NPU_CC_WINDOW_BYTES || addr % NPU_CC_PAGE_BYTES)
		fake.status = NPU_CC_INVALID;
	else if (bytes && !on_bus(addr, bytes))
		fake.status = NPU_CC_BUS;
	if (fake.status)
		return;
	fake.window[w].addr = addr;
	fake.window[w].bytes = bytes;
}

static void space_op(uint32_t op)
{
	uint32_t id = fake.reg[NPU_CC_CTX_ID / 4];
	uint64_t a = pair(NPU_CC_CTX_A_LO);

	fake.status = NPU_CC_OK;
	switch (op) {
	case NPU_CC_CTX_CREATE:
		if (!on_bus(a, 4096)) {
			fake.status = NPU_CC_BUS;
			return;
		}
		fake.space[id].used = true;
		fake.space[id].root = a;
		return;
	case NPU_CC_CTX_DESTROY:
		fake.space[id].used = false;
		return;
	case NPU_CC_CTX_INVALIDATE:
		fake.space[id].start = a;
		fake.space[id].size = pair(NPU_CC_CTX_B_LO);
		fake.space[id].invalidations++;
		return;
	}
	die("unknown operation on an address space", op);
}

/* What the firmware sees */

static uint32_t latched;

static uint32_t low_of(uint64_t v)
{
	latched = (uint32_t)(v >> 32);
	return (uint32_t)v;
}

static uint32_t marks(void)
{
	uint64_t step = fake.job.entry.FAKE_MARK;

	return step ? (uint32_t)(fake.job.ran / step) : 0;
}

uint32_t hw_read(uint32_t reg)
{
	uint32_t v;

	switch (reg) {
	case NPU_CC_CORES:
		return 4;
	case NPU_CC_CONTEXTS:
		return fake.machine.contexts;
	case NPU_CC_QUEUES:
		return fake.machine.queues;
	case NPU_CC_MATRIX_MHZ:
		return fake.machine.mhz;
	case NPU_CC_TIME_LO:
		return low_of(fake.time_us);
	case NPU_CC_MODEL_LO:
		return low_of(fake.model_ns);
	case NPU_CC_TIME_HI:
	case NPU_CC_MODEL_HI:
		return latched;
	case NPU_CC_RUNG_LO:
	case NPU_CC_RUNG_HI:
		v = fake.rung[reg == NPU_CC_RUNG_HI];
		fake.rung[reg == NPU_CC_RUNG_HI] = 0;
		return v;
	case NPU_CC_WIN_STATUS:
	case NPU_CC_CTX_STATUS:
		return fake.status;
	case NPU_CC_JOB_STATUS:
		return fake.job_status;
	case NPU_CC_JOB_PROGRESS:
		return marks();
	case NPU_CC_TEMPERATURE:
		return (uint32_t)fake.millicelsius;
	case NPU_CC_IRQ:
	case NPU_CC_H2D_TAIL:
	case NPU_CC_D2H_HEAD:
	case NPU_CC_DONE_HEAD:
		return fake.reg[reg / 4];
	}
	if (reg >= NPU_CC_JOB_RESULT && reg < NPU_CC_JOB_RESULT + sizeof(fake.result)) {
		memcpy(&v, (uint8_t *)&fake.result + (reg - NPU_CC_JOB_RESULT), sizeof(v));
		return v;
	}
	if (reg >= NPU_CC_QUEUE_TAIL(0) && reg < NPU_CC_QUEUE_TAIL(NPU_MAX_QUEUES))
		return fake.reg[reg / 4];
	die("read of register", reg);
}

void hw_write(uint32_t reg, uint32_t v)
{
	switch (reg) {
	case NPU_CC_IRQ:
		fake.reg[reg / 4] &= ~v;
		return;
	case NPU_CC_TIMER_HI:
		fake.timer = (uint64_t)v << 32 | fake.reg[NPU_CC_TIMER_LO / 4];
		return;
	case NPU_CC_WATCHDOG:
		fake.watchdog = v;
		fake.kicks++;
		return;
	case NPU_CC_STATE:
		fake.state = v;
		return;
	case NPU_CC_ERROR:
		fake.error = v;
		return;
	case NPU_CC_FOUND:
		fake.found = v;
		return;
	case NPU_CC_WANTED:
		fake.wanted = v;
		return;
	case NPU_CC_FW_API:
		fake.fw_api = v;
		return;
	case NPU_CC_HEALTHY:
		fake.healthy++;
		return;
	case NPU_CC_MSI:
		fake.msi[v]++;
		return;
	case NPU_CC_WIN_SIZE:
		map_window(v);
		return;
	case NPU_CC_CTX_OP:
		space_op(v);
		return;
	case NPU_CC_JOB_OP:
		job_op(v);
		return;
	}
	if (reg >= sizeof(fake.reg))
		die("write of register", reg);
	fake.reg[reg / 4] = v;
}

uint32_t hw_load(uint32_t addr)
{
	uint32_t v;

	memcpy(&v, at(addr, 4), 4);
	return v;
}

void hw_store(uint32_t addr, uint32_t v)
{
	memcpy(at(addr, 4), &v, 4);
}

void hw_store8(uint32_t addr, uint8_t v)
{
	*at(addr, 1) = v;
}

uint32_t hw_pending(void)
{
	uint32_t v = 0;

	if (fake.reg[NPU_CC_IRQ / 4] & fake.reg[NPU_CC_IRQ_ENABLE / 4])
		v |= HW_PENDING_IRQ;
	if (fake.time_us >= fake.timer)
		v |= HW_PENDING_TIMER;
	return v;
}

void hw_wfi(void)
{
	die("the firmware sleeps", 0);
}

void hw_wake_by(uint32_t pending)
{
	fake.wake_by = pending;
}

uint64_t hw_instructions(void)
{
	return 0x123456789ull;
}

void hw_trap(void)
{
	static const struct stack_bounds stack = { 0x10008000, 0x10005000 };
	struct trap_frame frame = { .regs = { [2] = 0x10009f00 }, .cause = 3, .pc = 0x10000040 };

	panic_trap(&frame, &stack);
}

void hw_halt(void)
{
	longjmp(halted, 1);
}

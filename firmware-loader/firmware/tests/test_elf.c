/* SPDX-License-Identifier: MIT */
/*
 * The firmware as it was linked, on the device's interpreter, before the fake device: what host
 * code cannot show, which is the entry, traps, rights of pages, the stack, and what a job costs.
 *
 * usage: test_elf FOLDER, that of the .elf files
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "rv32.h"
#include "tap.h"
#include "test_faults.h"

/* Instructions after which a firmware that has not slept is taken for hung */
#define HUNG 2000000ull
/* What an empty job may cost from doorbell to completion */
#define EMPTY_MAX 2000u

static const char *folder;
static struct rv32 cpu;
static _Alignas(4096) uint8_t ram[NPU_CC_RAM_BYTES];
static _Alignas(8) uint8_t file[1 << 20];
static bool bites;	/* the watchdog */
static enum { SLEEPS, STOPPED, HANGS, DOUBLE_TRAP } end;

static void lines(void)
{
	uint32_t pending = hw_pending();

	rv32_set_irq(&cpu, RV32_MEIP, pending & HW_PENDING_IRQ);
	rv32_set_irq(&cpu, RV32_MTIP, pending & HW_PENDING_TIMER);
}

static bool load(void *opaque, uint32_t addr, unsigned int bytes, uint32_t *value)
{
	(void)opaque;
	if (addr >= NPU_CC_WINDOW_BASE && bytes == 4)
		*value = hw_load(addr);
	else if (addr - NPU_CC_REGS_BASE < NPU_CC_REGS_BYTES && bytes == 4)
		*value = hw_read(addr - NPU_CC_REGS_BASE);
	else
		return false;
	return true;
}

static bool store(void *opaque, uint32_t addr, unsigned int bytes, uint32_t value)
{
	(void)opaque;
	if (addr >= NPU_CC_WINDOW_BASE && bytes == 4)
		hw_store(addr, value);
	else if (addr >= NPU_CC_WINDOW_BASE && bytes == 1)
		hw_store8(addr, (uint8_t)value);
	else if (addr - NPU_CC_REGS_BASE < NPU_CC_REGS_BYTES && bytes == 4)
		hw_write(addr - NPU_CC_REGS_BASE, value);
	else
		return false;
	if (fake.state == NPU_STATE_DEAD || fake.state == NPU_STATE_ERROR)
		rv32_stop(&cpu);
	lines();
	return true;
}

static void run(void)
{
	uint64_t from = cpu.retired;

	for (;;) {
		lines();
		switch (rv32_run(&cpu, 10000)) {
		case RV32_WFI:
			end = SLEEPS;
			if (!(cpu.mip & cpu.mie))
				return;
			break;
		case RV32_STOPPED:
			end = STOPPED;
			return;
		case RV32_DOUBLE_TRAP:
			end = DOUBLE_TRAP;
			return;
		case RV32_LIMIT:
			break;
		}
		if (cpu.retired - from < HUNG)
			continue;
		end = HANGS;
		if (!bites || !fake.watchdog)
			return;
		from = cpu.retired;
		rv32_nmi(&cpu, NPU_CC_CAUSE_WATCHDOG);
	}
}

static uint8_t rights(uint32_t flags)
{
	return (flags & PF_R ? NPU_FW_SECTION_R : 0) | (flags & PF_W ? NPU_FW_SECTION_W : 0) |
	       (flags & PF_X ? NPU_FW_SECTION_X : 0);
}

/* What the boot ROM does; false: not as the image's parser wants it. */
static bool load_elf(const char *name)
{
	static const struct rv32_bus bus = { .load = load, .store = store };
	const Elf32_Ehdr *e = (const void *)file;
	const Elf32_Phdr *p;
	char path[4096];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.elf", folder, name);
	f = fopen(path, "rb");
	if (f) {
		n = fread(file, 1, sizeof(file), f);
		fclose(f);
	}
	if (n < sizeof(*e) || n == sizeof(file)) {
		fprintf(stderr, "test_elf: %s cannot be read\n", path);
		exit(1);
	}
	rv32_release(&cpu);
	memset(ram, 0, sizeof(ram));
	if (rv32_init(&cpu, ram, NPU_CC_RAM_BASE, sizeof(ram), &bus))
		exit(1);
	p = (const void *)(file + e->e_phoff);
	for (unsigned int i = 0; i < e->e_phnum; i++, p++) {
		uint32_t at = p->p_vaddr - NPU_CC_RAM_BASE;

		if (p->p_type != PT_LOAD)
			continue;
		if (at % NPU_CC_PAGE_BYTES || at + p->p_memsz > NPU_CC_HANDOFF - NPU_CC_RAM_BASE ||
		    (p->p_flags & PF_W && p->p_flags & PF_X))
			return false;
		memcpy(ram + at, file + p->p_offset, p->p_filesz);
		for (uint32_t o = 0; o < p->p_memsz; o += NPU_CC_PAGE_BYTES) {
			if (rv32_set_rights(&cpu, (at + o) / NPU_CC_PAGE_BYTES, rights(p->p_flags)))
				return false;
		}
	}
	driver_prepare();
	driver.handoff.config.max_jobs_per_turn = 16;
	memcpy(ram + NPU_CC_HANDOFF - NPU_CC_RAM_BASE, &driver.handoff, sizeof(driver.handoff));
	rv32_reset(&cpu, e->e_entry, NPU_CC_HANDOFF);
	return true;
}

static bool boots(const char *name)
{
	struct npu_msg msg;

	if (!load_elf(name))
		return false;
	fake_loop();
	if (end != SLEEPS || fake.state != NPU_STATE_RUNNING)
		return false;
	driver_receive(&msg);
	driver_context(0);
	driver_queue(0, 0, NPU_PRIORITY_NORMAL, 16);
	return true;
}

static void put_fault(uint64_t fault)
{
	struct npu_ring_entry *e = driver_put(0, 3, 0);

	e->params[0] = TEST_MAGIC;
	e->params[1] = fault;
	driver_ring(0);
	driver_run();
}

static void test_product(void)
{
	uint64_t from, most = 0;
	bool ok = true;

	tap_ok(boots("npu-firmware") && fake.healthy == 1,
	       "elf: segments are as images want them, it boots");
	for (unsigned int i = 0; i < 1000; i++) {
		driver_put(0, 3, 0);
		from = cpu.retired;
		driver_ring(0);
		driver_run();
		most = cpu.retired - from > most ? cpu.retired - from : most;
		ok &= driver_done_is(0, i + 1, NPU_FAULT_NONE);
	}
	tap_ok(ok, "elf: it runs jobs");
	tap_ok(most <= EMPTY_MAX,
	       "elf: an empty job costs at most %u instructions from doorbell to record",
	       EMPTY_MAX);
	tap_diag("%llu", (unsigned long long)most);
	/* all other queues wait for nothing */
	for (uint32_t i = 1; i < 64; i++)
		driver_queue(i, 0, i % 4, 16);
	driver_put(0, 3, 0);
	from = cpu.retired;
	driver_ring(0);
	driver_run();
	tap_ok(cpu.retired - from <= most, "elf: 63 queues that wait for nothing cost nothing");
	put_fault(TEST_CHECK);
	tap_ok(fake.state == NPU_STATE_RUNNING && driver.status->queue[0].done == 1002,
	       "elf: the product knows no faults on demand");
}

static const struct npu_fw_panic *panic_by(uint64_t fault)
{
	if (!boots("npu-firmware-test"))
		return NULL;
	put_fault(fault);
	return &driver.status->panic;
}

static void panics(uint64_t fault, uint32_t reason, const char *text, const char *what)
{
	const struct npu_fw_panic *p = panic_by(fault);

	if (tap_ok(p && end == STOPPED && fake.state == NPU_STATE_DEAD &&
		   p->magic == NPU_PANIC_MAGIC && p->reason == reason && strstr(p->text, text) &&
		   p->pc >= NPU_CC_RAM_BASE && p->regs[1] >= NPU_CC_RAM_BASE &&
		   driver.status->queue[0].head == 1 && !driver.status->done_tail &&
		   driver.d2h[driver.d2h_head & 15].type == NPU_MSG_EVENT_PANIC, "elf: %s", what))
		return;
	tap_diag("end %u state %u reason %u text %s", end, fake.state, p ? p->reason : 0,
		 p ? p->text : "");
}

static void test_faults(void)
{
	panics(TEST_WILD_STORE, NPU_PANIC_TRAP, "store access fault, address 0x10",
	       "a wild store leaves a record");
	bites = true;
	panics(TEST_ENDLESS, NPU_PANIC_WATCHDOG, "no return to the main loop",
	       "the watchdog ends an endless loop");
	bites = false;
	panics(TEST_STACK, NPU_PANIC_STACK, "stack overrun", "a stack that runs over is told as such");
	panics(TEST_CHECK, NPU_PANIC_CHECK, "test_faults.c:", "a broken invariant names its line");
	panic_by(TEST_SILENT);
	fake_sleep_us(10000000);
	fake_loop();
	tap_ok(end == SLEEPS && fake.state == NPU_STATE_RUNNING && !fake.watchdog &&
	       driver.status->heartbeat == 1, "elf: a silent death beats no more");
	panic_by(TEST_BAD_EVENT_TAIL);
	tap_ok(driver.status->d2h_tail - driver.d2h_head > 16 && fake.state == NPU_STATE_RUNNING,
	       "elf: an event tail out of the ring");
	panic_by(TEST_BAD_DONE_TAIL);
	driver_put(0, 3, 0);
	driver_ring(0);
	driver_run();
	tap_ok(driver.status->done_tail - driver.done_head > 64 && !fake.starts,
	       "elf: a completion tail out of the ring, and no job after it");
}

static void test_early(void)
{
	load_elf("npu-firmware-hang");
	fake_loop();
	tap_ok(end == HANGS && fake.state == NPU_STATE_BOOTING && fake.watchdog == 300,
	       "elf: one that hangs before READY, with the watchdog running");
	load_elf("npu-firmware-trap");
	fake_loop();
	tap_ok(end == STOPPED && fake.state == NPU_STATE_DEAD, "elf: one that traps before READY");
	load_elf("npu-firmware-unhealthy");
	fake_loop();
	driver_ticks(10);
	tap_ok(end == SLEEPS && fake.state == NPU_STATE_RUNNING && !fake.healthy,
	       "elf: one that is never healthy");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: test_elf FOLDER\n");
		return 2;
	}
	folder = argv[1];
	fake_core = run;
	test_product();
	test_faults();
	test_early();
	rv32_release(&cpu);
	return tap_done();
}

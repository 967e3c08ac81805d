/* SPDX-License-Identifier: MIT */
/*
 * The control core's interpreter beside rv32_spec.c: after every step, or piece of a program, all
 * registers, CSRs, counters and bytes of RAM are the same. A few seconds.
 */
#include <stdlib.h>
#include <string.h>

#include "npu_fw_hw.h"
#include "rv32_asm.h"
#include "rv32_spec.h"
#include "tap.h"

#define BASE	NPU_CC_RAM_BASE
#define PAGE	NPU_CC_PAGE_BYTES
#define PAGES	8
#define BYTES	(PAGES * PAGE)
#define LINES	(RV32_MSIP | RV32_MTIP | RV32_MEIP)
#define REGS	NPU_CC_REGS_BASE
#define WINDOW	NPU_CC_WINDOW_BASE
#define WINDOW_BYTES 256

/* The device around one of the two */
struct dev {
	struct rv32 *cpu;	/* or NULL: */
	struct spec *spec;
	uint32_t reads;
	uint8_t window[WINDOW_BYTES];
};

static struct rv32 cpu;
static struct spec spec;
static struct dev dev_cpu, dev_spec;
static uint8_t ram_cpu[BYTES], ram_spec[BYTES];
static uint64_t seed = 1;

static uint32_t rnd(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)(z >> 32);
}

static uint32_t below(uint32_t n)
{
	return rnd() % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

static bool dev_load(void *opaque, uint32_t addr, unsigned int bytes, uint32_t *value)
{
	struct dev *d = opaque;

	if (addr == REGS && bytes == 4) {
		*value = ++d->reads;
		return true;
	}
	/* RAM without the right never comes here; if it did, this would be seen. */
	if (addr - BASE < BYTES)
		return true;
	if (addr - WINDOW >= WINDOW_BYTES)
		return false;
	*value = 0;
	memcpy(value, d->window + (addr - WINDOW), bytes);
	return true;
}

static bool dev_store(void *opaque, uint32_t addr, unsigned int bytes, uint32_t value)
{
	struct dev *d = opaque;

	if (addr - WINDOW < WINDOW_BYTES) {
		memcpy(d->window + (addr - WINDOW), &value, bytes);
		return true;
	}
	if (addr - BASE < BYTES)
		return true;
	if (bytes != 4)
		return false;
	if (addr == REGS && d->cpu) {
		rv32_set_irq(d->cpu, LINES, false);
		rv32_set_irq(d->cpu, value, true);
	} else if (addr == REGS) {
		d->spec->lines = value & LINES;
	} else if (addr == REGS + 4 && d->cpu) {
		rv32_nmi(d->cpu, value);
	} else if (addr == REGS + 4) {
		d->spec->nmi = true;
		d->spec->nmi_cause = value;
	} else if (addr == REGS + 8 && d->cpu) {
		rv32_stop(d->cpu);
	} else if (addr == REGS + 8) {
		d->spec->stopped = true;
	} else {
		return false;
	}
	return true;
}

static const uint8_t all_rights[] = {
	0, NPU_FW_SECTION_R, NPU_FW_SECTION_W, NPU_FW_SECTION_R | NPU_FW_SECTION_W,
	NPU_FW_SECTION_X, NPU_FW_SECTION_X, NPU_FW_SECTION_R | NPU_FW_SECTION_X,
	NPU_FW_SECTION_R | NPU_FW_SECTION_X,
};

static void set_rights(uint32_t page, uint8_t rights)
{
	rv32_set_rights(&cpu, page, rights);
	spec.rights[page] = rights;
}

static void set_word(uint32_t at, uint32_t word)
{
	memcpy(ram_cpu + at, &word, 4);
	memcpy(ram_spec + at, &word, 4);
}

static void set_x(unsigned int i, uint32_t value)
{
	cpu.x[i] = value;
	spec.r[i] = value;
}

static void set_lines(uint32_t lines)
{
	rv32_set_irq(&cpu, LINES, false);
	rv32_set_irq(&cpu, lines, true);
	spec.lines = lines;
}

/* CSRs of both; the lines are set after, for rv32_set_irq() looks at them. */
static void set_csrs(uint32_t mstatus, uint32_t mie, uint32_t mtvec, uint32_t mepc)
{
	cpu.mstatus = spec.csr[0x300] = mstatus | RV32_MSTATUS_MPP;
	cpu.mie = spec.csr[0x304] = mie;
	cpu.mtvec = spec.csr[0x305] = mtvec & ~2u;
	cpu.mepc = spec.csr[0x341] = mepc & ~3u;
}

static void reset(uint32_t pc)
{
	rv32_reset(&cpu, pc, 0);
	memset(spec.r, 0, sizeof(spec.r));
	memset(spec.csr, 0, sizeof(spec.csr));
	spec.csr[0x300] = RV32_MSTATUS_MPP;
	spec.pc = pc;
	spec.cycles = 0;
	spec.instret = 0;
	spec.retired = 0;
	spec.waits = false;
	spec.stopped = false;
	spec.dead = false;
	spec.handles = false;
	spec.nmi = false;
}

static bool differ(const char *what, uint64_t found, uint64_t wanted)
{
	if (found != wanted)
		tap_diag("%s is 0x%llx, wanted 0x%llx", what, (unsigned long long)found,
			 (unsigned long long)wanted);
	return found != wanted;
}

static bool same(void)
{
	bool bad = differ("pc", cpu.pc, spec.pc);
	char name[8];

	for (unsigned int i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "x%u", i);
		bad |= differ(name, cpu.x[i], spec.r[i]);
	}
	bad |= differ("mstatus", cpu.mstatus, spec.csr[0x300]);
	bad |= differ("mie", cpu.mie, spec.csr[0x304]);
	bad |= differ("mip", cpu.mip, spec.lines);
	bad |= differ("mtvec", cpu.mtvec, spec.csr[0x305]);
	bad |= differ("mscratch", cpu.mscratch, spec.csr[0x340]);
	bad |= differ("mepc", cpu.mepc, spec.csr[0x341]);
	bad |= differ("mcause", cpu.mcause, spec.csr[0x342]);
	bad |= differ("mtval", cpu.mtval, spec.csr[0x343]);
	bad |= differ("mcycle", cpu.mcycle, spec.cycles);
	bad |= differ("minstret", cpu.minstret, spec.instret);
	bad |= differ("retired", cpu.retired, spec.retired);
	bad |= differ("wfi", cpu.wfi, spec.waits);
	bad |= differ("double trap", cpu.double_trap, spec.dead);
	bad |= differ("halted", cpu.halted, spec.dead || spec.stopped);
	bad |= differ("in an exception", cpu.in_exception, spec.handles);
	bad |= differ("NMI", cpu.nmi, spec.nmi);
	if (cpu.double_trap && spec.dead) {
		bad |= differ("second cause", cpu.double_cause, spec.dead_cause);
		bad |= differ("second mtval", cpu.double_tval, spec.dead_tval);
	}
	bad |= differ("reads", dev_cpu.reads, dev_spec.reads);
	bad |= differ("window", !!memcmp(dev_cpu.window, dev_spec.window, WINDOW_BYTES), 0);
	bad |= differ("RAM", !!memcmp(ram_cpu, ram_spec, BYTES), 0);
	return !bad;
}

/* Numbers at which arithmetic and addresses have their edges */
static uint32_t edge(void)
{
	static const uint32_t numbers[] = {
		0, 1, 2, 31, 32, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0x80000001, 0xffff8000, 0xffffff80, 0xfffffffe, 0xffffffff,
	};

	switch (below(6)) {
	case 0:
		return rnd();
	case 1:
		return BASE + below(PAGES + 1) * PAGE + below(17) - 8;
	case 2:
		return BASE + below(BYTES / 4) * 4;
	case 3:
		return one_in(3) ? REGS + below(4) * 4 : WINDOW + below(WINDOW_BYTES + 16) - 8;
	default:
		return numbers[below(sizeof(numbers) / sizeof(numbers[0]))];
	}
}

static const uint16_t csrs[] = {
	0x300, 0x301, 0x304, 0x305, 0x310, 0x340, 0x341, 0x342, 0x343, 0x344, 0xb00, 0xb02,
	0xb80, 0xb82, 0xf11, 0xf12, 0xf13, 0xf14, 0xf15, 0xc00, 0xc02, 0x320, 0xb03, 0x100,
};

static uint32_t any_csr_word(void)
{
	uint32_t csr = one_in(8) ? below(4096) : csrs[below(sizeof(csrs) / sizeof(csrs[0]))];

	return a_csr(below(8), one_in(3) ? 0 : below(32), csr, one_in(3) ? 0 : below(32));
}

static const uint8_t opcodes[] = {
	A_LUI, A_AUIPC, A_JAL, A_JALR, A_BRANCH, A_LOAD, A_STORE, A_IMM, A_REG, A_FENCE, A_SYSTEM,
};

/* Any word, but mostly one that means something */
static uint32_t any_word(void)
{
	static const uint32_t words[] = { A_ECALL, A_EBREAK, A_WFI, A_MRET };
	static const uint8_t funct7[] = { 0, 0, 1, 1, 1, 0x20 };

	switch (below(16)) {
	case 0:
		return rnd();
	case 1:
		return (rnd() & ~0x7fu) | opcodes[below(sizeof(opcodes))];
	case 2:
		return words[below(4)];
	case 3:
		return words[below(4)] ^ 1u << below(32);
	case 4: case 5:
		return any_csr_word();
	case 6: case 7: case 8: case 9:
		return a_r(A_REG, below(8), funct7[below(6)], below(32), below(32), below(32));
	case 10:
		return a_r(A_IMM, below(2) * 4 + 1, funct7[below(6)], below(32), below(32),
			   below(32));
	case 11:
		return a_i(A_LOAD, below(6), below(32), below(32), (int32_t)below(33) - 16);
	case 12:
		return a_s(below(3), below(32), below(32), (int32_t)below(33) - 16);
	case 13:
		return a_b(below(8), below(32), below(32), (int32_t)(rnd() & ~2u));
	case 14:
		return a_jal(below(32), (int32_t)(one_in(2) ? below(16384) * 4 - 32768 : rnd()));
	default:
		return a_i(A_IMM, below(8), below(32), below(32), (int32_t)rnd());
	}
}

/* Counts what the steps have come to see: a cause in bits 0..31, an interrupt in 32..63 */
static void note_causes(uint64_t *seen)
{
	if (cpu.mcause < 32)
		*seen |= 1ull << cpu.mcause;
	else if (cpu.mcause - RV32_INTERRUPT < 32)
		*seen |= 1ull << (32 + cpu.mcause - RV32_INTERRUPT);
}

static void set_any_state(void)
{
	for (unsigned int i = 1; i < 32; i++)
		set_x(i, edge());
	cpu.minstret = spec.instret = (uint64_t)edge() << 32 | edge();
	cpu.mcycle = spec.cycles = (uint64_t)edge() << 32 | edge();
	cpu.mscratch = spec.csr[0x340] = edge();
	cpu.mtval = spec.csr[0x343] = edge();
	cpu.mcause = spec.csr[0x342] = 0x1000;
	cpu.wfi = spec.waits = one_in(16);
	cpu.halted = spec.stopped = false;
	cpu.double_trap = spec.dead = false;
	cpu.nmi = spec.nmi = false;
	set_csrs(rnd() & (RV32_MSTATUS_MIE | RV32_MSTATUS_MPIE), rnd() & LINES, edge(), edge());
	cpu.in_exception = spec.handles = !(cpu.mstatus & RV32_MSTATUS_MIE) && one_in(4);
	set_lines(one_in(3) ? rnd() & LINES : 0);
	cpu.pc = spec.pc = (one_in(8) ? edge() : BASE + below(BYTES)) & ~3u;
}

static void test_steps(void)
{
	const uint64_t wanted = 0x8ffull | (1ull << 3 | 1ull << 7 | 1ull << 11) << 32;
	enum { ROUNDS = 1500, STATES = 64, STEPS = 4 };
	uint64_t seen = 0, steps = 0;
	bool ok = true;

	for (int round = 0; ok && round < ROUNDS; round++) {
		for (uint32_t at = 0; at < BYTES; at += 4)
			set_word(at, any_word());
		for (uint32_t p = 0; p < PAGES; p++)
			set_rights(p, all_rights[below(sizeof(all_rights))]);
		reset(BASE);
		for (int state = 0; ok && state < STATES; state++) {
			set_any_state();
			for (int i = 0; ok && i < STEPS; i++) {
				uint32_t at = cpu.pc - BASE, word = 0;

				if (at < BYTES)
					memcpy(&word, ram_cpu + at, 4);
				rv32_run(&cpu, 1);
				spec_step(&spec);
				steps++;
				ok = same();
				if (!ok)
					tap_diag("after 0x%08x, round %d", word, round);
				note_causes(&seen);
			}
		}
	}
	tap_ok(ok, "a step from any state gives the specification's state (%llu steps)",
	       (unsigned long long)steps);
	tap_ok((seen & wanted) == wanted, "these steps have met every exception and interrupt");
}

/* Both go on by @n instructions, if nothing stops them; whether they agree, on the stop too. */
static bool run_both(uint64_t n)
{
	enum rv32_stop stop = rv32_run(&cpu, n), wanted = RV32_LIMIT;

	do {
		spec_step(&spec);
	} while (--n && !spec.waits && !spec.stopped && !spec.dead);
	if (spec.dead)
		wanted = RV32_DOUBLE_TRAP;
	else if (spec.stopped)
		wanted = RV32_STOPPED;
	else if (spec.waits)
		wanted = RV32_WFI;
	if (differ("stop", stop, wanted))
		return false;
	return same();
}

/* Raises something for a core that waits, and sometimes for one that does not. */
static void disturb(void)
{
	if (one_in(4)) {
		rv32_nmi(&cpu, NPU_CC_CAUSE_WATCHDOG);
		spec.nmi = true;
		spec.nmi_cause = NPU_CC_CAUSE_WATCHDOG;
	} else {
		set_lines(rnd() & LINES);
	}
}

#define T6	31
#define DATA	8	/* registers that programs leave alone: RAM that may be written, */
#define DEVICE	9	/* the window, */
#define CONTROL	18	/* registers of the device */

/* Skips what trapped, restarts after a jump into nowhere, silences interrupts. */
static const uint32_t *handler(uint32_t *words)
{
	static uint32_t code[18 + 17];
	uint32_t n = 0;

	for (; n < 18; n++)
		code[n] = a_jal(0, (int32_t)(18 - n) * 4);
	code[n++] = a_csr(1, T6, 0x340, T6);
	code[n++] = a_csr(2, T6, 0x342, 0);
	code[n++] = a_b(4, T6, 0, 8 * 4);		/* an interrupt: below */
	code[n++] = a_addi(T6, T6, -1);
	code[n++] = a_b(0, T6, 0, 9 * 4);		/* nowhere: further below */
	code[n++] = a_csr(2, T6, 0x341, 0);
	code[n++] = a_addi(T6, T6, 4);
	code[n++] = a_csr(1, 0, 0x341, T6);
	code[n++] = a_csr(1, T6, 0x340, T6);
	code[n++] = A_MRET;
	code[n++] = a_u(A_LUI, T6, REGS);
	code[n++] = a_sw(0, T6, 0);
	code[n++] = a_jal(0, -4 * 4);
	code[n++] = a_csr(2, T6, 0xb02, 0);		/* to somewhere in page 1 */
	code[n++] = a_i(A_IMM, 7, T6, T6, 0x7fc);
	code[n++] = a_csr(1, 0, 0x341, T6);
	code[n++] = a_u(A_LUI, T6, BASE + PAGE);
	*words = n;
	return code;
}

static uint32_t target_reg(void)
{
	uint32_t rd = below(32);

	return rd == DATA || rd == DEVICE || rd == CONTROL ? 0 : rd;
}

static uint32_t program_word(void)
{
	static const uint8_t pointers[] = { DATA, DATA, DATA, DEVICE };
	uint32_t rs1 = one_in(12) ? below(32) : pointers[below(4)];

	switch (below(40)) {
	case 0:
		return any_word();
	case 1:
		return a_csr(below(3) + 1, target_reg(), csrs[below(14)],
			     one_in(4) ? below(32) : 0);
	case 2:
		return one_in(8) ? A_WFI : one_in(4) ? A_ECALL : a_csr(6, 0, 0x300, 8);
	case 3:
		return one_in(8) ? a_sw(below(32), CONTROL, one_in(5) ? 8 : (int32_t)below(2) * 4) :
				   a_lw(target_reg(), CONTROL, 0);
	case 4:
		return a_jal(target_reg(), (int32_t)below(2048) * 4 - 4096);
	case 5: case 6: case 7: case 8: case 9: case 10:
		return a_b(below(2) + below(3) % 2 * 4 + below(2) * 2 * below(2), below(32),
			   below(32), (int32_t)below(48) * 4 - 64);
	case 11: case 12: case 13: case 14: case 15:
		return a_i(A_LOAD, below(3) + below(2) * 4 * below(2), target_reg(), rs1,
			   (int32_t)below(64) * (one_in(20) ? 1 : 4) - 128);
	case 16: case 17: case 18: case 19:
		return a_s(below(3), below(32), rs1,
			   (int32_t)below(64) * (one_in(20) ? 1 : 4) - 128);
	case 20: case 21: case 22: case 23: case 24: case 25:
		return a_r(A_REG, below(8), 1, target_reg(), below(32), below(32));
	case 26: case 27: case 28: case 29: case 30: case 31:
		return a_r(A_REG, below(8), 0, target_reg(), below(32), below(32));
	case 32:
		return a_i(A_JALR, 0, target_reg(), below(32), (int32_t)below(64) * 4);
	case 33:
		return a_u(one_in(2) ? A_LUI : A_AUIPC, target_reg(), rnd());
	case 34:
		return a_r(A_IMM, below(2) * 4 + 1, 0, target_reg(), below(32), below(32));
	default:
		return a_i(A_IMM, below(2) * 4, target_reg(), below(32), (int32_t)rnd());
	}
}

static void load_program(void)
{
	static const uint8_t rights[PAGES] = {
		NPU_FW_SECTION_R | NPU_FW_SECTION_X, NPU_FW_SECTION_X,
		NPU_FW_SECTION_R | NPU_FW_SECTION_X, NPU_FW_SECTION_R | NPU_FW_SECTION_W,
		NPU_FW_SECTION_R | NPU_FW_SECTION_W, NPU_FW_SECTION_R, 0,
		NPU_FW_SECTION_R | NPU_FW_SECTION_X,
	};
	uint32_t words;
	const uint32_t *code = handler(&words);

	for (uint32_t at = 0; at < BYTES; at += 4)
		set_word(at, program_word());
	for (uint32_t i = 0; i < words; i++)
		set_word(i * 4, code[i]);
	/* The tail of the handler: or the page into mepc, and out */
	set_word(words * 4, a_csr(2, 0, 0x341, T6));
	set_word(words * 4 + 4, a_jal(0, -10 * 4));
	for (uint32_t p = 0; p < PAGES; p++)
		set_rights(p, rights[p]);
	reset(BASE + PAGE + below(2 * PAGE / 4) * 4);
	for (unsigned int i = 1; i < 32; i++)
		set_x(i, edge());
	set_x(DATA, BASE + 4 * PAGE);
	set_x(DEVICE, WINDOW + WINDOW_BYTES / 2);
	set_x(CONTROL, REGS);
	set_csrs(RV32_MSTATUS_MIE, LINES, BASE + below(2), 0);
	set_lines(0);
}

static void test_programs(void)
{
	enum { PROGRAMS = 500, PIECES = 12 };
	uint64_t retired = 0;
	unsigned int stops[4] = { 0 };
	bool ok = true;

	for (int p = 0; ok && p < PROGRAMS; p++) {
		load_program();
		for (int i = 0; ok && i < PIECES && !cpu.halted; i++) {
			ok = run_both(one_in(3) ? 1 + below(40) : 1 + below(5000));
			stops[cpu.double_trap ? RV32_DOUBLE_TRAP : cpu.halted ? RV32_STOPPED :
			      cpu.wfi ? RV32_WFI : RV32_LIMIT]++;
			if (cpu.wfi || one_in(2))
				disturb();
		}
		if (!ok)
			tap_diag("in program %d", p);
		retired += cpu.retired;
	}
	tap_ok(ok, "programs run in pieces come to the state of single steps (%llu instructions)",
	       (unsigned long long)retired);
	tap_ok(retired > 1000000 && stops[RV32_LIMIT] && stops[RV32_WFI] && stops[RV32_STOPPED] &&
	       stops[RV32_DOUBLE_TRAP], "these programs have run long and met every stop");
	tap_diag("stops: limit %u, wfi %u, stopped %u, double trap %u", stops[RV32_LIMIT],
		 stops[RV32_WFI], stops[RV32_STOPPED], stops[RV32_DOUBLE_TRAP]);
}

static void test_garbage(void)
{
	enum { PROGRAMS = 2000, PIECES = 4 };
	bool ok = true;

	for (int p = 0; ok && p < PROGRAMS; p++) {
		for (uint32_t at = 0; at < BYTES; at += 4)
			set_word(at, one_in(2) ? rnd() : any_word());
		for (uint32_t page = 0; page < PAGES; page++)
			set_rights(page, all_rights[below(sizeof(all_rights))]);
		reset(edge() & ~3u);
		set_any_state();
		for (int i = 0; ok && i < PIECES; i++) {
			ok = run_both(1 + below(3000));
			disturb();
		}
		if (!ok)
			tap_diag("in program %d", p);
	}
	tap_ok(ok, "any bytes as a program come to the specification's state");
}

int main(void)
{
	const struct rv32_bus bus_cpu = { &dev_cpu, dev_load, dev_store };
	const struct rv32_bus bus_spec = { &dev_spec, dev_load, dev_store };

	dev_cpu.cpu = &cpu;
	dev_spec.spec = &spec;
	spec.ram = ram_spec;
	spec.base = BASE;
	spec.bytes = BYTES;
	spec.bus = bus_spec;
	if (rv32_init(&cpu, ram_cpu, BASE, BYTES, &bus_cpu))
		return 1;
	test_steps();
	test_programs();
	test_garbage();
	rv32_release(&cpu);
	return tap_done();
}

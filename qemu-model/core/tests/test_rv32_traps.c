/* SPDX-License-Identifier: MIT */
/*
 * The control core's traps, interrupts, CSRs, page rights and stops, one by one.
 */
#include <errno.h>
#include <string.h>

#include "npu_fw_hw.h"
#include "rv32.h"
#include "rv32_asm.h"
#include "tap.h"

#define BASE	NPU_CC_RAM_BASE
#define PAGE	NPU_CC_PAGE_BYTES
#define PAGES	6
#define BYTES	(PAGES * PAGE)
#define R	NPU_FW_SECTION_R
#define W	NPU_FW_SECTION_W
#define X	NPU_FW_SECTION_X

/* Pages: code, handlers, then one of each kind */
#define HANDLER	(BASE + PAGE)
#define DATA	(BASE + 2 * PAGE)	/* R W */
#define CONST	(BASE + 3 * PAGE)	/* R */
#define HIDDEN	(BASE + 4 * PAGE)	/* X */
#define LAST	(BASE + 5 * PAGE)	/* R X */
#define BUS	NPU_CC_WINDOW_BASE

/* What a word on the bus does, by its address */
#define BUS_IRQ	 (BUS + 0x00)
#define BUS_NMI	 (BUS + 0x04)
#define BUS_STOP (BUS + 0x08)
#define BUS_LOCK (BUS + 0x0c)	/* takes page 0's right X away */

#define MSTATUS 0x300
#define MISA	0x301
#define MIE	0x304
#define MTVEC	0x305
#define MSCRATCH 0x340
#define MEPC	0x341
#define MIP	0x344
#define MINSTRET 0xb02
#define MINSTRETH 0xb82
#define MHARTID	0xf14

static struct rv32 cpu;
static uint8_t ram[BYTES];
static struct {
	uint32_t addr, value;
	unsigned int bytes, calls;
} last;

static bool bus_load(void *opaque, uint32_t addr, unsigned int bytes, uint32_t *value)
{
	(void)opaque;
	last.addr = addr;
	last.bytes = bytes;
	last.calls++;
	*value = 0xffffff80;
	return addr - BUS < 0x20;
}

static bool bus_store(void *opaque, uint32_t addr, unsigned int bytes, uint32_t value)
{
	(void)opaque;
	last.addr = addr;
	last.bytes = bytes;
	last.value = value;
	last.calls++;
	if (addr == BUS_IRQ)
		rv32_set_irq(&cpu, value, true);
	if (addr == BUS_NMI)
		rv32_nmi(&cpu, value);
	if (addr == BUS_STOP)
		rv32_stop(&cpu);
	if (addr == BUS_LOCK)
		rv32_set_rights(&cpu, 0, R);
	return addr - BUS < 0x20;
}

static void put(uint32_t addr, uint32_t word)
{
	memcpy(ram + (addr - BASE), &word, 4);
}

/* A core at BASE with @n words of code, all handlers WFIs, x1..x7 at the places of the pages */
static void start(const uint32_t *code, uint32_t n)
{
	static const uint8_t rights[PAGES] = { R | X, R | X, R | W, R, X, R | X };

	memset(ram, 0, sizeof(ram));
	for (uint32_t i = 0; i < n; i++)
		put(BASE + i * 4, code[i]);
	for (uint32_t i = 0; i < PAGE; i += 4)
		put(HANDLER + i, A_WFI);
	for (uint32_t p = 0; p < PAGES; p++)
		rv32_set_rights(&cpu, p, rights[p]);
	rv32_set_irq(&cpu, RV32_MSIP | RV32_MTIP | RV32_MEIP, false);
	rv32_reset(&cpu, BASE, 0);
	cpu.mtvec = HANDLER;
	cpu.x[1] = BASE;
	cpu.x[2] = DATA;
	cpu.x[3] = CONST;
	cpu.x[4] = HIDDEN;
	cpu.x[5] = BUS;
	cpu.x[6] = BASE + BYTES;
	cpu.x[7] = 0x12345678;
	memset(&last, 0, sizeof(last));
}

/* Starts with these words as code */
#define PROGRAM(...) do { \
		const uint32_t code_[] = { __VA_ARGS__ }; \
		start(code_, sizeof(code_) / 4); \
	} while (0)

static void enable(uint32_t lines, bool globally)
{
	cpu.mie = lines;
	cpu.mstatus = RV32_MSTATUS_MPP | (globally ? RV32_MSTATUS_MIE : 0);
	rv32_set_irq(&cpu, 0, false);
}

static bool trapped(uint32_t cause, uint32_t mepc, uint32_t mtval, uint32_t pc)
{
	if (cpu.mcause == cause && cpu.mepc == mepc && cpu.mtval == mtval && cpu.pc == pc)
		return true;
	tap_diag("mcause 0x%x mepc 0x%x mtval 0x%x pc 0x%x, wanted 0x%x 0x%x 0x%x 0x%x",
		 cpu.mcause, cpu.mepc, cpu.mtval, cpu.pc, cause, mepc, mtval, pc);
	return false;
}

static void test_arguments(void)
{
	const struct rv32_bus bus = { NULL, bus_load, bus_store };
	struct rv32 c;

	tap_ok(rv32_init(&c, ram, BASE + 4, BYTES, &bus) == -EINVAL &&
	       rv32_init(&c, ram, BASE, BYTES + 4, &bus) == -EINVAL &&
	       rv32_init(&c, ram, BASE, 0, &bus) == -EINVAL &&
	       rv32_init(&c, ram, 0, (1u << 30) + PAGE, &bus) == -EINVAL &&
	       rv32_init(&c, ram, 0u - PAGE, 2 * PAGE, &bus) == -EINVAL,
	       "init: RAM that is not whole pages, too large or wraps is refused with EINVAL");
	tap_ok(!rv32_init(&c, ram, 0u - BYTES, BYTES, &bus),
	       "init: RAM may end with the addresses");
	rv32_release(&c);
	PROGRAM(A_NOP);
	tap_ok(rv32_set_rights(&cpu, 0, W | X) == -EINVAL &&
	       rv32_set_rights(&cpu, 0, R | W | X) == -EINVAL &&
	       rv32_set_rights(&cpu, 0, 8) == -EINVAL &&
	       rv32_set_rights(&cpu, PAGES, R) == -EINVAL && cpu.rights[0] == (R | X) &&
	       !rv32_set_rights(&cpu, PAGES - 1, R),
	       "rights: W with X, unknown bits and pages beyond RAM are refused with EINVAL");
}

static void test_reset(void)
{
	bool zero = true;

	PROGRAM(a_addi(9, 0, 1), A_EBREAK);
	rv32_set_irq(&cpu, RV32_MTIP, true);
	rv32_run(&cpu, 3);
	rv32_stop(&cpu);
	rv32_reset(&cpu, LAST, 0x77);
	for (int i = 0; i < 33; i++)
		zero &= i == 10 || !cpu.x[i];
	tap_ok(zero && cpu.x[10] == 0x77 && cpu.pc == LAST && cpu.mstatus == RV32_MSTATUS_MPP &&
	       !cpu.mie && !cpu.mtvec && !cpu.mepc && !cpu.mcause && !cpu.minstret &&
	       !cpu.retired && !cpu.halted && cpu.mip == RV32_MTIP,
	       "reset: registers are zero but pc, a0 and mstatus; lines stay");
}

static void test_exceptions(void)
{
	const struct {
		const char *what;
		uint32_t word, cause, mtval;
	} cases[] = {
		{ "the word 0", 0, RV32_ILLEGAL, 0 },
		{ "the word of ones", ~0u, RV32_ILLEGAL, ~0u },
		{ "ebreak", A_EBREAK, RV32_BREAKPOINT, BASE },
		{ "ecall", A_ECALL, RV32_ECALL, 0 },
		{ "jal to half a word", a_jal(9, 6), RV32_FETCH_MISALIGNED, BASE + 6 },
		{ "jalr to half a word", a_i(A_JALR, 0, 1, 1, 3), RV32_FETCH_MISALIGNED, BASE + 2 },
		{ "beq to half a word", a_b(0, 0, 0, -2), RV32_FETCH_MISALIGNED, BASE - 2 },
		{ "lh at an odd address", a_i(A_LOAD, 1, 9, 2, 1), RV32_LOAD_MISALIGNED, DATA + 1 },
		{ "lhu at an odd address", a_i(A_LOAD, 5, 9, 2, 3), RV32_LOAD_MISALIGNED,
		  DATA + 3 },
		{ "lw at half a word", a_lw(9, 2, 2), RV32_LOAD_MISALIGNED, DATA + 2 },
		{ "lw at half a word of the bus", a_lw(9, 5, 2), RV32_LOAD_MISALIGNED, BUS + 2 },
		{ "sh at an odd address", a_s(1, 7, 2, 1), RV32_STORE_MISALIGNED, DATA + 1 },
		{ "sw at an odd address", a_sw(7, 2, -1), RV32_STORE_MISALIGNED, DATA - 1 },
		{ "sw at half a word without W", a_sw(7, 3, 2), RV32_STORE_MISALIGNED, CONST + 2 },
		{ "lw behind RAM", a_lw(9, 6, 0), RV32_LOAD_ACCESS, BASE + BYTES },
		{ "lw before RAM", a_lw(9, 1, -4), RV32_LOAD_ACCESS, BASE - 4 },
		{ "sb behind RAM", a_s(0, 7, 6, 0), RV32_STORE_ACCESS, BASE + BYTES },
		{ "lw that the bus refuses", a_lw(9, 5, 0x20), RV32_LOAD_ACCESS, BUS + 0x20 },
		{ "sw that the bus refuses", a_sw(7, 5, 0x20), RV32_STORE_ACCESS, BUS + 0x20 },
		{ "sw to a page without W", a_sw(7, 3, 0), RV32_STORE_ACCESS, CONST },
		{ "sb to the running page", a_s(0, 7, 1, 64), RV32_STORE_ACCESS, BASE + 64 },
		{ "lbu from a page without R", a_i(A_LOAD, 4, 9, 4, 5), RV32_LOAD_ACCESS,
		  HIDDEN + 5 },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool same;

		PROGRAM(A_NOP);
		put(BASE, cases[i].word);
		cpu.x[9] = 0x99;
		enable(0, true);
		same = rv32_run(&cpu, 1) == RV32_LIMIT;
		same &= trapped(cases[i].cause, BASE, cases[i].mtval, HANDLER);
		tap_ok(same && cpu.mstatus == (RV32_MSTATUS_MPP | RV32_MSTATUS_MPIE) &&
		       cpu.x[9] == 0x99 && cpu.x[1] == BASE && !cpu.minstret,
		       "exception: %s is cause %u", cases[i].what, cases[i].cause);
	}
	PROGRAM(a_b(1, 0, 0, 6));
	rv32_run(&cpu, 1);
	tap_ok(cpu.pc == BASE + 4 && !cpu.in_exception,
	       "a branch not taken may aim at half a word");
}

static void test_fetch(void)
{
	PROGRAM(a_i(A_JALR, 0, 9, 2, 8));
	rv32_run(&cpu, 1);
	tap_ok(cpu.pc == DATA + 8 && cpu.x[9] == BASE + 4,
	       "fetch: a jump to a page without X is done");
	rv32_run(&cpu, 1);
	tap_ok(trapped(RV32_FETCH_ACCESS, DATA + 8, DATA + 8, HANDLER),
	       "fetch: then it faults there");
	PROGRAM(a_i(A_JALR, 0, 0, 5, 0));
	rv32_run(&cpu, 2);
	tap_ok(trapped(RV32_FETCH_ACCESS, BUS, BUS, HANDLER) && !last.calls,
	       "fetch: nothing is executed from the bus, nor read there");
	PROGRAM(a_i(A_JALR, 0, 0, 6, -4));
	put(BASE + BYTES - 4, A_NOP);
	rv32_run(&cpu, 3);
	tap_ok(trapped(RV32_FETCH_ACCESS, BASE + BYTES, BASE + BYTES, HANDLER) && cpu.minstret == 2,
	       "fetch: running over the end of RAM faults behind it");
	PROGRAM(a_i(A_JALR, 0, 0, 4, 0));
	put(HIDDEN, a_addi(9, 0, 5));
	rv32_run(&cpu, 2);
	tap_ok(cpu.x[9] == 5, "fetch: X is enough");
}

static void test_illegal(void)
{
	const uint32_t words[] = {
		0x00000001, 0x0000057d,			/* compressed */
		0x1005202f, 0x0000202f,			/* atomic */
		0x00052007, 0x00052027, 0x00000053,	/* floating point */
		a_r(A_IMM, 1, 1, 9, 7, 4), a_r(A_IMM, 5, 1, 9, 7, 4), a_r(A_IMM, 5, 0x60, 9, 7, 4),
		a_r(A_REG, 0, 2, 9, 7, 7), a_r(A_REG, 1, 0x20, 9, 7, 7),
		a_r(A_REG, 7, 0x20, 9, 7, 7),
		a_i(A_LOAD, 3, 9, 2, 0), a_i(A_LOAD, 6, 9, 2, 0), a_i(A_LOAD, 7, 9, 2, 0),
		a_s(3, 7, 2, 0), a_s(7, 7, 2, 0), a_b(2, 0, 0, 8), a_b(3, 0, 0, 8),
		a_i(A_JALR, 1, 9, 1, 0), a_i(A_FENCE, 2, 0, 0, 0),
		0x10200073, 0x00200073, 0x7b200073,	/* sret, uret, dret */
		A_ECALL | 1 << 7, A_WFI | 1 << 15, A_MRET | 1 << 20, 0x12000073,
		a_csr(4, 9, MSCRATCH, 7), a_csr(1, 9, 0xc00, 0), a_csr(2, 9, 0xc00, 0),
		a_csr(2, 9, 0x100, 0), a_csr(2, 9, 0x320, 0), a_csr(2, 9, 0x7c0, 0),
		a_csr(1, 9, MHARTID, 0), a_csr(2, 9, MHARTID, 7), a_csr(3, 9, 0xf11, 7),
		a_csr(5, 9, 0xf15, 0), a_csr(6, 9, 0xf12, 1), a_csr(7, 9, 0xf13, 1),
	};

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		PROGRAM(A_NOP);
		put(BASE, words[i]);
		rv32_run(&cpu, 1);
		tap_ok(trapped(RV32_ILLEGAL, BASE, words[i], HANDLER) && !cpu.x[9],
		       "illegal: 0x%08x, and mtval has it", words[i]);
	}
	PROGRAM(0x8330000f, 0xffff9f8f, 0x0ff0000f);
	rv32_run(&cpu, 3);
	tap_ok(cpu.pc == BASE + 12, "FENCE and FENCE.I of any fields are fences");
}

/* Writes ones and zeros to a CSR; whether only @may of it follow, from @fixed on. */
static bool bits(uint32_t csr, uint32_t may, uint32_t fixed)
{
	PROGRAM(a_addi(9, 0, -1), a_csr(1, 0, csr, 9), a_csr(1, 10, csr, 0), a_csr(2, 11, csr, 0));
	rv32_run(&cpu, 4);
	if (cpu.x[10] == (may | fixed) && cpu.x[11] == fixed && cpu.pc == BASE + 16)
		return true;
	tap_diag("csr 0x%x: 0x%x and 0x%x", csr, cpu.x[10], cpu.x[11]);
	return false;
}

static void test_csrs(void)
{
	tap_ok(bits(MSTATUS, RV32_MSTATUS_MIE | RV32_MSTATUS_MPIE, RV32_MSTATUS_MPP),
	       "mstatus: MIE and MPIE can be written, MPP is machine mode");
	tap_ok(bits(MIE, 0x888, 0) && bits(MIP, 0, 0), "mie has three bits, mip is read only");
	tap_ok(bits(MTVEC, ~2u, 0) && bits(MEPC, ~3u, 0), "mtvec has two modes, mepc is aligned");
	tap_ok(bits(MSCRATCH, ~0u, 0) && bits(0x342, ~0u, 0) && bits(0x343, ~0u, 0),
	       "mscratch, mcause and mtval hold any word");
	tap_ok(bits(MISA, 0, 0x40001100) && bits(0x310, 0, 0),
	       "misa is RV32IM and mstatush zero, whatever is written");
	PROGRAM(a_csr(1, 9, MSCRATCH, 7), a_csr(6, 10, MSCRATCH, 7), a_csr(3, 11, MSCRATCH, 7),
		a_csr(5, 0, MSCRATCH, 31), a_csr(7, 12, MSCRATCH, 1), a_csr(1, 7, MSCRATCH, 7),
		a_csr(2, 13, MHARTID, 0));
	rv32_run(&cpu, 7);
	tap_ok(!cpu.x[9] && cpu.x[10] == 0x12345678 && cpu.x[11] == 0x1234567f && cpu.x[12] == 31 &&
	       cpu.x[7] == 30 && cpu.mscratch == 0x12345678 && cpu.pc == BASE + 28,
	       "CSR instructions write, set, clear, by register and by number");
	PROGRAM(A_NOP, A_NOP, a_csr(2, 9, MINSTRET, 0), a_csr(1, 10, MINSTRET, 7),
		a_csr(2, 11, MINSTRET, 0), a_csr(2, 12, MINSTRET, 0));
	rv32_run(&cpu, 6);
	tap_ok(cpu.x[9] == 2 && cpu.x[10] == 3 && cpu.x[11] == 0x12345678 &&
	       cpu.x[12] == 0x12345679,
	       "minstret: reads count what came before, a write counts from there");
	tap_ok(cpu.retired == 6 && cpu.mcycle == 6,
	       "minstret: a write changes neither of the others");
	PROGRAM(a_addi(9, 0, -1), a_csr(1, 0, MINSTRET, 9), a_csr(5, 0, MINSTRETH, 6),
		A_NOP, a_csr(2, 10, MINSTRETH, 0), a_csr(2, 11, MINSTRET, 0));
	rv32_run(&cpu, 6);
	tap_ok(cpu.x[10] == 7 && cpu.x[11] == 1,
	       "minstret: the low half carries into the high one");
}

static void test_interrupts(void)
{
	static const struct {
		uint32_t lines, cause;
	} order[] = { { 0x888, 11 }, { 0x088, 3 }, { 0x080, 7 } };

	for (unsigned int i = 0; i < 3; i++) {
		PROGRAM(A_NOP);
		enable(0x888, true);
		rv32_set_irq(&cpu, order[i].lines, true);
		cpu.mtvec = HANDLER | 1;
		rv32_run(&cpu, 1);	/* the handler's WFI */
		tap_ok(trapped(RV32_INTERRUPT | order[i].cause, BASE, 0,
			       HANDLER + 4 * order[i].cause + 4),
		       "interrupt: of lines 0x%x cause %u comes first, at its vector",
		       order[i].lines, order[i].cause);
	}
	PROGRAM(a_csr(6, 0, MSTATUS, 8), A_NOP);
	enable(RV32_MTIP, false);
	rv32_set_irq(&cpu, RV32_MTIP | RV32_MEIP, true);
	rv32_run(&cpu, 2);
	tap_ok(trapped(RV32_INTERRUPT | 7, BASE + 4, 0, HANDLER + 4) &&
	       cpu.mstatus == (RV32_MSTATUS_MPP | RV32_MSTATUS_MPIE),
	       "interrupt: taken right after the write that sets MIE; what mie masks is not");
	PROGRAM(a_csr(1, 0, MIE, 7), A_NOP);
	enable(0, true);
	cpu.x[7] = RV32_MSIP;
	rv32_set_irq(&cpu, RV32_MSIP, true);
	rv32_run(&cpu, 2);
	tap_ok(trapped(RV32_INTERRUPT | 3, BASE + 4, 0, HANDLER + 4),
	       "interrupt: taken right after the write to mie, without vectors at the base");
	PROGRAM(a_sw(7, 5, 0), a_addi(9, 0, 1));
	cpu.x[7] = RV32_MEIP;
	enable(RV32_MEIP, true);
	put(HANDLER, a_jal(0, 0));
	rv32_run(&cpu, 5000);
	tap_ok(trapped(RV32_INTERRUPT | 11, BASE + 4, 0, HANDLER) && !cpu.x[9] &&
	       cpu.minstret == 5000, "interrupt: taken right after the store that raised it");
	PROGRAM(A_NOP, A_EBREAK);
	cpu.mtvec = HANDLER | 1;
	rv32_run(&cpu, 2);
	tap_ok(trapped(RV32_BREAKPOINT, BASE + 4, BASE + 4, HANDLER),
	       "exceptions go to the base with vectors too");
	PROGRAM(A_NOP, A_NOP);
	put(HANDLER, A_MRET);
	enable(RV32_MTIP, true);
	rv32_set_irq(&cpu, RV32_MTIP, true);
	rv32_run(&cpu, 1);
	tap_ok(cpu.pc == BASE && cpu.mstatus == 0x1888, "mret: back, with MIE as it was");
	rv32_run(&cpu, 7);
	tap_ok(cpu.pc == BASE && cpu.minstret == 8, "interrupt: a line that stays is taken again");
	rv32_set_irq(&cpu, RV32_MTIP, false);
	rv32_run(&cpu, 2);
	tap_ok(cpu.pc == BASE + 8, "interrupt: a line that is gone is not");
}

static void test_wfi(void)
{
	PROGRAM(A_WFI, A_NOP);
	enable(RV32_MTIP, false);
	tap_ok(rv32_run(&cpu, 1000) == RV32_WFI && cpu.wfi && cpu.pc == BASE + 4 &&
	       cpu.minstret == 1 && rv32_run(&cpu, 1000) == RV32_WFI && cpu.minstret == 1,
	       "wfi: waits behind it while nothing is pending");
	rv32_set_irq(&cpu, RV32_MEIP, true);
	tap_ok(rv32_run(&cpu, 1) == RV32_WFI, "wfi: a line that mie masks does not wake");
	rv32_set_irq(&cpu, RV32_MTIP, true);
	tap_ok(rv32_run(&cpu, 1) == RV32_LIMIT && cpu.pc == BASE + 8 && !cpu.wfi && !cpu.mcause,
	       "wfi: an enabled line wakes, without MIE there is no trap");
	PROGRAM(A_WFI, A_NOP);
	enable(RV32_MTIP, true);
	rv32_run(&cpu, 10);
	rv32_set_irq(&cpu, RV32_MTIP, true);
	rv32_run(&cpu, 1);
	tap_ok(trapped(RV32_INTERRUPT | 7, BASE + 4, 0, HANDLER + 4),
	       "wfi: with MIE it traps behind it");
	PROGRAM(A_WFI, A_NOP);
	enable(RV32_MTIP, false);
	rv32_set_irq(&cpu, RV32_MTIP, true);
	tap_ok(rv32_run(&cpu, 2) == RV32_LIMIT && cpu.pc == BASE + 8,
	       "wfi: goes on if an enabled line is pending already");
}

static void test_nmi(void)
{
	PROGRAM(A_NOP, A_NOP);
	rv32_nmi(&cpu, NPU_CC_CAUSE_WATCHDOG);
	rv32_run(&cpu, 1);
	tap_ok(trapped(NPU_CC_CAUSE_WATCHDOG, BASE, 0, HANDLER + 4) && cpu.mstatus == 0x1800,
	       "nmi: taken with MIE clear, and MPIE says that it was");
	PROGRAM(A_WFI, A_NOP);
	rv32_run(&cpu, 5);
	rv32_nmi(&cpu, NPU_CC_CAUSE_WATCHDOG);
	cpu.mtvec |= 1;
	rv32_run(&cpu, 1);
	tap_ok(trapped(NPU_CC_CAUSE_WATCHDOG, BASE + 4, 0, HANDLER + 4 * 16 + 4),
	       "nmi: wakes from WFI, and has a vector");
	PROGRAM(a_sw(7, 5, 4), a_addi(9, 0, 1));
	cpu.x[7] = 0x80000012;
	enable(RV32_MTIP, true);
	rv32_set_irq(&cpu, RV32_MTIP, true);
	rv32_set_irq(&cpu, RV32_MTIP, false);
	rv32_run(&cpu, 2);
	tap_ok(trapped(0x80000012, BASE + 4, 0, HANDLER + 4) && cpu.mstatus == 0x1880 && !cpu.x[9],
	       "nmi: from a callback, taken right after its instruction");
	PROGRAM(A_EBREAK);
	rv32_run(&cpu, 1);
	rv32_nmi(&cpu, NPU_CC_CAUSE_WATCHDOG);
	tap_ok(rv32_run(&cpu, 1) == RV32_WFI &&
	       trapped(NPU_CC_CAUSE_WATCHDOG, HANDLER, 0, HANDLER + 4),
	       "nmi: in an exception's handler it is no double trap");
}

static void test_double_trap(void)
{
	PROGRAM(A_NOP, A_EBREAK);
	put(HANDLER, A_NOP);
	put(HANDLER + 4, a_lw(9, 0, 2));
	tap_ok(rv32_run(&cpu, 100) == RV32_DOUBLE_TRAP && cpu.double_trap && cpu.halted &&
	       trapped(RV32_BREAKPOINT, BASE + 4, BASE + 4, HANDLER + 4) &&
	       cpu.double_cause == RV32_LOAD_MISALIGNED && cpu.double_tval == 2 &&
	       cpu.minstret == 2, "double trap: stops there, the CSRs are the first one's");
	rv32_nmi(&cpu, NPU_CC_CAUSE_WATCHDOG);
	tap_ok(rv32_run(&cpu, 100) == RV32_DOUBLE_TRAP && cpu.pc == HANDLER + 4,
	       "double trap: nothing but a reset ends it");
	rv32_reset(&cpu, BASE, 0);
	tap_ok(rv32_run(&cpu, 1) == RV32_LIMIT && cpu.pc == BASE + 4,
	       "double trap: a reset ends it");

	PROGRAM(A_EBREAK, A_EBREAK);
	cpu.mtvec = BASE + BYTES;
	tap_ok(rv32_run(&cpu, 100) == RV32_DOUBLE_TRAP && cpu.double_cause == RV32_FETCH_ACCESS,
	       "double trap: mtvec at nowhere ends in one");

	PROGRAM(A_NOP, A_EBREAK);
	put(HANDLER, a_csr(6, 0, MSTATUS, 8));
	put(HANDLER + 4, A_ECALL);
	rv32_run(&cpu, 4);
	tap_ok(trapped(RV32_ECALL, HANDLER + 4, 0, HANDLER),
	       "double trap: none once the handler has set MIE");
	PROGRAM(A_EBREAK);
	put(HANDLER, a_csr(2, 9, MEPC, 0));
	put(HANDLER + 4, A_MRET);
	tap_ok(rv32_run(&cpu, 9) == RV32_LIMIT && trapped(RV32_BREAKPOINT, BASE, BASE, BASE),
	       "double trap: none after mret");
	PROGRAM(A_NOP);
	put(HANDLER, A_ECALL);
	enable(RV32_MTIP, true);
	rv32_set_irq(&cpu, RV32_MTIP, true);
	rv32_run(&cpu, 1);
	tap_ok(trapped(RV32_ECALL, HANDLER, 0, HANDLER) && !cpu.halted,
	       "double trap: an exception in an interrupt's handler is the first");
}

static void test_stop(void)
{
	PROGRAM(a_sw(7, 5, 8), a_addi(9, 0, 1));
	tap_ok(rv32_run(&cpu, 5000) == RV32_STOPPED && cpu.pc == BASE + 4 && cpu.minstret == 1 &&
	       rv32_run(&cpu, 100) == RV32_STOPPED && !cpu.x[9],
	       "stop: from a callback, after its instruction, until a reset");
	PROGRAM(a_addi(9, 9, 1), a_jal(0, -4));
	tap_ok(rv32_run(&cpu, 0) == RV32_LIMIT && !cpu.minstret, "limit: zero runs nothing");
	rv32_run(&cpu, 12345);
	tap_ok(cpu.minstret == 12345 && cpu.x[9] == 6173 && cpu.pc == BASE + 4,
	       "limit: a loop stops at its instruction");
	PROGRAM(A_NOP);
	for (uint32_t i = 0; i < PAGE; i += 4) {
		put(BASE + i, A_NOP);
		put(HANDLER + i, A_NOP);
	}
	rv32_run(&cpu, 1500);
	tap_ok(cpu.minstret == 1500 && cpu.pc == BASE + 6000,
	       "limit: straight code over two pages too");
}

static void test_rights(void)
{
	PROGRAM(a_sw(7, 5, 12), a_addi(9, 0, 1));
	rv32_run(&cpu, 2);
	tap_ok(trapped(RV32_FETCH_ACCESS, BASE + 4, BASE + 4, HANDLER) && !cpu.x[9],
	       "rights: taken away from the running page, the next fetch faults");
	PROGRAM(a_addi(9, 0, 1), a_jal(0, -4));
	rv32_run(&cpu, 2);
	rv32_set_rights(&cpu, 0, R | W);
	put(BASE, a_addi(9, 0, 2));
	rv32_set_rights(&cpu, 0, R | X);
	rv32_run(&cpu, 1);
	tap_ok(cpu.x[9] == 2, "rights: a page made executable again runs what is in it then");
	put(BASE, a_addi(9, 0, 3));
	rv32_reset(&cpu, BASE, 0);
	rv32_run(&cpu, 1);
	tap_ok(cpu.x[9] == 3, "reset: code that the host wrote before it runs");
	PROGRAM(a_lw(9, 3, 0), a_sw(7, 2, 0), a_s(1, 7, 2, 6), a_s(0, 7, 2, 9), a_lw(10, 2, 4),
		a_lw(11, 2, 8));
	put(CONST, 77);
	rv32_run(&cpu, 6);
	tap_ok(cpu.x[9] == 77 && cpu.x[10] == 0x56780000 && cpu.x[11] == 0x7800 &&
	       !memcmp(ram + (DATA - BASE), "\x78\x56\x34\x12", 4), "RAM is little-endian");
}

static void test_bus(void)
{
	static const uint32_t values[] = { 0xffffff80, 0xffffff80, 0xffffff80, 0x80, 0xff80 };
	static const uint8_t funct3[] = { 0, 1, 2, 4, 5 }, bytes[] = { 1, 2, 4, 1, 2 };
	bool ok = true;

	for (unsigned int i = 0; i < 5; i++) {
		PROGRAM(a_i(A_LOAD, funct3[i], 9, 5, 0x14));
		rv32_run(&cpu, 1);
		ok &= cpu.x[9] == values[i] && last.bytes == bytes[i] && last.addr == BUS + 0x14 &&
		      last.calls == 1;
	}
	tap_ok(ok, "bus: loads of each size, once, with sign or without");
	for (unsigned int i = 0; i < 3; i++) {
		PROGRAM(a_s(i, 7, 5, 0x18));
		rv32_run(&cpu, 1);
		ok &= last.value == (0x12345678u & (uint32_t)((1ull << 8 * bytes[i]) - 1)) &&
		      last.bytes == bytes[i] && last.addr == BUS + 0x18 && last.calls == 1;
	}
	tap_ok(ok, "bus: stores of each size, once, with nothing above it");
	PROGRAM(a_i(A_LOAD, 2, 0, 5, 0x10), a_addi(0, 0, 5), a_i(A_IMM, 0, 9, 0, 0));
	cpu.x[9] = 1;
	rv32_run(&cpu, 3);
	tap_ok(last.calls == 1 && !cpu.x[9] && !cpu.x[0], "a load into x0 reads; x0 stays zero");
}

int main(void)
{
	const struct rv32_bus bus = { NULL, bus_load, bus_store };

	if (rv32_init(&cpu, ram, BASE, BYTES, &bus))
		return 1;
	test_arguments();
	test_reset();
	test_exceptions();
	test_fetch();
	test_illegal();
	test_csrs();
	test_interrupts();
	test_wfi();
	test_nmi();
	test_double_trap();
	test_stop();
	test_rights();
	test_bus();
	rv32_release(&cpu);
	return tap_done();
}

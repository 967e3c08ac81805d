// SPDX-License-Identifier: MIT
/*
 * Executes decoded instructions; each handler leads to the next one's by itself.
 *
 * Instructions are counted by position: end is where the budget would be used up if no jump came,
 * and a jump moves it along. Between two jumps or page ends lie at most RV32_PAGE_OPS records, so
 * only there is it looked at; with less than that left every instruction first goes to count.
 */
#include <string.h>

#include "rv32_op.h"

#define BUDGET_MAX	(1ll << 48)	/* end does not overflow */
#define OP_BYTES	((int64_t)sizeof(struct rv32_op))
#define SLACK		((RV32_PAGE_OPS + 1) * OP_BYTES)

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* What RAM does not serve: a cause, or zero when done. */
static __attribute__((noinline))
uint32_t load_elsewhere(struct rv32 *cpu, const struct rv32_op *o, uint32_t addr)
{
	uint32_t value = 0, *rd = &cpu->x[o->rd];
	enum rv32_opcode op = o->op;	/* the callback may drop the page's records */
	unsigned int bytes = op == RV32_OP_LW ? 4 : op == RV32_OP_LH || op == RV32_OP_LHU ? 2 : 1;

	if (addr & (bytes - 1))
		return RV32_LOAD_MISALIGNED;
	if (addr - cpu->base < cpu->bytes)
		return RV32_LOAD_ACCESS;
	if (!cpu->bus.load(cpu->bus.opaque, addr, bytes, &value))
		return RV32_LOAD_ACCESS;
	switch (op) {
	case RV32_OP_LB:
		*rd = (uint32_t)(int8_t)value;
		break;
	case RV32_OP_LBU:
		*rd = (uint8_t)value;
		break;
	case RV32_OP_LH:
		*rd = (uint32_t)(int16_t)value;
		break;
	case RV32_OP_LHU:
		*rd = (uint16_t)value;
		break;
	default:
		*rd = value;
		break;
	}
	return 0;
}

static __attribute__((noinline))
uint32_t store_elsewhere(struct rv32 *cpu, const struct rv32_op *o, uint32_t addr)
{
	unsigned int bytes = o->op == RV32_OP_SW ? 4 : o->op == RV32_OP_SH ? 2 : 1;
	uint32_t value = cpu->x[o->rs2];

	if (bytes < 4)
		value &= (1u << 8 * bytes) - 1;
	if (addr & (bytes - 1))
		return RV32_STORE_MISALIGNED;
	if (addr - cpu->base < cpu->bytes)
		return RV32_STORE_ACCESS;
	return cpu->bus.store(cpu->bus.opaque, addr, bytes, value) ? 0 : RV32_STORE_ACCESS;
}

static inline uint32_t divide(uint32_t a, uint32_t b)
{
	if (!b)
		return UINT32_MAX;
	return a == 0x80000000u && b == UINT32_MAX ? a : (uint32_t)((int32_t)a / (int32_t)b);
}

static inline uint32_t remainder_of(uint32_t a, uint32_t b)
{
	if (!b)
		return a;
	return a == 0x80000000u && b == UINT32_MAX ? 0 : (uint32_t)((int32_t)a % (int32_t)b);
}

static void retire(struct rv32 *cpu, int64_t n)
{
	cpu->mcycle += (uint64_t)n;
	cpu->minstret += (uint64_t)n;
	cpu->retired += (uint64_t)n;
}

#define AT(d)	((int64_t)(intptr_t)(d))
#define PC	((uint32_t)(d - ops) * 4 + adjust)
#define NEXT	do { d++; goto *table[d->op]; } while (0)

/* Brings left and the counters up to date: what stands before d has retired. */
#define SYNC	do { \
		left = (end - AT(d)) / OP_BYTES; \
		retire(cpu, mark - left); \
		mark = left; \
	} while (0)

/* The instruction at d is over: on from cpu->pc by way of all checks */
#define LEAVE_TO(target) do { cpu->pc = (target); d++; SYNC; goto enter; } while (0)
#define LEAVE	do { d++; cpu->pc = PC; SYNC; goto enter; } while (0)

#define TRAP(why, value) do { cause = (why); tval = (value); goto trap; } while (0)

/* To a record in the same page, @distance bytes of code away */
#define GO_NEAR(distance) do { \
		int64_t by = (int64_t)(distance) * (OP_BYTES / 4); \
		d = (struct rv32_op *)((char *)d + by); \
		end += by - OP_BYTES; \
		if (unlikely(end - AT(d) <= SLACK)) \
			table = exact; \
		goto *table[d->op]; \
	} while (0)

#define R1	(x[d->rs1])
#define R2	(x[d->rs2])
#define S1	((int32_t)R1)
#define S2	((int32_t)R2)
#define IMM	((uint32_t)d->imm)

#define DO_ALU(name, value) do_##name: x[d->rd] = (value); NEXT

#define DO_BRANCH(name, condition) \
	do_##name##_NEAR: \
		if (condition) \
			GO_NEAR(d->imm); \
		NEXT; \
	do_##name: \
		if (!(condition)) \
			NEXT; \
		target = PC + IMM; \
		goto far

#define DO_LOAD(name, type, sign) \
	do_##name: { \
		type value; \
		addr = R1 + IMM; \
		off = addr - base; \
		if (unlikely(off >= bytes || (off & (sizeof(type) - 1)) || \
			     !(rights[off / NPU_CC_PAGE_BYTES] & NPU_FW_SECTION_R))) \
			goto load; \
		memcpy(&value, ram + off, sizeof(value)); \
		x[d->rd] = (uint32_t)(sign)value; \
		NEXT; \
	}

#define DO_STORE(name, type) \
	do_##name: { \
		type value = (type)R2; \
		addr = R1 + IMM; \
		off = addr - base; \
		if (unlikely(off >= bytes || (off & (sizeof(type) - 1)) || \
			     !(rights[off / NPU_CC_PAGE_BYTES] & NPU_FW_SECTION_W))) \
			goto store; \
		memcpy(ram + off, &value, sizeof(value)); \
		NEXT; \
	}

enum rv32_stop rv32_run(struct rv32 *cpu, uint64_t max_instructions)
{
	static const void *const fast[RV32_OP_COUNT] = {
#define FAST(name) &&do_##name,
		RV32_OPS(FAST)
	};
	static const void *const exact[RV32_OP_COUNT] = {
#define EXACT(name) &&count,
		RV32_OPS(EXACT)
	};
	uint32_t *const x = cpu->x;
	uint8_t *const ram = cpu->ram;
	const uint8_t *const rights = cpu->rights;
	struct rv32_op *const ops = cpu->ops;
	const uint32_t base = cpu->base, bytes = cpu->bytes;
	const void *const *table;
	struct rv32_op *d;
	uint32_t adjust, addr, off, target, cause, tval, word;
	int64_t end, left, mark;

	left = max_instructions < BUDGET_MAX ? (int64_t)max_instructions : BUDGET_MAX;
	if (cpu->wfi && !cpu->halted) {
		if (!cpu->nmi && !(cpu->mip & cpu->mie))
			return RV32_WFI;
		cpu->wfi = false;
	}

enter:
	if (cpu->halted)
		return cpu->double_trap ? RV32_DOUBLE_TRAP : RV32_STOPPED;
	if (!left)
		return RV32_LIMIT;
	if (cpu->attention)
		rv32_take_interrupt(cpu);
	mark = left;
	off = cpu->pc - base;
	if (off >= bytes) {
		left--;
		if (!rv32_exception(cpu, RV32_FETCH_ACCESS, cpu->pc))
			return RV32_DOUBLE_TRAP;
		goto enter;
	}
	adjust = base - off / NPU_CC_PAGE_BYTES * 4;
	d = ops + off / 4 + off / NPU_CC_PAGE_BYTES;
	end = AT(d) + left * OP_BYTES;
	table = left * OP_BYTES <= SLACK ? exact : fast;
	goto *table[d->op];

count:
	if (AT(d) >= end) {
		cpu->pc = PC;
		SYNC;
		return RV32_LIMIT;
	}
	goto *fast[d->op];

far:	/* a jump at d to target, which is aligned or not */
	if (unlikely(target & 3))
		TRAP(RV32_FETCH_MISALIGNED, target);
far_aligned:
	off = target - base;
	if (unlikely(off >= bytes))
		LEAVE_TO(target);
	end -= AT(d) + OP_BYTES;
	d = ops + off / 4 + off / NPU_CC_PAGE_BYTES;
	end += AT(d);
	adjust = base - off / NPU_CC_PAGE_BYTES * 4;
	if (unlikely(end - AT(d) <= SLACK))
		table = exact;
	goto *table[d->op];

load:	/* at addr, by d */
	cpu->pc = PC;
	cause = load_elsewhere(cpu, d, addr);
	if (unlikely(cause))
		TRAP(cause, addr);
	if (unlikely(cpu->attention))
		LEAVE;
	NEXT;

store:
	cpu->pc = PC;
	cause = store_elsewhere(cpu, d, addr);
	if (unlikely(cause))
		TRAP(cause, addr);
	if (unlikely(cpu->attention))
		LEAVE;
	NEXT;

trap:	/* the instruction at d uses up budget and does not retire */
	SYNC;
	left--;
	cpu->pc = PC;
	if (!rv32_exception(cpu, cause, tval))
		return RV32_DOUBLE_TRAP;
	goto enter;

do_UNDECODED:
	off = PC - base;
	if (!(rights[off / NPU_CC_PAGE_BYTES] & NPU_FW_SECTION_X))
		TRAP(RV32_FETCH_ACCESS, PC);
	memcpy(&word, ram + off, sizeof(word));
	*d = rv32_decode(word, off % NPU_CC_PAGE_BYTES);
	goto *fast[d->op];

do_NEXT_PAGE:	/* no instruction; d points behind those of its page */
	cpu->pc = PC;
	SYNC;
	goto enter;

do_ILLEGAL:
	TRAP(RV32_ILLEGAL, IMM);

	DO_ALU(LUI, IMM);
	DO_ALU(AUIPC, PC + IMM);

do_JAL_NEAR:
	x[d->rd] = PC + 4;
	GO_NEAR(d->imm);

do_JAL:
	target = PC + IMM;
	if (unlikely(target & 3))
		TRAP(RV32_FETCH_MISALIGNED, target);
	x[d->rd] = PC + 4;
	goto far_aligned;

do_JALR:
	target = (R1 + IMM) & ~1u;
	if (unlikely(target & 3))
		TRAP(RV32_FETCH_MISALIGNED, target);
	x[d->rd] = PC + 4;
	goto far_aligned;

	DO_BRANCH(BEQ, R1 == R2);
	DO_BRANCH(BNE, R1 != R2);
	DO_BRANCH(BLT, S1 < S2);
	DO_BRANCH(BGE, S1 >= S2);
	DO_BRANCH(BLTU, R1 < R2);
	DO_BRANCH(BGEU, R1 >= R2);

	DO_LOAD(LB, int8_t, int32_t)
	DO_LOAD(LH, int16_t, int32_t)
	DO_LOAD(LW, uint32_t, uint32_t)
	DO_LOAD(LBU, uint8_t, uint32_t)
	DO_LOAD(LHU, uint16_t, uint32_t)
	DO_STORE(SB, uint8_t)
	DO_STORE(SH, uint16_t)
	DO_STORE(SW, uint32_t)

	DO_ALU(ADDI, R1 + IMM);
	DO_ALU(SLTI, S1 < d->imm);
	DO_ALU(SLTIU, R1 < IMM);
	DO_ALU(XORI, R1 ^ IMM);
	DO_ALU(ORI, R1 | IMM);
	DO_ALU(ANDI, R1 & IMM);
	DO_ALU(SLLI, R1 << IMM);
	DO_ALU(SRLI, R1 >> IMM);
	DO_ALU(SRAI, (uint32_t)(S1 >> d->imm));

	DO_ALU(ADD, R1 + R2);
	DO_ALU(SUB, R1 - R2);
	DO_ALU(SLL, R1 << (R2 & 31));
	DO_ALU(SLT, S1 < S2);
	DO_ALU(SLTU, R1 < R2);
	DO_ALU(XOR, R1 ^ R2);
	DO_ALU(SRL, R1 >> (R2 & 31));
	DO_ALU(SRA, (uint32_t)(S1 >> (R2 & 31)));
	DO_ALU(OR, R1 | R2);
	DO_ALU(AND, R1 & R2);

	DO_ALU(MUL, R1 * R2);
	DO_ALU(MULH, (uint32_t)((int64_t)S1 * S2 >> 32));
	DO_ALU(MULHSU, (uint32_t)((int64_t)S1 * (int64_t)R2 >> 32));
	DO_ALU(MULHU, (uint32_t)((uint64_t)R1 * R2 >> 32));
	DO_ALU(DIV, divide(R1, R2));
	DO_ALU(DIVU, R2 ? R1 / R2 : UINT32_MAX);
	DO_ALU(REM, remainder_of(R1, R2));
	DO_ALU(REMU, R2 ? R1 % R2 : R1);

do_FENCE:	/* the host's processors look at what windows show */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	NEXT;

do_ECALL:
	TRAP(RV32_ECALL, 0);

do_EBREAK:
	TRAP(RV32_BREAKPOINT, PC);

do_MRET:
	d++;
	SYNC;
	rv32_mret(cpu);
	goto enter;

do_WFI:
	d++;
	cpu->pc = PC;
	SYNC;
	if (cpu->nmi || (cpu->mip & cpu->mie))
		goto enter;
	cpu->wfi = true;
	return RV32_WFI;

do_CSR:
	SYNC;
	if (!rv32_csr(cpu, IMM))
		TRAP(RV32_ILLEGAL, IMM);
	if (unlikely(cpu->attention))
		LEAVE;
	NEXT;
}

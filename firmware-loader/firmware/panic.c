/* SPDX-License-Identifier: MIT */
#include "fw.h"

#define CAUSE_BREAKPOINT	3
#define CAUSE_STORE_ACCESS	7

/* The invariant that is broken, if that is the reason */
static struct {
	const char *file;
	const char *cond;
	unsigned int line;
} check;

void panic_check(const char *file, unsigned int line, const char *cond)
{
	check.file = file;
	check.line = line;
	check.cond = cond;
	hw_trap();
}

static const char *cause_name(uint32_t cause)
{
	static const char *const names[] = {
		"misaligned jump", "fetch access fault", "illegal instruction", "breakpoint",
		"misaligned load", "load access fault", "misaligned store", "store access fault",
	};

	return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "trap";
}

static uint32_t reason_of(const struct trap_frame *f, const struct stack_bounds *stack)
{
	if (f->cause == NPU_CC_CAUSE_WATCHDOG)
		return NPU_PANIC_WATCHDOG;
	if (f->cause == CAUSE_BREAKPOINT && check.cond)
		return NPU_PANIC_CHECK;
	/* A wild store may hit the guard as well, but not with a stack pointer below the stack. */
	if (f->cause == CAUSE_STORE_ACCESS && f->regs[2] < stack->bottom &&
	    f->value >= stack->guard && f->value < stack->bottom)
		return NPU_PANIC_STACK;
	return NPU_PANIC_TRAP;
}

static void describe(struct npu_fw_panic *p)
{
	switch (p->reason) {
	case NPU_PANIC_WATCHDOG:
		lib_print(p->text, sizeof(p->text), "no return to the main loop for %u ms",
			  fw.config.watchdog_ms);
		break;
	case NPU_PANIC_CHECK:
		lib_print(p->text, sizeof(p->text), "%s:%u: not %s", check.file, check.line,
			  check.cond);
		break;
	case NPU_PANIC_STACK:
		lib_print(p->text, sizeof(p->text), "stack overrun at 0x%x", p->value);
		break;
	default:
		lib_print(p->text, sizeof(p->text), "%s, address 0x%x", cause_name(p->cause),
			  p->value);
	}
}

static void leave_record(const struct npu_fw_panic *p)
{
	const uint32_t *word = (const uint32_t *)p;

	for (uint32_t i = 1; i < sizeof(*p) / 4; i++)
		status_put(STATUS_AT(panic) + 4 * i, word[i]);
	hw_release();
	status_put(STATUS_AT(panic.magic), p->magic);
}

static void tell(const struct npu_fw_panic *p)
{
	struct npu_msg msg = { .type = NPU_MSG_EVENT_PANIC };

	msg.panic.reason = p->reason;
	msg.panic.pc = p->pc;
	msg.panic.value = p->reason == NPU_PANIC_TRAP ? p->cause : p->value;
	mailbox_post(&msg);
}

void panic_trap(const struct trap_frame *f, const struct stack_bounds *stack)
{
	/* Not on the stack, which is small here. */
	static struct npu_fw_panic p;

	p.magic = NPU_PANIC_MAGIC;
	p.reason = reason_of(f, stack);
	p.cause = f->cause;
	p.pc = f->pc;
	p.value = p.reason == NPU_PANIC_CHECK ? check.line : f->value;
	p.status = f->status;
	memcpy(p.regs, f->regs, sizeof(p.regs));
	p.model_ns = fw.model_ns;
	describe(&p);
	if (fw.mapped) {
		if (fw.api >= NPU_VERSION(1, 1))
			leave_record(&p);
		log_line("panic: %s, pc 0x%x", p.text, p.pc);
		if (mailbox_room())
			tell(&p);
	}
	hw_write(NPU_CC_STATE, NPU_STATE_DEAD);
	hw_halt();
}

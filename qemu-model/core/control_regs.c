/* SPDX-License-Identifier: MIT */
/*
 * The control core's registers, uapi/npu_fw_hw.h. All run on the thread that runs the firmware.
 */
#include <string.h>

#include "device.h"
#include "npu_mmu.h"
#include "saved.h"

static uint64_t join(uint32_t hi, uint32_t lo)
{
	return (uint64_t)hi << 32 | lo;
}

static uint32_t latch(uint64_t value, uint32_t *hi)
{
	*hi = (uint32_t)(value >> 32);
	return (uint32_t)value;
}

/* Takes what was written by others since the last read. */
static uint32_t take(uint32_t *word)
{
	return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
}

static bool read_result(const struct npu_core *core, uint32_t offset, uint32_t *value)
{
	if (offset - NPU_CC_JOB_RESULT >= sizeof(struct npu_done))
		return false;
	/* The job has ended: nobody writes it. */
	memcpy(value, (const uint8_t *)&core->dispatch.result + (offset - NPU_CC_JOB_RESULT), 4);
	return true;
}

static bool read_machine(struct npu_core *core, uint32_t offset, uint32_t *value)
{
	switch (offset) {
	case NPU_CC_ID:
		*value = NPU_ID;
		return true;
	case NPU_CC_HW_VERSION:
		*value = NPU_HW_VERSION;
		return true;
	case NPU_CC_CMD_VERSION:
		*value = NPU_CMD_VERSION_MAJOR << 16 | NPU_CMD_VERSION_MINOR;
		return true;
	case NPU_CC_CORES:
		*value = core->machine.cores;
		return true;
	case NPU_CC_CONTEXTS:
		*value = core->machine.contexts;
		return true;
	case NPU_CC_QUEUES:
		*value = core->machine.queues;
		return true;
	case NPU_CC_MATRIX_MHZ:
		*value = core->machine.matrix_mhz;
		return true;
	case NPU_CC_TEMPERATURE:
		*value = (uint32_t)__atomic_load_n(&core->millicelsius, __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

static bool read_time(struct npu_core *core, uint32_t offset, uint32_t *value)
{
	struct npu_control *c = &core->control;

	switch (offset) {
	case NPU_CC_TIME_LO:
		*value = latch(npu_control_now_us(), &c->time_hi);
		return true;
	case NPU_CC_TIME_HI:
		*value = c->time_hi;
		return true;
	case NPU_CC_TIMER_LO:
		*value = (uint32_t)c->timer_us;
		return true;
	case NPU_CC_TIMER_HI:
		*value = (uint32_t)(c->timer_us >> 32);
		return true;
	case NPU_CC_MODEL_LO:
		*value = latch(npu_dispatch_model_ns(core), &c->model_hi);
		return true;
	case NPU_CC_MODEL_HI:
		*value = c->model_hi;
		return true;
	}
	return false;
}

bool npu_control_reg_read(struct npu_core *core, uint32_t offset, uint32_t *value)
{
	struct npu_control *c = &core->control;

	if (offset >= NPU_CC_QUEUE_TAIL(0) && offset < NPU_CC_QUEUE_TAIL(NPU_MAX_QUEUES)) {
		*value = __atomic_load_n(&c->queue_tail[(offset - NPU_CC_QUEUE_TAIL(0)) / 4],
					 __ATOMIC_ACQUIRE);
		return true;
	}
	switch (offset) {
	case NPU_CC_IRQ:
		*value = __atomic_load_n(&c->irq, __ATOMIC_SEQ_CST);
		return true;
	case NPU_CC_IRQ_ENABLE:
		*value = c->irq_enable;
		return true;
	case NPU_CC_H2D_TAIL:
		*value = __atomic_load_n(&c->h2d_tail, __ATOMIC_ACQUIRE);
		return true;
	case NPU_CC_D2H_HEAD:
		*value = __atomic_load_n(&c->d2h_head, __ATOMIC_ACQUIRE);
		return true;
	case NPU_CC_DONE_HEAD:
		*value = __atomic_load_n(&c->done_head, __ATOMIC_ACQUIRE);
		return true;
	case NPU_CC_RUNG_LO:
		*value = take(&c->rung[0]);
		return true;
	case NPU_CC_RUNG_HI:
		*value = take(&c->rung[1]);
		return true;
	case NPU_CC_WIN_STATUS:
		*value = c->win_status;
		return true;
	case NPU_CC_CTX_STATUS:
		*value = c->ctx_status;
		return true;
	case NPU_CC_JOB_STATUS:
		*value = npu_dispatch_status(&core->dispatch);
		return true;
	case NPU_CC_JOB_PROGRESS:
		*value = (uint32_t)__atomic_load_n(&core->job.progress, __ATOMIC_RELAXED);
		return true;
	case NPU_CC_CLOCK_MHZ:
		*value = c->clock_mhz;
		return true;
	}
	return read_result(core, offset, value) || read_time(core, offset, value) ||
	       read_machine(core, offset, value);
}

/* Contexts */

static uint32_t context_create(struct npu_core *core, struct npu_context *ctx)
{
	uint64_t root = core->control.ctx_a;
	struct npu_mapping probe;

	if (ctx->used || root % NPU_PAGE_SIZE)
		return NPU_CC_INVALID;
	if (npu_bus_map(&core->bus, root, NPU_PAGE_SIZE, false, &probe))
		return NPU_CC_BUS;
	npu_bus_unmap(&core->bus, &probe);
	*ctx = (struct npu_context) { .used = true, .serial = ++core->context_serial };
	npu_mmu_init(&ctx->mmu, &core->bus, root);
	return NPU_CC_OK;
}

static uint32_t context_op(struct npu_core *core, uint32_t op)
{
	struct npu_control *c = &core->control;
	struct npu_context *ctx = &core->contexts[c->ctx_id];

	if (op == NPU_CC_CTX_CREATE)
		return context_create(core, ctx);
	if (!ctx->used)
		return NPU_CC_INVALID;
	switch (op) {
	case NPU_CC_CTX_DESTROY:
		if (npu_dispatch_status(&core->dispatch) == NPU_CC_JOB_RUNNING &&
		    core->dispatch.run.context == c->ctx_id)
			return NPU_CC_INVALID;
		npu_job_forget(&core->job, ctx->serial);
		npu_mmu_release(&ctx->mmu);
		ctx->used = false;
		return NPU_CC_OK;
	case NPU_CC_CTX_INVALIDATE:
		if (c->ctx_a >= NPU_VA_SIZE || c->ctx_b > NPU_VA_SIZE - c->ctx_a)
			return NPU_CC_INVALID;
		/* Memory is held: nobody uses a translation, and nobody keeps one over a hold. */
		npu_mmu_invalidate(&ctx->mmu, c->ctx_a, c->ctx_b);
		return NPU_CC_OK;
	}
	return NPU_CC_INVALID;
}

static uint32_t context_order(struct npu_core *core, uint32_t op)
{
	uint32_t status;

	if (core->control.ctx_id >= core->machine.contexts)
		return NPU_CC_INVALID;
	/* Contexts are changed while nobody uses them. */
	npu_gate_hold(&core->gate);
	status = context_op(core, op);
	npu_gate_release(&core->gate);
	return status;
}

/* Jobs */

static void job_start(struct npu_core *core, bool resume)
{
	struct npu_control *c = &core->control;
	struct npu_run run = {
		.queue = c->job_queue, .context = c->job_context, .mhz = c->clock_mhz,
		.resume = resume,
	};
	const void *entry;

	if (run.context >= core->machine.contexts || !core->contexts[run.context].used)
		return;
	if (!resume) {
		entry = npu_control_window(c, c->job_entry, sizeof(run.entry));
		if (!entry)
			return;
		memcpy(&run.entry, entry, sizeof(run.entry));
	}
	npu_dispatch_start(core, &run, c->job_limit_ns);
}

static void job_order(struct npu_core *core, uint32_t op)
{
	struct npu_control *c = &core->control;

	if (c->job_queue >= NPU_MAX_QUEUES)
		return;
	switch (op) {
	case NPU_CC_JOB_START:
	case NPU_CC_JOB_RESUME:
		job_start(core, op == NPU_CC_JOB_RESUME);
		break;
	case NPU_CC_JOB_STOP:
		npu_dispatch_stop(core);
		break;
	case NPU_CC_JOB_KILL:
		npu_dispatch_kill(core);
		break;
	case NPU_CC_JOB_DROP:
		npu_dispatch_drop(core, c->job_queue);
		break;
	case NPU_CC_JOB_LIMIT:
		npu_dispatch_limit(core, c->job_limit_ns);
		break;
	}
}

/* Timers */

static void set_timer(struct npu_core *core, uint64_t us)
{
	bool sooner = us < core->control.timer_us;

	__atomic_store_n(&core->control.timer_us, us, __ATOMIC_SEQ_CST);
	npu_control_lines(core);
	/* The control thread sleeps until the old one. */
	if (sooner)
		npu_event_ring(&core->control_event);
}

static void set_watchdog(struct npu_core *core, uint32_t ms)
{
	struct npu_control *c = &core->control;
	uint64_t due = UINT64_MAX;
	bool sooner;

	if (ms > NPU_CC_WATCHDOG_MAX)
		ms = NPU_CC_WATCHDOG_MAX;
	c->watchdog_ms = ms;
	c->watchdog_bit = false;
	if (ms)
		due = npu_control_now_us() + ms * 1000ull;
	sooner = due < c->watchdog_us;
	__atomic_store_n(&c->watchdog_us, due, __ATOMIC_SEQ_CST);
	if (sooner)
		npu_event_ring(&core->control_event);
}

static bool write_window(struct npu_core *core, uint32_t offset, uint32_t value)
{
	struct npu_control *c = &core->control;

	switch (offset) {
	case NPU_CC_WIN_INDEX:
		c->win_index = value;
		return true;
	case NPU_CC_WIN_ADDR_LO:
		c->win_lo = value;
		return true;
	case NPU_CC_WIN_ADDR_HI:
		c->win_hi = value;
		return true;
	case NPU_CC_WIN_SIZE:
		c->win_status = npu_control_map(core, c->win_index, join(c->win_hi, c->win_lo),
						value);
		return true;
	}
	return false;
}

static bool write_context(struct npu_core *core, uint32_t offset, uint32_t value)
{
	struct npu_control *c = &core->control;

	switch (offset) {
	case NPU_CC_CTX_ID:
		c->ctx_id = value;
		return true;
	case NPU_CC_CTX_A_LO:
		c->ctx_a_lo = value;
		return true;
	case NPU_CC_CTX_A_HI:
		c->ctx_a = join(value, c->ctx_a_lo);
		return true;
	case NPU_CC_CTX_B_LO:
		c->ctx_b_lo = value;
		return true;
	case NPU_CC_CTX_B_HI:
		c->ctx_b = join(value, c->ctx_b_lo);
		return true;
	case NPU_CC_CTX_OP:
		c->ctx_status = context_order(core, value);
		return true;
	}
	return false;
}

static bool write_job(struct npu_core *core, uint32_t offset, uint32_t value)
{
	struct npu_control *c = &core->control;

	switch (offset) {
	case NPU_CC_JOB_QUEUE:
		c->job_queue = value;
		return true;
	case NPU_CC_JOB_CONTEXT:
		c->job_context = value;
		return true;
	case NPU_CC_JOB_ENTRY:
		c->job_entry = value;
		return true;
	case NPU_CC_JOB_LIMIT_LO:
		c->job_limit_lo = value;
		return true;
	case NPU_CC_JOB_LIMIT_HI:
		c->job_limit_ns = join(value, c->job_limit_lo);
		return true;
	case NPU_CC_JOB_OP:
		job_order(core, value);
		return true;
	case NPU_CC_CLOCK_MHZ:
		c->clock_mhz = value < 1 ? 1 : value > core->machine.matrix_mhz ?
			       core->machine.matrix_mhz : value;
		return true;
	}
	return false;
}

static bool write_time(struct npu_core *core, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case NPU_CC_TIMER_LO:
		core->control.timer_lo = value;
		return true;
	case NPU_CC_TIMER_HI:
		set_timer(core, join(value, core->control.timer_lo));
		return true;
	case NPU_CC_WATCHDOG:
		set_watchdog(core, value);
		return true;
	}
	return false;
}

bool npu_control_reg_write(struct npu_core *core, uint32_t offset, uint32_t value)
{
	struct npu_control *c = &core->control;

	if (offset >= NPU_CC_QUEUE_TAIL(0) && offset < NPU_CC_QUEUE_TAIL(NPU_MAX_QUEUES)) {
		__atomic_store_n(&c->queue_tail[(offset - NPU_CC_QUEUE_TAIL(0)) / 4], value,
				 __ATOMIC_RELEASE);
		return true;
	}
	switch (offset) {
	case NPU_CC_IRQ:
		__atomic_fetch_and(&c->irq, ~value, __ATOMIC_SEQ_CST);
		npu_control_lines(core);
		return true;
	case NPU_CC_IRQ_ENABLE:
		c->irq_enable = value;
		npu_control_lines(core);
		return true;
	case NPU_CC_STATE:
		npu_rom_state(core, value);
		return true;
	case NPU_CC_ERROR:
		c->error = value;
		return true;
	case NPU_CC_FOUND:
		c->found = value;
		return true;
	case NPU_CC_WANTED:
		c->wanted = value;
		return true;
	case NPU_CC_FW_API:
		c->fw_api = value;
		return true;
	case NPU_CC_HEALTHY:
		if (value == 1)
			npu_rom_healthy(core);
		return true;
	case NPU_CC_MSI:
		if (value < NPU_MSIX_COUNT)
			npu_device_interrupt(core, value);
		return true;
	}
	return write_time(core, offset, value) || write_window(core, offset, value) ||
	       write_context(core, offset, value) || write_job(core, offset, value);
}

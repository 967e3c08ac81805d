/* SPDX-License-Identifier: MIT */
/*
 * The control core, on which the firmware runs, as seen by the device around it.
 *
 * It has no host thread of its own. Whoever has given it a reason to run lends it his: the runner
 * when a job has ended or when no job runs, the control thread otherwise and for timers. So in
 * a stream of jobs no work changes threads between one job and the next.
 */
#ifndef NPU_CORE_CONTROL_H
#define NPU_CORE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "job.h"
#include "npu_fw_hw.h"
#include "rv32.h"

struct npu_core;

/* Watchdog with which the boot ROM starts a firmware */
#define NPU_CONTROL_BOOT_MS 1000

struct npu_control {
	struct rv32 cpu;
	uint8_t *ram;
	bool on;		/* there is a firmware that runs */
	uint32_t busy;		/* a thread runs it */
	uint32_t called;	/* there is a reason to run it */

	/* written by register accesses of the driver */
	uint32_t irq;		/* NPU_CC_IRQ_* */
	uint32_t rung[2];	/* queues by bits */
	uint32_t h2d_tail, d2h_head, done_head;
	uint32_t queue_tail[NPU_MAX_QUEUES];

	/* the rest is the firmware's, changed by the thread that runs it */
	uint32_t irq_enable;
	uint32_t time_hi, model_hi;	/* latched by reads of the low half */
	uint32_t timer_lo;
	uint64_t timer_us;		/* UINT64_MAX: never; read by the control thread */
	uint64_t watchdog_us;		/* when it runs out; UINT64_MAX: off; likewise */
	uint32_t watchdog_ms;
	bool watchdog_bit;		/* has run out once */
	uint32_t error, found, wanted, fw_api;
	bool healthy;

	uint32_t win_index, win_lo, win_hi, win_status;
	struct npu_window window[NPU_CC_WINDOWS];
	uint32_t window_bytes[NPU_CC_WINDOWS];

	uint32_t ctx_id, ctx_a_lo, ctx_a_hi, ctx_b_lo, ctx_b_hi, ctx_status;
	uint64_t ctx_a, ctx_b;
	uint32_t job_context, job_queue, job_entry, job_limit_lo;
	uint64_t job_limit_ns;
	uint32_t clock_mhz;
};

/* Makes its memory and the processor; -ENOMEM. */
int npu_control_init(struct npu_core *core);
void npu_control_destroy(struct npu_core *core);

/* Starts the firmware that the boot ROM has loaded into RAM, at @entry. Inside the gate. */
void npu_control_start(struct npu_core *core, uint32_t entry);
/* Stops it and ends its windows; memory and registers are as after power-on. Nobody runs it. */
void npu_control_reset(struct npu_core *core);

/* Sets interrupt bits, and calls a thread to run the firmware. Any thread. */
void npu_control_irq(struct npu_core *core, uint32_t bits);
/* A doorbell of queue @q. */
void npu_control_ring(struct npu_core *core, uint32_t q, uint32_t tail);
/* The runner is about to be busy: what it was called for is the control thread's now. */
void npu_control_pass(struct npu_core *core);
/* Runs the firmware if there is a reason and nobody else does, until it waits. Inside the gate. */
void npu_control_serve(struct npu_core *core);
/* Whether the firmware runs, or is to. */
bool npu_control_wanted(const struct npu_core *core);
/* Timers: calls if one is due; returns in how many us the next one is. Inside the gate. */
uint64_t npu_control_tick(struct npu_core *core);
/* The gate was closed for a while: the firmware could not kick its watchdog. */
void npu_control_excuse(struct npu_core *core);

/* Sets the processor's interrupt lines as registers and time are now. */
void npu_control_lines(struct npu_core *core);

/* Registers of the control core, control_regs.c; false: there is none at @offset. */
bool npu_control_reg_read(struct npu_core *core, uint32_t offset, uint32_t *value);
bool npu_control_reg_write(struct npu_core *core, uint32_t offset, uint32_t value);

/* Windows, control_window.c: maps as the registers say; ends all. */
uint32_t npu_control_map(struct npu_core *core, uint32_t index, uint64_t addr, uint32_t bytes);
void npu_control_unmap(struct npu_core *core);
/* Where @bytes at @addr are; NULL: no window has them, or they cross a page. */
void *npu_control_window(struct npu_control *c, uint32_t addr, uint32_t bytes);

/* Monotonic host time, us */
uint64_t npu_control_now_us(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A device: what its parts share, and its threads. The control thread boots, and runs the firmware
 * for timers and while a job runs. The runner runs jobs, with the helpers of the pool, and between
 * them the firmware. Register accesses leave word for them and return.
 */
#ifndef NPU_CORE_DEVICE_H
#define NPU_CORE_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "context.h"
#include "control.h"
#include "dispatch.h"
#include "event.h"
#include "gate.h"
#include "job.h"
#include "npu_core.h"
#include "rom.h"

/* Work for the control thread, npu_core.requests */
#define NPU_REQUEST_RESET	0x01
#define NPU_REQUEST_BOOT	0x02
#define NPU_REQUEST_IRQ(vector)	(0x10u << (vector))

struct npu_regs {
	uint32_t test_value;
	uint32_t test_dma_lo, test_dma_hi, test_dma_size, test_dma_status;
	uint32_t fw_addr_lo, fw_addr_hi, fw_size;
	uint32_t boot_lo, boot_hi;
	/* written by the boot ROM, valid in ERROR and RUNNING */
	uint32_t error, error_found, error_wanted;
	uint32_t fw_api;
};

struct npu_core {
	struct npu_machine machine;
	unsigned int threads;
	struct npu_host_ops ops;
	void *opaque;
	struct npu_bus bus;

	struct npu_gate gate;
	pthread_mutex_t reset_lock;	/* one reset at a time */
	bool bus_master;		/* written by the host's calls alone */
	struct npu_regs regs;
	uint32_t state;			/* enum npu_state */
	uint32_t resets;

	pthread_t control_thread;
	pthread_t runner;
	struct npu_event control_event;
	struct npu_event runner_event;
	uint32_t requests;		/* NPU_REQUEST_* */
	bool stop;

	struct npu_rom rom;
	struct npu_control control;
	struct npu_dispatch dispatch;
	int32_t millicelsius;		/* written by the host's calls */

	/* inside the gate; changed with memory held */
	struct npu_context *contexts;	/* machine.contexts */
	uint32_t context_serial;

	const struct npu_kernels *kern;
	struct npu_timing *timing;
	struct npu_pool *pool;
	struct npu_job job;
};

/* Wakes the threads that have a request or a job to see to. */
void npu_device_request(struct npu_core *core, uint32_t request);
/* Raises an interrupt; inside the gate. */
void npu_device_interrupt(struct npu_core *core, unsigned int vector);
/* Tells the host a line; @fmt as printf. */
void npu_device_trace(struct npu_core *core, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static inline uint32_t npu_device_state(const struct npu_core *core)
{
	return __atomic_load_n(&core->state, __ATOMIC_ACQUIRE);
}

/* Changes the state and says so. */
void npu_device_set_state(struct npu_core *core, uint32_t state);

/* Why a field of @m is out of its range, a static string; NULL if none is. */
const char *npu_machine_check(const struct npu_machine *m);

/* Forgets jobs, contexts and windows; nobody uses any, and no firmware runs. */
void npu_device_forget(struct npu_core *core);

/* The threads, in control.c and runner.c; @opaque is the device. */
void *npu_control_thread(void *opaque);
void *npu_runner_thread(void *opaque);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The device as the firmware's tests need it: registers and windows of npu_fw_hw.h over an array,
 * a command processor whose jobs last as long as their entries say, a clock that only tests move.
 */
#ifndef FW_FAKE_HW_H
#define FW_FAKE_HW_H

#include "fw.h"

#define FAKE_BUS_BASE	0x40000000ull
#define FAKE_BUS_BYTES	(32u << 20)
#define FAKE_ENDLESS	(~0ull)

/* What a test's ring entry means to the command processor */
#define FAKE_DURATION	cmdbuf		/* modelled ns; FAKE_ENDLESS: until it is killed */
#define FAKE_SAFE	params[0]	/* modelled ns between safe points; zero: none */
#define FAKE_FAULT	params[1]	/* enum npu_fault at its end */
#define FAKE_MARK	params[2]	/* modelled ns between MARKs; zero: none */

struct fake_job {
	struct npu_ring_entry entry;
	uint32_t context;
	uint64_t ran;		/* modelled ns, all runs */
	uint64_t run_from;	/* ran at the start of this run */
	uint64_t limit;
	bool stop;
};

struct fake {
	uint8_t *bus;
	uint64_t refuse;	/* bus address that no window may start at */
	struct npu_machine_regs {
		uint32_t contexts, queues, mhz;
	} machine;

	/* as the firmware has left them */
	uint32_t reg[0x1000 / 4];
	uint32_t msi[NPU_MSIX_COUNT];
	uint32_t state, error, found, wanted, fw_api, healthy, watchdog, kicks;
	struct {
		uint64_t addr;
		uint32_t bytes;
	} window[NPU_CC_WINDOWS];
	struct {
		bool used;
		uint64_t root;
		uint64_t start, size;	/* last invalidation */
		unsigned int invalidations;
	} space[NPU_MAX_CONTEXTS];
	uint32_t status;	/* of the last operation */

	/* moved by tests */
	uint64_t time_us;
	int32_t millicelsius;

	uint64_t timer;
	uint64_t model_ns;
	uint32_t wake_by;
	uint32_t rung[2];

	/* the command processor */
	uint32_t job_status, job_queue;
	struct fake_job job;
	struct fake_job slot[NPU_MAX_QUEUES];
	bool filled[NPU_MAX_QUEUES];
	struct npu_done result;
	uint32_t job_mhz;
	unsigned int starts, resumes, stops, limits, kills, drops;
	unsigned int misuses;	/* of the command processor */
};

extern struct fake fake;

/* A new device; the firmware's memory is as the boot ROM leaves it. */
void fake_reset(void);
void *fake_bus(uint64_t addr);

/* The driver writes a register. */
void fake_doorbell(uint32_t irq, uint32_t reg, uint32_t value);
void fake_ring(uint32_t queue, uint32_t tail);

/* Lets the running job go on for @ns at most; returns whether it has ended or stopped. */
bool fake_advance(uint64_t ns);
/* Host time goes on. */
void fake_sleep_us(uint64_t us);
/* The firmware's loop, until it would sleep; or fake_core(), if somebody else runs it */
void fake_loop(void);
extern void (*fake_core)(void);

/* Calls @what; returns whether it ended in the core's halt. */
bool fake_halts(void (*what)(void));

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The control thread: the device's firmware.
 */
#include <time.h>

#include "device.h"

/* Between looks while no firmware runs */
#define IDLE_US 1000000

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000;
}

/* Whatever has been asked for by registers, inside the gate */
static void serve(struct npu_core *core)
{
	/* A reset that is asked for from here on stays asked for. */
	uint32_t requests = __atomic_fetch_and(&core->requests, NPU_REQUEST_RESET,
					       __ATOMIC_ACQ_REL);

	for (unsigned int v = 0; v < NPU_MSIX_COUNT; v++) {
		if (requests & NPU_REQUEST_IRQ(v))
			npu_device_interrupt(core, v);
	}
	if (requests & NPU_REQUEST_BOOT)
		npu_device_boot(core);
	if (npu_device_state(core) != NPU_STATE_RUNNING)
		return;
	if (requests & NPU_REQUEST_D2H_ARM)
		npu_mailbox_arm(core, __atomic_load_n(&core->d2h_arm, __ATOMIC_RELAXED));
	npu_mailbox_run(core);
}

/* Beats if it is time; returns when it will be time again, in us from now. */
static uint64_t beat(struct npu_core *core, uint64_t *next)
{
	uint64_t now = now_us(), period = core->fw.config.heartbeat_ms * 1000ull;

	if (now >= *next) {
		__atomic_store_n(&core->status->heartbeat, ++core->heartbeat, __ATOMIC_RELEASE);
		*next = now + period;
	}
	return *next - now;
}

void *npu_control_thread(void *opaque)
{
	struct npu_core *core = opaque;
	uint64_t next_beat = 0;

	for (;;) {
		uint32_t seen = npu_event_seen(&core->control_event);
		uint64_t timeout = IDLE_US;

		if (__atomic_load_n(&core->stop, __ATOMIC_ACQUIRE))
			return NULL;
		if (__atomic_load_n(&core->requests, __ATOMIC_ACQUIRE) & NPU_REQUEST_RESET)
			npu_core_reset(core);
		if (npu_gate_try_enter(&core->gate)) {
			serve(core);
			if (npu_device_state(core) == NPU_STATE_RUNNING)
				timeout = beat(core, &next_beat);
			npu_gate_leave(&core->gate);
		}
		npu_event_wait(&core->control_event, seen, timeout, 0);
	}
}

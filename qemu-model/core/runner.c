/* SPDX-License-Identifier: MIT */
/*
 * The runner: runs jobs, and between them the firmware, which says what runs next.
 */
#include <fenv.h>

#include "device.h"

/* Looks for work before it sleeps: some 10 us */
#define SPINS 500

void *npu_runner_thread(void *opaque)
{
	struct npu_core *core = opaque;

	/* Whatever the thread that made us had set: the device has one way to round. */
	fesetenv(FE_DFL_ENV);
	for (;;) {
		uint32_t seen = npu_event_seen(&core->runner_event);

		if (__atomic_load_n(&core->stop, __ATOMIC_ACQUIRE))
			return NULL;
		if (npu_gate_try_enter(&core->gate)) {
			/* A closing gate is passed between jobs by leaving it. */
			do
				npu_control_serve(core);
			while (!(npu_attention(&core->gate) & NPU_ATTEND_GATE) &&
			       npu_dispatch_run(core));
			npu_gate_leave(&core->gate);
		}
		npu_event_wait(&core->runner_event, seen, 0, SPINS);
	}
}

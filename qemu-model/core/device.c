/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"

#define THREADS_MAX 64
/* Temperature until the host says another */
#define MILLICELSIUS 45000

void npu_device_request(struct npu_core *core, uint32_t request)
{
	__atomic_fetch_or(&core->requests, request, __ATOMIC_SEQ_CST);
	npu_event_ring(&core->control_event);
}

void npu_device_interrupt(struct npu_core *core, unsigned int vector)
{
	core->ops.interrupt(core->opaque, vector);
}

void npu_device_trace(struct npu_core *core, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	if (!core->ops.trace)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	core->ops.trace(core->opaque, line);
}

void npu_device_set_state(struct npu_core *core, uint32_t state)
{
	static const char *const names[] = {
		[NPU_STATE_IDLE] = "idle",
		[NPU_STATE_BOOTING] = "booting",
		[NPU_STATE_RUNNING] = "running",
		[NPU_STATE_ERROR] = "error",
		[NPU_STATE_DEAD] = "dead",
		[NPU_STATE_RESETTING] = "resetting",
	};

	__atomic_store_n(&core->state, state, __ATOMIC_RELEASE);
	npu_device_trace(core, "state %s", names[state]);
}

static unsigned int host_threads(unsigned int wanted)
{
	long n = wanted ? (long)wanted : sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	return n > THREADS_MAX ? THREADS_MAX : (unsigned int)n;
}

static int make_parts(struct npu_core *core)
{
	uint32_t cores = core->machine.cores;

	core->contexts = calloc(core->machine.contexts, sizeof(*core->contexts));
	core->job.streams = aligned_alloc(64, NPU_ALIGN_UP(cores * sizeof(struct npu_stream), 64));
	core->timing = npu_timing_create(&core->machine);
	if (!core->contexts || !core->job.streams || !core->timing || npu_control_init(core))
		return -ENOMEM;
	memset(core->job.streams, 0, cores * sizeof(struct npu_stream));
	for (uint32_t i = 0; i < cores; i++) {
		if (npu_stream_init(&core->job.streams[i], (uint16_t)i, core->machine.spad_bytes))
			return -ENOMEM;
	}
	core->job.core = core;
	return 0;
}

static int create_threads(struct npu_core *core)
{
	/* The runner computes too. */
	if (core->threads > 1) {
		core->pool = npu_pool_create(core->threads - 1, npu_job_help, &core->job);
		if (!core->pool)
			return -EAGAIN;
	}
	if (pthread_create(&core->control_thread, NULL, npu_control_thread, core))
		return -EAGAIN;
	if (!pthread_create(&core->runner, NULL, npu_runner_thread, core))
		return 0;
	__atomic_store_n(&core->stop, true, __ATOMIC_RELEASE);
	npu_event_ring(&core->control_event);
	pthread_join(core->control_thread, NULL);
	return -EAGAIN;
}

static int start_threads(struct npu_core *core)
{
	sigset_t block, old;
	int ret;

	/* Signals are the host program's: its handlers do not run on the device's threads. */
	sigfillset(&block);
	sigdelset(&block, SIGSEGV);
	sigdelset(&block, SIGBUS);
	sigdelset(&block, SIGFPE);
	sigdelset(&block, SIGILL);
	pthread_sigmask(SIG_SETMASK, &block, &old);
	ret = create_threads(core);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

static void free_parts(struct npu_core *core)
{
	npu_pool_destroy(core->pool);
	for (uint32_t i = 0; core->job.streams && i < core->machine.cores; i++)
		npu_stream_release(&core->job.streams[i]);
	npu_job_forget(&core->job, 0);
	npu_timing_destroy(core->timing);
	free(core->job.streams);
	free(core->contexts);
	npu_dispatch_destroy(&core->dispatch);
	npu_control_destroy(core);
	npu_gate_destroy(&core->gate);
	pthread_mutex_destroy(&core->reset_lock);
	free(core);
}

int npu_core_create(const struct npu_core_config *config, const struct npu_host_ops *ops,
		    void *opaque, struct npu_core **out, const char **why)
{
	const char *refused = npu_machine_check(&config->machine);
	struct npu_core *core;
	int ret;

	if (why)
		*why = refused;
	if (refused)
		return -EINVAL;
	core = calloc(1, sizeof(*core));
	if (!core)
		return -ENOMEM;
	core->machine = config->machine;
	core->rom.policy = (struct npu_boot_policy) {
		.security_counter = config->security_counter,
		.development = config->development,
		.has_fused_key = config->has_fused_key,
	};
	memcpy(core->rom.policy.fused_key, config->fused_key, sizeof(config->fused_key));
	core->rom.io = (struct npu_flash_io) {
		.read = config->flash.read, .write = config->flash.write,
		.opaque = config->flash.opaque, .size = config->flash.size,
	};
	npu_rom_init(core);
	core->millicelsius = MILLICELSIUS;
	core->threads = host_threads(config->threads);
	core->ops = *ops;
	core->opaque = opaque;
	core->bus = (struct npu_bus) { .ops = &core->ops, .opaque = opaque };
	core->bus_master = true;
	npu_gate_init(&core->gate);
	npu_dispatch_init(&core->dispatch);
	pthread_mutex_init(&core->reset_lock, NULL);
	core->kern = npu_kernels_get(config->isa);
	ret = core->kern ? make_parts(core) : -ENOTSUP;
	if (!ret)
		ret = start_threads(core);
	if (ret) {
		free_parts(core);
		return ret;
	}
	*out = core;
	return 0;
}

void npu_core_destroy(struct npu_core *core)
{
	if (!core)
		return;
	npu_core_reset(core);
	__atomic_store_n(&core->stop, true, __ATOMIC_RELEASE);
	npu_event_ring(&core->control_event);
	npu_event_ring(&core->runner_event);
	pthread_join(core->control_thread, NULL);
	pthread_join(core->runner, NULL);
	free_parts(core);
}

void npu_device_forget(struct npu_core *core)
{
	npu_dispatch_reset(&core->dispatch);
	for (uint32_t i = 0; i < core->machine.contexts; i++) {
		if (core->contexts[i].used)
			npu_mmu_release(&core->contexts[i].mmu);
		core->contexts[i].used = false;
	}
	npu_job_forget(&core->job, 0);
	npu_control_reset(core);
}

void npu_core_reset(struct npu_core *core)
{
	pthread_mutex_lock(&core->reset_lock);
	npu_gate_close_reset(&core->gate);
	npu_device_set_state(core, NPU_STATE_RESETTING);
	/* What is asked for from here on belongs to the time after. */
	__atomic_store_n(&core->requests, 0, __ATOMIC_SEQ_CST);
	npu_device_forget(core);
	core->rom.source = NPU_FW_SOURCE_HOST;
	core->regs = (struct npu_regs) { 0 };
	__atomic_fetch_add(&core->resets, 1, __ATOMIC_RELAXED);
	npu_device_set_state(core, NPU_STATE_IDLE);
	npu_gate_open_reset(&core->gate);
	pthread_mutex_unlock(&core->reset_lock);
	npu_event_ring(&core->control_event);
	npu_event_ring(&core->runner_event);
}

void npu_core_bus_master(struct npu_core *core, bool on)
{
	if (on == core->bus_master)
		return;
	core->bus_master = on;
	if (!on) {
		npu_gate_close(&core->gate);
		return;
	}
	npu_gate_open(&core->gate);
	npu_event_ring(&core->control_event);
	npu_event_ring(&core->runner_event);
}

void npu_core_set_temperature(struct npu_core *core, int32_t millicelsius)
{
	__atomic_store_n(&core->millicelsius, millicelsius, __ATOMIC_RELAXED);
	npu_control_irq(core, NPU_CC_IRQ_THERMAL);
}

uint64_t npu_core_control_instructions(struct npu_core *core)
{
	return __atomic_load_n(&core->control.cpu.retired, __ATOMIC_RELAXED);
}

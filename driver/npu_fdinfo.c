// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file's jobs took. Engine times are modelled: what the described hardware would be busy,
 * not what its emulation took.
 */
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "npu_device.h"
#include "npu_drv.h"
#include "npu_fdinfo.h"

static const char * const npu_engine_names[NPU_ENGINE_COUNT] = {
	[NPU_ENGINE_MATRIX] = "matrix",
	[NPU_ENGINE_VECTOR] = "vector",
	[NPU_ENGINE_DMA] = "dma",
	[NPU_ENGINE_STREAM] = "stream",
};

void npu_fdinfo_show(struct drm_printer *p, struct drm_file *file)
{
	struct npu_device *npu = to_npu(file->minor->dev);
	struct npu_file *nfile = file->driver_priv;
	struct npu_usage *usage = &nfile->usage;
	int i;

	for (i = 0; i < NPU_ENGINE_COUNT; i++) {
		drm_printf(p, "drm-engine-%s:\t%lld ns\n", npu_engine_names[i],
			   atomic64_read(&usage->busy_ns[i]));
		if (npu->info.cores > 1)
			drm_printf(p, "drm-engine-capacity-%s:\t%u\n", npu_engine_names[i],
				   npu->info.cores);
	}
	drm_printf(p, "npu-time-base:\tmodelled\n");
	drm_printf(p, "npu-model-time:\t%lld ns\n", atomic64_read(&usage->model_ns));
	drm_printf(p, "npu-host-time:\t%lld ns\n", atomic64_read(&usage->host_ns));
	drm_printf(p, "npu-energy:\t%lld pJ\n", atomic64_read(&usage->energy_pj));
	drm_printf(p, "npu-read:\t%lld B\n", atomic64_read(&usage->read_bytes));
	drm_printf(p, "npu-written:\t%lld B\n", atomic64_read(&usage->write_bytes));
	drm_printf(p, "npu-macs:\t%lld\n", atomic64_read(&usage->macs));
	drm_printf(p, "npu-jobs:\t%lld\n", atomic64_read(&usage->jobs));
	drm_show_memory_stats(p, file);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bring-up, stop and start of the device.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/lockdep.h>
#include <linux/sched/mm.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include "npu_device.h"
#include "npu_gem.h"
#include "npu_irq.h"
#include "npu_mmu.h"
#include "npu_queue.h"
#include "npu_recovery.h"
#include "npu_selftest.h"
#include "npu_trace.h"
#include "npu_versions.h"
#include "npu_vm.h"

static int npu_device_identify(struct npu_device *npu)
{
	struct drm_npu_device_info *info = &npu->info;
	u32 id = npu_read(npu, NPU_REG_ID);

	if (id != NPU_ID) {
		drm_err(&npu->base, "register ID: found %#x, wanted %#x; not an NPU, or it has fallen off the bus\n",
			id, NPU_ID);
		return -ENODEV;
	}
	info->hw_version = npu_read(npu, NPU_REG_HW_VERSION);
	info->cmd_version = npu_read(npu, NPU_REG_CMD_VERSION);
	info->cores = npu_read(npu, NPU_REG_CORES);
	info->spad_bytes = npu_read(npu, NPU_REG_SPAD_BYTES);
	info->fifo_bytes = npu_read(npu, NPU_REG_FIFO_BYTES);
	info->macs = npu_read(npu, NPU_REG_MACS);
	info->matrix_mhz = npu_read(npu, NPU_REG_MATRIX_MHZ);
	info->vector_bits = npu_read(npu, NPU_REG_VECTOR_BITS);
	info->dma_channels = npu_read(npu, NPU_REG_DMA_CHANNELS);
	info->dma_bytes = npu_read(npu, NPU_REG_DMA_BYTES);
	info->dma_mhz = npu_read(npu, NPU_REG_DMA_MHZ);
	info->dram_mbps = npu_read(npu, NPU_REG_DRAM_MBPS);
	info->dram_ns = npu_read(npu, NPU_REG_DRAM_NS);
	info->contexts = npu_read(npu, NPU_REG_CONTEXTS);
	info->queues = npu_read(npu, NPU_REG_QUEUES);
	info->va_bits = npu_read(npu, NPU_REG_VA_BITS);
	info->va_min = NPU_VA_MIN;
	info->va_max = NPU_VA_SIZE;

	if (info->hw_version >> 16 != NPU_HW_VERSION >> 16) {
		drm_err(&npu->base, "hardware version %u.%u, this driver knows %u.x; update the driver\n",
			info->hw_version >> 16, info->hw_version & 0xffff, NPU_HW_VERSION >> 16);
		return -ENODEV;
	}
	if (!info->cores || info->cores > NPU_MAX_CORES || !info->contexts ||
	    info->contexts > NPU_MAX_CONTEXTS || !info->queues ||
	    info->queues > NPU_MAX_QUEUES || info->va_bits != NPU_VA_BITS) {
		drm_err(&npu->base, "machine description out of range: cores %u (1..%u), contexts %u (1..%u), queues %u (1..%u), va bits %u (%u)\n",
			info->cores, NPU_MAX_CORES, info->contexts, NPU_MAX_CONTEXTS,
			info->queues, NPU_MAX_QUEUES, info->va_bits, NPU_VA_BITS);
		return -ENODEV;
	}
	return 0;
}

static int npu_device_map(struct npu_device *npu)
{
	struct device *dev = npu->base.dev;
	u32 bits;
	int ret;

	ret = pcim_enable_device(npu->pdev);
	if (ret)
		return ret;
	if (pci_resource_len(npu->pdev, NPU_BAR_REGS) < NPU_BAR_REGS_SIZE) {
		drm_err(&npu->base, "BAR %u: %#llx bytes, wanted %#x\n", NPU_BAR_REGS,
			(u64)pci_resource_len(npu->pdev, NPU_BAR_REGS), NPU_BAR_REGS_SIZE);
		return -ENODEV;
	}
	ret = pcim_request_region(npu->pdev, NPU_BAR_REGS, "npu");
	if (ret)
		return ret;
	npu->regs = pcim_iomap(npu->pdev, NPU_BAR_REGS, NPU_BAR_REGS_SIZE);
	if (!npu->regs)
		return -ENOMEM;

	ret = npu_device_identify(npu);
	if (ret)
		return ret;
	bits = npu_read(npu, NPU_REG_DMA_BITS);
	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(clamp(bits, 32u, 64u)));
	if (ret)
		return ret;
	dma_set_max_seg_size(dev, UINT_MAX);
	pci_set_master(npu->pdev);
	return 0;
}

static int npu_device_alloc(struct npu_device *npu)
{
	struct device *dev = npu->base.dev;

	npu->boot = dmam_alloc_coherent(dev, sizeof(*npu->boot), &npu->boot_dma, GFP_KERNEL);
	npu->status = dmam_alloc_coherent(dev, sizeof(*npu->status), &npu->status_dma, GFP_KERNEL);
	npu->log = dmam_alloc_coherent(dev, NPU_LOG_BYTES, &npu->log_dma, GFP_KERNEL);
	npu->done = dmam_alloc_coherent(dev, NPU_DONE_ENTRIES * sizeof(*npu->done),
					&npu->done_dma, GFP_KERNEL);
	if (!npu->boot || !npu->status || !npu->log || !npu->done)
		return -ENOMEM;
	return npu_mbox_init(npu);
}

static void npu_device_destroy_wq(struct drm_device *drm, void *wq)
{
	destroy_workqueue(wq);
}

static int npu_device_init_locks(struct npu_device *npu)
{
	int ret;

	init_rwsem(&npu->reset_sem);
	spin_lock_init(&npu->done_lock);
	spin_lock_init(&npu->list_lock);
	INIT_LIST_HEAD(&npu->vms);
	INIT_LIST_HEAD(&npu->queues);
	INIT_LIST_HEAD(&npu->bos);
	ret = drmm_mutex_init(&npu->base, &npu->bos_lock);
	if (ret)
		return ret;
	ida_init(&npu->context_ids);
	ida_init(&npu->queue_ids);

	/* A job's end may wait for reset_sem, and reclaim may wait for a job's end. */
	if (IS_ENABLED(CONFIG_LOCKDEP)) {
		fs_reclaim_acquire(GFP_KERNEL);
		might_lock(&npu->reset_sem);
		fs_reclaim_release(GFP_KERNEL);
	}

	npu->reset_wq = alloc_ordered_workqueue("npu-reset", WQ_MEM_RECLAIM);
	if (!npu->reset_wq)
		return -ENOMEM;
	ret = drmm_add_action_or_reset(&npu->base, npu_device_destroy_wq, npu->reset_wq);
	if (ret)
		return ret;
	npu->sched_wq = alloc_workqueue("npu-sched", WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	if (!npu->sched_wq)
		return -ENOMEM;
	ret = drmm_add_action_or_reset(&npu->base, npu_device_destroy_wq, npu->sched_wq);
	if (ret)
		return ret;
	npu_recovery_init(npu);
	npu_crash_init(npu);
	return 0;
}

/* Back to IDLE, from any state. */
static int npu_device_quiesce(struct npu_device *npu)
{
	u32 state;
	int ret;

	npu_write(npu, NPU_REG_CTRL, NPU_CTRL_RESET);
	/* Ones are what the bus answers for a device that has been pulled out. */
	ret = read_poll_timeout(npu_read, state, state == NPU_STATE_IDLE || state == U32_MAX, 100,
				NPU_RESET_TIMEOUT_US, false, npu, NPU_REG_STATE);
	if (!ret && state == U32_MAX)
		return -ENODEV;
	if (ret)
		drm_err(&npu->base, "reset: the device stays in state %#x for %lu s\n", state,
			NPU_RESET_TIMEOUT_US / USEC_PER_SEC);
	return ret;
}

static void npu_device_fill_boot(struct npu_device *npu)
{
	struct npu_boot_params *boot = npu->boot;

	memset(boot, 0, sizeof(*boot));
	boot->size = sizeof(*boot);
	boot->api = NPU_MESSAGES_DRIVER_MAX;
	boot->h2d_addr = npu->mbox.h2d_dma;
	boot->d2h_addr = npu->mbox.d2h_dma;
	boot->done_addr = npu->done_dma;
	boot->status_addr = npu->status_dma;
	boot->log_addr = npu->log_dma;
	boot->h2d_entries = NPU_MBOX_H2D_ENTRIES;
	boot->d2h_entries = NPU_MBOX_D2H_ENTRIES;
	boot->done_entries = NPU_DONE_ENTRIES;
	boot->log_bytes = NPU_LOG_BYTES;
}

/* Reset, empty rings, firmware. Nothing of before is left in the device. */
static int npu_device_boot_once(struct npu_device *npu)
{
	int ret;

	ret = npu_device_quiesce(npu);
	if (ret)
		return ret;
	npu_irq_sync(npu);
	memset(npu->status, 0, sizeof(*npu->status));
	spin_lock_irq(&npu->done_lock);
	npu->done_head = 0;
	spin_unlock_irq(&npu->done_lock);
	npu_mbox_restart(npu);
	npu_device_fill_boot(npu);

	ret = npu_fw_boot(npu);
	if (ret)
		return ret;
	npu_write(npu, NPU_REG_DONE_ARM, 0);
	return 0;
}

static int npu_device_boot(struct npu_device *npu)
{
	unsigned int boots = npu_fw_boots(npu);
	int ret;

	do {
		ret = npu_device_boot_once(npu);
	} while (ret && ret != -ENOENT && --boots);
	return ret;
}

int npu_device_init(struct npu_device *npu)
{
	int ret;

	ret = npu_device_init_locks(npu);
	if (ret)
		return ret;
	ret = npu_device_map(npu);
	if (ret)
		return ret;
	ret = npu_device_alloc(npu);
	if (ret)
		return ret;
	ret = npu_coredump_init(npu);
	if (ret)
		return ret;
	ret = npu_device_quiesce(npu);
	if (ret)
		return ret;
	ret = npu_irq_init(npu);
	if (ret)
		return ret;
	ret = npu_selftest(npu);
	if (ret)
		return ret;
	ret = npu_fw_load(npu);
	if (ret)
		return ret;
	ret = npu_device_boot(npu);
	if (ret) {
		npu_mbox_abort(npu);
		npu_device_quiesce(npu);
		pci_clear_master(npu->pdev);
		return ret;
	}
	npu->power = NPU_UP;
	npu_crash_watch(npu);
	drm_info(&npu->base, "%u cores, %u contexts, %u queues, firmware %s (API %u.%u) %s%s\n",
		 npu->info.cores, npu->info.contexts, npu->info.queues, npu->fw.version,
		 npu->fw.api >> 16, npu->fw.api & 0xffff, npu->fw.from_flash ? "" : "from ",
		 npu_fw_where(npu));
	npu_fw_tell(npu);
	return 0;
}

int npu_device_get(struct npu_device *npu)
{
	for (;;) {
		down_read(&npu->reset_sem);
		if (npu->power == NPU_UP)
			return 0;
		if (npu->power != NPU_RESETTING) {
			up_read(&npu->reset_sem);
			return -EIO;
		}
		/* Suspended, or reset from outside: the second half will come. */
		up_read(&npu->reset_sem);
		msleep(20);
	}
}

void npu_device_put(struct npu_device *npu)
{
	up_read(&npu->reset_sem);
}

void npu_device_stop(struct npu_device *npu, bool keep)
{
	struct npu_queue *queue;

	lockdep_assert_held_write(&npu->reset_sem);
	npu->power = NPU_RESETTING;
	npu_crash_unwatch(npu);
	npu_mbox_abort(npu);
	list_for_each_entry(queue, &npu->queues, node)
		npu_queue_pause(queue);
	npu_device_quiesce(npu);
	npu_irq_sync(npu);
	/* What had finished before counts. */
	npu_queue_drain_done(npu);
	list_for_each_entry(queue, &npu->queues, node) {
		if (!keep || !npu_queue_keep_jobs(queue))
			npu_queue_lose_jobs(queue);
	}
}

/* The contexts and queues of before, on a freshly booted device. */
static int npu_device_restore(struct npu_device *npu)
{
	struct npu_queue *queue;
	struct npu_vm *vm;
	int ret;

	list_for_each_entry(vm, &npu->vms, node) {
		ret = npu_vm_attach(vm);
		if (ret)
			return ret;
	}
	list_for_each_entry(queue, &npu->queues, node) {
		ret = npu_queue_attach(queue);
		if (ret)
			return ret;
	}
	return 0;
}

/* The firmware begins with the first job that it sees: highest priority first. */
static void npu_device_refill(struct npu_device *npu)
{
	struct npu_queue *queue;
	u32 priority;

	for (priority = NPU_PRIORITY_COUNT; priority-- > 0;) {
		list_for_each_entry(queue, &npu->queues, node) {
			if (queue->priority == priority)
				npu_queue_refill(queue);
		}
	}
}

int npu_device_start(struct npu_device *npu)
{
	u32 source = npu->fw.source;
	struct npu_queue *queue;
	int ret;

	lockdep_assert_held_write(&npu->reset_sem);
	npu->info.resets++;
	ret = npu_device_boot(npu);
	if (!ret)
		ret = npu_device_restore(npu);
	if (ret) {
		npu_mbox_abort(npu);
		return ret;
	}
	if (npu->fw.source != source) {
		drm_notice(&npu->base, "firmware %s is booted %s now\n", npu->fw.version,
			   npu_fw_where(npu));
		npu_fw_tell(npu);
	}
	/* From here on nothing can fail: jobs may run, and must not be given a second time. */
	npu->power = NPU_UP;
	npu_crash_watch(npu);
	npu_device_refill(npu);
	list_for_each_entry(queue, &npu->queues, node)
		npu_queue_resume(queue);
	return 0;
}

/* Ends all jobs: fences signal, rings are given up, the schedulers run dry. */
static void npu_device_kill_queues(struct npu_device *npu)
{
	struct npu_queue *queue;

	list_for_each_entry(queue, &npu->queues, node) {
		npu_queue_kill(queue, DRM_NPU_QUEUE_INNOCENT, NPU_FAULT_KILLED);
		npu_queue_lose_jobs(queue);
		npu_queue_resume(queue);
	}
}

void npu_device_wedge(struct npu_device *npu)
{
	lockdep_assert_held_write(&npu->reset_sem);
	npu->power = NPU_WEDGED;
	pci_clear_master(npu->pdev);
	npu_device_kill_queues(npu);
	drm_err(&npu->base, "the device does not come back: every call that needs it gets EIO; unbind and bind the driver, or reset the bus\n");
	/* Allocates, which the way to signal fences must not. */
	queue_work(system_unbound_wq, &npu->wedged_work);
}

void npu_device_silence(struct npu_device *npu)
{
	down_write(&npu->reset_sem);
	if (npu->power == NPU_UP) {
		npu_device_stop(npu, false);
		npu->power = NPU_DOWN;
	}
	up_write(&npu->reset_sem);
}

void npu_device_fini(struct npu_device *npu)
{
	struct npu_queue *queue;
	struct npu_vm *vm;

	/* Nobody is inside drm_dev_enter() any more, and nobody gets in. */
	npu_mbox_abort(npu);
	npu_device_silence(npu);
	cancel_work_sync(&npu->reset_work);
	flush_workqueue(npu->reset_wq);
	npu_coredump_fini(npu);
	cancel_work_sync(&npu->wedged_work);

	down_write(&npu->reset_sem);
	npu->power = NPU_DOWN;
	list_for_each_entry(queue, &npu->queues, node)
		npu_queue_pause(queue);
	npu_device_quiesce(npu);
	pci_clear_master(npu->pdev);
	npu_irq_sync(npu);
	npu_device_kill_queues(npu);

	/* The memory of open files lives on; what this device had of it does not. */
	list_for_each_entry(queue, &npu->queues, node)
		npu_queue_free_ring(queue);
	list_for_each_entry(vm, &npu->vms, node)
		npu_mmu_fini(&vm->mmu);
	up_write(&npu->reset_sem);
	/* VMs that had left the list free their own page tables. */
	flush_workqueue(npu_release_wq);
	npu_gem_unmap_all(npu);
}

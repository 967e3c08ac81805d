/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device: its registers, its state, and who may talk to it when.
 *
 * Lock order, outermost first: reset_sem, vm->lock, a buffer's reservation, mbox.lock,
 * done_lock, queue->lock. reset_sem is taken for writing on the way to signal fences, so nobody
 * allocates memory while holding it for reading (lockdep is told at probe).
 */
#ifndef NPU_DEVICE_H
#define NPU_DEVICE_H

#include <linux/completion.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/drm_device.h>
#include <drm/drm_print.h>

#include "npu_coredump.h"
#include "npu_crash.h"
#include "npu_drm.h"
#include "npu_fw.h"
#include "npu_mbox.h"

#ifdef __BIG_ENDIAN
#error "structures shared with the device are read and written in place: little-endian only"
#endif

struct npu_queue;

/* Completion records: as many as jobs can be in flight. */
#define NPU_DONE_ENTRIES	DRM_NPU_MAX_ENTRIES
#define NPU_LOG_BYTES		65536
#define NPU_RESET_TIMEOUT_US	(10 * USEC_PER_SEC)

enum npu_power {
	NPU_DOWN,	/* no firmware: before boot, after unbind */
	NPU_UP,
	NPU_RESETTING,	/* messages are refused, queues do not feed the rings */
	NPU_WEDGED,	/* re-boot failed; bus mastering is off */
};

/* Counters of events, for debugfs and tests. */
struct npu_counters {
	atomic_t irqs[NPU_MSIX_COUNT];
	atomic_t jobs;
	atomic_t faults;
	atomic_t hangs;
	atomic_t late_jobs;	/* done, but found by the timeout and not by an interrupt */
	atomic_t queue_resets;
	atomic_t context_resets;
	atomic_t device_resets;
	atomic_t bus_resets;
};

struct npu_device {
	struct drm_device base;
	struct pci_dev *pdev;
	void __iomem *regs;
	struct drm_npu_device_info info;

	enum npu_power power;		/* written with reset_sem held for writing */
	/*
	 * Readers talk to the device and change the lists below; the writer stops, resets and
	 * boots it.
	 */
	struct rw_semaphore reset_sem;
	/* Ordered: job timeouts, recovery of contexts, resets. Never two at once. */
	struct workqueue_struct *reset_wq;
	struct work_struct reset_work;
	const char *reset_why;		/* first complaint since the last reset, or NULL */
	bool reset_crashed;		/* it was of the firmware */
	struct work_struct wedged_work;	/* tells user space */
	bool own_bus_reset;		/* the driver itself resets the function */
	struct workqueue_struct *sched_wq;	/* feeds rings, frees jobs */

	struct npu_fw fw;
	struct npu_mbox mbox;
	struct npu_crash crash;
	struct npu_coredump coredump;

	/* Memory that the device writes */
	struct npu_boot_params *boot;
	dma_addr_t boot_dma;
	struct npu_status_page *status;
	dma_addr_t status_dma;
	char *log;
	dma_addr_t log_dma;
	struct npu_done *done;
	dma_addr_t done_dma;

	spinlock_t done_lock;		/* done_head, hw_queues */
	u32 done_head;
	struct npu_queue *hw_queues[NPU_MAX_QUEUES];

	struct ida context_ids;
	struct ida queue_ids;
	spinlock_t list_lock;		/* vms, queues; nested in reset_sem for reading */
	struct list_head vms;
	struct list_head queues;
	u32 queue_entries;		/* sum over queues, under list_lock */

	struct mutex bos_lock;		/* bos, against unbind */
	struct list_head bos;

	struct completion test_irq[NPU_MSIX_COUNT];
	struct npu_counters count;
};

static inline struct npu_device *to_npu(struct drm_device *drm)
{
	return container_of(drm, struct npu_device, base);
}

static inline u32 npu_read(struct npu_device *npu, u32 reg)
{
	return readl(npu->regs + reg);
}

static inline void npu_write(struct npu_device *npu, u32 reg, u32 value)
{
	writel(value, npu->regs + reg);
}

/* Low half first; the high half makes it count. */
static inline void npu_write64(struct npu_device *npu, u32 reg_lo, u64 value)
{
	npu_write(npu, reg_lo, lower_32_bits(value));
	npu_write(npu, reg_lo + 4, upper_32_bits(value));
}

/**
 * npu_device_init() - Map registers, check identity, run the self test, boot the firmware.
 * @npu: device, zeroed but for base
 *
 * Everything it takes is given back by the driver core when the probe fails or the device
 * goes; interrupts and firmware are stopped by npu_device_fini().
 *
 * Return: 0, or an error that has been printed with its reason.
 */
int npu_device_init(struct npu_device *npu);

/* npu_device_fini() - After drm_dev_unplug(): stops the device and ends every job. */
void npu_device_fini(struct npu_device *npu);

/**
 * npu_device_get() - Begin to talk to the device; no reset happens until npu_device_put().
 * @npu: device
 *
 * Waits for a reset under way. The caller is inside drm_dev_enter() and allocates no memory
 * before npu_device_put().
 *
 * Return: 0, or -EIO the device is wedged.
 */
int npu_device_get(struct npu_device *npu);
void npu_device_put(struct npu_device *npu);

/*
 * The two halves of a reset, with reset_sem held for writing: stop takes power from UP to
 * RESETTING and ends what runs; start boots, makes contexts and queues again and lets the
 * schedulers go on. start may be tried again after an error.
 *
 * Jobs in a ring of which the firmware has begun none are kept if @keep, and given to the firmware
 * again by start; then start or npu_device_wedge() must follow. All others end.
 */
void npu_device_stop(struct npu_device *npu, bool keep);
int npu_device_start(struct npu_device *npu);

/*
 * npu_device_silence() - When drm_dev_enter() has failed: the device touches no memory any more.
 *
 * Between drm_dev_unplug() and npu_device_fini() it still runs, while files are closed and their
 * memory is freed. Nobody talks to it after this; the schedulers of queues are left paused.
 */
void npu_device_silence(struct npu_device *npu);

/* npu_device_wedge() - After stop, when start has failed for good. */
void npu_device_wedge(struct npu_device *npu);

#endif

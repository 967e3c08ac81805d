/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues: a scheduler with one entity, which waits for dependencies, and a ring in DMA memory, from
 * which the firmware takes jobs in order.
 *
 * A queue dies as soon as a job of it is lost: it would break the promise of order to run the next.
 * A dead queue cancels what it still gets; its memory stays until the last of its jobs and fences
 * is freed.
 */
#ifndef NPU_QUEUE_H
#define NPU_QUEUE_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

#include "npu_drm.h"
#include "npu_result.h"

struct drm_device;
struct drm_file;
struct npu_device;
struct npu_file;
struct npu_job;
struct npu_vm;

struct npu_queue {
	struct kref ref;		/* handle and jobs: what can still run */
	struct kref memory;		/* ref, and each fence */
	struct rcu_head rcu;
	struct npu_device *npu;
	struct npu_file *nfile;
	struct list_head node;		/* npu->queues */
	struct work_struct release;

	struct drm_gpu_scheduler sched;
	struct drm_sched_entity entity;
	struct mutex submit_lock;	/* order of seqno, arm and push */
	u64 fence_context;

	u32 entries;
	u32 priority;

	/* The device's half; gone when the handle is */
	struct mutex hw_lock;		/* attached; nested in reset_sem for reading */
	bool attached;
	u32 hw_id;
	struct npu_vm *vm;
	struct npu_ring_entry *ring;
	dma_addr_t ring_dma;

	spinlock_t lock;		/* everything below; also taken in interrupts */
	u32 tail;			/* entries written */
	struct list_head in_flight;	/* jobs in the ring, oldest first */
	u64 submitted;			/* highest sequence number */
	u64 completed;
	u64 fence_seqno;
	u32 state;			/* DRM_NPU_QUEUE_* */
	u32 fault;			/* enum npu_fault of the first job lost */
	/*
	 * A fault's record waits here, and the jobs in the ring with it, until the context is
	 * clear: who waits for the job can go on with the VM's other queues at once.
	 */
	bool fault_pending;
	struct npu_done fault_done;
	u64 hung;			/* sequence number of the job that hangs; zero: none */
	ktime_t head_since;		/* since when the oldest job is the oldest */
	u64 progress;			/* of the queue, when last looked at */
	u32 heartbeat;			/* of the firmware, likewise */
	struct npu_results results;
};

struct npu_queue *npu_queue_get(struct npu_queue *queue);
/* npu_queue_put() - From any context; the scheduler ends later. */
void npu_queue_put(struct npu_queue *queue);

/*
 * Keeps the memory alone. The scheduler's entity holds its last fence, so a fence must not keep
 * the entity.
 */
void npu_queue_get_memory(struct npu_queue *queue);
void npu_queue_put_memory(struct npu_queue *queue);

/* npu_queue_lookup() - The queue of a handle with a count taken, or NULL. */
struct npu_queue *npu_queue_lookup(struct npu_file *nfile, u32 id);

/* npu_queue_attach() - Makes a live queue in the device, its ring empty; with reset_sem held. */
int npu_queue_attach(struct npu_queue *queue);

/* npu_queue_reset() - Has the firmware kill all its jobs; between npu_device_get() and put. */
int npu_queue_reset(struct npu_queue *queue);

/* The scheduler feeds the ring between resume and pause; pause waits for one that does. */
void npu_queue_pause(struct npu_queue *queue);
void npu_queue_resume(struct npu_queue *queue);

/* npu_queue_kill() - No more jobs; @why is zero or DRM_NPU_QUEUE_GUILTY or _INNOCENT. */
void npu_queue_kill(struct npu_queue *queue, u32 why, u32 fault);

/* npu_queue_lose_jobs() - Ends the jobs that the device has forgotten. */
void npu_queue_lose_jobs(struct npu_queue *queue);

/*
 * npu_queue_keep_jobs() - After a reset, before the status page is wiped: whether the queue's jobs
 * can be given to the firmware again, since it had begun none of them.
 */
bool npu_queue_keep_jobs(struct npu_queue *queue);

/* npu_queue_refill() - Gives the kept jobs of an attached queue to the firmware, in order. */
void npu_queue_refill(struct npu_queue *queue);

/* npu_queue_end_faults() - Ends the jobs of all queues of a VM whose context is clear again. */
void npu_queue_end_faults(struct npu_vm *vm);

/* npu_queue_free_ring() - When the device cannot read it any more. May be repeated. */
void npu_queue_free_ring(struct npu_queue *queue);

/* npu_queue_drain_done() - Takes all completion records and signals their fences. */
void npu_queue_drain_done(struct npu_device *npu);

/* npu_queue_close() - The file goes: destroys all its queues. */
void npu_queue_close(struct npu_file *nfile);

int npu_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file);
int npu_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int npu_ioctl_queue_state(struct drm_device *drm, void *data, struct drm_file *file);

#endif

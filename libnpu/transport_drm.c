// SPDX-License-Identifier: MIT
/* The kernel driver through libdrm; the library adds a timeline for each queue. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "error.h"
#include "npu_drm.h"
#include "transport.h"
#include "versions.h"

#define DRIVER_NAME	"npu"
#define NODE_FORMAT	"/dev/accel/accel%d"
#define NODES		64
/* Timelines of other queues may get their point later than the job that waits is submitted. */
#define SYNC_WAIT	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT

struct drm_device {
	int fd;
	char node[64];
};

/* Arrays for the ioctl, made once so that submitting allocates nothing */
struct drm_queue {
	pthread_mutex_t lock;
	uint32_t timeline;	/* syncobj: point n is job n */
	uint64_t submitted;
	uint64_t completed;	/* known to have finished; may be behind */
	struct drm_npu_job job[NPU_SUBMIT_JOBS_MAX];
	struct drm_npu_sync sync[NPU_SUBMIT_SYNCS_MAX + NPU_SUBMIT_JOBS_MAX];
};

static int fd_of(const struct npu_device *dev)
{
	return ((const struct drm_device *)dev->priv)->fd;
}

/* An ioctl that reports its failure as "what: reason". */
static int call(const struct npu_device *dev, unsigned long request, void *arg, const char *what)
{
	int err;

	if (!drmIoctl(fd_of(dev), request, arg))
		return 0;
	err = errno;
	return npu_fail(-err, "%s: %s", what, strerror(err));
}

/* Whether fd is a device of our driver, and one that this library goes with. */
static int check_driver(int fd, const char *node)
{
	drmVersionPtr v = drmGetVersion(fd);
	int rc;

	if (v && !strcmp(v->name, DRIVER_NAME))
		rc = versions_check(VERSIONS_DRIVER, node,
				    NPU_VERSION(v->version_major, v->version_minor));
	else
		rc = npu_fail(-ENODEV, "%s: not a device of the driver " DRIVER_NAME, node);
	drmFreeVersion(v);
	return rc;
}

static int open_node(struct drm_device *d, const char *node)
{
	int rc;

	snprintf(d->node, sizeof(d->node), "%s", node);
	d->fd = open(node, O_RDWR | O_CLOEXEC);
	if (d->fd < 0) {
		int err = errno;

		return npu_fail(-err, "%s: %s%s", node, strerror(err), err == EACCES ?
				" (its group is usually render)" : "");
	}
	rc = check_driver(d->fd, node);
	if (rc)
		close(d->fd);
	return rc;
}

static int open_any(struct drm_device *d)
{
	int denied = 0;

	for (int i = 0; i < NODES; i++) {
		char node[sizeof(((struct drm_device *)0)->node)];
		int rc;

		snprintf(node, sizeof(node), NODE_FORMAT, i);
		rc = open_node(d, node);
		if (!rc || rc == -EPROTO)
			return rc;
		if (rc == -EACCES)
			denied = i + 1;
	}
	if (denied)
		return npu_fail(-EACCES, NODE_FORMAT ": permission denied (its group is usually "
				"render)", denied - 1);
	return npu_fail(-ENOENT, "no /dev/accel device of the driver " DRIVER_NAME
			" (is the module loaded? --device sim needs none)");
}

static int query(struct npu_device *dev, uint32_t type, void *out, uint32_t size)
{
	struct drm_npu_dev_query q = { .type = type, .size = size, .pointer = (uintptr_t)out };

	memset(out, 0, size);
	return call(dev, DRM_IOCTL_NPU_DEV_QUERY, &q, "device query");
}

static int describe(struct npu_device *dev)
{
	struct npu_device_info *info = &dev->info;
	struct drm_npu_firmware_info fw;
	struct drm_npu_device_info d;
	int rc = query(dev, DRM_NPU_QUERY_DEVICE, &d, sizeof(d));

	if (!rc)
		rc = query(dev, DRM_NPU_QUERY_FIRMWARE, &fw, sizeof(fw));
	info->node = ((struct drm_device *)dev->priv)->node;
	if (!rc)
		rc = versions_check(VERSIONS_DEVICE, info->node, d.cmd_version);
	if (rc)
		return rc;
	info->hw_version = d.hw_version;
	info->cmd_version = d.cmd_version;
	info->fw_api = fw.api;
	memcpy(info->fw_version, fw.version, sizeof(info->fw_version));
	info->fw_version[sizeof(info->fw_version) - 1] = 0;
	info->cores = d.cores;
	info->spad_bytes = d.spad_bytes;
	info->fifo_bytes = d.fifo_bytes;
	info->macs = d.macs;
	info->matrix_mhz = d.matrix_mhz;
	info->vector_bits = d.vector_bits;
	info->dma_channels = d.dma_channels;
	info->dma_bytes = d.dma_bytes;
	info->dma_mhz = d.dma_mhz;
	info->dram_mbps = d.dram_mbps;
	info->dram_ns = d.dram_ns;
	info->contexts = d.contexts;
	info->queues = d.queues;
	info->va_min = d.va_min;
	info->va_max = d.va_max;
	return 0;
}

static int device_open(struct npu_device *dev, const char *args)
{
	struct drm_device *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return npu_fail(-ENOMEM, "device: no memory");
	dev->priv = d;
	rc = args ? open_node(d, args) : open_any(d);
	if (rc) {
		free(d);
		return rc;
	}
	rc = describe(dev);
	if (rc) {
		close(d->fd);
		free(d);
	}
	return rc;
}

static void device_close(struct npu_device *dev)
{
	close(fd_of(dev));
	free(dev->priv);
}

static void close_handle(const struct npu_device *dev, uint32_t handle)
{
	struct drm_gem_close c = { .handle = handle };

	drmIoctl(fd_of(dev), DRM_IOCTL_GEM_CLOSE, &c);
}

static int buffer_create(struct npu_buffer *buf)
{
	struct drm_npu_bo_create c = { .size = buf->size };
	int rc;

	if (buf->flags & NPU_BUFFER_READ_ONLY)
		c.flags |= DRM_NPU_BO_READ_ONLY;
	rc = call(buf->dev, DRM_IOCTL_NPU_BO_CREATE, &c, "buffer");
	if (rc)
		return rc;
	buf->handle = c.handle;
	buf->size = c.size;
	return 0;
}

static void buffer_destroy(struct npu_buffer *buf)
{
	if (buf->map)
		munmap(buf->map, buf->size);
	close_handle(buf->dev, buf->handle);
}

static int buffer_info(struct npu_buffer *buf, struct drm_npu_bo_info *info)
{
	*info = (struct drm_npu_bo_info){ .handle = buf->handle };
	return call(buf->dev, DRM_IOCTL_NPU_BO_INFO, info, "buffer info");
}

static int buffer_map(struct npu_buffer *buf, void **out)
{
	struct drm_npu_bo_info info;
	int rc = buffer_info(buf, &info);
	void *p;

	if (rc)
		return rc;
	if (!info.mmap_offset)
		return npu_fail(-EOPNOTSUPP, "buffer: an imported one cannot be mapped here");
	p = mmap(NULL, buf->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_of(buf->dev),
		 (off_t)info.mmap_offset);
	if (p == MAP_FAILED) {
		int err = errno;

		return npu_fail(-err, "buffer: mmap of %llu bytes: %s",
				(unsigned long long)buf->size, strerror(err));
	}
	*out = p;
	return 0;
}

static int buffer_export(struct npu_buffer *buf, int *fd)
{
	if (drmPrimeHandleToFD(fd_of(buf->dev), buf->handle, DRM_CLOEXEC | DRM_RDWR, fd)) {
		int err = errno;

		return npu_fail(-err, "buffer export: %s", strerror(err));
	}
	return 0;
}

static int buffer_import(struct npu_buffer *buf, int fd)
{
	struct drm_npu_bo_info info;
	int rc;

	if (drmPrimeFDToHandle(fd_of(buf->dev), fd, &buf->handle)) {
		int err = errno;

		return npu_fail(-err, "buffer import: %s", strerror(err));
	}
	rc = buffer_info(buf, &info);
	if (rc) {
		close_handle(buf->dev, buf->handle);
		return rc;
	}
	buf->size = info.size;
	if (info.flags & DRM_NPU_BO_READ_ONLY)
		buf->flags |= NPU_BUFFER_READ_ONLY;
	return 0;
}

static int vm_create(struct npu_vm *vm)
{
	struct drm_npu_vm_create c = { 0 };
	int rc = call(vm->dev, DRM_IOCTL_NPU_VM_CREATE, &c, "address space");

	if (rc == -ENOSPC)
		return npu_fail(rc, "address space: all %u contexts are in use",
				vm->dev->info.contexts);
	vm->id = c.vm_id;
	return rc;
}

static void vm_destroy(struct npu_vm *vm)
{
	struct drm_npu_vm_destroy d = { .vm_id = vm->id };

	drmIoctl(fd_of(vm->dev), DRM_IOCTL_NPU_VM_DESTROY, &d);
}

static int bind_one(struct npu_vm *vm, const struct drm_npu_bind_op *op, const char *what)
{
	struct drm_npu_vm_bind b = {
		.vm_id = vm->id,
		.ops = { .stride = sizeof(*op), .count = 1, .ptr = (uintptr_t)op },
	};

	return call(vm->dev, DRM_IOCTL_NPU_VM_BIND, &b, what);
}

static int vm_map(struct npu_vm *vm, struct npu_buffer *buf, uint64_t offset, uint64_t size,
		  uint64_t va, uint32_t flags)
{
	const struct drm_npu_bind_op op = {
		.type = DRM_NPU_BIND_MAP,
		.flags = flags & NPU_BIND_WRITE ? DRM_NPU_BIND_WRITE : 0,
		.handle = buf->handle,
		.va = va,
		.bo_offset = offset,
		.size = size,
	};

	return bind_one(vm, &op, "bind");
}

static int vm_unmap(struct npu_vm *vm, uint64_t va, uint64_t size)
{
	const struct drm_npu_bind_op op = { .type = DRM_NPU_BIND_UNMAP, .va = va, .size = size };

	return bind_one(vm, &op, "unbind");
}

static int syncobj_create(const struct npu_device *dev, uint32_t *handle)
{
	if (!drmSyncobjCreate(fd_of(dev), 0, handle))
		return 0;
	return npu_fail(-errno, "sync: cannot make a syncobj");
}

static int sync_create(struct npu_sync *sync)
{
	return syncobj_create(sync->dev, &sync->handle);
}

static void sync_destroy(struct npu_sync *sync)
{
	drmSyncobjDestroy(fd_of(sync->dev), sync->handle);
}

static int sync_signal(struct npu_sync *sync, uint64_t value)
{
	if (!drmSyncobjTimelineSignal(fd_of(sync->dev), &sync->handle, &value, 1))
		return 0;
	return npu_fail(-errno, "sync: cannot raise it to %llu", (unsigned long long)value);
}

/* Waits for a point of a syncobj; what and value are for the message. */
static int syncobj_wait(const struct npu_device *dev, uint32_t handle, uint64_t value,
			int64_t timeout_ns, uint32_t flags, const char *what)
{
	int rc = drmSyncobjTimelineWait(fd_of(dev), &handle, &value, 1, timeout_ns, flags, NULL);

	if (!rc)
		return 0;
	return npu_fail(rc, "%s %llu: %s", what, (unsigned long long)value,
			rc == -ETIME ? "not finished in time" : strerror(-rc));
}

static int sync_wait(struct npu_sync *sync, uint64_t value, int64_t timeout_ns)
{
	return syncobj_wait(sync->dev, sync->handle, value, timeout_ns, SYNC_WAIT, "sync: value");
}

static int queue_create(struct npu_queue *queue)
{
	const struct npu_device *dev = queue->vm->dev;
	struct drm_npu_queue_create c = {
		.vm_id = queue->vm->id,
		.priority = queue->priority,
		.entries = queue->entries,
	};
	struct drm_queue *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return npu_fail(-ENOMEM, "queue: no memory");
	rc = syncobj_create(dev, &q->timeline);
	if (rc)
		goto out_free;
	rc = call(dev, DRM_IOCTL_NPU_QUEUE_CREATE, &c, "queue");
	if (rc == -EACCES)
		npu_fail(rc, "queue: a priority above normal needs CAP_SYS_NICE");
	if (rc == -ENOSPC)
		npu_fail(rc, "queue: all %u of the device are in use, or %u entries of all together",
			 dev->info.queues, DRM_NPU_MAX_ENTRIES);
	if (rc)
		goto out_syncobj;
	pthread_mutex_init(&q->lock, NULL);
	queue->id = c.queue_id;
	queue->priv = q;
	return 0;

out_syncobj:
	drmSyncobjDestroy(fd_of(dev), q->timeline);
out_free:
	free(q);
	return rc;
}

static void queue_destroy(struct npu_queue *queue)
{
	struct drm_npu_queue_destroy d = { .queue_id = queue->id };
	const struct npu_device *dev = queue->vm->dev;
	struct drm_queue *q = queue->priv;

	drmIoctl(fd_of(dev), DRM_IOCTL_NPU_QUEUE_DESTROY, &d);
	drmSyncobjDestroy(fd_of(dev), q->timeline);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static int queue_state(struct npu_queue *queue, struct npu_queue_state *out)
{
	struct drm_npu_queue_state s = { .queue_id = queue->id };
	int rc = call(queue->vm->dev, DRM_IOCTL_NPU_QUEUE_STATE, &s, "queue state");

	if (rc)
		return rc;
	*out = (struct npu_queue_state){ .fault = s.fault, .submitted = s.submitted,
					 .completed = s.completed };
	if (s.state & DRM_NPU_QUEUE_DEAD)
		out->flags |= NPU_QUEUE_DEAD;
	if (s.state & DRM_NPU_QUEUE_GUILTY)
		out->flags |= NPU_QUEUE_GUILTY;
	if (s.state & DRM_NPU_QUEUE_INNOCENT)
		out->flags |= NPU_QUEUE_INNOCENT;
	return 0;
}

/* Fills the arrays of the ioctl; each job also raises the queue's timeline to its number. */
static void stage(struct drm_queue *q, const struct npu_job *jobs, uint32_t n)
{
	struct drm_npu_sync *sync = q->sync;

	for (uint32_t i = 0; i < n; i++) {
		struct drm_npu_job *job = &q->job[i];

		*job = (struct drm_npu_job){
			.cmdbuf = jobs[i].cmdbuf,
			.cmdbuf_size = jobs[i].cmdbuf_size,
			.n_params = jobs[i].n_params,
			.params = jobs[i].n_params ? (uintptr_t)jobs[i].params : 0,
			.syncs = { .stride = sizeof(*sync), .count = jobs[i].n_syncs + 1,
				   .ptr = (uintptr_t)sync },
		};
		for (uint32_t s = 0; s < jobs[i].n_syncs; s++) {
			const struct npu_sync_op *op = &jobs[i].syncs[s];
			bool signal = op->flags & NPU_SYNC_OP_SIGNAL;

			*sync++ = (struct drm_npu_sync){
				.flags = DRM_NPU_SYNC_TIMELINE | (signal ? DRM_NPU_SYNC_SIGNAL : 0),
				.handle = op->sync->handle,
				.value = op->value,
			};
		}
		*sync++ = (struct drm_npu_sync){
			.flags = DRM_NPU_SYNC_TIMELINE | DRM_NPU_SYNC_SIGNAL,
			.handle = q->timeline,
			.value = q->submitted + i + 1,
		};
	}
}

/* Leaves room for n jobs in the queue: as many as it has entries are under way. */
static int make_room(struct npu_queue *queue, struct drm_queue *q, uint32_t n)
{
	uint64_t need;
	int rc;

	if (q->submitted + n - q->completed <= queue->entries)
		return 0;
	need = q->submitted + n - queue->entries;
	rc = syncobj_wait(queue->vm->dev, q->timeline, need, INT64_MAX, 0,
			  "submit: room after job");
	if (!rc)
		q->completed = need;
	return rc;
}

/* Says why a dead queue is. */
static int submit_fail(struct npu_queue *queue, int err)
{
	struct npu_queue_state st;

	if (err != EIO || queue_state(queue, &st) || !(st.flags & NPU_QUEUE_DEAD))
		return npu_fail(-err, "submit: %s", strerror(err));
	return npu_fail(-EIO, "submit: the queue is dead: %s", st.flags & NPU_QUEUE_INNOCENT ?
			"lost a job by another's fault or a reset" : npu_fault_name(st.fault));
}

static int submit_locked(struct npu_queue *queue, struct drm_queue *q, const struct npu_job *jobs,
			 uint32_t n, uint64_t *first_seqno)
{
	struct drm_npu_submit s = {
		.queue_id = queue->id,
		.jobs = { .stride = sizeof(q->job[0]), .count = n, .ptr = (uintptr_t)q->job },
	};
	int rc = make_room(queue, q, n);

	if (rc)
		return rc;
	stage(q, jobs, n);
	if (drmIoctl(fd_of(queue->vm->dev), DRM_IOCTL_NPU_SUBMIT, &s))
		return submit_fail(queue, errno);
	if (s.first_seqno != q->submitted + 1)
		return npu_fail(-EPROTO, "submit: the kernel numbers the job %llu, expected %llu",
				(unsigned long long)s.first_seqno,
				(unsigned long long)q->submitted + 1);
	q->submitted += n;
	*first_seqno = s.first_seqno;
	return 0;
}

static int submit(struct npu_queue *queue, const struct npu_job *jobs, uint32_t n,
		  uint64_t *first_seqno)
{
	struct drm_queue *q = queue->priv;
	int rc;

	if (n > queue->entries)
		return npu_fail(-E2BIG, "submit: %u jobs, the queue has %u entries", n,
				queue->entries);
	for (uint32_t i = 0; i < n; i++)
		if (jobs[i].n_syncs + 1 > DRM_NPU_MAX_SYNCS)
			return npu_fail(-E2BIG, "submit: job %u has %u syncs, at most %u", i,
					jobs[i].n_syncs, DRM_NPU_MAX_SYNCS - 1);
	pthread_mutex_lock(&q->lock);
	rc = submit_locked(queue, q, jobs, n, first_seqno);
	pthread_mutex_unlock(&q->lock);
	return rc;
}

static int check_seqno(struct drm_queue *q, uint64_t seqno, const char *what)
{
	uint64_t last;

	pthread_mutex_lock(&q->lock);
	last = q->submitted;
	pthread_mutex_unlock(&q->lock);
	if (seqno && seqno <= last)
		return 0;
	return npu_fail(-EINVAL, "%s: job %llu was never given, the last is %llu", what,
			(unsigned long long)seqno, (unsigned long long)last);
}

static int wait_job(struct npu_queue *queue, uint64_t seqno, int64_t timeout_ns)
{
	struct drm_queue *q = queue->priv;
	int rc = check_seqno(q, seqno, "wait");

	if (!rc)
		rc = syncobj_wait(queue->vm->dev, q->timeline, seqno, timeout_ns, 0, "wait: job");
	return rc;
}

/* A timeline point as a sync file, by way of a binary syncobj. */
static int job_fd(struct npu_queue *queue, uint64_t seqno, int *fd)
{
	const struct npu_device *dev = queue->vm->dev;
	struct drm_queue *q = queue->priv;
	uint32_t binary;
	int rc = check_seqno(q, seqno, "job fd");

	if (!rc)
		rc = syncobj_create(dev, &binary);
	if (rc)
		return rc;
	if (drmSyncobjTransfer(fd_of(dev), binary, 0, q->timeline, seqno, 0) ||
	    drmSyncobjExportSyncFile(fd_of(dev), binary, fd))
		rc = npu_fail(-errno, "job fd: job %llu: %s", (unsigned long long)seqno,
			      strerror(errno));
	drmSyncobjDestroy(fd_of(dev), binary);
	return rc;
}

static int job_result(struct npu_queue *queue, uint64_t seqno, struct npu_result *out)
{
	/* a driver of ioctls 1.0 leaves wait_ns as it is */
	struct drm_npu_job_result r = { 0 };
	struct drm_npu_get_result g = {
		.queue_id = queue->id,
		.size = sizeof(r),
		.seqno = seqno,
		.pointer = (uintptr_t)&r,
	};
	int rc = call(queue->vm->dev, DRM_IOCTL_NPU_JOB_RESULT, &g, "result");

	if (rc)
		return rc;
	*out = (struct npu_result){
		.seqno = r.seqno,
		.error = r.error,
		.fault = r.fault,
		.fault_core = r.fault_core,
		.fault_opcode = r.fault_opcode,
		.fault_offset = r.fault_offset,
		.fault_mark = r.fault_mark,
		.fault_addr = r.fault_addr,
		.model_ns = r.model_ns,
		.wait_ns = r.wait_ns,
		.read_bytes = r.read_bytes,
		.write_bytes = r.write_bytes,
		.macs = r.macs,
		.energy_pj = r.energy_pj,
		.host_ns = r.host_ns,
		.commands = r.commands,
	};
	memcpy(out->busy_ns, r.busy_ns, sizeof(out->busy_ns));
	return 0;
}

const struct npu_transport npu_transport_drm = {
	.name = "drm",
	.open = device_open,
	.close = device_close,
	.buffer_create = buffer_create,
	.buffer_destroy = buffer_destroy,
	.buffer_map = buffer_map,
	.buffer_export = buffer_export,
	.buffer_import = buffer_import,
	.vm_create = vm_create,
	.vm_destroy = vm_destroy,
	.vm_map = vm_map,
	.vm_unmap = vm_unmap,
	.sync_create = sync_create,
	.sync_destroy = sync_destroy,
	.sync_signal = sync_signal,
	.sync_wait = sync_wait,
	.queue_create = queue_create,
	.queue_destroy = queue_destroy,
	.queue_state = queue_state,
	.submit = submit,
	.wait = wait_job,
	.job_fd = job_fd,
	.job_result = job_result,
};

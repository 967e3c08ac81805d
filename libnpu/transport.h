/* SPDX-License-Identifier: MIT */
/*
 * The objects behind the public handles, and the table of operations by which a transport reaches
 * a device. The files named after an object check arguments, keep references and limits; a
 * transport does only what differs.
 */
#ifndef LIBNPU_TRANSPORT_H
#define LIBNPU_TRANSPORT_H

#include <pthread.h>
#include <stdatomic.h>

#include "npu.h"
#include "va.h"

#define NPU_BUFFER_BYTES_MAX	(256ull << 30)
#define NPU_RESULTS_KEPT	256

struct npu_device {
	const struct npu_transport *ops;
	void *priv;			/* the transport's */
	struct npu_device_info info;	/* filled by open() */
	atomic_uint refs;
};

struct npu_buffer {
	struct npu_device *dev;
	atomic_uint refs;
	uint64_t size;			/* bytes, whole pages */
	uint32_t flags;
	uint32_t handle;		/* drm: of the GEM object */
	void *priv;			/* sim: the memory */
	pthread_mutex_t lock;		/* of map */
	void *map;			/* NULL until mapped */
};

struct npu_vm {
	struct npu_device *dev;
	atomic_uint refs;
	uint32_t id;			/* the transport's */
	void *priv;
	pthread_mutex_t lock;		/* of space and of the transport's map and unmap */
	struct va_space space;
};

struct npu_sync {
	struct npu_device *dev;
	atomic_uint refs;
	uint32_t handle;		/* drm: syncobj */
	void *priv;
};

struct npu_queue {
	struct npu_vm *vm;
	uint32_t id;			/* the transport's */
	uint32_t priority;
	uint32_t entries;
	void *priv;
};

/*
 * Each returns 0 or a negative errno with npu_fail(). Arguments have been checked; object fields
 * handle, id and priv are the transport's own.
 */
struct npu_transport {
	const char *name;
	/* args: what follows "name:" in the specification, NULL if nothing; fills dev->info */
	int (*open)(struct npu_device *dev, const char *args);
	void (*close)(struct npu_device *dev);

	int (*buffer_create)(struct npu_buffer *buf);
	void (*buffer_destroy)(struct npu_buffer *buf);
	int (*buffer_map)(struct npu_buffer *buf, void **out);
	int (*buffer_export)(struct npu_buffer *buf, int *fd);
	int (*buffer_import)(struct npu_buffer *buf, int fd);	/* sets size */

	int (*vm_create)(struct npu_vm *vm);
	void (*vm_destroy)(struct npu_vm *vm);
	int (*vm_map)(struct npu_vm *vm, struct npu_buffer *buf, uint64_t offset, uint64_t size,
		      uint64_t va, uint32_t flags);
	int (*vm_unmap)(struct npu_vm *vm, uint64_t va, uint64_t size);

	int (*sync_create)(struct npu_sync *sync);
	void (*sync_destroy)(struct npu_sync *sync);
	int (*sync_signal)(struct npu_sync *sync, uint64_t value);
	int (*sync_wait)(struct npu_sync *sync, uint64_t value, int64_t timeout_ns);

	int (*queue_create)(struct npu_queue *queue);
	void (*queue_destroy)(struct npu_queue *queue);
	int (*queue_state)(struct npu_queue *queue, struct npu_queue_state *out);
	int (*submit)(struct npu_queue *queue, const struct npu_job *jobs, uint32_t n,
		      uint64_t *first_seqno);
	int (*wait)(struct npu_queue *queue, uint64_t seqno, int64_t timeout_ns);
	int (*job_fd)(struct npu_queue *queue, uint64_t seqno, int *fd);
	int (*job_result)(struct npu_queue *queue, uint64_t seqno, struct npu_result *out);
};

extern const struct npu_transport npu_transport_drm;
extern const struct npu_transport npu_transport_sim;

struct npu_device *npu_device_ref(struct npu_device *dev);

#endif

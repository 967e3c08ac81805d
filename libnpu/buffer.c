// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "npu_mmu.h"
#include "transport.h"

static struct npu_buffer *buffer_alloc(struct npu_device *dev)
{
	struct npu_buffer *buf = calloc(1, sizeof(*buf));

	if (!buf)
		return NULL;
	buf->dev = npu_device_ref(dev);
	atomic_init(&buf->refs, 1);
	pthread_mutex_init(&buf->lock, NULL);
	return buf;
}

static void buffer_free(struct npu_buffer *buf)
{
	pthread_mutex_destroy(&buf->lock);
	npu_device_close(buf->dev);
	free(buf);
}

int npu_buffer_create(struct npu_device *dev, uint64_t size, uint32_t flags,
		      struct npu_buffer **out)
{
	struct npu_buffer *buf;
	int rc;

	if (!size || size > NPU_BUFFER_BYTES_MAX)
		return npu_fail(-EINVAL, "buffer: size is %llu bytes, must be 1..%llu",
				(unsigned long long)size, NPU_BUFFER_BYTES_MAX);
	if (flags & ~NPU_BUFFER_READ_ONLY)
		return npu_fail(-EINVAL, "buffer: unknown flags 0x%x", flags);
	buf = buffer_alloc(dev);
	if (!buf)
		return npu_fail(-ENOMEM, "buffer: no memory");
	buf->size = NPU_ALIGN_UP(size, NPU_PAGE_SIZE);
	buf->flags = flags;
	rc = dev->ops->buffer_create(buf);
	if (rc) {
		buffer_free(buf);
		return rc;
	}
	*out = buf;
	return 0;
}

int npu_buffer_import(struct npu_device *dev, int fd, struct npu_buffer **out)
{
	struct npu_buffer *buf;
	int rc;

	if (!dev->ops->buffer_import)
		return npu_fail(-EOPNOTSUPP, "buffer: transport %s imports no dma-buf",
				dev->ops->name);
	buf = buffer_alloc(dev);
	if (!buf)
		return npu_fail(-ENOMEM, "buffer: no memory");
	rc = dev->ops->buffer_import(buf, fd);
	if (rc) {
		buffer_free(buf);
		return rc;
	}
	*out = buf;
	return 0;
}

int npu_buffer_export(struct npu_buffer *buf, int *fd)
{
	if (!buf->dev->ops->buffer_export)
		return npu_fail(-EOPNOTSUPP, "buffer: transport %s exports no dma-buf",
				buf->dev->ops->name);
	return buf->dev->ops->buffer_export(buf, fd);
}

struct npu_buffer *npu_buffer_ref(struct npu_buffer *buf)
{
	atomic_fetch_add(&buf->refs, 1);
	return buf;
}

void npu_buffer_destroy(struct npu_buffer *buf)
{
	if (!buf || atomic_fetch_sub(&buf->refs, 1) != 1)
		return;
	buf->dev->ops->buffer_destroy(buf);
	buffer_free(buf);
}

uint64_t npu_buffer_size(const struct npu_buffer *buf)
{
	return buf->size;
}

int npu_buffer_map(struct npu_buffer *buf, void **out)
{
	int rc = 0;

	pthread_mutex_lock(&buf->lock);
	if (!buf->map)
		rc = buf->dev->ops->buffer_map(buf, &buf->map);
	if (!rc)
		*out = buf->map;
	pthread_mutex_unlock(&buf->lock);
	return rc;
}

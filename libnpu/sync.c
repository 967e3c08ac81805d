// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "transport.h"

int npu_sync_create(struct npu_device *dev, struct npu_sync **out)
{
	struct npu_sync *sync = calloc(1, sizeof(*sync));
	int rc;

	if (!sync)
		return npu_fail(-ENOMEM, "sync: no memory");
	sync->dev = npu_device_ref(dev);
	atomic_init(&sync->refs, 1);
	rc = dev->ops->sync_create(sync);
	if (rc) {
		npu_device_close(dev);
		free(sync);
		return rc;
	}
	*out = sync;
	return 0;
}

void npu_sync_destroy(struct npu_sync *sync)
{
	if (!sync || atomic_fetch_sub(&sync->refs, 1) != 1)
		return;
	sync->dev->ops->sync_destroy(sync);
	npu_device_close(sync->dev);
	free(sync);
}

int npu_sync_signal(struct npu_sync *sync, uint64_t value)
{
	if (!value)
		return npu_fail(-EINVAL, "sync: a timeline cannot be raised to 0");
	return sync->dev->ops->sync_signal(sync, value);
}

int npu_sync_wait(struct npu_sync *sync, uint64_t value, int64_t timeout_ns)
{
	return sync->dev->ops->sync_wait(sync, value, timeout_ns);
}

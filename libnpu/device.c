// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "transport.h"

static const struct npu_transport *const transports[] = {
	&npu_transport_drm,
	&npu_transport_sim,
};

/* "name" or "name:args" */
static const struct npu_transport *find_transport(const char *spec, const char **args)
{
	size_t len = strcspn(spec, ":");

	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		const char *name = transports[i]->name;

		if (strlen(name) != len || strncmp(spec, name, len))
			continue;
		*args = spec[len] && spec[len + 1] ? spec + len + 1 : NULL;
		return transports[i];
	}
	return NULL;
}

int npu_device_open(const char *spec, struct npu_device **out)
{
	const struct npu_transport *ops;
	struct npu_device *dev;
	const char *args;
	int rc;

	ops = find_transport(spec ? spec : "drm", &args);
	if (!ops)
		return npu_fail(-EINVAL, "device %s: unknown transport (drm[:node] or "
				"sim[:key=value,...])", spec);
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return npu_fail(-ENOMEM, "device: no memory");
	dev->ops = ops;
	dev->info.transport = ops->name;
	atomic_init(&dev->refs, 1);
	rc = ops->open(dev, args);
	if (rc) {
		free(dev);
		return rc;
	}
	*out = dev;
	return 0;
}

struct npu_device *npu_device_ref(struct npu_device *dev)
{
	atomic_fetch_add(&dev->refs, 1);
	return dev;
}

void npu_device_close(struct npu_device *dev)
{
	if (!dev || atomic_fetch_sub(&dev->refs, 1) != 1)
		return;
	dev->ops->close(dev);
	free(dev);
}

const struct npu_device_info *npu_device_info(const struct npu_device *dev)
{
	return &dev->info;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Works on the device until it is gone or the time is over, and checks each result.
 *
 * usage: load SECONDS
 *
 * Exit status: 0 time is over, 10 the device went and everything behaved as it must then,
 * 1 something did not. "ready" is printed when the first job is done.
 */
#include "npu_jobs.h"

static int complain(const char *what, long value)
{
	printf("# load: %s (%ld)\n", what, value);
	return 1;
}

/* The device is gone: each call says so, memory stays where it is. */
static int after_unplug(struct npu_client *c)
{
	struct drm_npu_device_info info;
	struct drm_npu_bo_create bo;
	struct drm_npu_queue_state q;
	__u32 vm;

	if (npu_device_info(c->fd, &info) != -ENODEV)
		return complain("DEV_QUERY works without a device", 0);
	if (npu_bo_create(c->fd, 4096, 0, &bo) != -ENODEV)
		return complain("BO_CREATE works without a device", 0);
	if (npu_vm_create(c->fd, &vm) != -ENODEV)
		return complain("VM_CREATE works without a device", 0);
	if (npu_queue_state(c->fd, c->queue, &q) != -ENODEV)
		return complain("QUEUE_STATE works without a device", 0);
	if (npu_submit_slot(c, 0, 152, NULL) != -ENODEV)
		return complain("SUBMIT works without a device", 0);
	npu_poke(c, NPU_AT_LIST, 12);
	if (npu_peek(c, NPU_AT_LIST) != 12)
		return complain("memory is lost", 0);
	npu_client_close(c);
	return 10;
}

int main(int argc, char **argv)
{
	__s64 end = npu_deadline((argc > 1 ? atoi(argv[1]) : 10) * SEC);
	struct npu_client c;
	int ret = npu_client_open(&c);
	__u32 size, n = 0;

	if (ret)
		return complain("no client", ret);
	size = npu_build_store(&c, 0);
	while (npu_deadline(0) < end) {
		struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = c.done };
		struct drm_npu_job job = npu_job_at(0, size);
		__u64 value = ++n;
		int status;

		npu_job_params(&job, &value, 1);
		npu_job_syncs(&job, &out, 1);
		ret = npu_submit(c.fd, c.queue, &job, 1, NULL);
		if (ret == -ENODEV)
			return after_unplug(&c);
		if (ret)
			return complain("submit", ret);
		ret = npu_syncobj_wait(c.fd, c.done, 20 * SEC);
		if (ret == -ENODEV)
			return after_unplug(&c);
		if (ret)
			return complain("wait", ret);
		status = npu_fence_status(c.fd, c.done);
		if (status == 1 && npu_peek(&c, NPU_AT_VALUE) != value)
			return complain("wrong result of job", n);
		if (status != 1 && status != INT_MIN && status != -ECANCELED && status != -ENODEV)
			return complain("fence", status);
		if (status != 1)
			return after_unplug(&c);
		if (n == 1) {
			puts("ready");
			fflush(stdout);
		}
	}
	npu_client_close(&c);
	return 0;
}

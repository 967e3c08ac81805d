// SPDX-License-Identifier: MIT
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int llm_pick_device(const struct llm_options *o, const char **device, struct llm_err *err)
{
	struct npu_device *dev;
	int ret;

	if (o->device) {
		*device = o->device;
		return 0;
	}
	ret = npu_device_open("drm", &dev);
	if (!ret) {
		npu_device_close(dev);
		*device = "drm";
		return 0;
	}
	if (ret != -ENOENT && ret != -ENOTSUP)
		return llm_fail(err, -ret, "%s", npu_error_text());
	if (!o->quiet)
		fprintf(stderr, "npu-llm: no NPU device node: running on the device model in this process (--device sim)\n");
	*device = "sim";
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void llm_progress_start(struct llm_progress *p, bool quiet)
{
	*p = (struct llm_progress) {
		.terminal = !quiet && isatty(STDERR_FILENO),
		.start_ns = now_ns(),
	};
}

void llm_progress_update(void *opaque, uint64_t done, uint64_t total)
{
	struct llm_progress *p = opaque;
	unsigned int percent = total ? (unsigned int)(done * 100 / total) : 100;

	/* nothing flickers for models that load at once */
	if (!p->terminal || percent == p->percent || now_ns() - p->start_ns < 300000000u)
		return;
	p->percent = percent;
	p->shown = true;
	fprintf(stderr, "\rloading weights %3u %%", percent);
	fflush(stderr);
}

void llm_progress_end(struct llm_progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	p->shown = false;
}

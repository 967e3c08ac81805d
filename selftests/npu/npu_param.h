/* SPDX-License-Identifier: GPL-2.0-only */
/* Module parameters and debugfs files that tests turn for a while. */
#ifndef NPU_PARAM_H
#define NPU_PARAM_H

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "npu_test.h"

static inline int npu_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Sets a parameter of the driver; returns what it was, or -errno. */
static inline int npu_set_param(const char *name, int value)
{
	char path[128], text[16] = "";
	ssize_t got;
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/module/npu/parameters/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return -EIO;
	ret = atoi(text);
	snprintf(text, sizeof(text), "%d", value);
	fd = npu_write_file(path, text);
	return fd ? fd : ret;
}

/* Writes to a file in the device's debugfs directory, named after the minor or the device. */
static inline int npu_write_debugfs(int fd, const char *name, const char *text)
{
	char path[256], link[64], device[128] = "";
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	snprintf(path, sizeof(path), "/sys/kernel/debug/accel/%u/%s", minor(st.st_rdev), name);
	ret = npu_write_file(path, text);
	if (ret != -ENOENT)
		return ret;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/device", major(st.st_rdev),
		 minor(st.st_rdev));
	if (readlink(link, device, sizeof(device) - 1) < 0 || !strrchr(device, '/'))
		return -errno;
	snprintf(path, sizeof(path), "/sys/kernel/debug/accel%s/%s", strrchr(device, '/'), name);
	return npu_write_file(path, text);
}

#endif

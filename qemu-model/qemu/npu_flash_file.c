/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Not a block back end of QEMU: the core library reads and writes it from threads of its own, which
 * never take the big lock, and only when it boots.
 */
#include "qemu/osdep.h"
#include <sys/file.h>
#include "qapi/error.h"

#include "npu_flash_file.h"

static int npu_flash_read(void *opaque, uint64_t at, void *to, size_t bytes)
{
	struct npu_flash_file *f = opaque;
	ssize_t n;

	while (bytes) {
		n = pread(f->fd, to, bytes, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		at += n;
		to = (char *)to + n;
		bytes -= n;
	}
	return 0;
}

static int npu_flash_write(void *opaque, uint64_t at, const void *from, size_t bytes)
{
	struct npu_flash_file *f = opaque;
	ssize_t n;

	while (bytes) {
		n = pwrite(f->fd, from, bytes, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		at += n;
		from = (const char *)from + n;
		bytes -= n;
	}
	return fdatasync(f->fd) ? -errno : 0;
}

bool npu_flash_file_open(struct npu_flash_file *f, const char *path,
			 struct npu_core_flash *out, Error **errp)
{
	off_t size;

	f->fd = -1;
	if (!path)
		return true;
	f->fd = qemu_open(path, O_RDWR, errp);
	if (f->fd < 0) {
		error_prepend(errp, "npu: flash: ");
		return false;
	}
	if (flock(f->fd, LOCK_EX | LOCK_NB)) {
		error_setg(errp,
			   "npu: flash '%s' is in use; end the other device or npu-fw that has it",
			   path);
		npu_flash_file_close(f);
		return false;
	}
	size = lseek(f->fd, 0, SEEK_END);
	if (size <= 0) {
		error_setg(errp, "npu: flash '%s' is empty; make one with npu-fw flash-init", path);
		npu_flash_file_close(f);
		return false;
	}
	*out = (struct npu_core_flash) {
		.read = npu_flash_read, .write = npu_flash_write, .opaque = f, .size = size,
	};
	return true;
}

void npu_flash_file_close(struct npu_flash_file *f)
{
	if (f->fd >= 0)
		qemu_close(f->fd);
	f->fd = -1;
}

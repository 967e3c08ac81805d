// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flash_file.h"

static int file_read(void *opaque, uint64_t at, void *to, size_t bytes)
{
	int fd = (intptr_t)opaque;
	char *p = to;
	ssize_t n;

	while (bytes) {
		n = pread(fd, p, bytes, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		at += n;
		bytes -= n;
	}
	return 0;
}

static int file_write(void *opaque, uint64_t at, const void *from, size_t bytes)
{
	int fd = (intptr_t)opaque;
	const char *p = from;
	ssize_t n;

	while (bytes) {
		n = pwrite(fd, p, bytes, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		at += n;
		bytes -= n;
	}
	return fdatasync(fd) ? -errno : 0;
}

static int lock(struct npu_flash_file *file, enum npu_flash_file_mode mode)
{
	int how = mode == NPU_FLASH_FILE_LOOK ? LOCK_SH : LOCK_EX;

	if (!flock(file->fd, how | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK || mode != NPU_FLASH_FILE_LOOK)
		return -errno;
	file->in_use = true;
	return 0;
}

static int find_size(struct npu_flash_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode)) {
		file->io.size = st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	return ioctl(file->fd, BLKGETSIZE64, &file->io.size) ? -errno : 0;
}

int npu_flash_file_open(struct npu_flash_file *file, const char *name,
			enum npu_flash_file_mode mode)
{
	/* without O_NONBLOCK a pipe would keep us here for ever */
	int flags = O_CLOEXEC | O_NONBLOCK |
		    (mode == NPU_FLASH_FILE_LOOK ? O_RDONLY : O_RDWR) |
		    (mode == NPU_FLASH_FILE_CREATE ? O_CREAT : 0);
	int ret;

	*file = (struct npu_flash_file){ .fd = open(name, flags, 0644) };
	if (file->fd < 0)
		return -errno;
	file->io.read = file_read;
	file->io.write = file_write;
	file->io.opaque = (void *)(intptr_t)file->fd;
	/* the size counts only under the lock */
	ret = lock(file, mode);
	if (!ret)
		ret = find_size(file);
	if (ret)
		npu_flash_file_close(file);
	return ret;
}

int npu_flash_file_resize(struct npu_flash_file *file, uint64_t bytes)
{
	struct stat st;

	if (fstat(file->fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode)) {
		if (ftruncate(file->fd, bytes) || fsync(file->fd))
			return -errno;
		file->io.size = bytes;
		return 0;
	}
	return file->io.size < bytes ? -ERANGE : 0;
}

void npu_flash_file_close(struct npu_flash_file *file)
{
	close(file->fd);
	file->fd = -1;
}

// SPDX-License-Identifier: MIT
/* Opening, mapping, closing, reading tensor bytes. */
#include "gguf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gguf_file.h"

static struct gguf *gguf_new(const char *name)
{
	struct gguf *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->fd = -1;
	g->name = strdup(name);
	if (!g->name) {
		free(g);
		return NULL;
	}
	return g;
}

/* Opens @path and finds out how many bytes it has. */
static int open_file(const char *path, int *fd, uint64_t *size, struct llm_err *err)
{
	struct stat st;
	off_t end;
	int ret;

	/* Without O_NONBLOCK a FIFO with no writer would hang us here. */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return llm_fail(err, errno, "cannot open: %s", strerror(errno));
	if (fstat(*fd, &st) < 0) {
		ret = llm_fail(err, errno, "cannot stat: %s", strerror(errno));
		goto out_close;
	}
	if (S_ISDIR(st.st_mode)) {
		ret = llm_fail(err, EISDIR, "is a directory, not a GGUF file");
		goto out_close;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		ret = llm_fail(err, EINVAL, "is neither a regular file nor a block device");
		goto out_close;
	}
	/* st_size is 0 for block devices; the end is right for both. */
	end = lseek(*fd, 0, SEEK_END);
	if (end < 0) {
		ret = llm_fail(err, errno, "cannot find its size: %s", strerror(errno));
		goto out_close;
	}
	*size = (uint64_t)end;
	return 0;

out_close:
	close(*fd);
	*fd = -1;
	return ret;
}

int gguf_open(const char *path, struct gguf **out, struct llm_err *err)
{
	struct gguf *g = gguf_new(path);
	void *map;
	int ret;

	if (!g)
		return llm_fail(err, ENOMEM, "%s: out of memory", path);

	ret = open_file(path, &g->fd, &g->size, err);
	if (ret)
		goto out_close;
	if (g->size == 0 || g->size > SIZE_MAX) {
		ret = llm_fail(err, g->size ? EFBIG : EMSGSIZE,
			       "has %" PRIu64 " bytes, wanted 24 to %zu", g->size, SIZE_MAX);
		goto out_close;
	}
	/* Private: 9p and others without coherent shared mappings can do this one. */
	map = mmap(NULL, g->size, PROT_READ, MAP_PRIVATE, g->fd, 0);
	if (map == MAP_FAILED) {
		ret = llm_fail(err, errno, "cannot map %" PRIu64 " bytes: %s", g->size,
			       strerror(errno));
		goto out_close;
	}
	g->base = map;
	ret = gguf_parse(g, err);
	if (ret)
		goto out_close;
	*out = g;
	return 0;

out_close:
	llm_err_prefix(err, path);
	gguf_close(g);
	return ret;
}

int gguf_open_memory(const void *data, size_t size, const char *name, struct gguf **out,
		     struct llm_err *err)
{
	struct gguf *g = gguf_new(name);
	int ret;

	if (!g)
		return llm_fail(err, ENOMEM, "%s: out of memory", name);
	g->base = data;
	g->size = size;
	ret = gguf_parse(g, err);
	if (ret) {
		llm_err_prefix(err, name);
		gguf_close(g);
		return ret;
	}
	*out = g;
	return 0;
}

void gguf_close(struct gguf *g)
{
	if (!g)
		return;
	if (g->fd >= 0) {
		if (g->base)
			munmap((void *)g->base, g->size);
		close(g->fd);
	}
	free(g->kv);
	free(g->kv_sorted);
	free(g->tensors);
	free(g->tensor_sorted);
	free(g->name);
	free(g);
}

const char *gguf_name(const struct gguf *g)
{
	return g->name;
}

uint32_t gguf_version(const struct gguf *g)
{
	return g->version;
}

uint64_t gguf_alignment(const struct gguf *g)
{
	return g->alignment;
}

uint64_t gguf_file_bytes(const struct gguf *g)
{
	return g->size;
}

size_t gguf_n_tensors(const struct gguf *g)
{
	return g->n_tensors;
}

const struct gguf_tensor *gguf_tensor(const struct gguf *g, size_t i)
{
	return i < g->n_tensors ? &g->tensors[i] : NULL;
}

const struct gguf_tensor *gguf_lookup_tensor(const struct gguf *g, const char *name)
{
	size_t lo = 0, hi = g->n_tensors;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct gguf_tensor *t = &g->tensors[g->tensor_sorted[mid]];
		int c = gguf_compare(t->name, strlen(t->name), name, strlen(name));

		if (!c)
			return t;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

int gguf_tensor_read(const struct gguf *g, const struct gguf_tensor *t, uint64_t offset,
		     void *dst, size_t n, struct llm_err *err)
{
	uint8_t *to = dst;

	if (offset > t->size_bytes || n > t->size_bytes - offset)
		return llm_fail(err, EINVAL, "%s: tensor %s: bytes %" PRIu64 " to %" PRIu64
				" asked for, it has %" PRIu64, g->name, t->name, offset,
				offset + n, t->size_bytes);
	if (g->fd < 0) {
		memcpy(to, (const uint8_t *)t->data + offset, n);
		return 0;
	}
	offset += t->offset;
	while (n) {
		ssize_t got = pread(g->fd, to, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return llm_fail(err, errno, "%s: tensor %s: cannot read at %" PRIu64 ": %s",
					g->name, t->name, offset, strerror(errno));
		if (got == 0)
			return llm_fail(err, EIO, "%s: tensor %s: the file became shorter than %"
					PRIu64 " bytes while it was open", g->name, t->name,
					offset + n);
		to += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "npu_mmu.h"

int npu_bus_map(const struct npu_bus *bus, uint64_t addr, uint64_t len, bool write,
		struct npu_mapping *out)
{
	uint64_t mapped = 0;
	void *ptr;

	if (!len || addr >> NPU_DMA_BITS || len > (1ull << NPU_DMA_BITS) - addr)
		return -EFAULT;
	ptr = bus->ops->map(bus->opaque, addr, len, write, &mapped);
	if (!ptr)
		return -EFAULT;
	*out = (struct npu_mapping) { .ptr = ptr, .bytes = mapped, .write = write };
	if (!mapped || mapped > len) {
		npu_bus_unmap(bus, out);
		return -EFAULT;
	}
	return 0;
}

void npu_bus_unmap(const struct npu_bus *bus, const struct npu_mapping *m)
{
	bus->ops->unmap(bus->opaque, m->ptr, m->bytes, m->write);
}

static int copy(const struct npu_bus *bus, uint64_t addr, uint8_t *host, size_t len, bool write)
{
	while (len) {
		struct npu_mapping m;
		int ret = npu_bus_map(bus, addr, len, write, &m);

		if (ret)
			return ret;
		if (write)
			memcpy(m.ptr, host, m.bytes);
		else
			memcpy(host, m.ptr, m.bytes);
		npu_bus_unmap(bus, &m);
		addr += m.bytes;
		host += m.bytes;
		len -= m.bytes;
	}
	return 0;
}

int npu_bus_read(const struct npu_bus *bus, uint64_t addr, void *dst, size_t len)
{
	return copy(bus, addr, dst, len, false);
}

int npu_bus_write(const struct npu_bus *bus, uint64_t addr, const void *src, size_t len)
{
	return copy(bus, addr, (uint8_t *)(uintptr_t)src, len, true);
}

int npu_window_map(const struct npu_bus *bus, uint64_t addr, uint64_t len, struct npu_window *w)
{
	uint64_t done = 0;
	int ret = -ENOMEM;

	len = NPU_ALIGN_UP(len, NPU_PAGE_SIZE);
	*w = (struct npu_window) { .n_pages = len >> NPU_PAGE_SHIFT };
	w->page = calloc(w->n_pages, sizeof(*w->page));
	w->maps = calloc(w->n_pages, sizeof(*w->maps));
	if (!w->page || !w->maps)
		goto out_unmap;
	ret = -EFAULT;
	while (done < len) {
		struct npu_mapping *m = &w->maps[w->n_maps];

		if (npu_bus_map(bus, addr + done, len - done, true, m))
			goto out_unmap;
		w->n_maps++;
		/* Entries lie within pages, so a page must come in one piece. */
		if (m->bytes % NPU_PAGE_SIZE || (uintptr_t)m->ptr % NPU_BUS_ALIGN)
			goto out_unmap;
		for (uint64_t i = 0; i < m->bytes; i += NPU_PAGE_SIZE)
			w->page[(done + i) >> NPU_PAGE_SHIFT] = (uint8_t *)m->ptr + i;
		done += m->bytes;
	}
	return 0;

out_unmap:
	npu_window_unmap(bus, w);
	return ret;
}

void npu_window_unmap(const struct npu_bus *bus, struct npu_window *w)
{
	for (size_t i = 0; i < w->n_maps; i++)
		npu_bus_unmap(bus, &w->maps[i]);
	free(w->maps);
	free(w->page);
	*w = (struct npu_window) { 0 };
}

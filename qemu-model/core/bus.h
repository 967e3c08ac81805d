/* SPDX-License-Identifier: MIT */
/*
 * Guest memory through the host's callbacks. Every mapping has one owner, which ends it: a
 * window (rings, status page), a region of a context's translations, or the call itself.
 */
#ifndef NPU_CORE_BUS_H
#define NPU_CORE_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu_core.h"

/* Width of bus addresses, NPU_REG_DMA_BITS */
#define NPU_DMA_BITS 52
/* Alignment that a host's pointer to the start of a page has at least */
#define NPU_BUS_ALIGN 64

struct npu_bus {
	const struct npu_host_ops *ops;
	void *opaque;
};

struct npu_mapping {
	void *ptr;
	uint64_t bytes;
	bool write;
};

/*
 * Maps a start of [addr, addr + len). -EFAULT: the bus refuses, or the range leaves its
 * address width.
 */
int npu_bus_map(const struct npu_bus *bus, uint64_t addr, uint64_t len, bool write,
		struct npu_mapping *out);
void npu_bus_unmap(const struct npu_bus *bus, const struct npu_mapping *m);

/* Copies; -EFAULT as above. */
int npu_bus_read(const struct npu_bus *bus, uint64_t addr, void *dst, size_t len);
int npu_bus_write(const struct npu_bus *bus, uint64_t addr, const void *src, size_t len);

/* A range that stays mapped: page by page, for its pages need not lie together in the host. */
struct npu_window {
	uint8_t **page;
	struct npu_mapping *maps;
	size_t n_pages;
	size_t n_maps;
};

/* Maps @len bytes at the page-aligned @addr for writing and reading. -EFAULT, -ENOMEM. */
int npu_window_map(const struct npu_bus *bus, uint64_t addr, uint64_t len, struct npu_window *w);
/* Ends it; a window of zeros is allowed, and is left. */
void npu_window_unmap(const struct npu_bus *bus, struct npu_window *w);

static inline bool npu_window_mapped(const struct npu_window *w)
{
	return w->page;
}

/* Host pointer to a byte; what starts there must not cross a page. */
static inline void *npu_window_at(const struct npu_window *w, uint64_t offset)
{
	return w->page[offset >> 12] + (offset & 0xfff);
}

#endif

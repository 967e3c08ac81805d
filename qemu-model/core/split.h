/* SPDX-License-Identifier: MIT */
/*
 * One command's work in parts that idle threads may share. Parts are taken in ascending order;
 * whoever takes one finishes it.
 */
#ifndef NPU_CORE_SPLIT_H
#define NPU_CORE_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "gate.h"
#include "pool.h"

struct npu_split {
	struct npu_crew crew;
	uint32_t next;		/* part to take */
	uint32_t parts;
	/*
	 * Does part @i; false ends the whole: no further part is taken. On any thread, inside
	 * the gate.
	 */
	bool (*part)(void *opaque, uint32_t i);
	void *opaque;
};

/* Makes a split that nobody else sees yet. */
void npu_split_start(struct npu_split *sp, uint32_t parts, bool (*part)(void *opaque, uint32_t i),
		     void *opaque);
/* Offers it to helpers, who come by npu_split_help(). */
void npu_split_open(struct npu_split *sp);
/* Takes parts until none is left, or the gate closes, or the job is killed. */
void npu_split_work(struct npu_split *sp, const struct npu_gate *gate);
/* No more helpers; returns when those inside are gone. */
void npu_split_close(struct npu_split *sp, struct npu_gate *gate);
/* Helps if there is an open split with parts left. Returns whether there was. */
bool npu_split_help(struct npu_split *sp, const struct npu_gate *gate);

static inline bool npu_split_done(const struct npu_split *sp)
{
	return __atomic_load_n(&sp->next, __ATOMIC_RELAXED) >= sp->parts;
}

#endif

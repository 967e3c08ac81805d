/* SPDX-License-Identifier: MIT */
#include <sched.h>

#include "event.h"
#include "split.h"

/* Looks before the owner lets other threads of the host run */
#define SPINS_BEFORE_YIELD 500

void npu_split_start(struct npu_split *sp, uint32_t parts, bool (*part)(void *opaque, uint32_t i),
		     void *opaque)
{
	sp->next = 0;
	sp->parts = parts;
	sp->part = part;
	sp->opaque = opaque;
}

void npu_split_open(struct npu_split *sp)
{
	npu_crew_open(&sp->crew);
}

void npu_split_work(struct npu_split *sp, const struct npu_gate *gate)
{
	while (!(npu_attention(gate) & (NPU_ATTEND_GATE | NPU_ATTEND_KILL))) {
		uint32_t i = __atomic_fetch_add(&sp->next, 1, __ATOMIC_RELAXED);

		if (i >= sp->parts) {
			/* Keep the counter from wrapping, however many look. */
			__atomic_store_n(&sp->next, sp->parts, __ATOMIC_RELAXED);
			return;
		}
		if (!sp->part(sp->opaque, i)) {
			__atomic_store_n(&sp->next, sp->parts, __ATOMIC_RELAXED);
			return;
		}
	}
}

void npu_split_close(struct npu_split *sp, struct npu_gate *gate)
{
	bool empty = npu_crew_close(&sp->crew);

	for (unsigned int i = 0; !empty; i++) {
		/* A helper may wait at the gate for us to leave it. */
		if (npu_attention(gate) & NPU_ATTEND_GATE)
			npu_gate_yield(gate);
		else if (i < SPINS_BEFORE_YIELD)
			npu_relax();
		else
			sched_yield();
		empty = npu_crew_empty(&sp->crew);
	}
}

bool npu_split_help(struct npu_split *sp, const struct npu_gate *gate)
{
	if (!npu_crew_is_open(&sp->crew) || npu_split_done(sp) || !npu_crew_enter(&sp->crew))
		return false;
	npu_split_work(sp, gate);
	npu_crew_leave(&sp->crew);
	return true;
}

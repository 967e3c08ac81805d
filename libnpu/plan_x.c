// SPDX-License-Identifier: MIT
/*
 * The residual: where it is, how the cores exchange it, and the safe points that follow. A
 * resident x is a copy of the workspace's wherever all cores have just met; so a job may be
 * suspended there, and each core loads again what it needs next.
 */
#include "cmdbuf.h"
#include "plan.h"

struct source plan_x_source(struct npu_plan *p, uint64_t norm)
{
	if (p->resident) {
		plan_x_need(p);
		return (struct source){ .kind = SOURCE_SPAD, .k = p->shape.dim, .spad = p->x,
					.ld = p->x_ld, .norm = norm };
	}
	return plan_x_rows(p, norm);
}

struct source plan_x_rows(struct npu_plan *p, uint64_t norm)
{
	if (p->x_memory == X_OWN)
		plan_barrier(p);
	return (struct source){ .kind = SOURCE_ROWS, .k = p->shape.dim, .va = p->ws_x,
				.stride = 4ull * p->x_ld, .space = SPACE_X, .norm = norm };
}

/* Columns of x that are a core's own slice, as project() cuts them. */
static void own_columns(const struct npu_plan *p, uint32_t core, uint32_t *first, uint32_t *cols)
{
	uint32_t strips = (p->shape.dim + NPU_STRIP_ROWS - 1) / NPU_STRIP_ROWS;
	uint32_t s0, s1;

	slice_of(strips, p->cores, core, &s0, &s1);
	*first = s0 * NPU_STRIP_ROWS;
	*cols = s1 * NPU_STRIP_ROWS < p->shape.dim ? s1 * NPU_STRIP_ROWS - *first :
		p->shape.dim > *first ? p->shape.dim - *first : 0;
}

static struct npu_cmd_dma x_columns(const struct npu_plan *p, const struct tile *t, uint32_t first,
				    uint32_t cols)
{
	return (struct npu_cmd_dma){
		.spad = p->x + 4 * first,
		.spad_stride = 4 * p->x_ld,
		.addr = npu_va(p->ws_x + 4ull * first),
		.mem_stride = 4ull * p->x_ld,
		.row_bytes = 4 * cols,
		.rows = t->n,
	};
}

int plan_x_need(struct npu_plan *p)
{
	struct tile t;
	int rc = p->cb->error;

	if (!p->resident || p->x_here)
		return rc;
	p->x_here = true;
	if (p->x_memory == X_OWN)
		rc = plan_barrier(p);
	for (uint32_t core = 0; core < p->cores && !rc; core++) {
		tile_begin(p, core, p->shape.m_max, &t);
		rc = plan_load(p, core, x_columns(p, &t, 0, p->shape.dim), t.max, SPACE_X);
	}
	return rc;
}

int plan_x_own(struct npu_plan *p, uint32_t core, bool store)
{
	uint32_t first, cols;
	struct tile t;

	own_columns(p, core, &first, &cols);
	if (!cols)
		return p->cb->error;
	tile_begin(p, core, p->shape.m_max, &t);
	if (store)
		return plan_store(p, core, x_columns(p, &t, first, cols), t.max, SPACE_X);
	return plan_load(p, core, x_columns(p, &t, first, cols), t.max, SPACE_X);
}

int plan_x_share(struct npu_plan *p)
{
	int rc = p->cb->error;

	for (uint32_t core = 0; core < p->cores && p->resident && !p->keeps && !rc; core++)
		rc = plan_x_own(p, core, true);
	if (p->resident && !p->keeps)
		p->x_memory = X_OWN;
	return rc;
}

int plan_residual(struct npu_plan *p, const char *what, const struct source *in,
		  const struct npu_weight *w)
{
	struct project op = { .what = what, .in = *in, .n_w = 1, .w[0] = *w, .keep = SPAD_NONE };
	int rc;

	op.out = (struct sink){ .kind = SINK_ROWS, .add = true, .va = p->ws_x,
				.stride = 4ull * p->x_ld, .space = SPACE_X };
	if (p->resident)
		op.out = (struct sink){ .kind = SINK_SPAD, .add = true, .spad = p->x,
					.ld = p->x_ld };
	rc = project(p, &op);
	if (rc || p->keeps)
		return rc;
	rc = plan_x_share(p);
	if (!rc)
		rc = plan_barrier(p);
	/* the columns of the others are old */
	p->x_here = false;
	return rc ? rc : plan_safe(p);
}

bool plan_is_safe(const struct npu_plan *p)
{
	return p->logits == SPAD_NONE && (!p->resident || p->x_memory == X_ALL);
}

int plan_safe(struct npu_plan *p)
{
	if (!plan_is_safe(p))
		return p->cb->error;
	p->x_here = false;
	return npu_emit_mark(p->cb, NPU_ALL_CORES, p->mark, true);
}

// SPDX-License-Identifier: MIT
/*
 * Matrices applied to activations. Each core has a slice of the output columns, that is a run
 * of strips; it walks over tiles of rows, and in a tile over chunks of its columns. When rows are
 * so long that weights would be streamed for many tiles, the cores form groups, each with a share
 * of the rows that is one tile.
 */
#include <errno.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"

/* Widest chunk that is tried when a whole slice does not fit; halved until it does */
#define CHUNK_COLS	512

/* How an operator lies in the scratchpad */
struct layout {
	uint32_t groups;	/* of cores, with a share of the rows each */
	uint32_t rows;		/* of a tile */
	uint32_t cols;		/* of a chunk */
	uint32_t buffers;	/* of each kind: 2 if there are several chunks */
	struct act act;
	uint32_t out[2][2];	/* [buffer][matrix] */
	uint32_t x[2];		/* what is added to */
	uint32_t record[2];
};

/* Part of an operator that a core does in one go */
struct chunk {
	uint32_t core;
	uint32_t strip;
	uint32_t cols;		/* multiple of 16 */
	uint32_t valid;		/* columns that exist */
	uint32_t buffer;
};

void slice_of(uint32_t units, uint32_t cores, uint32_t core, uint32_t *first, uint32_t *end)
{
	uint32_t each = units / cores;
	uint32_t more = units % cores;

	*first = core * each + (core < more ? core : more);
	*end = *first + each + (core < more);
}

int weight_check(const char *what, const struct npu_weight *w, uint32_t n, uint32_t k)
{
	if (w->type >= NPU_WTYPE_COUNT)
		return npu_fail(-EINVAL, "%s: weight type %u, known are 0..%u", what, w->type,
				NPU_WTYPE_COUNT - 1);
	if (w->n != n || w->k != k)
		return npu_fail(-EINVAL, "%s: weight is [%u][%u], must be [%u][%u]", what, w->n,
				w->k, n, k);
	if (!n || n > NPU_MAX_N || !k || k > NPU_MAX_K)
		return npu_fail(-EINVAL, "%s: weight is [%u][%u], at most [%u][%u]", what, n, k,
				NPU_MAX_N, NPU_MAX_K);
	if (act_kind_of(w->type) == ACT_Q8 && k % NPU_QBLOCK)
		return npu_fail(-EINVAL, "%s: rows of %u elements, a quantised type needs a "
				"multiple of %u", what, k, NPU_QBLOCK);
	if (w->va % NPU_WEIGHT_ALIGN)
		return npu_fail(-EINVAL, "%s: weight at 0x%llx, must be a multiple of %u", what,
				(unsigned long long)w->va, NPU_WEIGHT_ALIGN);
	return 0;
}

static uint32_t strips_of(uint32_t n)
{
	return (n + NPU_STRIP_ROWS - 1) / NPU_STRIP_ROWS;
}

/* Strips that belong together: records are made of blocks of 32 columns. */
static uint32_t unit_of(const struct project *op)
{
	return op->out.kind == SINK_RECORDS ? NPU_QBLOCK / NPU_STRIP_ROWS : 1;
}

static void core_strips(const struct npu_plan *p, const struct project *op, uint32_t groups,
			uint32_t core, uint32_t *first, uint32_t *end)
{
	uint32_t unit = unit_of(op), members = p->cores / groups;

	slice_of(strips_of(op->w[0].n) / unit, members, core % members, first, end);
	*first *= unit;
	*end *= unit;
}

/* Output goes straight to its place in the scratchpad? Then the first matrix needs no buffer. */
static bool direct(const struct project *op)
{
	return op->keep != SPAD_NONE || (op->out.kind == SINK_SPAD && !op->out.add);
}

/* Bytes of a row of one set of chunk buffers. */
static uint64_t chunk_row_bytes(const struct project *op, uint32_t cols)
{
	uint64_t bytes = (op->n_w - direct(op)) * 4ull * cols;

	if (op->out.kind == SINK_ROWS && op->out.add)
		bytes += 4ull * cols;
	if (op->out.kind == SINK_RECORDS)
		bytes += NPU_ACT_Q8_ROW_BYTES(cols);
	return bytes;
}

static uint32_t kinds_of(const struct project *op)
{
	uint32_t kinds = 0;

	for (uint32_t i = 0; i < op->n_w; i++)
		kinds |= act_kind_of(op->w[i].type);
	return kinds;
}

/* Rows that a core works on at most. */
static uint32_t rows_wanted(const struct npu_plan *p, const struct project *op, uint32_t groups)
{
	return op->last_row ? 1 : (p->shape.m_max + groups - 1) / groups;
}

/* Chunk and tile for this many groups: as few tiles as possible, then chunks as wide as possible.
 */
static void fit(const struct npu_plan *p, const struct project *op, uint32_t groups,
		struct layout *l)
{
	uint32_t want = rows_wanted(p, op, groups);
	uint64_t fixed = act_fixed_bytes(p, &op->in, kinds_of(op));
	uint64_t act = act_row_bytes(&op->in, kinds_of(op));
	uint32_t unit = unit_of(op) * NPU_STRIP_ROWS;
	uint32_t first, end, slice;

	core_strips(p, op, groups, 0, &first, &end);
	slice = (end - first) * NPU_STRIP_ROWS;
	l->groups = groups;
	l->rows = 0;
	for (uint32_t cols = slice; cols >= unit;
	     cols = cols > CHUNK_COLS ? CHUNK_COLS : cols / 2) {
		uint32_t buffers = cols < slice ? 2 : 1;
		uint32_t rows;

		cols = cols / unit * unit;
		rows = spad_rows(p, fixed, act + buffers * chunk_row_bytes(op, cols));
		if (rows > want)
			rows = want;
		if (rows && (!l->rows || (want + rows - 1) / rows <
					 (want + l->rows - 1) / l->rows)) {
			l->rows = rows;
			l->cols = cols;
			l->buffers = buffers;
		}
		if (rows == want)
			break;
	}
}

/* Bytes from memory to a core: activations once, weights with each tile. */
static uint64_t traffic(const struct npu_plan *p, const struct project *op, const struct layout *l)
{
	uint32_t want = rows_wanted(p, op, l->groups);
	uint64_t weights = 0;

	for (uint32_t i = 0; i < op->n_w; i++)
		weights += npu_weight_bytes(op->w[i].type, op->w[i].n, op->w[i].k);
	return want * act_row_bytes(&op->in, kinds_of(op)) +
	       weights * l->groups / p->cores * ((want + l->rows - 1) / l->rows);
}

/* Groups are for rows in memory, and of one tile each: the loop over tiles knows no shares. */
static int choose(const struct npu_plan *p, const struct project *op, struct layout *l)
{
	bool whole = op->in.kind == SOURCE_SPAD || op->out.kind == SINK_SPAD;
	uint32_t want = whole ? rows_wanted(p, op, 1) : 1;
	struct layout other = { 0 };

	fit(p, op, 1, l);
	if (l->rows < want)
		return spad_fail(p, op->what,
				 act_fixed_bytes(p, &op->in, kinds_of(op)) +
				 want * (act_row_bytes(&op->in, kinds_of(op)) +
					 chunk_row_bytes(op, unit_of(op) * NPU_STRIP_ROWS)), want);
	for (uint32_t n = 2; n <= p->cores && !whole && !op->last_row; n++) {
		if (p->cores % n || p->shape.m_max < n * NPU_STRIP_ROWS)
			continue;
		fit(p, op, n, &other);
		if (other.rows == rows_wanted(p, op, n) &&
		    traffic(p, op, &other) < traffic(p, op, l))
			*l = other;
	}
	return 0;
}

static int take(struct npu_plan *p, const struct project *op, struct layout *l)
{
	uint64_t floats = 4ull * l->cols * l->rows;
	int rc = act_take(p, &op->in, kinds_of(op), l->rows, &l->act);

	for (uint32_t b = 0; b < l->buffers && !rc; b++) {
		bool ok = true;

		for (uint32_t i = direct(op); i < op->n_w; i++) {
			l->out[b][i] = spad_take(p, floats);
			ok &= l->out[b][i] != SPAD_NONE;
		}
		if (op->out.kind == SINK_ROWS && op->out.add) {
			l->x[b] = spad_take(p, floats);
			ok &= l->x[b] != SPAD_NONE;
		}
		if (op->out.kind == SINK_RECORDS) {
			l->record[b] = spad_take(p, NPU_ACT_Q8_ROW_BYTES((uint64_t)l->cols) *
						 l->rows);
			ok &= l->record[b] != SPAD_NONE;
		}
		if (!ok)
			rc = spad_fail(p, op->what, floats, l->rows);
	}
	return rc;
}

static int load_x(struct npu_plan *p, const struct project *op, const struct layout *l,
		  const struct tile *t, const struct chunk *c)
{
	return plan_load(p, c->core, (struct npu_cmd_dma){
		.spad = l->x[c->buffer],
		.spad_stride = 4 * l->cols,
		.addr = tile_addr(t, op->out.va + 4ull * NPU_STRIP_ROWS * c->strip,
				  op->out.stride),
		.mem_stride = op->out.stride,
		.row_bytes = 4 * c->valid,
		.rows = t->n,
	}, t->max, op->out.space);
}

static int store_rows(struct npu_plan *p, const struct project *op, const struct tile *t,
		      const struct chunk *c, uint32_t from, uint32_t ld)
{
	return plan_store(p, c->core, (struct npu_cmd_dma){
		.spad = from,
		.spad_stride = 4 * ld,
		.addr = tile_addr(t, op->out.va + 4ull * NPU_STRIP_ROWS * c->strip,
				  op->out.stride),
		.mem_stride = op->out.stride,
		.row_bytes = 4 * c->valid,
		.rows = t->n,
	}, t->max, op->out.space);
}

/* Matrices of a chunk and what follows them in the vector engine; *at, *ld: where the result is. */
static int compute(struct npu_plan *p, const struct project *op, const struct layout *l,
		   const struct tile *t, const struct chunk *c, uint32_t *at, uint32_t *ld)
{
	uint32_t other = l->out[c->buffer][1];
	uint32_t col = NPU_STRIP_ROWS * c->strip;

	*at = l->out[c->buffer][0];
	*ld = l->cols;
	if (direct(op)) {
		*at = (op->keep != SPAD_NONE ? op->keep : op->out.spad) + 4 * col;
		*ld = op->keep != SPAD_NONE ? ld_of(op->w[0].n) : op->out.ld;
	}
	act_matmul(p, c->core, &op->in, &l->act, t, &op->w[0], c->strip, c->cols, *at, *ld);
	if (op->n_w == 1)
		return p->cb->error;
	act_matmul(p, c->core, &op->in, &l->act, t, &op->w[1], c->strip, c->cols, other, l->cols);
	return plan_ew(p, c->core, (struct npu_cmd_ew){
		.op = NPU_EW_SILU_MUL,
		.dst = *at, .dst_stride = *ld,
		.a = *at, .a_stride = *ld,
		.b = other, .b_stride = l->cols,
		.cols = c->cols,
		.rows = t->n,
	}, t->max);
}

static int finish(struct npu_plan *p, const struct project *op, const struct layout *l,
		  const struct tile *t, const struct chunk *c, uint32_t at, uint32_t ld)
{
	uint32_t x = l->x[c->buffer];
	uint32_t x_ld = l->cols;

	if (op->out.kind == SINK_RECORDS)
		return store_records(p, c->core, &(struct record_slice){
			.va = op->out.va, .k = op->w[0].n, .space = op->out.space,
			.first = NPU_STRIP_ROWS * c->strip, .cols = c->cols,
			.src = at, .src_ld = ld, .buffer = l->record[c->buffer],
		}, t);
	if (op->out.add) {
		if (op->out.kind == SINK_SPAD) {
			x = op->out.spad + 4 * NPU_STRIP_ROWS * c->strip;
			x_ld = op->out.ld;
		}
		plan_ew(p, c->core, (struct npu_cmd_ew){
			.op = NPU_EW_ADD,
			.dst = x, .dst_stride = x_ld,
			.a = x, .a_stride = x_ld,
			.b = at, .b_stride = ld,
			.cols = c->valid,
			.rows = t->n,
		}, t->max);
		at = x;
		ld = x_ld;
	}
	if (op->out.kind == SINK_ROWS)
		return store_rows(p, op, t, c, at, ld);
	return p->cb->error;
}

static struct chunk chunk_at(const struct project *op, const struct layout *l, uint32_t core,
			     uint32_t first, uint32_t end, uint32_t i)
{
	uint32_t per = l->cols / NPU_STRIP_ROWS;
	struct chunk c = { .core = core, .strip = first + i * per, .buffer = i % l->buffers };

	if (per > end - c.strip)
		per = end - c.strip;
	c.cols = per * NPU_STRIP_ROWS;
	c.valid = op->w[0].n - c.strip * NPU_STRIP_ROWS;
	if (c.valid > c.cols)
		c.valid = c.cols;
	return c;
}

static int tile_chunks(struct npu_plan *p, const struct project *op, const struct layout *l,
		       const struct tile *t, uint32_t core, uint32_t first, uint32_t end)
{
	uint32_t n = (end - first + l->cols / NPU_STRIP_ROWS - 1) / (l->cols / NPU_STRIP_ROWS);
	bool add = op->out.kind == SINK_ROWS && op->out.add;
	int rc = p->cb->error;

	for (uint32_t i = 0; i < n && !rc; i++) {
		struct chunk c = chunk_at(op, l, core, first, end, i);
		uint32_t at, ld;

		if (add && i == 0)
			load_x(p, op, l, t, &c);
		/* the next chunk's x comes before this one's store occupies the channel */
		if (add && i + 1 < n) {
			const struct chunk next = chunk_at(op, l, core, first, end, i + 1);

			load_x(p, op, l, t, &next);
		}
		compute(p, op, l, t, &c, &at, &ld);
		rc = finish(p, op, l, t, &c, at, ld);
	}
	return rc;
}

static int core_part(struct npu_plan *p, const struct project *op, const struct layout *l,
		     uint32_t core)
{
	uint32_t first, end;
	struct tile t;

	core_strips(p, op, l->groups, core, &first, &end);
	if (first == end)
		return p->cb->error;
	act_begin(p, core, &op->in, &l->act);
	if (op->last_row) {
		tile_last(p, core, &t);
		act_tile(p, core, &op->in, &l->act, &t);
		/* there is one row of output */
		t.row_reg = NPU_REG_ZERO;
		t.bias = 0;
		return tile_chunks(p, op, l, &t, core, first, end);
	}
	if (l->groups > 1)
		tile_share(p, core, core / (p->cores / l->groups), l->groups, &t);
	else
		tile_begin(p, core, l->rows, &t);
	act_tile(p, core, &op->in, &l->act, &t);
	if (op->out.kind == SINK_SPAD && op->out.add && !p->x_here)
		plan_x_own(p, core, false);
	tile_chunks(p, op, l, &t, core, first, end);
	return l->groups > 1 ? p->cb->error : tile_end(p, core, l->rows);
}

int project(struct npu_plan *p, const struct project *op)
{
	uint32_t mark = p->used;
	struct layout l = { 0 };
	int rc = p->cb->error;

	if (!rc)
		rc = choose(p, op, &l);
	if (!rc)
		rc = take(p, op, &l);
	for (uint32_t core = 0; core < p->cores && !rc; core++)
		rc = core_part(p, op, &l, core);
	p->used = mark;
	return rc;
}

// SPDX-License-Identifier: MIT
/* Activations: from rows in memory or scratchpad to what MATMUL takes, by way of a norm. */
#include "cmdbuf.h"
#include "plan.h"

/*
 * Rows are normed and quantised in pieces: floats need four times the room of the result. Two
 * pieces in turn take at most 1 / PIECE_SHARE of a scratchpad; one if a row is longer than that.
 */
#define PIECE_SHARE	8

enum { F32, F16R, Q8 };		/* bit numbers of ACT_* */

uint32_t act_kind_of(uint32_t wtype)
{
	switch (wtype) {
	case NPU_WTYPE_F32:
		return ACT_F32;
	case NPU_WTYPE_F16:
		return ACT_F16R;
	default:
		return ACT_Q8;
	}
}

static uint64_t kind_row_bytes(uint32_t kind, uint32_t k)
{
	return kind == Q8 ? NPU_ACT_Q8_ROW_BYTES((uint64_t)k) : 4ull * ld_of(k);
}

/* Float rows that lie in the scratchpad already are used where they are. */
static bool in_place(const struct source *s)
{
	return s->kind == SOURCE_SPAD && !s->norm;
}

static bool needs_piece(const struct source *s, uint32_t kinds)
{
	if (s->kind == SOURCE_RECORDS || in_place(s))
		return false;
	return !(kinds & ACT_F32);
}

uint64_t act_row_bytes(const struct source *s, uint32_t kinds)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < ACT_KINDS; i++)
		if (kinds >> i & 1 && !(i == F32 && in_place(s)))
			bytes += kind_row_bytes(i, s->k);
	return bytes;
}

static void plan_pieces(const struct npu_plan *p, const struct source *s, uint32_t *rows,
			uint32_t *pieces)
{
	uint64_t most = p->info.spad_bytes / PIECE_SHARE / (2 * 4ull * ld_of(s->k));

	*pieces = most ? 2 : 1;
	*rows = most ? (uint32_t)most : 1;
	if (*rows >= 16)
		*rows = *rows / 16 * 16;
	if (*rows > p->shape.m_max)
		*rows = p->shape.m_max;
}

uint64_t act_fixed_bytes(const struct npu_plan *p, const struct source *s, uint32_t kinds)
{
	uint64_t bytes = s->norm ? 4ull * ld_of(s->k) : 0;
	uint32_t rows, pieces;

	plan_pieces(p, s, &rows, &pieces);
	if (needs_piece(s, kinds))
		bytes += pieces * 4ull * ld_of(s->k) * rows;
	return bytes;
}

int act_take(struct npu_plan *p, const struct source *s, uint32_t kinds, uint32_t rows,
	     struct act *a)
{
	uint64_t piece;

	*a = (struct act){ .kinds = kinds, .norm = SPAD_NONE, .piece = SPAD_NONE };
	plan_pieces(p, s, &a->piece_rows, &a->pieces);
	if (a->piece_rows > rows)
		a->piece_rows = rows;
	for (uint32_t i = 0; i < ACT_KINDS; i++) {
		a->at[i] = SPAD_NONE;
		if (!(kinds >> i & 1))
			continue;
		a->at[i] = i == F32 && in_place(s) ? s->spad :
			   spad_take(p, kind_row_bytes(i, s->k) * rows);
		if (a->at[i] == SPAD_NONE)
			return spad_fail(p, "activations", kind_row_bytes(i, s->k) * rows, rows);
	}
	if (s->norm)
		a->norm = spad_take(p, 4ull * ld_of(s->k));
	piece = a->pieces * 4ull * ld_of(s->k) * a->piece_rows;
	if (needs_piece(s, kinds))
		a->piece = spad_take(p, piece);
	if ((s->norm && a->norm == SPAD_NONE) ||
	    (needs_piece(s, kinds) && a->piece == SPAD_NONE))
		return spad_fail(p, "activations", piece, rows);
	return 0;
}

int act_begin(struct npu_plan *p, uint32_t core, const struct source *s, const struct act *a)
{
	if (!s->norm)
		return p->cb->error;
	return plan_load(p, core, (struct npu_cmd_dma){
		.spad = a->norm,
		.addr = npu_va(s->norm),
		.row_bytes = 4 * s->k,
		.rows = npu_count(1, NPU_REG_ZERO),
	}, 1, SPACE_CONST);
}

/* Where the floats of piece j stand before they are quantised, and their stride. */
static uint32_t piece_at(const struct source *s, const struct act *a, uint32_t j, uint32_t *ld)
{
	uint32_t first = j * a->piece_rows;

	if (in_place(s)) {
		*ld = s->ld;
		return s->spad + 4 * s->ld * first;
	}
	*ld = ld_of(s->k);
	if (a->kinds & ACT_F32)
		return a->at[F32] + 4 * *ld * first;
	return a->piece + 4 * *ld * a->piece_rows * (j % a->pieces);
}

static int bring_piece(struct npu_plan *p, uint32_t core, const struct source *s,
		       const struct act *a, const struct tile *t, uint32_t j, uint32_t rows,
		       struct npu_count n)
{
	uint32_t first = j * a->piece_rows;
	struct tile from = *t;
	uint32_t ld, src_ld;
	uint32_t at = piece_at(s, a, j, &ld);
	uint32_t src = at;

	src_ld = ld;
	if (s->kind == SOURCE_SPAD) {
		src = s->spad + 4 * s->ld * first;
		src_ld = s->ld;
	} else {
		from.bias += first;
		plan_load(p, core, (struct npu_cmd_dma){
			.spad = at,
			.spad_stride = 4 * ld,
			.addr = tile_addr(&from, s->va, s->stride),
			.mem_stride = s->stride,
			.row_bytes = 4 * s->k,
			.rows = n,
		}, rows, s->space);
	}
	if (!s->norm)
		return p->cb->error;
	return plan_rmsnorm(p, core, (struct npu_cmd_rmsnorm){
		.dst = at, .dst_stride = ld,
		.src = src, .src_stride = src_ld,
		.weight = a->norm,
		.cols = s->k,
		.eps = p->shape.eps,
		.rows = n,
	}, rows);
}

static int quant_piece(struct npu_plan *p, uint32_t core, const struct source *s,
		       const struct act *a, uint32_t j, uint32_t rows, struct npu_count n)
{
	uint32_t first = j * a->piece_rows;
	uint32_t ld;
	uint32_t src = piece_at(s, a, j, &ld);

	if (a->kinds & ACT_F16R)
		plan_quant(p, core, (struct npu_cmd_quant){
			.dst = a->at[F16R] + 4 * ld_of(s->k) * first,
			.dst_stride = ld_of(s->k),
			.src = src, .src_stride = ld,
			.cols = s->k,
			.atype = NPU_ATYPE_F16R,
			.rows = n,
		}, rows);
	if (a->kinds & ACT_Q8)
		plan_quant(p, core, (struct npu_cmd_quant){
			.dst = a->at[Q8] + (uint32_t)NPU_ACT_Q8_ROW_BYTES(s->k) * first,
			.src = src, .src_stride = ld,
			.cols = s->k,
			.atype = NPU_ATYPE_Q8,
			.rows = n,
		}, rows);
	return p->cb->error;
}

static int bring_records(struct npu_plan *p, uint32_t core, const struct source *s,
			 const struct act *a, const struct tile *t)
{
	uint32_t bytes = NPU_ACT_Q8_ROW_BYTES(s->k);

	return plan_load(p, core, (struct npu_cmd_dma){
		.spad = a->at[Q8],
		.spad_stride = bytes,
		.addr = tile_addr(t, s->va, bytes),
		.mem_stride = bytes,
		.row_bytes = bytes,
		.rows = t->n,
	}, t->max, s->space);
}

int act_tile(struct npu_plan *p, uint32_t core, const struct source *s, const struct act *a,
	     const struct tile *t)
{
	uint32_t pieces = (t->max + a->piece_rows - 1) / a->piece_rows;
	int rc = p->cb->error;

	if (s->kind == SOURCE_RECORDS)
		return bring_records(p, core, s, a, t);
	for (uint32_t j = 0; j < pieces && !rc; j++) {
		uint32_t rows = t->max - j * a->piece_rows;
		struct npu_count n;

		if (rows > a->piece_rows)
			rows = a->piece_rows;
		tile_piece(p, core, t, j, a->piece_rows, &n);
		bring_piece(p, core, s, a, t, j, rows, n);
		rc = quant_piece(p, core, s, a, j, rows, n);
	}
	return rc;
}

int act_matmul(struct npu_plan *p, uint32_t core, const struct source *s, const struct act *a,
	       const struct tile *t, const struct npu_weight *w, uint32_t first, uint32_t n,
	       uint32_t out, uint32_t ldo)
{
	uint32_t kind = act_kind_of(w->type);
	bool q8 = kind == ACT_Q8;
	uint32_t at = a->at[kind == ACT_F32 ? F32 : kind == ACT_F16R ? F16R : Q8];
	uint32_t lda = kind == ACT_F32 && in_place(s) ? s->ld : ld_of(s->k);

	return plan_matmul(p, core, (struct npu_cmd_matmul){
		.wtype = (__u8)w->type,
		.atype = q8 ? NPU_ATYPE_Q8 : NPU_ATYPE_F32,
		.n = n,
		.k = w->k,
		.act = at,
		.lda = q8 ? 0 : lda,
		.out = out,
		.ldo = ldo,
		.w = npu_va(w->va + first * npu_strip_bytes(w->type, w->k)),
		.m = t->n,
	}, t->max);
}

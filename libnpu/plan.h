/* SPDX-License-Identifier: MIT */
/*
 * The tiler's inside. A plan has one scratchpad layout, the same on every core; an operator takes
 * room in it, emits the commands of each core, and gives the room back.
 *
 * Two ways to hold the residual x[m][dim]:
 * - resident: in every core's scratchpad. For few rows (decoding). Cores exchange slices
 *   through the workspace; one core alone with a small model keeps everything in its scratchpad.
 * - in memory: in the workspace; operators walk over tiles of rows.
 */
#ifndef LIBNPU_PLAN_H
#define LIBNPU_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "npu.h"
#include "track.h"

/* Registers that plans use; the others are the job's parameters. */
#define REG_ROW		NPU_REG_TEMP(0)	/* first row of the tile */
#define REG_ROWS	NPU_REG_TEMP(1)	/* rows of the tile */
#define REG_POS		NPU_REG_TEMP(2)	/* position of the tile's first row */
#define REG_PIECE	NPU_REG_TEMP(3)	/* rows of a piece of the tile */
#define REG_A		NPU_REG_TEMP(4)	/* scratch of an operator */
#define REG_B		NPU_REG_TEMP(5)
#define REG_C		NPU_REG_TEMP(6)

#define SPAD_NONE	UINT32_MAX

/* How much of a resident x is in the workspace as well */
enum x_memory {
	X_NONE,
	X_OWN,			/* each core has stored its columns, they have not met since */
	X_ALL,
};

/* Kinds of activations that MATMUL takes, one a bit; see npu_formats.h */
#define ACT_F32		0x1u
#define ACT_F16R	0x2u
#define ACT_Q8		0x4u
#define ACT_KINDS	3

struct npu_plan {
	struct npu_device_info info;
	struct npu_plan_shape shape;
	struct npu_cmdbuf *cb;
	uint32_t cores;
	bool resident;
	bool keeps;		/* resident, and one core leaves all of it in its scratchpad */
	bool long_layers;	/* worth a safe point inside of the feed-forward half */
	float attn_scale;
	/* workspace: device addresses */
	uint64_t ws_x;		/* float [m_max][x_ld] */
	uint64_t ws_att;	/* records or float [m_max][n_heads * head_dim] */
	uint64_t ws_ffn;	/* records or float [m_max][ffn_dim] */
	uint64_t ws_norm;	/* records or float [m_max][dim], x after a norm */
	uint32_t x_ld;		/* elements */
	/* scratchpad */
	uint32_t used;
	uint32_t most;
	uint32_t x;		/* resident residual, float [m_max][x_ld] */
	uint32_t att;		/* resident and one core: float [m_max][n_heads * head_dim] */
	uint32_t ffn;		/* if it keeps: float [m_max][ffn_dim] */
	bool x_here;		/* x is in all scratchpads, if resident */
	enum x_memory x_memory;
	uint32_t mark;		/* id of the last MARK */
	/* logits that npu_op_logits() left in the scratchpad; SPAD_NONE: none */
	uint32_t logits;
	uint64_t logits_va;
	struct track track[NPU_MAX_CORES];
};

/* Rows that commands work on: all of the chunk, a tile of it, or its last one. */
struct tile {
	struct npu_count n;	/* rows */
	uint32_t max;		/* at most */
	uint8_t row_reg;	/* memory rows begin at r[row_reg] + bias */
	uint32_t bias;
	uint8_t pos_reg;	/* position of the first */
};

/* ---- plan_spad.c: the scratchpad ---- */

/* Takes bytes (rounded up to NPU_SPAD_ALIGN); SPAD_NONE: does not fit. */
uint32_t spad_take(struct npu_plan *p, uint64_t bytes);
uint32_t spad_left(const struct npu_plan *p);
/* -E2BIG with a text: `what` needs bytes for `rows` rows. */
int spad_fail(const struct npu_plan *p, const char *what, uint64_t bytes, uint32_t rows);

/* Elements from row to row of cols floats in the scratchpad. */
static inline uint32_t ld_of(uint32_t cols)
{
	return NPU_ALIGN_UP(cols, 16u);
}

/* Most rows that fit next to `fixed` bytes at per_row each, at most m_max; 0: not even one. */
uint32_t spad_rows(const struct npu_plan *p, uint64_t fixed, uint64_t per_row);

/* ---- plan_rows.c: tiles of rows ---- */

/*
 * Begins a loop over tiles of at most `rows` rows on a core; without a loop if all fit. Between the
 * two calls commands of that core only.
 */
int tile_begin(struct npu_plan *p, uint32_t core, uint32_t rows, struct tile *t);
int tile_end(struct npu_plan *p, uint32_t core, uint32_t rows);
/*
 * Part `part` of `parts` equal shares of the chunk's rows; there may turn out to be none. Eight
 * ALU commands; REG_PIECE is free again.
 */
int tile_share(struct npu_plan *p, uint32_t core, uint32_t part, uint32_t parts, struct tile *t);
/* The last row of the chunk, in memory; an ALU command if it varies. */
int tile_last(struct npu_plan *p, uint32_t core, struct tile *t);
/* Piece j (size rows) of a tile: its count is in *n; an ALU command or two if it varies. */
int tile_piece(struct npu_plan *p, uint32_t core, const struct tile *t, uint32_t j, uint32_t size,
	       struct npu_count *n);
/* Address of the tile's first row in rows of `stride` bytes at va. */
struct npu_addr tile_addr(const struct tile *t, uint64_t va, uint64_t stride);

/* ---- plan_emit.c: commands with their tokens ---- */

/* `rows` at most: how much of the scratchpad the command touches */
int plan_load(struct npu_plan *p, uint32_t core, struct npu_cmd_dma c, uint32_t rows,
	      uint32_t space);
int plan_store(struct npu_plan *p, uint32_t core, struct npu_cmd_dma c, uint32_t rows,
	       uint32_t space);
int plan_matmul(struct npu_plan *p, uint32_t core, struct npu_cmd_matmul c, uint32_t rows);
int plan_wrows(struct npu_plan *p, uint32_t core, struct npu_cmd_wrows c, uint32_t rows);
int plan_rmsnorm(struct npu_plan *p, uint32_t core, struct npu_cmd_rmsnorm c, uint32_t rows);
int plan_quant(struct npu_plan *p, uint32_t core, struct npu_cmd_quant c, uint32_t rows);
int plan_ew(struct npu_plan *p, uint32_t core, struct npu_cmd_ew c, uint32_t rows);
int plan_rope(struct npu_plan *p, uint32_t core, struct npu_cmd_rope c, uint32_t rows);
int plan_kv_store(struct npu_plan *p, uint32_t core, struct npu_cmd_kv_store c, uint32_t rows,
		  uint32_t head);
int plan_attn(struct npu_plan *p, uint32_t core, struct npu_cmd_attn c, uint32_t rows,
	      uint32_t head);
int plan_penalize(struct npu_plan *p, uint32_t core, struct npu_cmd_penalize c, uint32_t most);
int plan_sample(struct npu_plan *p, uint32_t core, struct npu_cmd_sample c);
/* LOOP, LOOP_END and BREAK wait for everything before them. */
int plan_loop(struct npu_plan *p, uint32_t core, struct npu_count count, unsigned int index);
int plan_loop_end(struct npu_plan *p, uint32_t core);
int plan_break(struct npu_plan *p, uint32_t core, enum npu_cond cond, unsigned int a, uint64_t imm);
/* All cores meet; one alone goes on. Then all have what each has stored. */
int plan_barrier(struct npu_plan *p);

/* ---- plan_act.c: activations for MATMUL ---- */

enum source_kind {
	SOURCE_ROWS,		/* float rows in memory */
	SOURCE_RECORDS,		/* Q8 records in memory */
	SOURCE_SPAD,		/* float rows in the scratchpad, row 0 first */
};

struct source {
	enum source_kind kind;
	uint32_t k;
	uint64_t va;		/* rows, records */
	uint64_t stride;	/* bytes, of rows */
	uint32_t space;		/* of the memory, for the tokens */
	uint32_t spad;
	uint32_t ld;		/* elements, in the scratchpad */
	uint64_t norm;		/* float[k] in memory: rmsnorm first; 0: no */
};

/* Room that activations take, and where they lie. */
struct act {
	uint32_t kinds;			/* ACT_* */
	uint32_t at[ACT_KINDS];		/* by bit number */
	uint32_t norm;			/* its weights */
	uint32_t piece;			/* pieces of float rows; SPAD_NONE: not needed */
	uint32_t piece_rows;		/* of one */
	uint32_t pieces;		/* that are used in turn */
};

/* ACT_* that a weight of this type wants. */
uint32_t act_kind_of(uint32_t wtype);
/* Bytes of a row of each kind together; and bytes that do not depend on the rows. */
uint64_t act_row_bytes(const struct source *s, uint32_t kinds);
uint64_t act_fixed_bytes(const struct npu_plan *p, const struct source *s, uint32_t kinds);
int act_take(struct npu_plan *p, const struct source *s, uint32_t kinds, uint32_t rows,
	     struct act *a);
/* Loads the weights of the norm; once before the tiles. */
int act_begin(struct npu_plan *p, uint32_t core, const struct source *s, const struct act *a);
/* Brings the rows of a tile. */
int act_tile(struct npu_plan *p, uint32_t core, const struct source *s, const struct act *a,
	     const struct tile *t);
/* MATMUL of strips [first, first + n / 16) of w with these activations. */
int act_matmul(struct npu_plan *p, uint32_t core, const struct source *s, const struct act *a,
	       const struct tile *t, const struct npu_weight *w, uint32_t first, uint32_t n,
	       uint32_t out, uint32_t ldo);

/* ---- plan_record.c: Q8 records in memory ---- */

/* Columns first .. first + cols - 1 (multiples of 32) of records of k elements at va */
struct record_slice {
	uint64_t va;
	uint32_t k;
	uint32_t space;
	uint32_t first;
	uint32_t cols;
	uint32_t src;		/* float rows in the scratchpad, and their stride in elements */
	uint32_t src_ld;
	uint32_t buffer;	/* NPU_ACT_Q8_ROW_BYTES(cols) a row */
};
int store_records(struct npu_plan *p, uint32_t core, const struct record_slice *r,
		  const struct tile *t);

/* ---- op_project.c: matrices applied to activations, by slices of output columns ---- */

enum sink_kind {
	SINK_ROWS,		/* float rows in memory */
	SINK_RECORDS,		/* Q8 records in memory, for the next operator */
	SINK_SPAD,		/* float rows in the scratchpad */
};

struct sink {
	enum sink_kind kind;
	bool add;		/* += */
	uint64_t va;
	uint64_t stride;	/* bytes */
	uint32_t space;
	uint32_t spad;
	uint32_t ld;
};

/* out = w[0] * in, or silu(w[0] * in) * (w[1] * in) if n_w is 2 */
struct project {
	const char *what;
	struct source in;
	struct sink out;
	struct npu_weight w[2];
	uint32_t n_w;
	bool last_row;		/* of the chunk only; in from memory or of one row */
	uint32_t keep;		/* SPAD_NONE, or where float[n] also stays (one core, one row) */
};
/* Emits it on all cores, without a barrier. */
int project(struct npu_plan *p, const struct project *op);

/* Cuts `units` in cores parts: [*first, *end) is that of a core; the first ones are the largest. */
void slice_of(uint32_t units, uint32_t cores, uint32_t core, uint32_t *first, uint32_t *end);

/* ---- plan_x.c: the residual, and safe points ---- */

/* x of the plan as a source, with a norm: where it is, or from the workspace in any case. */
struct source plan_x_source(struct npu_plan *p, uint64_t norm);
struct source plan_x_rows(struct npu_plan *p, uint64_t norm);
/* Loads a resident x into the scratchpads if it is not there. */
int plan_x_need(struct npu_plan *p);
/* Columns of a resident x that a core adds to: from the scratchpad to the workspace, or back. */
int plan_x_own(struct npu_plan *p, uint32_t core, bool store);
/* Each core stores its columns. */
int plan_x_share(struct npu_plan *p);
/*
 * A safe point for all cores: from here on nothing is taken from the scratchpads that was there
 * before. Call it where all cores have met and the operator has given its room back. None is
 * made where x or logits are in a scratchpad only; plan_is_safe() tells.
 */
int plan_safe(struct npu_plan *p);
bool plan_is_safe(const struct npu_plan *p);
/*
 * The same for activations of these kinds; when x is in memory the cores share the work of the
 * norm first. op_norm.c
 */
int plan_normed(struct npu_plan *p, uint64_t norm, uint32_t kinds, struct source *out);
/* x += w * in; a safe point follows. */
int plan_residual(struct npu_plan *p, const char *what, const struct source *in,
		  const struct npu_weight *w);

/* Of a layer's matrices, roughly: the shape says, or a byte each. */
uint64_t plan_layer_bytes(const struct npu_plan_shape *s);
/* Checks a weight against the shape the operator needs. -EINVAL names it. */
int weight_check(const char *what, const struct npu_weight *w, uint32_t n, uint32_t k);
/* Makes an operator's failure stick to the command buffer; returns rc. */
int plan_result(struct npu_plan *p, int rc);
/* Logits that were left in the scratchpad are overwritten from here on. */
void plan_forget_logits(struct npu_plan *p);

#endif

// SPDX-License-Identifier: MIT
/*
 * Attention: every core has a run of KV heads and does all of them by itself, from the Q, K and V
 * rows of its heads to the weighted sums; so the cores meet only before and after the output
 * matrix.
 */
#include <errno.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"

#define WHAT	"attention"

struct layout {
	uint32_t rows;		/* of a tile */
	uint32_t heads;		/* KV heads of a pass */
	uint32_t ld;		/* elements of a row of Q, K and V side by side */
	uint32_t q, k, v;	/* columns where the parts begin */
	bool records;		/* the result leaves as Q8 records */
	struct act act;
	uint32_t qkv;
	uint32_t table;
	uint32_t record;
};

/* Columns of a matrix that some heads need, widened to strips */
struct span {
	uint32_t strip;		/* first */
	uint32_t cols;		/* multiple of 16 */
	uint32_t skip;		/* columns before the first that is needed */
};

static uint32_t n_rep(const struct npu_plan *p)
{
	return p->shape.n_heads / p->shape.n_kv_heads;
}

static struct span span_of(uint32_t first, uint32_t cols)
{
	uint32_t strip = first / NPU_STRIP_ROWS;

	return (struct span){
		.strip = strip,
		.cols = NPU_ALIGN_UP(first + cols, NPU_STRIP_ROWS) - strip * NPU_STRIP_ROWS,
		.skip = first - strip * NPU_STRIP_ROWS,
	};
}

/* Room for the widest span of cols columns per head. */
static uint32_t span_room(uint32_t cols, uint32_t heads)
{
	uint32_t more = cols % NPU_STRIP_ROWS ? NPU_STRIP_ROWS : 0;

	return NPU_ALIGN_UP(cols * heads, NPU_STRIP_ROWS) + more;
}

static void set_columns(const struct npu_plan *p, struct layout *l)
{
	uint32_t dim = p->shape.head_dim;

	l->q = 0;
	l->k = span_room(n_rep(p) * dim, l->heads);
	l->v = l->k + span_room(dim, l->heads);
	l->ld = l->v + span_room(dim, l->heads);
}

static uint32_t kinds_of(const struct npu_attention *a)
{
	return act_kind_of(a->wq.type) | act_kind_of(a->wk.type) | act_kind_of(a->wv.type);
}

/* Where the heads' sums go: the tiler's own scratchpad if one core keeps all. */
static bool keeps(const struct npu_plan *p)
{
	return p->resident && p->cores == 1;
}

static uint64_t row_bytes(const struct npu_plan *p, const struct npu_attention *a,
			  const struct layout *l)
{
	uint64_t bytes = 4ull * l->ld;

	if (a->rope)
		bytes += 4ull * p->shape.n_rot;
	if (l->records)
		bytes += NPU_ACT_Q8_ROW_BYTES(n_rep(p) * p->shape.head_dim * l->heads);
	return bytes;
}

/* Chooses heads of a pass and rows of a tile: few tiles first, then few passes. */
static int choose(const struct npu_plan *p, const struct npu_attention *a, const struct source *in,
		  struct layout *l)
{
	uint64_t fixed = act_fixed_bytes(p, in, kinds_of(a));
	uint64_t act = act_row_bytes(in, kinds_of(a));
	uint32_t want = p->shape.m_max;
	struct layout best = *l;
	uint32_t first, end;

	slice_of(p->shape.n_kv_heads, p->cores, 0, &first, &end);
	best.rows = 0;
	for (l->heads = end - first; l->heads; l->heads /= 2) {
		set_columns(p, l);
		l->rows = spad_rows(p, fixed, act + row_bytes(p, a, l));
		if (l->rows && (!best.rows || (want + l->rows - 1) / l->rows <
					      (want + best.rows - 1) / best.rows))
			best = *l;
		if (l->rows == want)
			break;
	}
	if (!best.rows || (p->resident && best.rows < want)) {
		l->heads = 1;
		set_columns(p, l);
		return spad_fail(p, WHAT, fixed + act + row_bytes(p, a, l), 1);
	}
	*l = best;
	return 0;
}

static int take(struct npu_plan *p, const struct npu_attention *a, const struct source *in,
		struct layout *l)
{
	uint32_t cols = n_rep(p) * p->shape.head_dim * l->heads;
	int rc = act_take(p, in, kinds_of(a), l->rows, &l->act);

	if (rc)
		return rc;
	l->qkv = spad_take(p, 4ull * l->ld * l->rows);
	l->table = a->rope ? spad_take(p, 4ull * p->shape.n_rot * l->rows) : 0;
	l->record = l->records ? spad_take(p, NPU_ACT_Q8_ROW_BYTES((uint64_t)cols) * l->rows) : 0;
	if (l->qkv == SPAD_NONE || l->table == SPAD_NONE || l->record == SPAD_NONE)
		return spad_fail(p, WHAT, row_bytes(p, a, l) * l->rows, l->rows);
	return 0;
}

static int rotate(struct npu_plan *p, const struct layout *l, const struct tile *t, uint32_t core,
		  uint32_t col, uint32_t heads)
{
	return plan_rope(p, core, (struct npu_cmd_rope){
		.hdr.flags = p->shape.rope_half ? NPU_CMDF_ROPE_HALF : 0,
		.x = l->qkv + 4 * col,
		.stride = l->ld,
		.table = l->table,
		.n_heads = heads,
		.head_dim = p->shape.head_dim,
		.n_rot = p->shape.n_rot,
		.rows = t->n,
	}, t->max);
}

/* Stores K and V of a head and attends with its queries, which become the sums. */
static int one_head(struct npu_plan *p, const struct npu_attention *a, const struct layout *l,
		    const struct tile *t, uint32_t core, uint32_t head, uint32_t q, uint32_t k,
		    uint32_t v)
{
	const struct npu_plan_shape *s = &p->shape;
	struct npu_cmd_kv_store store = {
		.hdr.flags = NPU_CMDF_KV_K,
		.src = l->qkv + 4 * k,
		.src_stride = l->ld,
		.addr = npu_va(a->k + head * a->head_stride),
		.head_dim = s->head_dim,
		.capacity = s->kv_capacity,
		.pos = npu_count(0, t->pos_reg),
		.m = t->n,
		.kvtype = NPU_KV_F16,
	};
	struct npu_cmd_attn attn = {
		.hdr.flags = s->attn_half ? NPU_CMDF_ATTN_HALF : 0,
		.q = l->qkv + 4 * q,
		.q_stride = l->ld,
		.out = l->qkv + 4 * q,
		.out_stride = l->ld,
		.head_dim = s->head_dim,
		.capacity = s->kv_capacity,
		.scale = p->attn_scale,
		.n_rep = (__u16)n_rep(p),
		.kvtype = NPU_KV_F16,
		.k = npu_va(a->k + head * a->head_stride),
		.v = npu_va(a->v + head * a->head_stride),
		.pos = npu_count(0, t->pos_reg),
		.m = t->n,
	};

	plan_kv_store(p, core, store, t->max, head);
	store.hdr.flags = 0;
	store.src = l->qkv + 4 * v;
	store.addr = npu_va(a->v + head * a->head_stride);
	plan_kv_store(p, core, store, t->max, head);
	if (keeps(p)) {
		attn.out = p->att + 4 * head * n_rep(p) * s->head_dim;
		attn.out_stride = ld_of(s->n_heads * s->head_dim);
	}
	return plan_attn(p, core, attn, t->max, head);
}

/* Sums of `heads` KV heads from `head` on to the workspace. */
static int send(struct npu_plan *p, const struct layout *l, const struct tile *t, uint32_t core,
		uint32_t head, uint32_t heads, uint32_t q)
{
	uint32_t per = n_rep(p) * p->shape.head_dim;
	uint32_t all = p->shape.n_heads * p->shape.head_dim;

	if (l->records)
		return store_records(p, core, &(struct record_slice){
			.va = p->ws_att, .k = all, .space = SPACE_ATT,
			.first = head * per, .cols = heads * per,
			.src = l->qkv + 4 * q, .src_ld = l->ld, .buffer = l->record,
		}, t);
	return plan_store(p, core, (struct npu_cmd_dma){
		.spad = l->qkv + 4 * q,
		.spad_stride = 4 * l->ld,
		.addr = tile_addr(t, p->ws_att + 4ull * head * per, 4ull * all),
		.mem_stride = 4ull * all,
		.row_bytes = 4 * heads * per,
		.rows = t->n,
	}, t->max, SPACE_ATT);
}

static int pass(struct npu_plan *p, const struct npu_attention *a, const struct source *in,
		const struct layout *l, const struct tile *t, uint32_t core, uint32_t head,
		uint32_t heads)
{
	uint32_t dim = p->shape.head_dim;
	struct span q = span_of(head * n_rep(p) * dim, heads * n_rep(p) * dim);
	struct span kv = span_of(head * dim, heads * dim);

	act_matmul(p, core, in, &l->act, t, &a->wq, q.strip, q.cols, l->qkv + 4 * l->q, l->ld);
	act_matmul(p, core, in, &l->act, t, &a->wk, kv.strip, kv.cols, l->qkv + 4 * l->k, l->ld);
	act_matmul(p, core, in, &l->act, t, &a->wv, kv.strip, kv.cols, l->qkv + 4 * l->v, l->ld);
	if (a->rope) {
		rotate(p, l, t, core, l->q + q.skip, heads * n_rep(p));
		rotate(p, l, t, core, l->k + kv.skip, heads);
	}
	for (uint32_t i = 0; i < heads; i++)
		one_head(p, a, l, t, core, head + i, l->q + q.skip + i * n_rep(p) * dim,
			 l->k + kv.skip + i * dim, l->v + kv.skip + i * dim);
	if (keeps(p))
		return p->cb->error;
	return send(p, l, t, core, head, heads, l->q + q.skip);
}

static int load_table(struct npu_plan *p, const struct npu_attention *a, const struct layout *l,
		      const struct tile *t, uint32_t core)
{
	uint32_t bytes = 4 * p->shape.n_rot;

	if (!a->rope)
		return p->cb->error;
	return plan_load(p, core, (struct npu_cmd_dma){
		.spad = l->table,
		.spad_stride = bytes,
		.addr = t->pos_reg == NPU_REG_ZERO ? npu_va(a->rope) :
						     npu_va_reg(a->rope, t->pos_reg, bytes),
		.mem_stride = bytes,
		.row_bytes = bytes,
		.rows = t->n,
	}, t->max, SPACE_CONST);
}

static int core_part(struct npu_plan *p, const struct npu_attention *a, const struct source *in,
		     const struct layout *l, uint32_t core)
{
	uint32_t first, end;
	struct tile t;

	slice_of(p->shape.n_kv_heads, p->cores, core, &first, &end);
	if (first == end)
		return p->cb->error;
	act_begin(p, core, in, &l->act);
	tile_begin(p, core, l->rows, &t);
	load_table(p, a, l, &t, core);
	act_tile(p, core, in, &l->act, &t);
	for (uint32_t head = first; head < end; head += l->heads)
		pass(p, a, in, l, &t, core, head,
		     end - head < l->heads ? end - head : l->heads);
	return tile_end(p, core, l->rows);
}

static int check(const struct npu_plan *p, const struct npu_attention *a)
{
	const struct npu_plan_shape *s = &p->shape;
	uint32_t q = s->n_heads * s->head_dim;
	uint32_t kv = s->n_kv_heads * s->head_dim;
	int rc;

	if (!s->n_heads || !s->kv_capacity)
		return npu_fail(-EINVAL, WHAT ": the plan's shape has no heads or no KV capacity");
	if ((a->k | a->v | a->head_stride | a->norm | a->rope) % 64)
		return npu_fail(-EINVAL,
				WHAT ": norm, rope, k, v and head_stride must be multiples "
				     "of 64");
	if (a->head_stride < npu_kv_bytes(s->kv_capacity, s->head_dim))
		return npu_fail(-EINVAL, WHAT ": head_stride is %llu, a head has %llu bytes",
				(unsigned long long)a->head_stride,
				(unsigned long long)npu_kv_bytes(s->kv_capacity, s->head_dim));
	rc = weight_check(WHAT " wq", &a->wq, q, s->dim);
	if (!rc)
		rc = weight_check(WHAT " wk", &a->wk, kv, s->dim);
	if (!rc)
		rc = weight_check(WHAT " wv", &a->wv, kv, s->dim);
	if (!rc)
		rc = weight_check(WHAT " wo", &a->wo, s->dim, q);
	return rc;
}

/* The heads' sums as the output matrix takes them. */
static struct source sums(const struct npu_plan *p, const struct layout *l)
{
	uint32_t all = p->shape.n_heads * p->shape.head_dim;

	if (keeps(p))
		return (struct source){ .kind = SOURCE_SPAD, .k = all, .spad = p->att,
					.ld = ld_of(all) };
	return (struct source){
		.kind = l->records ? SOURCE_RECORDS : SOURCE_ROWS,
		.k = all,
		.va = p->ws_att,
		.stride = 4ull * all,
		.space = SPACE_ATT,
	};
}

static int attention(struct npu_plan *p, const struct npu_attention *a)
{
	uint32_t mark = p->used;
	struct layout l = { 0 };
	struct source in, out;
	int rc = p->cb->error;

	if (!rc)
		rc = check(p, a);
	if (rc)
		return rc;
	l.records = !keeps(p) && act_kind_of(a->wo.type) == ACT_Q8 &&
		    n_rep(p) * p->shape.head_dim % NPU_QBLOCK == 0;
	plan_forget_logits(p);
	rc = plan_normed(p, a->norm, kinds_of(a), &in);
	if (!rc)
		rc = choose(p, a, &in, &l);
	if (!rc)
		rc = take(p, a, &in, &l);
	for (uint32_t core = 0; core < p->cores && !rc; core++)
		rc = core_part(p, a, &in, &l, core);
	p->used = mark;
	if (!rc)
		rc = plan_barrier(p);
	/* with x resident its columns would have to be loaded again; the half is short enough */
	if (!rc && !p->resident)
		rc = plan_safe(p);
	if (rc)
		return rc;
	out = sums(p, &l);
	return plan_residual(p, WHAT " wo", &out, &a->wo);
}

int npu_op_attention(struct npu_plan *p, const struct npu_attention *a)
{
	return plan_result(p, attention(p, a));
}

/* SPDX-License-Identifier: MIT */
/*
 * Checks of the fields that do not depend on registers, a function a command.
 */
#include <stddef.h>

#include "decode.h"

/* Checks of one command, in order; the first refusal stays. */
struct check {
	enum npu_fault fault;
	uint64_t value;
};

static void refuse(struct check *c, enum npu_fault fault, uint64_t value)
{
	if (c->fault)
		return;
	c->fault = fault;
	c->value = value;
}

static void need(struct check *c, bool ok, uint64_t value)
{
	if (!ok)
		refuse(c, NPU_FAULT_BAD_FIELD, value);
}

static void zero(struct check *c, const void *pad, size_t bytes)
{
	const uint8_t *p = pad;

	for (size_t i = 0; i < bytes; i++)
		need(c, p[i] == 0, p[i]);
}

#define ZERO(c, field) zero(c, &(field), sizeof(field))

static void reg(struct check *c, uint8_t r)
{
	need(c, r < NPU_REG_COUNT, r);
}

static void count(struct check *c, const struct npu_count *n)
{
	reg(c, n->reg);
	ZERO(c, n->pad);
}

static void addr(struct check *c, const struct npu_addr *a)
{
	reg(c, a->reg);
	ZERO(c, a->pad);
}

static void spad(struct check *c, uint32_t offset, uint32_t align)
{
	if (offset & (align - 1))
		refuse(c, NPU_FAULT_SPAD, offset);
}

static void range(struct check *c, uint64_t v, uint64_t min, uint64_t max, uint64_t multiple)
{
	need(c, v >= min && v <= max && v % multiple == 0, v);
}

static bool is_q(uint8_t wtype)
{
	return wtype == NPU_WTYPE_Q8_0 || wtype == NPU_WTYPE_Q4_0;
}

static void weights(struct check *c, uint8_t wtype, uint32_t k)
{
	need(c, wtype < NPU_WTYPE_COUNT, wtype);
	range(c, k, 1, NPU_MAX_K, is_q(wtype) ? NPU_QBLOCK : 1);
}

static void kv_head(struct check *c, uint32_t head_dim, uint32_t capacity, uint8_t kvtype)
{
	range(c, head_dim, 2, NPU_MAX_HEAD_DIM, 2);
	range(c, capacity, 16, NPU_MAX_KV, 16);
	need(c, kvtype == NPU_KV_F16, kvtype);
}

static void barrier(struct check *c, const struct npu_cmd_barrier *b, uint32_t core,
		    uint32_t streams)
{
	need(c, b->cores >> core & 1 && !(b->cores >> streams), b->cores);
	ZERO(c, b->pad);
}

static void loop(struct check *c, const struct npu_cmd_loop *l)
{
	count(c, &l->count);
	reg(c, l->index);
	ZERO(c, l->pad);
}

static void break_(struct check *c, const struct npu_cmd_break *b)
{
	need(c, b->cond <= NPU_COND_GE, b->cond);
	reg(c, b->a);
	reg(c, b->b);
	ZERO(c, b->pad);
}

static void alu(struct check *c, const struct npu_cmd_alu *a)
{
	need(c, a->op <= NPU_ALU_SUBSAT, a->op);
	reg(c, a->dst);
	reg(c, a->a);
	reg(c, a->b);
	ZERO(c, a->pad);
}

static void scalar(struct check *c, const struct npu_cmd_scalar *s)
{
	reg(c, s->reg);
	need(c, s->bytes == 4 || s->bytes == 8, s->bytes);
	ZERO(c, s->pad);
	addr(c, &s->addr);
}

static void dma(struct check *c, const struct npu_cmd_dma *d)
{
	spad(c, d->spad, 4);
	range(c, d->spad_stride, 0, UINT32_MAX, 2);
	addr(c, &d->addr);
	range(c, d->mem_stride, 0, UINT64_MAX, 2);
	range(c, d->row_bytes, 2, UINT32_MAX, 2);
	ZERO(c, d->pad);
	count(c, &d->rows);
}

static void gather(struct check *c, const struct npu_cmd_gather *g)
{
	spad(c, g->spad, NPU_SPAD_ALIGN);
	range(c, g->spad_stride, 0, UINT32_MAX, 2);
	addr(c, &g->addr);
	range(c, g->mem_stride, 0, UINT64_MAX, 2);
	range(c, g->row_bytes, 2, UINT32_MAX, 2);
	spad(c, g->index, NPU_SPAD_ALIGN);
	count(c, &g->count);
	ZERO(c, g->pad);
}

static void kv_store(struct check *c, const struct npu_cmd_kv_store *k)
{
	spad(c, k->src, 4);
	addr(c, &k->addr);
	kv_head(c, k->head_dim, k->capacity, k->kvtype);
	count(c, &k->pos);
	count(c, &k->m);
	ZERO(c, k->pad);
}

static void relayout(struct check *c, const struct npu_cmd_relayout *r)
{
	addr(c, &r->src);
	addr(c, &r->dst);
	count(c, &r->n);
	weights(c, r->wtype, r->k);
	ZERO(c, r->pad);
}

static void matmul(struct check *c, const struct npu_cmd_matmul *m)
{
	weights(c, m->wtype, m->k);
	need(c, m->atype == (is_q(m->wtype) ? NPU_ATYPE_Q8 : NPU_ATYPE_F32), m->atype);
	ZERO(c, m->pad);
	range(c, m->n, NPU_STRIP_ROWS, NPU_MAX_N, NPU_STRIP_ROWS);
	spad(c, m->act, NPU_SPAD_ALIGN);
	if (m->atype == NPU_ATYPE_Q8)
		need(c, m->lda == 0, m->lda);
	spad(c, m->out, NPU_SPAD_ALIGN);
	ZERO(c, m->pad2);
	addr(c, &m->w);
	count(c, &m->m);
}

static void wrows(struct check *c, const struct npu_cmd_wrows *w)
{
	spad(c, w->dst, NPU_SPAD_ALIGN);
	spad(c, w->index, NPU_SPAD_ALIGN);
	range(c, w->n, 1, NPU_MAX_N, 1);
	weights(c, w->wtype, w->k);
	ZERO(c, w->pad);
	addr(c, &w->w);
	count(c, &w->count);
}

static void attn(struct check *c, const struct npu_cmd_attn *a)
{
	spad(c, a->q, 4);
	spad(c, a->out, 4);
	kv_head(c, a->head_dim, a->capacity, a->kvtype);
	range(c, a->n_rep, 1, 64, 1);
	ZERO(c, a->pad);
	addr(c, &a->k);
	addr(c, &a->v);
	count(c, &a->pos);
	count(c, &a->m);
}

static void rmsnorm(struct check *c, const struct npu_cmd_rmsnorm *r)
{
	spad(c, r->dst, NPU_SPAD_ALIGN);
	spad(c, r->src, NPU_SPAD_ALIGN);
	spad(c, r->weight, NPU_SPAD_ALIGN);
	need(c, r->cols, r->cols);
	ZERO(c, r->pad);
	count(c, &r->rows);
}

static void rope(struct check *c, const struct npu_cmd_rope *r)
{
	spad(c, r->x, 4);
	spad(c, r->table, NPU_SPAD_ALIGN);
	need(c, r->n_heads, r->n_heads);
	need(c, r->head_dim, r->head_dim);
	range(c, r->n_rot, 2, r->head_dim, 2);
	count(c, &r->rows);
}

static void softmax(struct check *c, const struct npu_cmd_softmax *s)
{
	spad(c, s->dst, NPU_SPAD_ALIGN);
	spad(c, s->src, NPU_SPAD_ALIGN);
	ZERO(c, s->pad);
	count(c, &s->cols);
	count(c, &s->rows);
}

static void ew(struct check *c, const struct npu_cmd_ew *e)
{
	need(c, e->op <= NPU_EW_COPY, e->op);
	ZERO(c, e->pad);
	spad(c, e->dst, NPU_SPAD_ALIGN);
	spad(c, e->a, NPU_SPAD_ALIGN);
	spad(c, e->b, NPU_SPAD_ALIGN);
	if (e->op == NPU_EW_SCALE || e->op == NPU_EW_COPY) {
		ZERO(c, e->b);
		ZERO(c, e->b_stride);
	}
	need(c, e->cols, e->cols);
	ZERO(c, e->pad2);
	count(c, &e->rows);
}

static void quant(struct check *c, const struct npu_cmd_quant *q)
{
	spad(c, q->dst, NPU_SPAD_ALIGN);
	spad(c, q->src, NPU_SPAD_ALIGN);
	need(c, q->atype == NPU_ATYPE_Q8 || q->atype == NPU_ATYPE_F16R, q->atype);
	if (q->atype == NPU_ATYPE_Q8)
		need(c, q->dst_stride == 0, q->dst_stride);
	range(c, q->cols, 1, NPU_MAX_K, q->atype == NPU_ATYPE_Q8 ? NPU_QBLOCK : 1);
	ZERO(c, q->pad);
	count(c, &q->rows);
}

static void convert(struct check *c, const struct npu_cmd_convert *v)
{
	spad(c, v->dst, NPU_SPAD_ALIGN);
	spad(c, v->src, NPU_SPAD_ALIGN);
	need(c, v->dst_type <= NPU_DTYPE_BF16, v->dst_type);
	need(c, v->src_type <= NPU_DTYPE_BF16, v->src_type);
	ZERO(c, v->pad);
	count(c, &v->n);
}

static void argmax(struct check *c, const struct npu_cmd_argmax *a)
{
	spad(c, a->src, NPU_SPAD_ALIGN);
	reg(c, a->dst);
	ZERO(c, a->pad);
	count(c, &a->n);
}

static void topk(struct check *c, const struct npu_cmd_topk *t)
{
	spad(c, t->src, NPU_SPAD_ALIGN);
	spad(c, t->dst, NPU_SPAD_ALIGN);
	range(c, t->k, 1, t->n, 1);
}

static void penalize(struct check *c, const struct npu_cmd_penalize *p)
{
	spad(c, p->logits, NPU_SPAD_ALIGN);
	need(c, p->n, p->n);
	spad(c, p->history, NPU_SPAD_ALIGN);
	ZERO(c, p->pad);
	count(c, &p->count);
	addr(c, &p->params);
}

static void sample(struct check *c, const struct npu_cmd_sample *s)
{
	spad(c, s->logits, NPU_SPAD_ALIGN);
	need(c, s->n, s->n);
	reg(c, s->dst);
	ZERO(c, s->pad);
	count(c, &s->counter);
	addr(c, &s->params);
}

enum npu_fault npu_check_cmd(const void *cmd, uint32_t core, uint32_t streams, uint64_t *value)
{
	struct check c = { NPU_FAULT_NONE, 0 };

	switch ((enum npu_opcode)((const struct npu_cmd_hdr *)cmd)->opcode) {
	case NPU_OP_NOP:
	case NPU_OP_END:
	case NPU_OP_LOOP_END:
		break;
	case NPU_OP_BARRIER:
		barrier(&c, cmd, core, streams);
		break;
	case NPU_OP_LOOP:
		loop(&c, cmd);
		break;
	case NPU_OP_BREAK:
		break_(&c, cmd);
		break;
	case NPU_OP_ALU:
		alu(&c, cmd);
		break;
	case NPU_OP_LDR:
	case NPU_OP_STR:
		scalar(&c, cmd);
		break;
	case NPU_OP_MARK:
		ZERO(&c, ((const struct npu_cmd_mark *)cmd)->pad);
		break;
	case NPU_OP_LOAD:
	case NPU_OP_STORE:
		dma(&c, cmd);
		break;
	case NPU_OP_GATHER:
		gather(&c, cmd);
		break;
	case NPU_OP_KV_STORE:
		kv_store(&c, cmd);
		break;
	case NPU_OP_RELAYOUT:
		relayout(&c, cmd);
		break;
	case NPU_OP_MATMUL:
		matmul(&c, cmd);
		break;
	case NPU_OP_WROWS:
		wrows(&c, cmd);
		break;
	case NPU_OP_ATTN:
		attn(&c, cmd);
		break;
	case NPU_OP_RMSNORM:
		rmsnorm(&c, cmd);
		break;
	case NPU_OP_ROPE:
		rope(&c, cmd);
		break;
	case NPU_OP_SOFTMAX:
		softmax(&c, cmd);
		break;
	case NPU_OP_EW:
		ew(&c, cmd);
		break;
	case NPU_OP_QUANT:
		quant(&c, cmd);
		break;
	case NPU_OP_CONVERT:
		convert(&c, cmd);
		break;
	case NPU_OP_ARGMAX:
		argmax(&c, cmd);
		break;
	case NPU_OP_TOPK:
		topk(&c, cmd);
		break;
	case NPU_OP_PENALIZE:
		penalize(&c, cmd);
		break;
	case NPU_OP_SAMPLE:
		sample(&c, cmd);
		break;
	}
	*value = c.value;
	return c.fault;
}

/* SPDX-License-Identifier: MIT */
/*
 * The KV cache: KV_STORE writes it, ATTN reads it.
 */
#include <string.h>

#include "exec.h"

/* Bytes of a group of 16 positions, of K or V */
#define GROUP		16
#define GROUP_BYTES(hd)	((uint64_t)(hd) * GROUP * 2)
#define GROUPS		(NPU_ATTN_BLOCK / GROUP)
/* What ATTN keeps a vector of: as many rows at once as fit here, at least one */
#define STATE_BYTES	(256u << 10)
/* Host time of a score with NPU_CMDF_ATTN_HALF, where positions are added one by one */
#define HALF_SCORE_NS	8

/* Positions pos..pos+m-1 lie within the capacity, and all of it within 64 bits. */
static enum npu_step check_positions(struct npu_stream *s, uint64_t pos, uint64_t m,
				     uint64_t capacity, uint64_t head_dim, uint64_t va)
{
	if (pos + m > capacity)
		return npu_exec_fault(s, NPU_FAULT_INDEX, pos + m);
	if (va > UINT64_MAX - npu_kv_bytes(capacity, head_dim))
		return npu_exec_fault(s, NPU_FAULT_OVERFLOW, va);
	return NPU_STEP_OK;
}

/* Up to 16 rows into the K strip at @va. */
static enum npu_step store_k(struct npu_stream *s, const struct npu_cmd_kv_store *c,
			     const float *src, uint32_t first, uint32_t count, uint64_t va)
{
	for (uint32_t d = 0, n; d < c->head_dim; d += n) {
		uint64_t run;
		uint8_t *dst =
			npu_exec_run(s, va + 32ull * d, 32ull * (c->head_dim - d), true, &run);

		if (!dst)
			return NPU_STEP_FAULT;
		/* Strips are aligned to 64 bytes, so pages cut between dimensions. */
		n = (uint32_t)(run / 32);
		s->kern->kv_store_k(src + d, c->src_stride, n, first, count, dst);
	}
	return NPU_STEP_OK;
}

static enum npu_step store_v(struct npu_stream *s, const struct npu_cmd_kv_store *c,
			     const float *src, uint64_t va)
{
	for (uint32_t d = 0, n; d < c->head_dim; d += n) {
		uint64_t run;
		uint8_t *dst = npu_exec_run(s, va + 2ull * d, 2ull * (c->head_dim - d), true, &run);

		if (!dst)
			return NPU_STEP_FAULT;
		n = (uint32_t)(run / 2);
		s->kern->kv_store_v(src + d, n, dst);
	}
	return NPU_STEP_OK;
}

enum npu_step npu_exec_kv_store(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_kv_store *c = op->cmd;
	uint64_t va, elements;
	struct npu_work w = { 0 };
	uint32_t pos, m;
	void *src;

	NPU_TRY(npu_exec_count(s, &c->pos, &pos));
	NPU_TRY(npu_exec_count(s, &c->m, &m));
	NPU_TRY(npu_exec_addr(s, &c->addr, NPU_WEIGHT_ALIGN, &va));
	NPU_TRY(check_positions(s, pos, m, c->capacity, c->head_dim, va));
	NPU_TRY(npu_exec_rows(s, c->src, m, 4ull * c->head_dim, 4ull * c->src_stride, false, &src));
	for (uint32_t i = 0, n; i < m; i += n) {
		const float *row = (const float *)src + (size_t)i * c->src_stride;
		uint32_t p = pos + i, first = p % GROUP;

		if (c->hdr.flags & NPU_CMDF_KV_K) {
			n = m - i < GROUP - first ? m - i : GROUP - first;
			NPU_TRY(store_k(s, c, row, first, n,
					va + p / GROUP * GROUP_BYTES(c->head_dim)));
		} else {
			n = 1;
			NPU_TRY(store_v(s, c, row, va + (uint64_t)p * c->head_dim * 2));
		}
		if (npu_stream_stopped(s))
			return NPU_STEP_STOPPED;
	}
	elements = (uint64_t)m * c->head_dim;
	w.write_bytes = 2 * elements;
	w.spad_bytes = 4 * elements;
	w.vector_ops = elements * NPU_VOPS_COPY;
	w.vector_cycles = npu_cycles_vector(s->machine, elements, NPU_VOPS_COPY);
	return npu_exec_log(s, &c->hdr, &w);
}

/* Pointers to block @b of the head for positions below @limit; bounce takes what is scattered. */
static enum npu_step find_block(struct npu_stream *s, uint32_t head_dim, uint64_t k, uint64_t v,
				uint32_t b, uint32_t limit, uint8_t *bounce,
				struct npu_attn_block *kv)
{
	uint64_t bytes = GROUP_BYTES(head_dim);

	memset(kv, 0, sizeof(*kv));
	for (uint32_t g = 0; g < GROUPS; g++) {
		uint32_t p = b * NPU_ATTN_BLOCK + g * GROUP, rows;
		uint64_t at = p / GROUP * bytes;

		if (p >= limit)
			break;
		rows = limit - p < GROUP ? limit - p : GROUP;
		kv->k[g] = npu_exec_in(s, k + at, bytes, bounce + 2 * g * bytes);
		if (!kv->k[g])
			return NPU_STEP_FAULT;
		kv->v[g] = npu_exec_in(s, v + at, 2ull * rows * head_dim,
				       bounce + (2 * g + 1) * bytes);
		if (!kv->v[g])
			return NPU_STEP_FAULT;
	}
	return NPU_STEP_OK;
}

/* Rows that @a describes, over all blocks that they see. */
static enum npu_step attend(struct npu_stream *s, const struct npu_attn *a, uint64_t k, uint64_t v,
			    uint8_t *bounce)
{
	uint32_t limit = a->pos + a->m;

	s->kern->attn_start(a);
	for (uint32_t b = 0; b * NPU_ATTN_BLOCK < limit; b++) {
		struct npu_attn_block kv;

		NPU_TRY(find_block(s, a->head_dim, k, v, b, limit, bounce, &kv));
		s->kern->attn_block(a, b, &kv);
		if (npu_stream_stopped(s))
			return NPU_STEP_STOPPED;
	}
	s->kern->attn_finish(a);
	return NPU_STEP_OK;
}

/* Two heads in rows may interleave, so only the very same rows or disjoint ones are allowed. */
static enum npu_step check_out(struct npu_stream *s, const struct npu_cmd_attn *c, uint32_t m,
			       uint64_t row_bytes)
{
	if (c->out == c->q && (c->out_stride == c->q_stride || m == 1))
		return NPU_STEP_OK;
	if (npu_exec_overlap(c->q, m, row_bytes, 4ull * c->q_stride, c->out, m, row_bytes,
			     4ull * c->out_stride))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->out);
	return NPU_STEP_OK;
}

static void work_of_attn(const struct npu_stream *s, const struct npu_cmd_attn *c, uint32_t pos,
			 uint32_t m, struct npu_work *w)
{
	uint64_t scores;

	w->matrix_cycles = npu_cycles_attn(s->machine, m, c->n_rep, pos, c->head_dim, &scores);
	w->vector_cycles = npu_cycles_vector(s->machine, scores, NPU_VOPS_ATTN);
	w->vector_ops = scores * NPU_VOPS_ATTN;
	w->macs_float = scores * 2 * c->head_dim;
	w->stream_bytes = 2 * npu_kv_bytes((uint64_t)pos + m, c->head_dim);
	w->stream_ordered = 1;
	w->spad_bytes = 8ull * m * c->n_rep * c->head_dim;
}

enum npu_step npu_exec_attn(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_attn *c = op->cmd;
	uint64_t row_bytes = 4ull * c->n_rep * c->head_dim, k, v;
	uint64_t state_floats = NPU_ATTN_STATE_FLOATS(c->head_dim);
	uint64_t work_floats = NPU_ALIGN_UP(NPU_ATTN_WORK_FLOATS(c->head_dim), 16);
	struct npu_work w = { 0 };
	uint32_t pos, m, chunk;
	void *q, *out;
	float *scratch;

	NPU_TRY(npu_exec_count(s, &c->pos, &pos));
	NPU_TRY(npu_exec_count(s, &c->m, &m));
	NPU_TRY(npu_exec_addr(s, &c->k, NPU_WEIGHT_ALIGN, &k));
	NPU_TRY(npu_exec_addr(s, &c->v, NPU_WEIGHT_ALIGN, &v));
	NPU_TRY(check_positions(s, pos, m, c->capacity, c->head_dim, k));
	NPU_TRY(check_positions(s, pos, m, c->capacity, c->head_dim, v));
	NPU_TRY(npu_exec_rows(s, c->q, m, row_bytes, 4ull * c->q_stride, false, &q));
	NPU_TRY(npu_exec_rows(s, c->out, m, row_bytes, 4ull * c->out_stride, true, &out));
	NPU_TRY(check_out(s, c, m, row_bytes));

	chunk = (uint32_t)(STATE_BYTES / (4 * state_floats * c->n_rep));
	chunk = chunk ? chunk : 1;
	chunk = chunk < m ? chunk : m;
	scratch = npu_stream_scratch(s, 4 * (chunk * c->n_rep * state_floats + work_floats) +
					2 * GROUPS * GROUP_BYTES(c->head_dim));
	if (!scratch)
		return npu_exec_fault(s, NPU_FAULT_BUS, m);
	for (uint32_t i = 0; i < m; i += chunk) {
		struct npu_attn a = {
			.q = (const float *)q + (size_t)i * c->q_stride,
			.q_stride = c->q_stride,
			.out = (float *)out + (size_t)i * c->out_stride,
			.out_stride = c->out_stride,
			.work = scratch,
			.state = scratch + work_floats,
			.head_dim = c->head_dim,
			.n_rep = c->n_rep,
			.m = m - i < chunk ? m - i : chunk,
			.pos = pos + i,
			.scale = c->scale,
			.half = c->hdr.flags & NPU_CMDF_ATTN_HALF,
		};

		NPU_TRY(attend(s, &a, k, v,
			       (uint8_t *)(a.state + chunk * c->n_rep * state_floats)));
	}
	if (m) {
		work_of_attn(s, c, pos, m, &w);
		/* Beyond its arithmetic: what the host takes for a score. */
		s->cost += w.vector_ops / NPU_VOPS_ATTN *
			   (c->hdr.flags & NPU_CMDF_ATTN_HALF ? HALF_SCORE_NS : 1);
	}
	return npu_exec_log(s, &c->hdr, &w);
}

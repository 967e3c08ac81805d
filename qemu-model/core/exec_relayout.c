/* SPDX-License-Identifier: MIT */
/*
 * RELAYOUT: rows as GGUF files hold them to strips, in pieces of k.
 */
#include <string.h>

#include "exec.h"
#include "strip.h"

/* Elements of k that are turned at once: a multiple of every unit */
#define PIECE_K		1024
#define PIECE_SRC	(PIECE_K * 4ull)	/* bytes of a row at most */
#define PIECE_DST	(PIECE_K * 64ull)	/* of a strip */

struct relayout {
	struct npu_stream *s;
	const struct npu_cmd_relayout *c;
	uint64_t src, dst;
	uint64_t row_bytes, strip_bytes, payload;
	uint32_t n;
	uint8_t *rows;		/* bounce buffers: 16 rows' pieces */
	uint8_t *strip;		/* and a strip's */
};

/* Zeroes @bytes of memory. */
static enum npu_step clear(struct npu_stream *s, uint64_t va, uint64_t bytes)
{
	while (bytes) {
		uint64_t run;
		uint8_t *mem = npu_exec_run(s, va, bytes, true, &run);

		if (!mem)
			return NPU_STEP_FAULT;
		memset(mem, 0, run);
		va += run;
		bytes -= run;
	}
	return NPU_STEP_OK;
}

/* Elements k..k+n of strip @strip. */
static enum npu_step piece(const struct relayout *r, uint32_t strip, uint32_t k, uint32_t n)
{
	const void *row[NPU_STRIP_ROWS] = { NULL };
	uint64_t at = npu_source_row_bytes(r->c->wtype, k);
	uint64_t bytes = npu_source_row_bytes(r->c->wtype, n), run;
	uint64_t dst = r->dst + strip * r->strip_bytes + npu_strip_payload(r->c->wtype, k);
	uint64_t dst_bytes = npu_strip_payload(r->c->wtype, n);
	void *out;

	for (uint32_t i = 0; i < NPU_STRIP_ROWS && strip * NPU_STRIP_ROWS + i < r->n; i++) {
		uint64_t src = r->src + (strip * NPU_STRIP_ROWS + i) * r->row_bytes + at;

		row[i] = npu_exec_in(r->s, src, bytes, r->rows + i * PIECE_SRC);
		if (!row[i])
			return NPU_STEP_FAULT;
	}
	out = npu_exec_run(r->s, dst, dst_bytes, true, &run);
	if (!out)
		return NPU_STEP_FAULT;
	if (run == dst_bytes) {
		r->s->kern->relayout[r->c->wtype](row, n, out);
		return NPU_STEP_OK;
	}
	r->s->kern->relayout[r->c->wtype](row, n, r->strip);
	return npu_exec_write(r->s, dst, r->strip, dst_bytes);
}

static enum npu_step strip(const struct relayout *r, uint32_t i)
{
	for (uint32_t k = 0; k < r->c->k; k += PIECE_K) {
		NPU_TRY(piece(r, i, k, r->c->k - k < PIECE_K ? r->c->k - k : PIECE_K));
		if (npu_stream_stopped(r->s))
			return NPU_STEP_STOPPED;
	}
	return clear(r->s, r->dst + i * r->strip_bytes + r->payload, r->strip_bytes - r->payload);
}

enum npu_step npu_exec_relayout(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_relayout *c = op->cmd;
	struct relayout r = { .s = s, .c = c };
	struct npu_work w = { 0 };
	uint64_t src_bytes, dst_bytes;

	NPU_TRY(npu_exec_count(s, &c->n, &r.n));
	if (r.n > NPU_MAX_N)
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, r.n);
	NPU_TRY(npu_exec_addr(s, &c->src, 2, &r.src));
	NPU_TRY(npu_exec_addr(s, &c->dst, NPU_WEIGHT_ALIGN, &r.dst));
	r.row_bytes = npu_source_row_bytes(c->wtype, c->k);
	r.strip_bytes = npu_strip_bytes(c->wtype, c->k);
	r.payload = npu_strip_payload(c->wtype, c->k);
	src_bytes = r.n * r.row_bytes;
	dst_bytes = npu_weight_bytes(c->wtype, r.n, c->k);
	if (r.src > UINT64_MAX - src_bytes)
		return npu_exec_fault(s, NPU_FAULT_OVERFLOW, r.src);
	if (r.dst > UINT64_MAX - dst_bytes)
		return npu_exec_fault(s, NPU_FAULT_OVERFLOW, r.dst);
	r.rows = npu_stream_scratch(s, NPU_STRIP_ROWS * PIECE_SRC + PIECE_DST);
	if (!r.rows)
		return npu_exec_fault(s, NPU_FAULT_BUS, r.n);
	r.strip = r.rows + NPU_STRIP_ROWS * PIECE_SRC;
	for (uint32_t i = 0; i * NPU_STRIP_ROWS < r.n; i++)
		NPU_TRY(strip(&r, i));

	w.stream_bytes = src_bytes;
	w.stream_ordered = 1;
	w.write_bytes = dst_bytes;
	w.vector_ops = dst_bytes / 4 * NPU_VOPS_RELAYOUT;
	w.vector_cycles = npu_cycles_vector(s->machine, dst_bytes / 4, NPU_VOPS_RELAYOUT);
	return npu_exec_log(s, &c->hdr, &w);
}

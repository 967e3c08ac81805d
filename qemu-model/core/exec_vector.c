/* SPDX-License-Identifier: MIT */
/*
 * The vector engine's operators on tiles of the scratchpad.
 */
#include "exec.h"

#define FLOATS(n) (4ull * (n))

/* Logs @elements of an operator of @ops lane operations each. */
static enum npu_step log_vector(struct npu_stream *s, const struct npu_cmd_hdr *hdr,
				uint64_t elements, unsigned int ops, uint64_t spad_bytes)
{
	struct npu_work w = {
		.vector_cycles = npu_cycles_vector(s->machine, elements, ops),
		.vector_ops = elements * ops,
		.spad_bytes = spad_bytes,
	};

	return npu_exec_log(s, hdr, &w);
}

/*
 * Operands of rows of floats; dst may be the very same rows as src, but may not overlap them
 * otherwise.
 */
static enum npu_step no_overlap(struct npu_stream *s, uint32_t dst, uint32_t dst_stride,
				uint32_t src, uint32_t src_stride, uint32_t cols, uint32_t rows)
{
	if (dst == src && (dst_stride == src_stride || rows == 1))
		return NPU_STEP_OK;
	if (npu_exec_overlap(dst, rows, FLOATS(cols), FLOATS(dst_stride), src, rows, FLOATS(cols),
			     FLOATS(src_stride)))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, src);
	return NPU_STEP_OK;
}

enum npu_step npu_exec_rmsnorm(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_rmsnorm *c = op->cmd;
	void *dst, *src, *weight;
	uint64_t elements;
	uint32_t rows;

	NPU_TRY(npu_exec_count(s, &c->rows, &rows));
	NPU_TRY(npu_exec_rows(s, c->dst, rows, FLOATS(c->cols), FLOATS(c->dst_stride), true,
			      &dst));
	NPU_TRY(npu_exec_rows(s, c->src, rows, FLOATS(c->cols), FLOATS(c->src_stride), false,
			      &src));
	NPU_TRY(npu_exec_spad(s, c->weight, FLOATS(c->cols), &weight));
	NPU_TRY(no_overlap(s, c->dst, c->dst_stride, c->src, c->src_stride, c->cols, rows));
	if (npu_exec_overlap(c->dst, rows, FLOATS(c->cols), FLOATS(c->dst_stride), c->weight, 1,
			     FLOATS(c->cols), 0))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->weight);
	s->kern->rmsnorm(dst, c->dst_stride, src, c->src_stride, weight, c->eps, c->cols, rows);
	elements = (uint64_t)rows * c->cols;
	return log_vector(s, &c->hdr, elements, NPU_VOPS_RMSNORM, FLOATS(3 * elements));
}

enum npu_step npu_exec_rope(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_rope *c = op->cmd;
	uint64_t heads = (uint64_t)c->n_heads * c->head_dim, elements;
	void *x, *table;
	uint32_t rows;

	NPU_TRY(npu_exec_count(s, &c->rows, &rows));
	if (heads > s->spad_bytes)
		return npu_exec_fault(s, NPU_FAULT_SPAD, c->x);
	NPU_TRY(npu_exec_rows(s, c->x, rows, FLOATS(heads), FLOATS(c->stride), true, &x));
	NPU_TRY(npu_exec_rows(s, c->table, rows, FLOATS(c->n_rot), FLOATS(c->n_rot), false,
			      &table));
	if (npu_exec_overlap(c->x, rows, FLOATS(heads), FLOATS(c->stride), c->table, rows,
			     FLOATS(c->n_rot), FLOATS(c->n_rot)))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->table);
	s->kern->rope(x, c->stride, table, c->n_heads, c->head_dim, c->n_rot,
		      c->hdr.flags & NPU_CMDF_ROPE_HALF, rows);
	elements = (uint64_t)rows * c->n_heads * c->n_rot;
	return log_vector(s, &c->hdr, elements, NPU_VOPS_ROPE,
			  FLOATS(2 * elements + (uint64_t)rows * c->n_rot));
}

enum npu_step npu_exec_softmax(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_softmax *c = op->cmd;
	uint32_t rows, cols;
	uint64_t elements;
	void *dst, *src;

	NPU_TRY(npu_exec_count(s, &c->cols, &cols));
	NPU_TRY(npu_exec_count(s, &c->rows, &rows));
	if (!cols)
		rows = 0;
	NPU_TRY(npu_exec_rows(s, c->dst, rows, FLOATS(cols), FLOATS(c->dst_stride), true, &dst));
	NPU_TRY(npu_exec_rows(s, c->src, rows, FLOATS(cols), FLOATS(c->src_stride), false, &src));
	NPU_TRY(no_overlap(s, c->dst, c->dst_stride, c->src, c->src_stride, cols, rows));
	s->kern->softmax(dst, c->dst_stride, src, c->src_stride, c->scale, cols, rows);
	elements = (uint64_t)rows * cols;
	return log_vector(s, &c->hdr, elements, NPU_VOPS_SOFTMAX, FLOATS(2 * elements));
}

enum npu_step npu_exec_ew(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_ew *c = op->cmd;
	bool two = c->op != NPU_EW_SCALE && c->op != NPU_EW_COPY;
	void *dst, *a, *b = NULL;
	uint64_t elements;
	uint32_t rows;

	NPU_TRY(npu_exec_count(s, &c->rows, &rows));
	NPU_TRY(npu_exec_rows(s, c->dst, rows, FLOATS(c->cols), FLOATS(c->dst_stride), true,
			      &dst));
	NPU_TRY(npu_exec_rows(s, c->a, rows, FLOATS(c->cols), FLOATS(c->a_stride), false, &a));
	NPU_TRY(no_overlap(s, c->dst, c->dst_stride, c->a, c->a_stride, c->cols, rows));
	if (two) {
		NPU_TRY(npu_exec_rows(s, c->b, rows, FLOATS(c->cols), FLOATS(c->b_stride), false,
				      &b));
		NPU_TRY(no_overlap(s, c->dst, c->dst_stride, c->b, c->b_stride, c->cols, rows));
	}
	s->kern->ew(c->op, c->imm, dst, c->dst_stride, a, c->a_stride, b, c->b_stride, c->cols,
		    rows);
	elements = (uint64_t)rows * c->cols;
	return log_vector(s, &c->hdr, elements,
			  c->op == NPU_EW_SILU_MUL ? NPU_VOPS_SILU_MUL : NPU_VOPS_COPY,
			  FLOATS((two ? 3 : 2) * elements));
}

enum npu_step npu_exec_quant(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_quant *c = op->cmd;
	uint64_t row_bytes, stride, elements;
	void *dst, *src;
	uint32_t rows;

	NPU_TRY(npu_exec_count(s, &c->rows, &rows));
	if (c->atype == NPU_ATYPE_Q8) {
		row_bytes = NPU_ACT_Q8_ROW_BYTES((uint64_t)c->cols);
		stride = row_bytes;
	} else {
		row_bytes = FLOATS(c->cols);
		stride = FLOATS(c->dst_stride);
	}
	NPU_TRY(npu_exec_rows(s, c->dst, rows, row_bytes, stride, true, &dst));
	NPU_TRY(npu_exec_rows(s, c->src, rows, FLOATS(c->cols), FLOATS(c->src_stride), false,
			      &src));
	if (c->atype == NPU_ATYPE_Q8) {
		if (npu_exec_overlap(c->dst, rows, row_bytes, stride, c->src, rows,
				     FLOATS(c->cols), FLOATS(c->src_stride)))
			return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->src);
		s->kern->quant_q8(dst, src, c->src_stride, c->cols, rows);
	} else {
		NPU_TRY(no_overlap(s, c->dst, c->dst_stride, c->src, c->src_stride, c->cols,
				   rows));
		s->kern->quant_f16r(dst, c->dst_stride, src, c->src_stride, c->cols, rows);
	}
	elements = (uint64_t)rows * c->cols;
	return log_vector(s, &c->hdr, elements, NPU_VOPS_QUANT,
			  FLOATS(elements) + rows * row_bytes);
}

static unsigned int dtype_bytes(uint8_t type)
{
	return type == NPU_DTYPE_F32 ? 4 : 2;
}

enum npu_step npu_exec_convert(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_convert *c = op->cmd;
	uint64_t dst_bytes, src_bytes;
	void *dst, *src;
	uint32_t n;

	NPU_TRY(npu_exec_count(s, &c->n, &n));
	dst_bytes = (uint64_t)n * dtype_bytes(c->dst_type);
	src_bytes = (uint64_t)n * dtype_bytes(c->src_type);
	NPU_TRY(npu_exec_spad(s, c->dst, dst_bytes, &dst));
	NPU_TRY(npu_exec_spad(s, c->src, src_bytes, &src));
	if (npu_exec_overlap(c->dst, 1, dst_bytes, 0, c->src, 1, src_bytes, 0))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->src);
	s->kern->convert(dst, c->dst_type, src, c->src_type, n);
	return log_vector(s, &c->hdr, n, NPU_VOPS_COPY, dst_bytes + src_bytes);
}

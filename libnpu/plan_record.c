// SPDX-License-Identifier: MIT
/*
 * Q8 records in memory, written by several cores: each quantises its columns and stores the three
 * parts of a record at their places in the whole one.
 */
#include "cmdbuf.h"
#include "plan.h"

static int store_part(struct npu_plan *p, uint32_t core, const struct record_slice *r,
		      const struct tile *t, uint32_t from, uint64_t to, uint32_t bytes)
{
	uint32_t whole = NPU_ACT_Q8_ROW_BYTES(r->k);

	return plan_store(p, core, (struct npu_cmd_dma){
		.spad = r->buffer + from,
		.spad_stride = NPU_ACT_Q8_ROW_BYTES(r->cols),
		.addr = tile_addr(t, r->va + to, whole),
		.mem_stride = whole,
		.row_bytes = bytes,
		.rows = t->n,
	}, t->max, r->space);
}

int store_records(struct npu_plan *p, uint32_t core, const struct record_slice *r,
		  const struct tile *t)
{
	uint32_t blocks = r->cols / NPU_QBLOCK;
	uint32_t first = r->first / NPU_QBLOCK;

	plan_quant(p, core, (struct npu_cmd_quant){
		.dst = r->buffer,
		.src = r->src, .src_stride = r->src_ld,
		.cols = r->cols,
		.atype = NPU_ATYPE_Q8,
		.rows = t->n,
	}, t->max);
	store_part(p, core, r, t, 0, r->first, r->cols);
	store_part(p, core, r, t, NPU_ACT_Q8_SCALE_OFFSET(r->cols),
		   NPU_ACT_Q8_SCALE_OFFSET(r->k) + 4ull * first, 4 * blocks);
	return store_part(p, core, r, t, NPU_ACT_Q8_SUM_OFFSET(r->cols),
			  NPU_ACT_Q8_SUM_OFFSET(r->k) + 4ull * first, 4 * blocks);
}

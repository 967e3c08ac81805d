// SPDX-License-Identifier: MIT
/* Commands of a plan: what each reads and writes, told to the tracker; then recorded. */
#include "cmdbuf.h"
#include "plan.h"

#define ALL_TOKENS	0xffff

static struct access spad(uint64_t start, uint64_t bytes, bool write)
{
	return (struct access){ .start = start, .end = start + bytes, .space = SPACE_SPAD,
				.write = write };
}

/* Rows of cols floats, ld apart; a stride of zero is one row. */
static struct access floats(uint32_t start, uint32_t ld, uint32_t cols, uint32_t rows, bool write)
{
	uint64_t elements = rows ? (uint64_t)ld * (rows - 1) + cols : 0;

	return spad(start, 4 * elements, write);
}

static struct access memory(uint32_t space, uint64_t start, uint64_t bytes, bool write)
{
	return (struct access){ .start = start, .end = start + bytes, .space = (uint8_t)space,
				.write = write };
}

static int put(struct npu_plan *p, uint32_t core, uint8_t opcode, enum track_engine engine,
	       const struct access *access, uint32_t n, void *cmd, size_t size)
{
	track_command(&p->track[core], engine, access, n, cmd);
	return cmdbuf_put(p->cb, core, opcode, cmd, size);
}

#define ACCESSES(...) \
	const struct access a[] = { __VA_ARGS__ }; \
	const uint32_t n = sizeof(a) / sizeof(a[0])

/*
 * Where a transfer is in its space: columns of a row, so that all rows of a matrix are one. Rows
 * of one space have one stride.
 */
static struct access columns(const struct npu_cmd_dma *c, uint32_t space, bool write)
{
	uint64_t first = c->mem_stride ? c->addr.base % c->mem_stride : c->addr.base;

	if (c->mem_stride && first + c->row_bytes > c->mem_stride)
		return memory(space, 0, c->mem_stride, write);
	return memory(space, first, c->row_bytes, write);
}

/* Rows of a constant need no tracking: nothing writes them. */
static int dma(struct npu_plan *p, uint32_t core, uint8_t opcode, struct npu_cmd_dma *c,
	       uint32_t rows, uint32_t space)
{
	bool load = opcode == NPU_OP_LOAD;
	uint64_t bytes = rows ? (uint64_t)c->spad_stride * (rows - 1) + c->row_bytes : 0;
	ACCESSES(spad(c->spad, bytes, load), columns(c, space, !load));

	return put(p, core, opcode, TRACK_DMA, a, n - (space == SPACE_CONST), c, sizeof(*c));
}

int plan_load(struct npu_plan *p, uint32_t core, struct npu_cmd_dma c, uint32_t rows,
	      uint32_t space)
{
	return dma(p, core, NPU_OP_LOAD, &c, rows, space);
}

int plan_store(struct npu_plan *p, uint32_t core, struct npu_cmd_dma c, uint32_t rows,
	       uint32_t space)
{
	return dma(p, core, NPU_OP_STORE, &c, rows, space);
}

int plan_matmul(struct npu_plan *p, uint32_t core, struct npu_cmd_matmul c, uint32_t rows)
{
	ACCESSES(c.atype == NPU_ATYPE_Q8 ?
			 spad(c.act, NPU_ACT_Q8_ROW_BYTES((uint64_t)c.k) * rows, false) :
			 floats(c.act, c.lda, c.k, rows, false),
		 floats(c.out, c.ldo, c.n, rows, true));

	return put(p, core, NPU_OP_MATMUL, TRACK_MATRIX, a, n, &c, sizeof(c));
}

int plan_wrows(struct npu_plan *p, uint32_t core, struct npu_cmd_wrows c, uint32_t rows)
{
	ACCESSES(spad(c.index, 4ull * rows, false),
		 floats(c.dst, c.dst_stride, c.k, rows, true));

	return put(p, core, NPU_OP_WROWS, TRACK_BOTH, a, n, &c, sizeof(c));
}

int plan_rmsnorm(struct npu_plan *p, uint32_t core, struct npu_cmd_rmsnorm c, uint32_t rows)
{
	ACCESSES(floats(c.src, c.src_stride, c.cols, rows, false),
		 floats(c.weight, c.cols, c.cols, 1, false),
		 floats(c.dst, c.dst_stride, c.cols, rows, true));

	return put(p, core, NPU_OP_RMSNORM, TRACK_VECTOR, a, n, &c, sizeof(c));
}

int plan_quant(struct npu_plan *p, uint32_t core, struct npu_cmd_quant c, uint32_t rows)
{
	ACCESSES(floats(c.src, c.src_stride, c.cols, rows, false),
		 c.atype == NPU_ATYPE_Q8 ?
			 spad(c.dst, NPU_ACT_Q8_ROW_BYTES((uint64_t)c.cols) * rows, true) :
			 floats(c.dst, c.dst_stride, c.cols, rows, true));

	return put(p, core, NPU_OP_QUANT, TRACK_VECTOR, a, n, &c, sizeof(c));
}

int plan_ew(struct npu_plan *p, uint32_t core, struct npu_cmd_ew c, uint32_t rows)
{
	ACCESSES(floats(c.a, c.a_stride, c.cols, rows, false),
		 floats(c.b, c.b_stride, c.cols, rows, false),
		 floats(c.dst, c.dst_stride, c.cols, rows, true));

	return put(p, core, NPU_OP_EW, TRACK_VECTOR, a, n, &c, sizeof(c));
}

int plan_rope(struct npu_plan *p, uint32_t core, struct npu_cmd_rope c, uint32_t rows)
{
	ACCESSES(floats(c.table, c.n_rot, c.n_rot, rows, false),
		 floats(c.x, c.stride, c.n_heads * c.head_dim, rows, true));

	return put(p, core, NPU_OP_ROPE, TRACK_VECTOR, a, n, &c, sizeof(c));
}

/* The cache is told apart by head only: layers follow each other anyway. */
int plan_kv_store(struct npu_plan *p, uint32_t core, struct npu_cmd_kv_store c, uint32_t rows,
		  uint32_t head)
{
	ACCESSES(floats(c.src, c.src_stride, c.head_dim, rows, false),
		 memory(SPACE_KV, head, 1, true));

	return put(p, core, NPU_OP_KV_STORE, TRACK_DMA, a, n, &c, sizeof(c));
}

int plan_attn(struct npu_plan *p, uint32_t core, struct npu_cmd_attn c, uint32_t rows,
	      uint32_t head)
{
	ACCESSES(floats(c.q, c.q_stride, c.n_rep * c.head_dim, rows, false),
		 memory(SPACE_KV, head, 1, false),
		 floats(c.out, c.out_stride, c.n_rep * c.head_dim, rows, true));

	return put(p, core, NPU_OP_ATTN, TRACK_BOTH, a, n, &c, sizeof(c));
}

int plan_penalize(struct npu_plan *p, uint32_t core, struct npu_cmd_penalize c, uint32_t most)
{
	ACCESSES(spad(c.logits, 4ull * c.n, true), spad(c.history, 4ull * most, false));

	return put(p, core, NPU_OP_PENALIZE, TRACK_BOTH, a, n, &c, sizeof(c));
}

int plan_sample(struct npu_plan *p, uint32_t core, struct npu_cmd_sample c)
{
	ACCESSES(spad(c.logits, 4ull * c.n, true));

	return put(p, core, NPU_OP_SAMPLE, TRACK_BOTH, a, n, &c, sizeof(c));
}

int plan_loop(struct npu_plan *p, uint32_t core, struct npu_count count, unsigned int index)
{
	const struct npu_cmd_loop c = { .hdr.wait = ALL_TOKENS, .count = count,
					.index = (__u8)index };

	track_clear(&p->track[core]);
	return cmdbuf_put(p->cb, core, NPU_OP_LOOP, &c, sizeof(c));
}

int plan_loop_end(struct npu_plan *p, uint32_t core)
{
	const struct npu_cmd_hdr c = { .wait = ALL_TOKENS };

	track_clear(&p->track[core]);
	return cmdbuf_put(p->cb, core, NPU_OP_LOOP_END, &c, sizeof(c));
}

int plan_break(struct npu_plan *p, uint32_t core, enum npu_cond cond, unsigned int a, uint64_t imm)
{
	const struct npu_cmd_break c = { .hdr.wait = ALL_TOKENS, .cond = (__u8)cond, .a = (__u8)a,
					 .b = NPU_REG_ZERO, .imm = imm };

	track_clear(&p->track[core]);
	return cmdbuf_put(p->cb, core, NPU_OP_BREAK, &c, sizeof(c));
}

int plan_barrier(struct npu_plan *p)
{
	if (p->x_memory == X_OWN)
		p->x_memory = X_ALL;
	if (p->cores == 1)
		return p->cb->error;
	for (uint32_t i = 0; i < p->cores; i++)
		track_clear(&p->track[i]);
	return npu_emit_barrier(p->cb, (1u << p->cores) - 1);
}

/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "exec.h"

/* What is fixed about each opcode */
static const struct {
	npu_exec_fn *exec;	/* NULL: no such opcode */
	uint8_t words;
	uint8_t flags;		/* known ones */
} opcode_table[256] = {
#define OP(name, fn, type, known) \
	[NPU_OP_##name] = { npu_exec_##fn, sizeof(type) / 8, known }
	OP(NOP, nop, struct npu_cmd_hdr, 0),
	OP(END, end, struct npu_cmd_hdr, 0),
	OP(BARRIER, barrier, struct npu_cmd_barrier, 0),
	OP(LOOP, loop, struct npu_cmd_loop, 0),
	OP(LOOP_END, loop_end, struct npu_cmd_hdr, 0),
	OP(BREAK, break, struct npu_cmd_break, 0),
	OP(ALU, alu, struct npu_cmd_alu, 0),
	OP(LDR, ldr, struct npu_cmd_scalar, 0),
	OP(STR, str, struct npu_cmd_scalar, 0),
	OP(MARK, mark, struct npu_cmd_mark, NPU_CMDF_SAFE),
	OP(LOAD, load, struct npu_cmd_dma, 0),
	OP(STORE, store, struct npu_cmd_dma, 0),
	OP(GATHER, gather, struct npu_cmd_gather, 0),
	OP(KV_STORE, kv_store, struct npu_cmd_kv_store, NPU_CMDF_KV_K),
	OP(RELAYOUT, relayout, struct npu_cmd_relayout, 0),
	OP(MATMUL, matmul, struct npu_cmd_matmul, 0),
	OP(WROWS, wrows, struct npu_cmd_wrows, 0),
	OP(ATTN, attn, struct npu_cmd_attn, NPU_CMDF_ATTN_HALF),
	OP(RMSNORM, rmsnorm, struct npu_cmd_rmsnorm, 0),
	OP(ROPE, rope, struct npu_cmd_rope, NPU_CMDF_ROPE_HALF),
	OP(SOFTMAX, softmax, struct npu_cmd_softmax, 0),
	OP(EW, ew, struct npu_cmd_ew, 0),
	OP(QUANT, quant, struct npu_cmd_quant, 0),
	OP(CONVERT, convert, struct npu_cmd_convert, 0),
	OP(ARGMAX, argmax, struct npu_cmd_argmax, 0),
	OP(TOPK, topk, struct npu_cmd_topk, 0),
	OP(PENALIZE, penalize, struct npu_cmd_penalize, 0),
	OP(SAMPLE, sample, struct npu_cmd_sample, 0),
#undef OP
};

#define HDR(copy, offset) ((const struct npu_cmd_hdr *)((copy) + (offset)))

/* A stream under decoding */
struct decoder {
	struct npu_program *p;
	struct npu_fault_info *fault;
	uint32_t core;
	uint32_t cap;				/* room in p->ops */
	uint32_t depth;
	uint32_t loop[NPU_MAX_LOOP_DEPTH];	/* open LOOPs, index in p->ops */
};

static bool refuse(struct npu_fault_info *f, enum npu_fault code, uint32_t core, uint8_t opcode,
		   uint32_t offset, uint64_t value)
{
	*f = (struct npu_fault_info) {
		.code = code,
		.core = (uint16_t)core,
		.opcode = opcode,
		.offset = offset,
		.value = value,
	};
	return false;
}

/* Copies the buffer out of the guest's memory; from here on nobody else can change it. */
static bool read_buffer(struct npu_mmu *mmu, uint64_t va, uint8_t *dst, uint64_t size,
			struct npu_fault_info *f)
{
	for (uint64_t done = 0, run; done < size; done += run) {
		enum npu_fault code;
		const uint8_t *src = npu_mmu_run(mmu, va + done, size - done, false, &run, &code);

		if (!src)
			return refuse(f, code, 0, 0, 0, va + done);
		memcpy(dst + done, src, run);
	}
	return true;
}

static bool check_header(const struct npu_cmdbuf_header *h, uint32_t size, uint32_t cores,
			 struct npu_fault_info *f)
{
#define FIELD(ok, field) \
	do { \
		if (!(ok)) \
			return refuse(f, NPU_FAULT_CMDBUF, 0, 0, \
				      offsetof(struct npu_cmdbuf_header, field), h->field); \
	} while (0)
	FIELD(h->magic == NPU_CMDBUF_MAGIC, magic);
	FIELD(h->version_major == NPU_CMD_VERSION_MAJOR, version_major);
	FIELD(h->version_minor <= NPU_CMD_VERSION_MINOR, version_minor);
	FIELD(h->size == size, size);
	FIELD(h->n_streams >= 1 && h->n_streams <= cores, n_streams);
	FIELD(h->n_params <= NPU_MAX_PARAMS, n_params);
	for (unsigned int i = 0; i < NPU_MAX_CORES; i++) {
		uint32_t offset = h->stream[i].offset, bytes = h->stream[i].size;

		if (i >= h->n_streams) {
			FIELD(!offset, stream[i].offset);
			FIELD(!bytes, stream[i].size);
			continue;
		}
		FIELD(offset % 8 == 0 && offset >= sizeof(*h) && offset < size, stream[i].offset);
		FIELD(bytes % 8 == 0 && bytes && bytes <= size - offset, stream[i].size);
	}
#undef FIELD
	return true;
}

static bool grow(struct decoder *d)
{
	uint32_t cap = d->cap ? d->cap * 2 : 256;
	struct npu_op *ops;

	if (d->p->n_ops < d->cap)
		return true;
	ops = realloc(d->p->ops, (size_t)cap * sizeof(*ops));
	if (!ops)
		return false;
	d->p->ops = ops;
	d->cap = cap;
	return true;
}

/* Loops: LOOP and BREAK learn where to leave to, LOOP_END where to go back to. */
static bool link_loops(struct decoder *d, struct npu_op *op, uint8_t opcode)
{
	uint32_t self = d->p->n_ops;

	switch (opcode) {
	case NPU_OP_LOOP:
		if (d->depth == NPU_MAX_LOOP_DEPTH)
			return refuse(d->fault, NPU_FAULT_BAD_FIELD, d->core, opcode, op->offset,
				      d->depth + 1);
		d->loop[d->depth++] = self;
		return true;
	case NPU_OP_BREAK:
		if (!d->depth)
			return refuse(d->fault, NPU_FAULT_BAD_FIELD, d->core, opcode, op->offset,
				      0);
		/* completed at the LOOP_END */
		op->target = d->loop[d->depth - 1];
		return true;
	case NPU_OP_LOOP_END:
		if (!d->depth)
			return refuse(d->fault, NPU_FAULT_BAD_FIELD, d->core, opcode, op->offset,
				      0);
		op->target = d->loop[--d->depth];
		return true;
	}
	return true;
}

/* Turns the loops' targets, which name the LOOP so far, into indices of the stream. */
static void resolve(struct npu_op *ops, uint32_t n, uint32_t first)
{
	for (uint32_t i = 0; i < n; i++) {
		if (ops[i].exec == npu_exec_loop_end) {
			uint32_t loop = ops[i].target - first;

			ops[loop].target = i + 1;
			ops[i].target = loop + 1;
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		if (ops[i].exec == npu_exec_break)
			ops[i].target = ops[ops[i].target - first].target;
	}
}

static bool decode_command(struct decoder *d, uint32_t offset, uint32_t end)
{
	const struct npu_cmd_hdr *h = HDR(d->p->copy, offset);
	npu_exec_fn *exec = opcode_table[h->opcode].exec;
	enum npu_fault code;
	struct npu_op *op;
	uint64_t value;

	if (!exec)
		return refuse(d->fault, NPU_FAULT_OPCODE, d->core, h->opcode, offset, h->opcode);
	if (h->words != opcode_table[h->opcode].words || h->words > (end - offset) / 8)
		return refuse(d->fault, NPU_FAULT_OPCODE, d->core, h->opcode, offset, h->words);
	if (h->flags & ~opcode_table[h->opcode].flags || h->pad)
		return refuse(d->fault, NPU_FAULT_BAD_FIELD, d->core, h->opcode, offset,
			      h->pad ? h->pad : h->flags);
	code = npu_check_cmd(h, d->core, d->p->n_streams, &value);
	if (code)
		return refuse(d->fault, code, d->core, h->opcode, offset, value);
	if (!grow(d))
		return refuse(d->fault, NPU_FAULT_BUS, d->core, h->opcode, offset, d->p->n_ops);
	op = &d->p->ops[d->p->n_ops];
	*op = (struct npu_op) { .exec = exec, .cmd = h, .offset = offset };
	if (!link_loops(d, op, h->opcode))
		return false;
	d->p->n_ops++;
	return true;
}

static bool decode_stream(struct decoder *d, uint32_t offset, uint32_t size)
{
	uint32_t end = offset + size, first = d->p->n_ops, last = offset;

	d->depth = 0;
	d->p->first[d->core] = first;
	while (offset < end) {
		if (!decode_command(d, offset, end))
			return false;
		last = offset;
		offset += 8u * HDR(d->p->copy, offset)->words;
	}
	if (HDR(d->p->copy, last)->opcode != NPU_OP_END)
		return refuse(d->fault, NPU_FAULT_CMDBUF, d->core, HDR(d->p->copy, last)->opcode,
			      last, last);
	if (d->depth) {
		last = d->p->ops[d->loop[d->depth - 1]].offset;
		return refuse(d->fault, NPU_FAULT_BAD_FIELD, d->core, NPU_OP_LOOP, last, last);
	}
	resolve(d->p->ops + first, d->p->n_ops - first, first);
	return true;
}

static void program_free(struct npu_program *p)
{
	if (!p)
		return;
	free(p->ops);
	free(p->copy);
	free(p);
}

struct npu_program *npu_program_create(struct npu_mmu *mmu, uint64_t va, uint32_t size,
				       uint32_t cores, struct npu_fault_info *fault)
{
	const struct npu_cmdbuf_header *h;
	struct decoder d = { .fault = fault };
	struct npu_program *p;

	if (va % 64) {
		refuse(fault, NPU_FAULT_ALIGN, 0, 0, 0, va);
		return NULL;
	}
	if (size < sizeof(*h) || size % 8 || size > NPU_MAX_CMDBUF_BYTES) {
		refuse(fault, NPU_FAULT_CMDBUF, 0, 0, 0, size);
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (p)
		p->copy = aligned_alloc(64, NPU_ALIGN_UP(size, 64u));
	if (!p || !p->copy) {
		refuse(fault, NPU_FAULT_BUS, 0, 0, 0, size);
		goto out_destroy;
	}
	p->users = 1;
	p->size = size;
	if (!read_buffer(mmu, va, p->copy, size, fault))
		goto out_destroy;
	h = (const struct npu_cmdbuf_header *)p->copy;
	if (!check_header(h, size, cores, fault))
		goto out_destroy;
	p->n_streams = h->n_streams;
	p->n_params = h->n_params;
	d.p = p;
	for (; d.core < p->n_streams; d.core++) {
		if (!decode_stream(&d, h->stream[d.core].offset, h->stream[d.core].size))
			goto out_destroy;
	}
	return p;

out_destroy:
	program_free(p);
	return NULL;
}

void npu_program_put(struct npu_program *p)
{
	if (p && !--p->users)
		program_free(p);
}

bool npu_program_matches(const struct npu_program *p, struct npu_mmu *mmu, uint64_t va,
			 uint32_t size)
{
	if (size != p->size)
		return false;
	for (uint64_t done = 0, run; done < size; done += run) {
		enum npu_fault code;
		const uint8_t *src = npu_mmu_run(mmu, va + done, size - done, false, &run, &code);

		if (!src || memcmp(p->copy + done, src, run))
			return false;
	}
	return true;
}

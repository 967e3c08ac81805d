/* SPDX-License-Identifier: MIT */
/*
 * What the command processor refuses before it runs anything: headers, streams, opcodes, pads,
 * flags, and every field that does not depend on registers.
 */
#include <string.h>

#include "commands.h"
#include "npu_formats.h"
#include "tap.h"

static struct host *h;
static struct vm vm;
static struct queue q;
static uint64_t data_va, buffer_va;

static struct npu_done run(const void *buf, uint32_t size)
{
	struct npu_done done;

	vm_write(&vm, buffer_va, buf, size);
	done = queue_run(&q, buffer_va, size, NULL, 0);
	if (done.fault)
		host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	return done;
}

/* A stream of the command, with what it needs around it. Its offset in *at. */
static struct npu_done run_command(const union command *c, size_t bytes, uint32_t *at)
{
	uint8_t opcode = c->hdr.opcode;
	struct npu_done done;
	struct cb cb;

	cb_init(&cb);
	if (opcode == NPU_OP_BREAK || opcode == NPU_OP_LOOP_END)
		cb_loop(&cb, 2, 0, 0);
	*at = cb_add(&cb, c, bytes);
	/* cb_add() fills in the length; the case may want another. */
	if (c->hdr.words)
		((struct npu_cmd_hdr *)(cb.buf + *at))->words = c->hdr.words;
	if (opcode == NPU_OP_BREAK || opcode == NPU_OP_LOOP)
		cb_op(&cb, NPU_OP_LOOP_END);
	cb_end(&cb, 0);
	done = run(cb.buf, cb.size);
	cb_free(&cb);
	return done;
}

static bool is_fault(const struct npu_done *d, enum npu_fault fault, uint32_t offset,
		     uint8_t opcode, uint64_t value)
{
	if (d->fault == fault && d->fault_core == 0 && d->fault_offset == offset &&
	    d->fault_opcode == opcode && d->fault_addr == value)
		return true;
	tap_diag("fault %u core %u offset 0x%x opcode 0x%x value 0x%llx", d->fault, d->fault_core,
		 d->fault_offset, d->fault_opcode, (unsigned long long)d->fault_addr);
	tap_diag("wanted %u offset 0x%x opcode 0x%x value 0x%llx", fault, offset, opcode,
		 (unsigned long long)value);
	return false;
}

static void test_examples(void)
{
	for (unsigned int op = 0; op < 256; op++) {
		union command c = command_example((uint8_t)op, data_va);
		struct npu_done done;
		uint32_t at;

		if (!command_bytes((uint8_t)op))
			continue;
		done = run_command(&c, command_bytes((uint8_t)op), &at);
		tap_ok(is_fault(&done, NPU_FAULT_NONE, 0, 0, 0), "%s: an example runs",
		       command_name((uint8_t)op));
	}
}

static void test_opcodes(void)
{
	bool unknown = true, words = true, flags = true, pad = true;

	for (unsigned int op = 0; op < 256; op++) {
		union command c = command_example((uint8_t)op, data_va);
		size_t bytes = command_bytes((uint8_t)op);
		struct npu_done done;
		uint32_t at;

		if (!bytes) {
			done = run_command(&c, 8, &at);
			unknown &= is_fault(&done, NPU_FAULT_OPCODE, at, (uint8_t)op, op);
			continue;
		}
		c.hdr.words = (uint8_t)(bytes / 8 + 1);
		done = run_command(&c, bytes, &at);
		words &= is_fault(&done, NPU_FAULT_OPCODE, at, (uint8_t)op, c.hdr.words);
		c.hdr.words = 0;
		c.hdr.flags = 0x80;
		done = run_command(&c, bytes, &at);
		flags &= is_fault(&done, NPU_FAULT_BAD_FIELD, at, (uint8_t)op, 0x80);
		c.hdr.flags = 0;
		c.hdr.pad = 1;
		done = run_command(&c, bytes, &at);
		pad &= is_fault(&done, NPU_FAULT_BAD_FIELD, at, (uint8_t)op, 1);
	}
	tap_ok(unknown, "opcodes: each unknown one faults as OPCODE, at its place");
	tap_ok(words, "opcodes: a wrong length faults as OPCODE");
	tap_ok(flags, "opcodes: an unknown flag faults as BAD_FIELD");
	tap_ok(pad, "opcodes: a pad in the header faults as BAD_FIELD");
}

/* One field of an example set to a value that is refused */
struct field_case {
	uint8_t opcode;
	uint8_t bytes;
	uint16_t offset;
	uint64_t value;
	enum npu_fault fault;
	const char *name;
};

#define BAD(op, member, field, bad) \
	{ NPU_OP_##op, sizeof(((union command *)0)->member.field), \
	  offsetof(union command, member.field), bad, NPU_FAULT_BAD_FIELD, #op "." #field }
#define SPAD(op, member, field, bad) \
	{ NPU_OP_##op, 4, offsetof(union command, member.field), bad, NPU_FAULT_SPAD, \
	  #op "." #field }
#define BAD_COUNT(op, member, field) \
	BAD(op, member, field.reg, 32), BAD(op, member, field.pad[0], 1), \
	BAD(op, member, field.pad[2], 1)

static const struct field_case cases[] = {
	BAD(BARRIER, barrier, cores, 0),
	BAD(BARRIER, barrier, cores, 2),
	BAD(BARRIER, barrier, cores, 3),
	BAD(BARRIER, barrier, cores, 0x10001),
	BAD(BARRIER, barrier, pad, 1),
	BAD_COUNT(LOOP, loop, count),
	BAD(LOOP, loop, index, 32),
	BAD(LOOP, loop, pad[6], 1),
	BAD(BREAK, brk, cond, NPU_COND_GE + 1),
	BAD(BREAK, brk, a, 32),
	BAD(BREAK, brk, b, 32),
	BAD(BREAK, brk, pad[4], 1),
	BAD(ALU, alu, op, NPU_ALU_SUBSAT + 1),
	BAD(ALU, alu, dst, 32),
	BAD(ALU, alu, a, 32),
	BAD(ALU, alu, b, 32),
	BAD(ALU, alu, pad[3], 1),
	BAD(LDR, scalar, reg, 32),
	BAD(LDR, scalar, bytes, 2),
	BAD(LDR, scalar, bytes, 16),
	BAD(LDR, scalar, pad[5], 1),
	BAD_COUNT(LDR, scalar, addr),
	BAD(STR, scalar, reg, 32),
	BAD(STR, scalar, bytes, 0),
	BAD_COUNT(STR, scalar, addr),
	BAD(MARK, mark, pad, 1),
	SPAD(LOAD, dma, spad, 2),
	BAD(LOAD, dma, spad_stride, 129),
	BAD_COUNT(LOAD, dma, addr),
	BAD(LOAD, dma, mem_stride, 257),
	BAD(LOAD, dma, row_bytes, 63),
	BAD(LOAD, dma, row_bytes, 0),
	BAD(LOAD, dma, pad, 1),
	BAD_COUNT(LOAD, dma, rows),
	SPAD(STORE, dma, spad, 1),
	BAD(STORE, dma, row_bytes, 1),
	BAD_COUNT(STORE, dma, rows),
	SPAD(GATHER, gather, spad, 4),
	BAD(GATHER, gather, spad_stride, 65),
	BAD_COUNT(GATHER, gather, addr),
	BAD(GATHER, gather, mem_stride, 1),
	BAD(GATHER, gather, row_bytes, 0),
	SPAD(GATHER, gather, index, 32),
	BAD_COUNT(GATHER, gather, count),
	BAD(GATHER, gather, pad, 1),
	SPAD(KV_STORE, kv_store, src, 2),
	BAD_COUNT(KV_STORE, kv_store, addr),
	BAD(KV_STORE, kv_store, head_dim, 0),
	BAD(KV_STORE, kv_store, head_dim, 3),
	BAD(KV_STORE, kv_store, head_dim, NPU_MAX_HEAD_DIM + 2),
	BAD(KV_STORE, kv_store, capacity, 0),
	BAD(KV_STORE, kv_store, capacity, 8),
	BAD(KV_STORE, kv_store, capacity, NPU_MAX_KV + 16),
	BAD_COUNT(KV_STORE, kv_store, pos),
	BAD_COUNT(KV_STORE, kv_store, m),
	BAD(KV_STORE, kv_store, kvtype, 1),
	BAD(KV_STORE, kv_store, pad[6], 1),
	BAD_COUNT(RELAYOUT, relayout, src),
	BAD_COUNT(RELAYOUT, relayout, dst),
	BAD_COUNT(RELAYOUT, relayout, n),
	BAD(RELAYOUT, relayout, k, 0),
	BAD(RELAYOUT, relayout, k, 33),
	BAD(RELAYOUT, relayout, k, NPU_MAX_K + 32),
	BAD(RELAYOUT, relayout, wtype, NPU_WTYPE_COUNT),
	BAD(RELAYOUT, relayout, pad[2], 1),
	BAD(MATMUL, matmul, wtype, NPU_WTYPE_COUNT),
	BAD(MATMUL, matmul, atype, NPU_ATYPE_F32),
	BAD(MATMUL, matmul, atype, NPU_ATYPE_F16R),
	BAD(MATMUL, matmul, pad[1], 1),
	BAD(MATMUL, matmul, n, 0),
	BAD(MATMUL, matmul, n, 8),
	BAD(MATMUL, matmul, n, NPU_MAX_N + 16),
	BAD(MATMUL, matmul, k, 0),
	BAD(MATMUL, matmul, k, 48),
	BAD(MATMUL, matmul, k, NPU_MAX_K + 32),
	SPAD(MATMUL, matmul, act, 32),
	BAD(MATMUL, matmul, lda, 1),
	SPAD(MATMUL, matmul, out, 4),
	BAD(MATMUL, matmul, pad2, 1),
	BAD_COUNT(MATMUL, matmul, w),
	BAD_COUNT(MATMUL, matmul, m),
	SPAD(WROWS, wrows, dst, 32),
	SPAD(WROWS, wrows, index, 4),
	BAD(WROWS, wrows, n, 0),
	BAD(WROWS, wrows, n, NPU_MAX_N + 1),
	BAD(WROWS, wrows, k, 0),
	BAD(WROWS, wrows, k, NPU_MAX_K + 32),
	BAD(WROWS, wrows, wtype, NPU_WTYPE_COUNT),
	BAD(WROWS, wrows, pad[2], 1),
	BAD_COUNT(WROWS, wrows, w),
	BAD_COUNT(WROWS, wrows, count),
	SPAD(ATTN, attn, q, 2),
	SPAD(ATTN, attn, out, 1),
	BAD(ATTN, attn, head_dim, 0),
	BAD(ATTN, attn, head_dim, 31),
	BAD(ATTN, attn, head_dim, NPU_MAX_HEAD_DIM + 2),
	BAD(ATTN, attn, capacity, 8),
	BAD(ATTN, attn, capacity, NPU_MAX_KV + 16),
	BAD(ATTN, attn, n_rep, 0),
	BAD(ATTN, attn, n_rep, 65),
	BAD(ATTN, attn, kvtype, 1),
	BAD(ATTN, attn, pad, 1),
	BAD_COUNT(ATTN, attn, k),
	BAD_COUNT(ATTN, attn, v),
	BAD_COUNT(ATTN, attn, pos),
	BAD_COUNT(ATTN, attn, m),
	SPAD(RMSNORM, rmsnorm, dst, 4),
	SPAD(RMSNORM, rmsnorm, src, 4),
	SPAD(RMSNORM, rmsnorm, weight, 4),
	BAD(RMSNORM, rmsnorm, cols, 0),
	BAD(RMSNORM, rmsnorm, pad, 1),
	BAD_COUNT(RMSNORM, rmsnorm, rows),
	SPAD(ROPE, rope, x, 2),
	SPAD(ROPE, rope, table, 4),
	BAD(ROPE, rope, n_heads, 0),
	BAD(ROPE, rope, head_dim, 0),
	BAD(ROPE, rope, n_rot, 0),
	BAD(ROPE, rope, n_rot, 31),
	BAD(ROPE, rope, n_rot, 34),
	BAD_COUNT(ROPE, rope, rows),
	SPAD(SOFTMAX, softmax, dst, 4),
	SPAD(SOFTMAX, softmax, src, 4),
	BAD(SOFTMAX, softmax, pad, 1),
	BAD_COUNT(SOFTMAX, softmax, cols),
	BAD_COUNT(SOFTMAX, softmax, rows),
	BAD(EW, ew, op, NPU_EW_COPY + 1),
	BAD(EW, ew, pad[2], 1),
	SPAD(EW, ew, dst, 4),
	SPAD(EW, ew, a, 4),
	SPAD(EW, ew, b, 4),
	BAD(EW, ew, cols, 0),
	BAD(EW, ew, pad2, 1),
	BAD_COUNT(EW, ew, rows),
	SPAD(QUANT, quant, dst, 4),
	SPAD(QUANT, quant, src, 4),
	BAD(QUANT, quant, dst_stride, 1),
	BAD(QUANT, quant, atype, NPU_ATYPE_F32),
	BAD(QUANT, quant, atype, 3),
	BAD(QUANT, quant, cols, 0),
	BAD(QUANT, quant, cols, 33),
	BAD(QUANT, quant, pad[2], 1),
	BAD_COUNT(QUANT, quant, rows),
	SPAD(CONVERT, convert, dst, 4),
	SPAD(CONVERT, convert, src, 4),
	BAD(CONVERT, convert, dst_type, NPU_DTYPE_BF16 + 1),
	BAD(CONVERT, convert, src_type, NPU_DTYPE_BF16 + 1),
	BAD(CONVERT, convert, pad[5], 1),
	BAD_COUNT(CONVERT, convert, n),
	SPAD(ARGMAX, argmax, src, 4),
	BAD(ARGMAX, argmax, dst, 32),
	BAD(ARGMAX, argmax, pad[2], 1),
	BAD_COUNT(ARGMAX, argmax, n),
	SPAD(TOPK, topk, src, 4),
	SPAD(TOPK, topk, dst, 4),
	BAD(TOPK, topk, k, 0),
	BAD(TOPK, topk, k, 65),
	SPAD(PENALIZE, penalize, logits, 4),
	BAD(PENALIZE, penalize, n, 0),
	SPAD(PENALIZE, penalize, history, 4),
	BAD(PENALIZE, penalize, pad, 1),
	BAD_COUNT(PENALIZE, penalize, count),
	BAD_COUNT(PENALIZE, penalize, params),
	SPAD(SAMPLE, sample, logits, 4),
	BAD(SAMPLE, sample, n, 0),
	BAD(SAMPLE, sample, dst, 32),
	BAD(SAMPLE, sample, pad[6], 1),
	BAD_COUNT(SAMPLE, sample, counter),
	BAD_COUNT(SAMPLE, sample, params),
};

static void test_fields(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct field_case *f = &cases[i];
		union command c = command_example(f->opcode, data_va);
		struct npu_done done;
		uint32_t at;

		memcpy(&c.byte[f->offset], &f->value, f->bytes);
		done = run_command(&c, command_bytes(f->opcode), &at);
		tap_ok(is_fault(&done, f->fault, at, f->opcode, f->value), "%s: %llu is refused",
		       f->name, (unsigned long long)f->value);
	}
}

/* A buffer of two streams, then one field of its header changed */
static struct npu_done run_header(size_t offset, uint64_t value, size_t bytes, uint32_t *size)
{
	struct npu_done done;
	struct cb cb;

	cb_init(&cb);
	cb_stream(&cb);
	cb_stream(&cb);
	cb_end(&cb, 0);
	memcpy(cb.buf + offset, &value, bytes);
	*size = cb.size;
	done = run(cb.buf, cb.size);
	cb_free(&cb);
	return done;
}

static void test_header(void)
{
	static const struct {
		size_t offset, bytes;
		uint64_t value;
		const char *name;
	} headers[] = {
#define H(field, value, name) \
		{ offsetof(struct npu_cmdbuf_header, field), \
		  sizeof(((struct npu_cmdbuf_header *)0)->field), value, name }
		H(magic, 0, "another magic"),
		H(version_major, 2, "a newer major version"),
		H(version_minor, NPU_CMD_VERSION_MINOR + 1, "a newer minor version"),
		H(size, 152, "another size than the entry's"),
		H(n_streams, 0, "no streams"),
		H(n_streams, 5, "more streams than cores"),
		H(n_params, NPU_MAX_PARAMS + 1, "too many parameters"),
		H(stream[0].offset, 4, "a misaligned stream"),
		H(stream[0].offset, 136, "a stream in the header"),
		H(stream[1].offset, 1u << 31, "a stream past the end"),
		H(stream[1].size, 4, "a misaligned length"),
		H(stream[1].size, 0, "an empty stream"),
		H(stream[1].size, 16, "a stream that ends past the end"),
		H(stream[1].size, 0xfffffff8u, "a length that wraps"),
		H(stream[2].offset, 144, "an offset past the last stream"),
		H(stream[15].size, 8, "a length past the last stream"),
#undef H
	};
	struct npu_done done;
	uint32_t size;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		done = run_header(headers[i].offset, headers[i].value, headers[i].bytes, &size);
		tap_ok(is_fault(&done, NPU_FAULT_CMDBUF, (uint32_t)headers[i].offset, 0,
				headers[i].value), "header: %s is refused", headers[i].name);
	}
	done = run_header(offsetof(struct npu_cmdbuf_header, n_params), 1, 2, &size);
	tap_ok(is_fault(&done, NPU_FAULT_CMDBUF, offsetof(struct npu_cmdbuf_header, n_params), 0,
			1),
	       "header: more parameters than the job brings are refused");
}

static void test_entry(void)
{
	struct npu_done done;
	uint32_t size;
	struct cb cb;

	cb_init(&cb);
	cb_end(&cb, 0);
	vm_write(&vm, buffer_va, cb.buf, cb.size);
	size = cb.size;
	cb_free(&cb);
#define ENTRY(va, bytes, params, code, value, what) \
	do { \
		done = queue_run(&q, va, bytes, NULL, params); \
		tap_ok(is_fault(&done, code, 0, 0, value), "entry: %s", what); \
		host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0); \
	} while (0)
	ENTRY(buffer_va + 8, size, 0, NPU_FAULT_ALIGN, buffer_va + 8,
	      "a misaligned buffer is refused");
	ENTRY(buffer_va, 136, 0, NPU_FAULT_CMDBUF, 136,
	      "a buffer shorter than its header is refused");
	ENTRY(buffer_va, size + 4, 0, NPU_FAULT_CMDBUF, size + 4,
	      "a size of no whole words is refused");
	ENTRY(buffer_va, NPU_MAX_CMDBUF_BYTES + 8, 0, NPU_FAULT_CMDBUF, NPU_MAX_CMDBUF_BYTES + 8,
	      "a buffer one word past the largest is refused");
	ENTRY(buffer_va, size, NPU_MAX_PARAMS + 1, NPU_FAULT_CMDBUF, NPU_MAX_PARAMS + 1,
	      "one parameter past the most is refused");
	ENTRY(0x7f00000000ull, size, 0, NPU_FAULT_PAGE, 0x7f00000000ull,
	      "a buffer that is not mapped is a page fault");
	ENTRY(1ull << 63, size, 0, NPU_FAULT_PAGE, 1ull << 63,
	      "a buffer past the address space is a page fault");
	q.ring[q.tail & (q.entries - 1)].reserved[4] = 0;
	queue_put(&q, buffer_va, size, NULL, 0);
	q.ring[(q.tail - 1) & (q.entries - 1)].reserved[4] = 7;
	queue_ring(&q);
	host_done(h, &done, 5000);
	tap_ok(is_fault(&done, NPU_FAULT_CMDBUF, 0, 0, 7), "entry: a reserved field is refused");
	host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
#undef ENTRY
}

static void test_streams(void)
{
	struct npu_done done;
	uint32_t at, inner;
	struct cb cb;

	cb_init(&cb);
	at = cb_op(&cb, NPU_OP_NOP);
	cb_end(&cb, 0);
	((struct npu_cmdbuf_header *)cb.buf)->stream[0].size -= 8;
	done = run(cb.buf, cb.size);
	tap_ok(is_fault(&done, NPU_FAULT_CMDBUF, at, NPU_OP_NOP, at),
	       "stream: one that does not end with END is refused");
	cb_free(&cb);

	cb_init(&cb);
	at = cb_loop(&cb, 1, 0, 0);
	cb_end(&cb, 0);
	done = run(cb.buf, cb.size);
	tap_ok(is_fault(&done, NPU_FAULT_BAD_FIELD, at, NPU_OP_LOOP, at),
	       "stream: a loop without its end is refused");
	cb_free(&cb);

	cb_init(&cb);
	at = cb_op(&cb, NPU_OP_LOOP_END);
	cb_end(&cb, 0);
	done = run(cb.buf, cb.size);
	tap_ok(is_fault(&done, NPU_FAULT_BAD_FIELD, at, NPU_OP_LOOP_END, 0),
	       "stream: an end without its loop is refused");
	cb_free(&cb);

	cb_init(&cb);
	at = CB_ADD(&cb, ((struct npu_cmd_break) { .hdr.opcode = NPU_OP_BREAK }));
	cb_end(&cb, 0);
	done = run(cb.buf, cb.size);
	tap_ok(is_fault(&done, NPU_FAULT_BAD_FIELD, at, NPU_OP_BREAK, 0),
	       "stream: a BREAK outside of loops is refused");
	cb_free(&cb);

	for (unsigned int depth = NPU_MAX_LOOP_DEPTH; depth <= NPU_MAX_LOOP_DEPTH + 1; depth++) {
		cb_init(&cb);
		for (unsigned int i = 0; i < depth; i++)
			inner = cb_loop(&cb, 1, 0, 0);
		for (unsigned int i = 0; i < depth; i++)
			cb_op(&cb, NPU_OP_LOOP_END);
		cb_end(&cb, 0);
		done = run(cb.buf, cb.size);
		if (depth == NPU_MAX_LOOP_DEPTH)
			tap_ok(is_fault(&done, NPU_FAULT_NONE, 0, 0, 0),
			       "stream: loops may be nested %u deep", depth);
		else
			tap_ok(is_fault(&done, NPU_FAULT_BAD_FIELD, inner, NPU_OP_LOOP, depth),
			       "stream: loops nested one deeper are refused");
		cb_free(&cb);
	}
}

int main(void)
{
	struct npu_sample_params *p;

	h = host_new(&npu_machine_default, 64, 1);
	host_boot(h);
	vm_new(&vm, h, 0);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	data_va = vm_alloc(&vm, COMMANDS_BYTES, &p);
	p->repeat_penalty = 1;
	buffer_va = vm_alloc(&vm, 65536, NULL);
	test_examples();
	test_opcodes();
	test_fields();
	test_header();
	test_entry();
	test_streams();
	host_free(h);
	return tap_done();
}

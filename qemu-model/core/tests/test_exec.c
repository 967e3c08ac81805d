/* SPDX-License-Identifier: MIT */
/*
 * What depends on registers and memory: scratchpad ranges, counts, addresses, indices; each at its
 * limit and one past it, with the exact fault. And that memory may lie scattered.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "npu_formats.h"
#include "tap.h"

#define SPAD_END (2u << 20)

static struct host *h;
static struct vm vm;
static struct queue q;
static uint64_t data_va;
static uint8_t *data;

/* Runs one command, r1 = param; the end of the scratchpad is zero. */
static struct npu_done run1(const union command *c, uint64_t param)
{
	struct npu_done done;
	static uint64_t va;
	struct cb cb;

	cb_init(&cb);
	cb_load(&cb, SPAD_END - 1024, data_va + COMMANDS_BYTES - 4096, 1024);
	cb_add(&cb, c, command_bytes(c->hdr.opcode));
	cb_end(&cb, 1);
	if (!va)
		va = vm_alloc(&vm, 4096, NULL);
	vm_write(&vm, va, cb.buf, cb.size);
	done = queue_run(&q, va, cb.size, &param, 1);
	cb_free(&cb);
	if (done.fault)
		host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	return done;
}

static bool is_fault(struct npu_done d, enum npu_fault fault, uint64_t value)
{
	if (d.fault == fault && d.fault_addr == value)
		return true;
	tap_diag("fault %u value 0x%llx, wanted %u 0x%llx", d.fault,
		 (unsigned long long)d.fault_addr, fault, (unsigned long long)value);
	return false;
}

static bool works(struct npu_done d)
{
	return is_fault(d, NPU_FAULT_NONE, 0);
}

/*
 * A scratchpad operand of @bytes: moved so that it ends with the scratchpad it works; one alignment
 * further it is a fault with its offset.
 */
static void spad_case(uint8_t op, size_t field, uint64_t bytes, uint32_t align, const char *name)
{
	union command c = command_example(op, data_va);
	uint32_t at = (uint32_t)((SPAD_END - bytes) / align * align);
	bool fits;

	memcpy(&c.byte[field], &at, 4);
	fits = works(run1(&c, 0));
	at += align;
	memcpy(&c.byte[field], &at, 4);
	tap_ok(fits && is_fault(run1(&c, 0), NPU_FAULT_SPAD, at),
	       "%s: to the end of the scratchpad works, past it faults", name);
}

static void test_spad(void)
{
#define SPAD(op, member, field, bytes, align) \
	spad_case(NPU_OP_##op, offsetof(union command, member.field), bytes, align, #op "." #field)
	SPAD(LOAD, dma, spad, 2 * 128 + 64, 4);
	SPAD(STORE, dma, spad, 2 * 128 + 64, 4);
	SPAD(GATHER, gather, spad, 192, 64);
	SPAD(GATHER, gather, index, 12, 64);
	SPAD(KV_STORE, kv_store, src, 5 * 128, 4);
	SPAD(MATMUL, matmul, act, 3 * NPU_ACT_Q8_ROW_BYTES(64), 64);
	SPAD(MATMUL, matmul, out, 3 * 128, 64);
	SPAD(WROWS, wrows, dst, 3 * 256, 64);
	SPAD(WROWS, wrows, index, 12, 64);
	SPAD(ATTN, attn, q, 3 * 256, 4);
	SPAD(ATTN, attn, out, 3 * 256, 4);
	SPAD(RMSNORM, rmsnorm, dst, 3 * 256, 64);
	SPAD(RMSNORM, rmsnorm, src, 3 * 256, 64);
	SPAD(RMSNORM, rmsnorm, weight, 256, 64);
	SPAD(ROPE, rope, x, 3 * 256, 4);
	SPAD(ROPE, rope, table, 3 * 128, 64);
	SPAD(SOFTMAX, softmax, dst, 3 * 256, 64);
	SPAD(SOFTMAX, softmax, src, 3 * 256, 64);
	SPAD(EW, ew, dst, 3 * 256, 64);
	SPAD(EW, ew, a, 3 * 256, 64);
	SPAD(EW, ew, b, 3 * 256, 64);
	SPAD(QUANT, quant, dst, 3 * NPU_ACT_Q8_ROW_BYTES(64), 64);
	SPAD(QUANT, quant, src, 3 * 256, 64);
	SPAD(CONVERT, convert, dst, 128, 64);
	SPAD(CONVERT, convert, src, 256, 64);
	SPAD(ARGMAX, argmax, src, 256, 64);
	SPAD(TOPK, topk, src, 256, 64);
	SPAD(TOPK, topk, dst, 512, 64);
	SPAD(PENALIZE, penalize, logits, 256, 64);
	SPAD(PENALIZE, penalize, history, 12, 64);
	SPAD(SAMPLE, sample, logits, 256, 64);
#undef SPAD
}

/* A count whose register makes it wrap. */
static void count_case(uint8_t op, size_t field, const char *name)
{
	union command c = command_example(op, data_va);
	struct npu_count *n = (struct npu_count *)&c.byte[field];

	n->reg = NPU_REG_PARAM(0);
	n->imm = 1;
	tap_ok(works(run1(&c, 0)) &&
	       is_fault(run1(&c, 0xffffffffull), NPU_FAULT_OVERFLOW, 0xffffffffull) &&
	       is_fault(run1(&c, ~0ull), NPU_FAULT_OVERFLOW, ~0ull),
	       "%s: takes its register; a sum past 32 bits faults", name);
}

static void test_counts(void)
{
#define COUNT(op, member, field) \
	count_case(NPU_OP_##op, offsetof(union command, member.field), #op "." #field)
	COUNT(LOAD, dma, rows);
	COUNT(GATHER, gather, count);
	COUNT(KV_STORE, kv_store, pos);
	COUNT(KV_STORE, kv_store, m);
	COUNT(RELAYOUT, relayout, n);
	COUNT(MATMUL, matmul, m);
	COUNT(WROWS, wrows, count);
	COUNT(ATTN, attn, pos);
	COUNT(ATTN, attn, m);
	COUNT(RMSNORM, rmsnorm, rows);
	COUNT(ROPE, rope, rows);
	COUNT(SOFTMAX, softmax, cols);
	COUNT(SOFTMAX, softmax, rows);
	COUNT(EW, ew, rows);
	COUNT(QUANT, quant, rows);
	COUNT(CONVERT, convert, n);
	COUNT(ARGMAX, argmax, n);
	COUNT(PENALIZE, penalize, count);
	COUNT(SAMPLE, sample, counter);
#undef COUNT
}

/* An address: register times stride, alignment, overflow, pages. */
static void addr_case(uint8_t op, size_t field, uint32_t align, bool write, const char *name)
{
	union command c = command_example(op, data_va);
	struct npu_addr *a = (struct npu_addr *)&c.byte[field];
	uint64_t base = a->base;
	bool ok;

	a->reg = NPU_REG_PARAM(0);
	a->stride = align;
	a->base = base - 2 * align;
	ok = works(run1(&c, 2));
	a->base = UINT64_MAX - align + 1;
	ok &= is_fault(run1(&c, 1), NPU_FAULT_OVERFLOW, 1);
	a->stride = 0x80000000u;
	a->base = 0;
	ok &= is_fault(run1(&c, 1ull << 33), NPU_FAULT_OVERFLOW, 1ull << 33);
	tap_ok(ok, "%s: adds register * stride; a sum past 64 bits faults", name);
	a->reg = 0;
	a->base = base + align / 2;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_ALIGN, base + align / 2),
	       "%s: an address off its alignment of %u faults", name, align);
	a->base = 0x7000000000ull;
	ok = is_fault(run1(&c, 0), NPU_FAULT_PAGE, 0x7000000000ull);
	a->base = NPU_VA_SIZE;
	ok &= is_fault(run1(&c, 0), NPU_FAULT_PAGE, NPU_VA_SIZE);
	a->base = UINT64_MAX - align + 1;
	ok &= run1(&c, 0).fault != NPU_FAULT_NONE;
	tap_ok(ok, "%s: what is not mapped faults, with its address", name);
	if (write) {
		uint64_t ro = 0x60000000;

		vm_map(&vm, ro, HOST_BASE, 4096, 0, false);
		a->base = ro;
		tap_ok(is_fault(run1(&c, 0), NPU_FAULT_PROTECTION, ro),
		       "%s: writing a read-only page faults", name);
	}
}

static void test_addresses(void)
{
#define ADDR(op, member, field, align, write) \
	addr_case(NPU_OP_##op, offsetof(union command, member.field), align, write, #op "." #field)
	ADDR(LDR, scalar, addr, 8, false);
	ADDR(STR, scalar, addr, 8, true);
	ADDR(LOAD, dma, addr, 2, false);
	ADDR(STORE, dma, addr, 2, true);
	ADDR(GATHER, gather, addr, 2, false);
	ADDR(KV_STORE, kv_store, addr, 64, true);
	ADDR(RELAYOUT, relayout, src, 2, false);
	ADDR(RELAYOUT, relayout, dst, 64, true);
	ADDR(MATMUL, matmul, w, 64, false);
	ADDR(WROWS, wrows, w, 64, false);
	ADDR(ATTN, attn, k, 64, false);
	ADDR(ATTN, attn, v, 64, false);
	ADDR(PENALIZE, penalize, params, 8, false);
	ADDR(SAMPLE, sample, params, 8, false);
#undef ADDR
}

/* Puts a word in the scratchpad at @spad, then runs @c. */
static struct npu_done run_with_word(const union command *c, uint32_t spad, uint32_t word)
{
	struct npu_done done;
	struct cb cb;

	memcpy(data + 65536 * 8, &word, 4);
	cb_init(&cb);
	cb_load(&cb, spad, data_va + 65536 * 8, 4);
	cb_add(&cb, c, command_bytes(c->hdr.opcode));
	done = cb_run(&cb, &vm, &q, NULL, 0);
	cb_free(&cb);
	if (done.fault)
		host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	return done;
}

static void test_indices(void)
{
	union command c = command_example(NPU_OP_GATHER, data_va);

	c.gather.n_rows = 5;
	c.gather.count.imm = 1;
	tap_ok(works(run_with_word(&c, c.gather.index, 4)) &&
	       is_fault(run_with_word(&c, c.gather.index, 5), NPU_FAULT_INDEX, 5),
	       "GATHER: the last row works, one past it is an INDEX fault");
	c.gather.mem_stride = 1ull << 62;
	tap_ok(is_fault(run_with_word(&c, c.gather.index, 4), NPU_FAULT_OVERFLOW, 4),
	       "GATHER: a row whose address wraps faults");
	c = command_example(NPU_OP_WROWS, data_va);
	c.wrows.count.imm = 1;
	tap_ok(works(run_with_word(&c, c.wrows.index, 31)) &&
	       is_fault(run_with_word(&c, c.wrows.index, 32), NPU_FAULT_INDEX, 32),
	       "WROWS: the last row works, one past it is an INDEX fault");
	c = command_example(NPU_OP_KV_STORE, data_va);
	c.kv_store.pos.imm = 59;
	tap_ok(works(run1(&c, 0)), "KV_STORE: up to the capacity works");
	c.kv_store.pos.imm = 60;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_INDEX, 65),
	       "KV_STORE: one past it is an INDEX fault");
	c = command_example(NPU_OP_ATTN, data_va);
	c.attn.pos.imm = 125;
	tap_ok(works(run1(&c, 0)), "ATTN: up to the capacity works");
	c.attn.pos.imm = 126;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_INDEX, 129), "ATTN: one past it is an INDEX fault");
	c = command_example(NPU_OP_LOAD, data_va);
	c.dma.mem_stride = 1ull << 63;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_PAGE, data_va + 4096 + (1ull << 63)),
	       "LOAD: a row far away is a page fault");
	c.dma.mem_stride = UINT64_MAX - 1;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_OVERFLOW, 1),
	       "LOAD: a row whose address wraps faults");
}

static void test_zero_counts(void)
{
	union command c;
	bool ok = true;

#define ZERO(op, member, field) \
	do { \
		c = command_example(NPU_OP_##op, 0x7000000000ull); \
		c.member.field.imm = 0; \
		ok &= works(run1(&c, 0)); \
	} while (0)
	ZERO(LOAD, dma, rows);
	ZERO(STORE, dma, rows);
	ZERO(GATHER, gather, count);
	ZERO(KV_STORE, kv_store, m);
	ZERO(RELAYOUT, relayout, n);
	ZERO(MATMUL, matmul, m);
	ZERO(WROWS, wrows, count);
	ZERO(ATTN, attn, m);
	ZERO(RMSNORM, rmsnorm, rows);
	ZERO(ROPE, rope, rows);
	ZERO(SOFTMAX, softmax, rows);
	ZERO(SOFTMAX, softmax, cols);
	ZERO(EW, ew, rows);
	ZERO(QUANT, quant, rows);
	ZERO(CONVERT, convert, n);
#undef ZERO
	tap_ok(ok, "counts of zero touch no memory and are no error");
	c = command_example(NPU_OP_ARGMAX, 0);
	c.argmax.n.imm = 0;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, 0), "ARGMAX: of nothing faults");
}

static void test_limits(void)
{
	union command c = command_example(NPU_OP_MATMUL, data_va);

	c.matmul.m.imm = NPU_MAX_M + 1;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, NPU_MAX_M + 1),
	       "MATMUL: one row past the most faults");
	c = command_example(NPU_OP_MATMUL, data_va);
	c.matmul.ldo = 31;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, 31 * 4),
	       "MATMUL: rows of the result that overlap fault");
	c.matmul.ldo = 32;
	c.matmul.out = 64;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, 64),
	       "MATMUL: a result over the activations faults");
	c = command_example(NPU_OP_RELAYOUT, data_va);
	c.relayout.n.imm = NPU_MAX_N + 1;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, NPU_MAX_N + 1),
	       "RELAYOUT: one row past the most faults");
	c = command_example(NPU_OP_EW, data_va);
	c.ew.dst = c.ew.a + 64;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, c.ew.a),
	       "EW: shifted over an operand faults");
	c.ew.dst = c.ew.a;
	tap_ok(works(run1(&c, 0)), "EW: in place works");
	c = command_example(NPU_OP_EW, data_va);
	c.ew.a_stride = 256;
	c.ew.dst_stride = 256;
	c.ew.dst = c.ew.a + 256;
	c.ew.b = 65536;
	tap_ok(works(run1(&c, 0)), "EW: columns side by side in the same rows work");
	c.ew.cols = 65;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, c.ew.a),
	       "EW: columns one wider than their distance fault");
	c = command_example(NPU_OP_CONVERT, data_va);
	c.convert.dst = 64;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, 0), "CONVERT: over its source faults");
}

static void test_params(void)
{
	struct npu_sample_params *p = (struct npu_sample_params *)data;
	union command c = command_example(NPU_OP_SAMPLE, data_va);

	p->pad = 1;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, data_va), "SAMPLE: a pad is refused");
	p->pad = 0;
	p->reserved[2] = 1;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, data_va),
	       "SAMPLE: a reserved field is refused");
	p->reserved[2] = 0;
	p->repeat_penalty = 0;
	tap_ok(is_fault(run1(&c, 0), NPU_FAULT_BAD_FIELD, data_va + 12),
	       "SAMPLE: a repeat penalty of zero is refused");
	p->repeat_penalty = 1;
	tap_ok(works(run1(&c, 0)), "SAMPLE: good parameters work");
}

/* The same job on memory that lies together and that does not */
static void fill_job(struct cb *cb, uint64_t src, uint64_t w, uint64_t k, uint64_t v, uint64_t out)
{
	union command c = command_example(NPU_OP_RELAYOUT, 0);

	/* rows of 1088 in Q8_0: strips of 18,496 bytes, units across pages */
	c.relayout.src.base = src;
	c.relayout.dst.base = w;
	c.relayout.n.imm = 40;
	c.relayout.k = 1088;
	cb_add(cb, &c, sizeof(c.relayout));
	cb_load(cb, 0, src, 8704);
	c = command_example(NPU_OP_QUANT, 0);
	c.quant.dst = 65536;
	c.quant.src_stride = 1088;
	c.quant.cols = 1088;
	c.quant.rows.imm = 2;
	cb_add(cb, &c, sizeof(c.quant));
	c = command_example(NPU_OP_MATMUL, 0);
	c.matmul.wtype = NPU_WTYPE_Q8_0;
	c.matmul.n = 32;
	c.matmul.k = 1088;
	c.matmul.act = 65536;
	c.matmul.out = 131072;
	c.matmul.w.base = w;
	c.matmul.m.imm = 2;
	cb_add(cb, &c, sizeof(c.matmul));
	c = command_example(NPU_OP_WROWS, 0);
	c.wrows.dst = 196608;
	c.wrows.dst_stride = 1088;
	c.wrows.index = 1 << 20;
	c.wrows.wtype = NPU_WTYPE_Q8_0;
	c.wrows.k = 1088;
	c.wrows.w.base = w;
	cb_add(cb, &c, sizeof(c.wrows));
	c = command_example(NPU_OP_KV_STORE, 0);
	c.kv_store.src = 196608;
	c.kv_store.src_stride = 64;
	c.kv_store.head_dim = 144;
	c.kv_store.capacity = 256;
	c.kv_store.m.imm = 100;
	c.kv_store.src_stride = 16;
	c.kv_store.addr.base = v;
	cb_add(cb, &c, sizeof(c.kv_store));
	c.kv_store.addr.base = k;
	c.kv_store.hdr.flags = NPU_CMDF_KV_K;
	cb_add(cb, &c, sizeof(c.kv_store));
	c = command_example(NPU_OP_ATTN, 0);
	c.attn.q = 196608;
	c.attn.q_stride = 288;
	c.attn.out = 262144;
	c.attn.out_stride = 288;
	c.attn.head_dim = 144;
	c.attn.capacity = 256;
	c.attn.k.base = k;
	c.attn.v.base = v;
	c.attn.pos.imm = 90;
	cb_add(cb, &c, sizeof(c.attn));
	cb_store(cb, 131072, out, 256);
	cb_store(cb, 196608, out + 256, 3 * 4352);
	cb_store(cb, 262144, out + 256 + 3 * 4352, 3 * 1152);
}

static void test_scattered(void)
{
	enum { SRC = 65536, OUT = 20480 };
	uint8_t *src = malloc(SRC), *a = malloc(OUT), *b = malloc(OUT);
	uint64_t va[5][2];
	struct npu_done da, db;
	struct cb cb;
	uint64_t state = 1;

	for (size_t i = 0; i < SRC; i += 2) {
		/* halves and bytes that are no NaN as floats either */
		uint16_t v = host_random(&state) & 0x3bff;

		memcpy(src + i, &v, 2);
	}
	for (int i = 0; i < 5; i++) {
		va[i][0] = vm_alloc(&vm, 262144, NULL);
		va[i][1] = vm_alloc_scattered(&vm, 262144);
	}
	vm_write(&vm, va[0][0], src, SRC);
	vm_write(&vm, va[0][1], src, SRC);
	cb_init(&cb);
	fill_job(&cb, va[0][0], va[1][0], va[2][0], va[3][0], va[4][0]);
	da = cb_run(&cb, &vm, &q, NULL, 0);
	cb_free(&cb);
	cb_init(&cb);
	/* addresses in the middle of pages, so that nothing fits them */
	fill_job(&cb, va[0][1], va[1][1] + 64 * 5, va[2][1] + 64 * 3, va[3][1] + 64 * 7,
		 va[4][1] + 2);
	db = cb_run(&cb, &vm, &q, NULL, 0);
	cb_free(&cb);
	vm_read(&vm, va[4][0], a, 256 + 3 * 4352 + 3 * 1152);
	vm_read(&vm, va[4][1] + 2, b, 256 + 3 * 4352 + 3 * 1152);
	tap_ok(works(da) && works(db) && !memcmp(a, b, 256 + 3 * 4352 + 3 * 1152),
	       "memory: scattered pages and odd places give the same bytes as one piece");
	tap_ok(da.model_ns == db.model_ns && da.energy_pj == db.energy_pj,
	       "memory: where it lies does not change modelled time");
	free(src);
	free(a);
	free(b);
}

int main(void)
{
	h = host_new(&npu_machine_default, 64, 1);
	host_boot(h);
	vm_new(&vm, h, 0);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	data_va = vm_alloc(&vm, COMMANDS_BYTES, &data);
	((struct npu_sample_params *)data)->repeat_penalty = 1;
	test_spad();
	test_counts();
	test_addresses();
	test_indices();
	test_zero_counts();
	test_limits();
	test_params();
	test_scattered();
	host_free(h);
	return tap_done();
}

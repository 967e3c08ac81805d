// SPDX-License-Identifier: MIT
/* Recording: what is written, what is refused, and what is shown as text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npu.h"
#include "tap.h"

static struct npu_cmdbuf *make(uint32_t streams)
{
	struct npu_cmdbuf *cb;

	if (npu_cmdbuf_create(streams, &cb))
		exit(1);
	return cb;
}

/* The stream of a core in a finished buffer */
static const uint8_t *stream(const struct npu_cmdbuf *cb, uint32_t core, uint32_t *size)
{
	const struct npu_cmdbuf_header *h;
	uint32_t all;

	h = npu_cmdbuf_data(cb, &all);
	if (!h)
		return NULL;
	*size = h->stream[core].size;
	return (const uint8_t *)h + h->stream[core].offset;
}

/* One command as the first of its stream: its own bytes with opcode and length, then END. */
static bool recorded_as(struct npu_cmdbuf *cb, uint8_t opcode, const void *cmd, size_t bytes)
{
	const struct npu_cmd_hdr end = { .opcode = NPU_OP_END, .words = 1 };
	uint8_t want[256];
	const uint8_t *got;
	uint32_t size;
	bool ok;

	memcpy(want, cmd, bytes);
	want[0] = opcode;
	want[2] = (uint8_t)(bytes / 8);
	ok = !npu_cmdbuf_end(cb) && (got = stream(cb, 0, &size)) && size == bytes + 8 &&
	     !memcmp(got, want, bytes) && !memcmp(got + bytes, &end, 8);
	if (!ok)
		tap_diag("%s", npu_error_text());
	npu_cmdbuf_destroy(cb);
	return ok;
}

#define HDR	.hdr = { .wait = 0x1234, .signal = 0x4321 }
#define RECORDS(name, OP, type, ...) do { \
	const struct type c = { HDR, __VA_ARGS__ }; \
	struct npu_cmdbuf *cb = make(1); \
	npu_emit_##name(cb, 0, &c); \
	tap_ok(recorded_as(cb, NPU_OP_##OP, &c, sizeof(c)), #OP " is recorded as given"); \
} while (0)

static void test_encodings(void)
{
	const struct npu_addr addr = npu_va_reg(0x123456780, 3, 64);
	const struct npu_count some = npu_count(5, 4);

	RECORDS(ldr, LDR, npu_cmd_scalar, .reg = 25, .bytes = 4, .addr = addr);
	RECORDS(str, STR, npu_cmd_scalar, .reg = 25, .bytes = 8, .addr = addr);
	RECORDS(load, LOAD, npu_cmd_dma, .spad = 68, .spad_stride = 6, .addr = addr,
		.mem_stride = 1ull << 33, .row_bytes = 6, .rows = some);
	RECORDS(store, STORE, npu_cmd_dma, .spad = 68, .spad_stride = 6, .addr = addr,
		.mem_stride = 8, .row_bytes = 6, .rows = some);
	RECORDS(gather, GATHER, npu_cmd_gather, .spad = 4, .spad_stride = 2, .addr = addr,
		.mem_stride = 2, .row_bytes = 2, .index = 64, .count = some, .n_rows = 9);
	RECORDS(kv_store, KV_STORE, npu_cmd_kv_store, .src = 4, .src_stride = 8, .addr = addr,
		.head_dim = 8, .capacity = 32, .pos = some, .m = some);
	RECORDS(relayout, RELAYOUT, npu_cmd_relayout, .src = addr, .dst = addr, .n = some, .k = 32,
		.wtype = NPU_WTYPE_Q4_0);
	RECORDS(matmul, MATMUL, npu_cmd_matmul, .wtype = NPU_WTYPE_Q8_0, .atype = NPU_ATYPE_Q8,
		.n = 48, .k = 64, .act = 64, .out = 128, .ldo = 48, .w = addr, .m = some);
	RECORDS(wrows, WROWS, npu_cmd_wrows, .dst = 64, .dst_stride = 32, .index = 128, .n = 7,
		.k = 32, .wtype = NPU_WTYPE_F16, .w = addr, .count = some);
	RECORDS(attn, ATTN, npu_cmd_attn, .q = 4, .q_stride = 8, .out = 8, .out_stride = 8,
		.head_dim = 8, .capacity = 16, .scale = 0.5f, .n_rep = 3, .k = addr, .v = addr,
		.pos = some, .m = some);
	RECORDS(rmsnorm, RMSNORM, npu_cmd_rmsnorm, .dst = 64, .dst_stride = 1, .src = 128,
		.src_stride = 2, .weight = 192, .cols = 3, .eps = 0.000001f, .rows = some);
	RECORDS(rope, ROPE, npu_cmd_rope, .x = 4, .stride = 8, .table = 64, .n_heads = 2,
		.head_dim = 4, .n_rot = 2, .rows = some);
	RECORDS(softmax, SOFTMAX, npu_cmd_softmax, .dst = 64, .src = 128, .scale = 2, .cols = some,
		.rows = some);
	RECORDS(ew, EW, npu_cmd_ew, .op = NPU_EW_SILU_MUL, .dst = 64, .dst_stride = 4, .a = 64,
		.a_stride = 4, .b = 128, .cols = 4, .rows = some);
	RECORDS(quant, QUANT, npu_cmd_quant, .dst = 64, .src = 128, .src_stride = 32, .cols = 32,
		.atype = NPU_ATYPE_Q8, .rows = some);
	RECORDS(convert, CONVERT, npu_cmd_convert, .dst = 64, .src = 128,
		.dst_type = NPU_DTYPE_BF16, .n = some);
	RECORDS(argmax, ARGMAX, npu_cmd_argmax, .src = 64, .dst = 26, .n = some);
	RECORDS(topk, TOPK, npu_cmd_topk, .src = 64, .dst = 128, .n = 9, .k = 3);
	RECORDS(penalize, PENALIZE, npu_cmd_penalize, .logits = 64, .n = 9, .history = 128,
		.count = some, .params = addr);
	RECORDS(sample, SAMPLE, npu_cmd_sample, .logits = 64, .n = 9, .dst = 27, .counter = some,
		.params = addr);
}

static void test_control(void)
{
	const struct npu_cmd_barrier barrier = { .hdr = { NPU_OP_BARRIER, 0, 2, 0, 0, 0 },
						 .cores = 5 };
	const struct npu_cmd_alu alu = { .op = NPU_ALU_SUBSAT, .dst = 25, .a = 1, .b = 2,
					 .imm = 1ull << 40 };
	const struct npu_cmd_mark mark = { .hdr.flags = NPU_CMDF_SAFE, .id = 7 };
	struct npu_cmdbuf *cb = make(1);
	const uint8_t *s[3];
	uint32_t size[3];

	npu_emit_alu(cb, 0, NPU_ALU_SUBSAT, 25, 1, 2, 1ull << 40);
	tap_ok(recorded_as(cb, NPU_OP_ALU, &alu, sizeof(alu)), "ALU is recorded as given");
	cb = make(1);
	npu_emit_mark(cb, 0, 7, true);
	tap_ok(recorded_as(cb, NPU_OP_MARK, &mark, sizeof(mark)), "MARK is recorded as given");

	cb = make(3);
	npu_emit_barrier(cb, 5);
	npu_emit_nop(cb, NPU_ALL_CORES);
	npu_cmdbuf_end(cb);
	for (uint32_t i = 0; i < 3; i++)
		s[i] = stream(cb, i, &size[i]);
	tap_ok(size[0] == 32 && size[1] == 16 && size[2] == 32 && !memcmp(s[0], &barrier, 16) &&
	       !memcmp(s[2], &barrier, 16) && s[1][0] == NPU_OP_NOP,
	       "BARRIER goes to the cores of its mask, a command for all cores to each stream");
	npu_cmdbuf_destroy(cb);
}

static void test_header(void)
{
	struct npu_cmdbuf *cb = make(2);
	const struct npu_cmdbuf_header *h;
	uint32_t size;

	npu_emit_alu(cb, 1, NPU_ALU_ADD, NPU_REG_TEMP(0), NPU_REG_PARAM(6), 0, 1);
	tap_ok(!npu_cmdbuf_data(cb, &size) && !size, "there are no bytes before the end");
	npu_cmdbuf_end(cb);
	h = npu_cmdbuf_data(cb, &size);
	tap_ok(h->magic == NPU_CMDBUF_MAGIC && h->version_major == NPU_CMD_VERSION_MAJOR &&
	       h->version_minor == NPU_CMD_VERSION_MINOR && h->size == size && h->n_streams == 2 &&
	       h->n_params == 7, "the header tells version, size, streams, and parameters used");
	tap_ok(h->stream[0].offset % 8 == 0 && h->stream[0].offset >= sizeof(*h) &&
	       h->stream[1].offset == h->stream[0].offset + h->stream[0].size &&
	       h->stream[1].offset + h->stream[1].size == size && !h->stream[2].offset,
	       "streams lie one after the other behind the header");
	tap_ok(npu_emit_nop(cb, 0) == -EINVAL, "a command after the end is refused");
	npu_cmdbuf_reset(cb, 1);
	tap_ok(!npu_emit_nop(cb, 0) && !npu_cmdbuf_end(cb) &&
	       ((const struct npu_cmdbuf_header *)npu_cmdbuf_data(cb, &size))->n_params == 0,
	       "reset forgets commands and failures");
	npu_cmdbuf_destroy(cb);
}

/* cb has to fail with err and a text that has `word`; the failure sticks. */
static void refused(struct npu_cmdbuf *cb, int rc, int err, const char *word, const char *name)
{
	bool text = strstr(npu_error_text(), word);
	int again = npu_cmdbuf_end(cb);

	if (!tap_ok(rc == err && again == err && text, "%s is refused, and sticks", name))
		tap_diag("%d, %d: %s", rc, again, npu_error_text());
	npu_cmdbuf_destroy(cb);
}

static void test_refusals(void)
{
	struct npu_cmd_matmul mm = { .wtype = NPU_WTYPE_F32, .n = 16, .k = 1, .ldo = 16 };
	struct npu_cmdbuf *cb = make(2);

	refused(cb, npu_emit_nop(cb, 2), -EINVAL, "core 2", "a core without a stream");
	cb = make(2);
	refused(cb, npu_emit_barrier(cb, 6), -EINVAL, "core", "a barrier with a core too many");
	cb = make(1);
	mm.n = 20;
	refused(cb, npu_emit_matmul(cb, 0, &mm), -EINVAL, "n is 20",
		"rows that are no whole strips");
	cb = make(1);
	mm.n = 16;
	mm.k = NPU_MAX_K + 1;
	refused(cb, npu_emit_matmul(cb, 0, &mm), -EINVAL, "k is 131073", "k one past its limit");
	cb = make(1);
	mm.k = NPU_MAX_K;
	mm.out = 32;
	refused(cb, npu_emit_matmul(cb, 0, &mm), -EINVAL, "out is 32", "a misaligned operand");
	cb = make(1);
	mm.out = 0;
	mm.pad2 = 1;
	refused(cb, npu_emit_matmul(cb, 0, &mm), -EINVAL, "pad", "a pad that is not zero");
	cb = make(1);
	mm.pad2 = 0;
	mm.w.pad[2] = 1;
	refused(cb, npu_emit_matmul(cb, 0, &mm), -EINVAL, "pad", "a pad inside an address");
	cb = make(1);
	mm.w.pad[2] = 0;
	mm.w.reg = NPU_REG_COUNT;
	refused(cb, npu_emit_matmul(cb, 0, &mm), -EINVAL, "register",
		"a register that does not exist");
	cb = make(1);
	mm.w.reg = 0;
	mm.wtype = NPU_WTYPE_COUNT;
	refused(cb, npu_emit_matmul(cb, 0, &mm), -EINVAL, "wtype", "an unknown weight type");
	cb = make(1);
	mm.wtype = 0;
	mm.hdr.flags = 1;
	refused(cb, npu_emit_matmul(cb, 0, &mm), -EINVAL, "flag", "an unknown flag");
	cb = make(1);
	mm.hdr.flags = 0;
	tap_ok(!npu_emit_matmul(cb, 0, &mm) && !npu_cmdbuf_end(cb), "k at its limit is recorded");
	npu_cmdbuf_destroy(cb);
	tap_ok(npu_cmdbuf_create(0, &cb) == -EINVAL &&
	       npu_cmdbuf_create(NPU_MAX_CORES + 1, &cb) == -EINVAL,
	       "0 and 17 streams are refused");
}

static void test_nesting(void)
{
	struct npu_cmdbuf *cb = make(1);

	for (uint32_t i = 0; i < NPU_MAX_LOOP_DEPTH; i++)
		npu_emit_loop(cb, 0, npu_count(2, 0), 0);
	npu_emit_break(cb, 0, NPU_COND_EQ, 1, 0, 9);
	for (uint32_t i = 0; i < NPU_MAX_LOOP_DEPTH; i++)
		npu_emit_loop_end(cb, 0);
	tap_ok(!npu_cmdbuf_end(cb), "%u loops in each other are recorded", NPU_MAX_LOOP_DEPTH);
	npu_cmdbuf_reset(cb, 1);
	for (uint32_t i = 0; i < NPU_MAX_LOOP_DEPTH; i++)
		npu_emit_loop(cb, 0, npu_count(2, 0), 0);
	refused(cb, npu_emit_loop(cb, 0, npu_count(2, 0), 0), -E2BIG, "deeper", "one loop more");
	cb = make(1);
	refused(cb, npu_emit_loop_end(cb, 0), -EINVAL, "LOOP_END", "an end without a loop");
	cb = make(1);
	refused(cb, npu_emit_break(cb, 0, NPU_COND_ALWAYS, 0, 0, 0), -EINVAL, "BREAK",
		"a break outside a loop");
	cb = make(1);
	npu_emit_loop(cb, 0, npu_count(1, 0), 0);
	refused(cb, npu_cmdbuf_end(cb), -EINVAL, "open", "a loop that is left open");
}

static void test_size(void)
{
	const uint32_t header = NPU_ALIGN_UP(sizeof(struct npu_cmdbuf_header), 64u);
	const uint32_t most = (NPU_MAX_CMDBUF_BYTES - header) / 8 - 1;
	struct npu_cmdbuf *cb = make(1);
	uint32_t size;

	for (uint32_t i = 0; i < most; i++)
		npu_emit_nop(cb, 0);
	tap_ok(!npu_cmdbuf_end(cb) && npu_cmdbuf_data(cb, &size) && size == NPU_MAX_CMDBUF_BYTES,
	       "a buffer of the largest size is built");
	npu_cmdbuf_reset(cb, 1);
	for (uint32_t i = 0; i < most + 1; i++)
		npu_emit_nop(cb, 0);
	tap_ok(npu_cmdbuf_end(cb) == -E2BIG, "one command more is refused");
	npu_cmdbuf_destroy(cb);
}

/* Text of a dump, to be freed */
static char *dump(const void *data, size_t size, int *rc)
{
	char *text = NULL;
	size_t room;
	FILE *f = open_memstream(&text, &room);

	*rc = npu_cmdbuf_dump(data, size, f);
	fclose(f);
	return text;
}

static void test_dump(void)
{
	struct npu_cmdbuf *cb = make(1);
	const uint8_t *data;
	uint8_t *copy;
	uint32_t size;
	char *text;
	int rc, ok = 1;

	npu_emit_loop(cb, 0, npu_count(0, NPU_REG_PARAM(2)), NPU_REG_TEMP(1));
	npu_emit_matmul(cb, 0,
			&(struct npu_cmd_matmul){
				.hdr.wait = 0x10,
				.hdr.signal = 1,
				.wtype = NPU_WTYPE_Q4_0,
				.atype = NPU_ATYPE_Q8,
				.n = 32,
				.k = 64,
				.act = 0x40,
				.out = 0x80,
				.ldo = 32,
				.w = npu_va_reg(0x200000, NPU_REG_TEMP(0), 4096),
				.m = npu_count(3, NPU_REG_PARAM(0)),
			});
	npu_emit_loop_end(cb, 0);
	npu_cmdbuf_end(cb);
	data = npu_cmdbuf_data(cb, &size);
	text = dump(data, size, &rc);
	tap_ok(!rc && strstr(text, "  MATMUL   wtype=q4_0 atype=q8 n=32 k=64 act=0x40 lda=0 "
			     "out=0x80 ldo=32 w=0x200000+t0*4096 m=3+p0 wait=0x0010 signal=0x0001"),
	       "a dump names command, fields, registers and tokens");
	tap_ok(!rc && strstr(text, "LOOP     count=p2 index=t1") && strstr(text, "LOOP_END"),
	       "a dump shows loops");
	free(text);
	copy = malloc(size);
	srand(1);
	for (int i = 0; i < 20000; i++) {
		memcpy(copy, data, size);
		for (int j = 0; j < 4; j++)
			copy[(uint32_t)rand() % size] = (uint8_t)rand();
		text = dump(copy, (uint32_t)rand() % 4 ? size : (uint32_t)rand() % size, &rc);
		ok &= rc == 0 || rc == -EINVAL;
		free(text);
	}
	tap_ok(ok, "a dump of 20000 altered buffers ends or says what is wrong");
	free(copy);
	npu_cmdbuf_destroy(cb);
}

static void test_names(void)
{
	struct npu_result r = { .seqno = 9,
				.error = -EFAULT,
				.fault = NPU_FAULT_PAGE,
				.fault_core = 2,
				.fault_opcode = NPU_OP_MATMUL,
				.fault_offset = 0x1d0,
				.fault_mark = 4,
				.fault_addr = 0x3fc0001000 };
	char text[200], small[8];
	bool named = true;

	npu_fault_text(&r, text, sizeof(text));
	tap_ok(!strcmp(text, "job 9: page fault: device address 0x3fc0001000, command MATMUL at "
	       "offset 0x1d0 of the command buffer, core 2, last mark 4"),
	       "a fault is told as a sentence");
	npu_fault_text(&r, small, sizeof(small));
	tap_ok(!strcmp(small, "job 9: "), "a fault's text is cut to the room there is");
	r = (struct npu_result){ .seqno = 9, .error = -ETIME, .fault = NPU_FAULT_HANG };
	npu_fault_text(&r, text, sizeof(text));
	tap_ok(!strcmp(text, "job 9: killed by the firmware, it made no progress"),
	       "a hang is told as what it is");
	for (uint32_t i = 0; i < NPU_FAULT_COUNT; i++)
		named &= npu_fault_name(i)[0] != '?';
	tap_ok(named && !strcmp(npu_fault_name(NPU_FAULT_COUNT), "?") &&
	       !strcmp(npu_opcode_name(0xff), "?") && !strcmp(npu_opcode_name(0x22), "ATTN"),
	       "each fault has a name, an unknown one a question mark");
}

int main(void)
{
	test_encodings();
	test_control();
	test_header();
	test_refusals();
	test_nesting();
	test_size();
	test_dump();
	test_names();
	return tap_done();
}

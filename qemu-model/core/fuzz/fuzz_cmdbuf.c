/* SPDX-License-Identifier: MIT */
/*
 * Everything that the other side of the device may write: command buffers, page tables, ring
 * entries, messages and doorbells. Whatever it is, every job ends in one record and the device
 * answers a ping afterwards.
 *
 * Input: a byte of choices, then for each command its opcode, a mask of fields to spoil and the
 * bytes to spoil them with; the rest is taken raw. So most commands are near to valid ones.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DATA_VA		0x10000000ull
#define DATA_BYTES	COMMANDS_BYTES
#define TABLES_BYTES	(16u * 4096)

struct input {
	const uint8_t *p;
	size_t left;
};

static uint8_t next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static void bytes(struct input *in, void *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)dst)[i] = next(in);
}

/* Kinds of input, by the first byte */
#define RAW_BUFFER	0x01	/* the command buffer is the input itself */
#define SPOIL_TABLES	0x02
#define SPOIL_ENTRY	0x04
#define SPOIL_HEADER	0x08
#define MESSAGES	0x10
#define DOORBELLS	0x20
#define TWO_STREAMS	0x40
#define RESET		0x80

struct target {
	struct host *h;
	struct vm vm;
	struct queue q;
	uint64_t cmdbuf;
	uint64_t tables;	/* bus address of the first one */
	uint8_t *clean;		/* page tables as they were */
};

/* A small machine and few rows, so that no input computes for long. */
static void start(struct target *t)
{
	struct npu_machine m = npu_machine_default;

	m.cores = 2;
	m.spad_bytes = 64 << 10;
	t->h = host_new(&m, 8, 2);
	host_boot(t->h);
	t->tables = t->h->next;
	vm_new(&t->vm, t->h, 0);
	/* All page tables lie in one piece, so that they can be put back. */
	vm_pte(&t->vm, DATA_VA, NPU_PT_SHIFT_LAST);
	t->h->next = t->tables + TABLES_BYTES;
	t->cmdbuf = vm_alloc(&t->vm, 65536, NULL);
	vm_map(&t->vm, DATA_VA + (2u << 20), HOST_BASE + (4u << 20), DATA_BYTES, NPU_PTE_WRITE,
	       false);
	queue_new(&t->q, &t->vm, 0, NPU_PRIORITY_NORMAL, 4);
	t->clean = malloc(TABLES_BYTES);
	memcpy(t->clean, host_ptr(t->h, t->tables), TABLES_BYTES);
}

static void add_command(struct input *in, struct cb *cb)
{
	uint8_t opcode = next(in), spoil = next(in);
	union command c = command_example(opcode, DATA_VA + (2u << 20));
	size_t n = command_bytes(opcode);

	if (!n)
		n = 8;
	for (; spoil; spoil >>= 1) {
		if (spoil & 1) {
			size_t at = next(in) % n, len = 1 + next(in) % 4;

			bytes(in, &c.byte[at], at + len <= n ? len : n - at);
		}
	}
	/* Loops are kept short: a device that computes for hours is no finding. */
	if (opcode == NPU_OP_LOOP) {
		c.loop.count.imm &= 7;
		c.loop.count.reg = 0;
	}
	cb_add(cb, &c, n);
}

static uint32_t make_buffer(struct target *t, struct input *in, uint8_t kind)
{
	uint8_t raw[4096];
	uint32_t size;
	struct cb cb;

	if (kind & RAW_BUFFER) {
		size = in->left < sizeof(raw) ? (uint32_t)in->left & ~7u : (uint32_t)sizeof(raw);
		bytes(in, raw, size);
		vm_write(&t->vm, t->cmdbuf, raw, size);
		return size;
	}
	cb_init(&cb);
	cb_stream(&cb);
	for (int i = 0; i < 24 && in->left; i++) {
		if (kind & TWO_STREAMS && i == 12)
			cb_stream(&cb);
		add_command(in, &cb);
	}
	cb_end(&cb, 0);
	if (kind & SPOIL_HEADER)
		cb.buf[next(in) % sizeof(struct npu_cmdbuf_header)] = next(in);
	vm_write(&t->vm, t->cmdbuf, cb.buf, cb.size);
	size = cb.size;
	cb_free(&cb);
	return size;
}

static void spoil_tables(struct target *t, struct input *in)
{
	uint8_t *p = host_ptr(t->h, t->tables);
	struct npu_msg msg = { .type = NPU_MSG_TLB_INVALIDATE };

	for (unsigned int n = next(in) % 8; n; n--) {
		uint32_t at = next(in) | (uint32_t)next(in) << 8;

		p[at % TABLES_BYTES] = next(in);
	}
	msg.tlb_invalidate.size = NPU_VA_SIZE;
	host_call(t->h, &msg);
}

/* Any message but those that need an answer which may take the queue or context away. */
static void send_message(struct target *t, struct input *in)
{
	struct npu_msg msg = { .type = next(in) };

	bytes(in, msg.arg, 24);
	if (msg.type == NPU_MSG_POWER || msg.type == NPU_MSG_QUEUE_SUSPEND ||
	    msg.type == NPU_MSG_QUEUE_DESTROY)
		msg.type = NPU_MSG_PING;
	host_call(t->h, &msg);
}

static void run_job(struct target *t, struct input *in, uint8_t kind, uint32_t size)
{
	uint64_t params[4] = { 0 };
	struct npu_ring_entry *e;
	struct npu_done done;

	bytes(in, params, 8);
	queue_put(&t->q, t->cmdbuf, size, params, 1 + next(in) % 4);
	e = &t->q.ring[(t->q.tail - 1) & (t->q.entries - 1)];
	if (kind & SPOIL_ENTRY)
		((uint8_t *)e)[next(in) % 64] = next(in);
	queue_ring(&t->q);
	if (!host_done(t->h, &done, 20000))
		abort();
	if (done.fault >= NPU_FAULT_COUNT)
		abort();
	if (done.fault)
		host_call3(t->h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target t;
	struct input in = { data, size };
	uint8_t kind = next(&in);
	uint32_t bytes_of_buffer;
	struct npu_msg ping = { .type = NPU_MSG_PING };

	if (!t.h)
		start(&t);
	memset(host_ptr(t.h, HOST_BASE + (4u << 20)), 0, 64);
	((struct npu_sample_params *)host_ptr(t.h, HOST_BASE + (4u << 20)))->repeat_penalty = 1;
	bytes_of_buffer = make_buffer(&t, &in, kind);
	if (kind & SPOIL_TABLES)
		spoil_tables(&t, &in);
	if (kind & MESSAGES)
		send_message(&t, &in);
	if (kind & DOORBELLS)
		npu_core_reg_write(t.h->core, NPU_REG_QUEUE_TAIL(1 + next(&in) % 63), next(&in));
	if (bytes_of_buffer)
		run_job(&t, &in, kind, bytes_of_buffer);
	if (host_call(t.h, &ping))
		abort();
	if (kind & (SPOIL_TABLES | MESSAGES) || (kind & RESET && next(&in) == 0)) {
		/* From a clean device again; nothing may be left mapped. */
		host_free(t.h);
		free(t.clean);
		t.h = NULL;
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "config.h"
#include "dev_key.h"
#include "host.h"
#include "pack.h"

#define WAIT_MS 10000

__attribute__((noreturn))
static void die(const char *what)
{
	fprintf(stderr, "test host: %s\n", what);
	exit(1);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static void nap(void)
{
	struct timespec ts = { .tv_nsec = 20000 };

	nanosleep(&ts, NULL);
}

/* What the device sees */

static void *map(void *opaque, uint64_t addr, uint64_t len, bool write, uint64_t *mapped)
{
	struct host *h = opaque;

	(void)write;
	if (addr < HOST_BASE || addr - HOST_BASE >= h->size)
		return NULL;
	if (h->refuse && (addr & ~(NPU_PAGE_SIZE - 1)) == h->refuse)
		return NULL;
	if (len > h->size - (addr - HOST_BASE))
		len = h->size - (addr - HOST_BASE);
	if (h->max_map && len > h->max_map - addr % h->max_map)
		len = h->max_map - addr % h->max_map;
	*mapped = len;
	__atomic_fetch_add(&h->maps, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&h->map_calls, 1, __ATOMIC_RELAXED);
	return h->mem + (addr - HOST_BASE);
}

static void unmap(void *opaque, void *ptr, uint64_t mapped, bool write)
{
	struct host *h = opaque;

	(void)ptr;
	(void)mapped;
	(void)write;
	__atomic_fetch_sub(&h->maps, 1, __ATOMIC_RELAXED);
}

static void interrupt(void *opaque, unsigned int vector)
{
	struct host *h = opaque;

	pthread_mutex_lock(&h->lock);
	__atomic_fetch_add(&h->irqs[vector], 1, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&h->raised);
	pthread_mutex_unlock(&h->lock);
}

static void trace(void *opaque, const char *line)
{
	(void)opaque;
	if (getenv("NPU_TEST_TRACE"))
		fprintf(stderr, "# %s\n", line);
}

struct host *host_new_config(const struct npu_core_config *config, unsigned int mb)
{
	static const struct npu_host_ops ops = {
		.map = map, .unmap = unmap, .interrupt = interrupt, .trace = trace,
	};
	struct host *h = calloc(1, sizeof(*h));
	const char *why;

	if (!h)
		die("no memory");
	h->size = (uint64_t)mb << 20;
	h->mem = mmap(NULL, h->size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->mem == MAP_FAILED)
		die("no memory");
	/* As QEMU does with a guest's memory */
	madvise(h->mem, h->size, MADV_HUGEPAGE);
	h->next = HOST_BASE;
	h->fw_config = npu_config_defaults;
	h->api_max = NPU_FW_API_MAJOR << 16 | NPU_FW_API_MINOR;
	h->seed = npu_dev_key_seed;
	h->version = "test";
	h->msg_entries = 64;
	h->done_entries = 256;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->raised, NULL);
	if (npu_core_create(config, &ops, h, &h->core, &why))
		die(why ? why : "npu_core_create failed");
	return h;
}

struct host *host_new_isa(const struct npu_machine *m, unsigned int mb, unsigned int threads,
			  enum npu_isa isa)
{
	const struct npu_core_config config = {
		.machine = *m, .isa = isa, .threads = threads, .development = true,
	};

	return host_new_config(&config, mb);
}

struct host *host_new(const struct npu_machine *m, unsigned int mb, unsigned int threads)
{
	return host_new_isa(m, mb, threads, NPU_ISA_BEST);
}

void host_free(struct host *h)
{
	npu_core_destroy(h->core);
	if (h->maps)
		die("mappings left over");
	munmap(h->mem, h->size);
	pthread_cond_destroy(&h->raised);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

uint64_t host_alloc(struct host *h, uint64_t bytes)
{
	uint64_t at = h->next;

	h->next += NPU_ALIGN_UP(bytes, NPU_PAGE_SIZE);
	if (h->next > HOST_BASE + h->size)
		die("test memory is full");
	return at;
}

void *host_ptr(const struct host *h, uint64_t bus)
{
	return h->mem + (bus - HOST_BASE);
}

bool host_differs(const uint32_t *value, uint32_t old, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) == old) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

bool host_reaches(const uint32_t *value, uint32_t want, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) != want) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

bool host_state(struct host *h, uint32_t state, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (npu_core_reg_read(h->core, NPU_REG_STATE) != state) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

/* Boot and messages */

static void write_addr(struct host *h, uint32_t lo, uint64_t addr)
{
	npu_core_reg_write(h->core, lo, (uint32_t)addr);
	npu_core_reg_write(h->core, lo + 4, (uint32_t)(addr >> 32));
}

void *host_image(const struct host *h, size_t *size)
{
	const uint8_t *elf = h->test_firmware ? host_firmware_test : host_firmware;
	const uint8_t *end = h->test_firmware ? host_firmware_test_end : host_firmware_end;
	struct npu_pack pack = {
		.version = h->version, .api_min = NPU_FW_API_MAJOR << 16, .api_max = h->api_max,
		.security_version = h->security_version,
		.hw_version_min = NPU_HW_VERSION, .hw_version_max = NPU_HW_VERSION,
		.config = h->fw_config, .elf = elf, .elf_size = (size_t)(end - elf),
		.seed = h->seed,
	};
	char why[256];
	void *image;

	if (npu_pack(&pack, NULL, 0, size, why, sizeof(why)))
		die(why);
	image = malloc(*size);
	if (!image || npu_pack(&pack, image, *size, size, why, sizeof(why)))
		die(why);
	return image;
}

void host_prepare(struct host *h)
{
	struct npu_boot_params *p;
	uint64_t h2d, d2h, done, status, log;
	size_t size;
	void *image = host_image(h, &size);

	h->image = host_alloc(h, size);
	h->image_size = size;
	memcpy(host_ptr(h, h->image), image, size);
	free(image);
	h2d = host_alloc(h, h->msg_entries * sizeof(struct npu_msg));
	d2h = host_alloc(h, h->msg_entries * sizeof(struct npu_msg));
	done = host_alloc(h, h->done_entries * sizeof(struct npu_done));
	status = host_alloc(h, sizeof(struct npu_status_page));
	log = h->log_bytes ? host_alloc(h, h->log_bytes) : 0;
	h->params = host_alloc(h, sizeof(*p));
	p = host_ptr(h, h->params);
	*p = (struct npu_boot_params) {
		.size = sizeof(*p), .api = NPU_FW_API_MAJOR << 16 | NPU_FW_API_MINOR,
		.h2d_addr = h2d, .d2h_addr = d2h, .done_addr = done, .status_addr = status,
		.h2d_entries = h->msg_entries, .d2h_entries = h->msg_entries,
		.done_entries = h->done_entries, .log_addr = log, .log_bytes = h->log_bytes,
	};
	h->h2d = host_ptr(h, h2d);
	h->d2h = host_ptr(h, d2h);
	h->done = host_ptr(h, done);
	h->status = host_ptr(h, status);
	h->log = log ? host_ptr(h, log) : NULL;
	h->h2d_tail = 0;
	h->d2h_head = 0;
	h->done_head = 0;
	write_addr(h, NPU_REG_FW_ADDR_LO, h->image);
	npu_core_reg_write(h->core, NPU_REG_FW_SIZE, (uint32_t)h->image_size);
	write_addr(h, NPU_REG_BOOT_LO, h->params);
}

bool host_boot_flash(struct host *h, struct npu_msg *ready)
{
	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_FW_SIZE, 0);
	npu_core_reg_write(h->core, NPU_REG_BOOT, 1);
	while (npu_core_reg_read(h->core, NPU_REG_STATE) == NPU_STATE_BOOTING)
		nap();
	return npu_core_reg_read(h->core, NPU_REG_STATE) == NPU_STATE_RUNNING &&
	       host_receive(h, ready, WAIT_MS) && ready->type == NPU_MSG_EVENT_READY;
}

void host_boot(struct host *h)
{
	struct npu_msg msg;

	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_BOOT, 1);
	if (!host_state(h, NPU_STATE_RUNNING, WAIT_MS))
		die("the device does not boot");
	if (!host_receive(h, &msg, WAIT_MS) || msg.type != NPU_MSG_EVENT_READY)
		die("no READY");
}

void host_send(struct host *h, struct npu_msg *msg)
{
	msg->id = ++h->msg_id;
	h->h2d[h->h2d_tail++ & (h->msg_entries - 1)] = *msg;
	npu_core_reg_write(h->core, NPU_REG_H2D_TAIL, h->h2d_tail);
}

bool host_receive(struct host *h, struct npu_msg *out, unsigned int ms)
{
	if (!host_differs(&h->status->d2h_tail, h->d2h_head, ms))
		return false;
	*out = h->d2h[h->d2h_head++ & (h->msg_entries - 1)];
	npu_core_reg_write(h->core, NPU_REG_D2H_ARM, h->d2h_head);
	return true;
}

uint16_t host_call(struct host *h, struct npu_msg *msg)
{
	struct npu_msg r;

	host_send(h, msg);
	do {
		if (!host_receive(h, &r, WAIT_MS))
			die("no answer to a message");
	} while (r.type != (msg->type | NPU_MSG_REPLY) || r.id != msg->id);
	*msg = r;
	return r.status;
}

uint16_t host_call3(struct host *h, uint16_t type, uint64_t a, uint64_t b, uint64_t c)
{
	struct npu_msg msg = { .type = type, .arg = { a, b, c } };

	return host_call(h, &msg);
}

/* Address spaces */

void vm_new(struct vm *vm, struct host *h, uint32_t context)
{
	*vm = (struct vm) { .host = h, .context = context, .next = 0x10000000 };
	vm->root = host_alloc(h, NPU_PAGE_SIZE);
	if (host_call3(h, NPU_MSG_CONTEXT_CREATE, context, vm->root, 0))
		die("no context");
}

uint64_t *vm_pte(struct vm *vm, uint64_t va, uint32_t shift)
{
	uint64_t table = vm->root;

	for (uint32_t s = NPU_PT_SHIFT_ROOT; s > shift; s -= 9) {
		uint64_t *pte = (uint64_t *)host_ptr(vm->host, table) + npu_pt_index(va, s);

		if (!*pte)
			*pte = host_alloc(vm->host, NPU_PAGE_SIZE) | NPU_PTE_VALID;
		table = *pte & NPU_PTE_ADDR_MASK;
	}
	return (uint64_t *)host_ptr(vm->host, table) + npu_pt_index(va, shift);
}

void vm_map(struct vm *vm, uint64_t va, uint64_t bus, uint64_t bytes, uint64_t flags, bool large)
{
	uint32_t shift = large ? NPU_PT_SHIFT_MID : NPU_PT_SHIFT_LAST;

	for (uint64_t i = 0; i < bytes; i += 1ull << shift)
		*vm_pte(vm, va + i, shift) = (bus + i) | flags | NPU_PTE_VALID | NPU_PTE_LEAF;
}

uint64_t vm_alloc(struct vm *vm, uint64_t bytes, void *ptr)
{
	uint64_t bus, va = vm->next;

	bytes = NPU_ALIGN_UP(bytes, NPU_PAGE_SIZE);
	bus = host_alloc(vm->host, bytes);
	vm->next += bytes + NPU_PAGE_SIZE;
	vm_map(vm, va, bus, bytes, NPU_PTE_WRITE, false);
	if (ptr)
		*(void **)ptr = host_ptr(vm->host, bus);
	return va;
}

uint64_t vm_alloc_scattered(struct vm *vm, uint64_t bytes)
{
	uint64_t pages = NPU_ALIGN_UP(bytes, NPU_PAGE_SIZE) >> NPU_PAGE_SHIFT;
	uint64_t bus = host_alloc(vm->host, pages << NPU_PAGE_SHIFT), va = vm->next;

	vm->next += (pages + 1) << NPU_PAGE_SHIFT;
	/* Backwards, so that no two follow each other. */
	for (uint64_t i = 0; i < pages; i++)
		vm_map(vm, va + (i << NPU_PAGE_SHIFT), bus + ((pages - 1 - i) << NPU_PAGE_SHIFT),
		       NPU_PAGE_SIZE, NPU_PTE_WRITE, false);
	return va;
}

static void *vm_ptr(struct vm *vm, uint64_t va)
{
	uint64_t pte = *vm_pte(vm, va, NPU_PT_SHIFT_LAST);

	return (uint8_t *)host_ptr(vm->host, pte & NPU_PTE_ADDR_MASK) + va % NPU_PAGE_SIZE;
}

void vm_write(struct vm *vm, uint64_t va, const void *src, size_t bytes)
{
	for (size_t i = 0, n; i < bytes; i += n) {
		n = NPU_PAGE_SIZE - (va + i) % NPU_PAGE_SIZE;
		n = n < bytes - i ? n : bytes - i;
		memcpy(vm_ptr(vm, va + i), (const uint8_t *)src + i, n);
	}
}

void vm_read(struct vm *vm, uint64_t va, void *dst, size_t bytes)
{
	for (size_t i = 0, n; i < bytes; i += n) {
		n = NPU_PAGE_SIZE - (va + i) % NPU_PAGE_SIZE;
		n = n < bytes - i ? n : bytes - i;
		memcpy((uint8_t *)dst + i, vm_ptr(vm, va + i), n);
	}
}

/* Queues */

void queue_new(struct queue *q, struct vm *vm, uint32_t id, uint32_t priority, uint32_t entries)
{
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_CREATE };
	uint64_t ring = host_alloc(vm->host, entries * sizeof(struct npu_ring_entry));

	*q = (struct queue) {
		.host = vm->host, .id = id, .entries = entries, .ring = host_ptr(vm->host, ring),
	};
	msg.queue_create.queue = id;
	msg.queue_create.context = vm->context;
	msg.queue_create.priority = priority;
	msg.queue_create.entries = entries;
	msg.queue_create.ring = ring;
	if (host_call(vm->host, &msg))
		die("no queue");
}

uint64_t queue_put(struct queue *q, uint64_t cmdbuf, uint32_t size, const uint64_t *params,
		   uint32_t n_params)
{
	struct npu_ring_entry *e = &q->ring[q->tail++ & (q->entries - 1)];

	*e = (struct npu_ring_entry) {
		.cmdbuf = cmdbuf, .cmdbuf_size = size, .n_params = n_params, .seqno = ++q->seqno,
	};
	if (n_params <= NPU_MAX_PARAMS && n_params)
		memcpy(e->params, params, n_params * sizeof(*params));
	return q->seqno;
}

void queue_ring(struct queue *q)
{
	npu_core_reg_write(q->host->core, NPU_REG_QUEUE_TAIL(q->id), q->tail);
}

bool host_done(struct host *h, struct npu_done *out, unsigned int ms)
{
	if (!host_differs(&h->status->done_tail, h->done_head, ms))
		return false;
	*out = h->done[h->done_head++ & (h->done_entries - 1)];
	npu_core_reg_write(h->core, NPU_REG_DONE_ARM, h->done_head);
	return true;
}

struct npu_done queue_run(struct queue *q, uint64_t cmdbuf, uint32_t size, const uint64_t *params,
			  uint32_t n_params)
{
	struct npu_done done;

	queue_put(q, cmdbuf, size, params, n_params);
	queue_ring(q);
	if (!host_done(q->host, &done, 60000))
		die("a job does not end");
	return done;
}

/* Command buffers */

void cb_init(struct cb *cb)
{
	*cb = (struct cb) { .cap = 4096, .size = sizeof(struct npu_cmdbuf_header) };
	cb->buf = calloc(1, cb->cap);
	if (!cb->buf)
		die("no memory");
}

void cb_free(struct cb *cb)
{
	free(cb->buf);
	cb->buf = NULL;
}

static struct npu_cmdbuf_header *cb_header(struct cb *cb)
{
	return (struct npu_cmdbuf_header *)cb->buf;
}

void cb_stream(struct cb *cb)
{
	if (cb->streams)
		cb_op(cb, NPU_OP_END);
	cb_header(cb)->stream[cb->streams++].offset = cb->size;
}

uint32_t cb_add(struct cb *cb, const void *cmd, size_t bytes)
{
	struct npu_cmdbuf_header *h;
	struct npu_cmd_hdr *hdr;
	uint32_t at = cb->size;

	if (cb->size + bytes > cb->cap) {
		cb->cap = 2 * cb->cap + (uint32_t)bytes;
		cb->buf = realloc(cb->buf, cb->cap);
		if (!cb->buf)
			die("no memory");
	}
	memcpy(cb->buf + at, cmd, bytes);
	hdr = (struct npu_cmd_hdr *)(cb->buf + at);
	hdr->words = (uint8_t)(bytes / 8);
	cb->size += (uint32_t)bytes;
	if (!cb->streams)
		cb_header(cb)->stream[cb->streams++].offset = at;
	h = cb_header(cb);
	h->stream[cb->streams - 1].size = cb->size - h->stream[cb->streams - 1].offset;
	return at;
}

uint32_t cb_op(struct cb *cb, uint8_t opcode)
{
	struct npu_cmd_hdr hdr = { .opcode = opcode };

	return CB_ADD(cb, hdr);
}

void cb_end(struct cb *cb, uint16_t n_params)
{
	struct npu_cmdbuf_header *h;

	cb_op(cb, NPU_OP_END);
	h = cb_header(cb);
	h->magic = NPU_CMDBUF_MAGIC;
	h->version_major = NPU_CMD_VERSION_MAJOR;
	h->version_minor = NPU_CMD_VERSION_MINOR;
	h->size = cb->size;
	h->n_streams = (uint16_t)cb->streams;
	h->n_params = n_params;
}

uint64_t cb_place(struct cb *cb, struct vm *vm)
{
	uint64_t va = vm_alloc(vm, cb->size, NULL);

	vm_write(vm, va, cb->buf, cb->size);
	return va;
}

struct npu_done cb_run(struct cb *cb, struct vm *vm, struct queue *q, const uint64_t *params,
		       uint32_t n_params)
{
	cb_end(cb, (uint16_t)n_params);
	return queue_run(q, cb_place(cb, vm), cb->size, params, n_params);
}

static uint32_t cb_dma(struct cb *cb, uint8_t opcode, uint32_t spad, uint64_t va, uint32_t bytes)
{
	struct npu_cmd_dma c = {
		.hdr.opcode = opcode, .spad = spad, .spad_stride = bytes, .addr.base = va,
		.mem_stride = bytes, .row_bytes = bytes, .rows.imm = 1,
	};

	return CB_ADD(cb, c);
}

uint32_t cb_load(struct cb *cb, uint32_t spad, uint64_t va, uint32_t bytes)
{
	return cb_dma(cb, NPU_OP_LOAD, spad, va, bytes);
}

uint32_t cb_store(struct cb *cb, uint32_t spad, uint64_t va, uint32_t bytes)
{
	return cb_dma(cb, NPU_OP_STORE, spad, va, bytes);
}

uint32_t cb_barrier(struct cb *cb, uint32_t cores)
{
	struct npu_cmd_barrier c = { .hdr.opcode = NPU_OP_BARRIER, .cores = cores };

	return CB_ADD(cb, c);
}

uint32_t cb_loop(struct cb *cb, uint32_t count, uint8_t reg, uint8_t index)
{
	struct npu_cmd_loop c = {
		.hdr.opcode = NPU_OP_LOOP, .count = { .imm = count, .reg = reg }, .index = index,
	};

	return CB_ADD(cb, c);
}

uint32_t cb_alu(struct cb *cb, enum npu_alu op, uint8_t dst, uint8_t a, uint8_t b, uint64_t imm)
{
	struct npu_cmd_alu c = {
		.hdr.opcode = NPU_OP_ALU, .op = op, .dst = dst, .a = a, .b = b, .imm = imm,
	};

	return CB_ADD(cb, c);
}

uint32_t cb_str(struct cb *cb, uint8_t reg, uint64_t va)
{
	struct npu_cmd_scalar c = {
		.hdr.opcode = NPU_OP_STR, .reg = reg, .bytes = 8, .addr.base = va,
	};

	return CB_ADD(cb, c);
}

uint32_t cb_mark(struct cb *cb, uint32_t id)
{
	struct npu_cmd_mark c = { .hdr.opcode = NPU_OP_MARK, .id = id };

	return CB_ADD(cb, c);
}

uint32_t cb_ew(struct cb *cb, uint8_t op, uint32_t dst, uint32_t a, uint32_t b, uint32_t cols,
	       uint32_t rows)
{
	struct npu_cmd_ew c = {
		.hdr.opcode = NPU_OP_EW, .op = op, .dst = dst, .dst_stride = cols, .a = a,
		.a_stride = cols, .b = b, .b_stride = b ? cols : 0, .cols = cols, .rows.imm = rows,
	};

	return CB_ADD(cb, c);
}

/* Numbers */

uint32_t host_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

float host_random_float(uint64_t *state)
{
	return (float)(int32_t)(host_random(state) - (1u << 30)) / (float)(1u << 30);
}

/* SPDX-License-Identifier: MIT */
/*
 * A host for tests of the core: flat memory, the driver's side of boot, messages, contexts,
 * queues and completions, and a builder of command buffers. Calls that cannot fail in a test
 * end the program with a line on stderr when they do.
 */
#ifndef NPU_TEST_HOST_H
#define NPU_TEST_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu_cmd.h"
#include "npu_core.h"
#include "npu_fw_image.h"
#include "npu_fw_msg.h"
#include "npu_mmu.h"
#include "npu_regs.h"

/* Bus address of the first byte of memory; below is nothing */
#define HOST_BASE 0x40000000ull

struct host {
	struct npu_core *core;
	uint8_t *mem;
	uint64_t size;
	uint64_t next;			/* bus address of the next allocation */
	uint64_t max_map;		/* longest mapping that map() gives; 0: any */
	uint64_t refuse;		/* bus page that map() refuses; 0: none */
	long maps;			/* under way */
	long map_calls;
	pthread_mutex_t lock;
	pthread_cond_t raised;
	unsigned int irqs[NPU_MSIX_COUNT];
	/* rings, as the driver has them */
	struct npu_fw_config fw_config;
	bool test_firmware;		/* the build that fails on demand */
	const char *version;		/* of the image, "test" unless set */
	uint32_t api_max;		/* of the image; that of the tree unless set */
	uint32_t security_version;
	const uint8_t *seed;		/* of the key that signs; the development key unless set */
	uint64_t image, image_size, params;
	struct npu_msg *h2d, *d2h;
	struct npu_done *done;
	struct npu_status_page *status;
	char *log;
	uint32_t log_bytes;		/* zero unless set before the boot */
	uint32_t msg_entries, done_entries;
	uint32_t h2d_tail, d2h_head, done_head;
	uint32_t msg_id;
};

/* The firmware, ELF */
extern const uint8_t host_firmware[], host_firmware_end[];
extern const uint8_t host_firmware_test[], host_firmware_test_end[];

/* A device of machine @m with @mb MiB of memory, not booted. threads 0: as many as the host has. */
struct host *host_new(const struct npu_machine *m, unsigned int mb, unsigned int threads);
/* The same with an instruction set. */
struct host *host_new_isa(const struct npu_machine *m, unsigned int mb, unsigned int threads,
			  enum npu_isa isa);
/* The same with everything: a machine, its keys and flash. */
struct host *host_new_config(const struct npu_core_config *config, unsigned int mb);
void host_free(struct host *h);

/* Zeroed memory, page aligned; bus address. */
uint64_t host_alloc(struct host *h, uint64_t bytes);
void *host_ptr(const struct host *h, uint64_t bus);
/*
 * Waits until *value (written by the device) differs from @old, a second at most; whether it
 * does.
 */
bool host_differs(const uint32_t *value, uint32_t old, unsigned int ms);
/* Waits until *value is @want. */
bool host_reaches(const uint32_t *value, uint32_t want, unsigned int ms);
bool host_state(struct host *h, uint32_t state, unsigned int ms);

/* The image that host_prepare() boots: signed; allocated, free() it. */
void *host_image(const struct host *h, size_t *size);
/* Allocates rings, writes image and boot parameters, and the registers; does not start. */
void host_prepare(struct host *h);
/* Boots from flash what host_prepare() would have booted from memory; whether READY came. */
bool host_boot_flash(struct host *h, struct npu_msg *ready);
/* host_prepare() and a boot, up to the READY event. */
void host_boot(struct host *h);

/* Sends; the id is filled in. */
void host_send(struct host *h, struct npu_msg *msg);
/* The next message of the device, at most @ms; false: none came. */
bool host_receive(struct host *h, struct npu_msg *out, unsigned int ms);
/* Sends and waits for the answer, which replaces *msg; other messages are dropped. Its status. */
uint16_t host_call(struct host *h, struct npu_msg *msg);
/* A message with up to three arguments. */
uint16_t host_call3(struct host *h, uint16_t type, uint64_t a, uint64_t b, uint64_t c);

/* An address space and its page tables */
struct vm {
	struct host *host;
	uint32_t context;
	uint64_t root;
	uint64_t next;		/* device address of the next allocation */
};

void vm_new(struct vm *vm, struct host *h, uint32_t context);
/* The entry for @va at the level that covers 1 << shift bytes; tables are made. */
uint64_t *vm_pte(struct vm *vm, uint64_t va, uint32_t shift);
/* Maps pages; large where all is aligned and @large. flags: NPU_PTE_WRITE. */
void vm_map(struct vm *vm, uint64_t va, uint64_t bus, uint64_t bytes, uint64_t flags, bool large);
/* Memory mapped for writing; *ptr is the host's. Device address. */
uint64_t vm_alloc(struct vm *vm, uint64_t bytes, void *ptr);
/*
 * The same with pages that do not follow each other on the bus. ptr of the first byte is not
 * given.
 */
uint64_t vm_alloc_scattered(struct vm *vm, uint64_t bytes);
/* Copies to and from device addresses by the page tables. */
void vm_write(struct vm *vm, uint64_t va, const void *src, size_t bytes);
void vm_read(struct vm *vm, uint64_t va, void *dst, size_t bytes);

/* A queue as the driver has it */
struct queue {
	struct host *host;
	uint32_t id;
	uint32_t entries;
	struct npu_ring_entry *ring;
	uint32_t tail;
	uint64_t seqno;
};

void queue_new(struct queue *q, struct vm *vm, uint32_t id, uint32_t priority, uint32_t entries);
/* Writes an entry; its seqno. */
uint64_t queue_put(struct queue *q, uint64_t cmdbuf, uint32_t size, const uint64_t *params,
		   uint32_t n_params);
/* Rings for all that was put. */
void queue_ring(struct queue *q);
/* The next completion record, at most @ms; false: none came. The ring is armed again. */
bool host_done(struct host *h, struct npu_done *out, unsigned int ms);
/* put, ring, wait. */
struct npu_done queue_run(struct queue *q, uint64_t cmdbuf, uint32_t size, const uint64_t *params,
			  uint32_t n_params);

/* A command buffer under construction, streams in order */
struct cb {
	uint8_t *buf;
	uint32_t size;
	uint32_t cap;
	uint32_t streams;
};

void cb_init(struct cb *cb);
void cb_free(struct cb *cb);
/* Opens the next stream. */
void cb_stream(struct cb *cb);
/* Adds a command of @bytes; words of its header are filled in. Returns its offset. */
uint32_t cb_add(struct cb *cb, const void *cmd, size_t bytes);
#define CB_ADD(cb, cmd) cb_add(cb, &(cmd), sizeof(cmd))
/* A command that is a header only. */
uint32_t cb_op(struct cb *cb, uint8_t opcode);
/* Ends the last stream with END and fills in the header. */
void cb_end(struct cb *cb, uint16_t n_params);
/* Copies it to device memory; its address. */
uint64_t cb_place(struct cb *cb, struct vm *vm);
/* End, place, run. */
struct npu_done cb_run(struct cb *cb, struct vm *vm, struct queue *q, const uint64_t *params,
		       uint32_t n_params);

/* Commands that tests need often */
uint32_t cb_load(struct cb *cb, uint32_t spad, uint64_t va, uint32_t bytes);
uint32_t cb_store(struct cb *cb, uint32_t spad, uint64_t va, uint32_t bytes);
uint32_t cb_barrier(struct cb *cb, uint32_t cores);
uint32_t cb_loop(struct cb *cb, uint32_t count, uint8_t reg, uint8_t index);
uint32_t cb_alu(struct cb *cb, enum npu_alu op, uint8_t dst, uint8_t a, uint8_t b, uint64_t imm);
uint32_t cb_str(struct cb *cb, uint8_t reg, uint64_t va);
uint32_t cb_mark(struct cb *cb, uint32_t id);
uint32_t cb_ew(struct cb *cb, uint8_t op, uint32_t dst, uint32_t a, uint32_t b, uint32_t cols,
	       uint32_t rows);

/* A generator of numbers for tests, the same everywhere */
uint32_t host_random(uint64_t *state);
float host_random_float(uint64_t *state);

#endif

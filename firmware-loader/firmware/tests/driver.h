/* SPDX-License-Identifier: MIT */
/*
 * The driver's part in the firmware's tests.
 */
#ifndef FW_TEST_DRIVER_H
#define FW_TEST_DRIVER_H

#include "fake_hw.h"

struct driver {
	struct npu_fw_handoff handoff;
	struct npu_msg *h2d, *d2h;
	struct npu_done *done;
	struct npu_status_page *status;
	char *log;
	uint64_t next;		/* free bus memory */
	uint32_t h2d_tail, d2h_head, done_head, id;
	struct {
		struct npu_ring_entry *ring;
		uint32_t entries, tail;
		uint64_t seqno;
	} queue[NPU_MAX_QUEUES];
};

extern struct driver driver;

/* A new device with the hand-over of a good boot, which a test may change; then boot() */
void driver_prepare(void);
/* Both, up to READY */
void driver_boot(void);
/* The same with the API that the driver speaks */
void driver_boot_api(uint32_t api);
uint64_t driver_alloc(uint32_t bytes);

/* Sends a message; the firmware has seen it on return. */
void driver_send(struct npu_msg *msg);
/* Takes the next message and gives its slot back; false: there is none. */
bool driver_receive(struct npu_msg *out);
/* Sends it and takes messages up to its answer, which goes to @msg. */
uint16_t driver_call(struct npu_msg *msg);
uint16_t driver_call3(uint16_t type, uint64_t a, uint64_t b, uint64_t c);

void driver_context(uint32_t id);
void driver_queue(uint32_t id, uint32_t context, uint32_t priority, uint32_t entries);
/* Writes an entry; the answer may be changed before the doorbell. */
struct npu_ring_entry *driver_put(uint32_t queue, uint64_t ns, uint64_t safe_ns);
/* Doorbell, not yet seen */
void driver_ring(uint32_t queue);
/* Takes the next record and gives its slot back; false: there is none. */
bool driver_done(struct npu_done *out);
/* It is this one, of @queue. */
bool driver_done_is(uint32_t queue, uint64_t seqno, enum npu_fault fault);

/* Lets firmware and jobs run until nothing is left, or only an endless job. */
void driver_run(void);
/* The same for this many modelled ns */
void driver_run_ns(uint64_t ns);
/* Lets the firmware's timer come, @n times. */
void driver_ticks(unsigned int n);

/* Whether the log's last line is this, behind its time. */
bool driver_log_ends(const char *line);

#endif

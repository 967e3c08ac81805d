/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "tap.h"

#define LOG_BYTES 8192

struct driver driver;

__attribute__((noreturn))
static void die(const char *what)
{
	fprintf(stderr, "test driver: %s\n", what);
	exit(1);
}

uint64_t driver_alloc(uint32_t bytes)
{
	uint64_t at = driver.next;

	driver.next += NPU_ALIGN_UP(bytes, 4096u);
	if (driver.next > FAKE_BUS_BASE + FAKE_BUS_BYTES)
		die("bus memory is full");
	return at;
}

void driver_prepare(void)
{
	struct npu_boot_params *p = &driver.handoff.params;

	fake_reset();
	memset(&driver, 0, sizeof(driver));
	driver.next = FAKE_BUS_BASE;
	driver.handoff = (struct npu_fw_handoff) {
		.size = sizeof(driver.handoff), .source = NPU_FW_SOURCE_SLOT_B,
		.api_min = NPU_VERSION(1, 0), .api_max = NPU_VERSION(1, 1), .security_version = 9,
		.version = "1.2.3-test",
		.config = {
			.size = sizeof(struct npu_fw_config), .max_jobs_per_turn = 4,
			.time_slice_us = { 500, 2000, 4000, 8000 }, .heartbeat_ms = 20,
			.starvation_turns = 8, .job_hang_ms = 1000, .watchdog_ms = 300,
			.throttle_millicelsius = 95000, .critical_millicelsius = 110000,
		},
	};
	*p = (struct npu_boot_params) {
		.size = sizeof(*p), .api = NPU_VERSION(1, 1), .h2d_entries = 16, .d2h_entries = 16,
		.done_entries = 64, .log_bytes = LOG_BYTES,
	};
	p->h2d_addr = driver_alloc(16 * sizeof(struct npu_msg));
	p->d2h_addr = driver_alloc(16 * sizeof(struct npu_msg));
	p->done_addr = driver_alloc(64 * sizeof(struct npu_done));
	p->status_addr = driver_alloc(sizeof(struct npu_status_page));
	p->log_addr = driver_alloc(LOG_BYTES);
	driver.h2d = fake_bus(p->h2d_addr);
	driver.d2h = fake_bus(p->d2h_addr);
	driver.done = fake_bus(p->done_addr);
	driver.status = fake_bus(p->status_addr);
	driver.log = fake_bus(p->log_addr);
}

void driver_boot_api(uint32_t api)
{
	struct npu_msg msg;

	driver_prepare();
	driver.handoff.params.api = api;
	if (!boot(&driver.handoff))
		die("the firmware refuses to boot");
	fake_loop();
	if (!driver_receive(&msg) || msg.type != NPU_MSG_EVENT_READY)
		die("no READY");
}

void driver_boot(void)
{
	driver_boot_api(NPU_VERSION(1, 1));
}

void driver_send(struct npu_msg *msg)
{
	msg->id = ++driver.id;
	driver.h2d[driver.h2d_tail++ & (driver.handoff.params.h2d_entries - 1)] = *msg;
	fake_doorbell(NPU_CC_IRQ_H2D, NPU_CC_H2D_TAIL, driver.h2d_tail);
	fake_loop();
}

bool driver_receive(struct npu_msg *out)
{
	if (driver.status->d2h_tail == driver.d2h_head)
		return false;
	*out = driver.d2h[driver.d2h_head++ & (driver.handoff.params.d2h_entries - 1)];
	fake_doorbell(NPU_CC_IRQ_D2H_ARM, NPU_CC_D2H_HEAD, driver.d2h_head);
	fake_loop();
	return true;
}

uint16_t driver_call(struct npu_msg *msg)
{
	struct npu_msg r;

	driver_send(msg);
	do {
		if (!driver_receive(&r))
			die("no answer to a message");
	} while (r.type != (msg->type | NPU_MSG_REPLY) || r.id != msg->id);
	*msg = r;
	return r.status;
}

uint16_t driver_call3(uint16_t type, uint64_t a, uint64_t b, uint64_t c)
{
	struct npu_msg msg = { .type = type, .arg = { a, b, c } };

	return driver_call(&msg);
}

void driver_context(uint32_t id)
{
	if (driver_call3(NPU_MSG_CONTEXT_CREATE, id, driver_alloc(4096), 0))
		die("no context");
}

void driver_queue(uint32_t id, uint32_t context, uint32_t priority, uint32_t entries)
{
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_CREATE };
	uint64_t ring = driver_alloc(entries * (uint32_t)sizeof(struct npu_ring_entry));

	msg.queue_create.queue = id;
	msg.queue_create.context = context;
	msg.queue_create.priority = priority;
	msg.queue_create.entries = entries;
	msg.queue_create.ring = ring;
	if (driver_call(&msg))
		die("no queue");
	memset(&driver.queue[id], 0, sizeof(driver.queue[id]));
	driver.queue[id].ring = fake_bus(ring);
	driver.queue[id].entries = entries;
}

struct npu_ring_entry *driver_put(uint32_t queue, uint64_t ns, uint64_t safe_ns)
{
	uint32_t slot = driver.queue[queue].tail++ & (driver.queue[queue].entries - 1);
	struct npu_ring_entry *e = &driver.queue[queue].ring[slot];

	*e = (struct npu_ring_entry) {
		.FAKE_DURATION = ns, .FAKE_SAFE = safe_ns, .seqno = ++driver.queue[queue].seqno,
	};
	return e;
}

void driver_ring(uint32_t queue)
{
	fake_ring(queue, driver.queue[queue].tail);
}

bool driver_done(struct npu_done *out)
{
	if (driver.status->done_tail == driver.done_head)
		return false;
	*out = driver.done[driver.done_head++ & (driver.handoff.params.done_entries - 1)];
	fake_doorbell(NPU_CC_IRQ_DONE_ARM, NPU_CC_DONE_HEAD, driver.done_head);
	fake_loop();
	return true;
}

bool driver_done_is(uint32_t queue, uint64_t seqno, enum npu_fault fault)
{
	struct npu_done d = { 0 };

	if (driver_done(&d) && d.queue == queue && d.seqno == seqno && d.fault == fault)
		return true;
	tap_diag("queue %u seqno %llu fault %u, wanted %u %llu %u", d.queue,
		 (unsigned long long)d.seqno, d.fault, queue, (unsigned long long)seqno, fault);
	return false;
}

void driver_run(void)
{
	do {
		fake_loop();
	} while (fake_advance(FAKE_ENDLESS));
}

void driver_run_ns(uint64_t ns)
{
	uint64_t end = fake.model_ns + ns;

	do {
		fake_loop();
	} while (fake_advance(end - fake.model_ns));
}

void driver_ticks(unsigned int n)
{
	while (n--) {
		fake_sleep_us(fake.timer > fake.time_us ? fake.timer - fake.time_us : 0);
		fake_loop();
	}
}

bool driver_log_ends(const char *line)
{
	uint32_t bytes = (uint32_t)strlen(line), tail = driver.status->log_tail;
	char text[256];

	for (uint32_t i = 0; i < bytes + 1; i++)
		text[i] = driver.log[(tail - bytes - 1 + i) % driver.handoff.params.log_bytes];
	text[bytes + 1] = 0;
	return text[bytes] == '\n' && !memcmp(text, line, bytes);
}

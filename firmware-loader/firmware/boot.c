/* SPDX-License-Identifier: MIT */
#include "fw.h"
#include "npu_mmu.h"
#include "test_faults.h"

static bool refuse(enum npu_boot_error error, uint32_t found, uint32_t wanted)
{
	for (uint32_t w = HW_WIN_STATUS; w <= HW_WIN_LOG; w++)
		hw_map(w, 0, 0);
	fw.log.bytes = 0;
	hw_write(NPU_CC_WATCHDOG, 0);
	hw_write(NPU_CC_ERROR, error);
	hw_write(NPU_CC_FOUND, found);
	hw_write(NPU_CC_WANTED, wanted);
	hw_write(NPU_CC_STATE, NPU_STATE_ERROR);
	return false;
}

static bool power_of_two_in(uint32_t v, uint32_t min, uint32_t max)
{
	return v >= min && v <= max && !(v & (v - 1));
}

/*
 * Agrees on the lower of both highest versions. The image's header may narrow what this code
 * speaks, never widen it.
 */
static bool agree(const struct npu_fw_handoff *h, uint32_t driver)
{
	uint32_t min = h->api_min, max = h->api_max;

	if (min < NPU_MESSAGES_FIRMWARE_MIN)
		min = NPU_MESSAGES_FIRMWARE_MIN;
	if (max > NPU_MESSAGES_FIRMWARE_MAX)
		max = NPU_MESSAGES_FIRMWARE_MAX;
	if (driver < min)
		return refuse(NPU_BOOT_API, driver, min);
	if (NPU_VERSION_MAJOR(driver) != NPU_VERSION_MAJOR(max))
		return refuse(NPU_BOOT_API, driver, max);
	fw.api = driver < max ? driver : max;
	return true;
}

/* A malformed field is named by its offset. */
static bool check_params(const struct npu_fw_handoff *h)
{
	const struct npu_boot_params *p = &h->params;

#define FIELD(field, ok, want) \
	do { \
		if (!(ok)) \
			return refuse(NPU_BOOT_PARAMS, \
				      (uint32_t)offsetof(struct npu_boot_params, field), want); \
	} while (0)
	FIELD(size, p->size == sizeof(*p), sizeof(*p));
	if (!agree(h, p->api))
		return false;
	FIELD(h2d_addr, p->h2d_addr % NPU_PAGE_SIZE == 0, 0);
	FIELD(d2h_addr, p->d2h_addr % NPU_PAGE_SIZE == 0, 0);
	FIELD(done_addr, p->done_addr % NPU_PAGE_SIZE == 0, 0);
	FIELD(status_addr, p->status_addr % NPU_PAGE_SIZE == 0, 0);
	FIELD(log_addr, p->log_addr % NPU_PAGE_SIZE == 0, 0);
	FIELD(h2d_entries, power_of_two_in(p->h2d_entries, NPU_MSG_RING_ENTRIES_MIN,
					   NPU_MSG_RING_ENTRIES_MAX), NPU_MSG_RING_ENTRIES_MAX);
	FIELD(d2h_entries, power_of_two_in(p->d2h_entries, NPU_MSG_RING_ENTRIES_MIN,
					   NPU_MSG_RING_ENTRIES_MAX), NPU_MSG_RING_ENTRIES_MAX);
	FIELD(done_entries, power_of_two_in(p->done_entries, NPU_DONE_RING_ENTRIES_MIN,
					    NPU_DONE_RING_ENTRIES_MAX), NPU_DONE_RING_ENTRIES_MAX);
	FIELD(log_bytes, !p->log_bytes || p->log_addr, 0);
	FIELD(log_bytes, p->log_bytes <= NPU_LOG_BYTES_MAX, NPU_LOG_BYTES_MAX);
	for (unsigned int i = 0; i < sizeof(p->reserved) / sizeof(p->reserved[0]); i++)
		FIELD(reserved[i], !p->reserved[i], 0);
#undef FIELD
	return true;
}

static bool map_rings(const struct npu_boot_params *p)
{
	const struct {
		uint32_t window;
		uint32_t bytes;
		uint64_t addr;
	} maps[] = {
		{ HW_WIN_STATUS, sizeof(struct npu_status_page), p->status_addr },
		{ HW_WIN_H2D, p->h2d_entries * (uint32_t)sizeof(struct npu_msg), p->h2d_addr },
		{ HW_WIN_D2H, p->d2h_entries * (uint32_t)sizeof(struct npu_msg), p->d2h_addr },
		{ HW_WIN_DONE, p->done_entries * (uint32_t)sizeof(struct npu_done), p->done_addr },
		{ HW_WIN_LOG, p->log_bytes, p->log_addr },
	};

	for (unsigned int i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		if (maps[i].bytes && !hw_map(maps[i].window, maps[i].addr, maps[i].bytes))
			return refuse(NPU_BOOT_BUS, (uint32_t)maps[i].addr, 0);
	}
	return true;
}

static void take_over(const struct npu_fw_handoff *h)
{
	fw.config = h->config;
	fw.source = h->source;
	fw.security_version = h->security_version;
	memcpy(fw.version, h->version, sizeof(fw.version));
	fw.version[sizeof(fw.version) - 1] = 0;
	fw.contexts = hw_read(NPU_CC_CONTEXTS);
	fw.queues = hw_read(NPU_CC_QUEUES);
	fw.matrix_mhz = hw_read(NPU_CC_MATRIX_MHZ);
	FW_CHECK(fw.contexts <= NPU_MAX_CONTEXTS && fw.queues <= NPU_MAX_QUEUES);
}

static void say_ready(void)
{
	struct npu_msg msg = { .type = NPU_MSG_EVENT_READY };

	msg.ready.api = fw.api;
	msg.ready.security_version = fw.security_version;
	memcpy(msg.ready.version, fw.version, sizeof(msg.ready.version));
	if (fw.api >= NPU_VERSION(1, 1)) {
		msg.ready.features = NPU_FW_FEATURE_PREEMPT | NPU_FW_FEATURE_PANIC |
				     NPU_FW_FEATURE_WAIT_NS | NPU_FW_FEATURE_HANG;
		msg.ready.source = fw.source;
	}
	mailbox_post(&msg);
	log_line("firmware %s, API %u.%u, security version %u", fw.version, fw.api >> 16,
		 fw.api & 0xffff, fw.security_version);
	log_line("%u cores, %u contexts, %u queues, turns of %u jobs", hw_read(NPU_CC_CORES),
		 fw.contexts, fw.queues, fw.config.max_jobs_per_turn);
}

bool boot(const struct npu_fw_handoff *h)
{
	take_over(h);
	hw_write(NPU_CC_WATCHDOG, fw.config.watchdog_ms);
	test_boot();
	if (!check_params(h) || !map_rings(&h->params))
		return false;
	/* From here on nothing can fail. */
	fw.mailbox.h2d_entries = h->params.h2d_entries;
	fw.mailbox.d2h_entries = h->params.d2h_entries;
	fw.done.entries = h->params.done_entries;
	fw.log.bytes = h->params.log_bytes;
	fw.mapped = true;
	status_clear(0, sizeof(struct npu_status_page));
	power_start();
	hw_write(NPU_CC_IRQ_ENABLE, NPU_CC_IRQ_H2D | NPU_CC_IRQ_D2H_ARM | NPU_CC_IRQ_DONE_ARM |
		 NPU_CC_IRQ_QUEUE | NPU_CC_IRQ_JOB);
	hw_write64(NPU_CC_TIMER_LO, 0);
	hw_wake_by(HW_PENDING_IRQ | HW_PENDING_TIMER);
	hw_write(NPU_CC_FW_API, fw.api);
	hw_write(NPU_CC_STATE, NPU_STATE_RUNNING);
	say_ready();
	return true;
}

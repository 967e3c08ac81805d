/* SPDX-License-Identifier: MIT */
/*
 * The boot: image and parameters out of the guest's memory, the boot ROM's judgement, the
 * firmware's first message.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "npu_mmu.h"

#define ADDR(lo, hi) ((uint64_t)(hi) << 32 | (lo))

static bool refuse(struct npu_boot_result *r, enum npu_boot_error error, uint32_t found,
		   uint32_t wanted)
{
	r->error = error;
	r->found = found;
	r->wanted = wanted;
	return false;
}

/* A private copy of the image, judged. */
static bool check_image(struct npu_core *core, struct npu_boot_result *r)
{
	uint32_t size = core->regs.fw_size;
	uint64_t addr = ADDR(core->regs.fw_addr_lo, core->regs.fw_addr_hi);
	void *image;
	bool ok;

	if (size > NPU_FW_MAX_BYTES)
		return refuse(r, NPU_BOOT_SIZE, size, NPU_FW_MAX_BYTES);
	if (size < sizeof(struct npu_fw_header))
		return refuse(r, NPU_BOOT_SIZE, size, sizeof(struct npu_fw_header));
	image = malloc(size);
	if (!image || npu_bus_read(&core->bus, addr, image, size)) {
		free(image);
		return refuse(r, NPU_BOOT_BUS, (uint32_t)addr, 0);
	}
	ok = !npu_boot_check(image, size, core->security_counter, r);
	free(image);
	return ok;
}

static bool power_of_two_in(uint32_t v, uint32_t min, uint32_t max)
{
	return v >= min && v <= max && !(v & (v - 1));
}

/* The boot parameters; a malformed field is named by its offset. */
static bool read_params(struct npu_core *core, struct npu_boot_params *p,
			struct npu_boot_result *r)
{
	uint64_t addr = ADDR(core->regs.boot_lo, core->regs.boot_hi);

	if (npu_bus_read(&core->bus, addr, p, sizeof(*p)))
		return refuse(r, NPU_BOOT_BUS, (uint32_t)addr, 0);
#define FIELD(field, ok, want) \
	do { \
		if (!(ok)) \
			return refuse(r, NPU_BOOT_PARAMS, \
				      offsetof(struct npu_boot_params, field), want); \
	} while (0)
	FIELD(size, p->size == sizeof(*p), sizeof(*p));
	FIELD(api, p->api >> 16 == NPU_FW_API_MAJOR, NPU_FW_API_MAJOR << 16);
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

/* Maps rings and status page. What has been mapped is released by the teardown of a failed boot. */
static bool map_rings(struct npu_core *core, const struct npu_boot_params *p,
		      struct npu_boot_result *r)
{
	struct npu_mailbox *mb = &core->mailbox;
	struct npu_window done;

	if (npu_window_map(&core->bus, p->status_addr, sizeof(struct npu_status_page),
			   &core->status_window))
		return refuse(r, NPU_BOOT_BUS, (uint32_t)p->status_addr, 0);
	if (npu_window_map(&core->bus, p->h2d_addr, p->h2d_entries * sizeof(struct npu_msg),
			   &mb->h2d))
		return refuse(r, NPU_BOOT_BUS, (uint32_t)p->h2d_addr, 0);
	if (npu_window_map(&core->bus, p->d2h_addr, p->d2h_entries * sizeof(struct npu_msg),
			   &mb->d2h))
		return refuse(r, NPU_BOOT_BUS, (uint32_t)p->d2h_addr, 0);
	if (npu_window_map(&core->bus, p->done_addr, p->done_entries * sizeof(struct npu_done),
			   &done))
		return refuse(r, NPU_BOOT_BUS, (uint32_t)p->done_addr, 0);
	npu_done_start(&core->done, &done, p->done_entries);
	if (p->log_bytes &&
	    npu_window_map(&core->bus, p->log_addr, p->log_bytes, &core->log.window))
		return refuse(r, NPU_BOOT_BUS, (uint32_t)p->log_addr, 0);
	core->log.bytes = p->log_bytes;
	mb->h2d_entries = p->h2d_entries;
	mb->d2h_entries = p->d2h_entries;
	core->status = npu_window_at(&core->status_window, 0);
	memset(core->status, 0, sizeof(*core->status));
	return true;
}

static void say_ready(struct npu_core *core)
{
	struct npu_msg msg = { .type = NPU_MSG_EVENT_READY };

	msg.ready.api = core->fw.api;
	msg.ready.security_version = core->fw.security_version;
	memcpy(msg.ready.version, core->fw.version, sizeof(msg.ready.version));
	npu_mailbox_post(core, &msg);
	npu_log(core, "firmware %s, API %u.%u, security version %u", core->fw.version,
		core->fw.api >> 16, core->fw.api & 0xffff, core->fw.security_version);
	npu_log(core, "%u cores, %u contexts, %u queues, turns of %u jobs", core->machine.cores,
		core->machine.contexts, core->machine.queues, core->fw.config.max_jobs_per_turn);
}

void npu_device_boot(struct npu_core *core)
{
	struct npu_boot_params params;
	struct npu_boot_result r = { .error = NPU_BOOT_OK };

	if (check_image(core, &r) && read_params(core, &params, &r) &&
	    map_rings(core, &params, &r)) {
		core->fw = r;
		core->powered = true;
		core->sched.turn_queue = NPU_MAX_QUEUES;
		core->regs.fw_api = r.api;
		npu_device_set_state(core, NPU_STATE_RUNNING);
		say_ready(core);
		return;
	}
	npu_device_unmap_rings(core);
	core->regs.error_found = r.found;
	core->regs.error_wanted = r.wanted;
	__atomic_store_n(&core->regs.error, r.error, __ATOMIC_RELEASE);
	npu_device_trace(core, "boot refused: error %u found 0x%x wanted 0x%x", r.error, r.found,
			 r.wanted);
	npu_device_set_state(core, NPU_STATE_ERROR);
}

void npu_device_unmap_rings(struct npu_core *core)
{
	struct npu_window none = { 0 };
	struct npu_window done = core->done.window;

	npu_done_start(&core->done, &none, 0);
	npu_window_unmap(&core->bus, &done);
	npu_window_unmap(&core->bus, &core->mailbox.h2d);
	npu_window_unmap(&core->bus, &core->mailbox.d2h);
	npu_window_unmap(&core->bus, &core->status_window);
	npu_window_unmap(&core->bus, &core->log.window);
	core->log = (struct npu_log) { 0 };
	core->mailbox = (struct npu_mailbox) { 0 };
	core->status = NULL;
}

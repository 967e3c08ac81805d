/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "npu_fw_parse.h"
#include "rom.h"

#define ADDR(lo, hi) ((uint64_t)(hi) << 32 | (lo))

/* An image that has been read, and what is to be said of it */
struct boot {
	void *image;
	uint32_t size;
	struct npu_image_result result;
};

static bool refuse(struct boot *b, enum npu_boot_error error, uint32_t found, uint32_t wanted)
{
	b->result.error = error;
	b->result.found = found;
	b->result.wanted = wanted;
	return false;
}

uint32_t npu_rom_counter(const struct npu_core *core)
{
	uint32_t own = __atomic_load_n(&core->rom.policy.security_counter, __ATOMIC_RELAXED);
	uint32_t kept = core->rom.flash_open ?
			__atomic_load_n(&core->rom.flash.state.security_counter,
					__ATOMIC_RELAXED) : 0;

	return own > kept ? own : kept;
}

static struct npu_boot_policy policy(const struct npu_core *core)
{
	struct npu_boot_policy p = core->rom.policy;

	p.security_counter = npu_rom_counter(core);
	return p;
}

/* A private copy of the image in the driver's memory, judged */
static bool read_host(struct npu_core *core, struct boot *b)
{
	uint64_t addr = ADDR(core->regs.fw_addr_lo, core->regs.fw_addr_hi);
	struct npu_boot_policy p = policy(core);

	/* The counter is in it: who damages the flash shall not bring old images back. */
	if (core->rom.io.size && !core->rom.flash_open && !p.development)
		return refuse(b, NPU_BOOT_FLASH, 0, 2);
	b->size = core->regs.fw_size;
	if (b->size > NPU_FW_MAX_BYTES)
		return refuse(b, NPU_BOOT_SIZE, b->size, NPU_FW_MAX_BYTES);
	if (b->size < sizeof(struct npu_fw_header))
		return refuse(b, NPU_BOOT_SIZE, b->size, sizeof(struct npu_fw_header));
	b->image = malloc(b->size);
	if (!b->image || npu_bus_read(&core->bus, addr, b->image, b->size))
		return refuse(b, NPU_BOOT_BUS, (uint32_t)addr, 0);
	return !npu_boot_check(b->image, b->size, &p, &b->result);
}

static enum npu_boot_error judge(void *opaque, const void *image, uint64_t size,
				 uint32_t security_counter)
{
	struct npu_boot_policy p = ((struct npu_core *)opaque)->rom.policy;
	struct npu_image_result result;

	if (p.security_counter < security_counter)
		p.security_counter = security_counter;
	npu_boot_check(image, size, &p, &result);
	return result.error;
}

void npu_rom_init(struct npu_core *core)
{
	struct npu_rom *rom = &core->rom;

	rom->flash_open = rom->io.size && !npu_flash_open(&rom->flash, &rom->io);
	if (rom->io.size && !rom->flash_open)
		npu_device_trace(core, "flash: %s", rom->flash.why);
}

/* The image whose turn it is, out of flash, judged */
static bool read_flash(struct npu_core *core, struct boot *b)
{
	const struct npu_flash_judge j = { .judge = judge, .opaque = core };
	struct npu_rom *rom = &core->rom;
	struct npu_boot_policy p = policy(core);
	struct npu_flash_choice choice;

	if (!rom->flash_open)
		return refuse(b, NPU_BOOT_FLASH, 0, rom->io.size ? 2 : 1);
	if (npu_flash_choose(&rom->flash, &j, &choice))
		return refuse(b, NPU_BOOT_FLASH, choice.found, 0);
	b->image = choice.image;
	b->size = choice.size;
	rom->source = choice.source;
	rom->attempt = choice.attempt;
	npu_device_trace(core, "flash: boots from source %u, attempt %u", choice.source,
			 choice.attempt);
	return !npu_boot_check(b->image, b->size, &p, &b->result);
}

/* The whole memory may be read and written, but for the hand-over and as its sections say. */
static void set_rights(struct rv32 *cpu, uint32_t addr, uint32_t bytes, uint32_t rights)
{
	uint32_t first = (addr - NPU_CC_RAM_BASE) / NPU_CC_PAGE_BYTES;
	uint32_t n = (bytes + NPU_CC_PAGE_BYTES - 1) / NPU_CC_PAGE_BYTES;

	for (uint32_t i = first; i < first + n; i++)
		rv32_set_rights(cpu, i, (uint8_t)rights);
}

/* Sections into memory; their ranges have been checked. The entry. */
static uint32_t load_sections(struct npu_control *c, const struct boot *b)
{
	struct npu_fw_section s;
	uint32_t entry = 0;

	memset(c->ram, 0, NPU_CC_RAM_BYTES);
	set_rights(&c->cpu, NPU_CC_RAM_BASE, NPU_CC_RAM_BYTES,
		   NPU_FW_SECTION_R | NPU_FW_SECTION_W);
	for (uint32_t i = 0; i < b->result.n_sections; i++) {
		npu_fw_get_section(b->image, i, &s);
		if (s.type == NPU_FW_SECTION_CONFIG)
			continue;
		memcpy(c->ram + (s.load_addr - NPU_CC_RAM_BASE), (uint8_t *)b->image + s.offset,
		       s.size);
		set_rights(&c->cpu, s.load_addr, s.load_size, s.flags);
		if (s.entry)
			entry = s.entry;
	}
	return entry;
}

static bool hand_over(struct npu_core *core, struct boot *b)
{
	uint64_t addr = ADDR(core->regs.boot_lo, core->regs.boot_hi);
	struct npu_control *c = &core->control;
	struct npu_fw_handoff h = {
		.size = sizeof(h),
		.source = core->rom.source,
		.api_min = b->result.api_min,
		.api_max = b->result.api_max,
		.security_version = b->result.security_version,
		.config = b->result.config,
	};
	uint32_t entry;

	if (npu_bus_read(&core->bus, addr, &h.params, sizeof(h.params)))
		return refuse(b, NPU_BOOT_BUS, (uint32_t)addr, 0);
	memcpy(h.version, b->result.version, sizeof(h.version));
	entry = load_sections(c, b);
	memcpy(c->ram + (NPU_CC_HANDOFF - NPU_CC_RAM_BASE), &h, sizeof(h));
	set_rights(&c->cpu, NPU_CC_HANDOFF, NPU_CC_HANDOFF_BYTES, NPU_FW_SECTION_R);
	core->rom.security_version = b->result.security_version;
	core->rom.stop_state = NPU_STATE_DEAD;
	npu_control_start(core, entry);
	return true;
}

static void report(struct npu_core *core, uint32_t error, uint32_t found, uint32_t wanted)
{
	core->regs.error_found = found;
	core->regs.error_wanted = wanted;
	__atomic_store_n(&core->regs.error, error, __ATOMIC_RELEASE);
	npu_device_trace(core, "boot refused: error %u found 0x%x wanted 0x%x", error, found,
			 wanted);
	npu_device_set_state(core, NPU_STATE_ERROR);
}

/* What an image that did not come up has left behind; no job runs. */
static void clear(struct npu_core *core)
{
	npu_gate_hold(&core->gate);
	npu_device_forget(core);
	npu_gate_release(&core->gate);
	core->rom.source = NPU_FW_SOURCE_HOST;
	core->rom.attempt = 0;
}

void npu_rom_boot(struct npu_core *core)
{
	struct boot b = { .result = { .error = NPU_BOOT_OK } };
	bool ok;

	if (npu_dispatch_status(&core->dispatch) == NPU_CC_JOB_RUNNING) {
		/* It has even started a job: not before that has ended. */
		npu_dispatch_kill(core);
		npu_device_request(core, NPU_REQUEST_BOOT);
		return;
	}
	clear(core);
	npu_rom_init(core);
	ok = core->regs.fw_size ? read_host(core, &b) : read_flash(core, &b);
	ok = ok && hand_over(core, &b);
	free(b.image);
	if (!ok)
		report(core, b.result.error, b.result.found, b.result.wanted);
}

void npu_rom_state(struct npu_core *core, uint32_t state)
{
	if (state == NPU_STATE_RUNNING && npu_device_state(core) == NPU_STATE_BOOTING) {
		core->regs.fw_api = core->control.fw_api;
		npu_device_set_state(core, NPU_STATE_RUNNING);
	}
	if (state != NPU_STATE_ERROR && state != NPU_STATE_DEAD)
		return;
	/* Only a boot can be refused. */
	core->rom.stop_state = npu_device_state(core) == NPU_STATE_BOOTING ? state :
			       NPU_STATE_DEAD;
	rv32_stop(&core->control.cpu);
}

void npu_rom_healthy(struct npu_core *core)
{
	struct npu_rom *rom = &core->rom;

	if (core->control.healthy)
		return;
	core->control.healthy = true;
	if (rom->flash_open && npu_flash_confirm(&rom->flash, rom->source, rom->security_version))
		npu_device_trace(core, "flash: %s", rom->flash.why);
	if (rom->policy.security_counter < rom->security_version)
		__atomic_store_n(&rom->policy.security_counter, rom->security_version,
				 __ATOMIC_RELAXED);
	npu_device_trace(core, "firmware healthy, security counter %u", npu_rom_counter(core));
}

void npu_rom_stopped(struct npu_core *core, const char *why)
{
	struct npu_control *c = &core->control;

	npu_device_trace(core, "control core stopped: %s, pc 0x%08x", why, c->cpu.pc);
	if (core->rom.stop_state == NPU_STATE_ERROR) {
		npu_control_unmap(core);
		report(core, c->error, c->found, c->wanted);
		return;
	}
	if (core->rom.attempt && npu_device_state(core) == NPU_STATE_BOOTING) {
		npu_device_request(core, NPU_REQUEST_BOOT);
		return;
	}
	/* Nobody is left who could end the job, and its memory may go. */
	npu_dispatch_kill(core);
	npu_device_set_state(core, NPU_STATE_DEAD);
	npu_device_interrupt(core, NPU_MSIX_EVENT);
}

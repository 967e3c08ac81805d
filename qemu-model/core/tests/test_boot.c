/* SPDX-License-Identifier: MIT */
/*
 * Boot: what is refused, how it is said, and what the firmware says when it runs.
 */
#include <string.h>

#include "host.h"
#include "tap.h"

static void boot(struct host *h)
{
	npu_core_reg_write(h->core, NPU_REG_BOOT, 1);
}

/* The boot ends in ERROR with this code and value, nothing stays mapped, and a second one works. */
static void expect_refusal(struct host *h, enum npu_boot_error error, uint32_t found,
			   const char *what)
{
	bool ok;

	boot(h);
	ok = host_state(h, NPU_STATE_ERROR, 5000) &&
	     npu_core_reg_read(h->core, NPU_REG_ERROR) == error &&
	     npu_core_reg_read(h->core, NPU_REG_ERROR_FOUND) == found && h->maps == 0;
	tap_ok(ok, "boot: %s", what);
	if (!ok)
		tap_diag("state %u error %u found 0x%x maps %ld",
			 npu_core_reg_read(h->core, NPU_REG_STATE),
			 npu_core_reg_read(h->core, NPU_REG_ERROR),
			 npu_core_reg_read(h->core, NPU_REG_ERROR_FOUND), h->maps);
}

static struct npu_boot_params *params(struct host *h)
{
	return host_ptr(h, h->params);
}

static void test_image(struct host *h)
{
	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_FW_SIZE, sizeof(struct npu_fw_header) - 1);
	expect_refusal(h, NPU_BOOT_SIZE, sizeof(struct npu_fw_header) - 1,
		       "an image shorter than its header is refused");
	npu_core_reg_write(h->core, NPU_REG_FW_SIZE, NPU_FW_MAX_BYTES + 1);
	expect_refusal(h, NPU_BOOT_SIZE, NPU_FW_MAX_BYTES + 1,
		       "an image of one byte past the largest size is refused");
	npu_core_reg_write(h->core, NPU_REG_FW_SIZE, (uint32_t)h->image_size);
	npu_core_reg_write(h->core, NPU_REG_FW_ADDR_HI, 0x7fffffff);
	expect_refusal(h, NPU_BOOT_BUS, (uint32_t)h->image, "an image that cannot be read");
	host_prepare(h);
	((uint8_t *)host_ptr(h, h->image))[h->image_size - 1] ^= 1;
	boot(h);
	tap_ok(host_state(h, NPU_STATE_ERROR, 5000) &&
	       npu_core_reg_read(h->core, NPU_REG_ERROR) != NPU_BOOT_OK,
	       "boot: an image with one bit changed is refused");
}

static void test_params(struct host *h)
{
#define BAD(field, value, what) \
	do { \
		host_prepare(h); \
		params(h)->field = value; \
		expect_refusal(h, NPU_BOOT_PARAMS, offsetof(struct npu_boot_params, field), what); \
	} while (0)
	BAD(size, 124, "parameters of another size are refused");

	BAD(h2d_addr, 0x40000800, "a request ring off its page is refused");
	BAD(d2h_addr, 0x40000800, "an event ring off its page is refused");
	BAD(done_addr, 0x40000800, "a completion ring off its page is refused");
	BAD(status_addr, 0x40000800, "a status page off its page is refused");
	BAD(log_addr, 0x40000800, "a log off its page is refused");
	BAD(log_bytes, 1, "a log without an address is refused");
	host_prepare(h);
	params(h)->log_addr = HOST_BASE;
	params(h)->log_bytes = NPU_LOG_BYTES_MAX + 1;
	expect_refusal(h, NPU_BOOT_PARAMS, offsetof(struct npu_boot_params, log_bytes),
		       "a log of one byte past the largest is refused");
	BAD(h2d_entries, NPU_MSG_RING_ENTRIES_MIN / 2, "too small a request ring is refused");
	BAD(h2d_entries, NPU_MSG_RING_ENTRIES_MAX * 2, "too large a request ring is refused");
	BAD(d2h_entries, 48, "an event ring of no power of two is refused");
	BAD(done_entries, NPU_DONE_RING_ENTRIES_MIN / 2, "too small a completion ring is refused");
	BAD(done_entries, NPU_DONE_RING_ENTRIES_MAX * 2, "too large a completion ring is refused");
	BAD(reserved[7], 1, "a reserved field that is not zero is refused");
#undef BAD
	host_prepare(h);
	params(h)->api = 2u << 16;
	expect_refusal(h, NPU_BOOT_API, 2u << 16, "a driver of another API major is refused");
	h->api_max = NPU_FW_API_MAJOR << 16;
	host_prepare(h);
	params(h)->api = (NPU_FW_API_MAJOR - 1) << 16 | 0xffff;
	expect_refusal(h, NPU_BOOT_API, (NPU_FW_API_MAJOR - 1) << 16 | 0xffff,
		       "a driver below the image's API range is refused");
	h->api_max = NPU_FW_API_MAJOR << 16 | NPU_FW_API_MINOR;
	host_prepare(h);
	npu_core_reg_write(h->core, NPU_REG_BOOT_HI, 0x7fffffff);
	expect_refusal(h, NPU_BOOT_BUS, (uint32_t)h->params, "parameters that cannot be read");
	host_prepare(h);
	params(h)->done_addr = HOST_BASE - 4096;
	expect_refusal(h, NPU_BOOT_BUS, (uint32_t)(HOST_BASE - 4096),
		       "a ring that the bus refuses ends the boot, nothing stays mapped");
}

static void test_running(struct host *h)
{
	struct npu_msg msg;
	uint32_t beat;

	host_boot(h);
	tap_ok(npu_core_reg_read(h->core, NPU_REG_ERROR) == NPU_BOOT_OK &&
	       npu_core_reg_read(h->core, NPU_REG_FW_API) ==
	       (NPU_FW_API_MAJOR << 16 | NPU_FW_API_MINOR),
	       "boot: after refusals a good image boots");
	beat = __atomic_load_n(&h->status->heartbeat, __ATOMIC_RELAXED);
	tap_ok(host_differs(&h->status->heartbeat, beat, 2000), "boot: the heart beats");
	boot(h);
	tap_ok(npu_core_reg_read(h->core, NPU_REG_STATE) == NPU_STATE_RUNNING,
	       "boot: a running device does not boot again");
	npu_core_reset(h->core);
	tap_ok(npu_core_reg_read(h->core, NPU_REG_FW_API) == 0 && h->maps == 0,
	       "boot: a reset ends the firmware and its mappings");
	h->max_map = NPU_PAGE_SIZE;
	host_prepare(h);
	boot(h);
	tap_ok(host_state(h, NPU_STATE_RUNNING, 5000) && host_receive(h, &msg, 5000) &&
	       msg.type == NPU_MSG_EVENT_READY && !strcmp(msg.ready.version, "test") &&
	       msg.ready.api >> 16 == NPU_FW_API_MAJOR,
	       "boot: READY states version and API; rings may come page by page");
	h->max_map = 0;
}

/* A log of 100 bytes, so that it wraps at once */
static void test_log(void)
{
	struct host *h = host_new(&npu_machine_default, 16, 1);
	uint32_t tail;
	char text[101] = "";
	struct vm vm;

	h->log_bytes = 100;
	host_boot(h);
	for (uint32_t i = 0; i < 3; i++)
		vm_new(&vm, h, i);
	host_call3(h, NPU_MSG_CONTEXT_DESTROY, 2, 0, 0);
	tail = h->status->log_tail;
	for (uint32_t i = 0; i < 100; i++)
		text[i] = h->log[(tail - 100 + i) % 100];
	tap_ok(tail > 100 && strstr(text, "context 2: created\n") &&
	       strstr(text, "context 2: destroyed\n"),
	       "log: the last lines are there, in the order of their bytes");
	host_free(h);
}

int main(void)
{
	struct host *h = host_new(&npu_machine_default, 16, 1);

	test_image(h);
	test_params(h);
	test_running(h);
	host_free(h);
	test_log();
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
/*
 * The handshake: what is refused, what is agreed on, what the firmware says and does first.
 */
#include <string.h>

#include "driver.h"
#include "tap.h"

static struct npu_boot_params *params(void)
{
	return &driver.handoff.params;
}

static void refused(uint32_t error, uint32_t found, uint32_t wanted, const char *what)
{
	bool ok = !boot(&driver.handoff) && fake.state == NPU_STATE_ERROR &&
		  fake.error == error && fake.found == found && fake.wanted == wanted &&
		  !fake.watchdog && driver.status->d2h_tail == 0xa5a5a5a5;

	for (uint32_t w = 0; w < NPU_CC_WINDOWS; w++)
		ok &= !fake.window[w].bytes;
	if (!tap_ok(ok, "boot: %s", what))
		tap_diag("state %u error %u found 0x%x wanted 0x%x", fake.state, fake.error,
			 fake.found, fake.wanted);
}

static void test_params(void)
{
#define BAD(field, value, want, what) \
	do { \
		driver_prepare(); \
		params()->field = value; \
		refused(NPU_BOOT_PARAMS, offsetof(struct npu_boot_params, field), want, what); \
	} while (0)
	BAD(size, 124, 128, "parameters of another size are refused");
	BAD(h2d_addr, 0x40000800, 0, "a request ring off its page is refused");
	BAD(d2h_addr, 0x40000800, 0, "an event ring off its page is refused");
	BAD(done_addr, 0x40000800, 0, "a completion ring off its page is refused");
	BAD(status_addr, 0x40000800, 0, "a status page off its page is refused");
	BAD(log_addr, 0x40000800, 0, "a log off its page is refused");
	BAD(h2d_entries, 8, 1024, "too small a request ring is refused");
	BAD(h2d_entries, 2048, 1024, "too large a request ring is refused");
	BAD(d2h_entries, 48, 1024, "an event ring of no power of two is refused");
	BAD(done_entries, 32, 65536, "too small a completion ring is refused");
	BAD(done_entries, 131072, 65536, "too large a completion ring is refused");
	BAD(log_bytes, NPU_LOG_BYTES_MAX + 1, NPU_LOG_BYTES_MAX,
	    "a log of one byte past the largest is refused");
	BAD(reserved[0], 1, 0, "a reserved field that is not zero is refused");
	BAD(reserved[7], 1ull << 63, 0, "the last one as well");
#undef BAD
	driver_prepare();
	params()->log_addr = 0;
	refused(NPU_BOOT_PARAMS, offsetof(struct npu_boot_params, log_bytes), 0,
		"a log without an address is refused");
}

static void test_order(void)
{
	driver_prepare();
	params()->h2d_addr = 1;
	params()->log_addr = 1;
	params()->api = NPU_VERSION(2, 0);
	refused(NPU_BOOT_API, NPU_VERSION(2, 0), NPU_VERSION(1, 1), "the API is judged before the rings");
	driver_prepare();
	params()->h2d_addr = 1;
	params()->h2d_entries = 3;
	refused(NPU_BOOT_PARAMS, 8, 0, "the first malformed field is the one reported");
}

static void test_bus(void)
{
	const size_t fields[] = {
		offsetof(struct npu_boot_params, status_addr),
		offsetof(struct npu_boot_params, h2d_addr),
		offsetof(struct npu_boot_params, d2h_addr),
		offsetof(struct npu_boot_params, done_addr),
		offsetof(struct npu_boot_params, log_addr),
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		driver_prepare();
		memcpy(&fake.refuse, (char *)params() + fields[i], 8);
		refused(NPU_BOOT_BUS, (uint32_t)fake.refuse, 0,
			"a ring that the bus refuses ends the boot, nothing stays mapped");
	}
}

static uint32_t agreed(uint32_t driver_api, uint32_t min, uint32_t max)
{
	driver_prepare();
	params()->api = driver_api;
	driver.handoff.api_min = min;
	driver.handoff.api_max = max;
	return boot(&driver.handoff) ? fake.fw_api : 0;
}

static void test_api(void)
{
	const uint32_t v09 = NPU_VERSION(0, 9), v10 = NPU_VERSION(1, 0), v11 = NPU_VERSION(1, 1);
	const uint32_t v17 = NPU_VERSION(1, 7), v20 = NPU_VERSION(2, 0);

	tap_ok(agreed(v11, v10, v11) == v11, "api: both speak 1.1");
	tap_ok(agreed(v10, v10, v11) == v10, "api: an older driver has its version");
	tap_ok(agreed(v17, v10, v11) == v11, "api: a newer driver has the firmware's");
	tap_ok(agreed(v11, v10, v10) == v10, "api: an image may speak less than the code can");
	tap_ok(agreed(v17, v10, v17) == v11, "api: but not more");
	tap_ok(!agreed(v09, v10, v11) && fake.error == NPU_BOOT_API && fake.found == v09 &&
	       fake.wanted == v10, "api: too old a driver is told the lowest version");
	tap_ok(!agreed(v20, v10, v11) && fake.error == NPU_BOOT_API && fake.found == v20 &&
	       fake.wanted == v11, "api: too new a driver is told the highest");
	tap_ok(!agreed(v10, v11, v11) && fake.error == NPU_BOOT_API && fake.found == v10 &&
	       fake.wanted == v11, "api: an image that has left 1.0 behind says so");
}

static bool page_is_zero_but(uint32_t d2h_tail)
{
	const uint8_t *page = (const uint8_t *)driver.status;
	unsigned int seen = 0;

	for (size_t i = 0; i < sizeof(*driver.status); i++)
		seen += page[i] != 0;
	return driver.status->d2h_tail == d2h_tail && driver.status->log_tail && seen <= 4;
}

static void test_ready(void)
{
	static const char lines[] =
		"[     0.000000] firmware 1.2.3-test, API 1.1, security version 9\n"
		"[     0.000000] 4 cores, 16 contexts, 64 queues, turns of 4 jobs\n";
	struct npu_msg msg;

	driver_prepare();
	tap_ok(boot(&driver.handoff) && fake.state == NPU_STATE_RUNNING &&
	       fake.fw_api == NPU_VERSION(1, 1), "boot: RUNNING with the API");
	tap_ok(page_is_zero_but(1), "boot: the status page is zeroed");
	tap_ok(!fake.msi[NPU_MSIX_EVENT], "boot: the rings are not armed");
	msg = driver.d2h[0];
	tap_ok(msg.type == NPU_MSG_EVENT_READY && !msg.id && !msg.status &&
	       msg.ready.api == NPU_VERSION(1, 1) && msg.ready.security_version == 9 &&
	       !strcmp(msg.ready.version, "1.2.3-test") && msg.ready.features == 15 &&
	       msg.ready.source == NPU_FW_SOURCE_SLOT_B, "boot: READY says who speaks");
	tap_ok(driver.status->log_tail == strlen(lines) &&
	       !memcmp(driver.log, lines, strlen(lines)), "boot: so does the log");
	driver_prepare();
	params()->api = NPU_VERSION(1, 0);
	boot(&driver.handoff);
	msg = driver.d2h[0];
	tap_ok(msg.ready.api == NPU_VERSION(1, 0) && !msg.ready.features && !msg.ready.source,
	       "boot: a driver of 1.0 finds zeros where 1.1 added fields");
	driver_prepare();
	params()->log_addr = 0;
	params()->log_bytes = 0;
	tap_ok(boot(&driver.handoff) && !driver.status->log_tail, "boot: works without a log");
}

static void test_healthy(void)
{
	driver_prepare();
	tap_ok(boot(&driver.handoff) && fake.watchdog == 300,
	       "watchdog: it runs from the beginning");
	tap_ok(!fake.healthy, "healthy: READY is not enough");
	fake_loop();
	tap_ok(fake.healthy == 1 && driver.status->heartbeat == 1,
	       "healthy: the loop has come round and the heart beats");
	driver_ticks(10);
	tap_ok(fake.healthy == 1, "healthy: is said once");
	tap_ok(driver.status->heartbeat == 11 && fake.time_us == 5000000 + 10 * 20000,
	       "heartbeat: at the period of the configuration");
	tap_ok(fake.kicks == 12, "watchdog: each tick kicks it");
	driver_prepare();
	driver.handoff.config.heartbeat_ms = 100;
	driver.handoff.config.watchdog_ms = 10;
	boot(&driver.handoff);
	fake_loop();
	driver_ticks(40);
	tap_ok(fake.kicks == 42 && fake.time_us == 5000000 + 40 * 3000 &&
	       driver.status->heartbeat == 2, "watchdog: a short one has ticks of its own");
}

int main(void)
{
	test_params();
	test_order();
	test_bus();
	test_api();
	test_ready();
	test_healthy();
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
#include "fw.h"
#include "test_faults.h"

#define PARAM(i) ((uint32_t)offsetof(struct npu_ring_entry, params) + 8 * (i))

/* Further than any ring is long */
#define FAR 0x40000000u

/* Where nothing is; kept from the compiler, which would know. */
static volatile uintptr_t nowhere = 16;

static void wild_store(void)
{
	*(volatile uint32_t *)nowhere = 1;
}

static void endless(void)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

#ifdef NPU_FW_TEST
static void overrun(volatile uint32_t *caller);

/* Kept from the compiler, which would refuse it */
static void (*volatile deeper)(volatile uint32_t *caller) = overrun;

static void overrun(volatile uint32_t *caller)
{
	volatile uint32_t frame[32];

	frame[0] = *caller + 1;
	deeper(frame);
	*caller = frame[0];
}

bool test_job(struct queue *q, uint32_t entry)
{
	uint32_t start = 0;

	if (hw_load64(entry + PARAM(0)) != TEST_MAGIC)
		return false;
	/* Taken, or it would be given to the next firmware as well. */
	queue_advance(q);
	switch (hw_load(entry + PARAM(1))) {
	case TEST_WILD_STORE:
		wild_store();
		break;
	case TEST_ENDLESS:
		endless();
		break;
	case TEST_SILENT:
		hw_write(NPU_CC_WATCHDOG, 0);
		hw_halt();
	case TEST_BAD_EVENT_TAIL:
		fw.mailbox.d2h_tail += FAR;
		status_put(STATUS_AT(d2h_tail), fw.mailbox.d2h_tail);
		hw_write(NPU_CC_MSI, NPU_MSIX_EVENT);
		break;
	case TEST_BAD_DONE_TAIL:
		fw.done.tail += FAR;
		status_put(STATUS_AT(done_tail), fw.done.tail);
		hw_write(NPU_CC_MSI, NPU_MSIX_DONE);
		break;
	case TEST_STACK:
		overrun(&start);
		break;
	case TEST_CHECK:
		FW_CHECK(!"a test has asked for it");
		break;
	}
	fw.held = true;
	return true;
}
#endif

#ifdef NPU_FW_TEST_BOOT
void test_boot(void)
{
	if (NPU_FW_TEST_BOOT == TEST_BOOT_HANG)
		endless();
	if (NPU_FW_TEST_BOOT == TEST_BOOT_TRAP)
		wild_store();
}

bool test_unhealthy(void)
{
	return NPU_FW_TEST_BOOT == TEST_BOOT_UNHEALTHY;
}
#endif

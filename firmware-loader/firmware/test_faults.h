/* SPDX-License-Identifier: MIT */
/*
 * Faults on demand, in test builds only: what a firmware can do wrong, for those who have to
 * recover from it. In the product these are nothing.
 */
#ifndef FW_TEST_FAULTS_H
#define FW_TEST_FAULTS_H

#include "hw.h"

struct queue;

/* A ring entry with this as params[0] asks for enum test_fault in params[1]. */
#define TEST_MAGIC 0x4e50555f54455354ull	/* "NPU_TEST" */

enum test_fault {
	TEST_WILD_STORE		= 1,
	TEST_ENDLESS		= 2,	/* the watchdog runs */
	TEST_SILENT		= 3,	/* sleeps for ever without a watchdog */
	TEST_BAD_EVENT_TAIL	= 4,	/* d2h_tail far out of the ring; no further job */
	TEST_BAD_DONE_TAIL	= 5,	/* done_tail, likewise */
	TEST_STACK		= 6,	/* overrun */
	TEST_CHECK		= 7,	/* an invariant is broken */
};

/* NPU_FW_TEST_BOOT of other test builds */
#define TEST_BOOT_HANG		1	/* an endless loop before READY */
#define TEST_BOOT_TRAP		2	/* a trap before READY */
#define TEST_BOOT_UNHEALTHY	3	/* never says that it is healthy */

#ifdef NPU_FW_TEST
/* Does what the entry at @entry asks for. True: its job is taken, but not to be started. */
bool test_job(struct queue *q, uint32_t entry);
#else
static inline bool test_job(struct queue *q, uint32_t entry)
{
	(void)q;
	(void)entry;
	return false;
}
#endif

#ifdef NPU_FW_TEST_BOOT
void test_boot(void);
bool test_unhealthy(void);
#else
static inline void test_boot(void) { }

static inline bool test_unhealthy(void)
{
	return false;
}
#endif

#endif

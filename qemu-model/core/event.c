/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "event.h"

void npu_event_ring(struct npu_event *e)
{
	__atomic_fetch_add(&e->rings, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&e->sleepers, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &e->rings, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

bool npu_event_wait(struct npu_event *e, uint32_t seen, uint64_t timeout_us, unsigned int spins)
{
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_us / 1000000),
		.tv_nsec = (long)(timeout_us % 1000000) * 1000,
	};

	for (unsigned int i = 0; i < spins; i++) {
		if (npu_event_seen(e) != seen)
			return true;
		npu_relax();
	}
	__atomic_fetch_add(&e->sleepers, 1, __ATOMIC_SEQ_CST);
	/* A ring from here on changes the word, so the kernel does not put us to sleep. */
	if (npu_event_seen(e) == seen)
		syscall(SYS_futex, &e->rings, FUTEX_WAIT_PRIVATE, seen, timeout_us ? &ts : NULL,
			NULL, 0);
	__atomic_fetch_sub(&e->sleepers, 1, __ATOMIC_SEQ_CST);
	return npu_event_seen(e) != seen;
}

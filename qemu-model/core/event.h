/* SPDX-License-Identifier: MIT */
/*
 * A thread's doorbell: anybody may ring it, one thread waits. Rings are counted, so one that
 * comes between looking for work and going to sleep is not lost.
 */
#ifndef NPU_CORE_EVENT_H
#define NPU_CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

struct npu_event {
	uint32_t rings;
	uint32_t sleepers;
};

/* Number of rings so far: read it, look for work, then wait with it. */
static inline uint32_t npu_event_seen(const struct npu_event *e)
{
	return __atomic_load_n(&e->rings, __ATOMIC_SEQ_CST);
}

/* Rings. Everything written before is seen by the thread that wakes. */
void npu_event_ring(struct npu_event *e);

/*
 * Waits until there was a ring after @seen was read, at most @timeout_us (0: for ever), the
 * first @spins looks without sleeping. Returns whether there was one.
 */
bool npu_event_wait(struct npu_event *e, uint32_t seen, uint64_t timeout_us, unsigned int spins);

/* One step of a busy wait. */
static inline void npu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif

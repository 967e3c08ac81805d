/* SPDX-License-Identifier: MIT */
/*
 * Host threads that compute. The caller hands out one piece of work at a time and always takes
 * part in it; helpers join as they become free, and work is never waiting for a helper that
 * has not come. The result may therefore not depend on who does what.
 */
#ifndef NPU_CORE_POOL_H
#define NPU_CORE_POOL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A door for helpers, in one word: bits 0..15 helpers inside, bit 16 open, bits 17.. counts the
 * openings.
 */
struct npu_crew {
	uint32_t word;
};

void npu_crew_open(struct npu_crew *c);
/* Joins if open. */
bool npu_crew_enter(struct npu_crew *c);
void npu_crew_leave(struct npu_crew *c);
/* Nobody enters any more. Returns whether nobody is inside; else look with npu_crew_empty(). */
bool npu_crew_close(struct npu_crew *c);
bool npu_crew_empty(const struct npu_crew *c);

static inline bool npu_crew_is_open(const struct npu_crew *c)
{
	return __atomic_load_n(&c->word, __ATOMIC_ACQUIRE) & 0x10000;
}

struct npu_pool;

/*
 * Makes @helpers threads; each calls work(opaque) whenever npu_pool_call() has been called, and
 * again while it returns true. NULL: no memory or no threads.
 */
struct npu_pool *npu_pool_create(unsigned int helpers, bool (*work)(void *opaque), void *opaque);
/* Ends the threads; none may be in work(). NULL is allowed. */
void npu_pool_destroy(struct npu_pool *p);
/* Tells helpers that there is work; cheap while they still look for it. */
void npu_pool_call(struct npu_pool *p);
/* Helpers that a call finds awake. */
unsigned int npu_pool_awake(const struct npu_pool *p);

#endif

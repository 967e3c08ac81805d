/* SPDX-License-Identifier: MIT */
#include <fenv.h>
#include <pthread.h>
#include <stdlib.h>

#include "event.h"
#include "pool.h"

/* Looks for new work before a helper sleeps: about 20 us */
#define SPINS_BEFORE_SLEEP 1000

#define CREW_OPEN	0x10000u
#define CREW_INSIDE	0x0ffffu

struct npu_pool {
	struct npu_event event;
	bool (*work)(void *opaque);
	void *opaque;
	unsigned int helpers;
	bool stop;
	pthread_t thread[];
};

void npu_crew_open(struct npu_crew *c)
{
	/* Closed and empty, so nobody else writes the word. */
	__atomic_store_n(&c->word, (c->word + 2 * CREW_OPEN) | CREW_OPEN, __ATOMIC_SEQ_CST);
}

bool npu_crew_enter(struct npu_crew *c)
{
	uint32_t word = __atomic_load_n(&c->word, __ATOMIC_ACQUIRE);

	while (word & CREW_OPEN) {
		if (__atomic_compare_exchange_n(&c->word, &word, word + 1, true, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			return true;
	}
	return false;
}

void npu_crew_leave(struct npu_crew *c)
{
	__atomic_fetch_sub(&c->word, 1, __ATOMIC_ACQ_REL);
}

bool npu_crew_close(struct npu_crew *c)
{
	return !(__atomic_and_fetch(&c->word, ~CREW_OPEN, __ATOMIC_ACQ_REL) & CREW_INSIDE);
}

bool npu_crew_empty(const struct npu_crew *c)
{
	return !(__atomic_load_n(&c->word, __ATOMIC_ACQUIRE) & CREW_INSIDE);
}

static void *helper(void *opaque)
{
	struct npu_pool *p = opaque;

	/* Whatever the thread that made us had set: the device has one way to round. */
	fesetenv(FE_DFL_ENV);
	for (;;) {
		uint32_t seen = npu_event_seen(&p->event);

		if (__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE))
			return NULL;
		while (p->work(p->opaque))
			;
		npu_event_wait(&p->event, seen, 0, SPINS_BEFORE_SLEEP);
	}
}

struct npu_pool *npu_pool_create(unsigned int helpers, bool (*work)(void *opaque), void *opaque)
{
	struct npu_pool *p = calloc(1, sizeof(*p) + helpers * sizeof(p->thread[0]));

	if (!p)
		return NULL;
	p->work = work;
	p->opaque = opaque;
	for (; p->helpers < helpers; p->helpers++) {
		if (pthread_create(&p->thread[p->helpers], NULL, helper, p)) {
			npu_pool_destroy(p);
			return NULL;
		}
	}
	return p;
}

void npu_pool_destroy(struct npu_pool *p)
{
	if (!p)
		return;
	__atomic_store_n(&p->stop, true, __ATOMIC_RELEASE);
	npu_event_ring(&p->event);
	for (unsigned int i = 0; i < p->helpers; i++)
		pthread_join(p->thread[i], NULL);
	free(p);
}

void npu_pool_call(struct npu_pool *p)
{
	npu_event_ring(&p->event);
}

unsigned int npu_pool_awake(const struct npu_pool *p)
{
	return p->helpers - __atomic_load_n(&p->event.sleepers, __ATOMIC_RELAXED);
}

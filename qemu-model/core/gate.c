/* SPDX-License-Identifier: MIT */
#include "gate.h"

void npu_gate_init(struct npu_gate *g)
{
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	g->inside = 0;
	g->working = 0;
	g->closed = 0;
	g->held = false;
	g->resetting = false;
	g->attention = 0;
}

void npu_gate_destroy(struct npu_gate *g)
{
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
}

bool npu_gate_try_enter(struct npu_gate *g)
{
	bool open;

	pthread_mutex_lock(&g->lock);
	open = !g->closed;
	g->inside += open;
	g->working += open;
	pthread_mutex_unlock(&g->lock);
	return open;
}

static void join_locked(struct npu_gate *g)
{
	while (g->held || (g->closed && !g->resetting))
		pthread_cond_wait(&g->changed, &g->lock);
	g->inside++;
}

void npu_gate_join(struct npu_gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->working++;
	join_locked(g);
	pthread_mutex_unlock(&g->lock);
}

void npu_gate_leave(struct npu_gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->inside--;
	g->working--;
	if (g->closed)
		pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

void npu_gate_yield(struct npu_gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->inside--;
	pthread_cond_broadcast(&g->changed);
	join_locked(g);
	pthread_mutex_unlock(&g->lock);
}

static void close_locked(struct npu_gate *g, unsigned int own)
{
	g->closed++;
	npu_attention_set(g, NPU_ATTEND_GATE);
	while (g->inside > own)
		pthread_cond_wait(&g->changed, &g->lock);
}

void npu_gate_close(struct npu_gate *g)
{
	pthread_mutex_lock(&g->lock);
	close_locked(g, 0);
	pthread_mutex_unlock(&g->lock);
}

void npu_gate_hold(struct npu_gate *g)
{
	pthread_mutex_lock(&g->lock);
	close_locked(g, 1);
	g->held = true;
	pthread_mutex_unlock(&g->lock);
}

void npu_gate_close_reset(struct npu_gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->closed++;
	__atomic_store_n(&g->resetting, true, __ATOMIC_RELEASE);
	npu_attention_set(g, NPU_ATTEND_GATE | NPU_ATTEND_KILL);
	pthread_cond_broadcast(&g->changed);
	while (g->working)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void open_locked(struct npu_gate *g)
{
	if (--g->closed == 0)
		npu_attention_clear(g, NPU_ATTEND_GATE);
	pthread_cond_broadcast(&g->changed);
}

void npu_gate_open(struct npu_gate *g)
{
	pthread_mutex_lock(&g->lock);
	open_locked(g);
	pthread_mutex_unlock(&g->lock);
}

void npu_gate_release(struct npu_gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->held = false;
	open_locked(g);
	pthread_mutex_unlock(&g->lock);
}

void npu_gate_open_reset(struct npu_gate *g)
{
	pthread_mutex_lock(&g->lock);
	__atomic_store_n(&g->resetting, false, __ATOMIC_RELEASE);
	npu_attention_clear(g, NPU_ATTEND_KILL | NPU_ATTEND_FAULT);
	open_locked(g);
	pthread_mutex_unlock(&g->lock);
}

// SPDX-License-Identifier: MIT
/* Timelines of the sim transport: a number under the device's lock. */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "sim.h"

int sim_sync_create(struct npu_sync *sync)
{
	sync->priv = calloc(1, sizeof(struct sim_sync));
	return sync->priv ? 0 : npu_fail(-ENOMEM, "sync: no memory");
}

void sim_sync_destroy(struct npu_sync *sync)
{
	free(sync->priv);
}

int sim_sync_signal(struct npu_sync *sync, uint64_t value)
{
	struct sim *s = sim_of(sync->dev);
	struct sim_sync *t = sync->priv;

	pthread_mutex_lock(&s->lock);
	if (value > t->value)
		t->value = value;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	sim_queues_kick(s);
	return 0;
}

int sim_sync_wait(struct npu_sync *sync, uint64_t value, int64_t timeout_ns)
{
	struct sim *s = sim_of(sync->dev);
	const struct sim_sync *t = sync->priv;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		sim_done_drain(s);
		if (t->value >= value)
			break;
		if (!s->done_armed) {
			pthread_mutex_unlock(&s->lock);
			sim_done_arm(s);
			pthread_mutex_lock(&s->lock);
			continue;
		}
		if (!sim_wait_changed(s, timeout_ns)) {
			rc = npu_fail(-ETIME, "sync: has not reached %llu",
				      (unsigned long long)value);
			break;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

// SPDX-License-Identifier: MIT
/* Rings, doorbells and completions of the sim transport. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "npu_fault.h"
#include "sim.h"

/* Syncs of one job; freed when it has finished */
struct sim_ops {
	uint32_t n;
	struct npu_sync_op op[];
};

struct sim_queue {
	struct npu_queue *queue;
	struct npu_ring_entry *ring;
	struct sim_ops **ops;		/* [entries] */
	uint64_t submitted;		/* sequence numbers */
	uint64_t pushed;		/* the device has been told of */
	uint64_t completed;
	uint32_t flags;			/* NPU_QUEUE_* */
	uint32_t fault;
	struct sim_fd *fds;
	struct npu_result result[NPU_RESULTS_KEPT];	/* at seqno % NPU_RESULTS_KEPT */
};

static struct sim_vm *vm_of(const struct sim_queue *q)
{
	return q->queue->vm->priv;
}

static void result_fill(struct npu_result *r, const struct npu_done *d)
{
	*r = (struct npu_result){
		.seqno = d->seqno,
		.error = npu_fault_errno(d->fault),
		.fault = d->fault,
		.fault_core = d->fault_core,
		.fault_opcode = d->fault_opcode,
		.fault_offset = d->fault_offset,
		.fault_mark = d->fault_mark,
		.fault_addr = d->fault_addr,
		.model_ns = d->model_ns,
		.wait_ns = d->wait_ns,
		.read_bytes = d->read_bytes,
		.write_bytes = d->write_bytes,
		.macs = d->macs,
		.energy_pj = d->energy_pj,
		.host_ns = d->host_ns,
		.commands = d->commands,
	};
	memcpy(r->busy_ns, d->busy_ns, sizeof(r->busy_ns));
}

static void ops_free(struct sim_ops *ops)
{
	for (uint32_t i = 0; ops && i < ops->n; i++)
		npu_sync_destroy(ops->op[i].sync);
	free(ops);
}

static void raise_syncs(struct sim *s, const struct sim_ops *ops)
{
	for (uint32_t i = 0; ops && i < ops->n; i++) {
		struct sim_sync *t = ops->op[i].sync->priv;

		if (!(ops->op[i].flags & NPU_SYNC_OP_SIGNAL))
			continue;
		if (t->value < ops->op[i].value)
			t->value = ops->op[i].value;
		s->work |= s->held > 0;
	}
}

static void wake_fds(struct sim *s, struct sim_queue *q)
{
	struct sim_fd **link = &q->fds;
	const uint64_t one = 1;

	while (*link) {
		struct sim_fd *f = *link;

		if (f->seqno > q->completed) {
			link = &f->next;
			continue;
		}
		/* an eventfd of value zero always has room for one */
		if (write(f->fd, &one, sizeof(one)) < 0)
			s->work = true;
		close(f->fd);
		*link = f->next;
		free(f);
		s->fds--;
	}
}

/* The queue's next job has finished as d says. */
static void complete(struct sim *s, struct sim_queue *q, const struct npu_done *d)
{
	uint32_t slot = (uint32_t)(q->completed % q->queue->entries);

	q->completed++;
	result_fill(&q->result[q->completed % NPU_RESULTS_KEPT], d);
	q->result[q->completed % NPU_RESULTS_KEPT].seqno = q->completed;
	if (d->fault != NPU_FAULT_NONE && !(q->flags & NPU_QUEUE_DEAD)) {
		q->flags = NPU_QUEUE_DEAD |
			   (npu_fault_is_own(d->fault) ? NPU_QUEUE_GUILTY : NPU_QUEUE_INNOCENT);
		q->fault = d->fault;
		vm_of(q)->faulted |= d->fault != NPU_FAULT_KILLED;
		s->work = true;
	}
	raise_syncs(s, q->ops[slot]);
	ops_free(q->ops[slot]);
	q->ops[slot] = NULL;
	wake_fds(s, q);
}

/* Jobs of a dead queue that the device never saw end here, in their order. */
static void cancel_held(struct sim *s, struct sim_queue *q)
{
	const struct npu_done killed = { .fault = NPU_FAULT_KILLED };

	while (q->completed >= q->pushed && q->completed < q->submitted) {
		s->held--;
		q->pushed++;
		complete(s, q, &killed);
	}
}

bool sim_done_drain(struct sim *s)
{
	uint32_t tail = __atomic_load_n(&s->status->done_tail, __ATOMIC_ACQUIRE);
	bool any = s->done_head != tail;

	for (; s->done_head != tail; s->done_head++) {
		const struct npu_done *d = &s->done[s->done_head % SIM_DONE_ENTRIES];
		struct sim_queue *q = d->queue < NPU_MAX_QUEUES ? s->queue[d->queue] : NULL;

		if (!q || q->completed >= q->pushed)
			continue;
		complete(s, q, d);
		if (q->flags & NPU_QUEUE_DEAD)
			cancel_held(s, q);
	}
	if (any)
		pthread_cond_broadcast(&s->changed);
	return any;
}

static bool syncs_raised(const struct sim_ops *ops)
{
	for (uint32_t i = 0; ops && i < ops->n; i++) {
		const struct sim_sync *t = ops->op[i].sync->priv;

		if (!(ops->op[i].flags & NPU_SYNC_OP_SIGNAL) && t->value < ops->op[i].value)
			return false;
	}
	return true;
}

/* Passes on jobs that need not wait any more; true: the doorbell has to be rung. */
static bool push(struct sim *s, struct sim_queue *q)
{
	uint64_t before = q->pushed;

	while (q->pushed < q->submitted &&
	       syncs_raised(q->ops[q->pushed % q->queue->entries])) {
		q->pushed++;
		s->held--;
	}
	return q->pushed != before;
}

/* The value is read under the register lock: the last write carries the newest. */
static void ring_doorbell(struct sim *s, struct sim_queue *q)
{
	sim_reg_write_tail(s, NPU_REG_QUEUE_TAIL(q->queue->id), &q->pushed);
}

void sim_queues_kick(struct sim *s)
{
	bool ring[NPU_MAX_QUEUES] = { false };
	bool arm;

	pthread_mutex_lock(&s->kick_lock);
	pthread_mutex_lock(&s->lock);
	for (uint32_t i = 0; i < NPU_MAX_QUEUES && s->held; i++)
		ring[i] = s->queue[i] && push(s, s->queue[i]);
	arm = s->held || s->fds;
	pthread_mutex_unlock(&s->lock);
	for (uint32_t i = 0; i < NPU_MAX_QUEUES; i++)
		if (ring[i])
			ring_doorbell(s, s->queue[i]);
	pthread_mutex_unlock(&s->kick_lock);
	if (arm)
		sim_done_arm(s);
}

void sim_done_arm(struct sim *s)
{
	uint32_t head;

	pthread_mutex_lock(&s->lock);
	if (s->done_armed) {
		pthread_mutex_unlock(&s->lock);
		return;
	}
	s->done_armed = true;
	head = s->done_head;
	s->done_told = head;
	pthread_mutex_unlock(&s->lock);
	sim_reg_write(s, NPU_REG_DONE_ARM, head);
}

static size_t ring_bytes(uint32_t entries)
{
	return NPU_ALIGN_UP(entries * sizeof(struct npu_ring_entry), (size_t)4096);
}

static void queue_free(struct sim_queue *q)
{
	if (q->ring)
		munmap(q->ring, ring_bytes(q->queue->entries));
	free(q->ops);
	free(q);
}

/* A free queue number and room in the completion ring; with lock held. */
static int queue_reserve(struct sim *s, struct npu_queue *queue)
{
	if (queue->entries > SIM_DONE_ENTRIES - s->jobs_room)
		return npu_fail(-ENOSPC, "queue: %u entries, %u of %u are left for all queues",
				queue->entries, SIM_DONE_ENTRIES - s->jobs_room, SIM_DONE_ENTRIES);
	for (uint32_t i = 0; i < queue->vm->dev->info.queues; i++)
		if (!s->queue[i]) {
			queue->id = i;
			return 0;
		}
	return npu_fail(-ENOSPC, "queue: all %u of the device are in use",
			queue->vm->dev->info.queues);
}

/* Lets an address space go on after a fault; what it had in flight is lost. With create_lock. */
static int revive(struct sim *s, struct npu_vm *vm)
{
	struct sim_vm *v = vm->priv;
	struct npu_msg msg = { .type = NPU_MSG_CONTEXT_RESET, .context.context = vm->id };
	int rc = sim_request(s, &msg);

	pthread_mutex_lock(&s->lock);
	sim_done_drain(s);
	if (!rc)
		v->faulted = false;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void sim_contexts_revive(struct sim *s)
{
	pthread_mutex_lock(&s->create_lock);
	for (uint32_t i = 0; i < NPU_MAX_QUEUES; i++) {
		struct sim_queue *q = s->queue[i];

		if (q && vm_of(q)->faulted)
			revive(s, q->queue->vm);
	}
	pthread_mutex_unlock(&s->create_lock);
}

int sim_queue_create(struct npu_queue *queue)
{
	struct sim *s = sim_of(queue->vm->dev);
	struct sim_vm *v = queue->vm->priv;
	struct sim_queue *q = calloc(1, sizeof(*q));
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_CREATE };
	int rc;

	if (!q)
		return npu_fail(-ENOMEM, "queue: no memory");
	q->queue = queue;
	q->ops = calloc(queue->entries, sizeof(*q->ops));
	q->ring = mmap(NULL, ring_bytes(queue->entries), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->ring == MAP_FAILED)
		q->ring = NULL;
	rc = q->ops && q->ring ? 0 : npu_fail(-ENOMEM, "queue: no memory");
	if (rc)
		goto out_free;
	pthread_mutex_lock(&s->create_lock);
	if (v->faulted)
		rc = revive(s, queue->vm);
	if (rc)
		goto out_unlock;
	pthread_mutex_lock(&s->lock);
	rc = queue_reserve(s, queue);
	pthread_mutex_unlock(&s->lock);
	if (rc)
		goto out_unlock;
	msg.queue_create.queue = queue->id;
	msg.queue_create.context = queue->vm->id;
	msg.queue_create.priority = queue->priority;
	msg.queue_create.entries = queue->entries;
	msg.queue_create.ring = (uint64_t)(uintptr_t)q->ring;
	rc = sim_request(s, &msg);
	if (rc)
		goto out_unlock;
	pthread_mutex_lock(&s->lock);
	s->queue[queue->id] = q;
	s->jobs_room += queue->entries;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->create_lock);
	queue->priv = q;
	return 0;

out_unlock:
	pthread_mutex_unlock(&s->create_lock);
out_free:
	queue_free(q);
	return rc;
}

void sim_queue_destroy(struct npu_queue *queue)
{
	struct sim *s = sim_of(queue->vm->dev);
	struct sim_queue *q = queue->priv;
	struct npu_msg msg = { .type = NPU_MSG_QUEUE_DESTROY, .queue.queue = queue->id };
	const struct npu_done killed = { .fault = NPU_FAULT_KILLED };

	pthread_mutex_lock(&s->create_lock);
	pthread_mutex_lock(&s->kick_lock);
	sim_request(s, &msg);
	pthread_mutex_lock(&s->lock);
	sim_done_drain(s);
	/* killing what is left is no fault of the address space */
	q->flags |= NPU_QUEUE_DEAD;
	while (q->completed < q->submitted) {
		if (q->completed >= q->pushed) {
			q->pushed++;
			s->held--;
		}
		complete(s, q, &killed);
	}
	s->queue[queue->id] = NULL;
	s->jobs_room -= queue->entries;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->kick_lock);
	pthread_mutex_unlock(&s->create_lock);
	queue_free(q);
	sim_queues_kick(s);
}

int sim_queue_state(struct npu_queue *queue, struct npu_queue_state *out)
{
	struct sim *s = sim_of(queue->vm->dev);
	const struct sim_queue *q = queue->priv;

	pthread_mutex_lock(&s->lock);
	sim_done_drain(s);
	out->flags = q->flags;
	out->fault = q->fault;
	out->submitted = q->submitted;
	out->completed = q->completed;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static struct sim_ops *ops_copy(const struct npu_job *job)
{
	struct sim_ops *ops = malloc(sizeof(*ops) + job->n_syncs * sizeof(ops->op[0]));

	if (!ops)
		return NULL;
	ops->n = job->n_syncs;
	memcpy(ops->op, job->syncs, job->n_syncs * sizeof(ops->op[0]));
	for (uint32_t i = 0; i < ops->n; i++)
		atomic_fetch_add(&ops->op[i].sync->refs, 1);
	return ops;
}

/* Fills ring entries behind the last job; nothing can see them yet. */
static int stage(struct sim_queue *q, const struct npu_job *jobs, uint32_t n)
{
	uint32_t mask = q->queue->entries - 1;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = (uint32_t)(q->submitted + i) & mask;
		struct npu_ring_entry *e = &q->ring[slot];

		memset(e, 0, sizeof(*e));
		e->cmdbuf = jobs[i].cmdbuf;
		e->cmdbuf_size = jobs[i].cmdbuf_size;
		e->n_params = jobs[i].n_params;
		e->seqno = q->submitted + i + 1;
		if (jobs[i].n_params)
			memcpy(e->params, jobs[i].params, jobs[i].n_params * sizeof(__u64));
		if (!jobs[i].n_syncs)
			continue;
		q->ops[slot] = ops_copy(&jobs[i]);
		if (!q->ops[slot]) {
			while (i--) {
				slot = (uint32_t)(q->submitted + i) & mask;
				ops_free(q->ops[slot]);
				q->ops[slot] = NULL;
			}
			return npu_fail(-ENOMEM, "submit: no memory");
		}
	}
	return 0;
}

static int check_alive(struct sim *s, const struct sim_queue *q)
{
	if (s->dead)
		return npu_fail(-ENODEV, "submit: the firmware has stopped");
	if (q->flags & NPU_QUEUE_DEAD)
		return npu_fail(-EIO, "submit: the queue is dead: %s", npu_fault_name(q->fault));
	return 0;
}

/* Waits, with lock held, until job seqno has finished. */
static int await(struct sim *s, struct sim_queue *q, uint64_t seqno, int64_t timeout_ns)
{
	for (;;) {
		sim_done_drain(s);
		if (q->completed >= seqno)
			return 0;
		if (s->dead)
			return npu_fail(-ENODEV, "wait: the firmware has stopped");
		if (!s->done_armed && timeout_ns) {
			pthread_mutex_unlock(&s->lock);
			sim_done_arm(s);
			pthread_mutex_lock(&s->lock);
			continue;
		}
		if (!timeout_ns || !sim_wait_changed(s, timeout_ns))
			return npu_fail(-ETIME, "wait: job %llu has not finished (%llu have)",
					(unsigned long long)seqno,
					(unsigned long long)q->completed);
	}
}

int sim_submit(struct npu_queue *queue, const struct npu_job *jobs, uint32_t n,
	       uint64_t *first_seqno)
{
	struct sim *s = sim_of(queue->vm->dev);
	struct sim_queue *q = queue->priv;
	bool ring = false, held = false;
	int rc;

	if (n > queue->entries)
		return npu_fail(-E2BIG, "submit: %u jobs, the queue has %u entries", n,
				queue->entries);
	pthread_mutex_lock(&s->lock);
	rc = check_alive(s, q);
	/* an innocent queue waits until its address space goes on */
	while (!rc && vm_of(q)->faulted) {
		if (!sim_wait_changed(s, INT64_MAX))
			break;
		rc = check_alive(s, q);
	}
	while (!rc && q->submitted + n - q->completed > queue->entries) {
		rc = await(s, q, q->submitted + n - queue->entries, INT64_MAX);
		if (!rc)
			rc = check_alive(s, q);
	}
	if (!rc)
		rc = stage(q, jobs, n);
	if (!rc) {
		*first_seqno = q->submitted + 1;
		q->submitted += n;
		s->held += n;
		ring = push(s, q);
		held = q->pushed < q->submitted;
	}
	/* the device holds records back when it has not been told of half a ring of them */
	held |= s->done_head - s->done_told > SIM_DONE_ENTRIES / 2;
	pthread_mutex_unlock(&s->lock);
	if (ring)
		ring_doorbell(s, q);
	if (held)
		sim_done_arm(s);
	return rc;
}

int sim_wait(struct npu_queue *queue, uint64_t seqno, int64_t timeout_ns)
{
	struct sim *s = sim_of(queue->vm->dev);
	struct sim_queue *q = queue->priv;
	int rc;

	pthread_mutex_lock(&s->lock);
	if (!seqno || seqno > q->submitted)
		rc = npu_fail(-EINVAL, "wait: job %llu was never given, the last is %llu",
			      (unsigned long long)seqno, (unsigned long long)q->submitted);
	else
		rc = await(s, q, seqno, timeout_ns);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int sim_job_fd(struct npu_queue *queue, uint64_t seqno, int *fd)
{
	struct sim *s = sim_of(queue->vm->dev);
	struct sim_queue *q = queue->priv;
	struct sim_fd *f = calloc(1, sizeof(*f));
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int copy = event < 0 ? -1 : fcntl(event, F_DUPFD_CLOEXEC, 0);
	int rc = 0;

	if (!f || copy < 0) {
		rc = npu_fail(f ? -errno : -ENOMEM, "job fd: no descriptor");
		goto out_free;
	}
	f->fd = copy;
	f->seqno = seqno;
	pthread_mutex_lock(&s->lock);
	if (!seqno || seqno > q->submitted) {
		rc = npu_fail(-EINVAL, "job fd: job %llu was never given, the last is %llu",
			      (unsigned long long)seqno, (unsigned long long)q->submitted);
	} else {
		f->next = q->fds;
		q->fds = f;
		s->fds++;
		sim_done_drain(s);
		wake_fds(s, q);
	}
	pthread_mutex_unlock(&s->lock);
	if (rc)
		goto out_free;
	sim_done_arm(s);
	*fd = event;
	return 0;

out_free:
	if (copy >= 0)
		close(copy);
	if (event >= 0)
		close(event);
	free(f);
	return rc;
}

int sim_job_result(struct npu_queue *queue, uint64_t seqno, struct npu_result *out)
{
	struct sim *s = sim_of(queue->vm->dev);
	const struct sim_queue *q = queue->priv;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	sim_done_drain(s);
	if (!seqno || seqno > q->submitted || seqno + NPU_RESULTS_KEPT <= q->completed)
		rc = npu_fail(-ENODATA, "result: job %llu was never given or is older than the "
			      "last %u", (unsigned long long)seqno, NPU_RESULTS_KEPT);
	else if (seqno > q->completed)
		rc = npu_fail(-EBUSY, "result: job %llu has not finished",
			      (unsigned long long)seqno);
	else
		*out = q->result[seqno % NPU_RESULTS_KEPT];
	pthread_mutex_unlock(&s->lock);
	return rc;
}

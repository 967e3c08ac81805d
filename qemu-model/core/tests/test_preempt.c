/* SPDX-License-Identifier: MIT */
/*
 * Pre-emption at safe points: values, order, bounds of waiting, slices, suspend, kills, hangs.
 * Waiting is modelled time, told by the firmware in struct npu_done.wait_ns.
 */
#include <string.h>

#include "context.h"
#include "host.h"
#include "saved.h"
#include "tap.h"

#define CORES		4
#define ROUNDS		20000u
#define EMPTY_MAX_INSTRUCTIONS 2000

static struct host *h;
static struct vm vm, other;

/* A job that adds one to a sum of each core in ROUNDS rounds, with a safe point after each. */
struct job {
	uint64_t va;
	uint32_t size;
	uint64_t sums;		/* device address of CORES sums */
	uint64_t flag;		/* set by its first round */
	struct vm *vm;
};

static void add_mark(struct cb *cb, bool safe)
{
	struct npu_cmd_mark c = {
		.hdr = { .opcode = NPU_OP_MARK, .flags = safe ? NPU_CMDF_SAFE : 0 }, .id = 7,
	};

	CB_ADD(cb, c);
}

static void make_job(struct job *j, struct vm *in, uint32_t rounds, bool safe, uint32_t cols)
{
	struct cb cb;

	j->vm = in;
	j->sums = vm_alloc(in, 4096, NULL);
	j->flag = j->sums + 2048;
	cb_init(&cb);
	for (uint32_t core = 0; core < CORES; core++) {
		cb_stream(&cb);
		cb_loop(&cb, rounds, 0, 20);
		/* cores do unlike amounts of work: they come to the barrier one by one */
		for (uint32_t i = 0; i <= core; i++)
			cb_ew(&cb, NPU_EW_ADD, 0, 65536, 131072, cols, 1);
		cb_alu(&cb, NPU_ALU_ADD, 21, 21, 0, 1);
		cb_str(&cb, 21, j->sums + 8 * core);
		cb_alu(&cb, NPU_ALU_ADD, 22, 0, 0, 1);
		if (!core)
			cb_str(&cb, 22, j->flag);
		cb_barrier(&cb, (1u << CORES) - 1);
		add_mark(&cb, safe);
		cb_op(&cb, NPU_OP_LOOP_END);
	}
	cb_end(&cb, 0);
	j->va = cb_place(&cb, in);
	j->size = cb.size;
	cb_free(&cb);
}

static void clear_job(struct job *j)
{
	static const uint8_t zeros[4096];

	vm_write(j->vm, j->sums, zeros, sizeof(zeros));
}

static void wait_started(struct job *j)
{
	uint64_t flag = 0;

	while (!flag)
		vm_read(j->vm, j->flag, &flag, 8);
}

static bool sums_are(struct job *j, uint64_t want)
{
	uint64_t sum[CORES];
	bool ok = true;

	vm_read(j->vm, j->sums, sum, sizeof(sum));
	for (uint32_t i = 0; i < CORES; i++)
		ok &= sum[i] == want;
	return ok;
}

static void put(struct queue *q, const struct job *j)
{
	queue_put(q, j->va, j->size, NULL, 0);
	queue_ring(q);
}

static struct npu_done next(void)
{
	struct npu_done d = { 0 };

	if (!host_done(h, &d, 60000))
		tap_diag("no completion");
	return d;
}

static void end_queue(struct queue *q)
{
	host_call3(h, NPU_MSG_QUEUE_DESTROY, q->id, 0, 0);
}

static struct job longer, shorter, rude, foreign;
static struct npu_done alone, alone_short;

static void measure_alone(void)
{
	struct queue q;

	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	put(&q, &longer);
	alone = next();
	put(&q, &shorter);
	alone_short = next();
	tap_ok(!alone.fault && sums_are(&longer, ROUNDS) && !alone.wait_ns,
	       "alone: a job waits for nobody");
	end_queue(&q);
}

static void test_priority(void)
{
	/* A round, the longest way between two safe points */
	uint64_t round = alone.model_ns / ROUNDS + 1;
	struct queue low, high;
	struct npu_done d;

	queue_new(&low, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	queue_new(&high, &other, 1, NPU_PRIORITY_HIGH, 16);
	clear_job(&longer);
	put(&low, &longer);
	wait_started(&longer);
	put(&high, &foreign);
	d = next();
	tap_ok(d.queue == 1 && !d.fault, "priority: the higher job ends first");
	/* Beside two rounds: the commands that are under way when it comes. */
	tap_ok(d.wait_ns <= 12 * round + NPU_SWITCH_NS,
	       "priority: it has waited for at most two safe points and the switch");
	tap_diag("waited %llu modelled ns, a round takes %llu", (unsigned long long)d.wait_ns,
		 (unsigned long long)round);
	d = next();
	tap_ok(d.queue == 0 && !d.fault && sums_are(&longer, ROUNDS),
	       "priority: the lower one goes on where it was, with the same values");
	tap_ok(d.commands == alone.commands && d.read_bytes == alone.read_bytes &&
	       d.write_bytes == alone.write_bytes && d.macs == alone.macs,
	       "priority: its counts are those of a run alone");
	tap_ok(d.model_ns >= alone.model_ns + NPU_SWITCH_NS &&
	       d.model_ns <= alone.model_ns + 3 * NPU_SWITCH_NS + alone.model_ns / 100,
	       "priority: its modelled time is that of its runs and of the switch");
	tap_ok(d.wait_ns >= alone_short.model_ns,
	       "priority: and it has waited for the other's");
	end_queue(&low);
	end_queue(&high);
}

/* Without safe points nothing is interrupted. */
static void test_rude(void)
{
	struct queue low, high;
	struct npu_done d;

	queue_new(&low, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	queue_new(&high, &other, 1, NPU_PRIORITY_REALTIME, 16);
	clear_job(&rude);
	put(&low, &rude);
	wait_started(&rude);
	put(&high, &foreign);
	d = next();
	tap_ok(d.queue == 0 && sums_are(&rude, ROUNDS),
	       "no safe point: the running job ends before a higher one starts");
	d = next();
	tap_ok(d.queue == 1 && !d.fault, "no safe point: then the higher one runs");
	end_queue(&low);
	end_queue(&high);
}

/* Both start together and need as much: whoever ends first has waited for about as much again. */
static void test_slices(void)
{
	uint64_t slice = h->fw_config.time_slice_us[NPU_PRIORITY_NORMAL] * 1000ull;
	struct queue a, b;
	struct npu_done first, second;
	static struct job mine, theirs;

	make_job(&mine, &vm, ROUNDS, true, 1024);
	make_job(&theirs, &other, ROUNDS, true, 1024);
	queue_new(&a, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	queue_new(&b, &other, 1, NPU_PRIORITY_NORMAL, 16);
	host_call3(h, NPU_MSG_POWER, 0, 0, 0);
	put(&a, &mine);
	put(&b, &theirs);
	host_call3(h, NPU_MSG_POWER, 1, 0, 0);
	first = next();
	second = next();
	tap_ok(!first.fault && !second.fault && sums_are(&mine, ROUNDS) &&
	       sums_are(&theirs, ROUNDS), "slices: two jobs of one priority end with their values");
	tap_ok(alone.model_ns > 4 * slice && first.wait_ns + 2 * slice > first.model_ns &&
	       first.wait_ns < first.model_ns + 2 * slice,
	       "slices: they have had equal modelled time, to a slice");
	tap_diag("slice %llu, first: model %llu wait %llu", (unsigned long long)slice,
		 (unsigned long long)first.model_ns, (unsigned long long)first.wait_ns);
	end_queue(&a);
	end_queue(&b);
}

/* Two queues of one context against one of another: contexts share, not queues. */
static void test_contexts(void)
{
	uint64_t slice = h->fw_config.time_slice_us[NPU_PRIORITY_NORMAL] * 1000ull;
	static struct job a1, a2, b;
	struct queue qa1, qa2, qb;
	struct npu_done d;

	make_job(&a1, &vm, ROUNDS, true, 1024);
	make_job(&a2, &vm, ROUNDS, true, 1024);
	make_job(&b, &other, ROUNDS, true, 1024);
	queue_new(&qa1, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	queue_new(&qa2, &vm, 1, NPU_PRIORITY_NORMAL, 16);
	queue_new(&qb, &other, 2, NPU_PRIORITY_NORMAL, 16);
	host_call3(h, NPU_MSG_POWER, 0, 0, 0);
	put(&qa1, &a1);
	put(&qa2, &a2);
	put(&qb, &b);
	host_call3(h, NPU_MSG_POWER, 1, 0, 0);
	d = next();
	tap_ok(d.queue == 2 && d.wait_ns < d.model_ns + 3 * slice,
	       "fairness: a context with two queues gets no more than one with one");
	tap_diag("model %llu wait %llu", (unsigned long long)d.model_ns,
		 (unsigned long long)d.wait_ns);
	next();
	next();
	end_queue(&qa1);
	end_queue(&qa2);
	end_queue(&qb);
}

/* A higher queue never runs dry: the lower one gets its turns all the same. */
static void test_starvation(void)
{
	uint32_t turns = h->fw_config.starvation_turns, per_turn = h->fw_config.max_jobs_per_turn;
	struct queue low, high;
	uint32_t before = 0;
	struct npu_done d;

	queue_new(&low, &vm, 0, NPU_PRIORITY_IDLE, 4);
	queue_new(&high, &other, 1, NPU_PRIORITY_HIGH, 4096);
	host_call3(h, NPU_MSG_POWER, 0, 0, 0);
	put(&low, &shorter);
	for (uint32_t i = 0; i < 3 * turns * per_turn; i++)
		queue_put(&high, foreign.va, foreign.size, NULL, 0);
	queue_ring(&high);
	host_call3(h, NPU_MSG_POWER, 1, 0, 0);
	for (;;) {
		d = next();
		if (d.queue == 0)
			break;
		before++;
	}
	tap_ok(!d.fault && before >= turns && before <= (turns + 1) * per_turn,
	       "starvation: a lower job ends within the bound though a higher queue is never dry");
	tap_diag("%u higher jobs before it, %u turns of %u", before, turns, per_turn);
	while (++before < 3 * turns * per_turn)
		next();
	next();
	end_queue(&low);
	end_queue(&high);
}

static void test_suspend(void)
{
	struct queue q;
	struct npu_done d;

	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	clear_job(&longer);
	put(&q, &longer);
	wait_started(&longer);
	host_call3(h, NPU_MSG_QUEUE_SUSPEND, 0, 0, 0);
	tap_ok(!sums_are(&longer, ROUNDS) && !host_done(h, &d, 50),
	       "suspend: is answered at a safe point inside a job, which then stands still");
	host_call3(h, NPU_MSG_QUEUE_RESUME, 0, 0, 0);
	d = next();
	tap_ok(!d.fault && d.seqno == 1 && sums_are(&longer, ROUNDS),
	       "suspend: RESUME goes on from there");
	clear_job(&longer);
	put(&q, &longer);
	queue_put(&q, shorter.va, shorter.size, NULL, 0);
	queue_ring(&q);
	wait_started(&longer);
	host_call3(h, NPU_MSG_QUEUE_SUSPEND, 0, 0, 0);
	host_call3(h, NPU_MSG_QUEUE_RESET, 0, 0, 0);
	d = next();
	tap_ok(d.seqno == 2 && d.fault == NPU_FAULT_KILLED && !sums_are(&longer, ROUNDS),
	       "reset: a job that stands at a safe point completes as KILLED");
	d = next();
	tap_ok(d.seqno == 3 && d.fault == NPU_FAULT_KILLED, "reset: and what waits behind it");
	end_queue(&q);
}

/* The command buffer is overwritten while the job stands still: it goes on as it was checked. */
static void test_overwritten(void)
{
	uint8_t garbage[256];
	struct queue q;
	struct npu_done d;
	static struct job j;

	memset(garbage, 0xff, sizeof(garbage));
	make_job(&j, &vm, ROUNDS, true, 1024);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	put(&q, &j);
	wait_started(&j);
	host_call3(h, NPU_MSG_QUEUE_SUSPEND, 0, 0, 0);
	vm_write(&vm, j.va, garbage, sizeof(garbage));
	host_call3(h, NPU_MSG_QUEUE_RESUME, 0, 0, 0);
	d = next();
	tap_ok(!d.fault && sums_are(&j, ROUNDS),
	       "saved: a job that is under way does not read its command buffer again");
	end_queue(&q);
}

static uint64_t make_hang(struct vm *in, uint32_t *size)
{
	struct cb cb;
	uint64_t va;

	cb_init(&cb);
	for (int i = 0; i < 4; i++)
		cb_loop(&cb, 0xffffffffu, 0, 0);
	for (int i = 0; i < 4; i++)
		cb_op(&cb, NPU_OP_LOOP_END);
	cb_end(&cb, 0);
	va = cb_place(&cb, in);
	*size = cb.size;
	cb_free(&cb);
	return va;
}

static void test_hang(void)
{
	struct queue guilty, innocent;
	uint32_t size;
	uint64_t va = make_hang(&vm, &size);
	struct npu_msg msg;
	struct npu_done d;

	queue_new(&guilty, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	queue_new(&innocent, &other, 1, NPU_PRIORITY_NORMAL, 16);
	queue_put(&guilty, va, size, NULL, 0);
	queue_put(&guilty, shorter.va, shorter.size, NULL, 0);
	queue_ring(&guilty);
	host_reaches(&h->status->queue[0].head, 1, 5000);
	put(&innocent, &foreign);
	d = next();
	tap_ok(d.queue == 0 && d.seqno == 1 && d.fault == NPU_FAULT_HANG,
	       "hang: a job without progress ends as HANG");
	for (int i = 0; i < 2; i++) {
		d = next();
		if (d.queue == 0)
			tap_ok(d.seqno == 2 && d.fault == NPU_FAULT_CONTEXT,
			       "hang: the guilty context's other jobs do not start");
		else
			tap_ok(d.queue == 1 && !d.fault, "hang: another context's job runs");
	}
	tap_ok(host_receive(h, &msg, 5000) && msg.type == NPU_MSG_EVENT_FAULT &&
	       msg.fault.queue == 0 && msg.fault.context == 0 && msg.fault.fault == NPU_FAULT_HANG,
	       "hang: the driver is told whose job it was");
	host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	end_queue(&guilty);
	end_queue(&innocent);
}

/* Long, but with marks: not taken for hung. */
static void test_progress(void)
{
	static struct job j;
	struct queue q;
	struct npu_done d;

	make_job(&j, &vm, 9 * ROUNDS, false, 1024);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	put(&q, &j);
	d = next();
	tap_ok(!d.fault && d.host_ns > h->fw_config.job_hang_ms * 1000000ull,
	       "progress: a job that marks it may take longer than the watchdog's time");
	tap_diag("took %llu ms", (unsigned long long)d.host_ns / 1000000);
	end_queue(&q);
}

static void test_instructions(void)
{
	const uint32_t n = 256;
	uint64_t before, each;
	struct queue q;
	struct cb cb;
	uint64_t va;

	cb_init(&cb);
	cb_end(&cb, 0);
	va = cb_place(&cb, &vm);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	queue_run(&q, va, cb.size, NULL, 0);
	before = npu_core_control_instructions(h->core);
	for (uint32_t i = 0; i < n; i++)
		queue_run(&q, va, cb.size, NULL, 0);
	each = (npu_core_control_instructions(h->core) - before) / n;
	tap_ok(each <= EMPTY_MAX_INSTRUCTIONS,
	       "cost: an empty job takes at most %u instructions of the firmware",
	       EMPTY_MAX_INSTRUCTIONS);
	tap_diag("%llu instructions, its doorbell, end and arming", (unsigned long long)each);
	cb_free(&cb);
	end_queue(&q);
}

int main(void)
{
	h = host_new(&npu_machine_default, 128, 2);
	h->fw_config.max_jobs_per_turn = 4;
	h->fw_config.starvation_turns = 8;
	h->fw_config.time_slice_us[NPU_PRIORITY_NORMAL] = 100;
	h->fw_config.job_hang_ms = 300;
	h->done_entries = 4096;
	host_boot(h);
	vm_new(&vm, h, 0);
	vm_new(&other, h, 1);
	make_job(&longer, &vm, ROUNDS, true, 1024);
	make_job(&shorter, &vm, 10, true, 1024);
	make_job(&rude, &vm, ROUNDS, false, 1024);
	make_job(&foreign, &other, 10, true, 1024);
	measure_alone();
	test_priority();
	test_rude();
	test_slices();
	test_contexts();
	test_starvation();
	test_suspend();
	test_overwritten();
	test_instructions();
	test_progress();
	test_hang();
	host_free(h);
	return tap_done();
}

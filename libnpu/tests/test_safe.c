// SPDX-License-Identifier: MIT
/*
 * Safe points: a job that loses its scratchpads at every one of them gives the same bytes, and
 * there are as many as promised.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"
#include "tap.h"

#define RIG_BYTES	(160u << 20)
#define ROWS		41
#define STEPS		6
#define CAPACITY	64
#define LONG_LAYER	(8u << 20)	/* bytes: has safe points on one core as well */
#define LARGE_HEAD	32768		/* rows; cut in two */

static const struct model_shape small = {
	NPU_WTYPE_Q8_0, 128, 8, 4, 16, 16, 384, 300, CAPACITY, false, true
};
static const struct model_shape large_head = {
	NPU_WTYPE_Q8_0, 224, 4, 2, 32, 32, 416, LARGE_HEAD, CAPACITY, false, true
};
static const struct model_shape odd = {
	NPU_WTYPE_F16, 90, 3, 3, 30, 14, 101, 77, CAPACITY, false, true
};
static const struct model_shape mixed = {
	NPU_WTYPE_Q4_0, 256, 8, 2, 64, 64, 512, 259, CAPACITY, true, true
};

/* A prompt in chunks, then tokens one by one and in a loop: all that they leave in memory */
static int run(struct model *m, uint32_t chunk, uint32_t cores, uint8_t *out)
{
	int rc = 0;

	memset(rig_ptr(m->r, m->kv), 0, m->kv_bytes);
	memset(model_tokens(m) + ROWS, 0, 4 * (CAPACITY - ROWS));
	for (uint32_t pos = 0; pos < ROWS && !rc; pos += chunk)
		rc = model_run(m, MODEL_SAMPLE, chunk, cores,
			       ROWS - pos < chunk ? ROWS - pos : chunk, pos, 0, NULL, 0);
	if (!rc)
		rc = model_run(m, MODEL_SAMPLE, 1, cores, 1, ROWS, 0, NULL, 0);
	if (!rc)
		rc = model_run(m, MODEL_LOOP, 1, cores, 1, ROWS + 1, STEPS, NULL, 0);
	memcpy(out, rig_ptr(m->r, m->kv), m->kv_bytes);
	memcpy(out + m->kv_bytes, model_tokens(m), 4 * CAPACITY);
	memcpy(out + m->kv_bytes + 4 * CAPACITY, model_logits(m), 4 * m->s.vocab);
	return rc;
}

static void test_spoilt(const char *machine, const struct model_shape *s, const char *name,
			uint64_t layer_bytes)
{
	static const uint32_t chunks[] = { 41, 16, 1 };
	uint32_t wrong = 0, cores;
	uint8_t *want, *got;
	uint64_t bytes;
	struct rig r;
	struct model m;

	rig_open(&r, machine, RIG_BYTES);
	cores = npu_device_info(r.dev)->cores;
	model_make(&r, s, 5, &m);
	m.layer_bytes = layer_bytes;
	bytes = m.kv_bytes + 4 * CAPACITY + 4 * m.s.vocab;
	want = malloc(bytes);
	got = malloc(bytes);
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++)
		for (uint32_t c = 1; c <= cores; c += cores - 1 ? cores - 1 : 1) {
			int rc;

			r.spoil = false;
			rc = run(&m, chunks[i], c, want);
			r.spoil = true;
			if (!rc)
				rc = run(&m, chunks[i], c, got);
			if (rc || memcmp(want, got, bytes)) {
				tap_diag("chunks of %u, %u cores: error %d", chunks[i], c, rc);
				wrong++;
			}
		}
	tap_ok(!wrong, "%s on %s: scratchpads lost at each safe point change no byte", name,
	       machine);
	tap_ok(rig_live(&r), "%s on %s: nothing is read across a safe point", name, machine);
	free(want);
	free(got);
	model_free(&m);
	rig_close(&r);
}

/* Safe points that a run passes. */
static uint32_t safe_points(struct model *m, enum model_kind kind, uint32_t m_max, uint32_t cores,
			    uint32_t steps)
{
	int rc = model_run(m, kind, m_max, cores, m_max, 0, steps, NULL, 0);

	return rc ? 0 : m->live.safe;
}

static void test_counts(void)
{
	struct rig r;
	struct model m;
	uint32_t n, more;

	rig_open(&r, "sim:cores=4,threads=2", RIG_BYTES);
	model_make(&r, &large_head, 6, &m);
	m.layer_bytes = LONG_LAYER;
	/*
	 * before the first token; a layer: after attention, inside of and after the feed-forward
	 * half, and the two marks of the test; in the head, after it, after the token
	 */
	n = safe_points(&m, MODEL_SAMPLE, 1, 4, 0);
	if (!tap_ok(n == 1 + MODEL_LAYERS * 5 + 3, "decoding has three safe points a layer, one "
		    "in a large head, one behind it and one behind the token"))
		tap_diag("%u", n);
	more = safe_points(&m, MODEL_LOOP, 1, 4, STEPS);
	tap_ok(more == STEPS * n, "each step of a loop has them: %u of %u", more, STEPS * n);
	n = safe_points(&m, MODEL_SAMPLE, 1, 1, 0);
	if (!tap_ok(n == 1 + MODEL_LAYERS * 5 + 3, "one core with long layers has them too"))
		tap_diag("%u", n);
	/* two norms and attention's sums as well; the embedding */
	n = safe_points(&m, MODEL_SAMPLE, CAPACITY - 1, 4, 0);
	if (!tap_ok(n >= 1 + MODEL_LAYERS * 5 + 3, "a chunk of a prompt has no fewer"))
		tap_diag("%u", n);
	m.layer_bytes = 0;
	n = safe_points(&m, MODEL_LOOP, 1, 1, STEPS);
	if (!tap_ok(n == STEPS, "one core with short layers has one a token"))
		tap_diag("%u", n);
	model_free(&m);
	rig_close(&r);
}

/* Another program with a higher priority: short jobs that leave ones in all scratchpads */
struct other {
	struct npu_vm *vm;
	struct npu_queue *queue;
	struct npu_buffer *buf;
	struct npu_job job;
	pthread_t thread;
	atomic_bool stop;
	atomic_uint failed;
	uint32_t jobs;
};

static void *disturb(void *arg)
{
	struct other *o = arg;
	struct npu_result res;
	uint64_t seqno;

	while (!o->stop) {
		int rc = npu_submit(o->queue, &o->job, 1, &seqno);

		if (!rc)
			rc = npu_wait(o->queue, seqno, INT64_MAX);
		if (!rc)
			rc = npu_job_result(o->queue, seqno, &res);
		o->failed += rc || res.error;
		o->jobs++;
		usleep(50);
	}
	return NULL;
}

static int other_start(struct rig *r, struct other *o)
{
	const struct npu_device_info *info = npu_device_info(r->dev);
	struct npu_cmdbuf *cb;
	uint32_t size;
	uint64_t va = 0;
	void *map;
	int rc;

	*o = (struct other){ .vm = NULL };
	rc = npu_vm_create(r->dev, &o->vm);
	if (!rc)
		rc = npu_queue_create(o->vm, NPU_PRIORITY_HIGH, 0, &o->queue);
	if (!rc)
		rc = npu_buffer_create(r->dev, info->spad_bytes + 4096, 0, &o->buf);
	if (!rc)
		rc = npu_vm_bind(o->vm, o->buf, 0, 0, 0, &va);
	if (!rc)
		rc = npu_buffer_map(o->buf, &map);
	if (rc)
		return rc;
	memset(map, 0xff, info->spad_bytes);
	npu_cmdbuf_create(info->cores, &cb);
	npu_emit_load(cb, NPU_ALL_CORES, &(struct npu_cmd_dma){
		.addr = npu_va(va), .row_bytes = info->spad_bytes,
		.rows = npu_count(1, NPU_REG_ZERO) });
	npu_cmdbuf_end(cb);
	npu_cmdbuf_data(cb, &size);
	rc = npu_cmdbuf_place(cb, o->buf, va, info->spad_bytes, &o->job);
	npu_cmdbuf_destroy(cb);
	return rc ? rc : -pthread_create(&o->thread, NULL, disturb, o);
}

static void other_end(struct other *o)
{
	npu_queue_destroy(o->queue);
	npu_vm_destroy(o->vm);
	npu_buffer_destroy(o->buf);
}

/* Runs the same until a job was suspended: stopping costs it modelled time that it else has not. */
static void test_shared(void)
{
	enum { RUNS = 100 };
	uint8_t *want, *got;
	uint64_t bytes, alone;
	bool same = true, suspended = false;
	uint32_t runs = 0;
	struct other o;
	struct rig r;
	struct model m;
	int rc;

	rig_open(&r, "sim:cores=4,threads=2,spad_bytes=262144", RIG_BYTES);
	model_make(&r, &large_head, 5, &m);
	m.layer_bytes = LONG_LAYER;
	bytes = m.kv_bytes + 4 * CAPACITY + 4 * m.s.vocab;
	want = malloc(bytes);
	got = malloc(bytes);
	r.model_ns = 0;
	rc = run(&m, 16, 4, want);
	alone = r.model_ns;
	if (!rc)
		rc = other_start(&r, &o);
	for (; !rc && same && runs < RUNS && (runs < 3 || !suspended); runs++) {
		r.model_ns = 0;
		rc = run(&m, 16, 4, got);
		same = !memcmp(want, got, bytes);
		suspended |= r.model_ns > alone;
	}
	o.stop = true;
	pthread_join(o.thread, NULL);
	if (!tap_ok(!rc && same && !o.failed && suspended, "jobs that were suspended for those "
		    "of another program leave the same bytes"))
		tap_diag("error %d, %u runs beside %u jobs, %llu ns alone, %llu the last", rc, runs,
			 o.jobs, (unsigned long long)alone, (unsigned long long)r.model_ns);
	other_end(&o);
	free(want);
	free(got);
	model_free(&m);
	rig_close(&r);
}

int main(void)
{
	test_spoilt("sim:cores=4,threads=2", &small, "heads of 16 (q8_0)", 0);
	test_spoilt("sim:cores=4,threads=2", &small, "heads of 16 (q8_0), long", LONG_LAYER);
	test_spoilt("sim:cores=3,threads=2,spad_bytes=65536", &small, "heads of 16 (q8_0), long",
		    LONG_LAYER);
	test_spoilt("sim:cores=3,threads=2", &odd, "odd sizes (f16), long", LONG_LAYER);
	test_spoilt("sim:cores=4,threads=2", &mixed, "one KV head for 4 (q4_0), long", LONG_LAYER);
	test_spoilt("sim:cores=2,threads=2", &large_head, "a large head, long", LONG_LAYER);
	test_counts();
	test_shared();
	return tap_done();
}

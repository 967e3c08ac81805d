// SPDX-License-Identifier: MIT
/*
 * Whole models through the tiler: right, and the same bytes on every machine, in any chunks. With
 * an argument ("drm" in the guest) on that device beside the first machine.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "tap.h"

#define RIG_BYTES	(64u << 20)
#define ROWS		41
#define CAPACITY	64

static const char *const machines[] = {
	"sim:cores=4,threads=2",
	"sim:cores=3,threads=2,spad_bytes=65536",
	"sim:cores=1,threads=1,isa=scalar,spad_bytes=131072",
	"sim:cores=7,threads=2,spad_bytes=1048576",
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

static const struct {
	const char *name;
	struct model_shape s;
	double limit;		/* of the NMSE of logits */
} shapes[] = {
	{ "heads of 8, ffn 172 (f32)",
	  { NPU_WTYPE_F32, 64, 8, 4, 8, 8, 172, 512, CAPACITY, false, true }, 0.000001 },
	{ "heads of 16 (q8_0)",
	  { NPU_WTYPE_Q8_0, 128, 8, 4, 16, 16, 384, 300, CAPACITY, false, true }, 0.001 },
	{ "heads of 64, one for 4 (q4_0)",
	  { NPU_WTYPE_Q4_0, 256, 8, 2, 64, 64, 512, 259, CAPACITY, true, true }, 0.001 },
	{ "odd sizes, half rotated (f16)",
	  { NPU_WTYPE_F16, 90, 3, 3, 30, 14, 101, 77, CAPACITY, false, true }, 0.0001 },
	{ "no rotation, 5 of 5 heads (f32)",
	  { NPU_WTYPE_F32, 50, 5, 5, 10, 10, 33, 40, CAPACITY, false, false }, 0.000001 },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* Logits of the last row and the KV cache after ROWS tokens in chunks of `chunk` */
struct outcome {
	float *logits;
	uint8_t *kv;
	int rc;
};

static struct outcome prefill(struct model *m, uint32_t chunk, uint32_t m_max, uint32_t cores)
{
	struct outcome o = { .rc = 0 };

	memset(rig_ptr(m->r, m->kv), 0, m->kv_bytes);
	memset(model_logits(m), 0, 4 * m->s.vocab);
	for (uint32_t pos = 0; pos < ROWS && !o.rc; pos += chunk)
		o.rc = model_run(m, MODEL_LAST, m_max, cores,
				 ROWS - pos < chunk ? ROWS - pos : chunk, pos, 0, NULL, 0);
	o.logits = malloc(4 * m->s.vocab);
	o.kv = malloc(m->kv_bytes);
	memcpy(o.logits, model_logits(m), 4 * m->s.vocab);
	memcpy(o.kv, rig_ptr(m->r, m->kv), m->kv_bytes);
	return o;
}

static void outcome_free(struct outcome *o)
{
	free(o->logits);
	free(o->kv);
}

static bool same(const struct model *m, const struct outcome *a, const struct outcome *b)
{
	return !a->rc && !b->rc && !memcmp(a->logits, b->logits, 4 * m->s.vocab) &&
	       !memcmp(a->kv, b->kv, m->kv_bytes);
}

static void test_right(struct model *m, const char *name, double limit)
{
	uint64_t n = (uint64_t)ROWS * m->s.vocab;
	float *want = malloc(4 * n);
	double e;
	int rc;

	model_reference(m, ROWS, want);
	rc = model_run(m, MODEL_EVERY, 64, 0, ROWS, 0, 0, NULL, 0);
	e = nmse(model_logits(m), want, n);
	if (!tap_ok(!rc && e < limit, "%s: logits of %u rows agree with plain loops", name, ROWS))
		tap_diag("error %d, NMSE %g", rc, e);
	free(want);
}

static void test_cuts(struct model *m, const struct outcome *first, const char *name,
		      const char *machine)
{
	static const struct {
		uint32_t chunk, m_max;
	} cuts[] = { { 41, 64 }, { 41, 512 }, { 16, 16 }, { 7, 64 }, { 1, 1 }, { 1, 512 } };
	uint32_t cores = npu_device_info(m->r->dev)->cores;
	uint32_t wrong = 0;

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		for (uint32_t c = 0; c <= cores; c += cores > 4 ? 7 : 1) {
			struct outcome o = prefill(m, cuts[i].chunk, cuts[i].m_max, c);

			if (!same(m, first, &o)) {
				tap_diag("chunks of %u rows, m_max %u, %u cores: error %d",
					 cuts[i].chunk, cuts[i].m_max, c, o.rc);
				wrong++;
			}
			outcome_free(&o);
		}
	tap_ok(!wrong, "%s: the same logits and KV cache in any chunks on %s", name, machine);
}

/* Greedy tokens one job at a time, then in loops. */
static void test_loop(struct model *m, const char *name)
{
	uint32_t one[CAPACITY], *tokens = model_tokens(m), stop;
	bool ok = true;
	int rc = 0;

	for (uint32_t i = 0; i < 20; i++)
		rc |= model_run(m, MODEL_SAMPLE, 1, 0, 1, ROWS - 1 + i, 0, NULL, 0);
	memcpy(one, tokens, sizeof(one));
	for (uint32_t i = ROWS; i < CAPACITY; i++)
		tokens[i] = 0;
	rc |= model_run(m, MODEL_LOOP, 1, 0, 1, ROWS - 1, 13, NULL, 0);
	rc |= model_run(m, MODEL_LOOP, 1, 0, 1, ROWS + 12, 7, NULL, 0);
	for (uint32_t i = 0; i < ROWS + 20; i++)
		ok &= tokens[i] == one[i];
	tap_ok(ok && !rc, "%s: 13 and 7 steps in loops give the tokens of 20 jobs", name);

	/* stops at the first of a kind: nothing is written behind it */
	stop = one[ROWS + 5];
	for (uint32_t i = ROWS; i < CAPACITY; i++)
		tokens[i] = 0xffff0000;
	rc = model_run(m, MODEL_LOOP, 1, 0, 1, ROWS - 1, 20, &stop, 1);
	ok = true;
	for (uint32_t i = ROWS, over = tokens[ROWS - 1] == stop; i < CAPACITY; i++) {
		ok &= tokens[i] == (over ? 0xffff0000 : one[i]);
		over |= tokens[i] == stop;
	}
	tap_ok(ok && !rc, "%s: a loop stops at a stop token", name);
}

int main(int argc, char **argv)
{
	size_t n_machines = argc > 1 ? 2 : MACHINES;

	for (size_t i = 0; i < SHAPES; i++) {
		struct outcome first = { 0 };

		for (size_t j = 0; j < n_machines; j++) {
			const char *machine = j && argc > 1 ? argv[1] : machines[j];
			struct rig r;
			struct model m;

			rig_open(&r, machine, RIG_BYTES);
			model_make(&r, &shapes[i].s, 77 + i, &m);
			if (j == 0) {
				test_right(&m, shapes[i].name, shapes[i].limit);
				first = prefill(&m, ROWS, 64, 1);
			}
			test_cuts(&m, &first, shapes[i].name, machine);
			if (j == 0)
				test_loop(&m, shapes[i].name);
			tap_ok(rig_live(&r), "%s: nothing is read across a safe point on %s",
			       shapes[i].name, machine);
			model_free(&m);
			rig_close(&r);
		}
		outcome_free(&first);
	}
	return tap_done();
}

// SPDX-License-Identifier: MIT
/* The tiler at its limits and one past them, and the sampler's window. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "tap.h"

#define MIB	(1ull << 20)

static bool said(const char *word)
{
	if (strstr(npu_error_text(), word))
		return true;
	tap_diag("said: %s", npu_error_text());
	return false;
}

/* A plan on its own command buffer; NULL with *rc if it is refused */
static struct npu_plan *plan_make(struct rig *r, const struct npu_plan_shape *s,
				  struct npu_cmdbuf **cb, int *rc)
{
	struct npu_plan *p = NULL;
	uint64_t ws = 0;
	uint32_t n = 1;

	*rc = npu_plan_cores(r->dev, s, &n);
	if (!*rc)
		*rc = npu_plan_workspace(r->dev, s, &ws);
	npu_cmdbuf_create(n, cb);
	if (!*rc)
		*rc = npu_plan_create(r->dev, s, *cb, rig_alloc(r, ws + 64), &p);
	return p;
}

static void test_shapes(struct rig *r)
{
	const struct npu_plan_shape good = {
		.m_max = 4, .dim = 64, .n_heads = 4, .n_kv_heads = 2, .head_dim = 16, .n_rot = 16,
		.ffn_dim = 64, .vocab = 64, .kv_capacity = 16, .eps = 0.00001f,
	};
	struct {
		const char *word;
		struct npu_plan_shape s;
	} bad[] = {
		{ "m_max", good }, { "m_max", good }, { "m_reg", good }, { "pos_reg", good },
		{ "cores", good }, { "dim", good }, { "ffn_dim", good }, { "vocab", good },
		{ "n_kv_heads", good }, { "head_dim", good }, { "head_dim", good },
		{ "n_rot", good }, { "n_rot", good }, { "kv_capacity", good },
		{ "kv_capacity", good }, { "n_heads / n_kv_heads", good },
	};
	struct npu_cmdbuf *cb;
	struct npu_plan *p;
	bool all = true;
	int rc;

	bad[0].s.m_max = 0;
	bad[1].s.m_max = NPU_MAX_M + 1;
	bad[2].s.m_reg = NPU_REG_TEMP(0);
	bad[3].s.pos_reg = NPU_REG_COUNT;
	bad[4].s.cores = npu_device_info(r->dev)->cores + 1;
	bad[5].s.dim = NPU_MAX_K + 1;
	bad[6].s.ffn_dim = NPU_MAX_K + 1;
	bad[7].s.vocab = NPU_MAX_N + 1;
	bad[8].s.n_kv_heads = 3;
	bad[9].s.head_dim = 17;
	bad[10].s.head_dim = NPU_MAX_HEAD_DIM + 2;
	bad[11].s.n_rot = 18;
	bad[12].s.n_rot = 3;
	bad[13].s.kv_capacity = 17;
	bad[14].s.kv_capacity = NPU_MAX_KV + 16;
	bad[15].s.n_heads = 65;
	bad[15].s.n_kv_heads = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p = plan_make(r, &bad[i].s, &cb, &rc);
		all &= !p && rc == -EINVAL && said(bad[i].word);
		npu_plan_destroy(p);
		npu_cmdbuf_destroy(cb);
	}
	tap_ok(all, "each field of a shape is refused by name when it is out of range");
	npu_cmdbuf_create(3, &cb);
	tap_ok(npu_plan_create(r->dev, &good, cb, 0x10000, &p) == -EINVAL && said("3 streams") &&
	       npu_plan_create(r->dev, &good, cb, 0x10020, &p) == -EINVAL && said("workspace"),
	       "a command buffer of the wrong number of streams and a misaligned workspace too");
	npu_cmdbuf_destroy(cb);
}

/* out = w * in with one row of the longest kind */
static void test_longest_row(struct rig *r, uint32_t type, const char *name, uint32_t m_max)
{
	struct npu_plan_shape s = { .m_max = m_max, .cores = 2 };
	struct npu_rows in = { .cols = NPU_MAX_K, .stride = NPU_MAX_K };
	struct npu_rows out = { .cols = 5, .stride = 5 };
	struct rng g = { 5 };
	struct npu_cmdbuf *cb;
	struct npu_plan *p;
	struct matrix w;
	float *x, *want = malloc(4 * 5 * m_max);
	double e;
	int rc;

	rig_reset(r);
	matrix_make(r, &g, type, 5, NPU_MAX_K, &w);
	in.va = rig_alloc(r, 4ull * m_max * NPU_MAX_K);
	out.va = rig_alloc(r, 4 * 5 * m_max);
	x = rig_ptr(r, in.va);
	for (uint32_t i = 0; i < m_max * NPU_MAX_K; i++)
		x[i] = rng_float(&g);
	p = plan_make(r, &s, &cb, &rc);
	npu_op_matmul(p, &in, 0, &w.w, &out, 1, false);
	npu_plan_destroy(p);
	rc = rig_run(r, cb, NULL, 0, NULL);
	ref_matmul(&w, x, m_max, want);
	e = nmse(rig_ptr(r, out.va), want, 5 * m_max);
	if (!tap_ok(!rc && e < 0.000001, "matmul %s: rows of %u elements, %u of them", name,
		    NPU_MAX_K, m_max))
		tap_diag("%d, NMSE %g", rc, e);
	free(want);
	matrix_free(&w);
}

static void test_largest_vocabulary(struct rig *r)
{
	struct npu_plan_shape s = { .m_max = 1, .dim = 32, .vocab = NPU_MAX_N, .eps = 0.00001f };
	struct npu_weight w = { .n = NPU_MAX_N, .k = 32, .type = NPU_WTYPE_Q4_0 };
	uint64_t norm, logits, tokens, size = npu_weight_bytes(w.type, w.n, w.k);
	struct npu_cmdbuf *cb;
	struct npu_plan *p;
	float *x;
	int rc;

	rig_reset(r);
	w.va = rig_alloc(r, size);
	/* each scale 1, each nibble 9 and so 1 */
	for (uint64_t at = 0; at < size; at += npu_strip_bytes(w.type, w.k)) {
		uint16_t *half = rig_ptr(r, w.va + at);

		for (int i = 0; i < 16; i++)
			half[i] = 0x3c00;
		memset(half + 16, 0x99, 256);
	}
	norm = rig_alloc(r, 128);
	x = rig_ptr(r, norm);
	for (int i = 0; i < 32; i++)
		x[i] = 1;
	logits = rig_alloc(r, 4ull * w.n);
	tokens = rig_alloc(r, 64);
	*(uint32_t *)rig_ptr(r, tokens) = NPU_MAX_N - 1;
	p = plan_make(r, &s, &cb, &rc);
	npu_op_embed(p, &w, tokens);
	npu_op_logits(p, norm, &w, logits, false);
	npu_plan_destroy(p);
	rc = rig_run(r, cb, NULL, 0, NULL);
	x = rig_ptr(r, logits);
	tap_ok(!rc && x[0] > 31.9f && x[0] < 32.1f && x[NPU_MAX_N - 1] == x[0],
	       "logits of %u tokens, and the last row of the table", NPU_MAX_N);

	p = plan_make(r, &s, &cb, &rc);
	rc = npu_op_sample(p, logits, tokens, norm, 0);
	tap_ok(rc == -E2BIG && said("sample") && said("4194304 bytes of scratchpad"),
	       "sampling from more logits than a scratchpad holds is refused by name");
	tap_ok(npu_cmdbuf_end(cb) == -E2BIG, "and the recording cannot be ended");
	npu_plan_destroy(p);
	npu_cmdbuf_destroy(cb);
}

static void test_too_large(void)
{
	struct npu_plan_shape s = { .m_max = 1, .dim = 65536, .vocab = 16, .eps = 0.00001f };
	struct npu_weight w = { .va = 0x100000, .n = 16, .k = 65536, .type = NPU_WTYPE_F32 };
	struct npu_cmdbuf *cb;
	struct npu_plan *p;
	struct rig r;
	int rc;

	rig_open(&r, "sim:spad_bytes=65536,cores=1,threads=1", 2 * MIB);
	p = plan_make(&r, &s, &cb, &rc);
	tap_ok(p && npu_op_embed(p, &w, 0x100000) == -E2BIG && said("embed") &&
	       said("a core has 65536"),
	       "a row that no scratchpad holds is refused by name");
	npu_plan_destroy(p);
	npu_cmdbuf_destroy(cb);
	p = plan_make(&r, &s, &cb, &rc);
	w.n = 17;
	tap_ok(npu_op_embed(p, &w, 0x100000) == -EINVAL && said("[17][65536], must be [16][65536]"),
	       "a weight of the wrong shape is refused by name");
	npu_plan_destroy(p);
	npu_cmdbuf_destroy(cb);
	rig_close(&r);
}

/* What one job of npu_op_sample draws at position pos */
static uint32_t draw(struct rig *r, uint64_t logits, uint64_t tokens, uint64_t params,
		     uint32_t vocab, uint32_t window, uint32_t pos, uint32_t cores)
{
	struct npu_plan_shape s = { .m_max = 1, .pos_reg = NPU_REG_PARAM(0), .vocab = vocab,
				    .cores = cores };
	const uint64_t param = pos;
	uint64_t used = r->used;
	struct npu_cmdbuf *cb;
	struct npu_plan *p;
	int rc;

	p = plan_make(r, &s, &cb, &rc);
	npu_op_sample(p, logits, tokens, params, window);
	npu_plan_destroy(p);
	rc = rig_run(r, cb, &param, 1, NULL);
	r->used = used;
	return rc ? UINT32_MAX : ((uint32_t *)rig_ptr(r, tokens))[pos + 1];
}

static void test_sample(struct rig *r)
{
	enum { VOCAB = 100, N = 40 };
	uint64_t logits, tokens, params;
	struct npu_sample_params *sp;
	uint32_t *t, other = 0;
	struct rng g = { 9 };
	bool same = true, again = true;
	float *x;

	rig_reset(r);
	logits = rig_alloc(r, 4 * VOCAB);
	tokens = rig_alloc(r, 4 * (N + 2));
	params = rig_alloc(r, sizeof(*sp));
	x = rig_ptr(r, logits);
	t = rig_ptr(r, tokens);
	sp = rig_ptr(r, params);
	for (int i = 0; i < VOCAB; i++)
		x[i] = rng_float(&g);
	x[5] = 4;
	x[9] = 3;
	*sp = (struct npu_sample_params){ .top_p = 1, .repeat_penalty = 2 };
	t[0] = 5;
	t[1] = t[2] = t[3] = 60;
	tap_ok(draw(r, logits, tokens, params, VOCAB, 0, 3, 1) == 5, "greedy takes the largest");
	tap_ok(draw(r, logits, tokens, params, VOCAB, 4, 3, 1) == 9,
	       "a token in the window is penalised");
	tap_ok(draw(r, logits, tokens, params, VOCAB, 3, 3, 1) == 5,
	       "one before the window is not");
	tap_ok(draw(r, logits, tokens, params, VOCAB, 65536, 3, 1) == 9 && x[5] == 4,
	       "a window longer than the sequence sees all of it; logits in memory stay");
	*sp = (struct npu_sample_params){ .top_p = 1, .repeat_penalty = 1, .temperature = 2,
					  .seed = 42 };
	for (uint32_t pos = 0; pos < N; pos++) {
		uint32_t one = draw(r, logits, tokens, params, VOCAB, 0, pos, 1);

		same &= one == draw(r, logits, tokens, params, VOCAB, 0, pos, 4);
		again &= one < VOCAB;
		other += pos && t[pos + 1] != t[pos];
	}
	tap_ok(same && again && other > N / 2,
	       "draws depend on seed and position, not on the number of cores");
}

int main(void)
{
	struct rig r;

	rig_open(&r, "sim:threads=2", 64 * MIB);
	test_shapes(&r);
	test_longest_row(&r, NPU_WTYPE_F32, "f32", 1);
	test_longest_row(&r, NPU_WTYPE_F16, "f16", 2);
	test_longest_row(&r, NPU_WTYPE_Q8_0, "q8_0", 3);
	test_longest_row(&r, NPU_WTYPE_Q4_0, "q4_0", 17);
	test_largest_vocabulary(&r);
	test_too_large();
	test_sample(&r);
	tap_ok(rig_live(&r), "nothing of all this is read across a safe point");
	rig_close(&r);
	return tap_done();
}

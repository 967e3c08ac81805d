// SPDX-License-Identifier: MIT
/* TOPK, PENALIZE, SAMPLE: against their definitions, and the same on every instruction set. */
#include "exp.h"
#include "kernels_test.h"
#include "philox.h"

#define MAX_N	20000

static float x[MAX_N];

/* Descending value, then ascending index; NaN as minus infinity */
static const float *sorted_by;

static float value_of(uint32_t i)
{
	return isnan(sorted_by[i]) ? -INFINITY : sorted_by[i];
}

static int before(const void *a, const void *b)
{
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

	if (value_of(i) != value_of(j))
		return value_of(i) > value_of(j) ? -1 : 1;
	return i < j ? -1 : i > j;
}

static bool topk_is_right(const struct npu_kernels *kern, uint32_t n, uint32_t k)
{
	struct npu_topk_entry *got = alloc(k * sizeof(*got));
	uint32_t *want = alloc(n * sizeof(*want));
	float *in = copy_of(x, n * sizeof(*x));
	void *work = alloc(npu_topk_work_bytes(n, k));
	bool ok = true;

	for (uint32_t i = 0; i < n; i++)
		want[i] = i;
	sorted_by = in;
	qsort(want, n, sizeof(*want), before);
	kern->topk(in, n, k, got, work);
	for (uint32_t i = 0; i < k; i++)
		ok &= got[i].index == want[i] &&
		      npu_float_bits(got[i].value) == npu_float_bits(value_of(want[i]));
	free(got);
	free(want);
	free(in);
	free(work);
	return ok;
}

static void test_topk(const struct npu_kernels *kern)
{
	static const int shares[] = { TAME, SOME, MANY };
	bool ok = true;

	for (int s = 0; s < 3 && ok; s++)
		for (uint32_t i = 0; i < 100 && ok; i++) {
			uint32_t n = i < 40 ? i + 1 : rng_range(1, MAX_N);
			uint32_t k = i % 2 ? rng_range(1, n) : rng_range(1, n < 50 ? n : 50);

			fill(x, n, shares[s]);
			for (uint32_t j = 0; i % 3 == 0 && j < n; j++)
				x[j] = rintf(x[j] * 4.0f);	/* many equal ones */
			ok = topk_is_right(kern, n, k);
		}
	tap_ok(ok, "topk: %s, largest first, equal ones by index, NaN last", kern->name);
	for (uint32_t i = 0; i < MAX_N; i++)
		x[i] = (float)i;
	ok = topk_is_right(kern, MAX_N, 40) && topk_is_right(kern, MAX_N, MAX_N) &&
	     topk_is_right(kern, MAX_N, 2048) && topk_is_right(kern, MAX_N, 2049);
	tap_ok(ok, "topk: %s, ascending input, few and all", kern->name);
}

static void test_penalize(const struct npu_kernels *kern)
{
	struct npu_sample_params p = {
		.repeat_penalty = 1.3f, .frequency_penalty = 0.2f, .presence_penalty = 0.7f,
	};
	bool ok = true;

	for (uint32_t i = 0; i < 60 && ok; i++) {
		uint32_t n = rng_range(1, 500), count = i < 20 ? i : rng_range(0, 1000);
		uint32_t *history = alloc(count * sizeof(*history));
		float *want, *got = alloc(n * sizeof(*got));
		void *work = alloc(npu_penalize_work_bytes(count));

		fill(got, n, i % 2 ? SOME : TAME);
		want = copy_of(got, n * sizeof(*got));
		for (uint32_t j = 0; j < count; j++)
			history[j] = i % 5 ? rng_range(0, n + 3) : (uint32_t)rng();
		for (uint32_t t = 0; t < n; t++) {
			uint32_t times = 0;

			for (uint32_t j = 0; j < count; j++)
				times += history[j] == t;
			if (!times)
				continue;
			want[t] = want[t] > 0 ? want[t] / 1.3f : want[t] * 1.3f;
			want[t] = want[t] - ((float)times * 0.2f + 0.7f);
		}
		kern->penalize(got, n, history, count, &p, work);
		ok = same_floats(got, want, n);
		free(history);
		free(want);
		free(got);
		free(work);
	}
	tap_ok(ok, "penalize: %s, once for repeat and presence, as often as seen for frequency",
	       kern->name);
}

static uint32_t sample(const struct npu_kernels *kern, const float *logits, uint32_t n,
		       const struct npu_sample_params *p, uint64_t counter)
{
	float *in = copy_of(logits, n * sizeof(*in));
	void *work = alloc(npu_sample_work_bytes(n, p));
	uint32_t token = kern->sample(in, n, p, counter, work);

	free(in);
	free(work);
	return token;
}

static struct npu_sample_params random_params(void)
{
	struct npu_sample_params p = {
		.temperature = (float)rng_range(0, 20) * 0.1f,
		.top_p = rng() % 2 ? 1.0f : (float)rng_range(0, 100) * 0.01f,
		.min_p = rng() % 2 ? 0.0f : (float)rng_range(0, 100) * 0.01f,
		.top_k = rng() % 3 ? rng_range(0, 60) : 0,
		.repeat_penalty = 1.0f,
		.seed = rng(),
	};

	return p;
}

static void test_sample_same(const struct npu_kernels *ref, const struct npu_kernels *kern)
{
	bool ok = true;

	for (uint32_t i = 0; i < 600 && ok; i++) {
		struct npu_sample_params p = random_params();
		uint32_t n = i % 20 ? rng_range(1, 700) : rng_range(1, MAX_N), a, b;
		uint64_t counter = rng();

		fill(x, n, i % 3 ? TAME : SOME);
		a = sample(ref, x, n, &p, counter);
		b = sample(kern, x, n, &p, counter);
		ok = a == b && a < n;
	}
	tap_ok(ok, "sample: %s draws the reference's tokens", kern->name);
}

/* Whether each of 2000 draws is below `limit`; counts how often each token came. */
static bool draws_below(const struct npu_kernels *kern, const float *logits, uint32_t n,
			const struct npu_sample_params *p, uint32_t limit, uint32_t *count)
{
	bool ok = true;

	for (uint32_t c = 0; c < 2000; c++) {
		uint32_t t = sample(kern, logits, n, p, c);

		ok &= t < limit;
		if (count)
			count[t]++;
	}
	return ok;
}

static void test_sample_rules(const struct npu_kernels *kern)
{
	const float logits[8] = { 3.0f, 2.5f, 2.0f, 1.0f, 0.0f, -1.0f, -2.0f, -3.0f };
	const float inf[3] = { 1.0f, INFINITY, INFINITY }, none[2] = { NAN, -INFINITY };
	struct npu_sample_params p = { .temperature = 0.0f, .top_p = 1.0f, .seed = 7 };
	uint32_t count[8] = { 0 };
	double sum = 0, worst = 0;

	tap_ok(sample(kern, logits, 8, &p, 1) == 0, "sample: %s, temperature zero is the arg-max",
	       kern->name);
	p.temperature = NAN;
	tap_ok(sample(kern, logits, 8, &p, 1) == 0, "sample: %s, so is a temperature of NaN",
	       kern->name);
	p.temperature = 1.0f;
	tap_ok(sample(kern, inf, 3, &p, 1) == 1 && sample(kern, none, 2, &p, 1) == 0,
	       "sample: %s, infinite logits: the first of the order", kern->name);
	p.top_k = 3;
	tap_ok(draws_below(kern, logits, 8, &p, 3, NULL), "sample: %s, top_k keeps k", kern->name);
	p.top_k = 0;
	p.top_p = 0.7f;		/* shares: .457 .277 .168 .062 ... */
	tap_ok(draws_below(kern, logits, 8, &p, 2, NULL),
	       "sample: %s, top_p keeps the shortest prefix", kern->name);
	p.top_p = 0.74f;
	tap_ok(draws_below(kern, logits, 8, &p, 3, NULL) &&
	       !draws_below(kern, logits, 8, &p, 2, NULL),
	       "sample: %s, top_p keeps the one that crosses it", kern->name);
	p.top_p = 0.0f;
	tap_ok(draws_below(kern, logits, 8, &p, 1, NULL), "sample: %s, top_p zero keeps one",
	       kern->name);
	p.top_p = 1.0f;
	p.min_p = 0.36f;	/* exp(-1) = .368 */
	tap_ok(draws_below(kern, logits, 8, &p, 3, NULL), "sample: %s, min_p is a share of the best",
	       kern->name);
	p.min_p = 0.0f;
	p.temperature = 1.5f;
	draws_below(kern, logits, 8, &p, 8, count);
	for (int i = 0; i < 8; i++)
		sum += exp((double)logits[i] / 1.5);
	for (int i = 0; i < 8; i++)
		worst = fmax(worst, fabs(count[i] / 2000.0 - exp((double)logits[i] / 1.5) / sum));
	tap_ok(worst < 0.04, "sample: %s, frequencies follow the tempered softmax", kern->name);
}

/* SAMPLE step by step as the specification numbers them; order is TOPK's, n its length */
static uint32_t by_definition(const float *logits, const uint32_t *order, uint32_t n,
			      const struct npu_sample_params *p, uint64_t counter)
{
	uint32_t keep = p->top_k && p->top_k < n ? p->top_k : n, i;
	float *e = alloc(n * sizeof(*e));
	float best = logits[order[0]], sum = 0, whole = 0, goal;

	for (i = 0; i < keep; i++) {
		e[i] = npu_exp(logits[order[i]] - best);
		whole += e[i];
	}
	if (p->top_p < 1) {
		for (i = 0; i < keep; i++) {
			sum += e[i];
			if (sum >= p->top_p * whole)
				break;
		}
		keep = i < keep ? i + 1 : keep;
	}
	if (p->min_p > 0) {
		for (i = 1; i < keep && e[i] >= p->min_p; i++)
			;
		keep = i;
	}
	whole = sum = 0;
	for (i = 0; i < keep; i++) {
		e[i] = npu_exp((logits[order[i]] - best) / p->temperature);
		whole += e[i];
	}
	goal = (float)(npu_philox(p->seed, counter) >> 8) * 0x1p-24f * whole;
	for (i = 0; i < keep; i++) {
		sum += e[i];
		if (sum > goal)
			break;
	}
	free(e);
	return order[i < keep ? i : keep - 1];
}

/* Many candidates, so that the last bit of a sum or a quotient decides some draws */
static void test_definition(const struct npu_kernels *kern)
{
	static uint32_t order[MAX_N];
	static const struct npu_sample_params p[] = {
		{ .temperature = 1.7f, .top_p = 1.0f, .seed = 11 },
		{ .temperature = 0.6f, .top_p = 0.9f, .seed = 12 },
		{ .temperature = 1.3f, .top_p = 0.99f, .min_p = 0.01f, .top_k = 9000, .seed = 13 },
		{ .temperature = 3.0f, .top_p = 1.0f, .min_p = 0.2f, .seed = 14 },
	};
	bool ok = true;

	fill(x, MAX_N, TAME);
	for (uint32_t i = 0; i < MAX_N; i++)
		order[i] = i;
	sorted_by = x;
	qsort(order, MAX_N, sizeof(*order), before);
	for (uint32_t c = 0; c < 800 && ok; c++)
		ok = sample(kern, x, MAX_N, &p[c % 4], c) ==
		     by_definition(x, order, MAX_N, &p[c % 4], c);
	tap_ok(ok, "sample: %s draws the tokens of the definition", kern->name);
}

/* Equal logits make sums whole numbers, so that "at least" and "greater" differ. */
static void test_sample_ties(const struct npu_kernels *kern)
{
	static const float equal[1 << 14];
	const uint32_t n = 1 << 14;
	struct npu_sample_params p = { .temperature = 1.0f, .top_p = 0.5f, .seed = 3 };
	uint32_t exact = 0;
	bool ok = true;

	tap_ok(draws_below(kern, equal, 4, &p, 2, NULL),
	       "sample: %s, top_p stops where its share is met exactly", kern->name);
	p.top_p = 1.0f;
	p.min_p = 1.0f;
	tap_ok(!draws_below(kern, equal, 4, &p, 3, NULL),
	       "sample: %s, min_p keeps what meets it exactly", kern->name);
	p.min_p = 0.0f;
	for (uint64_t c = 0; exact < 4; c++) {
		uint32_t random = npu_philox(p.seed, c) >> 8;

		if (random % (1 << 10) == 0) {	/* u * n is a whole number */
			ok &= sample(kern, equal, n, &p, c) == random >> 10;
			exact++;
		}
	}
	tap_ok(ok, "sample: %s, a draw that meets a sum exactly takes the next", kern->name);
}

static void test_golden(const struct npu_kernels *ref)
{
	uint32_t tokens[256];

	rng_seed(500);
	for (int i = 0; i < 256; i++) {
		struct npu_sample_params p = random_params();

		p.temperature += 0.1f;
		fill(x, 300, TAME);
		tokens[i] = sample(ref, x, 300, &p, rng());
	}
	tap_ok(golden(hash_bytes(tokens, sizeof(tokens)), 0x013592b8ab41ee8c), "sample: golden tokens");
}

static void test_work(void)
{
	bool ok = true;

	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t n = rng_range(1, i % 2 ? 5000 : NPU_MAX_N), k = rng_range(1, n);
		struct npu_sample_params p = { .top_k = i % 3 ? k : 0 };
		size_t limit = 16 * (size_t)n + 1024;

		ok &= npu_topk_work_bytes(n, k) <= limit && npu_sample_work_bytes(n, &p) <= limit &&
		      npu_penalize_work_bytes(n) <= limit;
	}
	tap_ok(ok, "work of selection is never more than 16 n + 1024 bytes");
}

int main(void)
{
	const struct npu_kernels *kern[NPU_ISA_COUNT];
	int n = implementations(kern);

	rng_seed(47);
	each_fast("sample", test_sample_same);
	for (int i = 0; i < n; i++) {
		test_topk(kern[i]);
		test_penalize(kern[i]);
		test_sample_rules(kern[i]);
		test_definition(kern[i]);
		test_sample_ties(kern[i]);
	}
	test_golden(kern[0]);
	test_work();
	return tap_done();
}

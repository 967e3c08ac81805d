// SPDX-License-Identifier: MIT
/*
 * How fast the kernels are on this host: for each instruction set, on one and two threads,
 * beside the bandwidth that plain reads get in the same run. Numbers are host time.
 *
 * usage: kernels-bench [isa] [part of a case's name]
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "half.h"
#include "kernels.h"

#define THREADS		2
#define WINDOW_NS	60e6	/* one sample takes at least this */
#define SAMPLES		5	/* the best counts: other load only makes it slower */
#define COLD_BYTES	(384u << 20)	/* far more than any cache */

struct bench;

/* One thread's share: part `id` of `threads`; does it once. */
typedef void (*bench_fn)(const struct bench *b, int id, int threads);

struct bench {
	const struct npu_kernels *kern;
	bench_fn fn;
	uint32_t wtype, m, n, k, positions;
	uint8_t *w;		/* copies of the matrix or cache, one after the other */
	size_t bytes;		/* of a copy */
	size_t copies;
	void *act;
	float *out;
	float *scratch[THREADS];
	double macs;		/* of one pass over all copies; 0: only bytes count */
};

struct worker {
	const struct bench *b;
	int id, threads, rounds;
	pthread_barrier_t *start, *end;
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void *must(void *p)
{
	if (!p) {
		fputs("kernels-bench: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static void *alloc(size_t bytes)
{
	void *p = must(aligned_alloc(1 << 21, NPU_ALIGN_UP(bytes + 8192, (size_t)1 << 21)));

	madvise(p, bytes + 8192, MADV_HUGEPAGE);	/* as a guest's memory is */
	memset(p, 0, bytes + 8192);
	return p;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	pthread_barrier_wait(w->start);
	for (int i = 0; i < w->rounds; i++)
		w->b->fn(w->b, w->id, w->threads);
	pthread_barrier_wait(w->end);
	return NULL;
}

/* Nanoseconds of one pass, the best of SAMPLES */
static double measure(const struct bench *b, int threads)
{
	double best = 1e30;
	int rounds = 1;

	for (int sample = 0; sample < SAMPLES;) {
		pthread_barrier_t start, end;
		struct worker w[THREADS];
		pthread_t thread[THREADS];
		double ns;

		pthread_barrier_init(&start, NULL, (unsigned int)threads + 1);
		pthread_barrier_init(&end, NULL, (unsigned int)threads + 1);
		for (int i = 0; i < threads; i++) {
			w[i] = (struct worker){ b, i, threads, rounds, &start, &end };
			if (pthread_create(&thread[i], NULL, work, &w[i])) {
				fputs("kernels-bench: cannot start a thread\n", stderr);
				exit(1);
			}
		}
		pthread_barrier_wait(&start);
		ns = now_ns();
		pthread_barrier_wait(&end);
		ns = now_ns() - ns;
		for (int i = 0; i < threads; i++)
			pthread_join(thread[i], NULL);
		pthread_barrier_destroy(&start);
		pthread_barrier_destroy(&end);
		if (ns < WINDOW_NS) {
			rounds = (int)(rounds * (1.5 * WINDOW_NS / (ns + 1e4))) + 1;
			continue;
		}
		best = ns / rounds < best ? ns / rounds : best;
		sample++;
	}
	return best;
}

static void report(const struct bench *b, const char *name)
{
	printf("%-8s %-26s", b->kern ? b->kern->name : "", name);
	for (int threads = 1; threads <= THREADS; threads++) {
		double ns = measure(b, threads);

		printf("  %d thread%s", threads, threads > 1 ? "s" : " ");
		if (b->macs > 0)
			printf(" %7.1f GMAC/s", b->macs / ns);
		else
			printf("               ");
		printf(" %6.1f GB/s", (double)(b->bytes * b->copies) / ns);
	}
	putchar('\n');
	fflush(stdout);
}

/* Plain reads: what memory gives */
static void read_all(const struct bench *b, int id, int threads)
{
	const uint64_t *p = (const void *)b->w;
	size_t n = b->bytes / 8, end = n / threads * (id + 1);
	uint64_t sum[8] = { 0 };

	for (size_t i = n / threads * id; i + 8 <= end; i += 8) {
		__builtin_prefetch(p + i + 512);
		for (int j = 0; j < 8; j++)
			sum[j] += p[i + j];
	}
	for (int j = 1; j < 8; j++)
		sum[0] += sum[j];
	b->out[id * 16] = (float)sum[0];
}

static void matmul(const struct bench *b, int id, int threads)
{
	uint32_t strips = b->n / 16;
	uint32_t s0 = strips * id / threads, s1 = strips * (id + 1) / threads;

	for (size_t c = 0; c < b->copies; c++) {
		struct npu_matmul a = {
			.act = b->act, .lda = b->k,
			.w = b->w + c * b->bytes + s0 * npu_strip_bytes(b->wtype, b->k),
			.out = b->out + 16 * (size_t)s0, .ldo = b->n, .m = b->m,
			.strips = s1 - s0, .k = b->k,
		};

		b->kern->matmul[b->wtype](&a);
	}
}

static void bench_matmul(const struct npu_kernels *kern, uint32_t wtype, const char *type,
			 uint32_t m, uint32_t n, uint32_t k)
{
	struct bench b = {
		.kern = kern, .fn = matmul, .wtype = wtype, .m = m, .n = n, .k = k,
		.bytes = npu_weight_bytes(wtype, n, k),
	};
	char name[64];

	b.copies = m < 16 ? COLD_BYTES / b.bytes + 1 : 1;
	b.w = alloc(b.bytes * b.copies);
	if (wtype == NPU_WTYPE_Q8_0 || wtype == NPU_WTYPE_Q4_0)
		for (size_t i = 0; i < b.bytes * b.copies; i++)
			b.w[i] = (uint8_t)(i * 37 % 59);
	b.act = alloc((size_t)m * 4 * k);
	b.out = alloc((size_t)m * n * sizeof(float));
	b.macs = (double)m * n * k * (double)b.copies;
	snprintf(name, sizeof(name), "%s m=%u %ux%u", type, m, n, k);
	report(&b, name);
	free(b.w);
	free(b.act);
	free(b.out);
}

/* Each KV head at every copy of the cache; heads are divided among the threads. */
#define KV_HEADS	8
#define N_REP		4
#define HEAD_DIM	64

static void attn(const struct bench *b, int id, int threads)
{
	size_t half = (size_t)b->positions * HEAD_DIM * 2;

	for (size_t c = 0; c < b->copies * KV_HEADS; c++) {
		struct npu_attn_block blocks[64];
		const uint8_t *kv = b->w + c * 2 * half;
		struct npu_attn a = {
			.q = b->act, .q_stride = N_REP * HEAD_DIM,
			.out = b->scratch[id], .out_stride = N_REP * HEAD_DIM,
			.head_dim = HEAD_DIM, .n_rep = N_REP, .m = b->m,
			.pos = b->positions - b->m, .scale = 0.125f,
		};

		if ((int)(c % threads) != id)
			continue;
		a.state = a.out + (size_t)b->m * N_REP * HEAD_DIM;
		a.work = a.state + (size_t)b->m * N_REP * NPU_ATTN_STATE_FLOATS(HEAD_DIM);
		for (uint32_t s = 0; s < b->positions / 16; s++) {
			blocks[s / 4].k[s % 4] = kv + s * 32 * HEAD_DIM;
			blocks[s / 4].v[s % 4] = kv + half + s * 32 * HEAD_DIM;
		}
		npu_attn_run(b->kern, &a, blocks);
	}
}

static void bench_attn(const struct npu_kernels *kern, uint32_t m)
{
	struct bench b = { .kern = kern, .fn = attn, .m = m, .positions = 2048 };
	char name[64];

	b.bytes = 2ull * b.positions * HEAD_DIM * 2 * KV_HEADS;
	b.copies = m < 16 ? COLD_BYTES / b.bytes : 1;
	b.w = alloc(b.bytes * b.copies);
	b.act = alloc((size_t)m * N_REP * HEAD_DIM * 4);
	for (int i = 0; i < THREADS; i++)
		b.scratch[i] = alloc(((size_t)m * N_REP * (2 * HEAD_DIM + 16) +
				      NPU_ATTN_WORK_FLOATS(HEAD_DIM)) * 4);
	b.macs = 2.0 * m * N_REP * HEAD_DIM * b.positions * KV_HEADS * (double)b.copies;
	snprintf(name, sizeof(name), "attn m=%u 2048 positions", m);
	report(&b, name);
	free(b.w);
	free(b.act);
	for (int i = 0; i < THREADS; i++)
		free(b.scratch[i]);
}

/* The small ones: one thread's worth of rows each, in cache */
static void small(const struct bench *b, int id, int threads)
{
	float *x = b->scratch[id], *y = x + b->n, *z = y + b->n;
	struct npu_sample_params p = { .temperature = 0.8f, .top_p = 0.95f, .top_k = 40 };

	(void)threads;
	switch (b->k) {
	case 0:
		b->kern->rmsnorm(y, b->n, x, b->n, x, 1e-5f, b->n, 1);
		break;
	case 1:
		b->kern->ew(NPU_EW_SILU_MUL, 0, y, b->n, x, b->n, x, b->n, b->n, 1);
		break;
	case 2:
		b->kern->softmax(y, b->n, x, b->n, 1.0f, b->n, 1);
		break;
	case 3:
		b->kern->quant_q8(y, x, b->n, b->n, 1);
		break;
	case 4:
		b->kern->rope(y, b->n, x, b->n / 64, 64, 64, 1, 1);
		break;
	case 5:
		y[0] = (float)b->kern->argmax(x, b->n);
		break;
	case 6:
		b->kern->topk(x, b->n, 40, (void *)y, z);
		break;
	case 7:
		y[0] = (float)b->kern->sample(x, b->n, &p, 1, z);
		break;
	}
}

static void bench_small(const struct npu_kernels *kern, const char *filter)
{
	static const char *const names[] = {
		"rmsnorm 8192", "silu_mul 8192", "softmax 8192", "quant q8 8192", "rope 8192",
		"argmax 131072", "topk 40 of 131072", "sample 40 of 131072",
	};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct bench b = {
			.kern = kern, .fn = small, .k = i, .n = i < 5 ? 8192 : 131072,
		};
		uint32_t seed = 1;
		double ns;

		if (filter && !strstr(names[i], filter))
			continue;
		b.scratch[0] = alloc(4 * 4 * (size_t)b.n);
		for (uint32_t j = 0; j < b.n; j++) {
			seed = seed * 1664525 + 1013904223;
			b.scratch[0][j] = (float)(int32_t)seed * 0x1p-29f;
		}
		ns = measure(&b, 1);
		printf("%-8s %-26s  1 thread  %9.2f us\n", kern->name, names[i], ns / 1000);
		fflush(stdout);
		free(b.scratch[0]);
	}
}

static void bench_read(void)
{
	struct bench b = { .fn = read_all, .bytes = COLD_BYTES, .copies = 1 };

	b.w = alloc(b.bytes);
	b.out = alloc(4096);
	report(&b, "memory, plain reads");
	free(b.w);
	free(b.out);
}

static bool wanted(const char *name, const char *filter)
{
	return !filter || strstr(name, filter);
}

static void bench_isa(const struct npu_kernels *kern, const char *filter)
{
	static const char *const types[NPU_WTYPE_COUNT] = { "f32", "f16", "q8_0", "q4_0" };
	static const uint32_t rows[] = { 1, 4, 128, 512 };

	for (uint32_t t = NPU_WTYPE_COUNT; t-- > 0;) {
		if (!wanted(types[t], filter))
			continue;
		for (int i = 0; i < 4; i++) {
			/* the reference would take minutes */
			if (kern->isa == NPU_ISA_SCALAR && rows[i] > 4)
				continue;
			bench_matmul(kern, t, types[t], rows[i], 2048, 2048);
			if (kern->isa != NPU_ISA_SCALAR)
				bench_matmul(kern, t, types[t], rows[i], 8192, 2048);
		}
	}
	if (wanted("attn", filter)) {
		bench_attn(kern, 1);
		if (kern->isa != NPU_ISA_SCALAR)
			bench_attn(kern, 128);
	}
	bench_small(kern, filter);
}

int main(int argc, char **argv)
{
	int only = argc > 1 ? npu_isa_parse(argv[1]) : -1;
	const char *filter = argc > 2 ? argv[2] : NULL;

	if (argc > 1 && (only < 0 || !npu_kernels_get(only))) {
		fprintf(stderr, "kernels-bench: %s: not an instruction set of this host "
			"(best, scalar, avx2, avx512)\n", argv[1]);
		return 1;
	}
	bench_read();
	for (int isa = NPU_ISA_COUNT - 1; isa >= NPU_ISA_SCALAR; isa--)
		if (npu_kernels_get(isa) &&
		    (only < 0 || npu_kernels_get(isa) == npu_kernels_get(only)))
			bench_isa(npu_kernels_get(isa), filter);
	return 0;
}

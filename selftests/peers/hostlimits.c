// SPDX-License-Identifier: MIT
/*
 * hostlimits - what this host can do at best: the yardstick of the benchmarks
 *
 *   hostlimits [-t THREADS] [-s MILLISECONDS] [-m MEBIBYTES]
 *
 * Prints one JSON object: streaming read bandwidth, and the peak of 8-bit
 * integer multiply-accumulates, each with 1 and with THREADS threads (2), each
 * over the given time (300 ms). The buffer (512 MiB) is far larger than a cache.
 */
#include <errno.h>
#include <immintrin.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64
#define SLICE_BYTES (1u << 20)

struct worker {
	pthread_t thread;
	const struct limit *limit;
	pthread_barrier_t *start;
	const uint8_t *buffer;	/* this thread's share */
	size_t bytes;
	uint64_t run_ns;
	uint64_t done;		/* out: bytes or multiply-accumulates */
	uint64_t took_ns;	/* out */
};

/* One thing to measure: @run does a slice of it and returns how much that was. */
struct limit {
	const char *key;	/* in the JSON, before _1t and _Nt */
	const char *isa;
	uint64_t (*run)(const uint8_t *slice);
};

static volatile int32_t sink;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((target("avx512f")))
static uint64_t read_avx512(const uint8_t *p)
{
	__m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;

	for (size_t i = 0; i < SLICE_BYTES; i += 256) {
		a = _mm512_or_si512(a, _mm512_load_si512(p + i));
		b = _mm512_or_si512(b, _mm512_load_si512(p + i + 64));
		c = _mm512_or_si512(c, _mm512_load_si512(p + i + 128));
		d = _mm512_or_si512(d, _mm512_load_si512(p + i + 192));
	}
	a = _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d));
	sink = _mm512_reduce_or_epi32(a);
	return SLICE_BYTES;
}

__attribute__((target("avx2")))
static uint64_t read_avx2(const uint8_t *p)
{
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;

	for (size_t i = 0; i < SLICE_BYTES; i += 128) {
		a = _mm256_or_si256(a, _mm256_load_si256((const __m256i *)(p + i)));
		b = _mm256_or_si256(b, _mm256_load_si256((const __m256i *)(p + i + 32)));
		c = _mm256_or_si256(c, _mm256_load_si256((const __m256i *)(p + i + 64)));
		d = _mm256_or_si256(d, _mm256_load_si256((const __m256i *)(p + i + 96)));
	}
	a = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
	sink = _mm256_movemask_epi8(a);
	return SLICE_BYTES;
}

/*
 * Ten chains hide the latency of the multiply. They are ten variables, as an
 * array of them would live in memory and its stores be what is measured; the
 * empty statement keeps the compiler from folding rounds into one.
 */
#define CHAINS 10
#define MAC_ROUNDS 20000
#define EACH_CHAIN(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9)
#define ROUND(step) do { EACH_CHAIN(step) } while (0)

#define VNNI_ZERO(j) __m512i acc##j = _mm512_setzero_si512();
#define VNNI_STEP(j) \
	acc##j = _mm512_dpbusd_epi32(acc##j, u, s); \
	__asm__("" : "+v"(acc##j));
#define VNNI_SUM(j) sum = _mm512_add_epi32(sum, acc##j);

__attribute__((target("avx512f,avx512vnni")))
static uint64_t mac_vnni(const uint8_t *p)
{
	__m512i u = _mm512_load_si512(p);
	__m512i s = _mm512_load_si512(p + 64);
	__m512i sum = _mm512_setzero_si512();

	EACH_CHAIN(VNNI_ZERO)
	for (int i = 0; i < MAC_ROUNDS; i++)
		ROUND(VNNI_STEP);
	EACH_CHAIN(VNNI_SUM)
	sink = _mm512_reduce_add_epi32(sum);
	return (uint64_t)MAC_ROUNDS * CHAINS * 64;
}

/* Without VNNI: multiply pairs to 16 bits, pairs of those to 32, add. */
#define AVX2_ZERO(j) __m256i acc##j = _mm256_setzero_si256();
#define AVX2_STEP(j) \
	pair = _mm256_maddubs_epi16(u, s); \
	__asm__("" : "+x"(pair)); \
	acc##j = _mm256_add_epi32(acc##j, _mm256_madd_epi16(pair, ones));
#define AVX2_SUM(j) sum = _mm256_add_epi32(sum, acc##j);

__attribute__((target("avx2")))
static uint64_t mac_avx2(const uint8_t *p)
{
	const __m256i ones = _mm256_set1_epi16(1);
	__m256i u = _mm256_load_si256((const __m256i *)p);
	__m256i s = _mm256_load_si256((const __m256i *)(p + 64));
	__m256i sum = _mm256_setzero_si256();
	__m256i pair;

	EACH_CHAIN(AVX2_ZERO)
	for (int i = 0; i < MAC_ROUNDS; i++)
		ROUND(AVX2_STEP);
	EACH_CHAIN(AVX2_SUM)
	sink = _mm256_extract_epi32(sum, 0);
	return (uint64_t)MAC_ROUNDS * CHAINS * 32;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	size_t at = 0;
	uint64_t start;

	pthread_barrier_wait(w->start);
	start = now_ns();
	do {
		w->done += w->limit->run(w->buffer + at);
		at = at + 2 * SLICE_BYTES <= w->bytes ? at + SLICE_BYTES : 0;
		w->took_ns = now_ns() - start;
	} while (w->took_ns < w->run_ns);
	return NULL;
}

/* Returns units a nanosecond: GB/s or G multiply-accumulates/s. */
static double measure(const struct limit *limit, int threads, const uint8_t *buffer,
		      size_t bytes, uint64_t run_ns)
{
	struct worker w[MAX_THREADS] = { 0 };
	size_t share = bytes / (size_t)threads / SLICE_BYTES * SLICE_BYTES;
	pthread_barrier_t start;
	double rate = 0;

	pthread_barrier_init(&start, NULL, (unsigned int)threads);
	for (int i = 0; i < threads; i++) {
		w[i].limit = limit;
		w[i].start = &start;
		w[i].buffer = buffer + (size_t)i * share;
		w[i].bytes = share;
		w[i].run_ns = run_ns;
		if (pthread_create(&w[i].thread, NULL, work, &w[i])) {
			fputs("hostlimits: no more threads\n", stderr);
			exit(1);
		}
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		rate += (double)w[i].done / (double)w[i].took_ns;
	}
	pthread_barrier_destroy(&start);
	return rate;
}

static long number(const char *name, const char *text, long min, long max)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*end || end == text || v < min || v > max) {
		fprintf(stderr, "hostlimits: %s takes %ld..%ld, not '%s'\n", name, min, max, text);
		exit(2);
	}
	return v;
}

int main(int argc, char **argv)
{
	struct limit limits[2] = {
		{ "read_gb_s", "avx2", read_avx2 },
		{ "int8_gmac_s", "avx2", mac_avx2 },
	};
	int threads = 2;
	long ms = 300;
	size_t bytes = (size_t)512 << 20;
	uint8_t *buffer;
	int c;

	while ((c = getopt(argc, argv, "t:s:m:")) != -1) {
		switch (c) {
		case 't': threads = (int)number("-t", optarg, 1, MAX_THREADS); break;
		case 's': ms = number("-s", optarg, 1, 60000); break;
		case 'm': bytes = (size_t)number("-m", optarg, MAX_THREADS, 65536) << 20; break;
		default:
			fputs("usage: hostlimits [-t THREADS] [-s MS] [-m MIB]\n", stderr);
			return 2;
		}
	}
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2")) {
		fputs("hostlimits: this host has no AVX2; nothing to compare with\n", stderr);
		return 1;
	}
	if (__builtin_cpu_supports("avx512f"))
		limits[0] = (struct limit){ "read_gb_s", "avx512", read_avx512 };
	if (__builtin_cpu_supports("avx512vnni"))
		limits[1] = (struct limit){ "int8_gmac_s", "avx512-vnni", mac_vnni };

	buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer == MAP_FAILED) {
		fprintf(stderr, "hostlimits: %zu MiB of memory: %s\n", bytes >> 20,
			strerror(errno));
		return 1;
	}
	madvise(buffer, bytes, MADV_HUGEPAGE);
	memset(buffer, 1, bytes);

	putchar('{');
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct limit *l = &limits[i];
		uint64_t run_ns = (uint64_t)ms * 1000000u;

		printf("\"%s_1t\": %.2f, ", l->key, measure(l, 1, buffer, bytes, run_ns));
		printf("\"%s_%dt\": %.2f, ", l->key, threads,
		       measure(l, threads, buffer, bytes, run_ns));
		printf("\"%s_isa\": \"%s\", ", l->key, l->isa);
	}
	printf("\"threads\": %d}\n", threads);
	return 0;
}

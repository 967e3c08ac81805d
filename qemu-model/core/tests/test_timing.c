// SPDX-License-Identifier: MIT
/*
 * Modelled time against cases worked out by hand. The test machine has round numbers: a cycle is
 * 1 ns, a byte takes 16 ps on a channel and 8 ps of the DRAM, so one or two transfers run at
 * their channels' rate and four share the DRAM at 32 ps a byte each.
 */
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "timing.h"

static const struct npu_machine round_machine = {
	.cores = 4,
	.spad_bytes = 1 << 20,
	.fifo_bytes = 64 << 10,		/* pieces of 16 KiB */
	.macs = 4096,
	.matrix_mhz = 1000,
	.vector_bits = 1024,
	.dma_channels = 2,
	.dma_bytes = 50,
	.dma_mhz = 1250,
	.dram_mbps = 125000,
	.dram_efficiency = 1000,
	.dram_ns = 100,
	.contexts = 1,
	.queues = 1,
	.fj_mac_int8 = 100,
	.fj_mac_float = 700,
	.fj_vector_op = 1000,
	.fj_dram_byte = 40000,
	.fj_spad_byte = 2000,
	.idle_mw = 50,
};

/* Bytes that take 1 us on a channel */
#define US_BYTES	62500u

static struct npu_timing *timing;
static struct npu_done done;

static void begin(unsigned int streams)
{
	npu_timing_begin(timing, streams);
}

static void put(unsigned int core, struct npu_work w)
{
	npu_timing_log(timing, core, &w);
}

#define W(...) ((struct npu_work){ __VA_ARGS__ })

static uint64_t end(unsigned int streams)
{
	unsigned int i;

	for (i = 0; i < streams; i++)
		put(i, W(.opcode = NPU_OP_END));
	memset(&done, 0, sizeof(done));
	npu_timing_end(timing, &done);
	return done.model_ns;
}

static bool takes(uint64_t ns, uint64_t wanted)
{
	if (ns == wanted)
		return true;
	tap_diag("%llu ns, wanted %llu", (unsigned long long)ns, (unsigned long long)wanted);
	return false;
}

static void test_transfers(void)
{
	unsigned int i;

	begin(1);
	tap_ok(takes(end(1), 4), "time: a job of nothing but END takes one issue slot");

	begin(1);
	put(0, W(.read_bytes = US_BYTES));
	tap_ok(takes(end(1), 100 + 1000) && done.busy_ns[NPU_ENGINE_DMA] == 1000,
	       "time: a load takes the latency and its bytes at the channel's rate");

	begin(1);
	put(0, W(.read_bytes = US_BYTES));
	put(0, W(.write_bytes = US_BYTES));
	tap_ok(takes(end(1), 100 + 2000), "time: the next transfer of a channel hides its latency");

	begin(1);
	put(0, W(.read_bytes = US_BYTES, .signal = 1));
	put(0, W(.write_bytes = US_BYTES, .wait = 1));
	tap_ok(takes(end(1), 2 * (100 + 1000)), "time: a transfer that waits for another pays it");

	begin(1);
	put(0, W(.stream_bytes = 1 << 20));
	tap_ok(takes(end(1), 100 + 16778), "time: a single stream runs at its channel's rate");

	begin(2);
	for (i = 0; i < 2; i++)
		put(i, W(.stream_bytes = 1 << 20));
	tap_ok(takes(end(2), 100 + 16778), "time: two streams that the DRAM can serve do not meet");

	begin(4);
	for (i = 0; i < 4; i++)
		put(i, W(.stream_bytes = 1 << 20));
	tap_ok(takes(end(4), 100 + 33555) && done.busy_ns[NPU_ENGINE_STREAM] == 4 * 33554 + 2,
	       "time: four streams share the DRAM alike");

	begin(4);
	put(0, W(.stream_bytes = 1 << 20));
	for (i = 1; i < 4; i++)
		put(i, W(.stream_bytes = 1 << 19));
	tap_ok(takes(end(4), 100 + 16778 + 8388),
	       "time: what others leave goes to the one that runs on");

	begin(2);
	for (i = 0; i < 2; i++) {
		put(i, W(.stream_bytes = 1 << 20));
		put(i, W(.read_bytes = 1 << 20));
	}
	tap_ok(takes(end(2), 100 + 33555), "time: loads and streams of two cores contend");

	begin(1);
	put(0, W(.read_bytes = 3ull << 28));
	tap_ok(takes(end(1), 100 + 12884902), "time: a transfer of any size is one transfer");
}

/* Four tiles through two buffers: load, compute 10 us; tokens 0, 1 full, 2, 3 free. */
static uint64_t tiles(bool overlap)
{
	unsigned int i;

	begin(1);
	for (i = 0; i < 4; i++) {
		unsigned int b = overlap ? i % 2 : 0;

		put(0, W(.read_bytes = US_BYTES, .wait = 4 << b, .signal = 1 << b));
		put(0, W(.matrix_cycles = 10000, .wait = 1 << b, .signal = 4 << b));
	}
	return end(1);
}

static void test_tokens(void)
{
	tap_ok(takes(tiles(false), 4 * 11100),
	       "tokens: with one buffer load and compute alternate");
	tap_ok(takes(tiles(true), 1100 + 4 * 10000) && done.busy_ns[NPU_ENGINE_MATRIX] == 40000,
	       "tokens: with two buffers only the first load shows");

	begin(1);
	put(0, W(.vector_cycles = 500, .signal = 1));
	put(0, W(.matrix_cycles = 300));
	put(0, W(.vector_cycles = 100, .wait = 1, .signal = 1));
	put(0, W(.matrix_cycles = 1000, .wait = 1));
	tap_ok(takes(end(1), 500 + 100 + 1000), "tokens: a wait is for the last earlier signal");

	begin(1);
	put(0, W(.matrix_cycles = 1000, .wait = 0xffff));
	tap_ok(takes(end(1), 1000), "tokens: a token that nobody has signalled does not hold");

	begin(1);
	put(0, W(.matrix_cycles = 1000));
	put(0, W(.vector_cycles = 1000));
	tap_ok(takes(end(1), 1004), "tokens: without them the engines run side by side");

	begin(1);
	put(0, W(.vector_cycles = 1000, .signal = 2));
	put(0, W(.wait = 2, .opcode = NPU_OP_BREAK));
	put(0, W(.matrix_cycles = 1000));
	tap_ok(takes(end(1), 1000 + 4 + 1000),
	       "tokens: a control command that waits holds the issue");
}

static void test_stream(void)
{
	/* the last piece, 13348 of 62500 bytes, takes 21.364 ns in the matrix engine */
	begin(1);
	put(0, W(.vector_cycles = 1000, .signal = 1));
	put(0, W(.stream_bytes = US_BYTES, .matrix_cycles = 100, .wait = 1));
	tap_ok(takes(end(1), 4 + 100 + 1000 + 22),
	       "stream: it runs ahead of the tokens of its command");

	begin(1);
	put(0, W(.vector_cycles = 1000, .signal = 1));
	put(0, W(.stream_bytes = US_BYTES, .matrix_cycles = 100, .wait = 1, .stream_ordered = 1));
	tap_ok(takes(end(1), 1000 + 100 + 1000 + 22), "stream: an ordered one does not");

	begin(1);
	put(0, W(.vector_cycles = 1000000, .signal = 1));
	put(0, W(.stream_bytes = 640 << 10, .matrix_cycles = 40, .wait = 1));
	tap_ok(takes(end(1), 1000000 + 1 + 100 + 9438 + 1),
	       "stream: it runs ahead by what the FIFO holds and no further");

	begin(1);
	put(0, W(.stream_bytes = 640 << 10, .matrix_cycles = 1000000));
	tap_ok(takes(end(1), 1000000 + 100) && done.busy_ns[NPU_ENGINE_STREAM] == 10486,
	       "stream: a slow matrix engine hides all but the first latency");

	begin(1);
	put(0, W(.stream_bytes = 1 << 20, .matrix_cycles = 10));
	put(0, W(.stream_bytes = 1 << 20, .vector_cycles = 10));
	tap_ok(takes(end(1), 100 + 33555), "stream: two commands follow without a gap");
}

static void test_window(void)
{
	unsigned int i, before;

	for (before = 31; before <= 32; before++) {
		begin(1);
		put(0, W(.vector_cycles = 100000));
		for (i = 1; i < before; i++)
			put(0, W(.opcode = NPU_OP_MARK));
		put(0, W(.read_bytes = US_BYTES));
		tap_ok(takes(end(1), before == 31 ? 100004 : 101100),
		       "window: a load %u commands behind a long one %s", before,
		       before == 31 ? "overlaps it" : "waits for it");
	}
}

static void test_barrier(void)
{
	unsigned int i;

	begin(2);
	put(0, W(.vector_cycles = 5000));
	put(1, W(.vector_cycles = 1000));
	for (i = 0; i < 2; i++) {
		put(i, W(.opcode = NPU_OP_BARRIER, .barrier = 1, .cores = 3));
		put(i, W(.vector_cycles = 1000));
	}
	tap_ok(takes(end(2), 5000 + 64 + 1000), "barrier: all go on together after the last");

	begin(2);
	put(0, W(.vector_cycles = 5000));
	for (i = 0; i < 2; i++) {
		put(i, W(.opcode = NPU_OP_BARRIER, .barrier = 1, .cores = 3));
		put(i, W(.stream_bytes = US_BYTES, .matrix_cycles = 100));
	}
	tap_ok(takes(end(2), 5000 + 64 + 100), "barrier: weights are streamed ahead across it");

	begin(2);
	put(0, W(.vector_cycles = 5000));
	for (i = 0; i < 2; i++) {
		put(i, W(.opcode = NPU_OP_BARRIER, .barrier = 1, .cores = 3));
		put(i, W(.stream_bytes = US_BYTES, .matrix_cycles = 100, .stream_ordered = 1));
	}
	tap_ok(takes(end(2), 5064 + 100 + 1000 + 22), "barrier: an ordered stream is not");

	begin(3);
	put(2, W(.vector_cycles = 9000));
	for (i = 0; i < 2; i++)
		put(i, W(.opcode = NPU_OP_BARRIER, .barrier = 1, .cores = 3));
	put(0, W(.vector_cycles = 1000));
	tap_ok(takes(end(3), 9000), "barrier: cores that are not in the mask do not take part");

	begin(4);
	for (i = 0; i < 4000; i++)
		put(i % 4, W(.opcode = NPU_OP_BARRIER, .barrier = 1, .cores = 15));
	tap_ok(takes(end(4), 1000 * 64 + 4), "barrier: a thousand in a row");

	begin(2);
	put(0, W(.vector_cycles = 100));
	put(0, W(.opcode = NPU_OP_BARRIER, .barrier = 1, .cores = 3));
	put(0, W(.vector_cycles = 100));
	put(1, W(.vector_cycles = 100));
	memset(&done, 0, sizeof(done));
	npu_timing_end(timing, &done);
	tap_ok(takes(done.model_ns, 100), "barrier: one that is never met ends its stream there");
}

static void test_energy(void)
{
	begin(2);
	put(0, W(.matrix_cycles = 1000, .macs_int8 = 4096000, .spad_bytes = 1000));
	put(1, W(.matrix_cycles = 1000, .macs_float = 1000, .vector_ops = 500));
	put(1, W(.read_bytes = 100, .signal = 1));
	put(1, W(.write_bytes = 200));
	put(1, W(.stream_bytes = 300));
	end(2);
	tap_ok(done.macs == 4097000 && done.read_bytes == 400 && done.write_bytes == 200,
	       "energy: what is counted is the sum of what was logged");
	tap_ok(done.model_ns == 1000 && done.energy_pj == 409600 + 2000 + 700 + 500 + 24000 + 50000,
	       "energy: each count at its price, and the static power over the time");
}

static void test_cycles(void)
{
	const struct npu_machine *m = &npu_machine_default;
	struct npu_machine tiny = *m;
	uint64_t scores, cycles;

	tap_ok(npu_cycles_matmul(m, NPU_WTYPE_Q4_0, 16, 16, 16) == 1 + 64 &&
	       npu_cycles_matmul(m, NPU_WTYPE_Q8_0, 1, 4096, 4096) == 65536 + 64 &&
	       npu_cycles_matmul(m, NPU_WTYPE_Q8_0, 16, 4096, 4096) == 65536 + 64 &&
	       npu_cycles_matmul(m, NPU_WTYPE_Q8_0, 17, 4096, 4096) == 2 * 65536 + 64,
	       "cycles: 16 rows of activations take the time of one");
	tap_ok(npu_cycles_matmul(m, NPU_WTYPE_F16, 16, 4096, 4096) == 4 * 65536 + 64 &&
	       npu_cycles_matmul(m, NPU_WTYPE_F32, 16, 4096, 4096) == 4 * 65536 + 64,
	       "cycles: floats run at a quarter of the rate");
	tap_ok(!npu_cycles_matmul(m, NPU_WTYPE_F16, 0, 16, 16) && !npu_cycles_vector(m, 0, 4),
	       "cycles: nothing costs nothing");
	tap_ok(npu_cycles_vector(m, 32, 1) == 17 && npu_cycles_vector(m, 33, 4) == 24,
	       "cycles: a vector of 1024 bits has 32 lanes");
	tap_ok(npu_cycles_attn(m, 1, 4, 2047, 128, &scores) ==
	       4 * 128 * 8 + 4 * 8 * 128 + 128 && scores == 8192,
	       "cycles: attention multiplies scores and values");
	tap_ok(npu_cycles_attn(m, 3, 1, 0, 64, &scores) == 2 * 4 * 4 * 4 + 128 && scores == 6,
	       "cycles: attention is causal, in blocks of 64 positions");
	tiny.macs = 1;
	cycles = npu_cycles_matmul(&tiny, NPU_WTYPE_F32, NPU_MAX_M, NPU_MAX_N, NPU_MAX_K);
	tap_ok(cycles == 64 + (4ull << (12 + 20 + 17)), "cycles: the largest shape does not wrap");
}

/* A layer of a model with 4 GB of weights in 4 bits, decoded by all cores of a machine. */
static void decode_layer(const struct npu_machine *m, unsigned int core)
{
	static const uint32_t shapes[][2] = {
		{ 6144, 4096 }, { 4096, 4096 }, { 28672, 4096 }, { 4096, 14336 }
	};
	unsigned int i;

	for (i = 0; i < 4; i++) {
		uint32_t n = shapes[i][0] / m->cores, k = shapes[i][1];

		put(core, W(.opcode = NPU_OP_QUANT, .signal = 1, .wait = 4,
			    .vector_cycles = npu_cycles_vector(m, k, NPU_VOPS_QUANT)));
		put(core, W(.opcode = NPU_OP_MATMUL, .wait = 1, .signal = 2,
			    .stream_bytes = npu_weight_bytes(NPU_WTYPE_Q4_0, n, k),
			    .matrix_cycles = npu_cycles_matmul(m, NPU_WTYPE_Q4_0, 1, n, k),
			    .macs_int8 = (uint64_t)n * k));
		put(core, W(.opcode = NPU_OP_STORE, .wait = 2, .write_bytes = n * 4));
		put(core, W(.opcode = NPU_OP_BARRIER, .barrier = 1, .cores = (1 << m->cores) - 1));
		put(core, W(.opcode = NPU_OP_LOAD, .read_bytes = shapes[i][0] * 4, .signal = 4));
	}
}

static void test_machines(void)
{
	const struct npu_machine *m = &npu_machine_default;
	struct npu_timing *saved = timing;
	unsigned int core, i;
	double share;

	timing = npu_timing_create(m);
	begin(m->cores);
	for (core = 0; core < m->cores; core++)
		for (i = 0; i < 8; i++)
			decode_layer(m, core);
	end(m->cores);
	share = (double)done.read_bytes / done.model_ns / (m->dram_mbps / 1000.);
	tap_ok(share > 0.87 && share <= 0.9,
	       "machine: the default one decodes a model of 8B weights at 0.87 to 0.90 of its "
	       "DRAM's peak");

	begin(m->cores);
	for (core = 0; core < m->cores; core++) {
		put(core, W(.stream_bytes = npu_weight_bytes(NPU_WTYPE_Q4_0, 3584, 4096),
			    .matrix_cycles = npu_cycles_matmul(m, NPU_WTYPE_Q4_0, 512, 3584, 4096),
			    .macs_int8 = 512ull * 3584 * 4096));
	}
	end(m->cores);
	share = done.macs / (done.model_ns / 1000. * m->matrix_mhz * m->macs * m->cores);
	tap_ok(share > 0.98 && share <= 1,
	       "machine: the default one multiplies 512 rows at 0.98 to 1 of its peak");
	npu_timing_destroy(timing);

	m = &npu_machine_small;
	timing = npu_timing_create(m);
	begin(1);
	decode_layer(m, 0);
	end(1);
	share = (double)done.read_bytes / done.model_ns / (m->dram_mbps / 1000.);
	tap_ok(share > 0.87 && share <= 0.9, "machine: so does the small one");
	npu_timing_destroy(timing);
	timing = saved;
}

/* Numbers for random programs: xorshift, the same on every host. */
static uint64_t random_state;

static uint64_t rnd(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static struct npu_work random_work(void)
{
	struct npu_work w = {
		.wait = rnd(2) ? rnd(65536) & rnd(65536) : 0,
		.signal = rnd(2) ? rnd(65536) & rnd(65536) : 0,
		.stream_ordered = rnd(4) == 0,
	};

	switch (rnd(8)) {
	case 0:
		w.read_bytes = rnd(100000);
		break;
	case 1:
		w.write_bytes = rnd(100000);
		break;
	case 2:
	case 3:
		w.stream_bytes = rnd(rnd(4) ? 50000 : 1000000);
		w.matrix_cycles = rnd(rnd(2) ? 1000 : 20000);
		break;
	case 4:
		w.stream_bytes = rnd(100000);
		w.vector_cycles = rnd(3000);
		w.matrix_cycles = rnd(2) ? rnd(3000) : 0;
		w.write_bytes = rnd(3) ? 0 : rnd(10000);
		break;
	case 5:
		w.stream_bytes = rnd(10000);
		break;
	case 6:
		w.vector_cycles = rnd(5000);
		break;
	}
	return w;
}

struct sums {
	uint64_t dma, stream, matrix, vector;
};

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Least time of what the cores have to do, ns: no engine and no wire faster than it is. */
static uint64_t roofline(const struct npu_machine *m, const struct sums *s, unsigned int streams)
{
	double channel = m->dma_bytes * m->dma_mhz / 1000.;
	double bytes = 0, least = 0, ns;
	unsigned int i;

	for (i = 0; i < streams; i++) {
		bytes += s[i].dma + s[i].stream;
		ns = s[i].stream / channel;
		least = ns > least ? ns : least;
		ns = s[i].dma / (channel * (m->dma_channels > 1 ? m->dma_channels - 1 : 1));
		least = ns > least ? ns : least;
		ns = most(s[i].matrix, s[i].vector) * 1e3 / m->matrix_mhz;
		least = ns > least ? ns : least;
	}
	ns = bytes / (m->dram_mbps / 1000. * m->dram_efficiency / 1000);
	return ns > least ? ns : least;
}

/*
 * Plays the random program of a seed. cut: calls advance at random places. Each core gets its
 * share of commands between barriers in random order, as from threads.
 */
static void random_program(const struct npu_machine *m, uint64_t seed, bool cut, struct sums *s)
{
	struct npu_work w[256];
	unsigned int owner[256];
	unsigned int n, phase, i, core;

	random_state = seed * 0x9e3779b97f4a7c15ull + 1;
	memset(s, 0, sizeof(*s) * NPU_MAX_CORES);
	npu_timing_begin(timing, m->cores);
	for (phase = 0; phase < 6; phase++) {
		n = rnd(256);
		for (i = 0; i < n; i++) {
			w[i] = random_work();
			core = rnd(m->cores);
			owner[i] = core;
			s[core].dma += w[i].read_bytes + w[i].write_bytes;
			s[core].stream += w[i].stream_bytes;
			s[core].matrix += w[i].matrix_cycles;
			s[core].vector += w[i].vector_cycles;
		}
		for (i = 0; i < n; i++) {
			npu_timing_log(timing, owner[i], &w[i]);
			/* not from rnd(): the program must not depend on it */
			if (cut && (i * 2654435761u >> 7) % 3 == 0)
				npu_timing_advance(timing);
		}
		for (core = 0; core < m->cores; core++) {
			put(core, W(.opcode = NPU_OP_BARRIER, .barrier = 1,
				    .cores = (1 << m->cores) - 1));
			if (cut)
				npu_timing_advance(timing);
		}
	}
	for (core = 0; core < m->cores; core++)
		put(core, W(.opcode = NPU_OP_END));
	memset(&done, 0, sizeof(done));
	npu_timing_end(timing, &done);
}

static void test_properties(void)
{
	struct npu_timing *saved = timing;
	struct sums s[NPU_MAX_CORES];
	unsigned int faster = 0, different = 0, idle = 0, cores, i;

	for (i = 0; i < 300; i++) {
		struct npu_machine m = i % 2 ? npu_machine_default : round_machine;
		struct npu_done whole;

		cores = 1 + i % 5;
		m.cores = cores;
		m.dma_channels = 1 + i % 3;
		if (i % 7 == 0)
			m.fifo_bytes = 4096;
		if (i % 11 == 0)
			m.dram_ns = 0;
		timing = npu_timing_create(&m);
		random_program(&m, i, false, s);
		whole = done;
		faster += whole.model_ns < roofline(&m, s, cores);
		idle += whole.busy_ns[NPU_ENGINE_MATRIX] > whole.model_ns * cores ||
			whole.busy_ns[NPU_ENGINE_VECTOR] > whole.model_ns * cores ||
			whole.busy_ns[NPU_ENGINE_STREAM] > whole.model_ns * cores;
		random_program(&m, i, true, s);
		different += memcmp(&whole, &done, sizeof(done)) != 0;
		npu_timing_destroy(timing);
	}
	timing = saved;
	tap_ok(!faster, "any program: no engine, channel or DRAM is faster than it is");
	tap_ok(!idle, "any program: no engine is busy for longer than the job takes");
	tap_ok(!different, "any program: where the replay is called changes nothing");
}

static void test_backlog(void)
{
	unsigned int i, refused = 0;
	uint64_t ns;

	begin(2);
	for (i = 0; i < 5 * NPU_TIMING_BACKLOG; i++)
		refused += npu_timing_log(timing, 0, &W(.vector_cycles = 10)) != 0;
	npu_timing_advance(timing);
	for (i = 0; i < NPU_TIMING_BACKLOG; i++) {
		put(0, W(.vector_cycles = 10));
		if (i % 65536 == 0)
			npu_timing_advance(timing);
	}
	ns = end(2);
	tap_ok(refused == NPU_TIMING_BACKLOG && ns == (5ull * NPU_TIMING_BACKLOG) * 10,
	       "log: a core that is far ahead is refused at last, and goes on after a replay");
}

int main(void)
{
	timing = npu_timing_create(&round_machine);
	test_transfers();
	test_tokens();
	test_stream();
	test_window();
	test_barrier();
	test_energy();
	test_cycles();
	test_machines();
	test_properties();
	test_backlog();
	npu_timing_destroy(timing);
	return tap_done();
}

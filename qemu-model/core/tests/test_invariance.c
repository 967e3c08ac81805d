/* SPDX-License-Identifier: MIT */
/*
 * The same program on any number of host threads gives the same bytes and the same modelled
 * figures; split over any number of cores, the same bytes.
 */
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "npu_formats.h"
#include "tap.h"

enum { ROWS = 5, N = 512, K = 512, OUT_BYTES = ROWS * N * 4 };

struct result {
	uint8_t out[OUT_BYTES];
	struct npu_done done;
};

/*
 * Some layers of norm, quantisation, a matrix whose rows are split over @cores, silu; everybody
 * reads the whole result of the layer before.
 */
static void layers(struct cb *cb, uint32_t cores, uint32_t wtype, uint64_t x, uint64_t w,
		   uint64_t y, uint64_t ones)
{
	uint32_t part = N / cores;

	for (uint32_t core = 0; core < cores; core++) {
		struct npu_cmd_dma dma = {
			.hdr.opcode = NPU_OP_LOAD, .spad_stride = 4 * K, .addr.base = x,
			.mem_stride = 4 * K, .row_bytes = 4 * K, .rows.imm = ROWS,
		};
		struct npu_cmd_rmsnorm norm = {
			.hdr.opcode = NPU_OP_RMSNORM,
			.dst = 1 << 16,
			.dst_stride = K,
			.src_stride = K,
			.weight = 5 << 16,
			.cols = K,
			.eps = 0.00001f,
			.rows.imm = ROWS,
		};
		struct npu_cmd_quant quant = {
			.hdr.opcode = NPU_OP_QUANT, .dst = 2 << 16, .src = 1 << 16, .src_stride = K,
			.cols = K, .atype = NPU_ATYPE_Q8, .rows.imm = ROWS,
		};
		struct npu_cmd_matmul mm = {
			.hdr.opcode = NPU_OP_MATMUL, .wtype = (uint8_t)wtype, .atype = NPU_ATYPE_Q8,
			.n = part, .k = K, .act = 2 << 16, .out = 3 << 16, .ldo = part,
			.w.base = w + core * npu_weight_bytes(wtype, part, K), .m.imm = ROWS,
		};
		struct npu_cmd_ew ew = {
			.hdr.opcode = NPU_OP_EW, .op = NPU_EW_SILU_MUL, .dst = 3 << 16,
			.dst_stride = part, .a = 3 << 16, .a_stride = part, .b = 3 << 16,
			.b_stride = part, .cols = part, .rows.imm = ROWS,
		};

		cb_stream(cb);
		cb_load(cb, 5 << 16, ones, 4 * K);
		cb_loop(cb, 20, 0, 31);
		CB_ADD(cb, dma);
		cb_barrier(cb, (1u << cores) - 1);
		CB_ADD(cb, norm);
		CB_ADD(cb, quant);
		CB_ADD(cb, mm);
		CB_ADD(cb, ew);
		dma.hdr.opcode = NPU_OP_STORE;
		dma.spad = 3 << 16;
		dma.spad_stride = 4 * part;
		dma.row_bytes = 4 * part;
		dma.addr.base = x + 4 * core * part;
		CB_ADD(cb, dma);
		dma.addr.base = y + 4 * core * part;
		CB_ADD(cb, dma);
		cb_barrier(cb, (1u << cores) - 1);
		cb_op(cb, NPU_OP_LOOP_END);
	}
}

static void run(struct result *r, uint32_t machine_cores, uint32_t cores, unsigned int threads,
		enum npu_isa isa, uint32_t wtype)
{
	struct npu_machine m = npu_machine_default;
	uint64_t x, w, y, ones, state = 7;
	uint32_t unit = wtype == NPU_WTYPE_Q4_0 ? 2 * NPU_Q4_0_BLOCK_BYTES
						: 2 * NPU_Q8_0_BLOCK_BYTES;
	struct host *h;
	struct queue q;
	struct vm vm;
	uint8_t *px, *pw, *py;
	float *p1;
	struct cb cb;

	m.cores = machine_cores;
	h = host_new_isa(&m, 64, threads, isa);
	host_boot(h);
	vm_new(&vm, h, 0);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	x = vm_alloc(&vm, OUT_BYTES, &px);
	w = vm_alloc(&vm, npu_weight_bytes(wtype, N, K), &pw);
	y = vm_alloc(&vm, OUT_BYTES, &py);
	ones = vm_alloc(&vm, 4 * K, &p1);
	for (int i = 0; i < K; i++)
		p1[i] = 1;
	for (int i = 0; i < ROWS * K; i++)
		((float *)px)[i] = (float)(host_random(&state) >> 20) - 1000;
	/* Pairs of blocks: 32 scales around 1/128 of either sign, then any values */
	for (uint64_t i = 0; i < npu_weight_bytes(wtype, N, K); i += 2) {
		uint16_t v = (uint16_t)host_random(&state);

		if (i % unit < 64)
			v = 0x2000 | (v & 0x83ff);
		memcpy(pw + i, &v, 2);
	}
	cb_init(&cb);
	layers(&cb, cores, wtype, x, w, y, ones);
	r->done = cb_run(&cb, &vm, &q, NULL, 0);
	cb_free(&cb);
	memcpy(r->out, py, OUT_BYTES);
	host_free(h);
}

/* Values that say something: nearly all differ from their neighbour, all are finite. */
static bool worth_comparing(const struct result *r)
{
	unsigned int differ = 0;
	float v[ROWS * N];

	memcpy(v, r->out, OUT_BYTES);
	for (int i = 1; i < ROWS * N; i++) {
		if (!isfinite(v[i]))
			return false;
		differ += v[i] != v[i - 1];
	}
	return differ > ROWS * N * 9 / 10;
}

static bool same_figures(const struct npu_done *a, const struct npu_done *b)
{
	return a->model_ns == b->model_ns && a->energy_pj == b->energy_pj &&
	       !memcmp(a->busy_ns, b->busy_ns, sizeof(a->busy_ns)) &&
	       a->read_bytes == b->read_bytes && a->write_bytes == b->write_bytes &&
	       a->macs == b->macs && a->commands == b->commands;
}

static void test_threads(const struct result *base, uint32_t wtype)
{
	struct result *r = malloc(sizeof(*r));
	bool bytes = true, figures = true;

	for (unsigned int threads = 2; threads <= 8; threads += threads < 4 ? 1 : 4) {
		for (int i = 0; i < 3; i++) {
			run(r, 4, 4, threads, NPU_ISA_BEST, wtype);
			bytes &= !memcmp(r->out, base->out, OUT_BYTES);
			figures &= same_figures(&r->done, &base->done);
		}
	}
	tap_ok(bytes, "wtype %u: 1 to 8 threads give the same bytes", wtype);
	tap_ok(figures, "wtype %u: 1 to 8 threads give the same modelled figures", wtype);
	free(r);
}

/* A host program that rounds in its own way, flushing small numbers to zero */
static void test_rounding(const struct result *base, uint32_t wtype)
{
	struct result *r = malloc(sizeof(*r));
	fenv_t env;

	fegetenv(&env);
	fesetround(FE_UPWARD);
#if defined(__x86_64__)
	__builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
	run(r, 4, 4, 2, NPU_ISA_BEST, wtype);
	fesetenv(&env);
	tap_ok(!memcmp(r->out, base->out, OUT_BYTES) && same_figures(&r->done, &base->done),
	       "wtype %u: the host program's rounding mode does not matter", wtype);
	free(r);
}

static void test_cores(const struct result *base, uint32_t wtype)
{
	struct result *r = malloc(sizeof(*r));
	bool bytes = true;

	for (uint32_t cores = 1; cores <= 16; cores *= 2) {
		run(r, cores, cores, 2, NPU_ISA_BEST, wtype);
		bytes &= !r->done.fault && !memcmp(r->out, base->out, OUT_BYTES);
	}
	tap_ok(bytes, "wtype %u: 1 to 16 cores give the same bytes", wtype);
	free(r);
}

int main(void)
{
	static const uint32_t wtypes[] = { NPU_WTYPE_Q4_0, NPU_WTYPE_Q8_0 };
	static const enum npu_isa isas[] = { NPU_ISA_SCALAR, NPU_ISA_AVX2, NPU_ISA_AVX512 };
	struct result *base = malloc(sizeof(*base)), *r = malloc(sizeof(*r));

	for (size_t i = 0; i < sizeof(wtypes) / sizeof(wtypes[0]); i++) {
		bool bytes = true;
		unsigned int tried = 0;

		run(base, 4, 4, 1, NPU_ISA_BEST, wtypes[i]);
		tap_ok(!base->done.fault && base->done.model_ns && worth_comparing(base),
		       "wtype %u: the program runs and gives values worth comparing", wtypes[i]);
		test_threads(base, wtypes[i]);
		test_cores(base, wtypes[i]);
		test_rounding(base, wtypes[i]);
		for (size_t j = 0; j < sizeof(isas) / sizeof(isas[0]); j++) {
			struct npu_core_config c = {
				.machine = npu_machine_default, .isa = isas[j], .threads = 1,
			};
			struct npu_host_ops none = { 0 };
			struct npu_core *core;

			if (npu_core_create(&c, &none, NULL, &core, NULL))
				continue;
			npu_core_destroy(core);
			run(r, 4, 4, 2, isas[j], wtypes[i]);
			bytes &= !memcmp(r->out, base->out, OUT_BYTES) &&
				 same_figures(&r->done, &base->done);
			tried++;
		}
		tap_ok(bytes && tried, "wtype %u: %u instruction sets give the same bytes",
		       wtypes[i], tried);
	}
	free(base);
	free(r);
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
/*
 * What the command processor itself costs on this host: an empty job, a command, a phase, and
 * how fast weights stream through MATMUL. All numbers are host time.
 *
 * usage: core-bench [threads]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host.h"
#include "npu_formats.h"

#define NS 1e9

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / NS;
}

/* Runs a buffer @n times, one after the other; the best time of a run, and of the device in it. */
static void time_jobs(struct cb *cb, struct vm *vm, struct queue *q, int n, bool poll,
		      double *best, double *device)
{
	struct npu_done done;
	uint64_t va;

	cb_end(cb, 0);
	va = cb_place(cb, vm);
	*best = 1e9;
	*device = 1e9;
	for (int i = 0; i < n; i++) {
		double t = now();

		queue_put(q, va, cb->size, NULL, 0);
		queue_ring(q);
		/* Long jobs need all of the host, short ones all of our attention. */
		while (poll && __atomic_load_n(&q->host->status->done_tail, __ATOMIC_ACQUIRE) ==
				       q->host->done_head)
			;
		host_done(q->host, &done, 1000);
		t = now() - t;
		if (done.fault) {
			fprintf(stderr, "fault %u at 0x%x\n", done.fault, done.fault_offset);
			exit(1);
		}
		*best = t < *best ? t : *best;
		t = (double)done.host_ns / NS;
		*device = t < *device ? t : *device;
	}
	cb_free(cb);
}

static void bench_empty(struct vm *vm, struct queue *q)
{
	double best, device;
	struct cb cb;

	cb_init(&cb);
	time_jobs(&cb, vm, q, 1000, true, &best, &device);
	printf("empty job: %.1f us from doorbell to record, %.1f us in the device\n", best * 1e6,
	       device * 1e6);
}

/* @n commands a core, a barrier every @phase of them */
static void bench_commands(struct vm *vm, struct queue *q, int kind, int streams, int n, int phase,
			   const char *name)
{
	double best, device;
	struct cb cb;

	cb_init(&cb);
	for (int s = 0; s < streams; s++) {
		cb_stream(&cb);
		for (int i = 0; i < n; i++) {
			if (phase && i % phase == phase - 1)
				cb_barrier(&cb, (1u << streams) - 1);
			else if (kind == 0)
				cb_alu(&cb, NPU_ALU_ADD, 25, 25, 0, 1);
			else
				cb_ew(&cb, NPU_EW_ADD, 4096, 8192, 12288, 64, 1);
		}
	}
	time_jobs(&cb, vm, q, 300, true, &best, &device);
	printf("%s: %.1f ns a command in the device, %.1f us a job\n", name,
	       device / streams / n * NS, best * 1e6);
}

/* Weights of a 1b shape: @n rows of @k in Q4_0, split over the cores, @m rows of activations */
static void bench_matmul(struct vm *vm, struct queue *q, uint32_t cores, uint32_t m, uint32_t n,
			 uint32_t k, bool scattered)
{
	uint64_t bytes = npu_weight_bytes(NPU_WTYPE_Q4_0, n, k), va, bus = vm->host->next;
	double best, device;
	struct cb cb;

	va = scattered ? vm_alloc_scattered(vm, bytes) : vm_alloc(vm, bytes, NULL);
	/* Touched, or all of it would be the host's one page of zeros. */
	memset(host_ptr(vm->host, bus), 1, bytes);
	cb_init(&cb);
	for (uint32_t c = 0; c < cores; c++) {
		struct npu_cmd_matmul mm = {
			.hdr.opcode = NPU_OP_MATMUL, .wtype = NPU_WTYPE_Q4_0, .atype = NPU_ATYPE_Q8,
			.n = n / cores, .k = k, .out = 1u << 20, .ldo = n / cores,
			.w.base = va + bytes / cores * c, .m.imm = m,
		};

		cb_stream(&cb);
		CB_ADD(&cb, mm);
	}
	time_jobs(&cb, vm, q, 20, false, &best, &device);
	printf("matmul q4_0 m=%u n=%u k=%u on %u cores%s: %.2f GB/s, %.1f GMAC/s\n", m, n, k, cores,
	       scattered ? ", scattered pages" : "", (double)bytes / device / NS,
	       (double)m * n * k / device / NS);
}

int main(int argc, char **argv)
{
	unsigned int threads = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	struct host *h = host_new(&npu_machine_default, 2048, threads);
	struct queue q;
	struct vm vm;

	host_boot(h);
	vm_new(&vm, h, 0);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	bench_empty(&vm, &q);
	bench_commands(&vm, &q, 0, 4, 1000, 0, "alu");
	bench_commands(&vm, &q, 1, 4, 1000, 0, "ew of 64");
	bench_commands(&vm, &q, 1, 4, 1000, 10, "ew of 64, a barrier in ten");
	bench_commands(&vm, &q, 1, 4, 250, 25, "ew of 64, 250 commands, a barrier in 25");
	bench_matmul(&vm, &q, 4, 1, 65536, 2048, false);
	bench_matmul(&vm, &q, 4, 1, 65536, 2048, true);
	bench_matmul(&vm, &q, 1, 1, 65536, 2048, false);
	bench_matmul(&vm, &q, 4, 128, 4096, 2048, false);
	bench_matmul(&vm, &q, 1, 128, 2048, 2048, false);
	host_free(h);
	return 0;
}

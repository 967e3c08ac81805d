/* SPDX-License-Identifier: MIT */
/*
 * Modelled time and energy of a job, beside its values. While a core's stream is executed its
 * commands are logged, in program order, each core into its own log (so host threads do not
 * meet); npu_timing_advance() then replays the logs of all cores up to where they stand in an
 * event queue: the result does not depend on host threads. See chapter "Time" of the specification.
 */
#ifndef NPU_CORE_TIMING_H
#define NPU_CORE_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "npu_cmd.h"
#include "npu_core.h"
#include "npu_fw_msg.h"

/* What one command asks of the machine. Zero fields cost nothing. */
struct npu_work {
	uint16_t wait;			/* tokens, as in struct npu_cmd_hdr */
	uint16_t signal;
	uint8_t opcode;
	uint8_t barrier;		/* a BARRIER with mask `cores` */
	uint16_t cores;
	uint32_t stream_ordered : 1;	/* may not run ahead of the tokens (KV, RELAYOUT) */
	uint32_t pad : 31;
	uint64_t matrix_cycles;
	uint64_t vector_cycles;
	uint64_t read_bytes;		/* DMA channel: LOAD, GATHER */
	uint64_t write_bytes;		/* DMA channel: STORE, KV_STORE */
	uint64_t stream_bytes;		/* stream channel, read */
	uint64_t spad_bytes;		/* scratchpad traffic, for energy */
	uint64_t macs_int8;
	uint64_t macs_float;
	uint64_t vector_ops;		/* lane operations, for energy */
};

struct npu_timing;

/* State for jobs of up to `cores` streams on machine @m (copied). NULL: no memory. */
struct npu_timing *npu_timing_create(const struct npu_machine *m);
void npu_timing_destroy(struct npu_timing *t);

/* Starts a job with @n_streams streams at modelled time zero. */
void npu_timing_begin(struct npu_timing *t, unsigned int n_streams);

/*
 * Logs a command of @core. Only the thread that executes that core calls it. -ENOMEM leaves the
 * log as it was.
 */
int npu_timing_log(struct npu_timing *t, unsigned int core, const struct npu_work *w);

/*
 * Replays what is logged as far as it is decided: a core whose log has run out before its END
 * could still ask for the DRAM. Called while no stream runs; where it is called does not change
 * the result. Memory is bounded: past NPU_TIMING_BACKLOG commands of one core the others are not
 * waited for.
 */
#define NPU_TIMING_BACKLOG	(1u << 18)
void npu_timing_advance(struct npu_timing *t);

/* Modelled ns since the job's start of what has been replayed, at least. */
uint64_t npu_timing_now(const struct npu_timing *t);

/* The clock of matrix and vector engine from the next job on: 1..matrix_mhz of the machine. */
void npu_timing_set_mhz(struct npu_timing *t, uint32_t mhz);

/*
 * Ends the job: replays the rest, then model_ns, busy_ns, read_bytes, write_bytes, macs and
 * energy_pj into @out. A barrier that is not met any more (the job has faulted) ends its stream.
 */
void npu_timing_end(struct npu_timing *t, struct npu_done *out);

/*
 * Closed-form cycles of each operator on machine @m; shapes as in npu_cmd.h. Used by the command
 * processor to fill struct npu_work, and by libnpu's tiler to choose between plans.
 */
uint64_t npu_cycles_matmul(const struct npu_machine *m, uint32_t wtype, uint64_t rows, uint64_t n,
			   uint64_t k);
uint64_t npu_cycles_vector(const struct npu_machine *m, uint64_t elements, unsigned int ops);

/*
 * ATTN of @rows query rows, @n_rep heads each, behind @pos positions. Matrix cycles; the vector
 * engine is busy for npu_cycles_vector(m, scores, NPU_VOPS_ATTN) beside it, and *scores * 2 *
 * head_dim are its float multiply-accumulates.
 */
uint64_t npu_cycles_attn(const struct npu_machine *m, uint64_t rows, uint64_t n_rep,
			 uint64_t pos, uint64_t head_dim, uint64_t *scores);

/* Lane operations of the vector engine for one element, by operator */
enum npu_vops {
	NPU_VOPS_COPY		= 1,	/* EW but SILU_MUL; CONVERT, ARGMAX, WROWS, ... */
	NPU_VOPS_RELAYOUT	= 1,	/* of 32 bits of payload */
	NPU_VOPS_ROPE		= 3,
	NPU_VOPS_RMSNORM	= 4,
	NPU_VOPS_QUANT		= 4,
	NPU_VOPS_PENALIZE	= 4,	/* of an entry of the history */
	NPU_VOPS_TOPK		= 4,
	NPU_VOPS_SOFTMAX	= 8,
	NPU_VOPS_SILU_MUL	= 8,
	NPU_VOPS_SAMPLE		= 8,
	NPU_VOPS_ATTN		= 8,	/* of a score */
};

#endif

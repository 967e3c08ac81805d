/* SPDX-License-Identifier: MIT */
/*
 * Modelled time and energy of a job, beside its values. While a core's stream is executed its
 * commands are logged, in program order, each core into its own log (so host threads do not
 * meet); npu_timing_advance() then replays the logs of all cores up to where they stand in an event
 * queue: the result does not depend on host threads. See chapter "Time" of the specification.
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
	uint32_t stream_ordered : 1;	/* the stream may not run ahead of the tokens (KV, RELAYOUT) */
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

/* Logs a command of @core. Only the thread that executes that core calls it. -ENOMEM leaves the log as it was. */
int npu_timing_log(struct npu_timing *t, unsigned int core, const struct npu_work *w);

/* Replays what is logged; called while no stream runs. Bounded memory: the logs are empty afterwards. */
void npu_timing_advance(struct npu_timing *t);

/* Ends the job (after a last advance): model_ns, busy_ns, bytes, macs, energy into @out. */
void npu_timing_end(struct npu_timing *t, struct npu_done *out);

/*
 * Closed-form cycles of each operator on machine @m; shapes as in npu_cmd.h. Used by the command processor
 * to fill struct npu_work, and by libnpu's tiler to choose between plans.
 */
uint64_t npu_cycles_matmul(const struct npu_machine *m, uint32_t wtype, uint64_t rows, uint64_t n, uint64_t k);
uint64_t npu_cycles_vector(const struct npu_machine *m, uint64_t elements, unsigned int ops);

#endif

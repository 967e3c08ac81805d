/* SPDX-License-Identifier: MIT */
/*
 * libnpu: devices, buffers, address spaces, queues, command buffers, and the tiler that turns
 * operators of a language model into command buffers. One API, two transports: `drm` (a device
 * node) and `sim` (the device model in this process).
 *
 * Every function that can fail returns 0 or a negative errno and leaves one line for people in
 * npu_error_text(). Errors of every call: -EINVAL an argument out of range (the text names it, its
 * value and the limit), -ENOMEM, -ENODEV the device is gone. The others stand at each call.
 *
 * Threads: objects of one device may be used from several threads at once, a single command buffer
 * or plan from one at a time. Nothing here is async-signal-safe.
 *
 * Lifetime: children hold their parents. Destroying an object that others still use is allowed and
 * takes effect with the last of them. Destroying NULL does nothing.
 */
#ifndef NPU_H
#define NPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "npu_cmd.h"
#include "npu_formats.h"
#include "npu_fw_msg.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LIBNPU_VERSION_MAJOR	0
#define LIBNPU_VERSION_MINOR	1

struct npu_device;
struct npu_buffer;
struct npu_vm;
struct npu_queue;
struct npu_sync;
struct npu_cmdbuf;
struct npu_plan;

/*
 * Text of the last call that failed in this thread: what was wrong, found, wanted. Valid until the
 * next call that fails in this thread; empty if none has. Never NULL.
 */
const char *npu_error_text(void);

/* ---- Device ---------------------------------------------------------------------------- */

/* The machine, as the device describes itself. Modelled or real is not told apart here. */
struct npu_device_info {
	const char *transport;		/* "drm" or "sim" */
	const char *node;		/* "/dev/accel/accel0"; "sim" */
	uint32_t hw_version;		/* major << 16 | minor, so are cmd_version and fw_api */
	uint32_t cmd_version;
	uint32_t fw_api;
	char fw_version[32];
	uint32_t cores;
	uint32_t spad_bytes;		/* scratchpad of a core */
	uint32_t fifo_bytes;		/* weight stream FIFO of a core */
	uint32_t macs;			/* int8 multiply-accumulates a cycle and core */
	uint32_t matrix_mhz;
	uint32_t vector_bits;
	uint32_t dma_channels;		/* of a core */
	uint32_t dma_bytes;		/* a cycle and channel */
	uint32_t dma_mhz;
	uint32_t dram_mbps;		/* peak, 10^6 bytes a second */
	uint32_t dram_ns;
	uint32_t contexts;
	uint32_t queues;
	uint64_t va_min;		/* lowest device address that can be bound */
	uint64_t va_max;		/* first one past the highest */
};

/*
 * Opens a device.
 *
 * spec  NULL or "drm": the first /dev/accel/accelN whose driver is `npu`
 *       "drm:/dev/accel/accel1": this node
 *       "sim": the default machine in this process
 *       "sim:key=value,...": profile=default|small first, then threads=N, firmware=FILE,
 *       isa=best|scalar|avx2|avx512, and any field of the machine: cores, spad_bytes,
 *       fifo_bytes, macs, matrix_mhz, vector_bits, dma_channels, dma_bytes, dma_mhz, dram_mbps,
 *       dram_efficiency, dram_ns, contexts, queues
 * Errors: -ENOENT no such device, -EACCES node not accessible, -ENOTSUP isa not on this host,
 * -EPROTO firmware or interface version refused.
 */
int npu_device_open(const char *spec, struct npu_device **out);
void npu_device_close(struct npu_device *dev);

/* Lives as long as the device. */
const struct npu_device_info *npu_device_info(const struct npu_device *dev);

/* ---- Buffers --------------------------------------------------------------------------- */

#define NPU_BUFFER_READ_ONLY	(1u << 0)	/* the device never writes it */

/*
 * Makes a buffer of zeroed system memory; size in bytes, rounded up to 4096.
 * Errors: -EINVAL size zero or past 256 GiB, unknown flag.
 */
int npu_buffer_create(struct npu_device *dev, uint64_t size, uint32_t flags,
		      struct npu_buffer **out);
struct npu_buffer *npu_buffer_ref(struct npu_buffer *buf);
void npu_buffer_destroy(struct npu_buffer *buf);	/* drops one reference */

uint64_t npu_buffer_size(const struct npu_buffer *buf);

/* Maps the whole buffer once; the pointer stays valid as long as the buffer. */
int npu_buffer_map(struct npu_buffer *buf, void **out);

/* New dma-buf file descriptor, close-on-exec; the caller closes it. Errors: -EOPNOTSUPP on sim. */
int npu_buffer_export(struct npu_buffer *buf, int *fd);
/* Buffer from a dma-buf; fd stays the caller's. Errors: -EOPNOTSUPP on sim, -EBADF. */
int npu_buffer_import(struct npu_device *dev, int fd, struct npu_buffer **out);

/* ---- Address spaces -------------------------------------------------------------------- */

#define NPU_BIND_WRITE		(1u << 0)	/* the device may write */

/* Errors: -ENOSPC all contexts of the device are in use. */
int npu_vm_create(struct npu_device *dev, struct npu_vm **out);
void npu_vm_destroy(struct npu_vm *vm);

/*
 * Binds bytes [offset, offset + size) of buf; all multiples of 4096, size zero means up to the end.
 * *va  zero: an address is chosen (a multiple of 2 MiB when size >= 2 MiB), else this address.
 * A range that is bound already is refused with -EEXIST. Done when the call returns.
 * Errors: -ENOSPC no room, -EACCES write access to a read-only buffer.
 */
int npu_vm_bind(struct npu_vm *vm, struct npu_buffer *buf, uint64_t offset, uint64_t size,
		uint32_t flags, uint64_t *va);
/* Ends the binding that starts at va. Errors: -ENOENT none does. */
int npu_vm_unbind(struct npu_vm *vm, uint64_t va);

/* ---- Synchronisation between queues ------------------------------------------------------ */

/* A timeline that starts at zero and only rises. */
int npu_sync_create(struct npu_device *dev, struct npu_sync **out);
void npu_sync_destroy(struct npu_sync *sync);
/* Raises it from the host. */
int npu_sync_signal(struct npu_sync *sync, uint64_t value);
/* Errors: -ETIME. timeout_ns is absolute, CLOCK_MONOTONIC; 0 polls, INT64_MAX waits for ever. */
int npu_sync_wait(struct npu_sync *sync, uint64_t value, int64_t timeout_ns);

/* ---- Queues ---------------------------------------------------------------------------- */

#define NPU_SYNC_OP_SIGNAL	(1u << 0)	/* else the job waits for it */

struct npu_sync_op {
	struct npu_sync *sync;
	uint64_t value;			/* > 0 */
	uint32_t flags;			/* NPU_SYNC_OP_* */
};

/* One run of a command buffer. Nothing is kept of it after npu_submit(). */
struct npu_job {
	uint64_t cmdbuf;		/* device address, see npu_cmdbuf_place() */
	uint32_t cmdbuf_size;		/* bytes */
	uint32_t n_params;		/* at most NPU_MAX_PARAMS */
	const uint64_t *params;		/* params[i] arrives in r[NPU_REG_PARAM(i)] of each core */
	const struct npu_sync_op *syncs;
	uint32_t n_syncs;
};

#define NPU_SUBMIT_JOBS_MAX	64
#define NPU_SUBMIT_SYNCS_MAX	256	/* of all jobs of a call together */

#define NPU_QUEUE_DEAD		(1u << 0)	/* takes no more jobs */
#define NPU_QUEUE_GUILTY	(1u << 1)	/* by a fault or hang of its own job */
#define NPU_QUEUE_INNOCENT	(1u << 2)	/* by the reset for another's fault */

struct npu_queue_state {
	uint32_t flags;			/* NPU_QUEUE_* */
	uint32_t fault;			/* enum npu_fault that killed it */
	uint64_t submitted;		/* highest sequence number given */
	uint64_t completed;		/* highest finished */
};

/* What became of a job. Modelled values are deterministic; host_ns is not. */
struct npu_result {
	uint64_t seqno;
	int32_t error;		/* npu_fault_errno(): -EFAULT page fault, -EINVAL bad command, */
				/* -ETIME hang, -ECANCELED killed; else 0 */
	uint32_t fault;		/* enum npu_fault */
	uint32_t fault_core;
	uint32_t fault_opcode;
	uint32_t fault_offset;	/* of the command in the command buffer, bytes */
	uint32_t fault_mark;	/* id of that core's last MARK */
	uint64_t fault_addr;	/* device address, or the value refused */
	uint64_t model_ns;	/* of the job alone, with the cost of being suspended */
	uint64_t wait_ns;	/* modelled, from submission to end less model_ns: what other */
				/* jobs had, earlier ones of the queue too; 0: nobody tells */
	uint64_t busy_ns[NPU_ENGINE_COUNT];	/* modelled, all cores added */
	uint64_t read_bytes;	/* from memory */
	uint64_t write_bytes;
	uint64_t macs;
	uint64_t energy_pj;	/* modelled */
	uint64_t host_ns;	/* what the emulation took; zero on silicon */
	uint64_t commands;
};

/*
 * priority  NPU_PRIORITY_*
 * entries   jobs in flight at most, power of two, NPU_QUEUE_ENTRIES_MIN.._MAX; zero: 64
 * Errors: -EACCES priority above normal without the right, -ENOSPC all queues are in use.
 */
int npu_queue_create(struct npu_vm *vm, uint32_t priority, uint32_t entries,
		     struct npu_queue **out);
/* Jobs that have not finished are killed. */
void npu_queue_destroy(struct npu_queue *queue);
int npu_queue_state(struct npu_queue *queue, struct npu_queue_state *out);

/*
 * Queues n jobs, 1..NPU_SUBMIT_JOBS_MAX, which start in this order; all or none. The sequence
 * numbers are *first_seqno, *first_seqno + 1, ...; the first of a queue is 1. Without syncs
 * nothing is allocated. Waits when the queue is full.
 * A job may wait only for values that the host or a job submitted before will have raised.
 *
 * A queue dies with the first job that it loses by a fault, a hang or a reset; what it still has
 * in flight is cancelled. Address space and buffers stay: a new queue on them goes on.
 * Errors: -E2BIG more jobs, parameters or syncs than the limits, or jobs than the queue has
 * entries; -EIO the queue is dead.
 */
int npu_submit(struct npu_queue *queue, const struct npu_job *jobs, uint32_t n,
	       uint64_t *first_seqno);

/*
 * Waits until job seqno has finished, well or not. timeout_ns is absolute, CLOCK_MONOTONIC; 0
 * polls, INT64_MAX waits for ever. Errors: -ETIME, -EINVAL seqno was never given.
 */
int npu_wait(struct npu_queue *queue, uint64_t seqno, int64_t timeout_ns);

/* New file descriptor that polls readable once the job has finished; the caller closes it. */
int npu_job_fd(struct npu_queue *queue, uint64_t seqno, int *fd);

/* Errors: -EBUSY not finished, -ENODATA never given or older than the last 256. */
int npu_job_result(struct npu_queue *queue, uint64_t seqno, struct npu_result *out);

/*
 * A sentence about a result's fault: which command, where, what it touched and why it was refused.
 * Writes at most size bytes, ends with zero. Returns text.
 */
const char *npu_fault_text(const struct npu_result *result, char *text, size_t size);
/* Name of an opcode ("MATMUL"), of a fault ("page fault"); "?" for an unknown one. */
const char *npu_opcode_name(uint32_t opcode);
const char *npu_fault_name(uint32_t fault);

/* ---- Command buffers ---------------------------------------------------------------------- */

#define NPU_ALL_CORES	0xffffffffu	/* as core: every stream of the buffer */

/*
 * Records in host memory, n_streams = cores that the job uses, 1..NPU_MAX_CORES.
 * The first failure sticks: later calls return it, npu_cmdbuf_end() too. So a recording may check
 * that one only.
 */
int npu_cmdbuf_create(uint32_t n_streams, struct npu_cmdbuf **out);
void npu_cmdbuf_destroy(struct npu_cmdbuf *cb);
/* Forgets all commands; keeps the memory. n_streams as for create. */
int npu_cmdbuf_reset(struct npu_cmdbuf *cb, uint32_t n_streams);

/* Operands */
static inline struct npu_addr npu_va(uint64_t base)
{
	struct npu_addr a = { base, 0, NPU_REG_ZERO, { 0, 0, 0 } };

	return a;
}

/* base + r[reg] * stride, stride in bytes */
static inline struct npu_addr npu_va_reg(uint64_t base, unsigned int reg, uint32_t stride)
{
	struct npu_addr a = { base, stride, (__u8)reg, { 0, 0, 0 } };

	return a;
}

/* imm + r[reg] */
static inline struct npu_count npu_count(uint32_t imm, unsigned int reg)
{
	struct npu_count c = { imm, (__u8)reg, { 0, 0, 0 } };

	return c;
}

/*
 * One function a command, named after it. The caller fills the operands of npu_cmd.h, and
 * hdr.wait, hdr.signal and hdr.flags; opcode and length are set here. core is a stream's number or
 * NPU_ALL_CORES. Errors: -EINVAL core, -E2BIG past NPU_MAX_CMDBUF_BYTES.
 */
int npu_emit_nop(struct npu_cmdbuf *cb, uint32_t core);
int npu_emit_barrier(struct npu_cmdbuf *cb, uint32_t cores);	/* a mask; on each of these cores */
int npu_emit_loop(struct npu_cmdbuf *cb, uint32_t core, struct npu_count count, unsigned int index);
int npu_emit_loop_end(struct npu_cmdbuf *cb, uint32_t core);
/* leaves the loop if r[a] cond r[b] + imm */
int npu_emit_break(struct npu_cmdbuf *cb, uint32_t core, enum npu_cond cond, unsigned int a,
		   unsigned int b, uint64_t imm);
/* r[dst] = r[a] op (r[b] + imm) */
int npu_emit_alu(struct npu_cmdbuf *cb, uint32_t core, enum npu_alu op, unsigned int dst,
		 unsigned int a, unsigned int b, uint64_t imm);
int npu_emit_ldr(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_scalar *c);
int npu_emit_str(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_scalar *c);
int npu_emit_mark(struct npu_cmdbuf *cb, uint32_t core, uint32_t id, bool safe);
int npu_emit_load(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_dma *c);
int npu_emit_store(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_dma *c);
int npu_emit_gather(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_gather *c);
int npu_emit_kv_store(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_kv_store *c);
int npu_emit_relayout(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_relayout *c);
int npu_emit_matmul(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_matmul *c);
int npu_emit_wrows(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_wrows *c);
int npu_emit_attn(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_attn *c);
int npu_emit_rmsnorm(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_rmsnorm *c);
int npu_emit_rope(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_rope *c);
int npu_emit_softmax(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_softmax *c);
int npu_emit_ew(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_ew *c);
int npu_emit_quant(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_quant *c);
int npu_emit_convert(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_convert *c);
int npu_emit_argmax(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_argmax *c);
int npu_emit_topk(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_topk *c);
int npu_emit_penalize(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_penalize *c);
int npu_emit_sample(struct npu_cmdbuf *cb, uint32_t core, const struct npu_cmd_sample *c);

/*
 * Ends each stream, checks the whole (sizes, nesting of loops, registers, limits) and builds the
 * header. Errors: the first one of the recording; -EINVAL loops not closed, -E2BIG too large.
 */
int npu_cmdbuf_end(struct npu_cmdbuf *cb);
/* The finished bytes; NULL and zero before npu_cmdbuf_end(). Valid until reset or destroy. */
const void *npu_cmdbuf_data(const struct npu_cmdbuf *cb, uint32_t *size);

/*
 * Copies a finished command buffer to offset (multiple of 64) of a buffer that is bound at va, and
 * sets cmdbuf and cmdbuf_size of job. Errors: -ENOSPC does not fit.
 */
int npu_cmdbuf_place(const struct npu_cmdbuf *cb, struct npu_buffer *buf, uint64_t va,
		     uint64_t offset, struct npu_job *job);

/*
 * Writes commands as text, one a line. data is untrusted. Errors: -EINVAL data is no command
 * buffer (what could be read is written).
 */
int npu_cmdbuf_dump(const void *data, size_t size, FILE *out);

/* ---- Tiler --------------------------------------------------------------------------------- */

/*
 * A plan records the operators of a language model into a command buffer, for chunks of 1..m_max
 * rows (positions). It places everything in the cores' scratchpads, cuts what does not fit into
 * tiles, and splits the work over the cores. Values do not depend on any of these choices.
 *
 * The recorded buffer reads two registers: the number of rows m and the position of row zero. The
 * sequence lies in memory as u32 tokens[position].
 *
 * Between the operators of a plan flows the residual x[m][dim]. A forward pass is
 *
 *	npu_op_embed; for each layer { npu_op_attention; npu_op_ffn }; npu_op_logits; npu_op_sample
 *
 * and for several decode steps in a job
 *
 *	npu_op_loop; (forward pass, m_max = 1); npu_op_advance; npu_op_stop; npu_op_loop_end
 *
 * Safe points, where the device may suspend the job for another one, are the plan's affair: MARKs
 * with NPU_CMDF_SAFE where all cores have met and read nothing from their scratchpads that was
 * there before. There are some before the first token, behind each half of a layer, inside of a
 * long feed-forward half and of a large head, behind logits and token; with rows in memory behind
 * each meeting. One core with short layers keeps them in its scratchpad: it has one a token.
 *
 * Errors of each npu_op_*(): -E2BIG a limit of the scratchpad or of a command (the text names it),
 * and the sticky one of the command buffer.
 */

/* w[n][k] in strips at va (aligned to NPU_WEIGHT_ALIGN), npu_weight_bytes(type, n, k) long */
struct npu_weight {
	uint64_t va;
	uint32_t n;
	uint32_t k;
	uint32_t type;		/* NPU_WTYPE_* */
};

/* float rows in memory: row i at va + 4 * i * stride; va multiple of 4, stride in elements */
struct npu_rows {
	uint64_t va;
	uint32_t cols;
	uint32_t stride;
};

struct npu_plan_shape {
	uint32_t m_max;		/* rows of a chunk, 1..NPU_MAX_M */
	uint8_t m_reg;		/* register with m, 1..m_max; NPU_REG_ZERO: m is m_max */
	uint8_t pos_reg;	/* register with the position of row 0; NPU_REG_ZERO: 0 */
	uint32_t cores;		/* to use; zero: chosen by the modelled cost */
	uint32_t dim;		/* of the residual; the fields from here on may be zero if no */
	uint32_t n_heads;	/* operator needs them */
	uint32_t n_kv_heads;	/* divides n_heads */
	uint32_t head_dim;	/* even, at most NPU_MAX_HEAD_DIM */
	uint32_t n_rot;		/* rotated elements of a head, even, at most head_dim */
	bool rope_half;		/* pairs are (j, j + n_rot/2), else (2j, 2j+1) */
	uint32_t ffn_dim;
	uint32_t vocab;		/* at most NPU_MAX_N */
	uint32_t kv_capacity;	/* positions, multiple of 16, at most NPU_MAX_KV */
	float eps;		/* of the norms */
	float attn_scale;	/* of the scores; zero: 1 / sqrt(head_dim) */
	bool attn_half;		/* NPU_CMDF_ATTN_HALF: the other rounding of attention */
	uint64_t weight_bytes;	/* of a layer's matrices: to choose the cores; may be zero */
};

/* Memory that a plan of this shape needs for what the cores exchange, bytes. */
int npu_plan_workspace(struct npu_device *dev, const struct npu_plan_shape *shape, uint64_t *bytes);

/* Streams that npu_plan_create() will want for this shape: shape.cores, or the choice. */
int npu_plan_cores(struct npu_device *dev, const struct npu_plan_shape *shape, uint32_t *cores);

/*
 * Starts a plan on an empty command buffer with npu_plan_cores() streams. workspace is the device
 * address, aligned to 64, of npu_plan_workspace() bytes that only jobs of one queue use.
 */
int npu_plan_create(struct npu_device *dev, const struct npu_plan_shape *shape,
		    struct npu_cmdbuf *cb, uint64_t workspace, struct npu_plan **out);
void npu_plan_destroy(struct npu_plan *plan);

/* Largest use of a scratchpad so far, bytes: for reports. */
uint32_t npu_plan_spad_used(const struct npu_plan *plan);

/* x[i] = row tokens[pos + i] of table[vocab][dim]. tokens: u32 per position, 4-byte aligned. */
int npu_op_embed(struct npu_plan *plan, const struct npu_weight *table, uint64_t tokens);

/*
 * x += Wo * attention(rope(Wq h), rope(Wk h), Wv h), h = rmsnorm(x). Stores K and V of the m
 * positions in the cache first; row i sees positions 0..pos+i.
 *
 * norm  float[dim]
 * wq [n_heads * head_dim][dim], wk and wv [n_kv_heads * head_dim][dim],
 * wo [dim][n_heads * head_dim]
 * rope  float[kv_capacity][n_rot] as ROPE of npu_cmd.h wants them; zero: no rotation
 * k, v  caches of this layer: head h at + h * head_stride bytes, npu_kv_bytes(kv_capacity,
 *       head_dim) each, aligned to 64
 */
struct npu_attention {
	uint64_t norm;
	struct npu_weight wq;
	struct npu_weight wk;
	struct npu_weight wv;
	struct npu_weight wo;
	uint64_t rope;
	uint64_t k;
	uint64_t v;
	uint64_t head_stride;
};
int npu_op_attention(struct npu_plan *plan, const struct npu_attention *a);

/*
 * x += Wdown * (silu(Wgate h) * (Wup h)), h = rmsnorm(x)
 *
 * norm  float[dim]; gate, up [ffn_dim][dim]; down [dim][ffn_dim]
 */
struct npu_ffn {
	uint64_t norm;
	struct npu_weight gate;
	struct npu_weight up;
	struct npu_weight down;
};
int npu_op_ffn(struct npu_plan *plan, const struct npu_ffn *f);

/*
 * logits = head * rmsnorm(x) to memory: of row m - 1 only, float[vocab], or of every row,
 * float[m][vocab]. head [vocab][dim]; logits aligned to 64.
 */
int npu_op_logits(struct npu_plan *plan, uint64_t norm, const struct npu_weight *head,
		  uint64_t logits, bool every_row);

/*
 * Draws tokens[pos + m] from float logits[vocab] in memory, by struct npu_sample_params at `params`
 * (device address, aligned to 64). The random number belongs to seed and position pos + m.
 * window: penalties see the last `window` tokens before it, at most 65536; zero: no penalties.
 */
int npu_op_sample(struct npu_plan *plan, uint64_t logits, uint64_t tokens, uint64_t params,
		  uint32_t window);

/* Runs what follows up to npu_op_loop_end() as often as r[count_reg] says, unless stopped. */
int npu_op_loop(struct npu_plan *plan, unsigned int count_reg);
/* pos += m */
int npu_op_advance(struct npu_plan *plan);
/* Leaves the loop when tokens[pos] (after npu_op_advance()) is one of these n ids. */
int npu_op_stop(struct npu_plan *plan, uint64_t tokens, const uint32_t *ids, uint32_t n);
int npu_op_loop_end(struct npu_plan *plan);

/*
 * Raises the job's progress; id is shown in fault reports, until the next call. A safe point, too,
 * unless x or logits are in a scratchpad alone. Between operators only.
 */
int npu_op_mark(struct npu_plan *plan, uint32_t id);

/*
 * out[j][i] = w[j] * h[i] for n matrices that share the input; h = in, or rmsnorm(in) if norm
 * (float [in->cols]) is not zero. With `residual` out += instead, and out->va may be read before it
 * is written. Memory to memory; independent of x. in, w[j].k and norm agree in length; out[j].cols
 * == w[j].n.
 */
int npu_op_matmul(struct npu_plan *plan, const struct npu_rows *in, uint64_t norm,
		  const struct npu_weight *w, const struct npu_rows *out, uint32_t n,
		  bool residual);

/*
 * Re-lays rows first .. first + n - 1 of matrix w from GGUF rows at src (2-byte aligned). first is
 * a multiple of 16, and so is n unless the rows end with w->n. Split over all streams of cb;
 * needs no plan. Several may follow each other in one command buffer.
 */
int npu_op_relayout(struct npu_cmdbuf *cb, uint64_t src, const struct npu_weight *w, uint32_t first,
		    uint32_t n);

#ifdef __cplusplus
}
#endif

#endif

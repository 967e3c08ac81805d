/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Command encodings. A command buffer is a header and one stream of commands a
 * core. A job executes it once, with its own parameters.
 *
 * Extension rules: opcodes and fields are added, never changed or reused. Each
 * pad, reserved field and unknown flag is zero, else the job faults with
 * NPU_FAULT_BAD_FIELD. A new command or field comes with a new minor of
 * NPU_CMD_VERSION, which the device states in its machine description.
 *
 * Execution: the streams of a job run side by side, one on each core, and meet
 * at BARRIER. Within a stream the values are those of execution in program order;
 * `wait` and `signal` say which commands may overlap in time, see "Tokens" in the
 * specification. Memory written by one core is seen by another after a BARRIER.
 *
 * All offsets into the scratchpad are bytes. All floats are IEEE single unless
 * said otherwise.
 */
#ifndef NPU_CMD_H
#define NPU_CMD_H

#include "npu_types.h"
#include "npu_formats.h"

#define NPU_CMD_VERSION_MAJOR	1
#define NPU_CMD_VERSION_MINOR	0

/* Limits; each is tested at the limit and one past it. */
#define NPU_MAX_CORES		16	/* streams of a command buffer */
#define NPU_MAX_CMDBUF_BYTES	(16u << 20)
#define NPU_MAX_PARAMS		24	/* fits a ring entry of 256 bytes */
#define NPU_MAX_LOOP_DEPTH	4
#define NPU_MAX_TOKENS		16
#define NPU_MAX_M		4096	/* rows of activations in one command */
#define NPU_MAX_N		(1u << 20) /* rows of a weight matrix: vocabularies */
#define NPU_MAX_K		(1u << 17) /* elements of a weight row */
#define NPU_MAX_HEAD_DIM	512
#define NPU_MAX_KV		(1u << 20) /* positions of a KV cache */
#define NPU_SPAD_ALIGN		64	/* of each scratchpad operand, unless said otherwise */

/*
 * Scalar registers of a core, 64 bit. r0 reads zero and ignores writes; r1.. hold the
 * job's parameters when it starts, the others zero.
 */
#define NPU_REG_COUNT		32
#define NPU_REG_ZERO		0
#define NPU_REG_PARAM(i)	(1 + (i))	/* i = 0..NPU_MAX_PARAMS-1 */
#define NPU_REG_TEMP(i)		(1 + NPU_MAX_PARAMS + (i))	/* i = 0..6 */
#define NPU_REG_TEMPS		7

#define NPU_CMDBUF_MAGIC	0x3142434eu	/* "NCB1" */

/* At the command buffer's address, aligned to 64 bytes. Streams do not overlap the header. */
struct npu_cmdbuf_header {
	__u32 magic;
	__u16 version_major;
	__u16 version_minor;
	__u32 size;		/* of the whole buffer, bytes, multiple of 8 */
	__u16 n_streams;	/* 1..cores of the device */
	__u16 n_params;		/* parameters that the streams use; a job brings at least these */
	struct {
		__u32 offset;	/* from the header, multiple of 8 */
		__u32 size;	/* bytes, multiple of 8; ends with NPU_OP_END */
	} stream[NPU_MAX_CORES];	/* zero past n_streams */
};
NPU_CHECK_SIZE(struct npu_cmdbuf_header, 144);

enum npu_opcode {
	NPU_OP_NOP	= 0x00,
	NPU_OP_END	= 0x01,
	NPU_OP_BARRIER	= 0x02,
	NPU_OP_LOOP	= 0x03,
	NPU_OP_LOOP_END	= 0x04,
	NPU_OP_BREAK	= 0x05,
	NPU_OP_ALU	= 0x06,
	NPU_OP_LDR	= 0x07,
	NPU_OP_STR	= 0x08,
	NPU_OP_MARK	= 0x09,

	NPU_OP_LOAD	= 0x10,
	NPU_OP_STORE	= 0x11,
	NPU_OP_GATHER	= 0x12,
	NPU_OP_KV_STORE	= 0x13,
	NPU_OP_RELAYOUT	= 0x14,

	NPU_OP_MATMUL	= 0x20,
	NPU_OP_WROWS	= 0x21,
	NPU_OP_ATTN	= 0x22,

	NPU_OP_RMSNORM	= 0x30,
	NPU_OP_ROPE	= 0x31,
	NPU_OP_SOFTMAX	= 0x32,
	NPU_OP_EW	= 0x33,
	NPU_OP_QUANT	= 0x34,
	NPU_OP_CONVERT	= 0x35,
	NPU_OP_ARGMAX	= 0x36,
	NPU_OP_TOPK	= 0x37,
	NPU_OP_PENALIZE	= 0x38,
	NPU_OP_SAMPLE	= 0x39,
};

struct npu_cmd_hdr {
	__u8 opcode;
	__u8 flags;	/* NPU_CMDF_* of the opcode; others zero */
	__u8 words;	/* length of the command in 8-byte words, this header included */
	__u8 pad;
	__u16 wait;	/* starts after the last earlier commands that signal these tokens */
	__u16 signal;	/* tokens raised when the command has finished */
};
NPU_CHECK_SIZE(struct npu_cmd_hdr, 8);

/* Device address base + r[reg] * stride; a sum past 2^64 faults. */
struct npu_addr {
	__u64 base;
	__u32 stride;
	__u8 reg;
	__u8 pad[3];
};
NPU_CHECK_SIZE(struct npu_addr, 16);

/* Count imm + r[reg]; a sum past 2^32 faults. */
struct npu_count {
	__u32 imm;
	__u8 reg;
	__u8 pad[3];
};
NPU_CHECK_SIZE(struct npu_count, 8);

/* NPU_OP_NOP, NPU_OP_END, NPU_OP_LOOP_END: header only. END stops the stream. */

/*
 * BARRIER - waits until every core of the mask is at a BARRIER with the same mask.
 * Stores before it are seen by loads after it, on all of them. The mask holds the
 * own core and only cores with a stream; anything else is NPU_FAULT_BAD_FIELD, a barrier
 * that can never be met NPU_FAULT_DEADLOCK.
 */
struct npu_cmd_barrier {
	struct npu_cmd_hdr hdr;
	__u32 cores;
	__u32 pad;
};
NPU_CHECK_SIZE(struct npu_cmd_barrier, 16);

/*
 * LOOP - runs the commands up to its LOOP_END count times (none if zero);
 * r[index] holds the iteration, from zero. Nested at most NPU_MAX_LOOP_DEPTH deep.
 */
struct npu_cmd_loop {
	struct npu_cmd_hdr hdr;
	struct npu_count count;
	__u8 index;		/* register; NPU_REG_ZERO: none */
	__u8 pad[7];
};
NPU_CHECK_SIZE(struct npu_cmd_loop, 24);

/* Conditions on unsigned 64-bit values */
enum npu_cond {
	NPU_COND_ALWAYS	= 0,
	NPU_COND_EQ	= 1,
	NPU_COND_NE	= 2,
	NPU_COND_LT	= 3,
	NPU_COND_GE	= 4,
};

/*
 * BREAK - leaves the innermost loop if r[a] cond r[b] + imm. Outside a loop it is
 * NPU_FAULT_BAD_FIELD.
 */
struct npu_cmd_break {
	struct npu_cmd_hdr hdr;
	__u8 cond;
	__u8 a;
	__u8 b;
	__u8 pad[5];
	__u64 imm;
};
NPU_CHECK_SIZE(struct npu_cmd_break, 24);

enum npu_alu {
	NPU_ALU_ADD	= 0,	/* all modulo 2^64 */
	NPU_ALU_SUB	= 1,
	NPU_ALU_MUL	= 2,
	NPU_ALU_AND	= 3,
	NPU_ALU_OR	= 4,
	NPU_ALU_SHL	= 5,	/* by the low 6 bits */
	NPU_ALU_SHR	= 6,
	NPU_ALU_MIN	= 7,
	NPU_ALU_MAX	= 8,
	NPU_ALU_SUBSAT	= 9,	/* a - b, zero if b > a */
};

/* ALU - r[dst] = r[a] op (r[b] + imm) */
struct npu_cmd_alu {
	struct npu_cmd_hdr hdr;
	__u8 op;
	__u8 dst;
	__u8 a;
	__u8 b;
	__u8 pad[4];
	__u64 imm;
};
NPU_CHECK_SIZE(struct npu_cmd_alu, 24);

/* LDR, STR - one scalar of 4 or 8 bytes between register and memory, naturally aligned. */
struct npu_cmd_scalar {
	struct npu_cmd_hdr hdr;
	__u8 reg;
	__u8 bytes;
	__u8 pad[6];
	struct npu_addr addr;
};
NPU_CHECK_SIZE(struct npu_cmd_scalar, 32);

/*
 * MARK - raises the job's progress counter, which the watchdog reads. With
 * NPU_CMDF_SAFE the scratchpad holds nothing live: the job may be suspended here
 * (all cores of the job have to be at such a MARK).
 */
#define NPU_CMDF_SAFE	0x01
struct npu_cmd_mark {
	struct npu_cmd_hdr hdr;
	__u32 id;		/* shown in fault records */
	__u32 pad;
};
NPU_CHECK_SIZE(struct npu_cmd_mark, 16);

/*
 * LOAD, STORE - rows of row_bytes between memory (addr, mem_stride apart) and scratchpad
 * (spad, spad_stride apart). row_bytes, strides and address are multiples of 2;
 * spad only needs the alignment of 4. Rows may be zero.
 */
struct npu_cmd_dma {
	struct npu_cmd_hdr hdr;
	__u32 spad;
	__u32 spad_stride;
	struct npu_addr addr;
	__u64 mem_stride;
	__u32 row_bytes;
	__u32 pad;
	struct npu_count rows;
};
NPU_CHECK_SIZE(struct npu_cmd_dma, 56);

/*
 * GATHER - for i < count: row index[i] of the table at addr to the scratchpad. index is u32 in
 * the scratchpad; one that is not below n_rows is NPU_FAULT_INDEX.
 */
struct npu_cmd_gather {
	struct npu_cmd_hdr hdr;
	__u32 spad;
	__u32 spad_stride;
	struct npu_addr addr;
	__u64 mem_stride;
	__u32 row_bytes;
	__u32 index;		/* scratchpad */
	struct npu_count count;
	__u32 n_rows;
	__u32 pad;
};
NPU_CHECK_SIZE(struct npu_cmd_gather, 64);

/*
 * KV_STORE - writes rows of head_dim floats, rounded to half, to positions
 * pos..pos+m-1 of a K cache (NPU_CMDF_KV_K) or a V cache, see npu_formats.h.
 * pos + m past capacity is NPU_FAULT_INDEX.
 */
#define NPU_CMDF_KV_K	0x01
struct npu_cmd_kv_store {
	struct npu_cmd_hdr hdr;
	__u32 src;		/* scratchpad, float [m][src_stride], 4-byte aligned */
	__u32 src_stride;	/* elements */
	struct npu_addr addr;
	__u32 head_dim;
	__u32 capacity;		/* positions, multiple of 16 */
	struct npu_count pos;
	struct npu_count m;
	__u8 kvtype;		/* NPU_KV_* */
	__u8 pad[7];
};
NPU_CHECK_SIZE(struct npu_cmd_kv_store, 64);

/*
 * RELAYOUT - w[n][k] from GGUF rows (src, consecutive, 2-byte aligned) to strips (dst,
 * NPU_WEIGHT_ALIGN). Rows up to the next multiple of 16 become zero, so do the bytes
 * between payload and strip distance.
 */
struct npu_cmd_relayout {
	struct npu_cmd_hdr hdr;
	struct npu_addr src;
	struct npu_addr dst;
	struct npu_count n;
	__u32 k;
	__u8 wtype;
	__u8 pad[3];
};
NPU_CHECK_SIZE(struct npu_cmd_relayout, 56);

/*
 * MATMUL - out[i][j] = sum over k of act[i][k] * w[j][k], i < m, j < n
 *
 * act  scratchpad: atype F32: float [m][lda]; Q8: records of NPU_ACT_Q8_ROW_BYTES(k), lda zero
 * w    memory, tiled, n rows; streamed once, may be read ahead of time (see "Weight
 *      stream"), so the job itself must not write it
 * out  scratchpad, float [m][ldo]
 * n    multiple of 16, 1..NPU_MAX_N; k 1..NPU_MAX_K, multiple of 32 for Q types
 * m    0..NPU_MAX_M
 * Pairs of types: F32 x F32, F16 x F32, Q8_0 x Q8, Q4_0 x Q8; others NPU_FAULT_BAD_FIELD.
 * One chain of fused multiply-adds an output; eight with Q8_0. See chapter "Arithmetic".
 */
struct npu_cmd_matmul {
	struct npu_cmd_hdr hdr;
	__u8 wtype;
	__u8 atype;
	__u8 pad[2];
	__u32 n;
	__u32 k;
	__u32 act;
	__u32 lda;		/* elements */
	__u32 out;
	__u32 ldo;		/* elements */
	__u32 pad2;
	struct npu_addr w;
	struct npu_count m;
};
NPU_CHECK_SIZE(struct npu_cmd_matmul, 64);

/*
 * WROWS - for i < count: row index[i] of the tiled matrix w[n][k] as floats to dst.
 * index is u32 in the scratchpad; one that is not below n is NPU_FAULT_INDEX.
 */
struct npu_cmd_wrows {
	struct npu_cmd_hdr hdr;
	__u32 dst;		/* scratchpad, float [count][dst_stride] */
	__u32 dst_stride;	/* elements */
	__u32 index;		/* scratchpad */
	__u32 n;
	__u32 k;
	__u8 wtype;
	__u8 pad[3];
	struct npu_addr w;
	struct npu_count count;
};
NPU_CHECK_SIZE(struct npu_cmd_wrows, 56);

/*
 * ATTN - attention of m query rows, n_rep query heads that share one KV head.
 *
 * q    scratchpad, float, 4-byte aligned: row i, head r at q + 4 * (i * q_stride + r * head_dim)
 * out  the same with out_stride
 * k,v  memory, layouts in npu_formats.h
 * Row i sees positions 0..pos+i; pos + m past capacity is NPU_FAULT_INDEX.
 * Online softmax in blocks of NPU_ATTN_BLOCK positions counted from position zero, or with
 * NPU_CMDF_ATTN_HALF position by position with sums of V in half, see "Arithmetic". The bits
 * do not depend on m, on how rows are split, or on other heads.
 */
#define NPU_CMDF_ATTN_HALF	0x01
struct npu_cmd_attn {
	struct npu_cmd_hdr hdr;
	__u32 q;
	__u32 q_stride;		/* elements */
	__u32 out;
	__u32 out_stride;	/* elements */
	__u32 head_dim;		/* multiple of 2, 2..NPU_MAX_HEAD_DIM */
	__u32 capacity;		/* positions, multiple of 16 */
	float scale;		/* of the scores */
	__u16 n_rep;		/* 1..64 */
	__u8 kvtype;		/* NPU_KV_* */
	__u8 pad;
	struct npu_addr k;
	struct npu_addr v;
	struct npu_count pos;
	struct npu_count m;
};
NPU_CHECK_SIZE(struct npu_cmd_attn, 88);

/* RMSNORM - dst[i][j] = src[i][j] / sqrt(mean of squares of row i + eps) * weight[j] */
struct npu_cmd_rmsnorm {
	struct npu_cmd_hdr hdr;
	__u32 dst;
	__u32 dst_stride;	/* elements; so are all strides below */
	__u32 src;
	__u32 src_stride;
	__u32 weight;
	__u32 cols;
	float eps;
	__u32 pad;
	struct npu_count rows;
};
NPU_CHECK_SIZE(struct npu_cmd_rmsnorm, 48);

/*
 * ROPE - rotates, in place, the first n_rot elements of each head. table row i is
 * {cos, sin}[n_rot/2] for the position of row i. Pairs are (2j, 2j+1), or with
 * NPU_CMDF_ROPE_HALF (j, j + n_rot/2).
 */
#define NPU_CMDF_ROPE_HALF	0x01
struct npu_cmd_rope {
	struct npu_cmd_hdr hdr;
	__u32 x;		/* float [rows][stride], heads side by side, 4-byte aligned */
	__u32 stride;
	__u32 table;		/* float [rows][n_rot] */
	__u32 n_heads;
	__u32 head_dim;
	__u32 n_rot;		/* multiple of 2, at most head_dim */
	struct npu_count rows;
};
NPU_CHECK_SIZE(struct npu_cmd_rope, 40);

/* SOFTMAX - dst[i] = softmax(scale * src[i]) over cols, row by row */
struct npu_cmd_softmax {
	struct npu_cmd_hdr hdr;
	__u32 dst;
	__u32 dst_stride;
	__u32 src;
	__u32 src_stride;
	float scale;
	__u32 pad;
	struct npu_count cols;
	struct npu_count rows;
};
NPU_CHECK_SIZE(struct npu_cmd_softmax, 48);

enum npu_ew {
	NPU_EW_ADD	= 0,	/* a + b */
	NPU_EW_MUL	= 1,	/* a * b */
	NPU_EW_SILU_MUL	= 2,	/* a / (1 + exp(-a)) * b */
	NPU_EW_SCALE	= 3,	/* a * imm; b unused, zero */
	NPU_EW_COPY	= 4,	/* a; b unused, zero */
};

/* EW - dst[i][j] = a[i][j] op b[i][j]; stride zero repeats a row. dst may be a or b. */
struct npu_cmd_ew {
	struct npu_cmd_hdr hdr;
	__u8 op;
	__u8 pad[3];
	float imm;
	__u32 dst;
	__u32 dst_stride;
	__u32 a;
	__u32 a_stride;
	__u32 b;
	__u32 b_stride;
	__u32 cols;
	__u32 pad2;
	struct npu_count rows;
};
NPU_CHECK_SIZE(struct npu_cmd_ew, 56);

/* QUANT - float rows to atype Q8 (records, dst_stride zero) or F16R (floats). */
struct npu_cmd_quant {
	struct npu_cmd_hdr hdr;
	__u32 dst;
	__u32 dst_stride;	/* elements; zero for Q8 */
	__u32 src;
	__u32 src_stride;
	__u32 cols;		/* multiple of 32 for Q8 */
	__u8 atype;
	__u8 pad[3];
	struct npu_count rows;
};
NPU_CHECK_SIZE(struct npu_cmd_quant, 40);

enum npu_dtype {
	NPU_DTYPE_F32	= 0,
	NPU_DTYPE_F16	= 1,
	NPU_DTYPE_BF16	= 2,
};

/* CONVERT - n elements; round to nearest even. dst and src do not overlap. */
struct npu_cmd_convert {
	struct npu_cmd_hdr hdr;
	__u32 dst;
	__u32 src;
	__u8 dst_type;
	__u8 src_type;
	__u8 pad[6];
	struct npu_count n;
};
NPU_CHECK_SIZE(struct npu_cmd_convert, 32);

/* ARGMAX - r[dst] = lowest index of the largest of n floats; NaN is never largest; n >= 1. */
struct npu_cmd_argmax {
	struct npu_cmd_hdr hdr;
	__u32 src;
	__u8 dst;
	__u8 pad[3];
	struct npu_count n;
};
NPU_CHECK_SIZE(struct npu_cmd_argmax, 24);

/*
 * TOPK - the k largest of n floats, largest first, equal ones by ascending index; NaN
 * counts as minus infinity. dst holds k entries {float value; u32 index}. 1 <= k <= n.
 */
struct npu_cmd_topk {
	struct npu_cmd_hdr hdr;
	__u32 src;
	__u32 dst;
	__u32 n;
	__u32 k;
};
NPU_CHECK_SIZE(struct npu_cmd_topk, 24);

/*
 * PENALIZE - lowers, in place, the logits of tokens in the history (u32, scratchpad), by struct
 * npu_sample_params at `params`. A token is lowered once for repeat and presence, as often as it
 * occurs for frequency. Ids not below n are ignored.
 */
struct npu_cmd_penalize {
	struct npu_cmd_hdr hdr;
	__u32 logits;		/* scratchpad, float [n] */
	__u32 n;
	__u32 history;		/* scratchpad, u32 [count] */
	__u32 pad;
	struct npu_count count;
	struct npu_addr params;
};
NPU_CHECK_SIZE(struct npu_cmd_penalize, 48);

/*
 * SAMPLE - r[dst] = token drawn from n logits by struct npu_sample_params at `params`:
 * top-k, top-p, min-p, temperature, in this order; the random number is a function of seed
 * and counter alone. logits may be overwritten.
 */
struct npu_cmd_sample {
	struct npu_cmd_hdr hdr;
	__u32 logits;		/* scratchpad, float [n] */
	__u32 n;
	__u8 dst;
	__u8 pad[7];
	struct npu_count counter;
	struct npu_addr params;
};
NPU_CHECK_SIZE(struct npu_cmd_sample, 48);

/* Why a job failed; in completion records and in struct drm_npu_job_result. */
enum npu_fault {
	NPU_FAULT_NONE		= 0,
	NPU_FAULT_CMDBUF	= 1,	/* header or stream bounds of the command buffer */
	NPU_FAULT_OPCODE	= 2,	/* unknown opcode or wrong length */
	NPU_FAULT_BAD_FIELD	= 3,	/* a field out of its range, a pad that is not zero */
	NPU_FAULT_SPAD		= 4,	/* scratchpad operand past its end or misaligned */
	NPU_FAULT_PAGE		= 5,	/* address not mapped */
	NPU_FAULT_PROTECTION	= 6,	/* write to a read-only page */
	NPU_FAULT_BUS		= 7,	/* the bus refused an access */
	NPU_FAULT_ALIGN		= 8,	/* misaligned device address */
	NPU_FAULT_INDEX		= 9,	/* gather index, position or token past its limit */
	NPU_FAULT_DEADLOCK	= 10,	/* a barrier that can never be met */
	NPU_FAULT_KILLED	= 11,	/* reset of the queue, the context or the device */
	NPU_FAULT_OVERFLOW	= 12,	/* an address or count that wraps */
	NPU_FAULT_CONTEXT	= 13,	/* the context has faulted before; job not started */
	NPU_FAULT_HANG		= 14,	/* no progress for the firmware's limit */
	NPU_FAULT_COUNT
};

#endif

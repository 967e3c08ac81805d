/* SPDX-License-Identifier: MIT */
/* Cycles of the matrix and the vector engine in closed form, see the specification's "Time". */
#include "timing.h"

/* From the first operand to the first result, and from the last operand to the last. */
#define MATRIX_FILL_CYCLES	64
#define VECTOR_START_CYCLES	16
/* A float multiply-accumulate takes the multipliers of four int8 ones. */
#define FLOAT_PASSES		4
/* A strip has 16 weight rows; the array takes 16 elements of k of each in a cycle. */
#define ARRAY_N			NPU_STRIP_ROWS
#define ARRAY_K			16

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The multipliers form a box: ARRAY_N weight rows, ARRAY_K elements, and the rest act rows. */
static uint64_t array_cycles(const struct npu_machine *m, uint64_t passes, uint64_t rows,
			     uint64_t n, uint64_t k)
{
	uint64_t box_n = min64(m->macs, ARRAY_N);
	uint64_t box_k = min64(m->macs / box_n, ARRAY_K);
	uint64_t box_m = m->macs / box_n / box_k;

	return div_up(n, box_n) * div_up(k, box_k) * div_up(rows, box_m) * passes;
}

uint64_t npu_cycles_matmul(const struct npu_machine *m, uint32_t wtype, uint64_t rows, uint64_t n,
			   uint64_t k)
{
	uint64_t passes = wtype == NPU_WTYPE_F32 || wtype == NPU_WTYPE_F16 ? FLOAT_PASSES : 1;

	if (!rows || !n || !k)
		return 0;
	return array_cycles(m, passes, rows, NPU_ALIGN_UP(n, ARRAY_N), k) + MATRIX_FILL_CYCLES;
}

uint64_t npu_cycles_vector(const struct npu_machine *m, uint64_t elements, unsigned int ops)
{
	if (!elements || !ops)
		return 0;
	return div_up(elements, m->vector_bits / 32) * ops + VECTOR_START_CYCLES;
}

uint64_t npu_cycles_attn(const struct npu_machine *m, uint64_t rows, uint64_t n_rep, uint64_t pos,
			 uint64_t head_dim, uint64_t *scores)
{
	/* row i sees pos + i + 1 positions; blocks that no row of a pass sees are skipped */
	uint64_t seen = rows * pos + rows * (rows + 1) / 2;
	uint64_t mean;

	*scores = seen * n_rep;
	if (!*scores)
		return 0;
	mean = NPU_ALIGN_UP(div_up(seen, rows), NPU_ATTN_BLOCK);
	return array_cycles(m, FLOAT_PASSES, rows * n_rep, mean, head_dim) +
	       array_cycles(m, FLOAT_PASSES, rows * n_rep, head_dim, mean) +
	       2 * MATRIX_FILL_CYCLES;
}

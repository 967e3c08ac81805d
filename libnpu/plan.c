// SPDX-License-Identifier: MIT
/* Plans: checks of a shape, choice of cores, workspace, what stays in the scratchpads. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"
#include "transport.h"

/* A barrier and the exchange around it, for the choice of cores */
#define EXCHANGE_NS	1500
#define EXCHANGES	4	/* a layer */
#define VECTOR_OPS	8	/* lane operations on an element, on average */
/*
 * A layer that takes longer than this on one core has safe points: what it stores and loads for
 * them hides behind its weights
 */
#define KEEP_NS		100000
/* A layer that takes this long has one more, which costs a load of x. */
#define LONG_NS		20000

static int field_fail(const char *field, uint64_t value, const char *wanted)
{
	return npu_fail(-EINVAL, "plan: %s is %llu, must be %s", field, (unsigned long long)value,
			wanted);
}

static uint32_t q_cols(const struct npu_plan_shape *s)
{
	return s->n_heads * s->head_dim;
}

static int check_heads(const struct npu_plan_shape *s)
{
	if (!s->n_heads)
		return 0;
	if (!s->n_kv_heads || s->n_heads % s->n_kv_heads)
		return field_fail("n_kv_heads", s->n_kv_heads, "a divisor of n_heads");
	if (s->n_heads / s->n_kv_heads > 64)
		return field_fail("n_heads / n_kv_heads", s->n_heads / s->n_kv_heads, "at most 64");
	if (s->head_dim < 2 || s->head_dim % 2 || s->head_dim > NPU_MAX_HEAD_DIM)
		return field_fail("head_dim", s->head_dim, "even, 2..512");
	if (s->n_heads > NPU_MAX_K / s->head_dim)
		return field_fail("n_heads * head_dim", (uint64_t)s->n_heads * s->head_dim,
				  "at most 131072");
	if (s->n_rot % 2 || s->n_rot > s->head_dim)
		return field_fail("n_rot", s->n_rot, "even and at most head_dim");
	if (s->kv_capacity % 16 || s->kv_capacity > NPU_MAX_KV)
		return field_fail("kv_capacity", s->kv_capacity,
				  "a multiple of 16, at most 1048576");
	return 0;
}

static int check_shape(const struct npu_device_info *info, const struct npu_plan_shape *s)
{
	if (!s->m_max || s->m_max > NPU_MAX_M)
		return field_fail("m_max", s->m_max, "1..4096");
	if (s->m_reg > NPU_MAX_PARAMS)
		return field_fail("m_reg", s->m_reg, "0 or the register of a parameter, 1..24");
	if (s->pos_reg > NPU_MAX_PARAMS)
		return field_fail("pos_reg", s->pos_reg, "0 or the register of a parameter, 1..24");
	if (s->cores > info->cores)
		return npu_fail(-EINVAL, "plan: %u cores, the device has %u", s->cores,
				info->cores);
	if (s->dim > NPU_MAX_K)
		return field_fail("dim", s->dim, "at most 131072");
	if (s->ffn_dim > NPU_MAX_K)
		return field_fail("ffn_dim", s->ffn_dim, "at most 131072");
	if (s->vocab > NPU_MAX_N)
		return field_fail("vocab", s->vocab, "at most 1048576");
	return check_heads(s);
}

static uint64_t layer_params(const struct npu_plan_shape *s)
{
	uint64_t kv = (uint64_t)s->n_kv_heads * s->head_dim;

	return s->dim * (2ull * q_cols(s) + 2 * kv + 3ull * s->ffn_dim);
}

uint64_t plan_layer_bytes(const struct npu_plan_shape *s)
{
	return s->weight_bytes ? s->weight_bytes : layer_params(s);
}

/* Modelled time of a layer on this many cores, roughly: what the work costs, and the meetings. */
static uint64_t layer_ns(const struct npu_device_info *info, const struct npu_plan_shape *s,
			 uint32_t cores)
{
	uint64_t bytes = plan_layer_bytes(s);
	uint64_t rate = (uint64_t)cores * info->dma_bytes * info->dma_mhz;	/* 10^6 bytes a s */
	uint64_t macs = layer_params(s) * NPU_ALIGN_UP((uint64_t)s->m_max, 16);
	uint64_t lanes = info->vector_bits / 32;
	uint64_t elements, stream, matrix;

	if (rate > info->dram_mbps)
		rate = info->dram_mbps;
	stream = bytes * 1000 / rate;
	matrix = macs * 1000 / ((uint64_t)cores * info->macs * info->matrix_mhz);
	/* norms are done by every core, the rest is shared */
	elements = 4ull * s->dim + (2ull * q_cols(s) + 3ull * s->ffn_dim) / cores;
	return (stream > matrix ? stream : matrix) +
	       s->m_max * elements * VECTOR_OPS * 1000 / (lanes * info->matrix_mhz) +
	       (cores > 1 ? EXCHANGES * EXCHANGE_NS : 0);
}

static uint32_t choose_cores(const struct npu_device_info *info, const struct npu_plan_shape *s)
{
	uint32_t best = 1;

	if (s->cores)
		return s->cores;
	if (!layer_params(s))
		return info->cores;
	for (uint32_t n = 2; n <= info->cores; n++)
		if (layer_ns(info, s, n) < layer_ns(info, s, best))
			best = n;
	return best;
}

int npu_plan_cores(struct npu_device *dev, const struct npu_plan_shape *shape, uint32_t *cores)
{
	int rc = check_shape(&dev->info, shape);

	if (!rc)
		*cores = choose_cores(&dev->info, shape);
	return rc;
}

/* A row of k elements in the workspace: a record or floats, whichever is larger. */
static uint64_t exchange_bytes(uint32_t k)
{
	uint64_t record = NPU_ACT_Q8_ROW_BYTES(NPU_ALIGN_UP((uint64_t)k, NPU_QBLOCK));

	return NPU_ALIGN_UP(record > 4ull * k ? record : 4ull * k, 64);
}

int npu_plan_workspace(struct npu_device *dev, const struct npu_plan_shape *s, uint64_t *bytes)
{
	int rc = check_shape(&dev->info, s);

	if (!rc)
		*bytes = s->m_max * (4ull * ld_of(s->dim) + exchange_bytes(q_cols(s)) +
				     exchange_bytes(s->ffn_dim) + exchange_bytes(s->dim));
	return rc;
}

/* Bytes of a row in the scratchpad that stay: x, and what a single core keeps beside it. */
static uint64_t kept_row_bytes(const struct npu_plan *p)
{
	const struct npu_plan_shape *s = &p->shape;
	uint64_t floats = p->x_ld;

	if (p->cores == 1)
		floats += ld_of(q_cols(s));
	if (p->keeps)
		floats += ld_of(s->ffn_dim);
	return 4 * floats;
}

/* Bytes that operators need beside that, for the widest activations in each weight type. */
static uint64_t passing_bytes(const struct npu_plan *p)
{
	const struct npu_plan_shape *s = &p->shape;
	uint64_t per = (uint64_t)s->head_dim * (s->n_kv_heads ? s->n_heads / s->n_kv_heads + 2 : 0);
	uint32_t k = s->dim > s->ffn_dim ? s->dim : s->ffn_dim;
	uint64_t row, sample = 4ull * s->vocab;

	if (k < q_cols(s))
		k = q_cols(s);
	row = 4ull * ld_of(k) + exchange_bytes(k);	/* activations of two kinds */
	row += 4 * (per + 96) + 4ull * s->n_rot + exchange_bytes((uint32_t)per);
	/* pieces of rows on their way, the norm's weights */
	row = row * s->m_max + 3 * 4ull * ld_of(k) * (s->m_max < 16 ? s->m_max : 16) + (128u << 10);
	return row > sample ? row : sample;
}

static bool can_be_resident(const struct npu_plan *p)
{
	uint64_t kept = kept_row_bytes(p) * p->shape.m_max;
	uint64_t room = p->info.spad_bytes;

	/* one row has to fit in any case; the operators will say if it does not */
	if (p->shape.m_max == 1)
		return kept + 4ull * p->shape.vocab < room && kept < room / 2;
	return kept + passing_bytes(p) <= room;
}

static int lay_out(struct npu_plan *p, uint64_t workspace)
{
	const struct npu_plan_shape *s = &p->shape;
	uint64_t m = s->m_max;

	p->x_ld = ld_of(s->dim);
	p->ws_x = workspace;
	p->ws_att = p->ws_x + 4 * m * p->x_ld;
	p->ws_ffn = p->ws_att + m * exchange_bytes(q_cols(s));
	p->ws_norm = p->ws_ffn + m * exchange_bytes(s->ffn_dim);
	p->keeps = p->cores == 1 && layer_ns(&p->info, s, 1) < KEEP_NS;
	p->long_layers = layer_ns(&p->info, s, p->cores) >= LONG_NS;
	p->resident = s->dim && can_be_resident(p);
	p->keeps = p->keeps && p->resident;
	p->x_here = p->resident;
	p->logits = SPAD_NONE;
	p->x = SPAD_NONE;
	p->att = SPAD_NONE;
	p->ffn = SPAD_NONE;
	if (!p->resident)
		return 0;
	p->x = spad_take(p, 4 * m * p->x_ld);
	if (p->cores == 1)
		p->att = spad_take(p, 4 * m * ld_of(q_cols(s)));
	if (p->keeps)
		p->ffn = spad_take(p, 4 * m * ld_of(s->ffn_dim));
	return 0;
}

int npu_plan_create(struct npu_device *dev, const struct npu_plan_shape *shape,
		    struct npu_cmdbuf *cb, uint64_t workspace, struct npu_plan **out)
{
	struct npu_plan *p;
	int rc = check_shape(&dev->info, shape);

	if (rc)
		return rc;
	if (workspace % 64)
		return npu_fail(-EINVAL, "plan: workspace at 0x%llx, must be a multiple of 64",
				(unsigned long long)workspace);
	p = calloc(1, sizeof(*p));
	if (!p)
		return npu_fail(-ENOMEM, "plan: no memory");
	p->info = dev->info;
	p->shape = *shape;
	p->cb = cb;
	p->cores = choose_cores(&dev->info, shape);
	p->attn_scale = shape->attn_scale;
	if (p->attn_scale == 0 && shape->head_dim)
		p->attn_scale = 1.0f / sqrtf((float)shape->head_dim);
	if (cb->n_streams != p->cores) {
		rc = npu_fail(-EINVAL, "plan: the command buffer has %u streams, the plan wants %u "
			      "(npu_plan_cores)", cb->n_streams, p->cores);
		free(p);
		return rc;
	}
	for (uint32_t i = 0; i < p->cores; i++)
		track_init(&p->track[i]);
	lay_out(p, workspace);
	*out = p;
	return 0;
}

void npu_plan_destroy(struct npu_plan *p)
{
	free(p);
}

uint32_t npu_plan_spad_used(const struct npu_plan *p)
{
	return p->most;
}

int plan_result(struct npu_plan *p, int rc)
{
	if (rc && !p->cb->error)
		p->cb->error = rc;
	return rc;
}

void plan_forget_logits(struct npu_plan *p)
{
	p->logits = SPAD_NONE;
}

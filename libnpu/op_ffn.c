// SPDX-License-Identifier: MIT
/* The feed-forward half of a layer. */
#include <errno.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"

/* What lies between the two halves: kept by a single core, else in the workspace. */
static void between(const struct npu_plan *p, const struct npu_ffn *f, struct sink *out,
		    struct source *in)
{
	uint32_t n = p->shape.ffn_dim;

	if (p->keeps) {
		*out = (struct sink){ .kind = SINK_SPAD, .spad = p->ffn, .ld = ld_of(n) };
		*in = (struct source){ .kind = SOURCE_SPAD, .k = n, .spad = p->ffn,
				       .ld = ld_of(n) };
		return;
	}
	*out = (struct sink){ .kind = SINK_ROWS, .va = p->ws_ffn, .stride = 4ull * n,
			      .space = SPACE_FFN };
	*in = (struct source){ .kind = SOURCE_ROWS, .k = n, .va = p->ws_ffn, .stride = 4ull * n,
			       .space = SPACE_FFN };
	if (act_kind_of(f->down.type) == ACT_Q8) {
		out->kind = SINK_RECORDS;
		in->kind = SOURCE_RECORDS;
	}
}

static int ffn(struct npu_plan *p, const struct npu_ffn *f)
{
	struct project up = { .what = "ffn", .n_w = 2, .keep = SPAD_NONE };
	struct source in;
	int rc = p->cb->error;

	if (!rc && f->norm % 64)
		rc = npu_fail(-EINVAL, "ffn: norm at 0x%llx, must be a multiple of 64",
			      (unsigned long long)f->norm);
	if (!rc)
		rc = weight_check("ffn gate", &f->gate, p->shape.ffn_dim, p->shape.dim);
	if (!rc)
		rc = weight_check("ffn up", &f->up, p->shape.ffn_dim, p->shape.dim);
	if (!rc)
		rc = weight_check("ffn down", &f->down, p->shape.dim, p->shape.ffn_dim);
	if (rc)
		return rc;
	plan_forget_logits(p);
	up.w[0] = f->gate;
	up.w[1] = f->up;
	between(p, f, &up.out, &in);
	rc = plan_normed(p, f->norm, act_kind_of(f->gate.type) | act_kind_of(f->up.type), &up.in);
	if (!rc)
		rc = project(p, &up);
	if (!rc)
		rc = plan_barrier(p);
	if (!rc && (!p->resident || p->long_layers))
		rc = plan_safe(p);
	if (!rc)
		rc = plan_residual(p, "ffn down", &in, &f->down);
	return rc;
}

int npu_op_ffn(struct npu_plan *p, const struct npu_ffn *f)
{
	return plan_result(p, ffn(p, f));
}

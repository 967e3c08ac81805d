// SPDX-License-Identifier: MIT
/* Matrices on rows in memory, one after the other. */
#include <errno.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"

static int check_rows(const char *what, const struct npu_rows *r)
{
	if (r->va % 4 || r->stride < r->cols)
		return npu_fail(-EINVAL, "matmul: %s rows at 0x%llx, %u columns, stride %u", what,
				(unsigned long long)r->va, r->cols, r->stride);
	if (r->stride > UINT32_MAX / 4)
		return npu_fail(-E2BIG, "matmul: %s stride is %u elements, at most %u", what,
				r->stride, UINT32_MAX / 4);
	return 0;
}

static int matmul(struct npu_plan *p, const struct npu_rows *in, uint64_t norm,
		  const struct npu_weight *w, const struct npu_rows *out, uint32_t n, bool residual)
{
	struct project op = { .what = "matmul", .n_w = 1, .keep = SPAD_NONE };
	int rc = p->cb->error;

	if (!rc)
		rc = check_rows("input", in);
	if (!rc && norm % 64)
		rc = npu_fail(-EINVAL, "matmul: norm at 0x%llx, must be a multiple of 64",
			      (unsigned long long)norm);
	plan_forget_logits(p);
	op.in = (struct source){ .kind = SOURCE_ROWS, .k = in->cols, .va = in->va,
				 .stride = 4ull * in->stride, .space = SPACE_USER, .norm = norm };
	for (uint32_t i = 0; i < n && !rc; i++) {
		rc = check_rows("output", &out[i]);
		if (!rc)
			rc = weight_check("matmul", &w[i], out[i].cols, in->cols);
		if (rc)
			break;
		op.w[0] = w[i];
		op.out = (struct sink){ .kind = SINK_ROWS, .add = residual, .va = out[i].va,
					.stride = 4ull * out[i].stride, .space = SPACE_USER };
		rc = project(p, &op);
	}
	if (!rc)
		rc = plan_barrier(p);
	return rc ? rc : plan_safe(p);
}

int npu_op_matmul(struct npu_plan *p, const struct npu_rows *in, uint64_t norm,
		  const struct npu_weight *w, const struct npu_rows *out, uint32_t n, bool residual)
{
	return plan_result(p, matmul(p, in, norm, w, out, n, residual));
}

// SPDX-License-Identifier: MIT
/* Weights from a file's rows to strips, by the device. */
#include <errno.h>

#include "cmdbuf.h"
#include "error.h"
#include "plan.h"

static int check(uint64_t src, const struct npu_weight *w, uint32_t first, uint32_t n)
{
	int rc = weight_check("relayout", w, w->n, w->k);

	if (rc)
		return rc;
	if (!n || first > w->n || n > w->n - first)
		return npu_fail(-EINVAL, "relayout: rows %u + %u, the matrix has %u", first, n,
				w->n);
	if (first % NPU_STRIP_ROWS || (n % NPU_STRIP_ROWS && first + n != w->n))
		return npu_fail(-EINVAL, "relayout: rows %u + %u must be whole strips of %u, up to "
				"the last row %u", first, n, NPU_STRIP_ROWS, w->n);
	if (src % 2)
		return npu_fail(-EINVAL, "relayout: source at 0x%llx, must be a multiple of 2",
				(unsigned long long)src);
	return 0;
}

int npu_op_relayout(struct npu_cmdbuf *cb, uint64_t src, const struct npu_weight *w, uint32_t first,
		    uint32_t n)
{
	uint32_t strips = (n + NPU_STRIP_ROWS - 1) / NPU_STRIP_ROWS;
	uint64_t row, strip;
	int rc = cb->error;

	if (rc)
		return rc;
	rc = check(src, w, first, n);
	if (rc)
		return cb->error = rc;
	row = npu_source_row_bytes(w->type, w->k);
	strip = npu_strip_bytes(w->type, w->k);
	for (uint32_t core = 0; core < cb->n_streams && !rc; core++) {
		uint32_t s0, s1, rows;

		slice_of(strips, cb->n_streams, core, &s0, &s1);
		if (s0 == s1)
			break;
		rows = n - s0 * NPU_STRIP_ROWS;
		if (rows > (s1 - s0) * NPU_STRIP_ROWS)
			rows = (s1 - s0) * NPU_STRIP_ROWS;
		rc = npu_emit_relayout(cb, core, &(struct npu_cmd_relayout){
			.src = npu_va(src + s0 * NPU_STRIP_ROWS * row),
			.dst = npu_va(w->va + (first / NPU_STRIP_ROWS + s0) * strip),
			.n = npu_count(rows, NPU_REG_ZERO),
			.k = w->k,
			.wtype = (__u8)w->type,
		});
	}
	return rc;
}

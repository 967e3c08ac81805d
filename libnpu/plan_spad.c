// SPDX-License-Identifier: MIT
#include <errno.h>

#include "error.h"
#include "plan.h"

uint32_t spad_take(struct npu_plan *p, uint64_t bytes)
{
	uint32_t at = p->used;
	uint64_t size = NPU_ALIGN_UP(bytes, (uint64_t)NPU_SPAD_ALIGN);

	if (size > p->info.spad_bytes - at)
		return SPAD_NONE;
	p->used += (uint32_t)size;
	if (p->used > p->most)
		p->most = p->used;
	return at;
}

uint32_t spad_left(const struct npu_plan *p)
{
	return p->info.spad_bytes - p->used;
}

int spad_fail(const struct npu_plan *p, const char *what, uint64_t bytes, uint32_t rows)
{
	return npu_fail(-E2BIG,
			"%s: %llu bytes of scratchpad for %u rows, a core has %u and %u are "
			"taken%s",
			what, (unsigned long long)bytes, rows, p->info.spad_bytes, p->used,
			p->cores < p->info.cores ? "; use more cores" : "");
}

uint32_t spad_rows(const struct npu_plan *p, uint64_t fixed, uint64_t per_row)
{
	/* each buffer may lose one alignment; eight is more than any operator has */
	uint64_t room = spad_left(p);
	uint64_t rows;

	fixed += 8 * NPU_SPAD_ALIGN;
	if (room <= fixed)
		return 0;
	rows = per_row ? (room - fixed) / per_row : p->shape.m_max;
	if (rows >= p->shape.m_max)
		return p->shape.m_max;
	/* the matrix engine takes 16 rows at a time */
	return (uint32_t)(rows >= 16 ? rows / 16 * 16 : rows);
}

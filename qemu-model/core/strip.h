/* SPDX-License-Identifier: MIT */
/*
 * Where a strip of weights may be cut: between units of elements.
 */
#ifndef NPU_CORE_STRIP_H
#define NPU_CORE_STRIP_H

#include <stdint.h>

#include "npu_formats.h"

/* The largest unit: a pair of Q8_0 blocks */
#define NPU_UNIT_BYTES_MAX (2 * NPU_Q8_0_BLOCK_BYTES)

/* Elements of k in a unit: a pair of blocks, or one element */
static inline uint32_t npu_unit_elements(uint32_t wtype)
{
	return wtype == NPU_WTYPE_Q8_0 || wtype == NPU_WTYPE_Q4_0 ? 2 * NPU_QBLOCK : 1;
}

/* Bytes of a unit of a strip */
static inline uint32_t npu_unit_bytes(uint32_t wtype)
{
	return (uint32_t)npu_strip_payload(wtype, npu_unit_elements(wtype));
}

#endif

// SPDX-License-Identifier: MIT
/* ATTN with AVX2, FMA and F16C */
#include "lanes_avx2.h"
#include "attn_lanes.h"

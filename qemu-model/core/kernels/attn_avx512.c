// SPDX-License-Identifier: MIT
/* ATTN with AVX-512 */
#include "lanes_avx512.h"
#include "attn_lanes.h"

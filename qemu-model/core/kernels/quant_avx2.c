// SPDX-License-Identifier: MIT
/* QUANT, CONVERT and KV_STORE with AVX2, FMA and F16C */
#include "lanes_avx2.h"
#include "quant_lanes.h"

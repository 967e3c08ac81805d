// SPDX-License-Identifier: MIT
/* QUANT, CONVERT and KV_STORE with AVX-512 */
#include "lanes_avx512.h"
#include "quant_lanes.h"

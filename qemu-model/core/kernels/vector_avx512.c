// SPDX-License-Identifier: MIT
/* RMSNORM, ROPE, SOFTMAX, EW, ARGMAX, TOPK and SAMPLE with AVX-512 */
#include "lanes_avx512.h"
#include "vector_lanes.h"

// SPDX-License-Identifier: MIT
/* RMSNORM, ROPE, SOFTMAX, EW, ARGMAX, TOPK and SAMPLE with AVX2, FMA and F16C */
#include "lanes_avx2.h"
#include "vector_lanes.h"

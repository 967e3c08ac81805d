// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of the tracepoints, once.
 */
#include "npu_device.h"

#define CREATE_TRACE_POINTS
#include "npu_trace.h"

/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * What a fault means to who submitted the job: the same error whoever tells it, the kernel
 * or the library on a device without one.
 */
#ifndef NPU_FAULT_H
#define NPU_FAULT_H

#if defined(__KERNEL__)
#include <linux/errno.h>
#else
#include <errno.h>
#endif
#include "npu_types.h"
#include "npu_cmd.h"

/* npu_fault_errno() - Of enum npu_fault: 0 or negative; what it does not know is -EINVAL. */
static inline int npu_fault_errno(__u32 fault)
{
	switch (fault) {
	case NPU_FAULT_NONE:
		return 0;
	case NPU_FAULT_PAGE:
	case NPU_FAULT_PROTECTION:
	case NPU_FAULT_BUS:
		return -EFAULT;
	case NPU_FAULT_KILLED:
	case NPU_FAULT_CONTEXT:
		return -ECANCELED;
	case NPU_FAULT_HANG:
		return -ETIME;
	default:
		return -EINVAL;
	}
}

/* npu_fault_is_own() - Whether the job itself is to blame; others may have caused the rest. */
static inline int npu_fault_is_own(__u32 fault)
{
	return fault != NPU_FAULT_NONE && fault != NPU_FAULT_KILLED && fault != NPU_FAULT_CONTEXT;
}

#endif

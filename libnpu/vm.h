/* SPDX-License-Identifier: MIT */
/* References to an address space, for the queues on it. */
#ifndef LIBNPU_VM_H
#define LIBNPU_VM_H

#include "npu.h"

struct npu_vm *npu_vm_ref(struct npu_vm *vm);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two interrupt vectors. Both handlers run in hard interrupt context: completions signal
 * fences, and a thread would add a context switch to every wait.
 */
#ifndef NPU_IRQ_H
#define NPU_IRQ_H

struct npu_device;

/* npu_irq_init() - Requests both vectors; they are given back with the device. */
int npu_irq_init(struct npu_device *npu);

/* npu_irq_sync() - Returns when no handler runs any more that began before. */
void npu_irq_sync(struct npu_device *npu);

#endif

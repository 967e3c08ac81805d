/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Proves register access, DMA and interrupts before any firmware runs: a broken machine is
 * named at probe, not by the first job that hangs.
 */
#ifndef NPU_SELFTEST_H
#define NPU_SELFTEST_H

struct npu_device;

/* Return: 0, or -EIO after saying what does not work. */
int npu_selftest(struct npu_device *npu);

#endif

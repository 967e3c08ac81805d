// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self test through the registers made for it.
 */
#include <linux/dma-mapping.h>
#include <linux/string.h>

#include "npu_device.h"
#include "npu_selftest.h"

#define NPU_TEST_IRQ_MS	5000

static int npu_selftest_mmio(struct npu_device *npu)
{
	static const u32 values[] = { 0x00000001, 0x12345678, 0x55aa55aa, 0x7fffffff };
	u32 got;
	int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		npu_write(npu, NPU_REG_TEST_VALUE, values[i]);
		got = npu_read(npu, NPU_REG_TEST_VALUE);
		if (got != 2 * values[i]) {
			drm_err(&npu->base, "self test: register: wrote %#x, read %#x, wanted %#x\n",
				values[i], got, 2 * values[i]);
			return -EIO;
		}
	}
	return 0;
}

static int npu_selftest_dma_step(struct npu_device *npu, u32 op, const u8 *mem, u8 wanted)
{
	const u8 *bad;
	u32 status;

	npu_write(npu, NPU_REG_TEST_DMA_CTRL, op);
	status = npu_read(npu, NPU_REG_TEST_DMA_STATUS);
	if (status) {
		drm_err(&npu->base, "self test: DMA operation %u: the device reports %u; is bus mastering allowed?\n",
			op, status);
		return -EIO;
	}
	bad = memchr_inv(mem, wanted, PAGE_SIZE);
	if (bad) {
		drm_err(&npu->base, "self test: DMA operation %u: byte %td is %#x, wanted %#x\n",
			op, bad - mem, *bad, wanted);
		return -EIO;
	}
	return 0;
}

static int npu_selftest_dma(struct npu_device *npu)
{
	dma_addr_t dma;
	u8 *mem;
	int ret;

	mem = dma_alloc_coherent(npu->base.dev, PAGE_SIZE, &dma, GFP_KERNEL);
	if (!mem)
		return -ENOMEM;
	memset(mem, 0x5a, PAGE_SIZE);
	npu_write64(npu, NPU_REG_TEST_DMA_LO, dma);
	npu_write(npu, NPU_REG_TEST_DMA_SIZE, PAGE_SIZE);

	ret = npu_selftest_dma_step(npu, NPU_TEST_DMA_INVERT, mem, (u8)~0x5a);
	if (!ret)
		ret = npu_selftest_dma_step(npu, NPU_TEST_DMA_CLEAR, mem, 0);
	if (!ret)
		ret = npu_selftest_dma_step(npu, NPU_TEST_DMA_FILL, mem, NPU_TEST_DMA_PATTERN);

	npu_write(npu, NPU_REG_TEST_DMA_SIZE, 0);
	npu_write64(npu, NPU_REG_TEST_DMA_LO, 0);
	dma_free_coherent(npu->base.dev, PAGE_SIZE, mem, dma);
	return ret;
}

static int npu_selftest_irq(struct npu_device *npu)
{
	unsigned int i;

	for (i = 0; i < NPU_MSIX_COUNT; i++) {
		reinit_completion(&npu->test_irq[i]);
		npu_write(npu, NPU_REG_TEST_IRQ, i);
		if (!wait_for_completion_timeout(&npu->test_irq[i],
						 msecs_to_jiffies(NPU_TEST_IRQ_MS))) {
			drm_err(&npu->base, "self test: interrupt %u did not arrive in %u ms\n", i,
				NPU_TEST_IRQ_MS);
			return -EIO;
		}
	}
	return 0;
}

int npu_selftest(struct npu_device *npu)
{
	int ret;

	ret = npu_selftest_mmio(npu);
	if (!ret)
		ret = npu_selftest_dma(npu);
	if (!ret)
		ret = npu_selftest_irq(npu);
	return ret;
}

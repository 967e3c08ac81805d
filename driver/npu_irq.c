// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: vector 0 messages, vector 1 completions.
 */
#include <linux/interrupt.h>

#include "npu_device.h"
#include "npu_irq.h"
#include "npu_queue.h"

static irqreturn_t npu_irq_event(int irq, void *arg)
{
	struct npu_device *npu = arg;

	atomic_inc(&npu->count.irqs[NPU_MSIX_EVENT]);
	complete(&npu->test_irq[NPU_MSIX_EVENT]);
	npu_mbox_drain(npu);
	return IRQ_HANDLED;
}

static irqreturn_t npu_irq_done(int irq, void *arg)
{
	struct npu_device *npu = arg;

	atomic_inc(&npu->count.irqs[NPU_MSIX_DONE]);
	complete(&npu->test_irq[NPU_MSIX_DONE]);
	npu_queue_drain_done(npu);
	return IRQ_HANDLED;
}

int npu_irq_init(struct npu_device *npu)
{
	static const irq_handler_t handlers[NPU_MSIX_COUNT] = {
		[NPU_MSIX_EVENT] = npu_irq_event,
		[NPU_MSIX_DONE] = npu_irq_done,
	};
	static const char * const names[NPU_MSIX_COUNT] = {
		[NPU_MSIX_EVENT] = "npu-event",
		[NPU_MSIX_DONE] = "npu-done",
	};
	unsigned int i;
	int ret;

	for (i = 0; i < NPU_MSIX_COUNT; i++)
		init_completion(&npu->test_irq[i]);

	ret = pci_alloc_irq_vectors(npu->pdev, NPU_MSIX_COUNT, NPU_MSIX_COUNT, PCI_IRQ_MSIX);
	if (ret < 0) {
		drm_err(&npu->base, "interrupts: %u MSI-X vectors wanted, error %d; is MSI off (pci=nomsi)?\n",
			NPU_MSIX_COUNT, ret);
		return ret;
	}
	for (i = 0; i < NPU_MSIX_COUNT; i++) {
		ret = devm_request_irq(npu->base.dev, pci_irq_vector(npu->pdev, i), handlers[i], 0,
				       names[i], npu);
		if (ret)
			return ret;
	}
	return 0;
}

void npu_irq_sync(struct npu_device *npu)
{
	unsigned int i;

	for (i = 0; i < NPU_MSIX_COUNT; i++)
		synchronize_irq(pci_irq_vector(npu->pdev, i));
}

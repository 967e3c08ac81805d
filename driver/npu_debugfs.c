// SPDX-License-Identifier: GPL-2.0-only
/*
 * A look inside, and a button.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include "npu_bind.h"
#include "npu_debugfs.h"
#include "npu_device.h"
#include "npu_queue.h"
#include "npu_recovery.h"
#include "npu_vm.h"

static int npu_debugfs_machine_show(struct seq_file *m, void *unused)
{
	struct npu_device *npu = m->private;
	const struct drm_npu_device_info *info = &npu->info;

	seq_printf(m, "hw-version: %u.%u\ncmd-version: %u.%u\n", info->hw_version >> 16,
		   info->hw_version & 0xffff, info->cmd_version >> 16, info->cmd_version & 0xffff);
	seq_printf(m, "cores: %u\nspad-bytes: %u\nfifo-bytes: %u\nmacs: %u\nmatrix-mhz: %u\n",
		   info->cores, info->spad_bytes, info->fifo_bytes, info->macs, info->matrix_mhz);
	seq_printf(m, "vector-bits: %u\ndma-channels: %u\ndma-bytes: %u\ndma-mhz: %u\n",
		   info->vector_bits, info->dma_channels, info->dma_bytes, info->dma_mhz);
	seq_printf(m, "dram-mbps: %u\ndram-ns: %u\ncontexts: %u\nqueues: %u\nresets: %u\n",
		   info->dram_mbps, info->dram_ns, info->contexts, info->queues, info->resets);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(npu_debugfs_machine);

static int npu_debugfs_firmware_show(struct seq_file *m, void *unused)
{
	static const char * const powers[] = { "down", "up", "resetting", "wedged" };
	struct npu_device *npu = m->private;
	int idx;

	seq_printf(m, "version: %s\napi: %u.%u\nsecurity-version: %u\n", npu->fw.version,
		   npu->fw.api >> 16, npu->fw.api & 0xffff, npu->fw.security_version);
	seq_printf(m, "from: %s\nfeatures: %#x\n", npu_fw_where(npu), npu->fw.features);
	/* The status page goes with the device. */
	if (!drm_dev_enter(&npu->base, &idx))
		return -ENODEV;
	down_read(&npu->reset_sem);
	seq_printf(m, "power: %s\nheartbeat: %u\nmodel-ns: %llu\nenergy-pj: %llu\n",
		   powers[npu->power], READ_ONCE(npu->status->heartbeat),
		   READ_ONCE(npu->status->model_ns), READ_ONCE(npu->status->energy_pj));
	up_read(&npu->reset_sem);
	drm_dev_exit(idx);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(npu_debugfs_firmware);

static int npu_debugfs_fw_log_show(struct seq_file *m, void *unused)
{
	struct npu_device *npu = m->private;
	char *text;
	u32 n = 0;
	int idx;

	text = kmalloc(NPU_COREDUMP_LOG, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	if (drm_dev_enter(&npu->base, &idx)) {
		n = npu_coredump_copy_log(npu, text, NPU_COREDUMP_LOG);
		drm_dev_exit(idx);
	}
	seq_write(m, text, n);
	kfree(text);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(npu_debugfs_fw_log);

static int npu_debugfs_queues_show(struct seq_file *m, void *unused)
{
	struct npu_device *npu = m->private;
	struct npu_queue *queue;

	spin_lock(&npu->list_lock);
	list_for_each_entry(queue, &npu->queues, node) {
		spin_lock_irq(&queue->lock);
		seq_printf(m, "queue %u: context %u priority %u entries %u submitted %llu completed %llu in-flight %zu state %#x fault %u\n",
			   queue->hw_id, queue->vm->context, queue->priority, queue->entries,
			   queue->submitted, queue->completed,
			   list_count_nodes(&queue->in_flight), queue->state, queue->fault);
		spin_unlock_irq(&queue->lock);
	}
	spin_unlock(&npu->list_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(npu_debugfs_queues);

/* Walks the mappings of one VM; a sleeping lock, so outside of list_lock. */
static void npu_debugfs_show_vm(struct seq_file *m, struct npu_vm *vm)
{
	struct drm_gpuva *va;

	mutex_lock(&vm->lock);
	seq_printf(m, "vm: context %u queues %d large-pages %u\n", vm->context,
		   atomic_read(&vm->queues), vm->mmu.large);
	drm_gpuvm_for_each_va(va, &vm->base)
		seq_printf(m, "  %#llx + %#llx: buffer of %zu bytes at %#llx\n", va->va.addr,
			   va->va.range, va->gem.obj->size, va->gem.offset);
	mutex_unlock(&vm->lock);
}

static int npu_debugfs_vms_show(struct seq_file *m, void *unused)
{
	struct npu_device *npu = m->private;
	struct npu_vm *vms[NPU_MAX_CONTEXTS];
	struct npu_vm *vm;
	u32 n = 0;
	u32 i;

	spin_lock(&npu->list_lock);
	list_for_each_entry(vm, &npu->vms, node) {
		if (n < ARRAY_SIZE(vms) && kref_get_unless_zero(&vm->users))
			vms[n++] = vm;
	}
	spin_unlock(&npu->list_lock);
	for (i = 0; i < n; i++) {
		npu_debugfs_show_vm(m, vms[i]);
		npu_vm_put(vms[i]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(npu_debugfs_vms);

static int npu_debugfs_counters_show(struct seq_file *m, void *unused)
{
	struct npu_device *npu = m->private;
	struct npu_counters *c = &npu->count;

	seq_printf(m, "event-interrupts: %d\ndone-interrupts: %d\njobs: %d\nfaults: %d\n",
		   atomic_read(&c->irqs[NPU_MSIX_EVENT]), atomic_read(&c->irqs[NPU_MSIX_DONE]),
		   atomic_read(&c->jobs), atomic_read(&c->faults));
	seq_printf(m, "hangs: %d\nlate-jobs: %d\nqueue-resets: %d\ncontext-resets: %d\n",
		   atomic_read(&c->hangs), atomic_read(&c->late_jobs),
		   atomic_read(&c->queue_resets), atomic_read(&c->context_resets));
	seq_printf(m, "device-resets: %d\nbus-resets: %d\n", atomic_read(&c->device_resets),
		   atomic_read(&c->bus_resets));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(npu_debugfs_counters);

/* Any write resets the device and returns when it runs again. */
static ssize_t npu_debugfs_reset_write(struct file *file, const char __user *buf, size_t size,
				       loff_t *pos)
{
	struct npu_device *npu = file->private_data;
	ssize_t ret = size;
	int idx;

	if (!drm_dev_enter(&npu->base, &idx))
		return -ENODEV;
	npu_recovery_reset_later(npu, "asked for through debugfs");
	npu_recovery_wait(npu);
	if (READ_ONCE(npu->power) == NPU_WEDGED)
		ret = -EIO;
	drm_dev_exit(idx);
	return ret;
}

static const struct file_operations npu_debugfs_reset_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = npu_debugfs_reset_write,
};

void npu_debugfs_init(struct npu_device *npu)
{
	struct dentry *root = npu->base.debugfs_root;

	debugfs_create_file("machine", 0444, root, npu, &npu_debugfs_machine_fops);
	debugfs_create_file("firmware", 0444, root, npu, &npu_debugfs_firmware_fops);
	debugfs_create_file("fw_log", 0400, root, npu, &npu_debugfs_fw_log_fops);
	debugfs_create_file("queues", 0444, root, npu, &npu_debugfs_queues_fops);
	debugfs_create_file("vms", 0444, root, npu, &npu_debugfs_vms_fops);
	debugfs_create_file("counters", 0444, root, npu, &npu_debugfs_counters_fops);
	debugfs_create_file("reset", 0200, root, npu, &npu_debugfs_reset_fops);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI and DRM entry points; what an open file owns.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/slab.h>

#include <drm/drm_accel.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_ioctl.h>

#include "npu_bind.h"
#include "npu_compat.h"
#include "npu_debugfs.h"
#include "npu_device.h"
#include "npu_drv.h"
#include "npu_fdinfo.h"
#include "npu_gem.h"
#include "npu_queue.h"
#include "npu_result.h"
#include "npu_submit.h"
#include "npu_uapi.h"
#include "npu_versions.h"
#include "npu_vm.h"

struct npu_file *npu_file_get(struct npu_file *nfile)
{
	kref_get(&nfile->ref);
	return nfile;
}

static void npu_file_free(struct kref *ref)
{
	kfree(container_of(ref, struct npu_file, ref));
}

void npu_file_put(struct npu_file *nfile)
{
	kref_put(&nfile->ref, npu_file_free);
}

static int npu_open(struct drm_device *drm, struct drm_file *file)
{
	struct npu_file *nfile;

	nfile = kzalloc(sizeof(*nfile), GFP_KERNEL_ACCOUNT);
	if (!nfile)
		return -ENOMEM;
	kref_init(&nfile->ref);
	nfile->npu = to_npu(drm);
	nfile->client_id = file->client_id;
	xa_init_flags(&nfile->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&nfile->queues, XA_FLAGS_ALLOC1);
	file->driver_priv = nfile;
	return 0;
}

static void npu_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct npu_file *nfile = file->driver_priv;

	npu_queue_close(nfile);
	npu_vm_close(nfile);
	npu_file_put(nfile);
}

static int npu_ioctl_dev_query(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct npu_device *npu = to_npu(drm);
	struct drm_npu_dev_query *args = data;
	struct drm_npu_firmware_info fw = {};
	const void *from;
	size_t size;

	if (args->pad)
		return -EINVAL;
	switch (args->type) {
	case DRM_NPU_QUERY_DEVICE:
		from = &npu->info;
		size = sizeof(npu->info);
		break;
	case DRM_NPU_QUERY_FIRMWARE:
		fw.api = npu->fw.api;
		fw.security_version = npu->fw.security_version;
		memcpy(fw.version, npu->fw.version, sizeof(fw.version));
		from = &fw;
		size = sizeof(fw);
		break;
	default:
		return -EINVAL;
	}
	if (!args->pointer) {
		args->size = size;
		return 0;
	}
	return npu_uapi_give(args->pointer, from, size, &args->size);
}

static const struct drm_ioctl_desc npu_ioctls[] = {
	DRM_IOCTL_DEF_DRV(NPU_DEV_QUERY, npu_ioctl_dev_query, 0),
	DRM_IOCTL_DEF_DRV(NPU_BO_CREATE, npu_ioctl_bo_create, 0),
	DRM_IOCTL_DEF_DRV(NPU_BO_INFO, npu_ioctl_bo_info, 0),
	DRM_IOCTL_DEF_DRV(NPU_VM_CREATE, npu_ioctl_vm_create, 0),
	DRM_IOCTL_DEF_DRV(NPU_VM_DESTROY, npu_ioctl_vm_destroy, 0),
	DRM_IOCTL_DEF_DRV(NPU_VM_BIND, npu_ioctl_vm_bind, 0),
	DRM_IOCTL_DEF_DRV(NPU_QUEUE_CREATE, npu_ioctl_queue_create, 0),
	DRM_IOCTL_DEF_DRV(NPU_QUEUE_DESTROY, npu_ioctl_queue_destroy, 0),
	DRM_IOCTL_DEF_DRV(NPU_QUEUE_STATE, npu_ioctl_queue_state, 0),
	DRM_IOCTL_DEF_DRV(NPU_SUBMIT, npu_ioctl_submit, 0),
	DRM_IOCTL_DEF_DRV(NPU_JOB_RESULT, npu_ioctl_job_result, 0),
};

static const struct file_operations npu_fops = {
	.owner = THIS_MODULE,
	.open = accel_open,
	.release = drm_release,
	.unlocked_ioctl = npu_uapi_ioctl,
	.compat_ioctl = npu_uapi_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = drm_gem_mmap,
	.show_fdinfo = drm_show_fdinfo,
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

/*
 * Versions of the interface in npu_drm.h
 * 1.0 - the first
 * 1.1 - struct drm_npu_job_result has wait_ns; jobs end with NPU_FAULT_HANG
 */
static const struct drm_driver npu_drm_driver = {
	.driver_features = DRIVER_COMPUTE_ACCEL | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE | NPU_DRIVER_GEM_GPUVA,
	.name = "npu",
	.desc = "open NPU",
#ifdef NPU_HAVE_DRIVER_DATE
	.date = "20261122",
#endif
	.major = NPU_VERSION_MAJOR(NPU_IOCTLS_DRIVER_MAX),
	.minor = NPU_VERSION_MINOR(NPU_IOCTLS_DRIVER_MAX),
	.fops = &npu_fops,
	.ioctls = npu_ioctls,
	.num_ioctls = ARRAY_SIZE(npu_ioctls),
	.open = npu_open,
	.postclose = npu_postclose,
	.show_fdinfo = npu_fdinfo_show,
	.gem_create_object = npu_gem_create_object,
	.gem_prime_import_sg_table = drm_gem_shmem_prime_import_sg_table,
};

static int npu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct npu_device *npu;
	int ret;

	npu = devm_drm_dev_alloc(&pdev->dev, &npu_drm_driver, struct npu_device, base);
	if (IS_ERR(npu))
		return PTR_ERR(npu);
	npu->pdev = pdev;
	pci_set_drvdata(pdev, npu);

	ret = npu_device_init(npu);
	if (ret)
		return ret;
	npu_debugfs_init(npu);
	/* The node appears when everything behind it works. */
	ret = drm_dev_register(&npu->base, 0);
	if (ret)
		npu_device_fini(npu);
	return ret;
}

static void npu_remove(struct pci_dev *pdev)
{
	struct npu_device *npu = pci_get_drvdata(pdev);

	drm_dev_unplug(&npu->base);
	npu_device_fini(npu);
}

static void npu_shutdown(struct pci_dev *pdev)
{
	npu_remove(pdev);
}

/*
 * System sleep: jobs in the device are lost and their queues with them, as in a reset; VMs,
 * buffers and idle queues go on. There is no runtime power management: the modelled device has
 * one power state, and an idle one costs nothing.
 */
static int npu_suspend(struct device *dev)
{
	struct npu_device *npu = dev_get_drvdata(dev);

	down_write(&npu->reset_sem);
	if (npu->power == NPU_UP)
		npu_device_stop(npu, false);
	up_write(&npu->reset_sem);
	return 0;
}

static int npu_resume(struct device *dev)
{
	struct npu_device *npu = dev_get_drvdata(dev);
	int ret = 0;

	down_write(&npu->reset_sem);
	if (npu->power == NPU_RESETTING) {
		pci_set_master(npu->pdev);
		ret = npu_device_start(npu);
		if (ret)
			npu_device_wedge(npu);
	}
	up_write(&npu->reset_sem);
	return ret;
}

static DEFINE_SIMPLE_DEV_PM_OPS(npu_pm_ops, npu_suspend, npu_resume);

/* A reset from outside (sysfs, error recovery). Within our own the device is already down. */
static void npu_reset_prepare(struct pci_dev *pdev)
{
	struct npu_device *npu = pci_get_drvdata(pdev);

	if (READ_ONCE(npu->power) == NPU_UP)
		npu_suspend(&pdev->dev);
}

static void npu_reset_done(struct pci_dev *pdev)
{
	struct npu_device *npu = pci_get_drvdata(pdev);

	if (!READ_ONCE(npu->own_bus_reset))
		npu_resume(&pdev->dev);
}

static const struct pci_error_handlers npu_err_handlers = {
	.reset_prepare = npu_reset_prepare,
	.reset_done = npu_reset_done,
};

static const struct pci_device_id npu_ids[] = {
	{ PCI_DEVICE(NPU_PCI_VENDOR, NPU_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, npu_ids);

static struct pci_driver npu_pci_driver = {
	.name = "npu",
	.id_table = npu_ids,
	.probe = npu_probe,
	.remove = npu_remove,
	.shutdown = npu_shutdown,
	.err_handler = &npu_err_handlers,
	.driver.pm = pm_sleep_ptr(&npu_pm_ops),
};

static int __init npu_module_init(void)
{
	int ret;

	ret = npu_vm_module_init();
	if (ret)
		return ret;
	ret = pci_register_driver(&npu_pci_driver);
	if (ret)
		npu_vm_module_exit();
	return ret;
}

static void __exit npu_module_exit(void)
{
	pci_unregister_driver(&npu_pci_driver);
	npu_vm_module_exit();
}

module_init(npu_module_init);
module_exit(npu_module_exit);

MODULE_DESCRIPTION("Driver of the open NPU");
MODULE_LICENSE("GPL");

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NPU as a PCI Express device of QEMU. All that the device does is in the core library; here
 * are its PCI identity, its properties and its callbacks.
 *
 * Threads: registers, resets and configuration space come under the big lock. The library computes
 * on threads of its own, which never take that lock: memory is mapped without it and an interrupt
 * only schedules a bottom half. So a reset can wait for those threads while it holds the lock.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/rcu.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pcie.h"
#if __has_include("hw/core/qdev-properties.h")
#include "hw/core/qdev-properties.h"
#else
#include "hw/qdev-properties.h"
#endif
#include "migration/vmstate.h"
#include "trace.h"

#include "npu_core.h"
#include "npu_flash_file.h"
#include "npu_regs.h"
#include "npu_qemu.h"

OBJECT_DECLARE_SIMPLE_TYPE(NpuState, NPU)

struct NpuState {
	PCIDevice parent_obj;

	MemoryRegion regs;
	struct npu_core *core;
	struct npu_properties props;
	struct npu_flash_file flash;
	bool drop_interrupts;
	int32_t millicelsius;

	QEMUBH *interrupt_bh;
	uint32_t pending_vectors;	/* atomic */
};

/*
 * Callbacks of the core library, from any of its threads.
 */

static void npu_thread_leaves(gpointer registered)
{
	rcu_unregister_thread();
}

static GPrivate npu_thread = G_PRIVATE_INIT(npu_thread_leaves);

/*
 * The maps of memory are freed when no thread reads them any more. QEMU knows that of
 * its own threads, which come here with the big lock; the core library's make
 * themselves known the first time.
 */
static void npu_thread_enters(void)
{
	if (!bql_locked() && !g_private_get(&npu_thread)) {
		rcu_register_thread();
		g_private_set(&npu_thread, &npu_thread);
	}
}

static void *npu_map(void *opaque, uint64_t addr, uint64_t len, bool write,
		     uint64_t *mapped)
{
	NpuState *s = opaque;
	dma_addr_t size = len;
	void *ptr;

	npu_thread_enters();
	/* RAM only: the address space has no bounce buffers, see npu_realize() */
	ptr = pci_dma_map(PCI_DEVICE(s), addr, &size,
			  write ? DMA_DIRECTION_FROM_DEVICE
			  : DMA_DIRECTION_TO_DEVICE);
	if (!ptr || !size) {
		trace_npu_map_refused(addr, len, write);
		return NULL;
	}
	*mapped = size;
	return ptr;
}

static void npu_unmap(void *opaque, void *ptr, uint64_t mapped, bool write)
{
	NpuState *s = opaque;

	npu_thread_enters();
	pci_dma_unmap(PCI_DEVICE(s), ptr, mapped,
		      write ? DMA_DIRECTION_FROM_DEVICE
		      : DMA_DIRECTION_TO_DEVICE, mapped);
}

static void npu_interrupt(void *opaque, unsigned int vector)
{
	NpuState *s = opaque;

	qatomic_or(&s->pending_vectors, 1u << vector);
	qemu_bh_schedule(s->interrupt_bh);
}

static void npu_trace_line(void *opaque, const char *line)
{
	trace_npu_event(line);
}

static const struct npu_host_ops npu_host_ops = {
	.map = npu_map,
	.unmap = npu_unmap,
	.interrupt = npu_interrupt,
	.trace = npu_trace_line,
};

/*
 * Under the big lock.
 */

static void npu_interrupt_bh(void *opaque)
{
	NpuState *s = opaque;
	uint32_t vectors = qatomic_xchg(&s->pending_vectors, 0);
	unsigned int i;

	for (i = 0; i < NPU_MSIX_COUNT; i++) {
		if (!(vectors & 1u << i))
			continue;
		if (i == NPU_MSIX_DONE && s->drop_interrupts) {
			trace_npu_interrupt(i, "dropped");
			continue;
		}
		trace_npu_interrupt(i, "raised");
		msix_notify(PCI_DEVICE(s), i);
	}
}

static uint64_t npu_regs_read(void *opaque, hwaddr offset, unsigned int size)
{
	NpuState *s = opaque;
	uint32_t value = npu_core_reg_read(s->core, offset);

	trace_npu_reg_read(offset, value);
	return value;
}

static void npu_regs_write(void *opaque, hwaddr offset, uint64_t value,
			   unsigned int size)
{
	NpuState *s = opaque;

	trace_npu_reg_write(offset, value);
	npu_core_reg_write(s->core, offset, value);
}

static const MemoryRegionOps npu_regs_ops = {
	.read = npu_regs_read,
	.write = npu_regs_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 4 },
	.impl = { .min_access_size = 4, .max_access_size = 4 },
};

static bool npu_is_bus_master(PCIDevice *dev)
{
	return pci_get_word(dev->config + PCI_COMMAND) & PCI_COMMAND_MASTER;
}

static void npu_config_write(PCIDevice *dev, uint32_t addr, uint32_t value,
			     int len)
{
	NpuState *s = NPU(dev);
	bool before = npu_is_bus_master(dev);
	bool after;

	pci_default_write_config(dev, addr, value, len);
	after = npu_is_bus_master(dev);
	if (before != after) {
		trace_npu_bus_master(after);
		npu_core_bus_master(s->core, after);
	}
	/* last, since it can reset all that was done here */
	pcie_cap_flr_write_config(dev, addr, value, len);
}

static void npu_reset_hold(Object *obj, ResetType type)
{
	NpuState *s = NPU(obj);

	npu_core_reset(s->core);
	/* PCI resets its command register itself, but does not tell */
	npu_core_bus_master(s->core, false);
	qemu_bh_cancel(s->interrupt_bh);
	qatomic_set(&s->pending_vectors, 0);
	trace_npu_reset();
}

static void npu_creation_error(const NpuState *s, int ret, const char *why, Error **errp)
{
	if (ret == -EINVAL)
		error_setg(errp, "npu: a property is out of range, wanted %s", why);
	else if (ret == -ENOTSUP)
		error_setg(errp, "npu: this host has no isa '%s'; take 'best'", s->props.isa);
	else
		error_setg(errp, "npu: the device cannot start: %s", strerror(-ret));
}

static void npu_realize(PCIDevice *dev, Error **errp)
{
	NpuState *s = NPU(dev);
	struct npu_core_config config;
	const char *why = NULL;
	int i, ret;

	if (!pci_bus_is_express(pci_get_bus(dev))) {
		error_setg(errp,
			   "npu: needs a PCI Express bus; put it on a q35 machine or behind a pcie-root-port");
		return;
	}
	if (!npu_properties_to_config(&s->props, &config, errp))
		return;
	if (!npu_flash_file_open(&s->flash, s->props.flash, &config.flash, errp))
		return;
	if (pcie_endpoint_cap_init(dev, 0) < 0) {
		error_setg(errp, "npu: no room for the PCI Express capability");
		npu_flash_file_close(&s->flash);
		return;
	}
	pcie_cap_flr_init(dev);
	if (msix_init_exclusive_bar(dev, NPU_MSIX_COUNT, NPU_BAR_MSIX, errp)) {
		pcie_cap_exit(dev);
		npu_flash_file_close(&s->flash);
		return;
	}
	for (i = 0; i < NPU_MSIX_COUNT; i++)
		msix_vector_use(dev, i);

	/*
	 * What is not RAM (BARs, this device's own among them) cannot be
	 * mapped then: the device reports a bus fault, and no thread of the core
	 * library ends up in another device's callbacks.
	 */
	pci_get_address_space(dev)->max_bounce_buffer_size = 0;
	s->interrupt_bh = qemu_bh_new_guarded(npu_interrupt_bh, s,
					      &DEVICE(dev)->mem_reentrancy_guard);
	ret = npu_core_create(&config, &npu_host_ops, s, &s->core, &why);
	if (ret) {
		npu_creation_error(s, ret, why, errp);
		npu_flash_file_close(&s->flash);
		qemu_bh_delete(s->interrupt_bh);
		msix_uninit_exclusive_bar(dev);
		pcie_cap_exit(dev);
		return;
	}
	npu_core_bus_master(s->core, false);
	if (s->millicelsius)
		npu_core_set_temperature(s->core, s->millicelsius);

	memory_region_init_io(&s->regs, OBJECT(s), &npu_regs_ops, s, "npu-regs",
			      NPU_BAR_REGS_SIZE);
	pci_register_bar(dev, NPU_BAR_REGS,
			 PCI_BASE_ADDRESS_SPACE_MEMORY |
			 PCI_BASE_ADDRESS_MEM_TYPE_64, &s->regs);
}

static void npu_exit(PCIDevice *dev)
{
	NpuState *s = NPU(dev);

	npu_core_destroy(s->core);
	s->core = NULL;
	npu_flash_file_close(&s->flash);
	qemu_bh_delete(s->interrupt_bh);
	msix_uninit_exclusive_bar(dev);
	pcie_cap_exit(dev);
}

static bool npu_get_drop_interrupts(Object *obj, Error **errp)
{
	return NPU(obj)->drop_interrupts;
}

static void npu_set_drop_interrupts(Object *obj, bool value, Error **errp)
{
	NPU(obj)->drop_interrupts = value;
}

static void npu_get_temperature(Object *obj, Visitor *v, const char *name, void *opaque,
				Error **errp)
{
	visit_type_int32(v, name, &NPU(obj)->millicelsius, errp);
}

static void npu_set_temperature(Object *obj, Visitor *v, const char *name, void *opaque,
				Error **errp)
{
	NpuState *s = NPU(obj);
	int32_t value;

	if (!visit_type_int32(v, name, &value, errp))
		return;
	if (value < -40000 || value > 200000) {
		error_setg(errp, "npu: millicelsius %d is out of range, wanted -40000..200000",
			   value);
		return;
	}
	s->millicelsius = value;
	if (s->core)
		npu_core_set_temperature(s->core, value);
}

static const Property npu_properties[] = {
	DEFINE_PROP_STRING("profile", NpuState, props.profile),
	DEFINE_PROP_STRING("isa", NpuState, props.isa),
	DEFINE_PROP_UINT32("threads", NpuState, props.threads, 0),
	DEFINE_PROP_UINT32("security-counter", NpuState, props.security_counter, 0),
	DEFINE_PROP_BOOL("development", NpuState, props.development, true),
	DEFINE_PROP_STRING("fused-key", NpuState, props.fused_key),
	DEFINE_PROP_STRING("flash", NpuState, props.flash),
	DEFINE_PROP_UINT32("cores", NpuState, props.machine.cores, 0),
	DEFINE_PROP_SIZE32("spad", NpuState, props.machine.spad_bytes, 0),
	DEFINE_PROP_SIZE32("fifo", NpuState, props.machine.fifo_bytes, 0),
	DEFINE_PROP_UINT32("macs", NpuState, props.machine.macs, 0),
	DEFINE_PROP_UINT32("matrix-mhz", NpuState, props.machine.matrix_mhz, 0),
	DEFINE_PROP_UINT32("vector-bits", NpuState, props.machine.vector_bits, 0),
	DEFINE_PROP_UINT32("dma-channels", NpuState, props.machine.dma_channels, 0),
	DEFINE_PROP_UINT32("dma-bytes", NpuState, props.machine.dma_bytes, 0),
	DEFINE_PROP_UINT32("dma-mhz", NpuState, props.machine.dma_mhz, 0),
	DEFINE_PROP_UINT32("dram-mbps", NpuState, props.machine.dram_mbps, 0),
	DEFINE_PROP_UINT32("dram-efficiency", NpuState, props.machine.dram_efficiency, 0),
	DEFINE_PROP_UINT32("dram-ns", NpuState, props.machine.dram_ns, 0),
	DEFINE_PROP_UINT32("contexts", NpuState, props.machine.contexts, 0),
	DEFINE_PROP_UINT32("queues", NpuState, props.machine.queues, 0),
	DEFINE_PROP_UINT32("fj-mac-int8", NpuState, props.machine.fj_mac_int8, 0),
	DEFINE_PROP_UINT32("fj-mac-float", NpuState, props.machine.fj_mac_float, 0),
	DEFINE_PROP_UINT32("fj-vector-op", NpuState, props.machine.fj_vector_op, 0),
	DEFINE_PROP_UINT32("fj-dram-byte", NpuState, props.machine.fj_dram_byte, 0),
	DEFINE_PROP_UINT32("fj-spad-byte", NpuState, props.machine.fj_spad_byte, 0),
	DEFINE_PROP_UINT32("idle-mw", NpuState, props.machine.idle_mw, 0),
};

static const VMStateDescription npu_vmstate = {
	.name = "npu",
	.unmigratable = 1,
};

static void npu_class_setup(ObjectClass *klass)
{
	DeviceClass *dc = DEVICE_CLASS(klass);
	PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

	k->realize = npu_realize;
	k->exit = npu_exit;
	k->config_write = npu_config_write;
	k->vendor_id = NPU_PCI_VENDOR;
	k->device_id = NPU_PCI_DEVICE;
	k->revision = NPU_PCI_REVISION;
	k->class_id = NPU_PCI_CLASS;
	RESETTABLE_CLASS(klass)->phases.hold = npu_reset_hold;
	dc->vmsd = &npu_vmstate;
	dc->desc = "Neural processing unit";
	set_bit(DEVICE_CATEGORY_MISC, dc->categories);
	device_class_set_props(dc, npu_properties);

	object_class_property_add(klass, "millicelsius", "int32", npu_get_temperature,
				  npu_set_temperature, NULL, NULL);
	object_class_property_set_description(klass, "millicelsius",
					      "what the temperature sensor shows, at any time; zero before the device starts: 45000");
	/* a fault to inject, at any time */
	object_class_property_add_bool(klass, "drop-interrupts",
				       npu_get_drop_interrupts,
				       npu_set_drop_interrupts);
	object_class_property_set_description(klass, "drop-interrupts",
					      "raise no interrupt for completions, for tests of the driver");
}

/* Class data became const after 10.0; whichever function fits TypeInfo is taken. */
#define NPU_CLASS_DATA_IS_CONST \
	__builtin_types_compatible_p(__typeof__(((TypeInfo *)NULL)->class_init), \
				     void (*)(ObjectClass *, const void *))

static G_GNUC_UNUSED void npu_class_init(ObjectClass *klass, void *data)
{
	npu_class_setup(klass);
}

static G_GNUC_UNUSED void npu_class_init_const(ObjectClass *klass,
					       const void *data)
{
	npu_class_setup(klass);
}

static const TypeInfo npu_info = {
	.name = TYPE_NPU,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(NpuState),
	.class_init = __builtin_choose_expr(NPU_CLASS_DATA_IS_CONST, npu_class_init_const,
					    npu_class_init),
	.interfaces = (InterfaceInfo[]) {
		{ INTERFACE_PCIE_DEVICE },
		{ }
	},
};

static void npu_register_types(void)
{
	type_register_static(&npu_info);
}

type_init(npu_register_types)

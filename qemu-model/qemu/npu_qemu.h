/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of the device: the description of the machine and how the host computes it.
 */
#ifndef NPU_QEMU_H
#define NPU_QEMU_H

#if __has_include("hw/core/qdev-properties.h")
#include "hw/core/qdev-properties.h"
#else
#include "hw/qdev-properties.h"
#endif

#include "npu_core.h"

#define TYPE_NPU "npu"

typedef struct NpuProperties {
    char *profile;              /* "default", "small" */
    char *isa;                  /* "best", "scalar", "avx2", "avx512" */
    uint32_t threads;
    uint32_t security_counter;
    /* zero: as the profile has it; after realize the value that is used */
    struct npu_machine machine;
} NpuProperties;

#define NPU_MACHINE_PROPERTY(name, type, props, field) \
    DEFINE_PROP_UINT32(name, type, props.machine.field, 0)
#define NPU_MACHINE_SIZE(name, type, props, field) \
    DEFINE_PROP_SIZE32(name, type, props.machine.field, 0)

#define NPU_PROPERTIES(type, props) \
    DEFINE_PROP_STRING("profile", type, props.profile), \
    DEFINE_PROP_STRING("isa", type, props.isa), \
    DEFINE_PROP_UINT32("threads", type, props.threads, 0), \
    DEFINE_PROP_UINT32("security-counter", type, props.security_counter, 0), \
    NPU_MACHINE_PROPERTY("cores", type, props, cores), \
    NPU_MACHINE_SIZE("spad", type, props, spad_bytes), \
    NPU_MACHINE_SIZE("fifo", type, props, fifo_bytes), \
    NPU_MACHINE_PROPERTY("macs", type, props, macs), \
    NPU_MACHINE_PROPERTY("matrix-mhz", type, props, matrix_mhz), \
    NPU_MACHINE_PROPERTY("vector-bits", type, props, vector_bits), \
    NPU_MACHINE_PROPERTY("dma-channels", type, props, dma_channels), \
    NPU_MACHINE_PROPERTY("dma-bytes", type, props, dma_bytes), \
    NPU_MACHINE_PROPERTY("dma-mhz", type, props, dma_mhz), \
    NPU_MACHINE_PROPERTY("dram-mbps", type, props, dram_mbps), \
    NPU_MACHINE_PROPERTY("dram-efficiency", type, props, dram_efficiency), \
    NPU_MACHINE_PROPERTY("dram-ns", type, props, dram_ns), \
    NPU_MACHINE_PROPERTY("contexts", type, props, contexts), \
    NPU_MACHINE_PROPERTY("queues", type, props, queues), \
    NPU_MACHINE_PROPERTY("fj-mac-int8", type, props, fj_mac_int8), \
    NPU_MACHINE_PROPERTY("fj-mac-float", type, props, fj_mac_float), \
    NPU_MACHINE_PROPERTY("fj-vector-op", type, props, fj_vector_op), \
    NPU_MACHINE_PROPERTY("fj-dram-byte", type, props, fj_dram_byte), \
    NPU_MACHINE_PROPERTY("fj-spad-byte", type, props, fj_spad_byte), \
    NPU_MACHINE_PROPERTY("idle-mw", type, props, idle_mw)

/*
 * What the properties ask for. Fills the zeros of props from the profile, so that `info qtree`
 * shows the machine as it is. False and *errp: an unknown profile or instruction set.
 */
bool npu_properties_to_config(NpuProperties *props,
                              struct npu_core_config *config, Error **errp);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The device as a library. One handle is one device; there are no globals. Hosts are the
 * QEMU device, libnpu's sim transport, tests and fuzzers: they give callbacks and call
 * register accesses, everything else happens on the handle's own threads.
 *
 * Whatever the other side writes into registers, rings, page tables and command buffers
 * ends as a reported fault, never as an abort.
 */
#ifndef NPU_CORE_H
#define NPU_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct npu_core;

/* Description of the modelled machine. Ranges are checked by npu_core_create(). */
struct npu_machine {
	uint32_t cores;			/* 1..16 */
	uint32_t spad_bytes;		/* of a core, 64 KiB..16 MiB, multiple of 64 */
	uint32_t fifo_bytes;		/* weight stream FIFO of a core, 4 KiB..4 MiB */
	uint32_t macs;			/* int8 MACs a cycle and core, power of two */
	uint32_t matrix_mhz;		/* clock of matrix and vector engine */
	uint32_t vector_bits;		/* power of two, 128..8192 */
	uint32_t dma_channels;		/* of a core, 1..8; one of them streams weights and KV */
	uint32_t dma_bytes;		/* a cycle and channel */
	uint32_t dma_mhz;
	uint32_t dram_mbps;		/* peak, 10^6 bytes a second */
	uint32_t dram_efficiency;	/* per mille of the peak that can be reached */
	uint32_t dram_ns;		/* latency of a transfer's first byte */
	uint32_t contexts;		/* 1..NPU_MAX_CONTEXTS */
	uint32_t queues;		/* 1..NPU_MAX_QUEUES */
	/* energy, femtojoules */
	uint32_t fj_mac_int8;
	uint32_t fj_mac_float;
	uint32_t fj_vector_op;		/* one 32-bit lane operation */
	uint32_t fj_dram_byte;
	uint32_t fj_spad_byte;
	uint32_t idle_mw;		/* static power while a job runs */
};

/* The default machine of the design: 4 cores, 49 TOPS int8, 128 GB/s. */
extern const struct npu_machine npu_machine_default;
/* The small profile for embedded use: 1 core, 6 TOPS, 34 GB/s. */
extern const struct npu_machine npu_machine_small;

enum npu_isa {
	NPU_ISA_BEST = 0,	/* the fastest that the host has */
	NPU_ISA_SCALAR,		/* the reference: plain loops as the specification has them */
	NPU_ISA_AVX2,		/* with FMA and F16C */
	NPU_ISA_AVX512,		/* F, BW, DQ, VL and VNNI */
	NPU_ISA_COUNT
};

/*
 * What the host of the core library gives it. All may be called from any of the core's threads,
 * several at once; none may call back into the core.
 */
struct npu_host_ops {
	/*
	 * Maps bus addresses [addr, addr + len) for access by the device. Returns a host pointer
	 * and in *mapped how many bytes of it are valid, 1..len; NULL if the bus refuses.
	 * The pointer stays valid until unmap().
	 */
	void *(*map)(void *opaque, uint64_t addr, uint64_t len, bool write, uint64_t *mapped);
	/* Ends a mapping; mapped as returned by map(). */
	void (*unmap)(void *opaque, void *ptr, uint64_t mapped, bool write);
	/* Raises MSI-X vector 0..NPU_MSIX_COUNT-1. */
	void (*interrupt)(void *opaque, unsigned int vector);
	/* Optional: one line about an event (state change, fault), for tracing. */
	void (*trace)(void *opaque, const char *line);
};

/* The device's flash (uapi/npu_flash.h). Called from the device's threads, one at a time. */
struct npu_core_flash {
	/* Both return 0 or -errno; a range leaves the flash never. */
	int (*read)(void *opaque, uint64_t at, void *to, size_t bytes);
	/* One aligned sector; it is durable when the call returns. */
	int (*write)(void *opaque, uint64_t at, const void *from, size_t bytes);
	void *opaque;
	uint64_t size;			/* bytes; zero: the device has none */
};

struct npu_core_config {
	struct npu_machine machine;
	enum npu_isa isa;
	unsigned int threads;		/* that compute, at most 64; 0: as many as host cores */
	uint32_t security_counter;	/* lowest security version that boots, or flash's */
	bool development;		/* development state: the tree's development key is good */
	bool has_fused_key;
	uint8_t fused_key[32];		/* SHA-256 of the public key whose images boot */
	struct npu_core_flash flash;
};

/*
 * Makes a device in state IDLE. Errors: -EINVAL the machine is out of range (*why names the
 * field, a static string), -ENOTSUP isa not on this host, -ENOMEM, -EAGAIN no threads.
 */
int npu_core_create(const struct npu_core_config *config, const struct npu_host_ops *ops,
		    void *opaque, struct npu_core **out, const char **why);

/* Stops all work, releases all mappings, frees. No callback comes after it. NULL is allowed. */
void npu_core_destroy(struct npu_core *core);

/*
 * Register access at a byte offset of BAR 0; offset is a multiple of 4. Neither waits for
 * computation. One caller at a time.
 */
uint32_t npu_core_reg_read(struct npu_core *core, uint32_t offset);
void npu_core_reg_write(struct npu_core *core, uint32_t offset, uint32_t value);

/*
 * Power-on state; for FLR, hot reset and machine reset. Returns when no thread touches memory
 * any more and all mappings are released.
 */
void npu_core_reset(struct npu_core *core);

/* The sensor shows another temperature; 45000 after creation. */
void npu_core_set_temperature(struct npu_core *core, int32_t millicelsius);

/* Instructions that the control core has executed since its last boot, roughly while it runs. */
uint64_t npu_core_control_instructions(struct npu_core *core);

/*
 * Bus mastering. While off the device starts no access to memory and raises no interrupt;
 * turning it off returns when accesses under way have ended. On after creation.
 */
void npu_core_bus_master(struct npu_core *core, bool on);

#endif

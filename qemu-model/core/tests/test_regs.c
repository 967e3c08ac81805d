/* SPDX-License-Identifier: MIT */
/*
 * Registers: identity, machine description, self test, reset values, access to what is not there.
 */
#include <string.h>

#include "host.h"
#include "tap.h"

static uint32_t rd(struct host *h, uint32_t offset)
{
	return npu_core_reg_read(h->core, offset);
}

static void wr(struct host *h, uint32_t offset, uint32_t value)
{
	npu_core_reg_write(h->core, offset, value);
}

static void test_identity(struct host *h)
{
	const struct npu_machine *m = &npu_machine_default;
	const struct {
		uint32_t offset, value;
		const char *name;
	} regs[] = {
		{ NPU_REG_ID, NPU_ID, "ID" },
		{ NPU_REG_HW_VERSION, NPU_HW_VERSION, "HW_VERSION" },
		{ NPU_REG_CMD_VERSION,
		  NPU_CMD_VERSION_MAJOR << 16 | NPU_CMD_VERSION_MINOR, "CMD_VERSION" },
		{ NPU_REG_CORES, m->cores, "CORES" },
		{ NPU_REG_SPAD_BYTES, m->spad_bytes, "SPAD_BYTES" },
		{ NPU_REG_FIFO_BYTES, m->fifo_bytes, "FIFO_BYTES" },
		{ NPU_REG_MACS, m->macs, "MACS" },
		{ NPU_REG_MATRIX_MHZ, m->matrix_mhz, "MATRIX_MHZ" },
		{ NPU_REG_VECTOR_BITS, m->vector_bits, "VECTOR_BITS" },
		{ NPU_REG_DMA_CHANNELS, m->dma_channels, "DMA_CHANNELS" },
		{ NPU_REG_DMA_BYTES, m->dma_bytes, "DMA_BYTES" },
		{ NPU_REG_DMA_MHZ, m->dma_mhz, "DMA_MHZ" },
		{ NPU_REG_DRAM_MBPS, m->dram_mbps, "DRAM_MBPS" },
		{ NPU_REG_DRAM_NS, m->dram_ns, "DRAM_NS" },
		{ NPU_REG_CONTEXTS, m->contexts, "CONTEXTS" },
		{ NPU_REG_QUEUES, m->queues, "QUEUES" },
		{ NPU_REG_VA_BITS, NPU_VA_BITS, "VA_BITS" },
		{ NPU_REG_DMA_BITS, 52, "DMA_BITS" },
	};

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		bool ok = rd(h, regs[i].offset) == regs[i].value;

		wr(h, regs[i].offset, ~regs[i].value);
		tap_ok(ok && rd(h, regs[i].offset) == regs[i].value,
		       "register %s: reads what it should and ignores writes", regs[i].name);
	}
}

static void test_plain(struct host *h)
{
	static const uint32_t regs[] = {
		NPU_REG_TEST_DMA_LO, NPU_REG_TEST_DMA_HI, NPU_REG_TEST_DMA_SIZE,
		NPU_REG_FW_ADDR_LO, NPU_REG_FW_ADDR_HI, NPU_REG_FW_SIZE, NPU_REG_BOOT_LO,
		NPU_REG_BOOT_HI,
	};
	bool zero = true, back = true;

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		zero &= rd(h, regs[i]) == 0;
		wr(h, regs[i], 0xa5a50000u + (uint32_t)i);
	}
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		back &= rd(h, regs[i]) == 0xa5a50000u + i;
		wr(h, regs[i], 0);
	}
	tap_ok(zero, "registers that are written read zero at power on");
	tap_ok(back, "registers that are written read back, each its own");
	wr(h, NPU_REG_TEST_VALUE, 0x40000001);
	tap_ok(rd(h, NPU_REG_TEST_VALUE) == 0x80000002u,
	       "register TEST_VALUE: reads twice what was written");
	wr(h, NPU_REG_TEST_VALUE, 0);
}

static void test_holes(struct host *h)
{
	uint32_t reads = 0;

	for (uint32_t o = 0; o < NPU_BAR_REGS_SIZE; o += 4) {
		bool known = o <= NPU_REG_DMA_BITS || o == NPU_REG_RESETS ||
			     o == NPU_REG_LIFECYCLE;

		if (known)
			continue;
		reads |= rd(h, o);
		/* all but those that do something on purpose */
		if (o < NPU_REG_TEST_VALUE || o > NPU_REG_DONE_ARM)
			wr(h, o, 0xffffffff);
	}
	tap_ok(!reads && rd(h, NPU_REG_STATE) == NPU_STATE_IDLE,
	       "undefined offsets and doorbells of an idle device: read zero, writes do nothing");
}

static void test_irq(struct host *h)
{
	bool ok = true;

	for (uint32_t v = 0; v < NPU_MSIX_COUNT; v++) {
		unsigned int before = h->irqs[v];

		wr(h, NPU_REG_TEST_IRQ, v);
		ok &= host_differs(&h->irqs[v], before, 1000) && h->irqs[v] == before + 1;
	}
	tap_ok(ok, "self test: each vector is raised once");
	wr(h, NPU_REG_TEST_IRQ, NPU_MSIX_COUNT);
	tap_ok(h->irqs[0] == 1 && h->irqs[1] == 1,
	       "self test: one vector past the last does nothing");
}

static uint32_t dma(struct host *h, uint64_t addr, uint32_t size, uint32_t what)
{
	wr(h, NPU_REG_TEST_DMA_LO, (uint32_t)addr);
	wr(h, NPU_REG_TEST_DMA_HI, (uint32_t)(addr >> 32));
	wr(h, NPU_REG_TEST_DMA_SIZE, size);
	wr(h, NPU_REG_TEST_DMA_CTRL, what);
	return rd(h, NPU_REG_TEST_DMA_STATUS);
}

static bool filled(const uint8_t *p, size_t n, uint8_t with)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != with)
			return false;
	}
	return true;
}

static void test_dma(struct host *h)
{
	uint64_t bus = host_alloc(h, NPU_TEST_DMA_MAX + 4096);
	uint8_t *p = host_ptr(h, bus);

	tap_ok(dma(h, bus, NPU_TEST_DMA_MAX, NPU_TEST_DMA_FILL) == NPU_BOOT_OK &&
	       filled(p, NPU_TEST_DMA_MAX, NPU_TEST_DMA_PATTERN) && p[NPU_TEST_DMA_MAX] == 0,
	       "self test: FILL of the largest size writes all of it and no more");
	tap_ok(dma(h, bus + 1, 7, NPU_TEST_DMA_INVERT) == NPU_BOOT_OK &&
	       p[0] == NPU_TEST_DMA_PATTERN && filled(p + 1, 7, 0x69) &&
	       p[8] == NPU_TEST_DMA_PATTERN, "self test: INVERT complements just its bytes");
	tap_ok(dma(h, bus, 16, NPU_TEST_DMA_CLEAR) == NPU_BOOT_OK && filled(p, 16, 0) &&
	       p[16] == NPU_TEST_DMA_PATTERN, "self test: CLEAR writes zeros");
	tap_ok(dma(h, bus, NPU_TEST_DMA_MAX + 1, NPU_TEST_DMA_FILL) == NPU_BOOT_SIZE,
	       "self test: one byte past the largest size is refused");
	tap_ok(dma(h, bus, 0, NPU_TEST_DMA_FILL) == NPU_BOOT_OK,
	       "self test: no bytes are no error");
	tap_ok(dma(h, bus, 16, 0) == NPU_BOOT_FIELD && dma(h, bus, 16, 4) == NPU_BOOT_FIELD,
	       "self test: unknown commands are refused");
	tap_ok(dma(h, HOST_BASE - 4096, 16, NPU_TEST_DMA_FILL) == NPU_BOOT_BUS,
	       "self test: an address that the bus refuses is reported");
	tap_ok(dma(h, ~0ull - 7, 16, NPU_TEST_DMA_FILL) == NPU_BOOT_BUS,
	       "self test: a range that wraps is reported");
	npu_core_bus_master(h->core, false);
	tap_ok(dma(h, bus, 16, NPU_TEST_DMA_FILL) == NPU_BOOT_BUS && filled(p, 16, 0),
	       "self test: without bus mastering nothing is written");
	npu_core_bus_master(h->core, true);
	tap_ok(h->maps == 0, "self test: no mapping is left");
}

static void test_reset(struct host *h)
{
	uint32_t resets = rd(h, NPU_REG_RESETS);

	wr(h, NPU_REG_FW_SIZE, 77);
	wr(h, NPU_REG_CTRL, NPU_CTRL_RESET);
	tap_ok(host_state(h, NPU_STATE_IDLE, 1000) && rd(h, NPU_REG_FW_SIZE) == 0 &&
	       rd(h, NPU_REG_RESETS) == resets + 1,
	       "register CTRL: RESET clears registers, comes back to IDLE, is counted");
	wr(h, NPU_REG_CTRL, 0x80000000);
	wr(h, NPU_REG_BOOT, 2);
	tap_ok(rd(h, NPU_REG_STATE) == NPU_STATE_IDLE && rd(h, NPU_REG_RESETS) == resets + 1,
	       "registers CTRL and BOOT: other values do nothing");
	npu_core_reset(h->core);
	tap_ok(rd(h, NPU_REG_STATE) == NPU_STATE_IDLE && rd(h, NPU_REG_RESETS) == resets + 2,
	       "reset by the host: IDLE when it returns");
}

/* Makes a device with one field of the machine changed; -EINVAL and its name in *why? */
static bool refused(size_t field, uint32_t value, const char *name)
{
	struct npu_core_config config = { .machine = npu_machine_default, .threads = 1 };
	struct npu_host_ops ops = { 0 };
	struct npu_core *core = NULL;
	const char *why = NULL;
	int ret;

	memcpy((uint8_t *)&config.machine + field, &value, sizeof(value));
	ret = npu_core_create(&config, &ops, NULL, &core, &why);
	npu_core_destroy(core);
	return ret < 0 && why && !strncmp(why, name, strlen(name));
}

static void test_machine(void)
{
	static const struct {
		size_t field;
		uint32_t low, high;	/* one before and one past the range */
		const char *name;
	} fields[] = {
#define FIELD(name, low, high) { offsetof(struct npu_machine, name), low, high, #name }
		FIELD(cores, 0, 17), FIELD(spad_bytes, (64u << 10) - 64, (16u << 20) + 64),
		FIELD(fifo_bytes, 4095, (4u << 20) + 1), FIELD(macs, 0, 3),
		FIELD(matrix_mhz, 0, 100001), FIELD(vector_bits, 64, 16384),
		FIELD(dma_channels, 0, 9), FIELD(dma_bytes, 0, 4097), FIELD(dma_mhz, 0, 100001),
		FIELD(dram_mbps, 0, 100000001), FIELD(dram_efficiency, 0, 1001),
		FIELD(dram_ns, 1000001, 0xffffffff), FIELD(contexts, 0, NPU_MAX_CONTEXTS + 1),
		FIELD(queues, 0, NPU_MAX_QUEUES + 1),
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		tap_ok(refused(fields[i].field, fields[i].low, fields[i].name) &&
		       refused(fields[i].field, fields[i].high, fields[i].name),
		       "machine: %s out of its range is refused by name", fields[i].name);
}

int main(void)
{
	struct host *h = host_new(&npu_machine_default, 16, 1);

	test_identity(h);
	test_plain(h);
	test_holes(h);
	test_irq(h);
	test_dma(h);
	test_reset(h);
	host_free(h);
	test_machine();
	return tap_done();
}

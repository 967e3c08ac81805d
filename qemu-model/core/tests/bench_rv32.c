/* SPDX-License-Identifier: MIT */
/*
 * Instructions a second of the control core's interpreter, in a loop as firmware has them: loads,
 * stores, a multiplication, branches taken and not, a call; and what an access to the bus costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npu_fw_hw.h"
#include "rv32.h"

#define RAM_BYTES 0x20000
#define INSTRUCTIONS 200000000ull
#define ACCESSES 100000000ull
#define RUNS 5

static const uint32_t mixed_loop[] = {
	0x10010437,	/*        lui  s0, 0x10010 */
	0x00000493,	/*        addi s1, zero, 0 */
	0x00000913,	/*        addi s2, zero, 0 */
	0x04000293,	/* outer: addi t0, zero, 64 */
	0x00040313,	/*        addi t1, s0, 0 */
	0x00032383,	/* inner: lw   t2, 0(t1) */
	0x00534e03,	/*        lbu  t3, 5(t1) */
	0x03c38eb3,	/*        mul  t4, t2, t3 */
	0x01d484b3,	/*        add  s1, s1, t4 */
	0x0074df13,	/*        srli t5, s1, 7 */
	0x01e4c4b3,	/*        xor  s1, s1, t5 */
	0x00932423,	/*        sw   s1, 8(t1) */
	0x0093bfb3,	/*        sltu t6, t2, s1 */
	0x000f8463,	/*        beq  t6, zero, skip */
	0x00190913,	/*        addi s2, s2, 1 */
	0x01231723,	/* skip:  sh   s2, 14(t1) */
	0x014000ef,	/*        jal  ra, leaf */
	0x01030313,	/*        addi t1, t1, 16 */
	0xfff28293,	/*        addi t0, t0, -1 */
	0xfc0294e3,	/*        bne  t0, zero, inner */
	0xfbdff06f,	/*        jal  zero, outer */
	0x0ff4f513,	/* leaf:  andi a0, s1, 255 */
	0x012565b3,	/*        or   a1, a0, s2 */
	0x00008067,	/*        jalr zero, 0(ra) */
};

static const uint32_t bus_loop[] = {
	0x80000337,	/*        lui  t1, 0x80000 */
	0x00032383,	/* loop:  lw   t2, 0(t1) */
	0x00732223,	/*        sw   t2, 4(t1) */
	0xff9ff06f,	/*        jal  zero, loop */
};

static uint32_t window[2];

static bool window_load(void *opaque, uint32_t addr, unsigned int bytes, uint32_t *value)
{
	(void)opaque;
	memcpy(value, (char *)window + (addr & 7), bytes);
	return true;
}

static bool window_store(void *opaque, uint32_t addr, unsigned int bytes, uint32_t value)
{
	(void)opaque;
	memcpy((char *)window + (addr & 7), &value, bytes);
	return true;
}

/* Seconds that @n instructions of @code take, the best of some runs */
static double best_time(const uint32_t *code, size_t size, uint64_t n)
{
	const struct rv32_bus bus = { .load = window_load, .store = window_store };
	static uint8_t ram[RAM_BYTES];
	struct timespec a, b;
	double best = 1e9, t;
	struct rv32 cpu;

	memset(ram, 0, sizeof(ram));
	memcpy(ram, code, size);
	if (rv32_init(&cpu, ram, NPU_CC_RAM_BASE, RAM_BYTES, &bus))
		exit(1);
	rv32_set_rights(&cpu, 0, NPU_FW_SECTION_R | NPU_FW_SECTION_X);
	rv32_reset(&cpu, NPU_CC_RAM_BASE, 0);
	for (int i = 0; i < RUNS; i++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		rv32_run(&cpu, n);
		clock_gettime(CLOCK_MONOTONIC, &b);
		t = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
		best = t < best ? t : best;
	}
	if (cpu.retired != RUNS * n)
		exit(1);
	rv32_release(&cpu);
	return best;
}

int main(void)
{
	double mixed = best_time(mixed_loop, sizeof(mixed_loop), INSTRUCTIONS);
	double bus = best_time(bus_loop, sizeof(bus_loop), ACCESSES / 2 * 3);

	printf("rv32 mixed loop: %.0f M instructions/s\n", (double)INSTRUCTIONS / mixed / 1e6);
	printf("rv32 bus: %.1f ns an access, half a jump included\n",
	       bus * 1e9 / (double)ACCESSES);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The control core's processor a second time, slow and plain from the tables of the RISC-V
 * manuals: the measure of rv32.h. It shares nothing with it but the bus callbacks' types.
 */
#ifndef TESTS_RV32_SPEC_H
#define TESTS_RV32_SPEC_H

#include "rv32.h"

#define SPEC_PAGES_MAX 64

struct spec {
	uint32_t r[32];
	uint32_t pc;
	uint32_t csr[4096];	/* but for the counters, mip and what is constant */
	uint64_t cycles;
	uint64_t instret;
	uint64_t retired;
	uint32_t lines;		/* mip */
	bool waits;		/* WFI */
	bool stopped;
	bool dead;		/* double trap */
	uint32_t dead_cause;
	uint32_t dead_tval;
	bool handles;		/* an exception: no mret yet, interrupts not enabled since */
	bool nmi;
	uint32_t nmi_cause;

	uint8_t *ram;
	uint32_t base;
	uint32_t bytes;
	uint8_t rights[SPEC_PAGES_MAX];
	struct rv32_bus bus;
};

/* Begins one instruction, if it neither waits nor stands; takes what interrupts it before. */
void spec_step(struct spec *s);

#endif

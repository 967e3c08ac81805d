/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of the device: the description of the machine and how the host computes it.
 */
#ifndef NPU_QEMU_H
#define NPU_QEMU_H

#include "npu_core.h"

#define TYPE_NPU "npu"

struct npu_properties {
	char *profile;		/* "default", "small" */
	char *isa;		/* "best", "scalar", "avx2", "avx512" */
	uint32_t threads;
	uint32_t security_counter;
	bool development;	/* development state, else production */
	char *fused_key;	/* SHA-256 of the public key whose images boot, 64 digits */
	char *flash;		/* file of the host; NULL: none */
	/* zero: as the profile has it; after realize the value that is used */
	struct npu_machine machine;
};

/*
 * What the properties ask for. Fills the zeros of props from the profile, so that `info qtree`
 * shows the machine as it is. False and *errp: an unknown profile or instruction set, a key that
 * is none.
 */
bool npu_properties_to_config(struct npu_properties *props, struct npu_core_config *config,
			      Error **errp);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * DEVELOPMENT ONLY: the key in keys/development.key, which everybody has. It signs what is built
 * from this tree; only devices in development state take it (NPU_BOOT_DEV_KEY).
 */
#ifndef NPU_DEV_KEY_H
#define NPU_DEV_KEY_H

#include <stdint.h>

extern const uint8_t npu_dev_key_public[32];	/* Ed25519 */
extern const uint8_t npu_dev_key_seed[32];

#endif

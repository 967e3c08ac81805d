/* SPDX-License-Identifier: MIT */
/*
 * The handshake with the driver.
 */
#ifndef FW_BOOT_H
#define FW_BOOT_H

#include "hw.h"

/* Checks the driver's parameters, maps its rings, says READY. False: refused, state ERROR. */
bool boot(const struct npu_fw_handoff *handoff);

#endif

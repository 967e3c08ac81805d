/* SPDX-License-Identifier: MIT */
/*
 * The log in the driver's memory: lines of text, byte i since boot at i % log_bytes.
 */
#ifndef FW_LOG_H
#define FW_LOG_H

#include "lib.h"

struct log {
	uint32_t bytes;		/* zero: the driver wants none */
	uint32_t tail;
};

/* Adds a line that begins with the modelled time since boot. The firmware runs. */
void log_line(const char *fmt, ...) LIB_PRINTF(1);

#endif

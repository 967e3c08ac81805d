/* SPDX-License-Identifier: MIT */
/* Recording of commands: one growing stream a core. */
#ifndef LIBNPU_CMDBUF_H
#define LIBNPU_CMDBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu.h"

struct cmdbuf_stream {
	uint8_t *data;
	size_t size;		/* bytes */
	size_t room;
	uint32_t depth;		/* loops open */
	uint32_t commands;
};

struct npu_cmdbuf {
	uint32_t n_streams;
	int error;		/* first failure; sticks */
	bool ended;
	size_t total;		/* bytes of all streams */
	uint32_t n_params;	/* highest parameter register that is named */
	uint8_t *image;		/* finished bytes */
	uint32_t image_size;
	struct cmdbuf_stream stream[NPU_MAX_CORES];
};

/*
 * Appends a command of size bytes to a stream or to all; opcode and length are set here.
 * Errors as of the emit functions.
 */
int cmdbuf_put(struct npu_cmdbuf *cb, uint32_t core, uint8_t opcode, const void *cmd, size_t size);

#endif

// SPDX-License-Identifier: MIT
/* The disassembler on any bytes: it ends, or says what is wrong. */
#include <stdint.h>
#include <stdlib.h>

#include "npu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *out;

	if (!out)
		out = fopen("/dev/null", "w");
	if (!out)
		abort();
	npu_cmdbuf_dump(data, size, out);
	return 0;
}

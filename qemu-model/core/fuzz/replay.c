/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: on the files given, or on inputs made from a seed. TAP.
 *
 * usage: replay [-n inputs] [file...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void made(unsigned long n)
{
	uint64_t state = 1;

	for (unsigned long i = 0; i < n; i++) {
		uint8_t data[512];
		size_t size = host_random(&state) % sizeof(data);

		for (size_t j = 0; j < size; j++) {
			/* Half of the bytes that name an opcode hit one. */
			uint32_t r = host_random(&state);

			data[j] = (uint8_t)(r & 0x100 ? r & 0x3f : r);
		}
		LLVMFuzzerTestOneInput(data, size);
	}
	tap_ok(true, "fuzz: %lu made inputs: each job ends in a record, the device lives", n);
}

static void file(const char *path)
{
	static uint8_t data[1 << 16];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f) {
		tap_ok(false, "fuzz: %s cannot be read", path);
		return;
	}
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	tap_ok(true, "fuzz: %s", path);
}

int main(int argc, char **argv)
{
	unsigned long n = 3000;
	int i = 1;

	if (argc > 2 && !strcmp(argv[1], "-n")) {
		n = strtoul(argv[2], NULL, 10);
		i = 3;
	}
	if (i < argc) {
		for (; i < argc; i++)
			file(argv[i]);
	} else {
		made(n);
	}
	return tap_done();
}

// SPDX-License-Identifier: MIT
/* npu-objdump FILE...: command buffers as text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu.h"

/* The whole file, at most NPU_MAX_CMDBUF_BYTES; NULL with a message on stderr. */
static void *read_file(const char *name, size_t *size)
{
	FILE *f = strcmp(name, "-") ? fopen(name, "rb") : stdin;
	char *data = malloc(NPU_MAX_CMDBUF_BYTES + 1);

	if (!f || !data) {
		fprintf(stderr, "npu-objdump: %s: %s\n", name, strerror(errno));
		free(data);
		if (f && f != stdin)
			fclose(f);
		return NULL;
	}
	*size = fread(data, 1, NPU_MAX_CMDBUF_BYTES + 1, f);
	if (ferror(f) || *size > NPU_MAX_CMDBUF_BYTES) {
		fprintf(stderr, "npu-objdump: %s: %s\n", name, ferror(f) ? strerror(errno) :
			"larger than a command buffer can be");
		free(data);
		data = NULL;
	}
	if (f != stdin)
		fclose(f);
	return data;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 2) {
		fputs("usage: npu-objdump FILE...   (- is standard input)\n", stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		size_t size;
		void *data = read_file(argv[i], &size);

		if (!data) {
			status = 1;
			continue;
		}
		if (argc > 2)
			printf("%s:\n", argv[i]);
		if (npu_cmdbuf_dump(data, size, stdout)) {
			fflush(stdout);
			fprintf(stderr, "npu-objdump: %s: %s\n", argv[i], npu_error_text());
			status = 1;
		}
		free(data);
	}
	return status;
}

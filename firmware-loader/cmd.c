// SPDX-License-Identifier: MIT
/* What the commands of npu-fw share. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cmd.h"

int cmd_usage_error(const char *what, const char *value)
{
	fprintf(stderr, "npu-fw: %s%s%s; see npu-fw --help\n", what, value ? " " : "",
		value ? value : "");
	return EXIT_USAGE;
}

const char *cmd_one_file(int argc, char **argv)
{
	if (optind == argc)
		cmd_usage_error("name an image file", NULL);
	else if (optind + 1 < argc)
		cmd_usage_error("one file at a time, not also", argv[optind + 1]);
	else
		return argv[optind];
	return NULL;
}

void *cmd_read_file(const char *name, size_t max, size_t *size)
{
	FILE *f = fopen(name, "rb");
	char *data = NULL;

	if (f)
		data = malloc(max + 1);
	if (data) {
		*size = fread(data, 1, max + 1, f);
		if (ferror(f)) {
			free(data);
			data = NULL;
		}
	}
	if (!data)
		fprintf(stderr, "npu-fw: %s: %s\n", name, strerror(errno));
	if (f)
		fclose(f);
	return data;
}

int cmd_write_file(const char *name, const void *data, size_t size)
{
	FILE *f = fopen(name, "wb");
	bool written;

	if (!f) {
		fprintf(stderr, "npu-fw: %s: %s\n", name, strerror(errno));
		return EXIT_REFUSED;
	}
	written = fwrite(data, size, 1, f) == 1;
	if (fclose(f) || !written) {
		fprintf(stderr, "npu-fw: %s: cannot write %zu bytes: %s\n", name, size,
			strerror(errno));
		return EXIT_REFUSED;
	}
	return 0;
}

int cmd_read_key(const char *name, enum npu_key_part wanted, uint8_t key[32])
{
	char why[256];
	char *text;
	size_t size;
	int ret;

	text = cmd_read_file(name, NPU_KEY_TEXT_MAX, &size);
	if (!text)
		return EXIT_REFUSED;
	if (size > NPU_KEY_TEXT_MAX) {
		fprintf(stderr, "npu-fw: %s: longer than %u bytes; is it a key file\n", name,
			NPU_KEY_TEXT_MAX);
		ret = EXIT_REFUSED;
	} else {
		ret = npu_key_parse(text, size, wanted, key, why, sizeof(why));
		if (ret) {
			fprintf(stderr, "npu-fw: %s: %s\n", name, why);
			ret = EXIT_REFUSED;
		}
	}
	sodium_memzero(text, size);
	free(text);
	return ret;
}

bool cmd_parse_u32(const char *text, uint32_t *value)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v > UINT32_MAX)
		return false;
	*value = v;
	return true;
}

bool cmd_parse_version(const char *text, const char **end, uint32_t *value)
{
	unsigned int major, minor;
	int used;

	if (*text < '0' || *text > '9' || sscanf(text, "%5u.%5u%n", &major, &minor, &used) != 2 ||
	    major > 0xffff || minor > 0xffff)
		return false;
	*value = major << 16 | minor;
	*end = text + used;
	return true;
}

bool cmd_parse_range(const char *text, uint32_t *min, uint32_t *max)
{
	const char *end;

	return cmd_parse_version(text, &end, min) && *end == '-' &&
	       cmd_parse_version(end + 1, &end, max) && !*end;
}

void cmd_hex(const uint8_t *bytes, size_t n, char *text)
{
	size_t i;

	for (i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
}

/* SPDX-License-Identifier: MIT */
/*
 * The commands of npu-fw: one function each, in cmd_<what>.c, a row each in the table in npu_fw.c,
 * and what they share. All messages go to stderr and start with "npu-fw: ".
 */
#ifndef NPU_FW_CMD_H
#define NPU_FW_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu_fw_image.h"
#include "sign.h"

/* Exit status of npu-fw; zero is good. */
enum {
	EXIT_REFUSED = 1,	/* the image is refused, or something could not be done */
	EXIT_USAGE = 2,
};

/* argv[0] is the command's name; the value is the exit status. */
int cmd_pack(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_sign(int argc, char **argv);
int cmd_keygen(int argc, char **argv);

/* Prints what is wrong with the command line; the value is EXIT_USAGE. value may be NULL. */
int cmd_usage_error(const char *what, const char *value);

/* The one file that is left after getopt_long(); NULL: said why. */
const char *cmd_one_file(int argc, char **argv);

/*
 * Reads a file of at most max bytes, and one more so that the caller sees what is too long. NULL:
 * said why. The caller frees.
 */
void *cmd_read_file(const char *name, size_t max, size_t *size);
/* Writes a new file, or over an old one; EXIT_REFUSED: said why. */
int cmd_write_file(const char *name, const void *data, size_t size);

/* Reads a key file; EXIT_REFUSED: said why. */
int cmd_read_key(const char *name, enum npu_key_part wanted, uint8_t key[32]);

/* Decimal digits, below 2^32. */
bool cmd_parse_u32(const char *text, uint32_t *value);
/* A.B with both below 65536; *end is the text behind it. */
bool cmd_parse_version(const char *text, const char **end, uint32_t *value);
/* A.B-C.D */
bool cmd_parse_range(const char *text, uint32_t *min, uint32_t *max);

/* Writes 2 * n hexadecimal digits and a zero. */
void cmd_hex(const uint8_t *bytes, size_t n, char *text);

#endif

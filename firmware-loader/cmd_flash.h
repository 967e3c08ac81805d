/* SPDX-License-Identifier: MIT */
/* The commands on a flash and what they share: the device that is asked about, the opened flash. */
#ifndef NPU_FW_CMD_FLASH_H
#define NPU_FW_CMD_FLASH_H

#include "flash.h"
#include "flash_file.h"
#include "image.h"

/* argv[0] is the command's name; the value is the exit status. */
int cmd_flash_init(int argc, char **argv);
int cmd_stage(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_rollback(int argc, char **argv);

struct cmd_flash {
	const char *name;
	struct npu_flash_file file;
	struct npu_flash flash;
	struct npu_flash_judge judge;	/* by limits; result is of the last image */
	struct npu_image_limits limits;
	struct npu_image_result result;
	/* progress */
	const char *doing;
	uint64_t n_writes, writes;
	uint64_t start_ms;
	bool shown;
};

/* Options of the device, --key and --state, for getopt_long(). */
#define CMD_FLASH_OPTIONS \
	{ "key", required_argument, NULL, 'k' }, \
	{ "state", required_argument, NULL, 't' }

/* f as before any option. */
void cmd_flash_begin(struct cmd_flash *f);
/* One of CMD_FLASH_OPTIONS, or EXIT_USAGE for any other c: zero or EXIT_*, said why. */
int cmd_flash_option(struct cmd_flash *f, int c, const char *value);

/* Opens the file, EXIT_REFUSED: said why. */
int cmd_flash_open_file(struct cmd_flash *f, const char *name, enum npu_flash_file_mode mode);
/* Opens the file and the flash in it; EXIT_REFUSED: said why. */
int cmd_flash_open(struct cmd_flash *f, const char *name, enum npu_flash_file_mode mode);

/* Shows on a terminal how many of n_writes sectors are written, after more than two seconds. */
void cmd_flash_progress(struct cmd_flash *f, const char *doing, uint64_t n_writes);
/* Ends the line of progress, if there is one. */
void cmd_flash_progress_end(struct cmd_flash *f);
void cmd_flash_close(struct cmd_flash *f);

/* Prints "npu-fw: NAME: WHY"; the value is EXIT_REFUSED. */
int cmd_flash_refuse(const char *name, const char *why);

#endif

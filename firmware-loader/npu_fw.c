// SPDX-License-Identifier: MIT
/* npu-fw: makes, signs, shows and judges firmware images; see npu-fw(1). */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "cmd_flash.h"

/* In the order in which the help shows them; usage is what stands behind the name. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
	const char *what;
} commands[] = {
	{ "pack", cmd_pack,
	  "--elf FILE --config FILE|defaults --version TEXT [--key FILE] -o FILE [options]",
	  "makes an image of a firmware and its configuration" },
	{ "sign", cmd_sign, "--key FILE IMAGE -o FILE", "signs an image" },
	{ "verify", cmd_verify, "[--key FILE] [--security N] [--state STATE] IMAGE",
	  "tells whether a device boots an image, and if not, why" },
	{ "inspect", cmd_inspect, "IMAGE [--json]",
	  "shows what is in an image, also in one that no device boots" },
	{ "keygen", cmd_keygen, "-o NAME", "makes a key: NAME.key and NAME.pub" },
	{ "flash-init", cmd_flash_init, "--golden IMAGE -o FLASH [--slot-size N] [options]",
	  "makes a flash with this golden image and empty slots" },
	{ "stage", cmd_stage, "FLASH IMAGE [--yes-outdate-golden]",
	  "writes an image into a slot of a flash, for the next boot to try" },
	{ "status", cmd_status, "FLASH [--json]",
	  "shows what is in a flash, and what boots next" },
	{ "rollback", cmd_rollback, "FLASH", "goes back to the image before the active one" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		fprintf(to, "%s npu-fw %s %s\n", i ? "      " : "usage:", commands[i].name,
			commands[i].usage);
	fputc('\n', to);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(to, "%-11s %s\n", commands[i].name, commands[i].what);
	fputs("\nnpu-fw(1) tells the options. Exit status: 0 good, 1 refused or failed, "
	      "2 wrong usage.\n", to);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return 0;
	}
	for (i = 0; i < N_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return cmd_usage_error("unknown command", argv[1]);
}

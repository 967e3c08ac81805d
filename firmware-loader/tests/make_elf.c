// SPDX-License-Identifier: MIT
/* Writes the kit's ELF to stdout, for test_tool.sh and for the fuzzer's first inputs. */
#include <stdio.h>

#include "kit.h"

int main(void)
{
	struct kit_elf elf;

	kit_elf(&elf);
	return fwrite(&elf, sizeof(elf), 1, stdout) != 1;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* How often the device has interrupted. */
#ifndef NPU_INTERRUPTS_H
#define NPU_INTERRUPTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Interrupts of completions so far; -1 if /proc/interrupts does not tell. */
static inline long npu_done_interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char line[1024];
	long total = -1;

	while (f && fgets(line, sizeof(line), f)) {
		char *p = strchr(line, ':');

		if (!strstr(line, "npu-done") || !p)
			continue;
		total = 0;
		for (p++; ; ) {
			char *end;
			long n = strtol(p, &end, 10);

			if (end == p || *end != ' ')
				break;
			total += n;
			p = end;
		}
	}
	if (f)
		fclose(f);
	return total;
}

#endif

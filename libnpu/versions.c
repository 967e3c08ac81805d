// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "versions.h"

static const struct row {
	const char *interface;
	const char *part;
	uint32_t min;
	uint32_t max;
	const char *mend;
} rows[] = {
#define ROW(interface, part, min, max, mend) { #interface, #part, min, max, mend },
	NPU_VERSION_TABLE(ROW)
#undef ROW
};

static const struct {
	const char *name;
	const char *spoken;
	const char *interface;
	const char *theirs;
	const char *ours;
} parts[] = {
	[VERSIONS_DRIVER] = { "the driver", "ioctls", "IOCTLS", "DRIVER", "LIBNPU" },
	[VERSIONS_DEVICE] = { "the device", "commands", "COMMANDS", "DEVICE", "LIBNPU" },
	[VERSIONS_FIRMWARE] = { "the firmware", "messages", "MESSAGES", "FIRMWARE", "DRIVER" },
};

static const struct row *row_of(const char *interface, const char *part)
{
	const struct row *r = rows;

	while (strcmp(r->interface, interface) || strcmp(r->part, part))
		r++;
	return r;
}

static const char *range_text(const struct row *r, char *text, size_t size)
{
	int n = snprintf(text, size, "%u.%u", NPU_VERSION_MAJOR(r->min), NPU_VERSION_MINOR(r->min));

	if (r->max != r->min)
		snprintf(text + n, size - (size_t)n, "-%u.%u", NPU_VERSION_MAJOR(r->max),
			 NPU_VERSION_MINOR(r->max));
	return text;
}

int versions_check(enum versions_part part, const char *who, uint32_t found)
{
	const struct row *ours = row_of(parts[part].interface, parts[part].ours);
	const struct row *theirs = row_of(parts[part].interface, parts[part].theirs);
	char wanted[64];

	if (npu_versions_meet(NPU_VERSION(NPU_VERSION_MAJOR(found), 0), found, ours->min,
			      ours->max))
		return 0;
	return npu_fail(-EPROTO, "%s: %s speaks %s %u.%u, this library %s; %s", who,
			parts[part].name, parts[part].spoken, NPU_VERSION_MAJOR(found),
			NPU_VERSION_MINOR(found), range_text(ours, wanted, sizeof(wanted)),
			found < ours->min ? theirs->mend : ours->mend);
}

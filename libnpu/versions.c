// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>

#include "error.h"
#include "versions.h"

struct range {
	uint32_t min;
	uint32_t max;
	const char *mend;
};

enum row {
#define ROW(interface, part, min, max, mend) interface##_##part,
	NPU_VERSION_TABLE(ROW)
#undef ROW
};

static const struct range rows[] = {
#define ROW(interface, part, min, max, mend) { min, max, mend },
	NPU_VERSION_TABLE(ROW)
#undef ROW
};

static const struct {
	const char *name;
	const char *interface;
	enum row theirs;
	enum row ours;
} parts[] = {
	[VERSIONS_DRIVER] = { "the driver", "ioctls", IOCTLS_DRIVER, IOCTLS_LIBNPU },
	[VERSIONS_DEVICE] = { "the device", "commands", COMMANDS_DEVICE, COMMANDS_LIBNPU },
	[VERSIONS_FIRMWARE] = { "the firmware", "messages", MESSAGES_FIRMWARE, MESSAGES_DRIVER },
};

static const char *range_text(const struct range *r, char *text, size_t size)
{
	int n = snprintf(text, size, "%u.%u", NPU_VERSION_MAJOR(r->min), NPU_VERSION_MINOR(r->min));

	if (r->max != r->min)
		snprintf(text + n, size - (size_t)n, "-%u.%u", NPU_VERSION_MAJOR(r->max),
			 NPU_VERSION_MINOR(r->max));
	return text;
}

int versions_check(enum versions_part part, const char *who, uint32_t found)
{
	const struct range *ours = &rows[parts[part].ours];
	char wanted[64];

	if (npu_versions_meet(NPU_VERSION(NPU_VERSION_MAJOR(found), 0), found, ours->min,
			      ours->max))
		return 0;
	return npu_fail(-EPROTO, "%s: %s speaks %s %u.%u, this library %s; %s", who,
			parts[part].name, parts[part].interface, NPU_VERSION_MAJOR(found),
			NPU_VERSION_MINOR(found), range_text(ours, wanted, sizeof(wanted)),
			rows[found < ours->min ? parts[part].theirs : parts[part].ours].mend);
}

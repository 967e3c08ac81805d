/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "image.h"

const struct npu_fw_config npu_config_defaults = {
	.size = sizeof(struct npu_fw_config),
	.max_jobs_per_turn = 16,
	.time_slice_us = { 500, 2000, 4000, 8000 },
	.heartbeat_ms = 20,
	.starvation_turns = 64,
	.job_hang_ms = 30000,
	.watchdog_ms = 1000,
	.throttle_millicelsius = 95000,
	.critical_millicelsius = 110000,
};

static const struct {
	const char *name;
	size_t offset;
} keys[] = {
	{ "max_jobs_per_turn", offsetof(struct npu_fw_config, max_jobs_per_turn) },
	{ "time_slice_us.idle", offsetof(struct npu_fw_config, time_slice_us[0]) },
	{ "time_slice_us.normal", offsetof(struct npu_fw_config, time_slice_us[1]) },
	{ "time_slice_us.high", offsetof(struct npu_fw_config, time_slice_us[2]) },
	{ "time_slice_us.realtime", offsetof(struct npu_fw_config, time_slice_us[3]) },
	{ "heartbeat_ms", offsetof(struct npu_fw_config, heartbeat_ms) },
	{ "starvation_turns", offsetof(struct npu_fw_config, starvation_turns) },
	{ "job_hang_ms", offsetof(struct npu_fw_config, job_hang_ms) },
	{ "watchdog_ms", offsetof(struct npu_fw_config, watchdog_ms) },
	{ "throttle_millicelsius", offsetof(struct npu_fw_config, throttle_millicelsius) },
	{ "critical_millicelsius", offsetof(struct npu_fw_config, critical_millicelsius) },
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

const char *npu_config_key(unsigned int i)
{
	return i < N_KEYS ? keys[i].name : NULL;
}

__u32 npu_config_value(const struct npu_fw_config *config, unsigned int i)
{
	__u32 value;

	memcpy(&value, (const char *)config + keys[i].offset, sizeof(value));
	return value;
}

/* Cuts spaces off both ends of text[0..*len). */
static const char *trim(const char *text, size_t *len)
{
	while (*len && isspace((unsigned char)*text)) {
		text++;
		--*len;
	}
	while (*len && isspace((unsigned char)text[*len - 1]))
		--*len;
	return text;
}

/* Decimal digits only, at most 32 bits. */
static bool parse_u32(const char *text, size_t len, uint32_t *value)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		sum = sum * 10 + (text[i] - '0');
		if (sum > UINT32_MAX)
			return false;
	}
	*value = sum;
	return len > 0;
}

static size_t find_key(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < N_KEYS; i++)
		if (strlen(keys[i].name) == len && !memcmp(keys[i].name, name, len))
			break;
	return i;
}

/* How much of a faulty text is shown. */
static int shown(size_t len)
{
	return len > 40 ? 40 : (int)len;
}

static int parse_line(const char *line, size_t len, unsigned int number,
		      struct npu_fw_config *config, unsigned int line_of[N_KEYS], char *why,
		      size_t why_size)
{
	const char *comment = memchr(line, '#', len);
	const char *equals, *name, *value;
	size_t name_len, value_len, key;
	uint32_t parsed;

	if (comment)
		len = comment - line;
	line = trim(line, &len);
	if (!len)
		return 0;
	equals = memchr(line, '=', len);
	if (!equals) {
		snprintf(why, why_size, "line %u: '%.*s' has no '='; write key = value", number,
			 shown(len), line);
		return -EINVAL;
	}
	name_len = equals - line;
	value_len = len - name_len - 1;
	name = trim(line, &name_len);
	value = trim(equals + 1, &value_len);

	key = find_key(name, name_len);
	if (key == N_KEYS) {
		snprintf(why, why_size, "line %u: unknown key '%.*s'; npu-fw(1) lists the keys",
			 number, shown(name_len), name);
		return -EINVAL;
	}
	if (line_of[key]) {
		snprintf(why, why_size, "line %u: %s was set in line %u before; remove one",
			 number, keys[key].name, line_of[key]);
		return -EINVAL;
	}
	if (!parse_u32(value, value_len, &parsed)) {
		snprintf(why, why_size, "line %u: %s is '%.*s', wanted a number below 2^32",
			 number, keys[key].name, shown(value_len), value);
		return -EINVAL;
	}
	line_of[key] = number;
	memcpy((char *)config + keys[key].offset, &parsed, sizeof(parsed));
	return 0;
}

int npu_config_parse(const char *text, size_t size, struct npu_fw_config *config, char *why,
		     size_t why_size)
{
	unsigned int line_of[N_KEYS] = { 0 };
	unsigned int number = 0;
	uint32_t offset, limit;
	size_t i;

	memset(config, 0, sizeof(*config));
	config->size = sizeof(*config);
	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t len = end ? (size_t)(end - text) : size;
		int ret = parse_line(text, len, ++number, config, line_of, why, why_size);

		if (ret)
			return ret;
		if (end)
			len++;
		text += len;
		size -= len;
	}
	for (i = 0; i < N_KEYS; i++)
		if (!line_of[i]) {
			snprintf(why, why_size, "%s is missing", keys[i].name);
			return -EINVAL;
		}
	if (npu_image_check_config(config, &offset, &limit)) {
		for (i = 0; keys[i].offset != offset;)
			i++;
		snprintf(why, why_size, "line %u: %s is %u, %s %u", line_of[i], keys[i].name,
			 npu_config_value(config, i),
			 npu_config_value(config, i) < limit ? "wanted at least" :
							       "wanted at most", limit);
		return -EINVAL;
	}
	return 0;
}

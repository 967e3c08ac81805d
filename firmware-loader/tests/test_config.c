// SPDX-License-Identifier: MIT
/* The configuration as text; runs beside npu.conf. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "tap.h"

#define GOOD \
	"max_jobs_per_turn = 1\n" \
	"time_slice_us.idle=10\n" \
	"  time_slice_us.normal\t=\t20 # comment\r\n" \
	"\n# nothing\n" \
	"time_slice_us.high = 30\n" \
	"time_slice_us.realtime = 1000000\n" \
	"heartbeat_ms = 100\n" \
	"job_hang_ms = 3600000\n" \
	"watchdog_ms = 10\n" \
	"throttle_millicelsius = 0\n" \
	"critical_millicelsius = 1\n"

static struct npu_fw_config config;
static char why[256];

static bool refused(const char *text, const char *wanted)
{
	/* a copy without a zero behind it, so that the sanitizers see a read past the end */
	size_t size = strlen(text);
	char *copy = malloc(size ? size : 1);
	int ret;

	memcpy(copy, text, size);
	ret = npu_config_parse(copy, size, &config, why, sizeof(why));
	free(copy);
	if (ret == -EINVAL && !strcmp(why, wanted))
		return true;
	tap_diag("%d: %s", ret, why);
	return false;
}

int main(void)
{
	char text[65536];
	size_t size;
	FILE *f;

	f = fopen("npu.conf", "r");
	size = f ? fread(text, 1, sizeof(text), f) : 0;
	if (f)
		fclose(f);
	tap_ok(npu_config_parse(text, size, &config, why, sizeof(why)) == 0 &&
	       !memcmp(&config, &npu_config_defaults, sizeof(config)),
	       "config: npu.conf holds the defaults");

	size = strlen(GOOD "starvation_turns = 2");
	tap_ok(npu_config_parse(GOOD "starvation_turns = 2", size, &config, why,
				sizeof(why)) == 0 &&
	       config.max_jobs_per_turn == 1 && config.time_slice_us[0] == 10 &&
	       config.time_slice_us[1] == 20 && config.time_slice_us[2] == 30 &&
	       config.time_slice_us[3] == 1000000 && config.heartbeat_ms == 100 &&
	       config.starvation_turns == 2 && config.job_hang_ms == 3600000 &&
	       config.watchdog_ms == 10 && config.throttle_millicelsius == 0 &&
	       config.critical_millicelsius == 1 && config.size == sizeof(config),
	       "config: spaces, comments, empty lines and a last line without an end are good");

	tap_ok(refused("", "max_jobs_per_turn is missing"), "config: an empty text is refused");
	tap_ok(refused(GOOD, "starvation_turns is missing"), "config: a missing key is named");
	tap_ok(refused(GOOD "hartbeat = 1\n",
		       "line 13: unknown key 'hartbeat'; npu-fw(1) lists the keys"),
	       "config: an unknown key is named");
	tap_ok(refused(GOOD "heartbeat_ms = 2\n",
		       "line 13: heartbeat_ms was set in line 8 before; remove one"),
	       "config: a key that stands twice is refused");
	tap_ok(refused(GOOD "starvation_turns\n",
		       "line 13: 'starvation_turns' has no '='; write key = value"),
	       "config: a line without = is refused");
	tap_ok(refused(GOOD "starvation_turns = -1\n",
		       "line 13: starvation_turns is '-1', wanted a number below 2^32"),
	       "config: a sign is refused");
	tap_ok(refused(GOOD "starvation_turns =\n",
		       "line 13: starvation_turns is '', wanted a number below 2^32"),
	       "config: an empty value is refused");
	tap_ok(refused(GOOD "starvation_turns = 4294967296\n",
		       "line 13: starvation_turns is '4294967296', wanted a number below 2^32"),
	       "config: 2^32 is refused");
	tap_ok(refused(GOOD "starvation_turns = 65537\n",
		       "line 13: starvation_turns is 65537, wanted at most 65536"),
	       "config: a value past its limit is refused with the limit");
	tap_ok(refused(GOOD "starvation_turns = 0\n",
		       "line 13: starvation_turns is 0, wanted at least 1"),
	       "config: a value below its limit is refused with the limit");
	tap_ok(refused("throttle_millicelsius = 2\ncritical_millicelsius = 1\n"
		       "max_jobs_per_turn = 1\ntime_slice_us.idle = 10\n"
		       "time_slice_us.normal = 10\ntime_slice_us.high = 10\n"
		       "time_slice_us.realtime = 10\nheartbeat_ms = 1\nstarvation_turns = 1\n"
		       "job_hang_ms = 100\nwatchdog_ms = 10\n",
		       "line 2: critical_millicelsius is 1, wanted at least 2"),
	       "config: no job at a lower temperature than the clock is lowered at");
	return tap_done();
}

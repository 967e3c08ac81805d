// SPDX-License-Identifier: MIT
#include <string.h>

#include "stops.h"
#include "tap.h"

/* Pushes pieces (NULL ends them) and compares all that is shown. */
static bool shows(const char *const *stop, unsigned int n_stop, const char *const *pieces,
		  const char *want, bool want_stop)
{
	char got[256] = "";
	bool stopped = false;
	const char *out;
	struct stops s;
	size_t len;

	if (stops_init(&s, stop, n_stop, 64))
		return false;
	for (; *pieces && !stopped; pieces++) {
		stopped = stops_push(&s, *pieces, strlen(*pieces), &out, &len);
		strncat(got, out, len);
	}
	if (!stopped) {
		stops_flush(&s, &out, &len);
		strncat(got, out, len);
	}
	stops_free(&s);
	return !strcmp(got, want) && stopped == want_stop;
}

int main(void)
{
	static const char *const end[] = { "</s>" };
	static const char *const two[] = { "abcd", "bc" };
	static const char *const own[] = { "aab" };

	tap_ok(shows(NULL, 0, (const char *[]){ "one ", "two", NULL }, "one two", false),
	       "stops: without stop texts everything passes");
	tap_ok(shows(end, 1, (const char *[]){ "one</s>two", NULL }, "one", true),
	       "stops: a stop text inside a piece cuts it there");
	tap_ok(shows(end, 1, (const char *[]){ "one<", "/", "s", ">", "two", NULL }, "one", true),
	       "stops: a stop text spread over pieces is never shown");
	tap_ok(shows(end, 1, (const char *[]){ "one<", "/", "b>", NULL }, "one</b>", false),
	       "stops: a false start is shown once it is known to be one");
	tap_ok(shows(end, 1, (const char *[]){ "one</s", NULL }, "one</s", false),
	       "stops: a start without an end is shown at the end");
	tap_ok(shows(two, 2, (const char *[]){ "xab", "cd", NULL }, "x", true),
	       "stops: of two complete in one piece the one that begins first counts");
	tap_ok(shows(own, 1, (const char *[]){ "aa", "ab", NULL }, "a", true),
	       "stops: a stop text that overlaps its own start is found");
	tap_ok(shows(end, 1, (const char *[]){ "", "", NULL }, "", false),
	       "stops: empty pieces show nothing");
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
/*
 * What there is no C library for, against the one that the host has; the log's ring.
 */
#include <string.h>

#include "driver.h"
#include "tap.h"

static uint64_t seed = 7;

static uint64_t any(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed ^ seed << 31) >> (seed >> 58);
}

static void test_numbers(void)
{
	bool ok = true;

	for (uint32_t i = 0; i < 32; i++)
		ok &= lib_lowest(1u << i) == i && lib_lowest(~0u << i) == i;
	tap_ok(ok, "lowest: of each bit");
	for (unsigned int i = 0; i < 1000000; i++) {
		uint64_t n = any(), q = n;
		uint32_t d = (uint32_t)any() | !(i & 3), rest;

		if (!d)
			continue;
		rest = lib_divide(&q, d);
		ok &= q == n / d && rest == n % d;
	}
	tap_ok(ok, "divide: a million quotients and remainders are right");
	uint64_t n = ~0ull;

	tap_ok(lib_divide(&n, 1) == 0 && n == ~0ull && lib_divide(&n, ~0u) == 0 &&
	       n == 0x100000001ull, "divide: at the ends");
}

static void test_sets(void)
{
	struct set s = { { 0, 0 } };
	bool ok = set_empty(&s);

	for (uint32_t i = 0; i < 64; i += 9)
		set_add(&s, i);
	set_remove(&s, 27);
	ok &= set_has(&s, 63) && !set_has(&s, 27) && !set_has(&s, 62);
	for (uint32_t i = 0; i < 64; i += 9)
		ok &= i == 27 || set_take(&s) == i;
	tap_ok(ok && set_empty(&s), "sets: members come out in order");
}

static void test_text(void)
{
	char a[64], b[64];
	bool ok = true;

	for (unsigned int i = 0; i < 10000; i++) {
		unsigned long long v = any();
		unsigned int w = (unsigned int)any();

#define FORMAT "%u [%6llu.%06u] %x 0x%llx %s %4u%%", w, v, w % 1000000, w, v, "text", w % 7
		size_t n = lib_print(a, sizeof(a), FORMAT);

		snprintf(b, sizeof(b), FORMAT);
#undef FORMAT
		ok &= !strcmp(a, b) && n == strlen(a);
	}
	tap_ok(ok, "text: as the C library prints it, cut at the same place");
	tap_ok(lib_print(a, 4, "%s", "abc") == 3 && !strcmp(a, "abc") &&
	       lib_print(a, 4, "%s", "abcd") == 3 && !strcmp(a, "abc") &&
	       lib_print(a, 1, "x") == 0 && !*a, "text: the end is never overwritten");
}

static void test_log(void)
{
	char line[200];

	driver_boot();
	memset(line, 'x', sizeof(line));
	line[199] = 0;
	uint32_t before = driver.status->log_tail;

	log_line("%s", line);
	line[141] = 0;
	tap_ok(driver.status->log_tail == before + 160 - 1 && driver_log_ends(line + 1),
	       "log: a line that is too long is cut");
	/* 100 bytes, so that it wraps at once */
	fw.log.bytes = 100;
	fw.log.tail = 95;
	fw.model_ns = 98765432109876543ull;
	log_line("context %u", 7u);
	tap_ok(!memcmp(driver.log + 95, "[9876", 5) &&
	       !memcmp(driver.log, "5432.109876] context 7\n", 23) &&
	       driver.status->log_tail == 123, "log: it wraps at any size, byte by byte");
}

int main(void)
{
	test_numbers();
	test_sets();
	test_text();
	test_log();
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
/*
 * TAP for test programs that run on the host: one line a promise, the plan at
 * the end. Programs that run in the guest use the kernel's kselftest harness.
 */
#ifndef SELFTESTS_TAP_H
#define SELFTESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_run, tap_failed;

/* Reports one promise; @fmt is its text. Returns @ok. */
__attribute__((format(printf, 2, 3), unused))
static bool tap_ok(bool ok, const char *fmt, ...)
{
	va_list ap;

	printf("%s %u ", ok ? "ok" : "not ok", ++tap_run);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	tap_failed += !ok;
	return ok;
}

/* Reports a promise that cannot be tried here; @why says what is missing. */
__attribute__((unused))
static void tap_skip(const char *name, const char *why)
{
	printf("ok %u %s # SKIP %s\n", ++tap_run, name, why);
	fflush(stdout);
}

/* Explains the last line, as a TAP comment. */
__attribute__((format(printf, 1, 2), unused))
static void tap_diag(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* Prints the plan; the value is main()'s. */
__attribute__((unused))
static int tap_done(void)
{
	printf("1..%u\n", tap_run);
	return tap_failed != 0 || tap_run == 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * An invariant of the firmware's own. What comes from the driver is never checked with this.
 */
#ifndef FW_CHECK_H
#define FW_CHECK_H

#define FW_CHECK(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			panic_check(__FILE_NAME__, __LINE__, #cond); \
	} while (0)

/* Ends in a panic record with NPU_PANIC_CHECK. */
__attribute__((noreturn)) void panic_check(const char *file, unsigned int line, const char *cond);

#endif

/* SPDX-License-Identifier: MIT */
/* The text behind npu_error_text(). */
#ifndef LIBNPU_ERROR_H
#define LIBNPU_ERROR_H

/*
 * Keeps one line for this thread and returns err (negative), so that a function can end with
 * `return npu_fail(-EINVAL, "queue: entries is %u, must be a power of two", n);`
 */
__attribute__((format(printf, 2, 3)))
int npu_fail(int err, const char *fmt, ...);

#endif

// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include "error.h"
#include "npu.h"

#define ERROR_TEXT_MAX 512

static __thread char text[ERROR_TEXT_MAX];

int npu_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err;
}

const char *npu_error_text(void)
{
	return text;
}

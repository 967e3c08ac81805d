/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "log.h"

#define LINE_BYTES 160

static void put(struct npu_log *log, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		*(char *)npu_window_at(&log->window, (log->tail + i) % log->bytes) = text[i];
	log->tail += (uint32_t)bytes;
}

void npu_log(struct npu_core *core, const char *fmt, ...)
{
	struct npu_log *log = &core->log;
	char line[LINE_BYTES];
	size_t at;
	va_list ap;

	if (!npu_window_mapped(&log->window))
		return;
	at = (size_t)snprintf(line, sizeof(line), "[%6llu.%06llu] ",
			      (unsigned long long)(core->model_ns / 1000000000),
			      (unsigned long long)(core->model_ns / 1000 % 1000000));
	va_start(ap, fmt);
	vsnprintf(line + at, sizeof(line) - at, fmt, ap);
	va_end(ap);
	at = strlen(line);
	/* A line that is too long is cut, not the one after it. */
	if (at == sizeof(line) - 1)
		at--;
	line[at] = '\n';
	put(log, line, at + 1);
	__atomic_store_n(&core->status->log_tail, log->tail, __ATOMIC_RELEASE);
}

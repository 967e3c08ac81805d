/* SPDX-License-Identifier: MIT */
#include "fw.h"

#define LINE_BYTES 160

void log_line(const char *fmt, ...)
{
	uint64_t s = fw.model_ns;
	char line[LINE_BYTES];
	uint32_t ns, slot;
	va_list ap;
	size_t n;

	if (!fw.log.bytes)
		return;
	ns = lib_divide(&s, 1000000000);
	n = lib_print(line, sizeof(line), "[%6llu.%06u] ", (unsigned long long)s, ns / 1000);
	va_start(ap, fmt);
	n += lib_format(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	/* A line that is too long is cut, not the one after it. */
	if (n == sizeof(line) - 1)
		n--;
	line[n++] = '\n';
	slot = fw.log.tail % fw.log.bytes;
	for (size_t i = 0; i < n; i++) {
		hw_store8(hw_window(HW_WIN_LOG, slot), (uint8_t)line[i]);
		slot = slot + 1 < fw.log.bytes ? slot + 1 : 0;
	}
	fw.log.tail += (uint32_t)n;
	hw_release();
	status_put(STATUS_AT(log_tail), fw.log.tail);
}

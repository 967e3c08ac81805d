// SPDX-License-Identifier: MIT
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int llm_fail(struct llm_err *e, int errnum, const char *fmt, ...)
{
	va_list ap;

	if (e) {
		va_start(ap, fmt);
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
	}
	return -errnum;
}

void llm_err_prefix(struct llm_err *e, const char *prefix)
{
	char old[LLM_ERR_MAX];
	size_t n, room;

	if (!e)
		return;
	memcpy(old, e->text, sizeof(old));
	old[sizeof(old) - 1] = '\0';
	/* A prefix may take half of the room: the reason matters more than the path. */
	snprintf(e->text, sizeof(e->text) / 2, "%s", prefix);
	n = strlen(e->text);
	room = sizeof(e->text) - n;
	if (room > 3) {
		e->text[n++] = ':';
		e->text[n++] = ' ';
		room -= 2;
	}
	strncpy(e->text + n, old, room - 1);
	e->text[sizeof(e->text) - 1] = '\0';
}

struct llm_quoted llm_quote(const char *s, size_t len)
{
	struct llm_quoted q;
	size_t i, n = 0;

	for (i = 0; i < len && n < sizeof(q.text) - 1; i++) {
		unsigned char c = (unsigned char)s[i];

		/* Half a UTF-8 character at the cut would spoil the line. */
		q.text[n++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
	}
	if (i < len)
		memcpy(q.text + n - 3, "...", 3);
	q.text[n] = '\0';
	return q;
}

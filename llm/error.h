/* SPDX-License-Identifier: MIT */
/*
 * Error texts: every call of this folder that can fail for a reason a person
 * should read takes a struct llm_err and returns -errno.
 */
#ifndef LLM_ERROR_H
#define LLM_ERROR_H

#include <stddef.h>

#define LLM_ERR_MAX	512

struct llm_err {
	char text[LLM_ERR_MAX];	/* "" when there is none; one line, no newline */
};

/*
 * Writes the text into @e (which may be NULL) and returns -@errnum, so that a
 * failing function ends in `return llm_fail(err, EINVAL, ...)`.
 */
int llm_fail(struct llm_err *e, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<prefix>: " before the text, cutting its end if there is no room. */
void llm_err_prefix(struct llm_err *e, const char *prefix);

/* A string from a file, made fit for a terminal: at most 63 characters, no controls. */
struct llm_quoted {
	char text[64];
};

struct llm_quoted llm_quote(const char *s, size_t len);

#endif

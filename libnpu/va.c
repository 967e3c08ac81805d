// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "va.h"

void va_init(struct va_space *s, uint64_t min, uint64_t max)
{
	memset(s, 0, sizeof(*s));
	s->min = min;
	s->max = max;
}

void va_free(struct va_space *s)
{
	free(s->range);
	s->range = NULL;
	s->count = 0;
	s->room = 0;
}

/* Index of the first range that begins at start or later. */
static size_t lower_bound(const struct va_space *s, uint64_t start)
{
	size_t lo = 0;
	size_t hi = s->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->range[mid].start < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int va_find(const struct va_space *s, uint64_t size, uint64_t align, uint64_t *start)
{
	uint64_t at = s->min;

	for (size_t i = 0; i <= s->count; i++) {
		uint64_t end = i < s->count ? s->range[i].start : s->max;
		uint64_t up = (at + align - 1) & ~(align - 1);

		if (up >= at && up <= end && size <= end - up) {
			*start = up;
			return 0;
		}
		if (i < s->count)
			at = s->range[i].start + s->range[i].size;
	}
	return -ENOSPC;
}

int va_take(struct va_space *s, uint64_t start, uint64_t size, void *owner)
{
	size_t i = lower_bound(s, start);

	if (!size || start < s->min || start > s->max || size > s->max - start)
		return -EINVAL;
	if (i < s->count && s->range[i].start - start < size)
		return -EEXIST;
	if (i > 0 && start - s->range[i - 1].start < s->range[i - 1].size)
		return -EEXIST;
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 16;
		struct va_range *range = realloc(s->range, room * sizeof(*range));

		if (!range)
			return -ENOMEM;
		s->range = range;
		s->room = room;
	}
	memmove(s->range + i + 1, s->range + i, (s->count - i) * sizeof(*s->range));
	s->range[i] = (struct va_range){ start, size, owner };
	s->count++;
	return 0;
}

const struct va_range *va_at(const struct va_space *s, uint64_t start)
{
	size_t i = lower_bound(s, start);

	return i < s->count && s->range[i].start == start ? &s->range[i] : NULL;
}

int va_give(struct va_space *s, uint64_t start)
{
	const struct va_range *r = va_at(s, start);
	size_t i;

	if (!r)
		return -ENOENT;
	i = (size_t)(r - s->range);
	s->count--;
	memmove(s->range + i, s->range + i + 1, (s->count - i) * sizeof(*s->range));
	return 0;
}

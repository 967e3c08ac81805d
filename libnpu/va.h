/* SPDX-License-Identifier: MIT */
/* Ranges of device addresses that are bound, sorted, and the choice of free ones. */
#ifndef LIBNPU_VA_H
#define LIBNPU_VA_H

#include <stddef.h>
#include <stdint.h>

struct va_range {
	uint64_t start;
	uint64_t size;
	void *owner;
};

struct va_space {
	uint64_t min;		/* lowest address */
	uint64_t max;		/* first past the highest */
	struct va_range *range;	/* by ascending start, never overlapping */
	size_t count;
	size_t room;
};

void va_init(struct va_space *s, uint64_t min, uint64_t max);
void va_free(struct va_space *s);

/*
 * Lowest free range of size bytes at a multiple of align (power of two). Returns 0 and *start, or
 * -ENOSPC.
 */
int va_find(const struct va_space *s, uint64_t size, uint64_t align, uint64_t *start);

/*
 * Takes [start, start + size). -EEXIST it overlaps a taken one, -EINVAL it leaves the space,
 * -ENOMEM.
 */
int va_take(struct va_space *s, uint64_t start, uint64_t size, void *owner);

/* The range that begins at start, NULL if none does. */
const struct va_range *va_at(const struct va_space *s, uint64_t start);

/* Gives back the range that begins at start. -ENOENT none does. */
int va_give(struct va_space *s, uint64_t start);

#endif

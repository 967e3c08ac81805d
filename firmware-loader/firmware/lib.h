/* SPDX-License-Identifier: MIT */
/*
 * What a freestanding compiler and the other files want of a C library.
 */
#ifndef FW_LIB_H
#define FW_LIB_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* The compiler's word for its own uint32_t differs between targets; the host checks formats. */
#ifdef __riscv
#define LIB_PRINTF(fmt) __attribute__((nonnull(fmt)))
void *memcpy(void *dst, const void *src, size_t bytes);
void *memset(void *dst, int value, size_t bytes);
#else
#define LIB_PRINTF(fmt) __attribute__((format(printf, fmt, (fmt) + 1)))
#include <string.h>
#endif

/* A set of queues or contexts: bit i % 32 of word i / 32 */
struct set {
	uint32_t w[2];
};

static inline void set_add(struct set *s, uint32_t i)
{
	s->w[i >> 5] |= 1u << (i & 31);
}

static inline void set_remove(struct set *s, uint32_t i)
{
	s->w[i >> 5] &= ~(1u << (i & 31));
}

static inline int set_has(const struct set *s, uint32_t i)
{
	return s->w[i >> 5] >> (i & 31) & 1;
}

static inline int set_empty(const struct set *s)
{
	return !(s->w[0] | s->w[1]);
}

/* Number of the lowest bit of @w, which is not zero */
uint32_t lib_lowest(uint32_t w);

/* Takes the lowest member out of @s, which has one. */
uint32_t set_take(struct set *s);

/* Divides *n by @d; returns the remainder. */
uint32_t lib_divide(uint64_t *n, uint32_t d);

/*
 * As vsnprintf(), for %u %x %llu %llx %s %% with a width and 0 before it. Returns the length of
 * what stands in @out.
 */
size_t lib_format(char *out, size_t size, const char *fmt, va_list ap);
size_t lib_print(char *out, size_t size, const char *fmt, ...) LIB_PRINTF(3);

#endif

/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "lib.h"

#ifdef __riscv
void *memcpy(void *dst, const void *src, size_t bytes)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (!(((uintptr_t)d | (uintptr_t)s) & 3)) {
		for (; bytes >= 4; bytes -= 4, d += 4, s += 4)
			*(uint32_t *)d = *(const uint32_t *)s;
	}
	while (bytes--)
		*d++ = *s++;
	return dst;
}

void *memset(void *dst, int value, size_t bytes)
{
	uint8_t *d = dst;

	if (!((uintptr_t)d & 3)) {
		for (; bytes >= 4; bytes -= 4, d += 4)
			*(uint32_t *)d = (uint8_t)value * 0x01010101u;
	}
	while (bytes--)
		*d++ = (uint8_t)value;
	return dst;
}
#endif

uint32_t lib_lowest(uint32_t w)
{
	/* The instruction set does not count zeros: a de Bruijn sequence does. */
	static const uint8_t at[32] = {
		0, 1, 28, 2, 29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4, 8,
		31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6, 11, 5, 10, 9,
	};

	return at[(w & -w) * 0x077cb531u >> 27];
}

uint32_t set_take(struct set *s)
{
	uint32_t word = s->w[0] ? 0 : 1, bit = lib_lowest(s->w[word]);

	s->w[word] &= s->w[word] - 1;
	return 32 * word + bit;
}

uint32_t lib_divide(uint64_t *n, uint32_t d)
{
	uint32_t hi = (uint32_t)(*n >> 32), lo = (uint32_t)*n, q = 0, rest = hi % d;

	for (unsigned int i = 0; i < 32; i++) {
		uint32_t carry = rest >> 31;

		rest = rest << 1 | lo >> 31;
		lo <<= 1;
		q <<= 1;
		if (carry || rest >= d) {
			rest -= d;
			q |= 1;
		}
	}
	*n = (uint64_t)(hi / d) << 32 | q;
	return rest;
}

struct text {
	char *out;
	size_t size;
	size_t at;
};

static void put(struct text *t, char c)
{
	if (t->at + 1 < t->size)
		t->out[t->at++] = c;
}

static void put_number(struct text *t, uint64_t v, uint32_t base, unsigned int width, char fill)
{
	char digits[20];
	unsigned int n = 0;

	do {
		uint32_t digit = lib_divide(&v, base);

		digits[n++] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
	} while (v);
	for (; width > n; width--)
		put(t, fill);
	while (n)
		put(t, digits[--n]);
}

size_t lib_format(char *out, size_t size, const char *fmt, va_list ap)
{
	struct text t = { out, size, 0 };

	for (; *fmt; fmt++) {
		unsigned int width = 0;
		bool wide = false;
		char fill = ' ';

		if (*fmt != '%') {
			put(&t, *fmt);
			continue;
		}
		if (*++fmt == '0')
			fill = *fmt++;
		while (*fmt >= '0' && *fmt <= '9')
			width = 10 * width + (unsigned int)(*fmt++ - '0');
		for (; *fmt == 'l'; fmt++)
			wide = true;
		if (*fmt == 'u' || *fmt == 'x') {
			uint64_t v = wide ? va_arg(ap, unsigned long long) :
				     va_arg(ap, unsigned int);

			put_number(&t, v, *fmt == 'u' ? 10 : 16, width, fill);
		} else if (*fmt == 's') {
			for (const char *s = va_arg(ap, const char *); *s; s++)
				put(&t, *s);
		} else {
			put(&t, *fmt);
		}
	}
	out[t.at] = 0;
	return t.at;
}

size_t lib_print(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = lib_format(out, size, fmt, ap);
	va_end(ap);
	return n;
}

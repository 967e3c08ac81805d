/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Fixed-width types and compile-time checks for every reader of the contract:
 * the kernel, C11 and C++ user space, freestanding firmware.
 */
#ifndef NPU_TYPES_H
#define NPU_TYPES_H

#if defined(__KERNEL__)
#include <linux/types.h>
#include <linux/build_bug.h>
#elif defined(__linux__)
#include <linux/types.h>
#else
#include <stdint.h>
typedef uint8_t __u8;
typedef int8_t __s8;
typedef uint16_t __u16;
typedef int16_t __s16;
typedef uint32_t __u32;
typedef int32_t __s32;
typedef uint64_t __u64;
typedef int64_t __s64;
#endif

#if defined(__cplusplus)
#define NPU_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#define NPU_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

/* Size and offset checks that stand beside each struct which crosses a border */
#define NPU_CHECK_SIZE(type, bytes) \
	NPU_STATIC_ASSERT(sizeof(type) == (bytes), "size of " #type)
#define NPU_CHECK_OFFSET(type, field, bytes) \
	NPU_STATIC_ASSERT(__builtin_offsetof(type, field) == (bytes), \
			  "offset of " #type "." #field)

#define NPU_ALIGN_UP(x, a) (((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))

#endif

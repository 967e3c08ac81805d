#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles each header by itself for each of its readers; TAP on stdout.
set -u
n=0
failed=0

# try NAME COMPILER ARGS... HEADER
try() {
	name=$1
	shift
	n=$((n + 1))
	if ! command -v "$1" >/dev/null 2>&1; then
		echo "ok $n $name # SKIP $1 is not installed"
		return
	fi
	if out=$("$@" 2>&1); then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		echo "$out" | sed 's/^/# /'
		failed=1
	fi
}

drm=$(pkg-config --cflags libdrm)
for h in "$@"; do
	# shellcheck disable=SC2086 # flags are words
	for cc in gcc clang; do
		try "uapi: $h alone, C11, $cc" $cc -fsyntax-only -x c -std=c11 \
			-Wall -Wextra -Werror -Wpedantic $drm -include "./$h" /dev/null
	done
	try "uapi: $h alone, C++11" g++ -fsyntax-only -x c++ -std=c++11 -Wall -Wextra -Werror $drm -include "./$h" /dev/null
	# ioctls and error numbers are no business of the firmware
	[ "$h" = npu_drm.h ] || [ "$h" = npu_fault.h ] && continue
	try "uapi: $h alone, firmware" riscv64-unknown-elf-gcc -fsyntax-only -x c -std=c11 \
		-ffreestanding -march=rv32im -mabi=ilp32 -Wall -Wextra -Werror -include "./$h" /dev/null
done
echo "1..$n"
exit $failed

#!/bin/sh
# SPDX-License-Identifier: MIT
# What make install leaves is enough to build and run a program that knows pkg-config only.
# Environment: MAKE, CC, SAN, BUILD as in the Makefile.
n=0
failed=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

promise() {	# promise TEXT COMMAND...
	n=$((n + 1))
	text=$1
	shift
	if "$@" >"$dir/log" 2>&1; then
		echo "ok $n $text"
	else
		echo "not ok $n $text"
		sed 's/^/# /' "$dir/log"
		failed=1
	fi
}

cd "$(dirname "$0")/.." || exit 1
prefix=/opt/npu
root=$dir/root
sanitize=
[ "$SAN" = 1 ] && sanitize='-fsanitize=address,undefined'

promise 'make install DESTDIR= PREFIX= installs' \
	"${MAKE:-make}" -s install DESTDIR="$root" PREFIX=$prefix SAN="$SAN"

export PKG_CONFIG_PATH="$root$prefix/lib/pkgconfig"
export PKG_CONFIG_SYSROOT_DIR="$root"
cat >"$dir/user.c" <<'END'
#include <npu.h>

int main(void)
{
	struct npu_device *dev;

	if (npu_device_open("sim:cores=2,threads=1", &dev))
		return 1;
	printf("%u\n", npu_device_info(dev)->cores);
	npu_device_close(dev);
	return 0;
}
END
cp "$dir/user.c" "$dir/user.cc"
libs="$(pkg-config --libs npu) $sanitize"
flags="$(pkg-config --cflags npu) -Wall -Wextra -Werror $sanitize"

# shellcheck disable=SC2086
promise 'a C program builds with pkg-config alone' ${CC:-cc} -std=c11 $flags "$dir/user.c" -o "$dir/user" $libs
# shellcheck disable=SC2086
promise 'a C++ program builds with pkg-config alone' g++ -std=c++11 $flags "$dir/user.cc" -o "$dir/user-cc" $libs
export LD_LIBRARY_PATH="$root$prefix/lib"
promise 'the C program finds the library by its soname and runs' test "$("$dir/user")" = 2
promise 'the C++ program runs' test "$("$dir/user-cc")" = 2
promise 'pkg-config tells the version' test "$(pkg-config --modversion npu)" = \
	"$(sed -n 's/^#define LIBNPU_VERSION_MAJOR[[:space:]]*//p' npu.h).$(sed -n 's/^#define LIBNPU_VERSION_MINOR[[:space:]]*//p' npu.h)"
promise 'npu-objdump is installed and refuses what is no command buffer' sh -c \
	"! $root$prefix/bin/npu-objdump $dir/user.c && $root$prefix/bin/npu-objdump $dir/user.c 2>&1 | grep -q magic"

# The map is the list of what is exported, and the header declares all of it.
sed -n '/^global:/,/^local:/s/^[[:space:]]*\(npu_[a-z0-9_]*\);$/\1/p' libnpu.map | sort >"$dir/map"
# shellcheck disable=SC2317  # promise runs it
have_pages() {
	while read -r f; do
		test -e "$root$prefix/share/man/man3/$f.3" || { echo "$f"; return 1; }
	done <"$dir/map"
}
promise 'each exported function has a man page' have_pages
nm -D --defined-only "$root$prefix/lib/libnpu.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	sort >"$dir/exported"
grep -oE '\bnpu_[a-z0-9_]+\(' npu.h | tr -d '(' | sort -u >"$dir/declared"
promise 'exported symbols are those of the map' diff "$dir/map" "$dir/exported"
promise 'each exported symbol is declared in npu.h' sh -c "comm -23 $dir/map $dir/declared | { ! grep . ; }"
promise 'the library needs no other than the C library, libdrm, libm and libsodium' sh -c \
	"readelf -d $root$prefix/lib/libnpu.so | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
	 { ! grep -vE '^(libc|libm|libdrm|libsodium|libpthread|libasan|libubsan|ld-linux.*)\.so'; }"

echo "1..$n"
exit $failed

#!/bin/sh
# SPDX-License-Identifier: MIT
# Two builds of the firmware are the same bits wherever the tree lies.
#
# usage: test_reproducible.sh BUILT.elf
set -u
here=$(cd "$(dirname "$0")/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/another/place/with/a-longer-name

mkdir -p "$tree/firmware-loader"
cp -r "$here/.common.mk" "$here/uapi" "$tree"
cp -r "$here/firmware-loader/firmware" "$tree/firmware-loader"
env -u MAKEFLAGS -u BUILD make -s -C "$tree/firmware-loader/firmware" \
	"$tree/build/firmware-loader/firmware/$(basename "$1")" >"$work/said" 2>&1
if cmp "$1" "$tree/build/firmware-loader/firmware/$(basename "$1")" >>"$work/said" 2>&1; then
	echo "ok 1 elf: a build in another place is the same to the byte"
	status=0
else
	echo "not ok 1 elf: a build in another place is the same to the byte"
	sed 's/^/# /' "$work/said"
	status=1
fi
echo 1..1
exit $status

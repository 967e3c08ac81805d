#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Firmware images that are missing, damaged or for somebody else: the driver says which file, what it
# found and what it wanted, and no device node appears. A good one boots afterwards.
cd "$(dirname "$0")" || exit 1
. ./lib.sh

# Places in struct npu_fw_header
HW_MIN=24 API=32

PATH_FILE=/sys/module/firmware_class/parameters/path

ktap_print_header
need_device
if [ ! -r "$NPU_FIRMWARE" ]; then
	ktap_skip_all "no firmware image $NPU_FIRMWARE"
	exit "$KSFT_SKIP"
fi
ktap_set_plan 23

dir=$(mktemp -d)
mkdir "$dir/npu"
image=$dir/npu/npu.fw
old_path=$(cat "$PATH_FILE")
printf %s "$dir" >"$PATH_FILE"
size=$(wc -c <"$NPU_FIRMWARE")

restore()
{
	[ -z "$old_path" ] && old_path=' '
	printf %s "$old_path" >"$PATH_FILE"
	rm -rf "$dir"
}
trap restore EXIT

# Writes one byte, given in octal, into the image.
put_byte()	# offset value
{
	# shellcheck disable=SC2059
	printf "\\$2" | dd of="$image" bs=1 seek="$1" conv=notrunc 2>/dev/null
}

byte_at()	# offset
{
	od -A n -t o1 -j "$1" -N 1 "$image" | tr -d ' '
}

# Another value for the byte at this offset
alter_byte()	# offset
{
	if [ "$(byte_at "$1")" = 125 ]; then
		put_byte "$1" 252
	else
		put_byte "$1" 125
	fi
}

refused_silently_or_not()
{
	messages | sed 's/^/# /' | grep -i npu
	return 1
}

# The image as it is now is refused, with a message that fits, and no node is left behind.
expect_refusal()	# name pattern
{
	unbind
	mark
	bind
	if said "npu .*firmware npu/npu\.fw: $2"; then
		ktap_test_pass "firmware: $1: the message says what is wrong"
	else
		refused_silently_or_not
		ktap_test_fail "firmware: $1: the message says what is wrong"
	fi
	ktap_test_result "firmware: $1: no node appears" no_node
}

FOUND='found 0x[0-9a-f]+, wanted 0x[0-9a-f]+; .*'

cp "$NPU_FIRMWARE" "$image"
head -c $((size - 16)) "$NPU_FIRMWARE" >"$image"
expect_refusal 'cut' "wrong size in bytes: found $(printf %#x $((size - 16))), wanted $(printf %#x "$size"); "

head -c 100 "$NPU_FIRMWARE" >"$image"
expect_refusal 'cut in its header' "wrong size in bytes: found 0x64, wanted 0x100; "

{ cat "$NPU_FIRMWARE"; printf 'more'; } >"$image"
expect_refusal 'padded' "wrong size in bytes: found $(printf %#x $((size + 4))), wanted $(printf %#x "$size"); "

head -c 5000000 /dev/zero >"$image"
expect_refusal 'far too large' "wrong size in bytes: found 0x4c4b40, wanted 0x400000; "

head -c "$size" /dev/zero >"$image"
expect_refusal 'not an image' "not a firmware image \(magic\): found 0x0, wanted 0x574655504e; "

cp "$NPU_FIRMWARE" "$image"
alter_byte $((size - 50))
expect_refusal 'one byte altered' "the hash does not fit the contents: .*install it again"

cp "$NPU_FIRMWARE" "$image"
alter_byte 50
expect_refusal 'one letter of its version altered' "the hash does not fit the contents: "

cp "$NPU_FIRMWARE" "$image"
put_byte $((API + 2)) 002
expect_refusal 'an API that is too new' "wrong message API \(major\): found 0x2, wanted 0x1; "

cp "$NPU_FIRMWARE" "$image"
put_byte $((HW_MIN + 2)) 002
expect_refusal 'for hardware that is newer' "made for another hardware version: $FOUND"

# A missing one: by a name that nobody has, as the search path ends in /lib/firmware
unload_module
mark
load_module firmware=npu/missing.fw
if said 'npu .*firmware npu/missing\.fw: cannot be loaded \(-2\); install it'; then
	ktap_test_pass 'firmware: missing: the message says what is wrong'
else
	refused_silently_or_not
	ktap_test_fail 'firmware: missing: the message says what is wrong'
fi
ktap_test_result 'firmware: missing: no node appears' no_node
unload_module
load_module

unbind
cp "$NPU_FIRMWARE" "$image"
ktap_test_result 'firmware: a good image boots after all of these' bind
ktap_test_result 'firmware: it has a node' bound
ktap_test_result 'firmware: and works' works

ktap_finished

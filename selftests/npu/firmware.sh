#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Firmware images that are missing, damaged or for somebody else: the driver says which file, what it
# found, what it wanted and what mends it, and no device node appears. A good one boots afterwards.
#
# NPU_FW       npu-fw; without it, images that need a signature of their own are skipped
# NPU_FW_ELF   a firmware to pack
# NPU_FW_KEY   the key that the device knows
cd "$(dirname "$0")" || exit 1
. ./lib.sh

# Places in struct npu_fw_header, and in a section behind it
MAGIC=0 HEADER_VERSION=8 HEADER_SIZE=12 N_SECTIONS=20 HW_MIN=24 HW_MAX=28 API_MIN=32 API_MAX=36
SECURITY=40 FLAGS=48 VERSION=56 SIGNATURE=184 SECTIONS=256
SECTION_BYTES=32 OFFSET=8 SIZE=12 LOAD_SIZE=20

AGAIN='install it again: make -C firmware-loader install'
RELEASE='install firmware of this release: make -C firmware-loader install'
NEWER_DRIVER='install the driver of this release: make install, then modprobe -r npu && modprobe npu'
HEX='0x[0-9a-f]+'

ktap_print_header
need_device
if [ ! -r "$NPU_FIRMWARE" ]; then
	ktap_skip_all "no firmware image $NPU_FIRMWARE"
	exit "$KSFT_SKIP"
fi
ktap_set_plan 47

firmware_dir
image=$FIRMWARE_DIR/npu/npu.fw
size=$(wc -c <"$NPU_FIRMWARE")

fresh() { cp "$NPU_FIRMWARE" "$image"; }

# Writes bytes, each given in octal, into the image.
put()	# offset byte...
{
	at=$1
	shift
	for byte; do
		# shellcheck disable=SC2059
		printf "\\$byte" | dd of="$image" bs=1 seek="$at" conv=notrunc 2>/dev/null
		at=$((at + 1))
	done
}

# Another value for the byte at this offset
alter()	# offset
{
	if [ "$(od -A n -t o1 -j "$1" -N 1 "$image" | tr -d ' ')" = 125 ]; then
		put "$1" 252
	else
		put "$1" 125
	fi
}

# The 32 bits at this offset of the good image
number() { od -A n -t u4 -j "$1" -N 4 "$NPU_FIRMWARE" | tr -d ' '; }

# The image as it is now is refused with exactly this, and no node is left behind.
refused()	# name sentence
{
	unbind
	mark
	bind
	promise "firmware: $1: found, wanted and what to do are said" \
		say "npu .*\\[drm\\] \\*ERROR\\* firmware npu/npu\\.fw: $2\$"
	promise "firmware: $1: no node appears" no_node
}

say() { said "$1" || show_messages; }

# The first check, by the driver

head -c $((size - 16)) "$NPU_FIRMWARE" >"$image"
refused 'cut' "the file is cut or padded: found $((size - 16)) bytes, wanted $size bytes; $AGAIN"

head -c 100 "$NPU_FIRMWARE" >"$image"
refused 'cut in its header' "the file is cut or padded: found 100 bytes, wanted 256 bytes; $AGAIN"

{ cat "$NPU_FIRMWARE"; printf 'more'; } >"$image"
refused 'padded' "the file is cut or padded: found $((size + 4)) bytes, wanted $size bytes; $AGAIN"

head -c 5000000 /dev/zero >"$image"
refused 'far too large' \
	"the file is cut or padded: found 5000000 bytes, wanted 4194304 bytes; $AGAIN"

fresh
put $MAGIC 0 0 0 0
refused 'not an image' "not a firmware image: found 0x0, wanted 0x4655504e; $AGAIN"

fresh
put $HEADER_VERSION 3
refused 'a newer header' "unknown version or size of its header: found 3, wanted 2; $RELEASE"

fresh
put $HEADER_SIZE 20 1
refused 'a larger header' \
	"unknown version or size of its header: found 272, wanted 256; $RELEASE"

fresh
put $FLAGS 1
refused 'an unknown flag' "a field is out of range: found a value at offset 48, wanted one that this driver knows; $RELEASE"

fresh
put $API_MIN 0 0 2 0
put $API_MAX 3 0 2 0
refused 'messages of a newer major' \
	"too new for this driver: found API 2\\.0 and later, wanted 1\\.0 to 1\\.1; $NEWER_DRIVER"

fresh
put $API_MIN 2 0 1 0
put $API_MAX 5 0 1 0
refused 'messages of a newer minor' \
	"too new for this driver: found API 1\\.2 and later, wanted 1\\.0 to 1\\.1; $NEWER_DRIVER"

fresh
put $API_MIN 1 0 0 0
put $API_MAX 11 0 0 0
refused 'messages of an older major' \
	"too old for this driver: found API 0\\.9 at most, wanted 1\\.0 to 1\\.1; $RELEASE"

fresh
put $HW_MIN 3 0 2 0
put $HW_MAX 7 0 2 0
refused 'for newer hardware' "made for another hardware version: found 2\\.3, wanted 1\\.0; install firmware for this hardware, npu-fw inspect FILE says for which it is"

fresh
put $N_SECTIONS 0 0 0 0
refused 'no section' "a section is out of bounds: found 0 sections, wanted 1 to 16; $AGAIN"

fresh
put $((SECTIONS + OFFSET)) 0 0 0 377
refused 'a section behind its end' "a section is out of bounds: found section 0, wanted one whose field at offset 264 is good; $AGAIN"

fresh
config=$((SECTIONS + SECTION_BYTES * ($(number $N_SECTIONS) - 1)))
put $((config + SIZE)) 74
put $((config + LOAD_SIZE)) 74
refused 'a configuration of another size' "it has no configuration: found none, wanted one of 64 bytes; correct it and pack the image again: npu-fw pack"

# The second, by the boot ROM

fresh
alter $((size - 50))
refused 'a byte altered' "it was altered, the hash does not fit: found $HEX, wanted $HEX; $AGAIN"

fresh
alter $VERSION
refused 'a letter of its version altered' \
	"it was altered, the hash does not fit: found $HEX, wanted $HEX; $AGAIN"

# What only a signer can make
if [ -x "${NPU_FW:-}" ] && [ -r "${NPU_FW_ELF:-}" ]; then
	fresh
	alter $SIGNATURE
	refused 'its signature altered' "its signature is not by the key that it names: found a wrong signature, wanted a right one; $AGAIN"

	"$NPU_FW" pack --elf "$NPU_FW_ELF" --config defaults --version 9.9 -o "$image" >/dev/null
	refused 'not signed' \
		'it is not signed: found no signature, wanted Ed25519; sign it: npu-fw sign'

	"$NPU_FW" keygen -o "$FIRMWARE_DIR/stranger" >/dev/null
	"$NPU_FW" sign --key "$FIRMWARE_DIR/stranger.key" "$image" -o "$image.signed" >/dev/null
	mv "$image.signed" "$image"
	refused "signed with a stranger's key" "signed with a key that this device does not know: found $HEX, wanted $HEX; sign it with the device's key: npu-fw sign"

	"$NPU_FW" pack --elf "$NPU_FW_ELF" --config defaults --version 0.9 --key "$NPU_FW_KEY" \
		--api 1.0-1.0 --security "$(number $SECURITY)" -o "$image" >/dev/null
	unbind
	mark
	bind
	promise 'firmware: older messages: it works' works
	promise 'firmware: older messages: what is off is said, once' \
		say 'npu .*\[drm\] firmware 0\.9 speaks API 1\.0: pre-emption, panic record, wait times, job watchdog off$'
else
	for name in 'its signature altered' 'not signed' "signed with a stranger's key" \
		'older messages'; do
		ktap_test_skip "firmware: $name: no npu-fw here"
		ktap_test_skip "firmware: $name: no npu-fw here"
	done
fi

# A missing one: by a name that nobody has, as the search path ends in /lib/firmware
mark
reload_module firmware=npu/missing.fw
promise 'firmware: missing: the message says what is wrong' \
	say 'npu .*\*ERROR\* firmware npu/missing\.fw: cannot be loaded: found error -2, wanted a file below /lib/firmware; install it: make -C firmware-loader install$'
promise 'firmware: missing: no node appears' no_node

fresh
mark
reload_module
promise 'firmware: a good image boots after all of these' bound
promise 'firmware: which, and from where, is said' \
	say 'npu .*\[drm\] [0-9]+ cores, .* firmware [^ ]+ \(API 1\.1\) from npu/npu\.fw$'
promise 'firmware: and it works' works

ktap_finished

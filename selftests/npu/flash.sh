#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Devices with flash, and secured ones: what they boot and what they refuse. Not run by itself:
# somebody has to change the device when that is waited for (in QEMU: device_del, device_add with
# the options that are named).
#
# NPU_FLASHES   where these flashes are, all with a good golden image:
#               staged  slot A: firmware that is good
#               sick    slot A: firmware that traps before it is ready
#               blank   nothing, not even a header
#               bad     the golden image damaged
cd "$(dirname "$0")" || exit 1
. ./lib.sh

ktap_print_header
need_device
ktap_set_plan 23

HEX='0x[0-9a-f]+'
STAGE='install npu/npu\.fw and bind the driver again, or: npu-fw stage'

say() { said "$1" || show_messages; }
error() { say "npu .*\\[drm\\] \\*ERROR\\* firmware $1\$"; }

# Tries for half a minute.
in_time()
{
	for _ in $(seq 300); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

there() { find_device >/dev/null; }
not_there() { ! there; }

# Another device in the place of this one; the driver is not loaded.
device()	# options
{
	unload_module
	ktap_print_msg 'waiting for the device to be pulled out'
	in_time not_there
	ktap_print_msg "waiting for the device to be put back${1:+ with $1}"
	in_time there
	sleep 0.5
	mark
}

from() { grep -qx "from: $1" "$(debug_dir)/firmware"; }

device "flash=$NPU_FLASHES/staged"
load_module
promise 'flash: a file goes before it' from 'npu/npu.fw'
reload_module firmware=flash
promise 'flash: firmware=flash boots what is staged' from 'in flash slot A'
promise 'flash: which works' works
promise 'flash: which, and from where, is said' \
	say 'npu .*\[drm\] [0-9]+ cores, .* firmware [^ ]+ \(API 1\.1\) in flash slot A$'
mv "$NPU_FIRMWARE" "$NPU_FIRMWARE.away"
mark
reload_module
promise 'flash: without a file it is taken' from 'in flash slot A'
promise 'flash: and that is said' \
	say 'npu .*\[drm\] firmware npu/npu\.fw: no such file \(yet\); booting from flash$'
promise 'flash: it works' works
reset_twice()
{
	echo 1 >"$(debug_dir)/reset" && echo 1 >"$(debug_dir)/reset" && works
}
promise 'flash: and after resets' reset_twice
promise 'flash: from the slot that proved good' from 'in flash slot A'
mark
reload_module firmware=npu/other.fw
promise 'flash: a file that is asked for by name is not replaced' \
	error 'npu/other\.fw: cannot be loaded: found error -2, wanted a file below /lib/firmware; install it: make -C firmware-loader install'
promise 'flash: no node appears' no_node
mv "$NPU_FIRMWARE.away" "$NPU_FIRMWARE"

device "flash=$NPU_FLASHES/sick"
load_module firmware=flash
promise 'flash: firmware that dies at its start gives way to the golden image' \
	from 'in flash (golden)'
promise 'flash: and works' works

device "flash=$NPU_FLASHES/blank"
load_module firmware=flash
promise 'flash: one that is none is named' \
	error "in flash: the flash cannot be read: found no valid header, wanted one made by npu-fw flash-init; $STAGE"
promise 'flash: no node appears' no_node

device "flash=$NPU_FLASHES/bad"
load_module firmware=flash
promise 'flash: one with nothing that boots says why of each' \
	error "in flash: nothing in it boots: found slot A \\(.*\\), slot B \\(.*\\), golden \\(.*\\), wanted one that is good; $STAGE"
promise 'flash: no node appears' no_node

device ''
load_module firmware=flash
promise 'flash: a device without one is named' \
	error 'in flash: the device has no flash: found none, wanted one with firmware; leave out firmware=flash: modprobe -r npu && modprobe npu'

device 'development=false'
load_module
promise 'secured: the development key is refused in production' \
	error "npu/npu\\.fw: signed with the development key, which is refused in production state: found $HEX, wanted the fused key; sign it with the device's key: npu-fw sign"
promise 'secured: no node appears' no_node

device 'security-counter=5'
load_module
promise 'secured: an older security version is refused' \
	error "npu/npu\\.fw: its security version is below the device's counter: found 1, wanted 5; there is no way back, install firmware of this release: make -C firmware-loader install"
promise 'secured: no node appears' no_node

device ''
load_module
promise 'secured: a device in development state works' works

ktap_finished

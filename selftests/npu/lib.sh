# SPDX-License-Identifier: GPL-2.0-only
# What the shell tests of this folder share: the device, its driver, its firmware.
#
# NPU_MODULE    the driver as a file for insmod; without it, modprobe npu
# NPU_FIRMWARE  a good firmware image (default: /lib/firmware/npu/npu.fw)

# sourced by its place, as all tests here run in their own directory
. ../../../kselftest/ktap_helpers.sh

: "${NPU_FIRMWARE:=/lib/firmware/npu/npu.fw}"
DRIVER=/sys/bus/pci/drivers/npu

# Like ktap_test_result, but the command's arguments stay as they are.
promise()	# text command...
{
	text_=$1
	shift
	if "$@"; then
		ktap_test_pass "$text_"
	else
		ktap_test_fail "$text_"
	fi
}

# PCI address of the first npu
find_device()
{
	for dev in /sys/bus/pci/devices/*; do
		[ "$(cat "$dev/vendor" "$dev/device" 2>/dev/null | tr '\n' ' ')" = '0x1234 0x4e50 ' ] &&
			basename "$dev" && return
	done
	return 1
}

# Ends the program if there is nothing to test.
need_device()
{
	if [ "$(id -u)" != 0 ]; then
		ktap_skip_all 'needs root'
		exit "$KSFT_SKIP"
	fi
	DEVICE=$(find_device) || {
		ktap_skip_all 'no npu device'
		exit "$KSFT_SKIP"
	}
}

load_module()	# parameters
{
	if [ -n "${NPU_MODULE:-}" ]; then
		insmod "$NPU_MODULE" "$@"
	else
		modprobe npu "$@"
	fi
}

# The last fences of a client that has just gone let go of the module a moment later.
unload_module()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmmod npu 2>/dev/null && return
		sleep 0.1
	done
	return 1
}

bind() { echo "$DEVICE" 2>/dev/null >"$DRIVER/bind"; }
unbind() { echo "$DEVICE" 2>/dev/null >"$DRIVER/unbind"; }

has_node() { ls /dev/accel/accel* >/dev/null 2>&1; }
no_node() { ! has_node; }
bound() { [ -e "$DRIVER/$DEVICE" ] && has_node; }

# A client that checks what it gets works on the device for a second.
works() { [ "$(./load 1 | head -n 1)" = ready ]; }

# The kernel's messages since the last call of mark
mark()
{
	marks=$((${marks:-0} + 1))
	echo "npu test: mark $$.$marks" >/dev/kmsg
}

messages()
{
	dmesg | sed "1,/npu test: mark $$\\.$marks\$/d"
}

# Has the kernel said this since the mark? An extended regular expression
said()
{
	messages | grep -Eq -- "$1"
}

# The device's directory in debugfs, named after the device or its minor
debug_dir()
{
	for dir_ in "/sys/kernel/debug/accel/$DEVICE" /sys/kernel/debug/accel/0; do
		[ -f "$dir_/counters" ] && echo "$dir_" && return
	done
	return 1
}

# Makes a place $FIRMWARE_DIR/npu in which the kernel looks first, until the program ends.
SEARCH_PATH=/sys/module/firmware_class/parameters/path
firmware_dir()
{
	FIRMWARE_DIR=$(mktemp -d)
	mkdir "$FIRMWARE_DIR/npu"
	old_search_path_=$(cat "$SEARCH_PATH")
	printf %s "$FIRMWARE_DIR" >"$SEARCH_PATH"
	trap leave_firmware_dir_ EXIT
}

leave_firmware_dir_()
{
	printf %s "${old_search_path_:- }" >"$SEARCH_PATH"
	rm -rf "$FIRMWARE_DIR"
}

# The driver again, with other parameters
reload_module()	# parameters
{
	unload_module
	load_module "$@"
}

# Says what the kernel said, for a failed test.
show_messages()
{
	messages | grep -i npu | sed 's/^/# /'
	return 1
}

# Runs a program that prints TAP of its own; shows it if it fails.
child()	# program arguments
{
	child_=$(mktemp)
	"$@" >"$child_" 2>&1
	result_=$?
	[ $result_ = 0 ] || sed 's/^/# /' "$child_"
	rm -f "$child_"
	return $result_
}

# A client in the background that reports its end in $end; returns when it works.
start_load()	# seconds
{
	out=$(mktemp) end=$(mktemp)
	{
		./load "$1" >"$out"
		echo $? >"$end"
	} &
	for _ in $(seq 100); do
		grep -q ready "$out" && return 0
		sleep 0.1
	done
	return 1
}

# Waits for that client; true if it ended with this status.
load_ended()	# status
{
	wait
	grep "^#" "$out"
	[ "$(cat "$end")" = "$1" ]
	result_=$?
	rm -f "$out" "$end"
	return $result_
}

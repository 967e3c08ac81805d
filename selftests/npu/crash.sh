#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The firmware crashes in each way that a test firmware can: the driver names the
# reason, keeps a core dump, re-boots it, and who had only waited goes on (crash.c).
#
# NPU_TEST_FIRMWARE   the image of the test firmware; without it, all is skipped
# NPU_FW, NPU_FW_ELF, NPU_FW_KEY, NPU_FW_CONFIG   to pack another one, see firmware.sh
cd "$(dirname "$0")" || exit 1
. ./lib.sh

ktap_print_header
need_device
if [ ! -r "${NPU_TEST_FIRMWARE:=/lib/firmware/npu/npu-test.fw}" ]; then
	ktap_skip_all "no test firmware $NPU_TEST_FIRMWARE"
	exit "$KSFT_SKIP"
fi
firmware_dir
cp "$NPU_TEST_FIRMWARE" "$FIRMWARE_DIR/npu/npu-test.fw"
reload_module firmware=npu/npu-test.fw
# an older device takes any image, and runs none
if ! grep -q '^features: 0x[1-9a-f]' "$(debug_dir)/firmware"; then
	reload_module
	ktap_skip_all 'this device runs no firmware of ours'
	exit "$KSFT_SKIP"
fi
ktap_set_plan 38

text=$(mktemp)

# Takes the core dump, which lets the next one in.
take_dump()
{
	: >"$text"
	for _ in $(seq 50); do
		set -- /sys/class/devcoredump/*/data
		if [ -r "$1" ]; then
			cat "$1" >"$text"
			echo 1 >"$1"
			return
		fi
		sleep 0.1
	done
	return 1
}

dumped() { grep -Eqx -- "$1" "$text"; }

# How it shows: name of the variant, message, reason of the reset, record in the dump.
crash()	# variant message reason panic...
{
	name=$1 message=$2 reason=$3
	shift 3
	mark
	promise "crash: $name: noticed in time, only what ran is lost" \
		child ./crash -v "$name"
	promise "crash: $name: the message says what happened" \
		say "npu .*ERROR.* $message"
	promise "crash: $name: and why the device is reset" \
		say "npu .*device reset: $reason\$"
	take_dump
	promise "crash: $name: the core dump names reason, firmware and last log" \
		all_dumped "reason: $reason" 'firmware: [0-9].*' 'firmware-from: npu/npu-test\.fw' \
		'firmware-log:' '\[ *[0-9]+\.[0-9]+\] firmware [0-9].*'
	promise "crash: $name: and has the panic record, or says that there is none" \
		all_dumped "$@"
}

say() { said "$1" || show_messages; }

all_dumped()
{
	for line; do
		dumped "$line" || {
			echo "# not in the core dump: $line"
			head -n 60 "$text" | sed 's/^/# /'
			return 1
		}
	done
}

HEX='0x[0-9a-f]+'
PC='panic-pc: 0x1[0-9a-f]{7}'
SP='x2: 0x1[0-9a-f]{7}'
NONE='panic: none'

take_dump
crash wild_store "firmware panic: exception at $HEX, value 0x7" 'firmware panic' \
	'panic: exception' 'panic-text: store access fault, address 0x10' 'panic-cause: 0x7' \
	'panic-value: 0x10' "$PC" "$SP" 'x0: 0x0'
crash endless_loop "firmware panic: watchdog at $HEX, value $HEX" 'firmware panic' \
	'panic: watchdog' 'panic-text: no return to the main loop for [0-9]+ ms' \
	'panic-cause: 0x80000010' "$PC" "$SP"
crash silence 'the firmware is silent for [0-9]+ ms, allowed are 4000' 'the firmware is silent' \
	"$NONE"
crash message_ring 'message ring: tail [0-9]+, head [0-9]+, size 256' \
	'message ring out of bounds' "$NONE" 'd2h-tail: 107374[0-9]+'
crash completion_ring 'completion ring: tail [0-9]+, head [0-9]+, size 16384' \
	'completion ring out of bounds' "$NONE" 'done-tail: 107374[0-9]+'
crash stack_overrun "firmware panic: stack overrun at $HEX, value $HEX" 'firmware panic' \
	'panic: stack overrun' 'panic-text: stack overrun at 0x1[0-9a-f]+' "$PC" "$SP"
crash failed_check "firmware panic: failed check at $HEX, value $HEX" 'firmware panic' \
	'panic: failed check' 'panic-text: .*:[0-9]+: not .*' 'panic-cause: 0x3' "$PC" "$SP"

# A hang that the firmware finds
if [ -x "${NPU_FW:-}" ] && [ -r "${NPU_FW_CONFIG:-}" ]; then
	sed 's/^job_hang_ms.*/job_hang_ms = 300/' "$NPU_FW_CONFIG" >"$FIRMWARE_DIR/config"
	"$NPU_FW" pack --elf "$NPU_FW_ELF" --config "$FIRMWARE_DIR/config" --version 1.1.0-hasty \
		--security 1 --key "$NPU_FW_KEY" -o "$FIRMWARE_DIR/npu/hasty.fw" >/dev/null
	reload_module firmware=npu/hasty.fw
	promise 'hang: a job without progress is ended by the firmware, no other' \
		child ./crash -f hang
	take_dump
	promise 'hang: it leaves a core dump of the job' \
		all_dumped 'reason: hang' 'fault: 14' 'panic: none' 'job: 1'
else
	ktap_test_skip 'hang: no npu-fw here'
	ktap_test_skip 'hang: no npu-fw here'
fi

rm -f "$text"
reload_module
promise 'crash: the product works afterwards' works
ktap_finished

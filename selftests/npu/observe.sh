#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What an administrator sees: tracepoints, debugfs, a core dump after a fault.
cd "$(dirname "$0")" || exit 1
. ./lib.sh

TRACE=/sys/kernel/tracing
DEBUG=/sys/kernel/debug/accel

ktap_print_header
need_device
if [ ! -d "$TRACE/events/npu" ] || [ ! -d "$DEBUG" ]; then
	ktap_skip_all 'no tracefs or debugfs'
	exit "$KSFT_SKIP"
fi
ktap_set_plan 9
DEBUG=$(debug_dir)

# Number in the file of counters
counter() { sed -n "s/^$1: //p" "$DEBUG/counters"; }

one_fault() { ./fault -t read_of_an_unmapped_address >/dev/null; }

echo >"$TRACE/trace"
echo 1 >"$TRACE/events/npu/enable"
ktap_test_result 'observe: a client works while it is traced' works
one_fault
echo 0 >"$TRACE/events/npu/enable"
lines=$(mktemp)
grep -v '^#' "$TRACE/trace" >"$lines"
echo >"$TRACE/trace"
for event in npu_bind npu_job_submit npu_job_run npu_job_done; do
	ktap_test_result "observe: there is a trace of $event" grep -q " $event: " "$lines"
done
rm -f "$lines"

jobs=$(counter jobs)
faults=$(counter faults)
one_fault
ktap_test_result 'observe: jobs are counted' [ "$(counter jobs)" -gt "$jobs" ]
ktap_test_result 'observe: a fault is counted once' [ "$(counter faults)" = $((faults + 1)) ]

# The first dump since boot stays until somebody has read it.
dump()
{
	ls /sys/class/devcoredump/*/data 2>/dev/null | head -n 1
}
for _ in $(seq 50); do
	[ -n "$(dump)" ] && break
	sleep 0.1
done
text=$(mktemp)
cat "$(dump)" >"$text" 2>/dev/null
ktap_test_result 'observe: a fault leaves a core dump' grep -q '^npu.device.core.dump' "$text"
ktap_test_result 'observe: it tells the job and what went wrong' \
	[ "$(grep -cE '^(reason: (fault|hang)|job: [1-9]|cmdbuf: 0x|fault: [0-9])' "$text")" = 4 ]
echo 1 2>/dev/null >"$(dump)"
rm -f "$text"

ktap_finished

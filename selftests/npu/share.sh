#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Two language models share the device: the one of higher priority hardly notices, the other one
# loses nothing. All times are modelled ones, as the jobs' completions tell them.
#
# NPU_LLM          npu-llm; without it the test is skipped
# NPU_SHARE_MODEL  GGUF file of a model with twelve layers or more, in which a token takes the device
#                  long against a switch
cd "$(dirname "$0")" || exit 1
. ./lib.sh

: "${NPU_LLM:=npu-llm}"
TOKENS=24		# of the decoder that is looked at
# Longest wait of a turn of priority idle behind higher ones, as npu.conf has it:
# starvation_turns of time_slice_us.high, and as much again for what is under way
BOUND_NS=$((2 * 64 * 4000000))

ktap_print_header
need_device
if ! command -v "$NPU_LLM" >/dev/null || [ ! -f "${NPU_SHARE_MODEL:-}" ]; then
	ktap_skip_all 'no npu-llm (NPU_LLM) or no model (NPU_SHARE_MODEL)'
	exit "$KSFT_SKIP"
fi
ktap_set_plan 10
work=$(mktemp -d)

# A number of the report; the first of that name in the file
number()	# name file
{
	tr ',{}' '\n\n\n' <"$2" | sed -n "s/^ *\"$1\": *\([0-9]*\).*/\1/p" | head -n 1
}

ids()
{
	tr -d ' \n' <"$1" | sed -n 's/.*[,{]"ids":\[\([0-9,]*\)\].*/\1/p'
}

bench()		# report options
{
	report=$1
	shift
	"$NPU_LLM" bench --device drm -m "$NPU_SHARE_MODEL" --json "$@" >"$report" 2>"$work/err" ||
		sed 's/^/# /' "$work/err"
}

# One token a submission: each shows how long it has taken, with its waits
high()		# report
{
	bench "$1" -p 0 -n $TOKENS -r 1 --steps 1 --priority high
}

low()		# report
{
	"$NPU_LLM" run --device drm -m "$NPU_SHARE_MODEL" --ids 1,5,9,20 -n 100 --ignore-eos \
		--priority idle --steps 8 --json >"$1" 2>"$work/err" || sed 's/^/# /' "$work/err"
}

# Somebody who has the device busy until he is killed; goes on when his model is loaded.
crowd()		# options
{
	"$NPU_LLM" bench --device drm -m "$NPU_SHARE_MODEL" -r 1000 "$@" >"$work/crowd" 2>&1 &
	pid=$!
	wait_busy $pid
}

crowd_is_there() { kill -0 $pid || sed "s/^/# /" "$work/crowd"; kill -0 $pid; }

disperse()
{
	kill $pid
	wait $pid 2>/dev/null
}

busy()		# pid
{
	cat /proc/"$1"/fdinfo/* 2>/dev/null | awk '/^drm-engine-matrix:/ { n += $2 } END { print n + 0 }'
}

# Waits until this process has multiplied something: its model is loaded.
wait_busy()	# pid
{
	while [ -d "/proc/$1" ]; do
		[ "$(busy "$1")" -gt 0 ] && return
		sleep 0.1
	done
	return 1
}

near()		# what shared alone
{
	echo "# $1: $2 modelled ns a token, $3 alone"
	[ "${2:-0}" -gt 0 ] && [ $((10 * $2)) -le $((12 * $3)) ]
}

high "$work/alone"
alone=$(number model_token_latency_ns_median "$work/alone")
ktap_test_result 'share: a decoder alone waits for nobody' \
	[ "$(number model_wait_ns "$work/alone")" = 0 ]
low "$work/low-alone"

crowd -p 0 -n 64 --steps 8 --priority idle
high "$work/shared"
ktap_test_result 'share: a lower decoder runs on while the higher one does' crowd_is_there
disperse
ktap_test_result 'share: beside a lower decoder a token takes at most 1.2 times as long' \
	near beside_a_decoder "$(number model_token_latency_ns_median "$work/shared")" "$alone"
ktap_test_result 'share: it has waited, so both were at work' \
	[ "$(number model_wait_ns "$work/shared")" -gt 0 ]

crowd -p 0 -n 64 --steps 1 --priority high
low "$work/low"
ktap_test_result 'share: a higher decoder runs on while the lower one does' crowd_is_there
disperse
ktap_test_result 'share: the lower decoder gives the tokens that it gives alone' \
	[ -n "$(ids "$work/low")" -a "$(ids "$work/low")" = "$(ids "$work/low-alone")" ]
waited=$(number model_wait_ns "$work/low")
echo "# the lower decoder waited $waited modelled ns for 100 tokens"
ktap_test_result 'share: it waits no longer for a turn than the bound of starvation says' \
	[ "$waited" -gt 0 -a "$waited" -le $((BOUND_NS * 100 / 8)) ]

crowd -p 512 --chunk 512 -n 0 --priority normal
high "$work/shared"
ktap_test_result 'share: a prefill runs on while the higher decoder does' crowd_is_there
disperse
ktap_test_result 'share: beside a long prefill a token takes at most 1.2 times as long' \
	near beside_a_prefill "$(number model_token_latency_ns_median "$work/shared")" "$alone"

# All of a prefill's chunk is one job, many times as long as a token.
bench "$work/one" -p 512 --chunk 512 -n 0 -r 1
chunk=$(number model_ns "$work/one")
waited=$(number model_wait_ns "$work/shared")
echo "# $waited modelled ns waited in $TOKENS tokens, a chunk takes $chunk"
ktap_test_result 'share: the prefill was pre-empted inside of its jobs' \
	[ "$waited" -gt 0 -a $((4 * waited / TOKENS)) -lt "$chunk" ]

rm -rf "$work"
ktap_finished

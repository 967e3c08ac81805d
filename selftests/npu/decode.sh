#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A language model decoded through the driver gives the tokens of the same library without
# a kernel, token for token.
#
# usage: decode.sh                    compares
#        decode.sh --expect DIR       only writes what is expected, without a device
#
# NPU_LLM     npu-llm; without it the test is skipped
# NPU_MODELS  GGUF files
# NPU_EXPECT  what --expect wrote, to spare this machine the work
cd "$(dirname "$0")" || exit 1
. ./lib.sh

TOKENS=${NPU_TOKENS:-120}
: "${NPU_LLM:=npu-llm}"

# One case a line: options for npu-llm, then the prompt. @ stands for a space in it.
cases()
{
	cat <<-'EOC'
	greedy|--temp 0|Once@upon@a@time
	greedy|--temp 0|The@little@dog@was
	greedy, one token a submission|--temp 0 --steps 1|Lily@and@Tom
	greedy, prompt in chunks of 3|--temp 0 --chunk 3|One@day,@a@small@bird@sat@in@a@tree@and
	sampled|--temp 0.8 --seed 7|Once@upon@a@time
	sampled, with penalties|--temp 1.1 --seed 4711 --top-k 100 --repeat-penalty 1.2|There@was
	EOC
}

ids()
{
	tr -d ' \n' | sed -n 's/.*[,{]"ids":\[\([0-9,]*\)\].*/\1/p'
}

decode()	# device model options prompt
{
	# options are words
	# shellcheck disable=SC2086
	"$NPU_LLM" run --device "$1" -m "$2" -n "$TOKENS" $3 -p "$(echo "$4" | tr @ ' ')" --json | ids
}

# Name of the file with what is expected of a case
expected_file()	# model number
{
	echo "$(basename "$1" .gguf)-$2"
}

write_expected()	# directory
{
	for model in $NPU_MODELS; do
		n=0
		cases | while IFS='|' read -r _ options prompt; do
			n=$((n + 1))
			decode sim "$model" "$options" "$prompt" >"$1/$(expected_file "$model" $n)"
		done
	done
}

if [ "${1:-}" = --expect ]; then
	write_expected "$2"
	exit
fi

ktap_print_header
need_device
if ! command -v "$NPU_LLM" >/dev/null || [ -z "${NPU_MODELS:-}" ]; then
	ktap_skip_all 'no npu-llm (NPU_LLM) or no models (NPU_MODELS)'
	exit "$KSFT_SKIP"
fi
expect=${NPU_EXPECT:-}
if [ -z "$expect" ]; then
	expect=$(mktemp -d)
	write_expected "$expect"
fi
# shellcheck disable=SC2086
set -- $NPU_MODELS
ktap_set_plan $(($(cases | wc -l) * $# + 2))

same_ids()	# model number options prompt
{
	wanted=$(cat "$expect/$(expected_file "$1" "$2")")
	got=$(decode drm "$1" "$3" "$4")
	[ -n "$wanted" ] && [ "$got" = "$wanted" ] && return
	echo "# wanted $wanted"
	echo "# got    $got"
	return 1
}

# No pipe into the loop: its counts would stay in a shell of their own.
list=$(mktemp)
cases >"$list"
for model; do
	n=0
	while IFS='|' read -r name options prompt <&3; do
		n=$((n + 1))
		text="decode: $(basename "$model" .gguf): $name: the tokens of sim ($n)"
		if same_ids "$model" $n "$options" "$prompt"; then
			ktap_test_pass "$text"
		else
			ktap_test_fail "$text"
		fi
	done 3<"$list"
done

# Two decoders at once, each with prompts of its own
out=$(mktemp -d)
first=$1
shift $(($# - 1))
second=$1
line() { sed -n "$1p" "$list" | cut -d '|' -f "$2"; }
decode drm "$first" "$(line 1 2)" "$(line 1 3)" >"$out/first" &
decode drm "$second" "$(line 5 2)" "$(line 5 3)" >"$out/second" &
wait
ktap_test_result 'decode: two at once: the first gives its tokens' \
	cmp -s "$out/first" "$expect/$(expected_file "$first" 1)"
ktap_test_result 'decode: two at once: the second gives its tokens' \
	cmp -s "$out/second" "$expect/$(expected_file "$second" 5)"
rm -rf "$out" "$list"

ktap_finished

#!/bin/sh
# SPDX-License-Identifier: MIT
# The command line of npu-llm: what people type, what they get, how it ends.
#
# usage: test_npu_llm.sh NPU_LLM MODEL_DIR
set -u
llm=$1
models=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0
story=$models/stories260K.gguf
tiny=$models/TinyStories-656K-Q8_0.gguf

result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n npu-llm: $2"
	else
		echo "not ok $n npu-llm: $2"
		sed 's/^/# /' "$tmp/out" "$tmp/err" 2>/dev/null
		failed=1
	fi
}

# run ARGS...: standard output and error to files, status to $rc
run() {
	"$llm" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	rc=$?
}

# refused NAME WORDS ARGS...: exit 1 and one line that has these words
refused() {
	name=$1
	words=$2
	shift 2
	run "$@"
	[ "$rc" = 1 ] && grep -qF -e "$words" "$tmp/err" && [ "$(wc -l <"$tmp/err")" = 1 ] &&
		[ ! -s "$tmp/out" ]
	result $? "$name"
}

run run -m "$story" -p "Once upon a time" -n 40 --device sim
[ "$rc" = 0 ] && grep -q '^, there was' "$tmp/out" && grep -q 'modelled' "$tmp/err" &&
	grep -q 'host' "$tmp/err" && grep -q 'J/token' "$tmp/err"
result $? "a story and a summary that tells modelled from host"

run run -m "$story" -p "Once upon a time" -n 40 --device sim --quiet
[ "$rc" = 0 ] && [ ! -s "$tmp/err" ]
result $? "--quiet leaves standard error empty"
cp "$tmp/out" "$tmp/greedy"

run run -m "$story" -p "Once upon a time" -n 40 --device sim --quiet --echo
[ "$rc" = 0 ] && grep -q '^Once upon a time, there was' "$tmp/out"
result $? "--echo prints the prompt first"

run run -m "$story" -p "Once upon a time" -n 40 --device sim --json
[ "$rc" = 0 ] && grep -q '"ended": *"token limit"' "$tmp/out" && grep -q '"ids"' "$tmp/out" &&
	[ ! -s "$tmp/err" ]
result $? "--json prints an object and nothing else"

grep -q '"model_wait_ns": *0,' "$tmp/out"
result $? "--json: alone on the device nothing was waited for"

for word in idle normal high realtime; do
	run run -m "$story" -p "Once upon a time" -n 40 --device sim --quiet --priority $word
	[ "$rc" = 0 ] && cmp -s "$tmp/out" "$tmp/greedy"
	result $? "--priority $word decodes the same text"
done

run run -m "$story" -p "Once upon a time" -n 40 --device sim --quiet --steps 1
[ "$rc" = 0 ] && cmp -s "$tmp/out" "$tmp/greedy"
result $? "--steps 1, token after token, decodes the same text"

# field NAME: its number in the decode phase of bench --json
field() {
	sed -n '/"decode"/,$s/.*"'"$1"'": *\([0-9]*\).*/\1/p' "$tmp/out"
}
run bench -m "$story" -p 0 -n 100 -r 2 --steps 1 --device sim --json --quiet
median=$(field model_token_latency_ns_median)
p99=$(field model_token_latency_ns_p99)
max=$(field model_token_latency_ns_max)
[ "$rc" = 0 ] && [ "$median" -gt 0 ] && [ "$median" -lt "$p99" ] && [ "$p99" -le "$max" ] &&
	[ "$(field model_wait_ns)" = 0 ] && [ "$max" -lt "$(field model_ns)" ]
result $? "bench --json has the modelled latency of tokens: median, p99, max"

run run -m "$story" -p "Once upon a time" -n 200 --device sim --quiet --stop "named"
[ "$rc" = 0 ] && ! grep -q named "$tmp/out" && grep -q girl "$tmp/out"
result $? "a stop text ends the text and is not shown"

run run -m "$story" -p "Once upon a time" -n 0 --device sim --quiet
[ "$rc" = 0 ] && [ "$(cat "$tmp/out")" = "" ]
result $? "no tokens asked for, none decoded"

run run -m "$story" -p "" -n 20 --device sim --quiet
[ "$rc" = 0 ] && [ -s "$tmp/out" ]
result $? "an empty prompt starts from BOS"

printf 'Once upon a time' >"$tmp/prompt"
run run -m "$story" -f "$tmp/prompt" -n 40 --device sim --quiet
[ "$rc" = 0 ] && cmp -s "$tmp/out" "$tmp/greedy"
result $? "a prompt from a file is the same prompt"

printf 'caf\351 \377\376 ok' >"$tmp/latin"
run run -m "$story" -f "$tmp/latin" -n 5 --device sim --quiet
result $rc "a prompt that is not UTF-8 is decoded byte by byte"

run run -m "$tiny" -p "A ~ tilde" -n 5 --device sim
[ "$rc" = 0 ] && grep -q 'unknown token' "$tmp/err"
result $? "what a vocabulary cannot express becomes the unknown token, said in a line"

run run -m "$story" -p "Once upon a time" -n 600 --ctx 64 --device sim
[ "$rc" = 0 ] && grep -q 'ended by context full' "$tmp/err"
result $? "a full context ends the text and says so"

run run -m "$story" --ids 1,403,407,261,378 -n 40 --device sim --quiet
[ "$rc" = 0 ] && [ -s "$tmp/out" ]
result $? "a prompt as ids"

run --help
[ "$rc" = 0 ] && grep -q '^usage: npu-llm run' "$tmp/out" && grep -q examples "$tmp/out"
result $? "--help has usage and examples"

i=0
words=
while [ $i -lt 40 ]; do words="$words word"; i=$((i + 1)); done
refused "a prompt longer than the context names both and what to do" \
	"the context 16; raise it with --ctx" run -m "$story" -p "$words" --ctx 16 --device sim
refused "an unknown command" 'unknown command "walk" (known: run bench)' walk
refused "a priority that is none" "--priority urgent: must be idle, normal, high or realtime" \
	run -m "$story" --priority urgent
refused "an unknown option" "--nonsense: unknown option" run -m "$story" --nonsense
refused "an option without its value" "needs a value" run -m
refused "no model" "no model; give one with -m" run -p x
refused "a number out of range" "--chunk 513: must be a whole number 1..512" \
	run -m "$story" --chunk 513
refused "a negative number" "-n -5: must be a whole number" run -m "$story" -n -5
refused "words after the options" "unexpected word" run -m "$story" hello
refused "ids that are not numbers" 'at "x,3"' run -m "$story" --ids "1,x,3"
refused "an id past the vocabulary" "token id 512, the vocabulary has 512" \
	run -m "$story" --ids 1,512 --device sim
refused "ids and text together" "exclude each other" run -m "$story" --ids 1 -p x
refused "a missing file" "No such file" run -m "$tmp/none.gguf"
refused "a directory" "$tmp" run -m "$tmp"
refused "a device that is not there" "nonsense" run -m "$story" -p x --device nonsense
head -c 100000 "$story" >"$tmp/cut.gguf"
refused "a file that was cut" "$tmp/cut.gguf" run -m "$tmp/cut.gguf" -p x --device sim
echo "no model" >"$tmp/text.gguf"
refused "a file that is no GGUF" "GGUF" run -m "$tmp/text.gguf" -p x --device sim

echo "1..$n"
exit $failed

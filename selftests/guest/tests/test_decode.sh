#!/bin/sh
# SPDX-License-Identifier: MIT
# What make run promises, seen from its user's side.
set -u
TOP=$(cd "$(dirname "$0")/../../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
count=0 failed=0

ok()
{
	text=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count make run: $text"
	else
		echo "not ok $count make run: $text"
		failed=1
	fi
}

# as make run does it, without looking at what is to be built
decode() { make -s --no-print-directory -C "$TOP" decode "$@" >"$tmp/out" 2>"$tmp/err"; }

decode MODEL="$tmp/none.gguf"
ok 'a model that is not there is named' grep -q "no model file $tmp/none.gguf" "$tmp/err"

mkdir "$tmp/my models"
cp "$TOP/llm/models/TinyStories-656K-Q8_0.gguf" "$tmp/my models/story.gguf"
# shellcheck disable=SC2016
decode MODEL="$tmp/my models/story.gguf" PROMPT='Tom'\''s "$dog" said: `hi`' N=12
ok 'a model outside the tree is decoded' [ $? = 0 ]
# shellcheck disable=SC2016
ok 'the prompt is taken as it is, and continued' \
	[ "$(head -c 22 "$tmp/out")" = 'Tom'\''s "$dog" said: `hi' ]
ok 'it runs on the device node, through the driver' grep -q '/dev/accel/accel0' "$tmp/out" "$tmp/err"
ok 'N= is the number of tokens' grep -Eq 'decode +1[12] tokens' "$tmp/out" "$tmp/err"

head -c 1000 "$tmp/my models/story.gguf" >"$tmp/cut.gguf"
decode MODEL="$tmp/cut.gguf"
ok 'a command that fails in the guest fails here' [ $? != 0 ]
ok 'and what it said is shown' grep -q 'cut.gguf' "$tmp/err"

echo "1..$count"
exit $failed

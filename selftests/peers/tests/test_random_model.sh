#!/bin/sh
# SPDX-License-Identifier: MIT
# The writer of random models, in TAP. usage: test_random_model.sh PROGRAM
set -u
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
failed=0

# ok NAME COMMAND...: the promise holds when the command succeeds
ok() {
	name=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n random-model: $name"
	else
		echo "not ok $n random-model: $name"
		failed=1
	fi
}

size_is() { [ "$(stat -c %s "$1")" = "$2" ]; }
refused() { ! "$program" "$@" 2>/dev/null; }

for type in f32:20983616 f16:10497856 q8_0:5582656 q4_0:2961216; do
	"$program" "$dir/a" tiny "${type%:*}"
	"$program" "$dir/b" tiny "${type%:*}"
	ok "${type%:*}: header, aligned tensors and nothing else" size_is "$dir/a" "${type#*:}"
	ok "${type%:*}: the same words give the same bytes" cmp -s "$dir/a" "$dir/b"
done
ok "an unknown shape is refused" refused "$dir/c" huge q4_0
ok "an unknown type is refused" refused "$dir/c" tiny q5_0
ok "a place that cannot be written is refused" refused "$dir/none/c" tiny q4_0
echo "1..$n"
exit $failed

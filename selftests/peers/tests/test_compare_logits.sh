#!/bin/sh
# SPDX-License-Identifier: MIT
# The comparison of logit dumps, in TAP. usage: test_compare_logits.sh PROGRAM
set -u
compare=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
failed=0

# promise NAME WANTED-STATUS WANTED-TEXT ARG...: what the program says and how it ends
promise() {
	name=$1 status=$2 text=$3
	shift 3
	n=$((n + 1))
	out=$("$compare" "$@" 2>&1)
	got=$?
	case $got:$out in
	"$status":*"$text"*) echo "ok $n compare-logits: $name" ;;
	*)	echo "not ok $n compare-logits: $name"
		echo "# status $got, said: $out" | head -n 3
		failed=1 ;;
	esac
}

# float32: 1 2 3 4, the same with 4 -> 4.5, with a NaN, and one short
printf '\0\0\200\077\0\0\0\100\0\0\100\100\0\0\200\100' >"$dir/a"
printf '\0\0\200\077\0\0\0\100\0\0\100\100\0\0\220\100' >"$dir/b"
printf '\0\0\200\077\0\0\0\100\0\0\100\100\0\0\300\177' >"$dir/nan"
printf '\0\0\200\077\0\0\0\100\0\0\100\100' >"$dir/short"

promise "a dump equals itself" 0 "identical 4 max_abs 0 nmse 0" "$dir/a" "$dir/a" --max 0
promise "the error is relative to the reference's power" 0 "nmse 0.00833333" "$dir/b" "$dir/a"
promise "more than --max apart fails" 1 "is more than" "$dir/b" "$dir/a" --max 0.008
promise "less than --max apart passes" 0 "max_abs 0.5" "$dir/b" "$dir/a" --max 0.009
promise "rows name the worst" 0 "rows 2 arg_max_agree 2 worst_row 1" "$dir/b" "$dir/a" --vocab 2
promise "a NaN never passes" 1 "nan" "$dir/nan" "$dir/a" --max 1
promise "dumps of different length are refused" 1 "not as long" "$dir/short" "$dir/a"
promise "an unknown option is refused" 1 "unknown option" "$dir/a" "$dir/a" --maximum 1
echo "1..$n"
exit $failed

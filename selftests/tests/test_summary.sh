#!/bin/sh
# SPDX-License-Identifier: MIT
# What the summary of the tests promises.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
count=0 failed=0

# what is promised, wanted last line, wanted status, TAP (printf's)
try()
{
	count=$((count + 1))
	# shellcheck disable=SC2059
	got=$(printf "$4" | "$here/tap-summary")
	status=$?
	got=$(printf '%s\n' "$got" | tail -n 1)
	if [ "$got" = "$2" ] && [ $status = "$3" ]; then
		echo "ok $count summary: $1"
	else
		echo "not ok $count summary: $1"
		echo "# got '$got', status $status"
		failed=1
	fi
}

try 'a plan at the end' '2 passed, 0 failed, 0 skipped' 0 'ok 1 a\nok 2 b\n1..2\n'
try 'a plan at the beginning' '2 passed, 0 failed, 0 skipped' 0 'TAP version 13\n1..2\nok 1 a\nok 2 b\n'
try 'programs of both kinds after one another' '4 passed, 0 failed, 0 skipped' 0 \
	'ok 1 a\n1..1\n1..2\nok 1 b\nok 2 c\nok 1 d\n1..1\n'
try 'a failure' '1 passed, 1 failed, 0 skipped' 1 'ok 1 a\nnot ok 2 b\n1..2\n'
try 'a skipped test' '1 passed, 0 failed, 1 skipped' 0 'ok 1 a\nok 2 b # SKIP no clang\n1..2\n'
try 'a skipped program' '1 passed, 0 failed, 1 skipped' 0 'ok 1 a\n1..1\n1..0 # SKIP no device\n'
try 'nothing ran' '0 passed, 0 failed, 0 skipped' 1 ''
try 'only skipped tests are no success' '0 passed, 0 failed, 1 skipped' 1 'ok 1 a # SKIP no\n1..1\n'
try 'a program that ends without its plan' '1 passed, 1 failed, 0 skipped' 1 'ok 1 a\n'
try 'one such before another program' '2 passed, 1 failed, 0 skipped' 1 'ok 1 a\nok 1 b\n1..1\n'
try 'fewer results than planned' '1 passed, 1 failed, 0 skipped' 1 '1..2\nok 1 a\n'
try 'more results than planned' '2 passed, 1 failed, 0 skipped' 1 'ok 1 a\nok 2 b\n1..1\n'
try 'a program that planned nothing' '1 passed, 1 failed, 0 skipped' 1 'ok 1 a\n1..1\n1..0\n'
try 'a suite that ends badly without a failure' '1 passed, 1 failed, 0 skipped' 1 \
	'# suite: x\nok 1 a\n1..1\n# suite ended with 139, after 1 s\n'
try 'a suite that ends badly with one' '0 passed, 1 failed, 0 skipped' 1 \
	'# suite: x\nnot ok 1 a\n1..1\n# suite ended with 1, after 1 s\n'
echo "1..$count"
exit $failed

#!/bin/sh
# SPDX-License-Identifier: MIT
# What the guest runner promises. Each boot takes some five seconds.
set -u
TOP=$(cd "$(dirname "$0")/../../.." && pwd)
BUILD=${BUILD:-$TOP/build}
run="$TOP/selftests/guest/run --no-device"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
count=0 failed=0

# Reports one promise: what is told, and a command that shows it.
ok()
{
	text=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count runner: $text"
	else
		echo "not ok $count runner: $text"
		failed=1
	fi
}

mkdir "$tmp/in" "$tmp/out"
head -c 3000000 /dev/urandom >"$tmp/in/data"

# One boot for what a well-behaved command can show.
cat >"$tmp/in/command" <<'EOF'
cat "$1/in/data"
printf 'no newline' >&2
printf '%s|' "$@" >"$1/out/arguments"
echo "$VARIABLE" >"$1/out/variable"
pwd >"$1/out/pwd"
cat "$1/in/data" >"$1/out/data"
touch "$1/in/new" 2>/dev/null && echo yes >"$1/out/written"
exit 7
EOF
# shellcheck disable=SC2016
(cd "$TOP/uapi" && $run --log "$tmp/log" --share "$tmp/in" --share-rw "$tmp/out" --env 'VARIABLE=a b$c' -- \
	sh "$tmp/in/command" "$tmp" "it's" 'a  "b"' '$HOME' '' '*') >"$tmp/stdout" 2>"$tmp/stderr"
status=$?
ok 'the exit status is the command'\''s own' [ $status = 7 ]
ok 'standard output comes byte for byte' cmp -s "$tmp/in/data" "$tmp/stdout"
ok 'standard error comes apart from it, byte for byte' [ "$(cat "$tmp/stderr")" = 'no newline' ]
# shellcheck disable=SC2016
printf '%s|' "$tmp" "it's" 'a  "b"' '$HOME' '' '*' >"$tmp/arguments"
ok 'arguments arrive as they were given' cmp -s "$tmp/arguments" "$tmp/out/arguments"
# shellcheck disable=SC2016
ok 'a variable arrives as it was given' [ "$(cat "$tmp/out/variable")" = 'a b$c' ]
ok 'the current directory is kept' [ "$(cat "$tmp/out/pwd")" = "$TOP/uapi" ]
ok 'a writable share takes a file' cmp -s "$tmp/in/data" "$tmp/out/data"
ok 'a read-only share takes nothing' [ ! -e "$tmp/out/written" -a ! -e "$tmp/in/new" ]
ok 'the kernel is the stock one' grep -q '^\[.*Linux version .*debian' "$tmp/log"

# Large enough to be mapped; with an end that fills no page, in a place with an odd name.
mkdir "$tmp/a, b"
head -c 35000001 /dev/urandom >"$tmp/a, b/large"
ln "$tmp/a, b/large" "$tmp/in/large"
cat >"$tmp/in/command" <<'EOF'
before=$(awk '/^Cached/ { print $2 }' /proc/meminfo)
cat "$1/a, b/large" >/dev/null
after=$(awk '/^Cached/ { print $2 }' /proc/meminfo)
echo cached $(((after - before) / 1024)) MiB
cmp "$1/a, b/large" "$1/in/large" && echo same
EOF
$run --log "$tmp/log" --share "$tmp/in" --file "$tmp/a, b/large" -- \
	sh "$tmp/in/command" "$tmp" >"$tmp/stdout" 2>"$tmp/stderr"
ok 'a large file is seen at its path, byte for byte' grep -q '^same$' "$tmp/stdout"
ok 'and reading it takes no memory in the guest' grep -q '^cached 0 MiB$' "$tmp/stdout"

$run --log "$tmp/log" -- sh -c 'cat /proc/modules; echo last' 2>/dev/null | { sleep 6; cat; } >"$tmp/stdout"
ok 'a slow reader gets everything' [ "$(tail -n 1 "$tmp/stdout")" = last ]
ok 'the modules that the driver needs are loaded' \
	[ "$(grep -cE '^(gpu_sched|drm_gpuvm|drm_exec|drm_shmem_helper) ' "$tmp/stdout")" = 4 ]

$run --log "$tmp/log" -- sh -c 'echo before; echo c >/proc/sysrq-trigger' >"$tmp/stdout" 2>"$tmp/stderr"
ok 'a panic ends the run with 125' [ $? = 125 ]
ok 'what was written before a panic is there' [ "$(cat "$tmp/stdout")" = before ]
ok 'after a panic the end of the kernel log is shown' grep -q 'Kernel panic' "$tmp/stderr"

$run --log "$tmp/log" --idle 3 -- sleep 1000 2>"$tmp/stderr"
ok 'a guest from which nothing comes is ended with 124' [ $? = 124 ]
ok 'and the message says which limit' grep -q -- --idle "$tmp/stderr"

$run --log "$tmp/log" --timeout 6 -- sh -c 'while :; do echo; sleep 1; done' >"$tmp/stdout" 2>"$tmp/stderr"
ok 'a run that takes too long is ended with 124' [ $? = 124 ]

# timeout(1) interrupts the whole group, as a terminal does
# shellcheck disable=SC2086
TMPDIR=$tmp timeout -s INT 7 $run --log "$tmp/log" -- sleep 1000 2>"$tmp/stderr"
ok 'an interrupt ends the run' [ $? = 124 ]
ok 'and leaves no QEMU and no files behind' \
	[ -z "$(grep -l "$tmp/tmp" /proc/[0-9]*/cmdline; ls -d "$tmp"/tmp* 2>/dev/null)" ]

$run -- /nonexistent >"$tmp/stdout" 2>"$tmp/stderr"
ok 'a command that does not exist gives 127' [ $? = 127 ]
$run --share /nonexistent -- true 2>"$tmp/stderr"
ok 'a share that does not exist is refused' [ $? = 2 ]
ok 'and the message names it' grep -q 'cannot share /nonexistent' "$tmp/stderr"

echo "1..$count"
exit $failed

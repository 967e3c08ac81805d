#!/bin/sh
# SPDX-License-Identifier: MIT
# npu-fw as its users meet it. usage: test_tool.sh NPU-FW IMAGE CONFIG; TAP on stdout.
set -u
tool=$1
image=$2
config=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
failed=0

# ok NAME COMMAND...: the command succeeds
ok() {
	name=$1
	shift
	n=$((n + 1))
	if "$@" >"$dir/out" 2>"$dir/err"; then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		sed 's/^/# /' "$dir/out" "$dir/err"
		failed=1
	fi
}

# says STATUS TEXT COMMAND...: exits so, with TEXT in what it prints
says() {
	status=$1
	text=$2
	shift 2
	"$@" >"$dir/said" 2>&1
	[ $? -eq "$status" ] && grep -qF -- "$text" "$dir/said" && return
	cat "$dir/said"
	return 1
}

pack() {
	"$tool" pack --config "$config" --version 2.0-x --security 3 "$@" -o "$dir/a.fw"
}

ok 'npu-fw: the image of this tree is good' says 0 ': good, version' "$tool" verify "$image"
ok 'npu-fw: pack, verify' sh -c "$tool pack --config $config --version 2.0-x --security 3 \
	-o $dir/a.fw && $tool verify $dir/a.fw --security 3"
cp "$dir/a.fw" "$dir/b.fw"
pack
ok 'npu-fw: packing twice gives the same file' cmp "$dir/a.fw" "$dir/b.fw"
"$tool" pack --config defaults --version 2.0-x --security 3 -o "$dir/b.fw"
ok 'npu-fw: --config defaults is npu.conf' cmp "$dir/a.fw" "$dir/b.fw"
ok 'npu-fw: inspect shows the version' says 0 'version           2.0-x' "$tool" inspect "$dir/a.fw"
ok 'npu-fw: inspect --json is JSON and holds the configuration' sh -c "$tool inspect --json \
	$dir/a.fw | python3 -c 'import json, sys; d = json.load(sys.stdin); \
	assert d[\"version\"] == \"2.0-x\" and d[\"config\"][\"heartbeat_ms\"] == 20 and \
	d[\"verdict\"] == \"ok\"'"

head -c 100 "$dir/a.fw" >"$dir/cut.fw"
ok 'npu-fw: a cut image is refused with both sizes' says 1 \
	"$dir/cut.fw: it has 100 bytes, wanted at least 256" "$tool" verify "$dir/cut.fw"
ok 'npu-fw: inspect of a cut image does not fail otherwise' says 1 'verdict           it has 100' \
	"$tool" inspect "$dir/cut.fw"
{ head -c 350 "$dir/a.fw"; printf xx; } >"$dir/altered.fw"
ok 'npu-fw: an altered image is refused' says 1 'it was altered' "$tool" verify "$dir/altered.fw"
ok 'npu-fw: inspect --json of an altered image is JSON' sh -c "! $tool inspect --json \
	$dir/altered.fw >$dir/json && python3 -m json.tool $dir/json"
pack --api 2.1
ok 'npu-fw: another API is refused' says 1 'it speaks API 2, the device 1' \
	"$tool" verify "$dir/a.fw"
pack --hw 9.0-9.1
ok 'npu-fw: other hardware is refused' says 1 'it is for hardware from 9.0, the device is 1.0' \
	"$tool" verify "$dir/a.fw"
pack
ok 'npu-fw: a security version below the counter is refused' says 1 \
	'its security version is 3, the device wants 4 or above' "$tool" verify --security 4 \
	"$dir/a.fw"
: >"$dir/empty"
ok 'npu-fw: an empty file is refused' says 1 'it has 0 bytes' "$tool" verify "$dir/empty"
ok 'npu-fw: a missing file is named' says 1 "npu-fw: $dir/no: No such file" "$tool" verify "$dir/no"
ok 'npu-fw: a directory is named' says 1 "npu-fw: $dir: Is a directory" "$tool" verify "$dir"
echo 'heartbeat_ms = 0' >"$dir/conf"
ok 'npu-fw: a bad configuration is named with its file' says 1 "npu-fw: $dir/conf: max_jobs" \
	"$tool" pack --config "$dir/conf" --version 1 -o "$dir/c.fw"
ok 'npu-fw: a file that cannot be written is named' says 1 "npu-fw: $dir/no/x: No such file" \
	"$tool" pack --config defaults --version 1 -o "$dir/no/x"
ok 'npu-fw: a full disk is an error' says 1 'npu-fw: /dev/full: cannot write' \
	"$tool" pack --config defaults --version 1 -o /dev/full
ok 'npu-fw: a version with spaces is refused' says 2 'not 1 2' \
	"$tool" pack --config defaults --version '1 2' -o "$dir/c.fw"
ok 'npu-fw: no command shows the usage' says 2 'usage: npu-fw pack' "$tool"
ok 'npu-fw: --help succeeds' says 0 'usage: npu-fw pack' "$tool" --help
ok 'npu-fw: an unknown command is refused' says 2 'unknown command frob' "$tool" frob
ok 'npu-fw: a number that is none is refused' says 2 'not 1x' "$tool" verify "$image" --security 1x
echo "1..$n"
exit $failed

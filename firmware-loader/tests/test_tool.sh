#!/bin/sh
# SPDX-License-Identifier: MIT
# npu-fw as its users meet it, but for the flash. usage: test_tool.sh NPU-FW IMAGE MAKE-ELF, in
# firmware-loader; TAP on stdout.
set -u
tool=$1
image=$2
make_elf=$3
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

"$make_elf" >"$dir/a.elf"
key=keys/development.key

# pack OPTION...: $dir/a.fw, signed by the development key
pack() {
	"$tool" pack --elf "$dir/a.elf" --config npu.conf --version 2.0-x --security 3 \
		--key $key "$@" -o "$dir/a.fw"
}

# with FILE: python expression over the JSON of inspect
with() {
	"$tool" inspect --json "$1" |
		python3 -c "import json, sys; d = json.load(sys.stdin); sys.exit(not ($2))" ||
		{ "$tool" inspect --json "$1"; return 1; }
}

ok 'npu-fw: the image of this tree is good' says 0 \
	': good, version 1.1.0, security version 1, signed by the development key' \
	"$tool" verify "$image"
ok 'npu-fw: the image of this tree holds code, an entry and APIs 1.0 to 1.1' with "$image" \
	'd["sections"][0]["type"] == "code" and d["sections"][0]["entry"] == 0x10000000 and
	 d["api_min"] == "1.0" and d["api_max"] == "1.1" and d["development_key"]'
ok 'pack: makes an image that is good' sh -c "$tool pack --elf $dir/a.elf --config npu.conf \
	--version 2.0-x --security 3 --key $key -o $dir/a.fw && $tool verify $dir/a.fw --security 3"
cp "$dir/a.fw" "$dir/b.fw"
mkdir "$dir/elsewhere"
cp "$dir/a.elf" npu.conf $key "$dir/elsewhere"
tool_path=$(cd "$(dirname "$tool")" && pwd)/$(basename "$tool")
ok 'pack: another directory and another time give the same file' sh -c "cd $dir/elsewhere &&
	touch -d 2001-01-01 * && TZ=Asia/Tokyo LC_ALL=C $tool_path pack --elf a.elf \
	--config npu.conf --version 2.0-x --security 3 --key development.key -o c.fw && \
	cmp c.fw $dir/a.fw"
pack --config defaults
ok 'pack: --config defaults is npu.conf' cmp "$dir/a.fw" "$dir/b.fw"

"$tool" pack --elf "$dir/a.elf" --config npu.conf --version 2.0-x --security 3 -o "$dir/plain.fw"
ok 'verify: an image that is not signed is refused' says 1 \
	"$dir/plain.fw: it is not signed: signature type 0, wanted 1 (Ed25519)" \
	"$tool" verify "$dir/plain.fw"
ok 'inspect: also shows what is in an image that is refused' says 1 \
	'version           2.0-x' "$tool" inspect "$dir/plain.fw"
ok 'sign: signing gives what packing with the key gives' sh -c "$tool sign --key $key \
	$dir/plain.fw -o $dir/signed.fw && cmp $dir/signed.fw $dir/a.fw"
ok 'inspect: who signs makes no difference to the build id' sh -c "
	$tool inspect $dir/plain.fw | grep '^build id' >$dir/id1
	$tool inspect $dir/a.fw | grep '^build id' >$dir/id2
	cmp $dir/id1 $dir/id2"

ok 'keygen: makes a key and tells its id' says 0 'key id ' "$tool" keygen -o "$dir/vendor"
ok 'keygen: the secret part is for its owner alone' \
	[ "$(stat -c %a "$dir/vendor.key")" = 600 ]
ok 'keygen: a key is never overwritten' says 1 "npu-fw: $dir/vendor.key: File exists" \
	"$tool" keygen -o "$dir/vendor"
"$tool" keygen -o "$dir/other" >/dev/null
ok 'keygen: two keys differ' sh -c "! cmp -s $dir/vendor.key $dir/other.key"
ok 'sign: another key takes the place of the first' sh -c "$tool sign --key $dir/vendor.key \
	$dir/a.fw -o $dir/vendor.fw && $tool verify --key $dir/vendor.pub --state production \
	$dir/vendor.fw"
ok 'verify: a key that is not fused is refused' says 1 ', the device has no key fused' \
	"$tool" verify "$dir/vendor.fw"
ok 'verify: another key than the fused one is refused' says 1 ', the device takes ' \
	"$tool" verify --key "$dir/other.pub" "$dir/vendor.fw"
ok 'verify: the development key is refused in production state' says 1 \
	'it is signed by the development key ' "$tool" verify --state production "$dir/a.fw"
ok 'verify: the development key is refused in production state even if it is fused' says 1 \
	'it is signed by the development key ' "$tool" verify --state production \
	--key keys/development.pub "$dir/a.fw"
ok 'verify: the development key is good beside a fused one in development state' \
	"$tool" verify --key "$dir/vendor.pub" --state development "$dir/a.fw"
ok 'sign: a secret key in place of a public one is refused' says 1 \
	'it holds seed, wanted public; name the file NAME.pub' \
	"$tool" verify --key "$dir/vendor.key" "$dir/vendor.fw"
ok 'sign: a public key in place of a secret one is refused' says 1 \
	'it holds public, wanted seed; name the file NAME.key' \
	"$tool" sign --key "$dir/vendor.pub" "$dir/a.fw" -o "$dir/no.fw"

ok 'inspect: shows whose signature it is' says 0 '(DEVELOPMENT KEY)' "$tool" inspect "$dir/a.fw"
ok 'inspect: shows sections with their place, rights and entry' says 0 \
	'code   r-x       8 bytes to 0x10000000, 8 in memory, entry 0x10000000' \
	"$tool" inspect "$dir/a.fw"
ok 'inspect: shows pages that nothing may touch' says 0 \
	'data   ---       0 bytes to 0x10003000, 4096 in memory' "$tool" inspect "$dir/a.fw"
ok 'inspect: --json holds all of it' with "$dir/a.fw" '
	d["version"] == "2.0-x" and d["verdict"] == "ok" and d["text"] == "good" and
	d["config"]["heartbeat_ms"] == 20 and d["config"]["critical_millicelsius"] == 110000 and
	d["api_min"] == "1.0" and d["api_max"] == "1.1" and d["security_version"] == 3 and
	d["signature_type"] == 1 and d["development_key"] is True and len(d["key_id"]) == 64 and
	len(d["build_id"]) == 64 and len(d["sha256"]) == 64 and d["n_sections"] == 5 and
	[s["type"] for s in d["sections"]] == ["code", "data", "data", "data", "config"] and
	[s["rights"] for s in d["sections"]] == ["r-x", "rw-", "---", "rw-", "r--"] and
	d["sections"][1]["load_addr"] == 0x10001000 and d["sections"][1]["load_size"] == 4097'
ok 'inspect: --json of an image that is not signed names no key' with "$dir/plain.fw" '
	d["verdict"] == "signature" and d["key_id"] == "" and d["development_key"] is False and
	d["version"] == "2.0-x" and len(d["sections"]) == 5'

head -c 100 "$dir/a.fw" >"$dir/cut.fw"
ok 'verify: a cut image is refused with both sizes' says 1 \
	"$dir/cut.fw: it has 100 bytes, wanted at least 256" "$tool" verify "$dir/cut.fw"
ok 'inspect: a cut image does not fail otherwise' says 1 'verdict           it has 100' \
	"$tool" inspect "$dir/cut.fw"
{ head -c 418 "$dir/a.fw"; printf xx; tail -c +421 "$dir/a.fw"; } >"$dir/altered.fw"
ok 'verify: an altered image is refused' says 1 'it was altered' "$tool" verify "$dir/altered.fw"
ok 'sign: an altered image is not signed' says 1 'is not signed: it was altered' \
	"$tool" sign --key $key "$dir/altered.fw" -o "$dir/no.fw"
ok 'sign: and nothing is written' [ ! -e "$dir/no.fw" ]
ok 'inspect: --json of an altered image is JSON' sh -c "! $tool inspect --json \
	$dir/altered.fw >$dir/json && python3 -m json.tool $dir/json"
pack --api 2.0-2.1
ok 'verify: a firmware with newer APIs is refused, the driver is to be mended' says 1 \
	'the driver speaks API 1.1, the firmware not below 2.0; install the driver of this release' \
	"$tool" verify "$dir/a.fw"
ok 'verify: --api asks about another driver' "$tool" verify --api 2.0-2.0 "$dir/a.fw"
pack --hw 9.0-9.1
ok 'verify: other hardware is refused' says 1 'it is for hardware from 9.0, the device is 1.0' \
	"$tool" verify "$dir/a.fw"
ok 'verify: --hw asks about other hardware' "$tool" verify --hw 9.1 "$dir/a.fw"
ok 'sign: an image for other hardware can be signed' "$tool" sign --key "$dir/vendor.key" \
	"$dir/a.fw" -o "$dir/vendor.fw"
pack
ok 'verify: a security version below the counter is refused' says 1 \
	'its security version is 3, the device wants 4 or above' "$tool" verify --security 4 \
	"$dir/a.fw"
"$tool" pack --config npu.conf --version 1 --key $key -o "$dir/c.fw"
ok 'verify: an image without a firmware is refused' says 1 \
	'none of its 1 sections has an instruction to start at' "$tool" verify "$dir/c.fw"
: >"$dir/empty"
ok 'verify: an empty file is refused' says 1 'it has 0 bytes' "$tool" verify "$dir/empty"
ok 'verify: a missing file is named' says 1 "npu-fw: $dir/no: No such file" "$tool" verify "$dir/no"
ok 'verify: a directory is named' says 1 "npu-fw: $dir: Is a directory" "$tool" verify "$dir"

ok 'pack: what is no ELF is named' says 1 "npu-fw: npu.conf: it is no ELF file" \
	"$tool" pack --elf npu.conf --config npu.conf --version 1 -o "$dir/c.fw"
ok 'pack: an ELF of this host is refused' says 1 "npu-fw: $tool: ELF class" \
	"$tool" pack --elf "$tool" --config npu.conf --version 1 -o "$dir/c.fw"
echo 'heartbeat_ms = 0' >"$dir/conf"
ok 'pack: a bad configuration is named with its file' says 1 "npu-fw: $dir/conf: max_jobs" \
	"$tool" pack --config "$dir/conf" --version 1 -o "$dir/c.fw"
ok 'pack: a file that cannot be written is named' says 1 "npu-fw: $dir/no/x: No such file" \
	"$tool" pack --config defaults --version 1 -o "$dir/no/x"
ok 'pack: a full disk is an error' says 1 'npu-fw: /dev/full: cannot write' \
	"$tool" pack --config defaults --version 1 -o /dev/full
ok 'pack: a version with spaces is refused' says 1 "version '1 2', wanted 1 to 31 letters" \
	"$tool" pack --config defaults --version '1 2' -o "$dir/c.fw"
ok 'pack: one API instead of a range is refused' says 2 '--api wants A.B-C.D, not 1.0' \
	pack --api 1.0
ok 'npu-fw: no command shows the usage' says 2 'usage: npu-fw pack' "$tool"
ok 'npu-fw: --help succeeds' says 0 'usage: npu-fw pack' "$tool" --help
ok 'npu-fw: an unknown command is refused' says 2 'unknown command frob' "$tool" frob
ok 'npu-fw: a number that is none is refused' says 2 'not 1x' "$tool" verify "$image" --security 1x
ok 'npu-fw: a state that is none is refused' says 2 'not debug' \
	"$tool" verify "$image" --state debug
echo "1..$n"
exit $failed

#!/bin/sh
# SPDX-License-Identifier: MIT
# npu-fw's commands on a flash as their users meet them; flash_boot is the device.
# usage: test_flash_tool.sh NPU-FW FLASH-BOOT MAKE-ELF KEY CONFIG; TAP on stdout.
set -u
tool=$1
device=$2
key=$4
config=$5
dir=$(mktemp -d)
loop=
trap '[ -z "$loop" ] || losetup -d "$loop"; rm -rf "$dir"' EXIT
n=0
failed=0
flash=$dir/flash

# report NAME GOOD
report() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n $1"
	else
		echo "not ok $n $1"
		sed 's/^/# /' "$dir/said"
		failed=1
	fi
}

# says NAME STATUS TEXT COMMAND...: exits so, and prints exactly this
says() {
	name=$1
	status=$2
	printf '%s\n' "$3" >"$dir/wanted"
	shift 3
	"$@" >"$dir/said" 2>&1 </dev/null
	[ $? = "$status" ] && cmp -s "$dir/said" "$dir/wanted"
	report "npu-fw: $name" $?
}

# boots NAME VERSION [HOW]: the device boots this version
boots() {
	"$device" "$flash" "${3-}" >"$dir/said" 2>&1 </dev/null && [ "$(cat "$dir/said")" = "$2" ]
	report "npu-fw: $1" $?
}

# has NAME LINE...: status has these lines, and succeeds
has() {
	name=$1
	shift
	"$tool" status "$flash" >"$dir/said" 2>&1
	good=$?
	for line; do
		grep -qxF -- "$line" "$dir/said" || good=1
	done
	report "npu-fw: $name" $good
}

# pack VERSION SECURITY [OPTION...]
pack() {
	version=$1
	security=$2
	shift 2
	"$tool" pack --elf "$dir/elf" --config "$config" --key "$key" --version "$version" \
		--security "$security" "$@" -o "$dir/$version"
}

init() {
	rm -f "$flash"
	"$tool" flash-init --golden "$dir/g" -o "$flash" --slot-size 65536 >"$dir/said" 2>&1
}

"$3" >"$dir/elf"
# the same with more than a sector of data
python3 - "$dir/elf" >"$dir/large.elf" <<'END'
import struct, sys
elf = bytearray(open(sys.argv[1], "rb").read())
segment = struct.unpack_from("<I", elf, 28)[0] + 32
struct.pack_into("<I", elf, segment + 4, len(elf))
struct.pack_into("<I", elf, segment + 16, 4097)
sys.stdout.buffer.write(elf + bytes(4097))
END
pack g 1
pack v1 1
pack v2 1
pack v3 1
pack secure 5
pack v6 6
pack large 1 --elf "$dir/large.elf"
"$tool" pack --elf "$dir/elf" --config "$config" --version unsigned -o "$dir/unsigned"
head -c 5000 /dev/zero | tr '\0' x >"$dir/junk"

# flash-init
says 'flash-init makes a flash' 0 \
	"$flash: golden image g, security version 1; slots of 65536 bytes, security counter 0" \
	"$tool" flash-init --golden "$dir/g" -o "$flash" --slot-size 65536
[ "$(wc -c <"$flash")" = 208896 ]
report 'npu-fw: the file is three sectors and three images' $?
says 'flash-init leaves what is there' 1 \
	"npu-fw: $flash: it is not empty; --force makes it anew, what is in it is lost" \
	"$tool" flash-init --golden "$dir/g" -o "$flash"
says 'flash-init makes slots of 4 MiB if not told otherwise' 0 \
	"$dir/big: golden image g, security version 1; slots of 4194304 bytes, security counter 0" \
	"$tool" flash-init --golden "$dir/g" -o "$dir/big"
[ "$(wc -c <"$dir/big")" = 12595200 ]
report 'npu-fw: that is a file of 12595200 bytes' $?
says 'flash-init sets the counter' 0 \
	"$dir/big: golden image secure, security version 5; slots of 8192 bytes, security counter 4" \
	"$tool" flash-init --golden "$dir/secure" -o "$dir/big" --slot-size 8192 --security 4 --force
[ "$(wc -c <"$dir/big")" = 36864 ]
report 'npu-fw: a flash made anew has its own size' $?
says 'flash-init keeps the counter of what it replaces' 0 \
	"$dir/big: golden image v6, security version 6; slots of 8192 bytes, security counter 4" \
	"$tool" flash-init --golden "$dir/v6" -o "$dir/big" --slot-size 8192 --force
says 'flash-init does not lower the counter' 1 \
	"npu-fw: $dir/big: its security counter is 4 and never decreases, --security 3 is below it; leave --security away to keep it" \
	"$tool" flash-init --golden "$dir/v6" -o "$dir/big" --slot-size 8192 --security 3 --force
says 'flash-init wants a golden image that boots' 1 \
	"npu-fw: $dir/g: $("$tool" verify --security 4 "$dir/g" 2>&1 | sed 's/^[^:]*: [^:]*: //')" \
	"$tool" flash-init --golden "$dir/g" -o "$dir/big" --slot-size 8192 --force
says 'a golden image larger than the slots' 1 \
	"npu-fw: $dir/large: it has $(wc -c <"$dir/large") bytes, the slots 4096; raise --slot-size" \
	"$tool" flash-init --golden "$dir/large" -o "$dir/new" --slot-size 4096
says 'flash-init needs its two files' 2 \
	'npu-fw: a new flash needs --golden and -o; see npu-fw --help' \
	"$tool" flash-init --golden "$dir/g"
says 'flash-init takes nothing else' 2 \
	'npu-fw: flash-init takes no file but --golden FILE and -o FLASH, not x; see npu-fw --help' \
	"$tool" flash-init --golden "$dir/g" -o "$dir/new" x
for size in 0 4095 4198400 x; do
	says "--slot-size $size" 2 \
		"npu-fw: --slot-size wants a multiple of 4096 up to 4194304, not $size; see npu-fw --help" \
		"$tool" flash-init --golden "$dir/g" -o "$dir/new" --slot-size $size
done
says '--security that is no number' 2 \
	'npu-fw: --security wants a number below 2^32, not -1; see npu-fw --help' \
	"$tool" flash-init --golden "$dir/g" -o "$dir/new" --security -1
says '--state that is none' 2 \
	'npu-fw: --state wants development or production, not x; see npu-fw --help' \
	"$tool" flash-init --golden "$dir/g" -o "$dir/new" --state x
says 'a golden image that is not there' 1 "npu-fw: $dir/none: No such file or directory" \
	"$tool" flash-init --golden "$dir/none" -o "$dir/new"
says 'a flash where nothing can be made' 1 "npu-fw: $dir/no/x: No such file or directory" \
	"$tool" flash-init --golden "$dir/g" -o "$dir/no/x"
says 'a flash that is no file' 1 \
	'npu-fw: /dev/null: it is neither a file nor a block device; name another one' \
	"$tool" status /dev/null

# an update, and its status
boots 'a new flash boots golden' g
has 'status of a new flash' "file              $flash" 'slots             65536 bytes' \
	'security counter  1' 'slot A            empty' 'slot B            empty' \
	'golden            read-only; version g, security version 1' 'next boot         golden'
says 'stage' 0 "$flash: slot A: version v1, security version 1; the next boot tries it" \
	"$tool" stage "$flash" "$dir/v1"
has 'status of a staged update' \
	'slot A            staged, 0 of 3 attempts used; version v1, security version 1' \
	'next boot         slot A, attempt 1 of 3'
boots 'the device tries it' v1 sick
has 'status after an attempt' \
	'slot A            staged, 1 of 3 attempts used; version v1, security version 1' \
	'next boot         slot A, attempt 2 of 3'
boots 'the device confirms it' v1
has 'status of a confirmed update' \
	'slot A            confirmed, active; version v1, security version 1' \
	'next boot         slot A'
says 'the active image is not staged again' 0 \
	"$flash: slot A holds this image and is active; nothing to do" "$tool" stage "$flash" "$dir/v1"
says 'the next update goes into the other slot' 0 \
	"$flash: slot B: version v2, security version 1; the next boot tries it" \
	"$tool" stage "$flash" "$dir/v2"
says 'staging the active image takes an update back' 0 \
	"$flash: slot A holds this image and is active; the update in slot B is withdrawn" \
	"$tool" stage "$flash" "$dir/v1"
boots 'then that one boots' v1

# roll back
says 'nothing to roll back to' 1 \
	"npu-fw: $flash: there is nothing to go back to: no second slot was ever healthy; stage the image that you want" \
	"$tool" rollback "$flash"
"$tool" stage "$flash" "$dir/v2" >/dev/null
boots 'a second update' v2
says 'rollback' 0 "$flash: slot A is active; the next boot runs it" "$tool" rollback "$flash"
boots 'after the rollback' v1
has 'status after a rollback' \
	'slot A            confirmed, active; version v1, security version 1' \
	'slot B            confirmed; version v2, security version 1'

# attempts used up
"$tool" stage "$flash" "$dir/v3" >/dev/null
for i in 1 2 3; do
	boots "attempt $i" v3 sick
done
boots 'after three attempts the old one boots' v1
has 'status of an update given up' 'slot B            bad; version v3, security version 1' \
	'next boot         slot A'
"$tool" status --json "$flash" >"$dir/said" 2>&1
python3 - "$dir/said" <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
a, b, g = d["slot_a"], d["slot_b"], d["golden"]
assert d["slot_bytes"] == 65536 and d["security_counter"] == 1 and d["in_use"] is False
assert d["next"] == "slot_a" and d["attempt"] == 0 and d["sequence"] > 2
assert a["state"] == "confirmed" and a["active"] and a["version"] == "v1"
assert b["state"] == "bad" and not b["active"] and b["attempts"] == 3 and b["version"] == "v3"
assert g["state"] == "golden" and g["verdict"] == "ok" and g["security_version"] == 1
assert len(a["sha256"]) == 64 and a["image_size"] > 256
END
report 'npu-fw: status --json holds the same' $?

# an update that outdates the golden image
says 'an update that outdates golden is asked for' 1 \
	"npu-fw: $dir/secure: once it is healthy the golden image boots no more: security version 5, the golden image's is 1; --yes-outdate-golden stages it" \
	"$tool" stage "$flash" "$dir/secure"
boots 'nothing was staged' v1
"$tool" stage --yes-outdate-golden "$flash" "$dir/secure" >"$dir/out" 2>"$dir/said"
[ "$(cat "$dir/out")" = "$flash: slot B: version secure, security version 5; the next boot tries it" ] &&
	[ "$(cat "$dir/said")" = "npu-fw: $dir/secure: once it is healthy the golden image boots no more: security version 5, the golden image's is 1; staged as asked for" ]
report 'npu-fw: asked for, it is staged with a warning' $?
boots 'and boots' secure
old="$("$tool" verify --security 5 "$dir/v1" 2>&1 | sed 's/^[^:]*: [^:]*: //')"
says 'an image below the counter is refused as the device does' 1 "npu-fw: $dir/v1: $old" \
	"$tool" stage "$flash" "$dir/v1"
says 'no rollback below the counter' 1 \
	"npu-fw: $flash: slot A has security version 1, the device wants 5 or above; stage a newer image" \
	"$tool" rollback "$flash"
has 'status of images below the counter' 'security counter  5' "slot A            confirmed; $old" \
	"golden            read-only; $old" 'next boot         slot B'
says 'golden is outdated: the next update does not ask' 0 \
	"$flash: slot A: version v6, security version 6; the next boot tries it" \
	"$tool" stage "$flash" "$dir/v6"
boots 'it boots' v6

# what stage refuses
says 'stage refuses an unsigned image' 1 \
	"npu-fw: $dir/unsigned: $("$tool" verify "$dir/unsigned" 2>&1 | sed 's/^[^:]*: [^:]*: //')" \
	"$tool" stage "$flash" "$dir/unsigned"
says 'stage --state production refuses the development key' 1 \
	"npu-fw: $dir/v6: $("$tool" verify --state production "$dir/v6" 2>&1 | sed 's/^[^:]*: [^:]*: //')" \
	"$tool" stage --state production "$flash" "$dir/v6"
says 'stage refuses what is no image' 1 \
	"npu-fw: $dir/junk: $("$tool" verify "$dir/junk" 2>&1 | sed 's/^[^:]*: [^:]*: //')" \
	"$tool" stage "$flash" "$dir/junk"
says 'stage wants two files' 2 \
	'npu-fw: stage wants a flash and an image: npu-fw stage FLASH IMAGE; see npu-fw --help' \
	"$tool" stage "$flash"
says 'stage with an image that is not there' 1 "npu-fw: $dir/none: No such file or directory" \
	"$tool" stage "$flash" "$dir/none"
says 'stage with a flash that is not there' 1 "npu-fw: $dir/none: No such file or directory" \
	"$tool" stage "$dir/none" "$dir/v1"

# a running device
init
"$tool" stage "$flash" "$dir/v1" >/dev/null
mkfifo "$dir/stop"
"$device" "$flash" hold <"$dir/stop" >"$dir/held" &
exec 3>"$dir/stop"
while [ ! -s "$dir/held" ]; do sleep 0.1; done
busy="npu-fw: $flash: it is in use by a running device or another npu-fw; wait for it or stop it"
says 'stage beside a running device' 1 "$busy" "$tool" stage "$flash" "$dir/v2"
says 'rollback beside a running device' 1 "$busy" "$tool" rollback "$flash"
says 'flash-init beside a running device' 1 "$busy" \
	"$tool" flash-init --golden "$dir/g" -o "$flash" --force
has 'status beside a running device' "file              $flash (in use)" \
	'slot A            confirmed, active; version v1, security version 1'
exec 3>&-
wait
"$tool" stage "$flash" "$dir/v2" >"$dir/said" 2>&1
report 'npu-fw: stage when the device has ended' $?
boots 'and it boots' v2

# damage
poke() {
	printf 'damaged' | dd of="$flash" bs=1 seek="$1" conv=notrunc 2>/dev/null
}
poke $((12288 + 2 * 65536 + 300))
says 'status of a flash that is not there' 1 \
	"npu-fw: $dir/x: No such file or directory" "$tool" status "$dir/x"
has 'status of an altered slot' 'slot B            confirmed, active; it cannot be read or was altered' \
	'next boot         slot A'
boots 'the other slot boots' v1
says 'rollback to an altered image' 1 \
	"npu-fw: $flash: the image in slot B was altered; stage it again" "$tool" rollback "$flash"
poke $((12288 + 65536 + 300))
boots 'both slots altered: golden boots' g
poke $((12288 + 300))
"$tool" status "$flash" >"$dir/said" 2>&1
[ $? = 1 ] && grep -qxF 'next boot         nothing boots' "$dir/said" && grep -qxF \
	"npu-fw: $flash: nothing in it boots: slot A has error 6, slot B 6, golden 6; stage an image that is good" \
	"$dir/said"
report 'npu-fw: golden altered, too: nothing boots' $?
"$tool" stage "$flash" "$dir/v3" >/dev/null
boots 'staging an image mends that' v3
poke 4100
boots 'one damaged state: the other one counts' v3
poke 4100
poke 8200
remake='make it anew with npu-fw flash-init --force --security N'
damaged="npu-fw: $flash: both of its state sectors are damaged, which no power cut does; $remake"
says 'both damaged: status' 1 "$damaged" "$tool" status "$flash"
says 'both damaged: stage' 1 "$damaged" "$tool" stage "$flash" "$dir/v1"
says 'both damaged: rollback' 1 "$damaged" "$tool" rollback "$flash"
says 'both damaged: a counter is wanted' 1 \
	"npu-fw: $flash: it is a damaged flash whose security counter is not known; give it with --security N" \
	"$tool" flash-init --golden "$dir/g" -o "$flash" --slot-size 65536 --force
says 'both damaged: the way out' 0 \
	"$flash: golden image g, security version 1; slots of 65536 bytes, security counter 1" \
	"$tool" flash-init --golden "$dir/g" -o "$flash" --slot-size 65536 --force --security 1
boots 'it boots again' g
truncate -s 200000 "$flash"
says 'a truncated flash' 1 \
	"npu-fw: $flash: it is cut off: it has 200000 bytes, its header wants 208896; $remake" \
	"$tool" status "$flash"
says 'no flash' 1 \
	"npu-fw: $dir/junk: it is no NPU flash: it has 5000 bytes, wanted at least 24576; make one with npu-fw flash-init" \
	"$tool" status "$dir/junk"

# a block device
truncate -s 98304 "$dir/disk"
if loop=$(losetup -f --show "$dir/disk" 2>/dev/null); then
	says 'a block device that is too small' 1 \
		"npu-fw: $loop: it has 98304 bytes, wanted 208896; lower --slot-size" \
		"$tool" flash-init --golden "$dir/g" -o "$loop" --slot-size 65536 --force
	says 'a flash on a block device' 0 \
		"$loop: golden image g, security version 1; slots of 16384 bytes, security counter 0" \
		"$tool" flash-init --golden "$dir/g" -o "$loop" --slot-size 16384 --force
	says 'stage on a block device' 0 \
		"$loop: slot A: version v1, security version 1; the next boot tries it" \
		"$tool" stage "$loop" "$dir/v1"
	flash=$loop
	boots 'the device boots from it' v1
else
	loop=
	n=$((n + 1))
	echo "ok $n npu-fw: a flash on a block device # SKIP there is no loop device"
fi
echo "1..$n"
exit $failed

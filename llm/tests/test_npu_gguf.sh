#!/bin/sh
# SPDX-License-Identifier: MIT
# npu-gguf as a user meets it. Arguments: the program, the directory of bundled models.
set -u

tool=$1
models=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
failed=0

# promise TEXT: reports the status of the command before it
promise() {
	status=$?
	n=$((n + 1))
	if [ $status -eq 0 ]; then
		echo "ok $n $1"
	else
		echo "not ok $n $1"
		failed=1
	fi
}

json() { python3 -c "import json, sys; d = json.load(sys.stdin); sys.exit(not ($1))"; }

"$tool" --help | grep -q "^usage: npu-gguf show"
promise "npu-gguf: --help prints the usage"
"$tool" show >/dev/null 2>&1
test $? -eq 2
promise "npu-gguf: wrong usage exits with 2"
"$tool" show "$models/stories260K.gguf" | grep -q "token_embd.weight  *F32 *\[64, 512\] 131072 bytes"
promise "npu-gguf: show lists tensors with type, shape and size"
"$tool" show --json "$models/TinyStories-656K-Q8_0.gguf" |
	json "len(d['tensors']) == 20 and d['version'] == 3 and d['metadata'][0]['value'] == 'llama'"
promise "npu-gguf: show --json is one JSON object"
"$tool" show --json --all "$models/stories260K.gguf" |
	json "len(d['metadata'][0]['elements']) == d['metadata'][0]['count'] == 512"
promise "npu-gguf: show --all gives arrays in full"
"$tool" tokens --special --json "$models/stories260K.gguf" "Once upon a time" |
	json "d['ids'] == [1, 403, 407, 261, 378] and ''.join(d['pieces'][1:]) == ' Once upon a time'"
promise "npu-gguf: tokens --json gives ids and pieces"
test "$(printf 'Once upon a time' | "$tool" tokens "$models/stories260K.gguf" - | wc -l)" -eq 4
promise "npu-gguf: tokens - reads stdin, one token a line"
test "$("$tool" text "$models/stories260K.gguf" 1 403 407 261 378)" = "Once upon a time"
promise "npu-gguf: text gives the text of ids"
"$tool" text "$models/stories260K.gguf" 512 2>"$dir/err"
test $? -eq 1 && grep -q "npu-gguf: id 512: wanted 0..511" "$dir/err"
promise "npu-gguf: an id past the vocabulary is named, exit 1"
"$tool" tokens "$models/TinyStories-656K-Q8_0.gguf" "a (b)" 2>"$dir/err"
test $? -eq 1 && grep -q "no token for '('" "$dir/err"
promise "npu-gguf: a text that cannot be expressed is refused, exit 1"
head -c 20000 "$models/TinyStories-656K-Q8_0.gguf" >"$dir/cut.gguf"
"$tool" show "$dir/cut.gguf" >/dev/null 2>"$dir/err"
test $? -eq 1 && grep -q "npu-gguf: $dir/cut.gguf: key .*ends too early" "$dir/err"
promise "npu-gguf: a cut file is named with the place where it ends, exit 1"

echo "1..$n"
exit $failed

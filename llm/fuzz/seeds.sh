#!/bin/sh
# SPDX-License-Identifier: MIT
# Starting points for the fuzzers. Arguments: where they go, the directory of bundled models.
set -eu

out=$1
models=$2
mkdir -p "$out/corpus-fuzz_gguf" "$out/seeds-fuzz_gguf" \
	"$out/corpus-fuzz_tokenizer" "$out/seeds-fuzz_tokenizer"
# The reader looks at what stands before the tensor data; that fits the length limit.
for m in stories260K TinyStories-656K-Q8_0; do
	head -c 60000 "$models/$m.gguf" >"$out/seeds-fuzz_gguf/$m"
done
"$out/make_seeds" "$out/seeds-fuzz_gguf"
printf 'Once upon a time, there was\n\n  a 123 l\303\251on <s></s><|start_story|>' \
	>"$out/seeds-fuzz_tokenizer/story"
printf "I'LL hello hello \342\226\201\t\r\n\343\200\200\344\270\255\346\226\207 3.14 \377\376" \
	>"$out/seeds-fuzz_tokenizer/mixed"

// SPDX-License-Identifier: MIT
/* Small well-formed GGUF files for fuzz_gguf to start from. Argument: the directory. */
#include <stdio.h>

#include "../tests/gguf_builder.h"
#include "gguf.h"

static int save(const char *dir, const char *name, struct builder *b)
{
	char path[512];
	FILE *f;
	int ok;

	builder_finish(b);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	ok = f && fwrite(b->p, 1, b->n, f) == b->n;
	if (!f || fclose(f) || !ok) {
		perror(path);
		return 1;
	}
	builder_free(b);
	return 0;
}

static void build_spm(struct builder *b)
{
	static const char *const tokens[] = { "<unk>", "<s>", "</s>", "<0x0A>", "a", "b", "ab" };
	uint32_t i;

	builder_start(b);
	builder_key_str(b, "tokenizer.ggml.model", "llama");
	builder_key_array(b, "tokenizer.ggml.tokens", GGUF_V_STR, 7);
	for (i = 0; i < 7; i++)
		builder_str(b, tokens[i]);
	builder_key_array(b, "tokenizer.ggml.scores", GGUF_V_F32, 7);
	for (i = 0; i < 7; i++)
		builder_f32(b, -(float)i);
	builder_key_array(b, "tokenizer.ggml.token_type", GGUF_V_I32, 7);
	for (i = 0; i < 7; i++)
		builder_u32(b, i == 3 ? 6 : i < 3 ? 3 : 1);
}

static void build_tensors(struct builder *b)
{
	static const uint64_t dims[] = { 32, 2 };

	builder_start(b);
	builder_key_u32(b, "general.alignment", 64);
	builder_key_bool(b, "flag", 1);
	builder_key_array(b, "numbers", GGUF_V_I16, 2);
	builder_u16(b, 1);
	builder_u16(b, 2);
	builder_tensor(b, "f", 2, dims, GGUF_T_F32, 0);
	builder_tensor(b, "q", 2, dims, GGUF_T_Q8_0, 256);
	builder_data(b, 64, 256 + 68);
}

int main(int argc, char **argv)
{
	struct builder b;
	int ret;

	if (argc != 2)
		return 2;
	build_spm(&b);
	ret = save(argv[1], "spm", &b);
	build_tensors(&b);
	ret |= save(argv[1], "tensors", &b);
	builder_bpe(&b, "gpt-2");
	ret |= save(argv[1], "bpe", &b);
	return ret;
}

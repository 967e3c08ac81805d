// SPDX-License-Identifier: MIT
/* What llm_model_read() takes and refuses, with the words that a person needs. */
#include <errno.h>
#include <string.h>

#include "gguf_builder.h"
#include "model.h"
#include "tap.h"

enum { DIM = 64, FF = 96, HEADS = 4, KV_HEADS = 2, HEAD = 16, VOCAB = 48 };

/* One departure from the plain model; zero fields change nothing. */
struct change {
	const char *key;	/* integer key to set */
	uint32_t value;
	const char *float_key;
	float float_value;
	const char *str_key;
	const char *str;
	const char *drop_key;
	const char *drop_tensor;
	const char *tensor;	/* its type or dims become others */
	uint32_t type;		/* 0: F32 */
	uint64_t dims[2];	/* zero: as it was */
	const char *extra;	/* a tensor more, F32 [DIM] */
};

static void put_u32(struct builder *b, const struct change *c, const char *key, uint32_t v)
{
	if (c->drop_key && !strcmp(c->drop_key, key))
		return;
	builder_key_u32(b, key, c->key && !strcmp(c->key, key) ? c->value : v);
}

static void put_tensor(struct builder *b, const struct change *c, const char *name, uint64_t cols,
		       uint64_t rows, uint64_t *offset)
{
	uint64_t dims[2] = { cols, rows }, elements;
	bool changed = c->tensor && !strcmp(c->tensor, name);
	uint32_t type = changed ? c->type : GGUF_T_F32, per = 1, bytes = 4;

	if (c->drop_tensor && !strcmp(c->drop_tensor, name))
		return;
	for (int i = 0; changed && i < 2; i++)
		dims[i] = c->dims[i] ? c->dims[i] : dims[i];
	gguf_ttype_block(type, &per, &bytes);
	builder_tensor(b, name, dims[1] ? 2 : 1, dims, type, *offset);
	elements = dims[0] * (dims[1] ? dims[1] : 1);
	*offset += (elements / per * bytes + 31) / 32 * 32;
}

static void build(struct builder *b, const struct change *c)
{
	static const struct {
		const char *key;
		uint32_t v;
	} keys[] = {
		{ "llama.block_count", 1 }, { "llama.embedding_length", DIM },
		{ "llama.feed_forward_length", FF }, { "llama.attention.head_count", HEADS },
		{ "llama.attention.head_count_kv", KV_HEADS }, { "llama.context_length", 128 },
	};
	static const struct {
		const char *name;
		uint64_t cols, rows;
	} tensors[] = {
		{ "token_embd.weight", DIM, VOCAB }, { "output_norm.weight", DIM, 0 },
		{ "blk.0.attn_norm.weight", DIM, 0 }, { "blk.0.attn_q.weight", DIM, DIM },
		{ "blk.0.attn_k.weight", DIM, KV_HEADS * HEAD },
		{ "blk.0.attn_v.weight", DIM, KV_HEADS * HEAD },
		{ "blk.0.attn_output.weight", DIM, DIM }, { "blk.0.ffn_norm.weight", DIM, 0 },
		{ "blk.0.ffn_gate.weight", DIM, FF }, { "blk.0.ffn_up.weight", DIM, FF },
		{ "blk.0.ffn_down.weight", FF, DIM },
	};
	const size_t n_keys = sizeof(keys) / sizeof(keys[0]);
	bool known = false;
	uint64_t offset = 0;

	builder_start(b);
	if (!c->str_key || strcmp(c->str_key, "general.architecture"))
		builder_key_str(b, "general.architecture", "llama");
	for (size_t i = 0; i < n_keys; i++) {
		put_u32(b, c, keys[i].key, keys[i].v);
		known |= c->key && !strcmp(c->key, keys[i].key);
	}
	if (c->key && !known)
		builder_key_u32(b, c->key, c->value);
	if (c->float_key) {
		builder_key(b, c->float_key, GGUF_V_F32);
		builder_f32(b, c->float_value);
	}
	if (c->str_key)
		builder_key_str(b, c->str_key, c->str);
	for (size_t i = 0; i < sizeof(tensors) / sizeof(tensors[0]); i++)
		put_tensor(b, c, tensors[i].name, tensors[i].cols, tensors[i].rows, &offset);
	if (c->extra)
		put_tensor(b, &(struct change){ .key = NULL }, c->extra, DIM, 0, &offset);
	builder_data(b, 32, offset);
	builder_finish(b);
}

/* Reads the changed model: -errno or 0, the text in @err. */
static int read_model(const struct change *c, struct llm_config *config, struct llm_err *err)
{
	struct builder b;
	struct gguf *file;
	struct llm_model m;
	int ret;

	err->text[0] = 0;
	build(&b, c);
	ret = gguf_open_memory(b.p, b.n, "m.gguf", &file, err);
	if (!ret) {
		ret = llm_model_read(file, &m, err);
		if (!ret) {
			if (config)
				*config = m.config;
			llm_model_free(&m);
		}
		gguf_close(file);
	}
	builder_free(&b);
	return ret;
}

static void refused(const char *what, int ret, const char *words, struct change c)
{
	struct llm_err err;
	int got = read_model(&c, NULL, &err);

	if (!tap_ok(got == ret && strstr(err.text, words) && !strncmp(err.text, "m.gguf: ", 8),
		    "model: %s is refused, naming it", what))
		tap_diag("%d, \"%s\"", got, err.text);
}

static void taken(const char *what, struct change c)
{
	struct llm_err err;

	if (!tap_ok(!read_model(&c, NULL, &err), "model: %s is taken", what))
		tap_diag("%s", err.text);
}

int main(void)
{
	struct llm_config c;
	struct llm_err err;

	tap_ok(!read_model(&(struct change){ .key = NULL }, &c, &err) && c.n_layer == 1 &&
	       c.n_embd == DIM && c.n_ff == FF && c.n_head == HEADS && c.n_head_kv == KV_HEADS &&
	       c.head_dim == HEAD && c.n_rot == HEAD && c.n_vocab == VOCAB && c.n_ctx_train == 128,
	       "model: a plain Llama with a tied head is read");
	taken("an embedding in Q8_0",
	      (struct change){ .tensor = "token_embd.weight", .type = GGUF_T_Q8_0 });
	taken("a matrix in F16",
	      (struct change){ .tensor = "blk.0.attn_q.weight", .type = GGUF_T_F16 });
	taken("a matrix in Q4_0",
	      (struct change){ .tensor = "blk.0.ffn_up.weight", .type = GGUF_T_Q4_0 });
	taken("linear scaling",
	      (struct change){ .str_key = "llama.rope.scaling.type", .str = "linear",
			       .float_key = "llama.rope.scaling.factor", .float_value = 4 });

	refused("another architecture", -ENOTSUP, "\"gemma\" is not supported",
		(struct change){ .str_key = "general.architecture", .str = "gemma" });
	refused("a missing key", -ENOENT, "llama.block_count",
		(struct change){ .drop_key = "llama.block_count" });
	refused("zero layers", -EINVAL, "llama.block_count is 0, must be 1..512",
		(struct change){ .key = "llama.block_count", .value = 0 });
	refused("one layer more than the limit", -EINVAL, "is 513, must be 1..512",
		(struct change){ .key = "llama.block_count", .value = 513 });
	refused("a missing layer", -ENOENT, "tensor blk.1.attn_norm.weight is missing",
		(struct change){ .key = "llama.block_count", .value = 2 });
	refused("heads that do not divide the embedding", -EINVAL, "is not a multiple",
		(struct change){ .key = "llama.attention.head_count", .value = 5 });
	refused("KV heads that do not divide the heads", -EINVAL, "head_count_kv 3",
		(struct change){ .key = "llama.attention.head_count_kv", .value = 3 });
	refused("an odd head", -EINVAL, "heads of 15 elements",
		(struct change){ .key = "llama.attention.key_length", .value = 15 });
	refused("values of another length than keys", -ENOTSUP, "value_length 8",
		(struct change){ .key = "llama.attention.value_length", .value = 8 });
	refused("more rotated elements than the head has", -EINVAL, "dimension_count 18",
		(struct change){ .key = "llama.rope.dimension_count", .value = 18 });
	refused("a vocabulary size that contradicts the embedding", -EINVAL, "llama.vocab_size is 49",
		(struct change){ .key = "llama.vocab_size", .value = 49 });
	refused("experts", -ENOTSUP, "llama.expert_count is 8",
		(struct change){ .key = "llama.expert_count", .value = 8 });
	refused("a rope scaling it does not know", -ENOTSUP, "\"yarn\" is not supported",
		(struct change){ .str_key = "llama.rope.scaling.type", .str = "yarn" });
	refused("an epsilon of zero", -EINVAL, "layer_norm_rms_epsilon is 0",
		(struct change){ .float_key = "llama.attention.layer_norm_rms_epsilon" });
	refused("a missing tensor", -ENOENT, "tensor blk.0.ffn_down.weight is missing",
		(struct change){ .drop_tensor = "blk.0.ffn_down.weight" });
	refused("a tensor type it cannot run", -ENOTSUP,
		"tensor blk.0.attn_k.weight: type Q4_1 is not supported (supported: F32 F16 Q8_0 Q4_0)",
		(struct change){ .tensor = "blk.0.attn_k.weight", .type = GGUF_T_Q4_1 });
	refused("a norm that is not F32", -ENOTSUP, "blk.0.ffn_norm.weight: type F16",
		(struct change){ .tensor = "blk.0.ffn_norm.weight", .type = GGUF_T_F16 });
	refused("a tensor of another shape", -EINVAL, "tensor blk.0.ffn_up.weight has shape 64 x 95",
		(struct change){ .tensor = "blk.0.ffn_up.weight", .dims = { 0, FF - 1 } });
	refused("a tensor that nobody reads", -ENOTSUP, "tensor blk.0.attn_q.bias is not part",
		(struct change){ .extra = "blk.0.attn_q.bias" });
	return tap_done();
}

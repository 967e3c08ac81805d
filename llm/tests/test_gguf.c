// SPDX-License-Identifier: MIT
/* What the GGUF reader gives and what it refuses. Argument: the directory of bundled models. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gguf.h"
#include "gguf_builder.h"
#include "tap.h"

/* Opens what was built; on error the text is in *@err. */
static int open_built(struct builder *b, struct gguf **g, struct llm_err *err)
{
	builder_finish(b);
	err->text[0] = '\0';
	return gguf_open_memory(b->p, b->n, "built.gguf", g, err);
}

/* The file must be refused with @want and a text that has @word in it. */
static void refuse(struct builder *b, int want, const char *word, const char *promise)
{
	struct llm_err err;
	struct gguf *g;
	int ret = open_built(b, &g, &err);

	if (!ret)
		gguf_close(g);
	if (!tap_ok(ret == want && strstr(err.text, word) && strstr(err.text, "built.gguf: "),
		    "gguf: %s is refused", promise))
		tap_diag("got %d \"%s\", wanted %d and \"%s\"", ret, err.text, want, word);
	builder_free(b);
}

static void accept(struct builder *b, const char *promise)
{
	struct llm_err err;
	struct gguf *g;
	int ret = open_built(b, &g, &err);

	if (!ret)
		gguf_close(g);
	if (!tap_ok(!ret, "gguf: %s", promise))
		tap_diag("got %d \"%s\"", ret, err.text);
	builder_free(b);
}

static void build_values(struct builder *b)
{
	builder_start(b);
	builder_key(b, "u8", GGUF_V_U8);
	builder_u8(b, 200);
	builder_key(b, "i8", GGUF_V_I8);
	builder_u8(b, (uint8_t)-3);
	builder_key(b, "i16", GGUF_V_I16);
	builder_u16(b, 300);
	builder_key(b, "u64", GGUF_V_U64);
	builder_u64(b, 1ull << 33);
	builder_key(b, "f32", GGUF_V_F32);
	builder_f32(b, 0.5f);
	builder_key(b, "f64", GGUF_V_F64);
	builder_f64(b, 1e300);
	builder_key_bool(b, "bool", 1);
	builder_key_str(b, "str", "text");
	builder_key_array(b, "ints", GGUF_V_I16, 3);
	builder_u16(b, 1);
	builder_u16(b, (uint16_t)-2);
	builder_u16(b, 3);
	builder_key_array(b, "strs", GGUF_V_STR, 2);
	builder_str(b, "one");
	builder_str(b, "");
}

static void test_numbers(const struct gguf *g)
{
	struct llm_err err;
	uint64_t u64 = 0;
	uint32_t u32 = 7;
	double f64 = 0;
	float f32 = 0;
	bool flag = false;

	tap_ok(!gguf_get_u64(g, "u8", &u64, &err) && u64 == 200 &&
	       !gguf_get_u32(g, "i16", &u32, &err) && u32 == 300,
	       "values: integers are read at any width");
	u32 = 7;
	tap_ok(gguf_get_u32(g, "u64", &u32, &err) == -ERANGE && u32 == 7 &&
	       strstr(err.text, "built.gguf: key u64: 8589934592, wanted at most 4294967295"),
	       "values: an integer that does not fit is named, with the limit");
	tap_ok(gguf_get_u64(g, "i8", &u64, &err) == -ERANGE && strstr(err.text, "-3"),
	       "values: a negative integer is refused where none can be");
	tap_ok(!gguf_get_f32(g, "f32", &f32, &err) && f32 == 0.5f &&
	       !gguf_get_f64(g, "u8", &f64, &err) && f64 == 200,
	       "values: floats are read from floats and integers");
	tap_ok(gguf_get_f32(g, "f64", &f32, &err) == -ERANGE && f32 == 0.5f,
	       "values: a double beyond float's range is refused");
	tap_ok(!gguf_get_bool(g, "bool", &flag, &err) && flag &&
	       gguf_get_bool(g, "u8", &flag, &err) == -EINVAL, "values: bool is bool only");
	tap_ok(gguf_get_u32(g, "str", &u32, &err) == -EINVAL &&
	       strstr(err.text, "key str: type str, wanted an integer"),
	       "values: a wrong type is named, with the wanted one");
	tap_ok(gguf_get_u32(g, "none", &u32, &err) == -ENOENT &&
	       strstr(err.text, "key none is missing"), "values: a missing key is named");
}

static void test_strings_and_arrays(const struct gguf *g)
{
	struct gguf_array a;
	struct gguf_str s;
	const uint8_t *pos;
	int64_t i64 = 0;
	uint64_t u64 = 0;

	tap_ok(!gguf_get_str(g, "str", &s, NULL) && s.len == 4 && !memcmp(s.p, "text", 4),
	       "values: strings");
	tap_ok(!gguf_get_array(g, "ints", &a, NULL) && a.n == 3 && !gguf_array_i64(&a, 1, &i64) &&
	       i64 == -2 && gguf_array_u64(&a, 1, &u64) == -ERANGE &&
	       gguf_array_i64(&a, 3, &i64) == -ERANGE,
	       "values: array elements convert, and end where the array ends");
	gguf_get_array(g, "strs", &a, NULL);
	pos = a.data;
	tap_ok(gguf_array_next_str(&a, &pos, &s) && s.len == 3 && !memcmp(s.p, "one", 3) &&
	       gguf_array_next_str(&a, &pos, &s) && s.len == 0 &&
	       !gguf_array_next_str(&a, &pos, &s), "values: an array of strings is walked");
	tap_ok(gguf_array_u64(&a, 0, &u64) == -EINVAL, "values: strings are no numbers");
}

static void test_values(void)
{
	struct llm_err err;
	struct builder b;
	struct gguf *g;

	build_values(&b);
	if (!tap_ok(!open_built(&b, &g, &err), "values: a file with every type opens")) {
		tap_diag("%s", err.text);
		return;
	}
	test_numbers(g);
	test_strings_and_arrays(g);
	gguf_close(g);
	builder_free(&b);
}

static const uint64_t dims_8x2[] = { 8, 2 };

/* One F32 tensor of 64 bytes and whatever @key adds. */
static void build_tensor(struct builder *b, uint32_t n_dims, const uint64_t *dims, uint32_t type,
			 uint64_t offset)
{
	builder_start(b);
	builder_tensor(b, "t", n_dims, dims, type, offset);
	builder_data(b, 32, 64);
}

static void test_tensors(void)
{
	static const uint64_t q[] = { 64, 3 };
	const struct gguf_tensor *t;
	struct llm_err err;
	struct builder b;
	struct gguf *g;

	builder_start(&b);
	builder_key_u32(&b, "general.alignment", 64);
	builder_tensor(&b, "a", 2, dims_8x2, GGUF_T_F32, 0);
	builder_tensor(&b, "b", 2, q, GGUF_T_Q4_0, 64);
	builder_data(&b, 64, 64 + 108);
	if (!tap_ok(!open_built(&b, &g, &err), "tensors: two tensors, alignment 64")) {
		tap_diag("%s", err.text);
		return;
	}
	t = gguf_lookup_tensor(g, "b");
	tap_ok(t && t == gguf_tensor(g, 1) && t->n_dims == 2 && t->dims[0] == 64 &&
	       t->dims[1] == 3 && t->dims[2] == 1 && t->n_elements == 192 &&
	       t->size_bytes == 108 && t->offset % 64 == 0 && t->data == b.p + t->offset,
	       "tensors: shape, size and place of a Q4_0 tensor");
	tap_ok(!gguf_lookup_tensor(g, "c") && !gguf_tensor(g, 2),
	       "tensors: none but those there are");
	tap_ok(gguf_tensor_read(g, t, 100, &err, 9, &err) == -EINVAL &&
	       strstr(err.text, "tensor b: bytes 100 to 109 asked for, it has 108"),
	       "tensors: reading past the end is refused");
	gguf_close(g);
	builder_free(&b);
	tap_ok(!strcmp(gguf_ttype_name(17), "IQ2_XS") && !strcmp(gguf_ttype_name(5), "unknown"),
	       "tensors: types that nobody here computes with still have their names");
}

static void refuse_header(size_t offset, uint32_t v, int want, const char *word,
			  const char *promise)
{
	struct llm_err err;
	struct builder b;
	struct gguf *g;
	int ret;

	build_tensor(&b, 2, dims_8x2, GGUF_T_F32, 0);
	builder_finish(&b);
	memcpy(b.p + offset, &v, 4);
	ret = gguf_open_memory(b.p, b.n, "built.gguf", &g, &err);
	if (!tap_ok(ret == want && strstr(err.text, word), "header: %s is refused", promise))
		tap_diag("got %d \"%s\"", ret, err.text);
	if (!ret)
		gguf_close(g);
	builder_free(&b);
}

static void test_header(void)
{
	struct builder b;
	struct llm_err err;
	struct gguf *g;

	build_tensor(&b, 2, dims_8x2, GGUF_T_F32, 0);
	b.p[4] = 2;
	accept(&b, "a file of version 2 is taken");
	refuse_header(0, 0x46554746, -EINVAL, "is not a GGUF file", "another magic");
	refuse_header(4, 1, -EINVAL, "GGUF version 1, wanted 2 or 3", "version 1");
	refuse_header(4, 4, -EINVAL, "GGUF version 4, wanted 2 or 3", "version 4");
	refuse_header(4, 0x03000000, -EINVAL, "big-endian", "a big-endian file");
	refuse_header(12, 1u << 28, -E2BIG, "1152921504606846977 tensors", "2^60 tensors");
	refuse_header(20, 1u << 28, -E2BIG, "1152921504606846976 metadata keys", "2^60 keys");
	refuse_header(8, GGUF_MAX_TENSORS, -EMSGSIZE, "has room for",
		      "a count of tensors that the file has no room for");
	tap_ok(gguf_open_memory("GGUF\3\0\0\0", 8, "short", &g, &err) == -EMSGSIZE &&
	       strstr(err.text, "short: has 8 bytes"), "header: half a header is refused");
}

static void test_bad_keys(void)
{
	struct builder b;
	char *name = malloc(GGUF_MAX_KEY + 2);

	memset(name, 'k', GGUF_MAX_KEY + 1);
	name[GGUF_MAX_KEY + 1] = '\0';
	builder_start(&b);
	builder_key_u32(&b, name, 1);
	refuse(&b, -EINVAL, "its name has 65536 bytes, wanted 1..65535", "a key of 65,536 bytes");
	name[GGUF_MAX_KEY] = '\0';
	builder_start(&b);
	builder_key_u32(&b, name, 1);
	accept(&b, "a key of 65,535 bytes is taken");
	free(name);

	builder_start(&b);
	builder_key_u32(&b, "", 1);
	refuse(&b, -EINVAL, "key 0: its name has 0 bytes", "a key without a name");
	builder_start(&b);
	builder_key_u32(&b, "a.key", 1);
	builder_key_str(&b, "a.key", "again");
	refuse(&b, -EINVAL, "key a.key appears twice", "a key that appears twice");
	builder_start(&b);
	builder_key(&b, "a.key", 13);
	builder_u64(&b, 0);
	refuse(&b, -EINVAL, "key a.key: value type 13 is unknown", "an unknown value type");
	builder_start(&b);
	builder_key_bool(&b, "a.key", 2);
	refuse(&b, -EINVAL, "key a.key: bool of value 2", "a bool that is 2");
	builder_start(&b);
	builder_key_array(&b, "a.key", GGUF_V_ARRAY, 1);
	builder_u64(&b, 0);
	builder_u32(&b, 0);
	refuse(&b, -EINVAL, "key a.key: elements of type 9 (array)", "an array of arrays");
	builder_start(&b);
	builder_key_array(&b, "a.key", GGUF_V_U32, 1ull << 62);
	refuse(&b, -EMSGSIZE, "key a.key: array of 4611686018427387904 x u32",
	       "an array whose bytes wrap 2^64");
	builder_start(&b);
	builder_key_array(&b, "a.key", GGUF_V_STR, 1ull << 62);
	refuse(&b, -EMSGSIZE, "key 0 (a.key): ends too early", "an array of 2^62 strings");
	builder_start(&b);
	builder_key(&b, "a.key", GGUF_V_STR);
	builder_u64(&b, UINT64_MAX);
	refuse(&b, -EMSGSIZE, "key 0 (a.key): ends too early: 18446744073709551615 bytes",
	       "a string of 2^64-1 bytes");
}

static void test_alignment(void)
{
	static const uint32_t bad[] = { 0, 1, 4, 24, 33, 2 * GGUF_MAX_ALIGNMENT };
	struct builder b;
	char promise[64];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		builder_start(&b);
		builder_key_u32(&b, "general.alignment", bad[i]);
		snprintf(promise, sizeof(promise), "an alignment of %u", bad[i]);
		refuse(&b, -EINVAL, "key general.alignment: ", promise);
	}
	builder_start(&b);
	builder_key_u32(&b, "general.alignment", GGUF_MAX_ALIGNMENT);
	builder_tensor(&b, "t", 2, dims_8x2, GGUF_T_F32, 0);
	builder_data(&b, GGUF_MAX_ALIGNMENT, 64);
	accept(&b, "an alignment of 65,536 is taken");
	builder_start(&b);
	builder_key_str(&b, "general.alignment", "32");
	refuse(&b, -EINVAL, "key general.alignment: type str", "an alignment that is a string");
}

static void test_bad_shapes(void)
{
	static const uint64_t zero[] = { 8, 0 }, huge[] = { 1ull << 33, 1ull << 33 },
			      wrap[] = { 1ull << 62, 1 }, odd[] = { 33, 1 }, wide[] = { 8, 3 },
			      five[] = { 1, 1, 1, 1, 1 }, four[] = { 4, 2, 2, 1 };
	struct builder b;

	build_tensor(&b, 2, zero, GGUF_T_F32, 0);
	refuse(&b, -EINVAL, "tensor t: dimension 1 is 0", "a dimension of 0");
	build_tensor(&b, 0, zero, GGUF_T_F32, 0);
	refuse(&b, -EINVAL, "tensor t: 0 dimensions", "a tensor without dimensions");
	build_tensor(&b, 5, five, GGUF_T_F32, 0);
	refuse(&b, -EINVAL, "tensor t: 5 dimensions, wanted 1..4", "a tensor of five dimensions");
	build_tensor(&b, 4, four, GGUF_T_F32, 0);
	accept(&b, "a tensor of four dimensions is taken");
	build_tensor(&b, 2, huge, GGUF_T_F32, 0);
	refuse(&b, -EINVAL, "passes 2^64", "a product of dimensions that wraps");
	build_tensor(&b, 2, wrap, GGUF_T_F32, 0);
	refuse(&b, -EINVAL, "pass 2^64 bytes", "a size in bytes that wraps");
	build_tensor(&b, 2, odd, GGUF_T_Q8_0, 0);
	refuse(&b, -EINVAL, "rows of 33 elements, Q8_0 wants a multiple of 32",
	       "a row that is no whole number of blocks");
	build_tensor(&b, 2, dims_8x2, 5, 0);
	refuse(&b, -EINVAL, "tensor t: type 5 is none that this reader knows",
	       "a type that was withdrawn");
	build_tensor(&b, 2, wide, GGUF_T_F32, 0);
	refuse(&b, -EMSGSIZE, "tensor t: 96 bytes at offset 0, the data section has 64",
	       "a tensor longer than the file");
}

static void test_bad_places(void)
{
	char name[GGUF_MAX_NAME + 2];
	struct builder b;

	build_tensor(&b, 2, dims_8x2, GGUF_T_F32, 8);
	refuse(&b, -EINVAL, "tensor t: offset 8, wanted a multiple of 32", "an unaligned offset");
	build_tensor(&b, 2, dims_8x2, GGUF_T_F32, 32);
	refuse(&b, -EMSGSIZE, "tensor t: 64 bytes at offset 32", "an offset too close to the end");
	build_tensor(&b, 2, dims_8x2, GGUF_T_F32, 0xffffffffffffffe0);
	refuse(&b, -EMSGSIZE, "tensor t: 64 bytes at offset 18446744073709551584",
	       "an offset whose end wraps");
	builder_start(&b);
	builder_tensor(&b, "a", 2, dims_8x2, GGUF_T_F32, 0);
	builder_tensor(&b, "b", 2, dims_8x2, GGUF_T_F32, 32);
	builder_data(&b, 32, 96);
	refuse(&b, -EINVAL, "inside tensor a", "a tensor that overlaps another");
	builder_start(&b);
	builder_tensor(&b, "a", 2, dims_8x2, GGUF_T_F32, 0);
	builder_tensor(&b, "a", 2, dims_8x2, GGUF_T_F32, 64);
	builder_data(&b, 32, 128);
	refuse(&b, -EINVAL, "tensor a appears twice", "a tensor that appears twice");
	builder_start(&b);
	builder_tensor(&b, "t", 2, dims_8x2, GGUF_T_F32, 0);
	refuse(&b, -EMSGSIZE, "ends before its tensor data", "a file without its data section");

	memset(name, 'n', sizeof(name));
	name[GGUF_MAX_NAME + 1] = '\0';
	builder_start(&b);
	builder_tensor(&b, name, 2, dims_8x2, GGUF_T_F32, 0);
	builder_data(&b, 32, 64);
	refuse(&b, -EINVAL, "its name has 65 bytes, wanted 1..64", "a tensor's name of 65 bytes");
	name[GGUF_MAX_NAME] = '\0';
	builder_start(&b);
	builder_tensor(&b, name, 2, dims_8x2, GGUF_T_F32, 0);
	builder_data(&b, 32, 64);
	accept(&b, "a tensor's name of 64 bytes is taken");
}

/* @n tensors of 32 bytes each. */
static void build_many(struct builder *b, uint32_t n)
{
	static const uint64_t dims[] = { 8 };
	char name[16];
	uint32_t i;

	builder_start(b);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		builder_tensor(b, name, 1, dims, GGUF_T_F32, 32ull * i);
	}
	builder_data(b, 32, 32ull * n);
}

static void test_limits(void)
{
	struct builder b;
	char key[16];
	int i;

	build_many(&b, GGUF_MAX_TENSORS);
	accept(&b, "65,536 tensors are taken");
	build_many(&b, GGUF_MAX_TENSORS + 1);
	refuse(&b, -E2BIG, "65537 tensors, at most 65536", "one tensor more");
	builder_start(&b);
	for (i = 0; i <= GGUF_MAX_KEYS; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		builder_key_bool(&b, key, 1);
	}
	refuse(&b, -E2BIG, "65537 metadata keys, at most 65536", "65,537 keys");
}

static void refuse_path(const char *path, int want, const char *word, const char *promise)
{
	struct llm_err err = { "" };
	struct gguf *g;
	int ret = gguf_open(path, &g, &err);

	if (!tap_ok(ret == want && strstr(err.text, word) && strstr(err.text, path),
		    "open: %s is refused", promise))
		tap_diag("got %d \"%s\"", ret, err.text);
	if (!ret)
		gguf_close(g);
}

static void test_files(const char *models)
{
	char dir[] = "/tmp/test_gguf.XXXXXX", path[512];
	uint8_t in_memory[256], read[256];
	const struct gguf_tensor *t;
	struct llm_err err = { "" };
	struct gguf *g;
	FILE *f;
	int ret;

	snprintf(path, sizeof(path), "%s/TinyStories-656K-Q8_0.gguf", models);
	if (tap_ok(!gguf_open(path, &g, &err), "open: a bundled model")) {
		t = gguf_lookup_tensor(g, "blk.1.ffn_up.weight");
		memcpy(in_memory, (const uint8_t *)t->data + 1000, sizeof(in_memory));
		ret = gguf_tensor_read(g, t, 1000, read, sizeof(read), &err);
		tap_ok(!ret && !memcmp(read, in_memory, sizeof(read)) &&
		       t->type == GGUF_T_Q8_0 && t->dims[0] == 128 && t->dims[1] == 384,
		       "open: mapped bytes and read bytes of a tensor are the same");
		gguf_close(g);
	}
	if (!mkdtemp(dir))
		return;
	refuse_path(dir, -EISDIR, "is a directory", "a directory");
	snprintf(path, sizeof(path), "%s/none", dir);
	refuse_path(path, -ENOENT, "No such file", "a file that is not there");
	f = fopen(path, "w");
	fclose(f);
	refuse_path(path, -EMSGSIZE, "has 0 bytes", "an empty file");
	unlink(path);
	if (!mkfifo(path, 0600))
		refuse_path(path, -EINVAL, "neither a regular file nor a block device", "a FIFO");
	unlink(path);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	test_values();
	test_tensors();
	test_header();
	test_bad_keys();
	test_alignment();
	test_bad_shapes();
	test_bad_places();
	test_limits();
	test_files(argc > 1 ? argv[1] : "models");
	return tap_done();
}

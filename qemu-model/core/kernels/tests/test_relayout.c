// SPDX-License-Identifier: MIT
/* RELAYOUT into strips and WROWS back: the values of the GGUF rows, any cut of k. */
#include "kernels_test.h"

static const char *const wname[NPU_WTYPE_COUNT] = { "f32", "f16", "q8_0", "q4_0" };

static bool is_quant(uint32_t wtype)
{
	return wtype == NPU_WTYPE_Q8_0 || wtype == NPU_WTYPE_Q4_0;
}

/* Element k of a GGUF row, by the format's definition */
static float element(uint32_t wtype, const uint8_t *row, uint32_t k)
{
	const uint8_t *block;
	float f;

	switch (wtype) {
	case NPU_WTYPE_F32:
		memcpy(&f, row + 4 * k, 4);
		return f;
	case NPU_WTYPE_F16:
		return npu_load_half(row + 2 * k);
	case NPU_WTYPE_Q8_0:
		block = row + k / 32 * 34;
		return (float)(int8_t)block[2 + k % 32] * npu_load_half(block);
	}
	block = row + k / 32 * 18;
	k %= 32;
	return (float)((k < 16 ? block[2 + k] & 15 : block[2 + k - 16] >> 4) - 8) *
	       npu_load_half(block);
}

/* `rows` random rows of their own, the others NULL */
static void make_rows(uint32_t wtype, const void *row[16], int rows, uint32_t k)
{
	for (int r = 0; r < 16; r++) {
		uint8_t *p = NULL;

		if (r < rows) {
			p = alloc(npu_source_row_bytes(wtype, k));
			fill_bytes(p, npu_source_row_bytes(wtype, k));
		}
		row[r] = p;
	}
}

static void drop_rows(const void *row[16])
{
	for (int r = 0; r < 16; r++)
		free((void *)row[r]);
}

static void test_round_trip(const struct npu_kernels *kern, uint32_t t)
{
	bool ok = true, within = true;

	for (uint32_t i = 1; i < 60 && ok; i++) {
		uint32_t k = is_quant(t) ? 32 * i : i * 3;
		size_t payload = npu_strip_payload(t, k);
		uint8_t *strip = alloc(payload + 64);
		float *got = alloc(4 * (size_t)k), *want = alloc(4 * (size_t)k);
		const void *row[16];

		make_rows(t, row, i % 17, k);
		memset(strip + payload, 0x5a, 64);
		kern->relayout[t](row, k, strip);
		for (int j = 0; j < 64; j++)
			within &= strip[payload + j] == 0x5a;
		for (uint32_t r = 0; r < 16 && ok; r++) {
			for (uint32_t j = 0; j < k; j++)
				want[j] = row[r] ? element(t, row[r], j) : 0.0f;
			kern->wrow[t](strip, r, k, got);
			ok = same_floats(got, want, k);
		}
		free(strip);
		free(got);
		free(want);
		drop_rows(row);
	}
	tap_ok(ok, "relayout %s: %s, rows come back by wrows, missing ones as plus zero",
	       wname[t], kern->name);
	tap_ok(within, "relayout %s: %s writes the payload and no more", wname[t], kern->name);
}

static void test_pieces(const struct npu_kernels *kern, uint32_t t)
{
	const uint32_t k = 64 * 5 + 32;
	size_t payload = npu_strip_payload(t, k);
	uint8_t *whole = alloc(payload), *parts = alloc(payload);
	float want[64 * 5 + 32], got[64 * 5 + 32];
	const void *row[16];

	make_rows(t, row, 13, k);
	kern->relayout[t](row, k, whole);
	for (uint32_t at = 0, n; at < k; at += n) {
		const void *part[16];

		n = k - at < 128 ? k - at : 128;
		for (int r = 0; r < 16; r++)
			part[r] = row[r] ? (const uint8_t *)row[r] + npu_source_row_bytes(t, at) :
					   NULL;
		kern->relayout[t](part, n, parts + npu_strip_payload(t, at));
	}
	tap_ok(!memcmp(whole, parts, payload), "relayout %s: %s, k in pieces gives the same bytes",
	       wname[t], kern->name);
	kern->wrow[t](whole, 7, k, want);
	for (uint32_t at = 0, n; at < k; at += n) {
		n = k - at < 192 ? k - at : 192;
		kern->wrow[t](whole + npu_strip_payload(t, at), 7, n, got + at);
	}
	tap_ok(same_floats(got, want, k), "wrows %s: %s, k in pieces gives the same bits",
	       wname[t], kern->name);
	free(whole);
	free(parts);
	drop_rows(row);
}

/* The layout itself, byte by byte, as npu_formats.h draws it */
static void test_layout(const struct npu_kernels *kern)
{
	const void *row[16];
	uint8_t *strip = alloc(npu_strip_payload(NPU_WTYPE_Q8_0, 96));
	bool ok = true;

	make_rows(NPU_WTYPE_Q8_0, row, 16, 96);
	kern->relayout[NPU_WTYPE_Q8_0](row, 96, strip);
	for (int r = 0; r < 16; r++)
		for (int b = 0; b < 3; b++) {
			const uint8_t *block = (const uint8_t *)row[r] + 34 * b;
			size_t pair = b / 2 * 1088, whole = b < 2 ? 64 : 32;

			ok &= !memcmp(strip + pair + 32 * (b % 2) + 2 * r, block, 2);
			for (int i = 0; i < 32; i++)
				ok &= strip[pair + whole + 512 * (b % 2) + 64 * (i / 4) + 4 * r +
					    i % 4] == (uint8_t)(block[2 + i] + 128);
		}
	tap_ok(ok, "relayout q8_0: bytes lie where npu_formats.h says");
	drop_rows(row);

	make_rows(NPU_WTYPE_Q4_0, row, 16, 96);
	kern->relayout[NPU_WTYPE_Q4_0](row, 96, strip);
	ok = true;
	for (int r = 0; r < 16; r++)
		for (int b = 0; b < 3; b++) {
			const uint8_t *block = (const uint8_t *)row[r] + 18 * b;
			size_t pair = b / 2 * 576, whole = b < 2 ? 64 : 32;

			ok &= !memcmp(strip + pair + 32 * (b % 2) + 2 * r, block, 2);
			for (int i = 0; i < 16; i++)
				ok &= strip[pair + whole + 256 * (b % 2) + 64 * (i / 4) + 4 * r +
					    i % 4] == block[2 + i];
		}
	tap_ok(ok, "relayout q4_0: bytes lie where npu_formats.h says");
	drop_rows(row);
	free(strip);
}

int main(void)
{
	const struct npu_kernels *kern[NPU_ISA_COUNT];
	int n = implementations(kern);

	rng_seed(46);
	for (int i = 0; i < n; i++)
		for (uint32_t t = 0; t < NPU_WTYPE_COUNT; t++) {
			test_round_trip(kern[i], t);
			test_pieces(kern[i], t);
		}
	test_layout(kern[0]);
	return tap_done();
}

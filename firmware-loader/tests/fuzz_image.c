// SPDX-License-Identifier: MIT
/*
 * libFuzzer: any bytes as an image, as they are, with a good hash and with a good signature; as an
 * ELF to pack; as configuration and key.
 */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "dev_key.h"
#include "elf_reader.h"
#include "explain.h"
#include "image.h"
#include "npu_fw_hw.h"
#include "pack.h"
#include "sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct npu_image_limits *limits(void)
{
	static struct npu_image_limits l;

	l = npu_image_limits_default;
	l.need_code = true;
	l.need_signature = true;
	return &l;
}

/* What was found good has to be loadable: every section is in the image and in the memory. */
static void check_image(const uint8_t *image, size_t size, const struct npu_image_limits *l)
{
	static uint8_t memory[NPU_CC_HANDOFF - NPU_CC_RAM_BASE];
	struct npu_image_result result;
	struct npu_fw_section s;
	char text[NPU_EXPLAIN_BYTES];
	uint32_t i;

	npu_image_check(image, size, l, &result);
	npu_image_explain(&result, text, sizeof(text));
	if (strlen(text) == sizeof(text) - 1)
		abort();
	for (i = 0; !result.error && i < result.n_sections; i++) {
		if (npu_image_section(image, i, &s))
			abort();
		if (s.size > size || s.offset > size - s.size)
			abort();
		if (s.type == NPU_FW_SECTION_CONFIG)
			continue;
		s.load_addr -= NPU_CC_RAM_BASE;
		memcpy(memory + s.load_addr, image + s.offset, s.size);
		memset(memory + s.load_addr + s.size, 0, s.load_size - s.size);
	}
}

/* What is packed from any ELF is good. */
static void check_elf(const uint8_t *data, size_t size)
{
	const struct npu_pack what = {
		.version = "fuzz", .hw_version_max = UINT32_MAX, .config = npu_config_defaults,
		.api_min = 0x10000, .api_max = 0x10001, .elf = data, .elf_size = size,
		.seed = npu_dev_key_seed,
	};
	struct npu_image_result result;
	size_t capacity, packed;
	char why[256];
	uint8_t *image;

	if (npu_pack(&what, NULL, 0, &capacity, why, sizeof(why)))
		return;
	image = malloc(capacity);
	if (npu_pack(&what, image, capacity, &packed, why, sizeof(why)) || packed != capacity)
		abort();
	if (npu_image_check(image, packed, limits(), &result))
		abort();
	free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct npu_fw_config config;
	uint8_t key[32];
	char why[256];
	uint8_t *copy;

	check_image(data, size, &npu_image_limits_default);
	check_image(data, size, limits());
	check_elf(data, size);
	npu_config_parse((const char *)data, size, &config, why, sizeof(why));
	npu_key_parse((const char *)data, size, NPU_KEY_SEED, key, why, sizeof(why));
	npu_key_parse((const char *)data, size, NPU_KEY_PUBLIC, key, why, sizeof(why));

	if (size >= sizeof(struct npu_fw_header)) {
		copy = malloc(size);
		memcpy(copy, data, size);
		npu_image_hash(copy, size, copy + offsetof(struct npu_fw_header, hash));
		check_image(copy, size, &npu_image_limits_default);
		npu_sign(copy, size, npu_dev_key_seed);
		check_image(copy, size, limits());
		free(copy);
	}
	return 0;
}

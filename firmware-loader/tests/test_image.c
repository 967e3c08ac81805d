// SPDX-License-Identifier: MIT
/* The checker of firmware images, against images wrong in every way that a header can be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "explain.h"
#include "image.h"
#include "npu_fw_msg.h"
#include "pack.h"
#include "tap.h"

#define HEADER	sizeof(struct npu_fw_header)
#define SECTION	sizeof(struct npu_fw_section)
#define MAX	8192

static const struct npu_pack good_pack = {
	.version = "1.2.3-test",
	.security_version = 7,
	.api = NPU_FW_API_MAJOR << 16 | 5,
	.hw_version_min = NPU_HW_VERSION,
	.hw_version_max = NPU_HW_VERSION,
	.config = {
		.size = sizeof(struct npu_fw_config),
		.max_jobs_per_turn = 4096,
		.time_slice_us = { 10, 1000000, 20, 30 },
		.heartbeat_ms = 100,
		.starvation_turns = 65536,
	},
};

/* An image under change: its fields are written through these and it is hashed anew. */
static uint8_t image[MAX];
static size_t size;
static struct npu_fw_header *header;
static struct npu_fw_section *section;
static struct npu_fw_config *config;
static struct npu_image_result result;

static void reset(void)
{
	memset(image, 0, sizeof(image));
	npu_pack(&good_pack, image);
	size = NPU_PACK_BYTES;
	header = (struct npu_fw_header *)image;
	section = (struct npu_fw_section *)(image + HEADER);
	config = (struct npu_fw_config *)(image + HEADER + SECTION);
}

/* Room for n sections; the configuration moves behind them and stays section 0. */
static void reset_sections(unsigned int n)
{
	struct npu_fw_config saved;

	reset();
	saved = *config;
	header->n_sections = n;
	memset(image + HEADER + SECTION, 0, sizeof(image) - HEADER - SECTION);
	section->offset = HEADER + n * SECTION;
	config = (struct npu_fw_config *)(image + section->offset);
	*config = saved;
	size = section->offset + sizeof(*config) + 256;
	header->image_size = size;
}

static void set_section(unsigned int i, uint32_t type, uint32_t flags, uint32_t offset,
			uint32_t bytes, uint32_t load_addr)
{
	section[i] = (struct npu_fw_section){
		.type = type,
		.flags = flags,
		.offset = offset,
		.size = bytes,
		.load_addr = load_addr,
		.load_size = bytes,
		.entry = type == NPU_FW_SECTION_CODE ? load_addr : 0,
	};
}

static int check_limits(const struct npu_image_limits *limits)
{
	/* a copy of exact size, so that the sanitizers see a read past the end */
	uint8_t *copy = malloc(size ? size : 1);
	int ret;

	memcpy(copy, image, size);
	memset(&result, 0xa5, sizeof(result));
	ret = npu_image_check(copy, size, limits, &result);
	free(copy);
	return ret;
}

static int check(void)
{
	return check_limits(&npu_image_limits_default);
}

static int check_rehashed(void)
{
	npu_image_hash(image, size, header->hash);
	return check();
}

static bool refused(int ret, enum npu_boot_error error, uint32_t found, uint32_t wanted)
{
	static const struct npu_fw_config none;

	if (ret == -EINVAL && result.error == error && result.found == found &&
	    result.wanted == wanted && !result.api && !result.version[0] &&
	    !memcmp(&result.config, &none, sizeof(none)))
		return true;
	tap_diag("ret %d error %s found %#x wanted %#x, expected %s %#x %#x", ret,
		 npu_boot_error_name(result.error), result.found, result.wanted,
		 npu_boot_error_name(error), found, wanted);
	return false;
}

static void test_good(void)
{
	int ret;

	reset();
	ret = check();
	tap_ok(ret == 0 && result.error == NPU_BOOT_OK && !result.found && !result.wanted,
	       "image: a packed image is good");
	tap_ok(!strcmp(result.version, "1.2.3-test") && result.security_version == 7 &&
	       result.api == (NPU_FW_API_MAJOR << 16 | 5) && result.n_sections == 1 &&
	       !memcmp(&result.config, &good_pack.config, sizeof(result.config)),
	       "image: version, API, security version and configuration come out as packed");

	reset_sections(3);
	set_section(1, NPU_FW_SECTION_CODE, NPU_FW_SECTION_R | NPU_FW_SECTION_X,
		    section->offset + 64, 64, 0x1000);
	set_section(2, NPU_FW_SECTION_DATA, NPU_FW_SECTION_R | NPU_FW_SECTION_W,
		    section->offset + 128, 128, 0x2000);
	section[2].load_size = 65536;
	ret = check_rehashed();
	tap_ok(ret == 0 && result.n_sections == 3, "image: code, data and configuration are good");
	memmove(image + 1, image, size);
	ret = npu_image_check(image + 1, size, &npu_image_limits_default, &result);
	tap_ok(ret == 0, "image: it may lie at an odd address");
}

static void test_truncation(void)
{
	unsigned int wrong = 0;
	uint32_t wanted;
	size_t n;

	for (n = 0; n < NPU_PACK_BYTES; n++) {
		reset();
		size = n;
		wanted = n < HEADER ? HEADER : NPU_PACK_BYTES;
		wrong += !refused(check(), NPU_BOOT_SIZE, n, wanted);
	}
	tap_ok(!wrong, "image: each of the %zu truncated lengths is refused for its size",
	       NPU_PACK_BYTES);
	reset();
	size++;
	tap_ok(refused(check(), NPU_BOOT_SIZE, NPU_PACK_BYTES + 1, NPU_PACK_BYTES),
	       "image: a byte behind its end is refused");

	/* the limit and one past it, on memory of that size */
	uint8_t *big = calloc(1, NPU_FW_MAX_BYTES + 1);

	reset();
	memcpy(big, image, NPU_PACK_BYTES);
	((struct npu_fw_header *)big)->image_size = NPU_FW_MAX_BYTES;
	npu_image_hash(big, NPU_FW_MAX_BYTES, ((struct npu_fw_header *)big)->hash);
	tap_ok(npu_image_check(big, NPU_FW_MAX_BYTES, &npu_image_limits_default, &result) == 0,
	       "image: NPU_FW_MAX_BYTES are good");
	tap_ok(refused(npu_image_check(big, NPU_FW_MAX_BYTES + 1, &npu_image_limits_default,
				       &result), NPU_BOOT_SIZE, NPU_FW_MAX_BYTES + 1,
		       NPU_FW_MAX_BYTES), "image: one byte more is refused");
	free(big);
}

/* Bytes that can be anything: each change has to be refused, here by the hash at the latest. */
static void test_every_byte(void)
{
	unsigned int wrong = 0;
	size_t i;
	int bit;

	for (i = 0; i < NPU_PACK_BYTES; i++)
		for (bit = 0; bit < 9; bit++) {
			reset();
			image[i] ^= bit < 8 ? 1 << bit : 0xff;
			if (check() != -EINVAL) {
				tap_diag("byte %zu bit %d was accepted", i, bit);
				wrong++;
			}
		}
	tap_ok(!wrong, "image: a change of any bit of any byte is refused");
	reset();
	config->heartbeat_ms ^= 1;
	check();
	tap_ok(result.error == NPU_BOOT_HASH && result.found != result.wanted,
	       "image: a change of the payload is refused by the hash");
	reset();
	header->hash[31] ^= 0x80;
	check();
	tap_ok(result.error == NPU_BOOT_HASH && (result.found ^ result.wanted) == 0x80000000u,
	       "image: a change of the hash's last byte shows its word");
}

static void test_header(void)
{
	reset();
	header->magic ^= 0x100;
	tap_ok(refused(check_rehashed(), NPU_BOOT_MAGIC, (uint32_t)NPU_FW_MAGIC ^ 0x100,
		       (uint32_t)NPU_FW_MAGIC), "header: a wrong low word of the magic is shown");
	reset();
	header->magic ^= 1ull << 63;
	tap_ok(refused(check_rehashed(), NPU_BOOT_MAGIC, 0x80000000u | NPU_FW_MAGIC >> 32,
		       NPU_FW_MAGIC >> 32), "header: a wrong high word of the magic is shown");
	reset();
	header->header_version = 2;
	tap_ok(refused(check_rehashed(), NPU_BOOT_HEADER, 2, 1), "header: version 2 is refused");
	reset();
	header->header_size = 260;
	tap_ok(refused(check_rehashed(), NPU_BOOT_HEADER, 260, HEADER),
	       "header: another header size is refused");
	reset();
	header->image_size = 0xffffffff;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SIZE, size, 0xffffffff),
	       "header: an image size that is not the file's is refused");
	reset();
	header->flags = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD, offsetof(struct npu_fw_header, flags), 0),
	       "header: a flag is refused");
	reset();
	header->reserved[7] = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD,
		       offsetof(struct npu_fw_header, reserved), 0),
	       "header: reserved bytes that are not zero are refused");
	reset();
	header->public_key[31] = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD, offsetof(struct npu_fw_header, public_key), 0),
	       "header: a key id without a signature is refused");
	reset();
	header->signature[63] = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD,
		       offsetof(struct npu_fw_header, signature), 0),
	       "header: signature bytes without a signature type are refused");
	reset();
	header->signature_type = NPU_FW_SIGNATURE_ED25519;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SIGNATURE, NPU_FW_SIGNATURE_ED25519, 0),
	       "header: a signature that nobody can check is refused");
	reset();
	header->signature_type = 9;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SIGNATURE, 9, 0),
	       "header: an unknown signature type is refused");
}

static void test_version_text(void)
{
	static const char *const bad[] = { "", "a b", "a\n", "caf\xc3\xa9", "a\"b", "a\\", "a%s/" };
	const uint32_t at = offsetof(struct npu_fw_header, version);
	unsigned int wrong = 0;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reset();
		memset(header->version, 0, 32);
		memcpy(header->version, bad[i], strlen(bad[i]));
		wrong += !refused(check_rehashed(), NPU_BOOT_FIELD, at, 0);
	}
	tap_ok(!wrong, "version: what is no plain text is refused");
	reset();
	memset(header->version, 'x', 32);
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD, at, 0),
	       "version: a text without an end is refused");
	reset();
	header->version[31] = 'x';
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD, at, 0),
	       "version: bytes behind the end are refused");
	reset();
	memset(header->version, 'x', 31);
	tap_ok(check_rehashed() == 0 && strlen(result.version) == 31,
	       "version: 31 characters are good");
}

static void test_limits(void)
{
	struct npu_image_limits limits = npu_image_limits_default;

	reset();
	header->hw_version_min = NPU_HW_VERSION + 1;
	header->hw_version_max = NPU_HW_VERSION + 2;
	tap_ok(refused(check_rehashed(), NPU_BOOT_HW, NPU_HW_VERSION + 1, NPU_HW_VERSION),
	       "limits: an image for later hardware is refused");
	reset();
	header->hw_version_min = 0;
	header->hw_version_max = NPU_HW_VERSION - 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_HW, NPU_HW_VERSION - 1, NPU_HW_VERSION),
	       "limits: an image for earlier hardware is refused");
	reset();
	header->hw_version_min = 0;
	header->hw_version_max = 0xffffffff;
	tap_ok(check_rehashed() == 0, "limits: an image for all hardware is good");
	reset();
	header->api_max = (NPU_FW_API_MAJOR + 1) << 16;
	tap_ok(refused(check_rehashed(), NPU_BOOT_API, NPU_FW_API_MAJOR + 1, NPU_FW_API_MAJOR),
	       "limits: another API major is refused");
	reset();
	header->api_max = NPU_FW_API_MAJOR << 16 | 0xffff;
	tap_ok(check_rehashed() == 0, "limits: any API minor is good");
	reset();
	limits.security_counter = 7;
	tap_ok(check_limits(&limits) == 0, "limits: a security version at the counter is good");
	limits.security_counter = 8;
	tap_ok(refused(check_limits(&limits), NPU_BOOT_SECURITY, 7, 8),
	       "limits: a security version below the counter is refused");
}

struct section_case {
	const char *name;
	uint32_t index;
	size_t field;
	uint32_t value;
};

/* Three good sections, of which one field is changed to what must be refused there. */
static void test_section_fields(void)
{
	const uint32_t first = HEADER + 3 * SECTION;
#define F(name) offsetof(struct npu_fw_section, name)
	const struct section_case cases[] = {
		{ "type zero", 1, F(type), 0 },
		{ "an unknown type", 1, F(type), 4 },
		{ "an unknown flag", 1, F(flags), 8 },
		{ "code that can be written", 1, F(flags), NPU_FW_SECTION_W | NPU_FW_SECTION_X },
		{ "data that can be executed", 2, F(flags), NPU_FW_SECTION_X },
		{ "an offset that is not aligned", 1, F(offset), first + 65 },
		{ "an offset inside the section table", 1, F(offset), first - 16 },
		{ "offset zero", 1, F(offset), 0 },
		{ "an offset past the end", 1, F(offset), first + 64 + 256 + 16 },
		{ "an offset near 2^32", 1, F(offset), 0xfffffff0 },
		{ "the bytes of another section", 2, F(offset), first + 64 },
		{ "a size past the end", 2, F(size), 193 },
		{ "a size near 2^32", 2, F(size), 0xffffffff },
		{ "a load size below the size", 2, F(load_size), 127 },
		{ "a load range that wraps", 2, F(load_size), 0xffffe000 },
		{ "a load address that is not aligned", 2, F(load_addr), 0x2001 },
		{ "the memory of another section", 2, F(load_addr), 0x1000 },
		{ "an entry below the code", 1, F(entry), 0xffc },
		{ "an entry behind the code", 1, F(entry), 0x1040 },
		{ "an entry that is not aligned", 1, F(entry), 0x1002 },
		{ "an entry of data", 2, F(entry), 0x2000 },
		{ "a load address of the configuration", 0, F(load_addr), 16 },
		{ "a load size of the configuration", 0, F(load_size), 65 },
		{ "an entry of the configuration", 0, F(entry), 4 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct section_case *c = &cases[i];

		reset_sections(3);
		set_section(1, NPU_FW_SECTION_CODE, NPU_FW_SECTION_X, first + 64, 64, 0x1000);
		set_section(2, NPU_FW_SECTION_DATA, NPU_FW_SECTION_W, first + 128, 128, 0x2000);
		memcpy((uint8_t *)&section[c->index] + c->field, &c->value, 4);
		tap_ok(refused(check_rehashed(), NPU_BOOT_SECTION, c->index,
			       HEADER + c->index * SECTION + c->field),
		       "sections: %s is refused", c->name);
	}
#undef F
}

static void test_section_table(void)
{
	const uint32_t count_at = offsetof(struct npu_fw_header, n_sections);
	unsigned int i;

	reset();
	header->n_sections = 0;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SECTION, 0, count_at),
	       "sections: none are refused");
	reset_sections(16);
	for (i = 1; i < 16; i++)
		set_section(i, NPU_FW_SECTION_DATA, NPU_FW_SECTION_R, section->offset + 64,
			    0, 16 * i);
	tap_ok(check_rehashed() == 0, "sections: NPU_FW_MAX_SECTIONS are good");
	reset_sections(17);
	tap_ok(refused(check_rehashed(), NPU_BOOT_SECTION, 17, count_at),
	       "sections: one more is refused");
	reset();
	header->n_sections = 0x08000001;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SECTION, 0x08000001, count_at),
	       "sections: a count whose table size wraps is refused");
	reset();
	header->n_sections = 16;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SECTION, 16, count_at),
	       "sections: a table that does not fit the file is refused");

	reset_sections(2);
	section[1] = section[0];
	section[1].offset += 64;
	memcpy(image + section[1].offset, config, sizeof(*config));
	tap_ok(refused(check_rehashed(), NPU_BOOT_SECTION, 1, HEADER + SECTION),
	       "sections: a second configuration is refused");
	reset_sections(1);
	section->type = NPU_FW_SECTION_DATA;
	tap_ok(refused(check_rehashed(), NPU_BOOT_CONFIG, 0, sizeof(*config)),
	       "sections: no configuration is refused");
	reset_sections(1);
	section->size = 60;
	section->load_size = 60;
	tap_ok(refused(check_rehashed(), NPU_BOOT_CONFIG, 0, sizeof(*config)),
	       "sections: a configuration of another size is refused");
	reset_sections(1);
	section->pad = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD,
		       HEADER + offsetof(struct npu_fw_section, pad), 0),
	       "sections: a pad that is not zero is refused");
}

static void test_config_ranges(void)
{
	static const struct {
		size_t at;
		uint32_t min, max;
	} ranges[] = {
		{ offsetof(struct npu_fw_config, size), 64, 64 },
		{ offsetof(struct npu_fw_config, max_jobs_per_turn), 1, 4096 },
		{ offsetof(struct npu_fw_config, time_slice_us[0]), 10, 1000000 },
		{ offsetof(struct npu_fw_config, time_slice_us[3]), 10, 1000000 },
		{ offsetof(struct npu_fw_config, heartbeat_ms), 1, 100 },
		{ offsetof(struct npu_fw_config, starvation_turns), 1, 65536 },
	};
	uint32_t value;
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		bool good;

		reset();
		memcpy((uint8_t *)config + ranges[i].at, &ranges[i].min, 4);
		good = check_rehashed() == 0;
		memcpy((uint8_t *)config + ranges[i].at, &ranges[i].max, 4);
		good = good && check_rehashed() == 0;
		value = ranges[i].min - 1;
		memcpy((uint8_t *)config + ranges[i].at, &value, 4);
		good = good && refused(check_rehashed(), NPU_BOOT_CONFIG, ranges[i].at,
				       ranges[i].min);
		value = ranges[i].max + 1;
		memcpy((uint8_t *)config + ranges[i].at, &value, 4);
		good = good && refused(check_rehashed(), NPU_BOOT_CONFIG, ranges[i].at,
				       ranges[i].max);
		tap_ok(good, "config: the word at %zu takes %u to %u and nothing past them",
		       ranges[i].at, ranges[i].min, ranges[i].max);
	}
	reset();
	config->reserved[3] = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD,
		       section->offset + offsetof(struct npu_fw_config, reserved[7]), 0),
	       "config: a reserved word that is not zero is refused");
}

static void test_reproducible(void)
{
	struct npu_pack other = good_pack;
	uint8_t a[NPU_PACK_BYTES], b[NPU_PACK_BYTES];

	npu_pack(&good_pack, a);
	npu_pack(&good_pack, b);
	tap_ok(!memcmp(a, b, sizeof(a)), "pack: the same input gives the same bytes");
	other.config.heartbeat_ms--;
	npu_pack(&other, b);
	tap_ok(memcmp(((struct npu_fw_header *)a)->build_id, ((struct npu_fw_header *)b)->build_id,
		      32) != 0, "pack: another input gives another build id");
	other.version = "";
	tap_ok(npu_pack(&other, b) == -EINVAL, "pack: an empty version is refused");
	other.version = "12345678901234567890123456789012";
	tap_ok(npu_pack(&other, b) == -EINVAL, "pack: a version of 32 characters is refused");
}

static void test_texts(void)
{
	static const uint32_t values[] = { 0, 1, 4, 20, 64, 256, 0x20001, 0xffffffff };
	const size_t n = sizeof(values) / sizeof(values[0]);
	char text[256];
	unsigned int wrong = 0;
	size_t i, j;
	int e;

	for (e = NPU_BOOT_OK; e <= NPU_BOOT_CONFIG; e++)
		for (i = 0; i < n; i++)
			for (j = 0; j < n; j++) {
				struct npu_image_result r = {
					.error = e, .found = values[i], .wanted = values[j]
				};

				memset(text, 0, sizeof(text));
				npu_image_explain(&r, text, sizeof(text));
				wrong += strlen(text) < 4 || strlen(text) > 140 ||
					 text[strlen(text) - 1] == '.' || strchr(text, '\n');
			}
	tap_ok(!wrong, "texts: every boot error has one line for any two numbers");

	reset();
	header->api_max = 3 << 16;
	check_rehashed();
	tap_ok(!strcmp(npu_image_explain(&result, text, sizeof(text)),
		       "it speaks API 3, the device 1; "
		       "take a firmware with API 1 or a newer device"),
	       "texts: a wrong API names found, wanted and what to do");
}

int main(void)
{
	test_good();
	test_truncation();
	test_every_byte();
	test_header();
	test_version_text();
	test_limits();
	test_section_fields();
	test_section_table();
	test_config_ranges();
	test_reproducible();
	test_texts();
	return tap_done();
}

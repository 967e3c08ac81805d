// SPDX-License-Identifier: MIT
/* The checker of firmware images, against images wrong in every way that a header can be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev_key.h"
#include "explain.h"
#include "image.h"
#include "kit.h"
#include "npu_versions.h"
#include "pack.h"
#include "sign.h"
#include "tap.h"

#define HEADER	sizeof(struct npu_fw_header)
#define SECTION	sizeof(struct npu_fw_section)
#define CONFIG	sizeof(struct npu_fw_config)
#define MAX	8192
#define RAM	NPU_CC_RAM_BASE
#define PAGE	NPU_CC_PAGE_BYTES
#define R	NPU_FW_SECTION_R
#define W	NPU_FW_SECTION_W
#define X	NPU_FW_SECTION_X

/* The smallest image that can be packed, which most tests start from. */
#define PLAIN	(HEADER + SECTION + CONFIG)

/* An image under change: its fields are written through these and it is hashed anew. */
static uint8_t image[MAX];
static size_t size;
static struct npu_fw_header *header;
static struct npu_fw_section *section;
static struct npu_fw_config *config;
static struct npu_image_result result;

static void reset(void)
{
	struct npu_pack what = kit_pack;
	char why[256];

	memset(image, 0, sizeof(image));
	what.elf = NULL;
	npu_pack(&what, image, sizeof(image), &size, why, sizeof(why));
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
	    result.wanted == wanted && !result.api_max && !result.entry && !result.is_signed &&
	    !result.development_key && !result.version[0] &&
	    !memcmp(&result.config, &none, sizeof(none)))
		return true;
	tap_diag("ret %d error %s found %#x wanted %#x, expected %s %#x %#x", ret,
		 npu_boot_error_name(result.error), result.found, result.wanted,
		 npu_boot_error_name(error), found, wanted);
	return false;
}

static void test_good(void)
{
	struct npu_image_limits limits = npu_image_limits_default;
	struct npu_fw_section s;
	uint8_t *packed;
	int ret;

	reset();
	ret = check();
	tap_ok(ret == 0 && result.error == NPU_BOOT_OK && !result.found && !result.wanted,
	       "image: a packed image is good");
	tap_ok(!strcmp(result.version, "1.2.3-test") && result.security_version == 7 &&
	       result.api_min == 0x10000 && result.api_max == 0x10005 && result.n_sections == 1 &&
	       !result.entry && !result.is_signed &&
	       !memcmp(&result.config, &kit_pack.config, sizeof(result.config)),
	       "image: version, APIs, security version and configuration come out as packed");
	limits.need_code = true;
	tap_ok(refused(check_limits(&limits), NPU_BOOT_SECTION, 1, 0),
	       "image: one without code is refused where it is to run");
	limits.need_signature = true;
	limits.need_code = false;
	tap_ok(refused(check_limits(&limits), NPU_BOOT_SIGNATURE, NPU_FW_SIGNATURE_NONE,
		       NPU_FW_SIGNATURE_ED25519),
	       "image: one without a signature is refused where it is asked for");

	packed = kit_image(&kit_pack, &size);
	memcpy(image, packed, size);
	free(packed);
	limits.need_code = true;
	limits.need_signature = false;
	ret = check_limits(&limits);
	tap_ok(ret == 0 && result.n_sections == 5 && result.entry == RAM,
	       "image: code, data, a page without rights, a stack and a configuration are good");
	tap_ok(npu_image_section(image, 1, &s) == 0 && s.type == NPU_FW_SECTION_DATA &&
	       s.flags == (R | W) && s.load_addr == RAM + PAGE && s.size == 10 &&
	       s.load_size == PAGE + 1 && !memcmp(image + s.offset, "ten bytes", 10) &&
	       npu_image_section(image, 4, &s) == 0 && npu_image_section(image, 5, &s) == -ENOENT,
	       "image: its sections can be walked to load them");
	memmove(image + 1, image, size);
	ret = npu_image_check(image + 1, size, &limits, &result);
	tap_ok(ret == 0, "image: it may lie at an odd address");
}

static void test_truncation(void)
{
	unsigned int wrong = 0;
	uint32_t wanted;
	size_t n;

	for (n = 0; n < PLAIN; n++) {
		reset();
		size = n;
		wanted = n < HEADER ? HEADER : PLAIN;
		wrong += !refused(check(), NPU_BOOT_SIZE, n, wanted);
	}
	tap_ok(!wrong, "image: each of the %zu truncated lengths is refused for its size",
	       PLAIN);
	reset();
	size++;
	tap_ok(refused(check(), NPU_BOOT_SIZE, PLAIN + 1, PLAIN),
	       "image: a byte behind its end is refused");

	/* the limit and one past it, on memory of that size */
	uint8_t *big = calloc(1, NPU_FW_MAX_BYTES + 1);

	reset();
	memcpy(big, image, PLAIN);
	((struct npu_fw_header *)big)->image_size = NPU_FW_MAX_BYTES;
	npu_image_hash(big, NPU_FW_MAX_BYTES, ((struct npu_fw_header *)big)->hash);
	tap_ok(npu_image_check(big, NPU_FW_MAX_BYTES, &npu_image_limits_default, &result) == 0,
	       "image: NPU_FW_MAX_BYTES are good");
	tap_ok(refused(npu_image_check(big, NPU_FW_MAX_BYTES + 1, &npu_image_limits_default,
				       &result), NPU_BOOT_SIZE, NPU_FW_MAX_BYTES + 1,
		       NPU_FW_MAX_BYTES), "image: one byte more is refused");
	free(big);
}

/* A signed image with code, as a device takes it. */
static void reset_signed(void)
{
	struct npu_pack what = kit_pack;
	uint8_t *packed;

	what.seed = npu_dev_key_seed;
	packed = kit_image(&what, &size);
	memcpy(image, packed, size);
	free(packed);
	header = (struct npu_fw_header *)image;
}

/* Each change has to be refused; what the hash covers, by the hash at the latest. */
static void test_every_byte(void)
{
	struct npu_image_limits limits = npu_image_limits_default;
	unsigned int wrong = 0;
	size_t i;
	int bit;

	limits.need_code = true;
	limits.need_signature = true;
	reset_signed();
	tap_ok(check_limits(&limits) == 0 && result.is_signed && result.development_key,
	       "image: one that is signed by the development key is good");
	for (i = 0; i < size; i++)
		for (bit = 0; bit < 9; bit++) {
			uint8_t saved = image[i];

			image[i] ^= bit < 8 ? 1 << bit : 0xff;
			if (check_limits(&limits) != -EINVAL) {
				tap_diag("byte %zu bit %d was accepted", i, bit);
				wrong++;
			}
			image[i] = saved;
		}
	tap_ok(!wrong, "image: a change of any bit of any of the %zu bytes is refused", size);
	for (i = 0, wrong = 0; i < sizeof(header->signature); i++) {
		header->signature[i] ^= 1;
		wrong += !refused(check_limits(&limits), NPU_BOOT_SIGNATURE, 1, 1);
		header->signature[i] ^= 1;
	}
	tap_ok(!wrong, "image: a change of any byte of the signature is told as such");
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
	header->header_version = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_HEADER, 1, 2), "header: version 1 is refused");
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
	header->pad = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD, offsetof(struct npu_fw_header, pad), 0),
	       "header: a pad that is not zero is refused");
	reset();
	header->public_key[31] = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD,
		       offsetof(struct npu_fw_header, public_key), 0),
	       "header: a key without a signature is refused");
	reset();
	header->signature[63] = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD,
		       offsetof(struct npu_fw_header, signature), 0),
	       "header: signature bytes without a signature type are refused");
	reset();
	header->signature_type = NPU_FW_SIGNATURE_ED25519;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SIGNATURE, 1, 1),
	       "header: a signature of zeros is refused, also where none is asked for");
	reset();
	header->signature_type = 9;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SIGNATURE, 9, 1),
	       "header: an unknown signature type is refused");
	reset();
	header->api_min = header->api_max + 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD, offsetof(struct npu_fw_header, api_min),
		       0), "header: APIs in reverse order are refused");
	reset();
	header->api_max = 0x20000;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD, offsetof(struct npu_fw_header, api_min),
		       0), "header: APIs of two majors are refused");
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
	limits.api_min = 0x10006;
	limits.api_max = 0x10008;
	tap_ok(refused(check_limits(&limits), NPU_BOOT_API, 0x10006, 0x10005),
	       "limits: a driver past the image's APIs is refused");
	limits.api_min = 0xfff0;
	limits.api_max = 0xffff;
	tap_ok(refused(check_limits(&limits), NPU_BOOT_API, 0xffff, 0x10000),
	       "limits: a driver below the image's APIs is refused");
	limits.api_min = 0x10005;
	limits.api_max = 0x20000;
	tap_ok(check_limits(&limits) == 0, "limits: one API in common is enough");
	limits.api_min = 0;
	limits.api_max = UINT32_MAX;
	header->api_min = 0x70000;
	header->api_max = 0x70001;
	npu_image_hash(image, size, header->hash);
	tap_ok(check_limits(&limits) == 0, "limits: where the driver is not known any API is good");
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

/* Good sections, of which one field is changed to what must be refused there. */
static void test_section_fields(void)
{
	const uint32_t first = HEADER + 4 * SECTION;
#define F(name) offsetof(struct npu_fw_section, name)
	const struct section_case cases[] = {
		{ "type zero", 1, F(type), 0 },
		{ "an unknown type", 1, F(type), 4 },
		{ "an unknown flag", 1, F(flags), 8 },
		{ "code that can be written", 1, F(flags), W | X },
		{ "code that can be read, written and executed", 1, F(flags), R | W | X },
		{ "code that cannot be executed", 1, F(flags), R },
		{ "code without rights", 1, F(flags), 0 },
		{ "data that can be executed", 2, F(flags), X },
		{ "data that can be written and not read", 2, F(flags), W },
		{ "a configuration without rights", 0, F(flags), 0 },
		{ "a configuration that can be written", 0, F(flags), R | W },
		{ "an offset that is not aligned", 1, F(offset), first + 65 },
		{ "an offset inside the section table", 1, F(offset), first - 64 },
		{ "offset zero", 1, F(offset), 0 },
		{ "an offset past the end", 1, F(offset), first + 64 + 256 + 16 },
		{ "an offset near 2^32", 1, F(offset), 0xfffffff0 },
		{ "the bytes of another section", 2, F(offset), first + 64 },
		{ "a size past the end", 2, F(size), 193 },
		{ "a size near 2^32", 2, F(size), 0xffffffff },
		{ "bytes for pages without rights", 3, F(size), 1 },
		{ "a load size below the size", 2, F(load_size), 127 },
		{ "a load size of zero", 3, F(load_size), 0 },
		{ "a load range that wraps", 2, F(load_size), 0xffffe000 },
		{ "a load range that ends in the hand-over", 2, F(load_size),
		  NPU_CC_HANDOFF - (RAM + PAGE) + 1 },
		{ "a load address off its page", 2, F(load_addr), RAM + PAGE + 16 },
		{ "a load address below the memory", 2, F(load_addr), RAM - PAGE },
		{ "load address zero", 2, F(load_addr), 0 },
		{ "a load address in the hand-over", 2, F(load_addr), NPU_CC_HANDOFF },
		{ "a load address past the memory", 2, F(load_addr), RAM + NPU_CC_RAM_BYTES },
		{ "a load address near 2^32", 2, F(load_addr), 0xfffff000 },
		{ "the memory of another section", 2, F(load_addr), RAM },
		{ "an entry below the code", 1, F(entry), RAM - 4 },
		{ "an entry behind the code", 1, F(entry), RAM + 64 },
		{ "an entry that is not aligned", 1, F(entry), RAM + 2 },
		{ "an entry of data", 2, F(entry), RAM + PAGE },
		{ "a load address of the configuration", 0, F(load_addr), 16 },
		{ "a load size of the configuration", 0, F(load_size), 65 },
		{ "an entry of the configuration", 0, F(entry), 4 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct section_case *c = &cases[i];
		bool good;

		reset_sections(4);
		set_section(1, NPU_FW_SECTION_CODE, R | X, first + 64, 64, RAM);
		set_section(2, NPU_FW_SECTION_DATA, R | W, first + 128, 128, RAM + PAGE);
		set_section(3, NPU_FW_SECTION_DATA, 0, first + 256, 0, RAM + 2 * PAGE);
		section[3].load_size = PAGE;
		good = check_rehashed() == 0;
		memcpy((uint8_t *)&section[c->index] + c->field, &c->value, 4);
		tap_ok(good && refused(check_rehashed(), NPU_BOOT_SECTION, c->index,
				       HEADER + c->index * SECTION + c->field),
		       "sections: %s is refused", c->name);
	}
#undef F
}

/* Limits that are met, and the step past them. */
static void test_section_limits(void)
{
	const uint32_t first = HEADER + 3 * SECTION;
	const uint32_t at = HEADER + 2 * SECTION;

	reset_sections(3);
	set_section(1, NPU_FW_SECTION_CODE, X, first + 64, 64, RAM);
	section[1].entry = RAM + 60;
	set_section(2, NPU_FW_SECTION_DATA, R, first + 128, 192, RAM + PAGE);
	section[2].load_size = NPU_CC_HANDOFF - section[2].load_addr;
	tap_ok(check_rehashed() == 0 && result.entry == RAM + 60,
	       "sections: memory filled up to the hand-over, and an entry in the last word, are good");
	section[1].load_size = PAGE;
	tap_ok(check_rehashed() == 0, "sections: a section that ends with its page is good");
	section[1].load_size = PAGE + 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SECTION, 2,
		       at + offsetof(struct npu_fw_section, load_addr)),
	       "sections: one that reaches a byte into the page of another is refused");
	section[1].load_size = 64;
	section[2] = section[1];
	section[2].offset = first + 128;
	section[2].load_addr = RAM + PAGE;
	section[2].entry = RAM + PAGE;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SECTION, 2,
		       at + offsetof(struct npu_fw_section, entry)),
	       "sections: a second entry is refused");
	section[2].entry = 0;
	tap_ok(check_rehashed() == 0 && result.entry == RAM + 60,
	       "sections: code without an entry beside code with one is good");
	section[1].entry = RAM + 64;
	section[1].load_size = 128;
	tap_ok(refused(check_rehashed(), NPU_BOOT_SECTION, 1,
		       HEADER + SECTION + offsetof(struct npu_fw_section, entry)),
	       "sections: an entry in what is only zeroed is refused");
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
	for (i = 1; i < 16; i++) {
		set_section(i, NPU_FW_SECTION_DATA, R, section->offset + 64, 0, RAM + i * PAGE);
		section[i].load_size = 1;
	}
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
	set_section(0, NPU_FW_SECTION_DATA, R, section->offset, 64, RAM);
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
		{ offsetof(struct npu_fw_config, job_hang_ms), 100, 3600000 },
		{ offsetof(struct npu_fw_config, watchdog_ms), 10, 60000 },
		{ offsetof(struct npu_fw_config, critical_millicelsius), 4000, 150000 },
	};
	uint32_t value;
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		bool good;

		reset();
		config->throttle_millicelsius = 4000;
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
	config->throttle_millicelsius = 150000;
	tap_ok(check_rehashed() == 0, "config: throttling may start at 150000 millicelsius");
	config->throttle_millicelsius++;
	tap_ok(refused(check_rehashed(), NPU_BOOT_CONFIG,
		       offsetof(struct npu_fw_config, throttle_millicelsius), 150000),
	       "config: throttling above 150000 millicelsius is refused");
	reset();
	config->reserved[3] = 1;
	tap_ok(refused(check_rehashed(), NPU_BOOT_FIELD,
		       section->offset + offsetof(struct npu_fw_config, reserved[3]), 0),
	       "config: a reserved word that is not zero is refused");
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
	test_section_limits();
	test_section_table();
	test_config_ranges();
	return tap_done();
}

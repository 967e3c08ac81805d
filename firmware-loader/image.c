/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "image.h"
#include "npu_fw_msg.h"

#define HEADER_BYTES	((uint32_t)sizeof(struct npu_fw_header))
#define SECTION_BYTES	((uint32_t)sizeof(struct npu_fw_section))
#define SECTION_FLAGS	(NPU_FW_SECTION_R | NPU_FW_SECTION_W | NPU_FW_SECTION_X)

#define header_offset(field)	((uint32_t)offsetof(struct npu_fw_header, field))
#define config_offset(field)	((uint32_t)offsetof(struct npu_fw_config, field))

const struct npu_image_limits npu_image_limits_default = {
	.hw_version = NPU_HW_VERSION,
	.api_major = NPU_FW_API_MAJOR,
	.security_counter = 0,
};

static int refuse(struct npu_image_result *out, enum npu_boot_error error, uint32_t found,
		  uint32_t wanted)
{
	memset(out, 0, sizeof(*out));
	out->error = error;
	out->found = found;
	out->wanted = wanted;
	return -EINVAL;
}

/* First byte of data[0..size) that is not zero; size if there is none. */
static uint32_t first_nonzero(const void *data, uint32_t size)
{
	const uint8_t *bytes = data;
	uint32_t i = 0;

	while (i < size && !bytes[i])
		i++;
	return i;
}

/* Offset in the header of a zero field that is not zero; HEADER_BYTES if all are. */
static uint32_t header_nonzero_field(const struct npu_fw_header *h)
{
	if (h->flags)
		return header_offset(flags);
	if (h->pad)
		return header_offset(pad);
	if (first_nonzero(h->reserved, sizeof(h->reserved)) < sizeof(h->reserved))
		return header_offset(reserved);
	if (h->signature_type != NPU_FW_SIGNATURE_NONE)
		return HEADER_BYTES;
	if (first_nonzero(h->public_key, sizeof(h->public_key)) < sizeof(h->public_key))
		return header_offset(public_key);
	if (first_nonzero(h->signature, sizeof(h->signature)) < sizeof(h->signature))
		return header_offset(signature);
	return HEADER_BYTES;
}

bool npu_image_version_valid(const char version[32])
{
	uint32_t i = 0;

	while (i < 32 && (isalnum((unsigned char)version[i]) ||
			  (version[i] && strchr("._+~-", version[i]))))
		i++;
	return i > 0 && i < 32 && first_nonzero(version + i, 32 - i) == 32 - i;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size && b_size && a < b + b_size && b < a + a_size;
}

/*
 * Checks section i against the image and the sections before it. Returns the offset in
 * struct npu_fw_section of the field out of bounds, SECTION_BYTES if all are good.
 */
static uint32_t check_section(const struct npu_fw_section *s, uint32_t i, uint32_t image_size,
			      uint32_t table_end)
{
	const struct npu_fw_section *me = &s[i];
	bool config = me->type == NPU_FW_SECTION_CONFIG;
	uint32_t j;

	if (me->type < NPU_FW_SECTION_CODE || me->type > NPU_FW_SECTION_CONFIG)
		return offsetof(struct npu_fw_section, type);
	if (me->flags & ~SECTION_FLAGS)
		return offsetof(struct npu_fw_section, flags);
	/* memory is either written or executed, and only code is */
	if (me->flags & NPU_FW_SECTION_X &&
	    (me->type != NPU_FW_SECTION_CODE || me->flags & NPU_FW_SECTION_W))
		return offsetof(struct npu_fw_section, flags);
	if (me->offset % 16 || me->offset < table_end || me->offset > image_size)
		return offsetof(struct npu_fw_section, offset);
	if (me->size > image_size - me->offset)
		return offsetof(struct npu_fw_section, size);
	if (config ? me->load_addr != 0 : me->load_addr % 16 != 0)
		return offsetof(struct npu_fw_section, load_addr);
	if (me->load_size < me->size || me->load_size > UINT32_MAX - me->load_addr ||
	    (config && me->load_size != me->size))
		return offsetof(struct npu_fw_section, load_size);
	if (me->type == NPU_FW_SECTION_CODE ?
	    me->entry % 4 || me->entry < me->load_addr ||
	    me->entry - me->load_addr >= me->load_size : me->entry != 0)
		return offsetof(struct npu_fw_section, entry);

	for (j = 0; j < i; j++) {
		if (overlap(s[j].offset, s[j].size, me->offset, me->size))
			return offsetof(struct npu_fw_section, offset);
		if (config && s[j].type == NPU_FW_SECTION_CONFIG)
			return offsetof(struct npu_fw_section, type);
		if (!config && s[j].type != NPU_FW_SECTION_CONFIG &&
		    overlap(s[j].load_addr, s[j].load_size, me->load_addr, me->load_size))
			return offsetof(struct npu_fw_section, load_addr);
	}
	return SECTION_BYTES;
}

void npu_image_hash(const void *image, size_t size, uint8_t hash[NPU_FW_HASH_BYTES])
{
	static const uint8_t zeros[NPU_FW_HASH_BYTES + NPU_FW_SIGNATURE_BYTES];
	const size_t resume = header_offset(hash) + sizeof(zeros);
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, image, header_offset(hash));
	crypto_hash_sha256_update(&state, zeros, sizeof(zeros));
	crypto_hash_sha256_update(&state, (const uint8_t *)image + resume, size - resume);
	crypto_hash_sha256_final(&state, hash);
}

static uint32_t word(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static int check_range(uint32_t value, uint32_t min, uint32_t max, uint32_t at, uint32_t *offset,
		       uint32_t *limit)
{
	if (value >= min && value <= max)
		return 0;
	*offset = at;
	*limit = value < min ? min : max;
	return -EINVAL;
}

int npu_image_check_config(const struct npu_fw_config *config, uint32_t *offset, uint32_t *limit)
{
	uint32_t i;

	if (check_range(config->size, sizeof(*config), sizeof(*config), config_offset(size),
			offset, limit) ||
	    check_range(config->max_jobs_per_turn, 1, 4096, config_offset(max_jobs_per_turn),
			offset, limit))
		return -EINVAL;
	for (i = 0; i < 4; i++)
		if (check_range(config->time_slice_us[i], 10, 1000000,
				config_offset(time_slice_us) + 4 * i, offset, limit))
			return -EINVAL;
	if (check_range(config->heartbeat_ms, 1, 100, config_offset(heartbeat_ms), offset, limit) ||
	    check_range(config->starvation_turns, 1, 65536, config_offset(starvation_turns),
			offset, limit) ||
	    check_range(config->job_hang_ms, 100, 3600000, config_offset(job_hang_ms),
			offset, limit) ||
	    check_range(config->watchdog_ms, 10, 60000, config_offset(watchdog_ms), offset,
			limit) ||
	    check_range(config->throttle_millicelsius, 0, 150000,
			config_offset(throttle_millicelsius), offset, limit) ||
	    check_range(config->critical_millicelsius, config->throttle_millicelsius, 150000,
			config_offset(critical_millicelsius), offset, limit))
		return -EINVAL;
	for (i = 0; i < 4; i++)
		if (check_range(config->reserved[i], 0, 0, config_offset(reserved) + 4 * i, offset,
				limit))
			return -EINVAL;
	return 0;
}

int npu_image_check(const void *image, size_t size, const struct npu_image_limits *limits,
		    struct npu_image_result *out)
{
	struct npu_fw_section sections[NPU_FW_MAX_SECTIONS];
	const struct npu_fw_section *config = NULL;
	uint8_t hash[NPU_FW_HASH_BYTES];
	struct npu_fw_header h;
	uint32_t at, i, limit;

	if (size < HEADER_BYTES)
		return refuse(out, NPU_BOOT_SIZE, size, HEADER_BYTES);
	if (size > NPU_FW_MAX_BYTES)
		return refuse(out, NPU_BOOT_SIZE, size > UINT32_MAX ? UINT32_MAX : size,
			      NPU_FW_MAX_BYTES);
	memcpy(&h, image, sizeof(h));

	if ((uint32_t)h.magic != (uint32_t)NPU_FW_MAGIC)
		return refuse(out, NPU_BOOT_MAGIC, h.magic, (uint32_t)NPU_FW_MAGIC);
	if (h.magic != NPU_FW_MAGIC)
		return refuse(out, NPU_BOOT_MAGIC, h.magic >> 32, NPU_FW_MAGIC >> 32);
	if (h.header_version != NPU_FW_HEADER_VERSION)
		return refuse(out, NPU_BOOT_HEADER, h.header_version, NPU_FW_HEADER_VERSION);
	if (h.header_size != HEADER_BYTES)
		return refuse(out, NPU_BOOT_HEADER, h.header_size, HEADER_BYTES);
	if (h.image_size != size)
		return refuse(out, NPU_BOOT_SIZE, size, h.image_size);

	at = header_nonzero_field(&h);
	if (at < HEADER_BYTES)
		return refuse(out, NPU_BOOT_FIELD, at, 0);
	if (!npu_image_version_valid(h.version))
		return refuse(out, NPU_BOOT_FIELD, header_offset(version), 0);
	if (h.signature_type != NPU_FW_SIGNATURE_NONE)
		return refuse(out, NPU_BOOT_SIGNATURE, h.signature_type, NPU_FW_SIGNATURE_NONE);

	if (h.n_sections < 1 || h.n_sections > NPU_FW_MAX_SECTIONS ||
	    h.n_sections * SECTION_BYTES > size - HEADER_BYTES)
		return refuse(out, NPU_BOOT_SECTION, h.n_sections, header_offset(n_sections));
	memcpy(sections, (const uint8_t *)image + HEADER_BYTES, h.n_sections * SECTION_BYTES);
	for (i = 0; i < h.n_sections; i++) {
		uint32_t base = HEADER_BYTES + i * SECTION_BYTES;

		at = check_section(sections, i, size, HEADER_BYTES + h.n_sections * SECTION_BYTES);
		if (at < SECTION_BYTES)
			return refuse(out, NPU_BOOT_SECTION, i, base + at);
		if (sections[i].pad)
			return refuse(out, NPU_BOOT_FIELD,
				      base + offsetof(struct npu_fw_section, pad), 0);
		if (sections[i].type == NPU_FW_SECTION_CONFIG)
			config = &sections[i];
	}

	npu_image_hash(image, size, hash);
	for (i = 0; i < NPU_FW_HASH_BYTES; i += 4)
		if (word(hash + i) != word(h.hash + i))
			return refuse(out, NPU_BOOT_HASH, word(hash + i), word(h.hash + i));

	if (limits->hw_version < h.hw_version_min)
		return refuse(out, NPU_BOOT_HW, h.hw_version_min, limits->hw_version);
	if (limits->hw_version > h.hw_version_max)
		return refuse(out, NPU_BOOT_HW, h.hw_version_max, limits->hw_version);
	if (h.api_max >> 16 != limits->api_major)
		return refuse(out, NPU_BOOT_API, h.api_max >> 16, limits->api_major);
	if (h.security_version < limits->security_counter)
		return refuse(out, NPU_BOOT_SECURITY, h.security_version,
			      limits->security_counter);

	if (!config || config->size != sizeof(out->config))
		return refuse(out, NPU_BOOT_CONFIG, 0, sizeof(out->config));
	memset(out, 0, sizeof(*out));
	memcpy(&out->config, (const uint8_t *)image + config->offset, sizeof(out->config));
	if (npu_image_check_config(&out->config, &at, &limit)) {
		if (at >= config_offset(reserved))
			return refuse(out, NPU_BOOT_FIELD, config->offset + at, 0);
		return refuse(out, NPU_BOOT_CONFIG, at, limit);
	}

	out->error = NPU_BOOT_OK;
	out->api = h.api_max;
	out->security_version = h.security_version;
	out->n_sections = h.n_sections;
	memcpy(out->version, h.version, sizeof(out->version));
	return 0;
}

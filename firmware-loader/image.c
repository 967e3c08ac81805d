// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "dev_key.h"
#include "image.h"
#include "npu_fw_parse.h"
#include "npu_versions.h"

#define HEADER_BYTES	sizeof(struct npu_fw_header)

#define config_offset(field)	((uint32_t)offsetof(struct npu_fw_config, field))

const struct npu_image_limits npu_image_limits_default = {
	.hw_version = NPU_HW_VERSION,
	.api_min = NPU_MESSAGES_DRIVER_MIN,
	.api_max = NPU_MESSAGES_DRIVER_MAX,
	.development = true,
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

int npu_image_section(const void *image, uint32_t i, struct npu_fw_section *out)
{
	struct npu_fw_header h;

	memcpy(&h, image, sizeof(h));
	if (i >= h.n_sections)
		return -ENOENT;
	npu_fw_get_section(image, i, out);
	return 0;
}

void npu_image_hash(const void *image, size_t size, uint8_t hash[NPU_FW_HASH_BYTES])
{
	static const uint8_t zeros[NPU_FW_HASH_BYTES + NPU_FW_SIGNATURE_BYTES];
	const size_t start = offsetof(struct npu_fw_header, hash);
	const size_t resume = start + sizeof(zeros);
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, image, start);
	crypto_hash_sha256_update(&state, zeros, sizeof(zeros));
	crypto_hash_sha256_update(&state, (const uint8_t *)image + resume, size - resume);
	crypto_hash_sha256_final(&state, hash);
}

NPU_STATIC_ASSERT(offsetof(struct npu_fw_header, signature) ==
		  offsetof(struct npu_fw_header, hash) + NPU_FW_HASH_BYTES,
		  "npu_image_hash() leaves out hash and signature as one");

void npu_image_signed_text(const uint8_t hash[NPU_FW_HASH_BYTES],
			   uint8_t text[NPU_IMAGE_SIGNED_BYTES])
{
	memcpy(text, NPU_FW_SIGNED_TEXT, sizeof(NPU_FW_SIGNED_TEXT));
	memcpy(text + sizeof(NPU_FW_SIGNED_TEXT), hash, NPU_FW_HASH_BYTES);
}

void npu_key_id(const uint8_t public_key[NPU_FW_KEY_BYTES], uint8_t id[NPU_KEY_ID_BYTES])
{
	crypto_hash_sha256(id, public_key, NPU_FW_KEY_BYTES);
}

uint32_t npu_key_id_word(const uint8_t id[NPU_KEY_ID_BYTES])
{
	return (uint32_t)id[0] << 24 | id[1] << 16 | id[2] << 8 | id[3];
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

static int check_hash(const void *image, size_t size, const struct npu_fw_header *h,
		      struct npu_image_result *out)
{
	uint8_t hash[NPU_FW_HASH_BYTES];
	size_t i;

	npu_image_hash(image, size, hash);
	for (i = 0; i < NPU_FW_HASH_BYTES; i += 4)
		if (word(hash + i) != word(h->hash + i))
			return refuse(out, NPU_BOOT_HASH, word(hash + i), word(h->hash + i));
	return 0;
}

/* Signature, then whose it is. The hash is known to be good. */
static int check_signature(const struct npu_fw_header *h, const struct npu_image_limits *limits,
			   struct npu_image_result *out)
{
	const uint32_t wanted = NPU_FW_SIGNATURE_ED25519;
	uint8_t text[NPU_IMAGE_SIGNED_BYTES];
	uint8_t id[NPU_KEY_ID_BYTES];
	uint32_t fused;

	if (h->signature_type == NPU_FW_SIGNATURE_NONE && !limits->need_signature)
		return 0;
	if (h->signature_type != wanted)
		return refuse(out, NPU_BOOT_SIGNATURE, h->signature_type, wanted);
	npu_image_signed_text(h->hash, text);
	if (crypto_sign_verify_detached(h->signature, text, sizeof(text), h->public_key))
		return refuse(out, NPU_BOOT_SIGNATURE, wanted, wanted);

	npu_key_id(h->public_key, id);
	if (!memcmp(h->public_key, npu_dev_key_public, sizeof(h->public_key))) {
		/* everybody can sign with it, so in production not even a fuse makes it good */
		if (!limits->development)
			return refuse(out, NPU_BOOT_DEV_KEY, npu_key_id_word(id), 1);
		out->development_key = true;
	} else if (!limits->has_fused_key || memcmp(id, limits->fused_key, sizeof(id))) {
		fused = limits->has_fused_key ? npu_key_id_word(limits->fused_key) : 0;
		return refuse(out, NPU_BOOT_KEY, npu_key_id_word(id), fused);
	}
	out->is_signed = true;
	memcpy(out->key_id, id, sizeof(id));
	return 0;
}

static int check_api(const struct npu_fw_header *h, const struct npu_image_limits *limits,
		     struct npu_image_result *out)
{
	if (limits->api_min > h->api_max)
		return refuse(out, NPU_BOOT_API, limits->api_min, h->api_max);
	if (limits->api_max < h->api_min)
		return refuse(out, NPU_BOOT_API, limits->api_max, h->api_min);
	return 0;
}

static int check_config(const void *image, uint32_t n_sections, struct npu_image_result *out)
{
	struct npu_fw_section s;
	uint32_t i, at, limit;

	/* npu_fw_parse() has seen that there is one, and its size */
	for (i = 0; i < n_sections; i++) {
		npu_fw_get_section(image, i, &s);
		if (s.type == NPU_FW_SECTION_CONFIG)
			break;
	}
	memcpy(&out->config, (const uint8_t *)image + s.offset, sizeof(out->config));
	if (!npu_image_check_config(&out->config, &at, &limit))
		return 0;
	if (at >= config_offset(reserved))
		return refuse(out, NPU_BOOT_FIELD, s.offset + at, 0);
	return refuse(out, NPU_BOOT_CONFIG, at, limit);
}

int npu_image_check(const void *image, size_t size, const struct npu_image_limits *limits,
		    struct npu_image_result *out)
{
	struct npu_fw_refusal why;
	struct npu_fw_header h;

	memset(out, 0, sizeof(*out));
	if (npu_fw_parse(image, size, limits->hw_version, &why))
		return refuse(out, why.error, why.found, why.wanted);
	memcpy(&h, image, sizeof(h));
	out->entry = npu_fw_entry(image);
	if (limits->need_code && !out->entry)
		return refuse(out, NPU_BOOT_SECTION, h.n_sections, 0);
	if (check_hash(image, size, &h, out) || check_signature(&h, limits, out))
		return -EINVAL;
	if (h.security_version < limits->security_counter)
		return refuse(out, NPU_BOOT_SECURITY, h.security_version,
			      limits->security_counter);
	if (check_api(&h, limits, out) || check_config(image, h.n_sections, out))
		return -EINVAL;

	out->api_min = h.api_min;
	out->api_max = h.api_max;
	out->security_version = h.security_version;
	out->n_sections = h.n_sections;
	memcpy(out->version, h.version, sizeof(out->version));
	return 0;
}

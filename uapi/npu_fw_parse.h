/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * First judgement of a firmware image: are all its ranges good. Tool, boot ROM and driver share
 * it. It needs no library and reads no byte outside of the image, whatever the image holds, nor
 * does it ask for any alignment. What it passes may still be refused for its hash, signature, key,
 * security version, API or configuration.
 */
#ifndef NPU_FW_PARSE_H
#define NPU_FW_PARSE_H

#include "npu_types.h"
#include "npu_fw_hw.h"
#include "npu_fw_image.h"
#include "npu_regs.h"

/* Why an image is refused; as in the registers NPU_REG_ERROR, ERROR_FOUND, ERROR_WANTED. */
struct npu_fw_refusal {
	__u32 error;	/* enum npu_boot_error */
	__u32 found;
	__u32 wanted;
};

#define NPU_FW_AT(type, field)	((__u32)__builtin_offsetof(struct type, field))

static inline int npu_fw_refuse(struct npu_fw_refusal *why, __u32 error, __u32 found, __u32 wanted)
{
	why->error = error;
	why->found = found;
	why->wanted = wanted;
	return -1;
}

static inline int npu_fw_is_zero(const __u8 *bytes, __u32 size)
{
	__u32 i;

	for (i = 0; i < size; i++)
		if (bytes[i])
			return 0;
	return 1;
}

/* A version is 1 to 31 of A-Z a-z 0-9 . _ + ~ - with zeros behind them. */
static inline int npu_fw_version_valid(const char version[32])
{
	__u32 i;

	for (i = 0; i < 32 && version[i]; i++) {
		char c = version[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '_' || c == '+' || c == '~' || c == '-'))
			return 0;
	}
	return i && i < 32 && npu_fw_is_zero((const __u8 *)version + i, 32 - i);
}

/* Section i of an image whose table was found to lie within it. */
static inline void npu_fw_get_section(const void *image, __u32 i, struct npu_fw_section *out)
{
	__builtin_memcpy(out, (const __u8 *)image + sizeof(struct npu_fw_header) +
			 i * sizeof(*out), sizeof(*out));
}

static inline int npu_fw_overlap(__u64 a, __u64 a_size, __u64 b, __u64 b_size)
{
	return a_size && b_size && a < b + b_size && b < a + a_size;
}

/*
 * What a section may be:
 *
 *   CODE    R and X, or X alone; entry zero, or the first instruction, a word of its bytes
 *   DATA    R, or R and W; or no rights and no bytes: pages that nothing may touch, such as the
 *           end of a stack
 *   CONFIG  R; not loaded: load_addr and entry are zero, load_size is size
 *
 * CODE and DATA are loaded to whole pages of the control core's memory below the hand-over.
 * Returns the offset of the first field that breaks this, sizeof(*s) if none does.
 */
static inline __u32 npu_fw_check_section(const struct npu_fw_section *s, __u32 image_size,
					 __u32 table_end)
{
	const __u32 r = NPU_FW_SECTION_R, w = NPU_FW_SECTION_W, x = NPU_FW_SECTION_X;
	int good;

	if (s->type == NPU_FW_SECTION_CODE)
		good = s->flags == x || s->flags == (r | x);
	else if (s->type == NPU_FW_SECTION_DATA)
		good = s->flags == r || s->flags == (r | w) || !s->flags;
	else if (s->type == NPU_FW_SECTION_CONFIG)
		good = s->flags == r;
	else
		return NPU_FW_AT(npu_fw_section, type);
	if (!good)
		return NPU_FW_AT(npu_fw_section, flags);
	if (s->offset % 16 || s->offset < table_end || s->offset > image_size)
		return NPU_FW_AT(npu_fw_section, offset);
	if (s->size > image_size - s->offset || (!s->flags && s->size))
		return NPU_FW_AT(npu_fw_section, size);

	if (s->type == NPU_FW_SECTION_CONFIG) {
		if (s->load_addr)
			return NPU_FW_AT(npu_fw_section, load_addr);
		if (s->load_size != s->size)
			return NPU_FW_AT(npu_fw_section, load_size);
	} else {
		if (s->load_addr % NPU_CC_PAGE_BYTES || s->load_addr < NPU_CC_RAM_BASE ||
		    s->load_addr >= NPU_CC_HANDOFF)
			return NPU_FW_AT(npu_fw_section, load_addr);
		if (!s->load_size || s->load_size < s->size ||
		    s->load_size > NPU_CC_HANDOFF - s->load_addr)
			return NPU_FW_AT(npu_fw_section, load_size);
	}

	if (s->entry && (s->type != NPU_FW_SECTION_CODE || s->entry % 4 ||
			 s->entry < s->load_addr || s->size < 4 ||
			 s->entry - s->load_addr > s->size - 4))
		return NPU_FW_AT(npu_fw_section, entry);
	return sizeof(*s);
}

/* The same for sections a and b beside each other: the field of the later one, b. */
static inline __u32 npu_fw_check_sections(const struct npu_fw_section *a,
					  const struct npu_fw_section *b)
{
	int config = a->type == NPU_FW_SECTION_CONFIG;

	if (npu_fw_overlap(a->offset, a->size, b->offset, b->size))
		return NPU_FW_AT(npu_fw_section, offset);
	if (config && b->type == NPU_FW_SECTION_CONFIG)
		return NPU_FW_AT(npu_fw_section, type);
	/* both start on a page: if their bytes are apart, so are their pages */
	if (!config && b->type != NPU_FW_SECTION_CONFIG &&
	    npu_fw_overlap(a->load_addr, a->load_size, b->load_addr, b->load_size))
		return NPU_FW_AT(npu_fw_section, load_addr);
	if (a->entry && b->entry)
		return NPU_FW_AT(npu_fw_section, entry);
	return sizeof(*b);
}

static inline int npu_fw_parse_header(const struct npu_fw_header *h, __u64 size,
				      __u32 hw_version, struct npu_fw_refusal *why)
{
	if ((__u32)h->magic != (NPU_FW_MAGIC & 0xffffffff))
		return npu_fw_refuse(why, NPU_BOOT_MAGIC, (__u32)h->magic,
				     NPU_FW_MAGIC & 0xffffffff);
	if (h->magic != NPU_FW_MAGIC)
		return npu_fw_refuse(why, NPU_BOOT_MAGIC, (__u32)(h->magic >> 32),
				     (__u32)(NPU_FW_MAGIC >> 32));
	if (h->header_version != NPU_FW_HEADER_VERSION)
		return npu_fw_refuse(why, NPU_BOOT_HEADER, h->header_version,
				     NPU_FW_HEADER_VERSION);
	if (h->header_size != sizeof(*h))
		return npu_fw_refuse(why, NPU_BOOT_HEADER, h->header_size, sizeof(*h));
	if (h->image_size != size)
		return npu_fw_refuse(why, NPU_BOOT_SIZE, (__u32)size, h->image_size);

	if (h->flags)
		return npu_fw_refuse(why, NPU_BOOT_FIELD, NPU_FW_AT(npu_fw_header, flags), 0);
	if (h->pad)
		return npu_fw_refuse(why, NPU_BOOT_FIELD, NPU_FW_AT(npu_fw_header, pad), 0);
	if (!npu_fw_is_zero(h->reserved, sizeof(h->reserved)))
		return npu_fw_refuse(why, NPU_BOOT_FIELD, NPU_FW_AT(npu_fw_header, reserved), 0);
	if (h->api_min > h->api_max || h->api_min >> 16 != h->api_max >> 16)
		return npu_fw_refuse(why, NPU_BOOT_FIELD, NPU_FW_AT(npu_fw_header, api_min), 0);
	if (!npu_fw_version_valid(h->version))
		return npu_fw_refuse(why, NPU_BOOT_FIELD, NPU_FW_AT(npu_fw_header, version), 0);
	if (h->signature_type == NPU_FW_SIGNATURE_NONE) {
		if (!npu_fw_is_zero(h->public_key, sizeof(h->public_key)))
			return npu_fw_refuse(why, NPU_BOOT_FIELD,
					     NPU_FW_AT(npu_fw_header, public_key), 0);
		if (!npu_fw_is_zero(h->signature, sizeof(h->signature)))
			return npu_fw_refuse(why, NPU_BOOT_FIELD,
					     NPU_FW_AT(npu_fw_header, signature), 0);
	}

	if (hw_version < h->hw_version_min)
		return npu_fw_refuse(why, NPU_BOOT_HW, h->hw_version_min, hw_version);
	if (hw_version > h->hw_version_max)
		return npu_fw_refuse(why, NPU_BOOT_HW, h->hw_version_max, hw_version);
	if (h->n_sections < 1 || h->n_sections > NPU_FW_MAX_SECTIONS ||
	    h->n_sections * sizeof(struct npu_fw_section) > size - sizeof(*h))
		return npu_fw_refuse(why, NPU_BOOT_SECTION, h->n_sections,
				     NPU_FW_AT(npu_fw_header, n_sections));
	return 0;
}

/**
 * npu_fw_parse - Check every range of an image.
 * @image: what was read, of any alignment; it must not change meanwhile
 * @size: its bytes
 * @hw_version: NPU_REG_HW_VERSION of the device
 * @why: the refusal; NPU_BOOT_OK and zeros if there is none
 *
 * In the order of this table; the first that fails is told. Offsets count from the image's start.
 *
 *   NPU_BOOT_SIZE     found: the bytes given; wanted: those of a header, NPU_FW_MAX_BYTES, or the
 *                     image size in the header
 *   NPU_BOOT_MAGIC    found, wanted: the 32 bits of the magic that differ, low ones first
 *   NPU_BOOT_HEADER   found, wanted: header version, then header size (then image size, see above)
 *   NPU_BOOT_FIELD    found: offset of a field that is not zero as it must be, of a version that is
 *                     no text, or of a range of APIs (api_min) that is none; wanted: zero
 *   NPU_BOOT_HW       found: the end of the image's range that is passed; wanted: hw_version
 *   NPU_BOOT_SECTION  found: index of the section, or n_sections; wanted: offset of the field that
 *                     is out of bounds (NPU_BOOT_FIELD as above if it is the pad)
 *   NPU_BOOT_CONFIG   no CONFIG section, or one of another size; found: zero; wanted: its size
 *
 * An image holds exactly one CONFIG section and at most one entry. One without an entry has its
 * ranges in order, but nothing to run: who is about to run it asks npu_fw_entry().
 *
 * Returns 0, or -1.
 */
static inline int npu_fw_parse(const void *image, __u64 size, __u32 hw_version,
			       struct npu_fw_refusal *why)
{
	const __u32 config_size = sizeof(struct npu_fw_config);
	struct npu_fw_section s, other;
	struct npu_fw_header h;
	__u32 table_end, at, i, j;
	int config = 0;

	npu_fw_refuse(why, NPU_BOOT_OK, 0, 0);
	if (size < sizeof(h))
		return npu_fw_refuse(why, NPU_BOOT_SIZE, (__u32)size, sizeof(h));
	if (size > NPU_FW_MAX_BYTES)
		return npu_fw_refuse(why, NPU_BOOT_SIZE, size >> 32 ? ~0u : (__u32)size,
				     NPU_FW_MAX_BYTES);
	__builtin_memcpy(&h, image, sizeof(h));
	if (npu_fw_parse_header(&h, size, hw_version, why))
		return -1;

	table_end = sizeof(h) + h.n_sections * sizeof(s);
	for (i = 0; i < h.n_sections; i++) {
		__u32 start = sizeof(h) + i * sizeof(s);

		npu_fw_get_section(image, i, &s);
		at = npu_fw_check_section(&s, (__u32)size, table_end);
		for (j = 0; j < i && at == sizeof(s); j++) {
			npu_fw_get_section(image, j, &other);
			at = npu_fw_check_sections(&other, &s);
		}
		if (at < sizeof(s))
			return npu_fw_refuse(why, NPU_BOOT_SECTION, i, start + at);
		if (s.pad)
			return npu_fw_refuse(why, NPU_BOOT_FIELD,
					     start + NPU_FW_AT(npu_fw_section, pad), 0);
		if (s.type == NPU_FW_SECTION_CONFIG) {
			if (s.size != config_size)
				return npu_fw_refuse(why, NPU_BOOT_CONFIG, 0, config_size);
			config = 1;
		}
	}
	if (!config)
		return npu_fw_refuse(why, NPU_BOOT_CONFIG, 0, config_size);
	return 0;
}

/* First instruction of an image that npu_fw_parse() passed; zero: it has none. */
static inline __u32 npu_fw_entry(const void *image)
{
	struct npu_fw_section s;
	struct npu_fw_header h;
	__u32 i;

	__builtin_memcpy(&h, image, sizeof(h));
	for (i = 0; i < h.n_sections; i++) {
		npu_fw_get_section(image, i, &s);
		if (s.entry)
			return s.entry;
	}
	return 0;
}

#endif

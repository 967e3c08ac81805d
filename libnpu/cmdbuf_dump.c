// SPDX-License-Identifier: MIT
/* Command buffers as text. The bytes are untrusted: each bound is checked before use. */
#include <errno.h>
#include <string.h>

#include "cmd_table.h"
#include "error.h"
#include "npu.h"

static void dump_reg(FILE *out, unsigned int reg)
{
	if (reg >= NPU_REG_PARAM(0) && reg <= NPU_MAX_PARAMS)
		fprintf(out, "p%u", reg - NPU_REG_PARAM(0));
	else if (reg >= NPU_REG_TEMP(0) && reg < NPU_REG_COUNT)
		fprintf(out, "t%u", reg - NPU_REG_TEMP(0));
	else
		fprintf(out, "r%u", reg);
}

static void dump_addr(FILE *out, const struct npu_addr *a)
{
	fprintf(out, "0x%llx", (unsigned long long)a->base);
	if (a->reg == NPU_REG_ZERO)
		return;
	fputc('+', out);
	dump_reg(out, a->reg);
	fprintf(out, "*%u", a->stride);
}

static void dump_count(FILE *out, const struct npu_count *c)
{
	if (c->imm || c->reg == NPU_REG_ZERO)
		fprintf(out, "%u", c->imm);
	if (c->imm && c->reg != NPU_REG_ZERO)
		fputc('+', out);
	if (c->reg != NPU_REG_ZERO)
		dump_reg(out, c->reg);
}

static void dump_name(FILE *out, const struct cmd_field *f, uint64_t v)
{
	uint64_t n = 0;

	while (f->names[n] && n < v)
		n++;
	if (f->names[n])
		fputs(f->names[n], out);
	else
		fprintf(out, "?%llu", (unsigned long long)v);
}

static void dump_field(FILE *out, const struct cmd_field *f, const uint8_t *cmd)
{
	const uint8_t *p = cmd + f->offset;
	uint64_t v = cmd_field_value(f, cmd);
	struct npu_count count;
	struct npu_addr addr;
	float real;

	fprintf(out, " %s=", f->name);
	switch (f->kind) {
	case FIELD_ADDR:
		memcpy(&addr, p, sizeof(addr));
		dump_addr(out, &addr);
		break;
	case FIELD_COUNT:
		memcpy(&count, p, sizeof(count));
		dump_count(out, &count);
		break;
	case FIELD_REG:
		dump_reg(out, (unsigned int)v);
		break;
	case FIELD_F32:
		memcpy(&real, p, sizeof(real));
		fprintf(out, "%g", (double)real);
		break;
	case FIELD_COND:
	case FIELD_NAME:
		dump_name(out, f, v);
		break;
	case FIELD_SPAD:
	case FIELD_MASK:
	case FIELD_HEX64:
		fprintf(out, "0x%llx", (unsigned long long)v);
		break;
	default:
		fprintf(out, "%llu", (unsigned long long)v);
		break;
	}
}

/* One command at cmd, `left` bytes up to the stream's end. Returns its length, 0 if it has none. */
static uint32_t dump_command(FILE *out, const uint8_t *cmd, uint32_t left, uint32_t offset,
			     uint32_t *depth)
{
	uint64_t copy[256 * 8 / 8];
	const struct cmd_info *info;
	struct npu_cmd_hdr hdr;
	uint32_t size;

	memcpy(&hdr, cmd, sizeof(hdr));
	size = hdr.words * 8u;
	info = cmd_info_get(hdr.opcode);
	if (hdr.opcode == NPU_OP_LOOP_END && *depth)
		(*depth)--;
	fprintf(out, "%06x  %*s%-8s", offset, (int)(2 * *depth), "", npu_opcode_name(hdr.opcode));
	if (hdr.opcode == NPU_OP_LOOP && *depth < NPU_MAX_LOOP_DEPTH)
		(*depth)++;
	if (!info || size != info->size || size > left) {
		fprintf(out, " opcode 0x%02x, %u bytes, %u left\n", hdr.opcode, size, left);
		return size > left ? 0 : size;
	}
	memcpy(copy, cmd, size);
	for (const struct cmd_field *f = info->field; f->kind != FIELD_END; f++)
		dump_field(out, f, (const uint8_t *)copy);
	if (hdr.flags)
		fprintf(out, " flags=0x%x", hdr.flags);
	if (hdr.wait)
		fprintf(out, " wait=0x%04x", hdr.wait);
	if (hdr.signal)
		fprintf(out, " signal=0x%04x", hdr.signal);
	fputc('\n', out);
	return size;
}

static int dump_stream(const uint8_t *data, uint32_t core, uint32_t offset, uint32_t size,
		       FILE *out)
{
	uint32_t end = offset + size;
	uint32_t depth = 0;
	uint32_t n = 0;

	fprintf(out, "core %u: %u bytes\n", core, size);
	while (end - offset >= sizeof(struct npu_cmd_hdr)) {
		uint32_t used = dump_command(out, data + offset, end - offset, offset, &depth);

		if (!used)
			return npu_fail(-EINVAL, "command buffer: core %u, command %u at offset %u "
					"leaves its stream or has no length", core, n, offset);
		offset += used;
		n++;
	}
	return 0;
}

int npu_cmdbuf_dump(const void *data, size_t size, FILE *out)
{
	struct npu_cmdbuf_header h;
	int rc = 0;

	if (size < sizeof(h))
		return npu_fail(-EINVAL, "command buffer: %zu bytes, the header has %zu", size,
				sizeof(h));
	memcpy(&h, data, sizeof(h));
	if (h.magic != NPU_CMDBUF_MAGIC)
		return npu_fail(-EINVAL, "command buffer: magic is 0x%08x, wanted 0x%08x", h.magic,
				NPU_CMDBUF_MAGIC);
	fprintf(out, "version %u.%u, %u bytes, %u streams, %u parameters\n", h.version_major,
		h.version_minor, h.size, h.n_streams, h.n_params);
	if (h.n_streams > NPU_MAX_CORES)
		return npu_fail(-EINVAL, "command buffer: %u streams, at most %u", h.n_streams,
				NPU_MAX_CORES);
	for (uint32_t i = 0; i < h.n_streams && !rc; i++) {
		uint32_t offset = h.stream[i].offset;

		if (offset > size || h.stream[i].size > size - offset)
			return npu_fail(-EINVAL,
					"command buffer: stream %u (%u bytes at %u) leaves "
					"the %zu bytes",
					i, h.stream[i].size, offset, size);
		rc = dump_stream(data, i, offset, h.stream[i].size, out);
	}
	return rc;
}

// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_table.h"
#include "cmdbuf.h"
#include "error.h"

#define STREAM_ROOM_FIRST 4096
#define CMD_ALIGN 8

static int check_streams(uint32_t n_streams)
{
	if (!n_streams || n_streams > NPU_MAX_CORES)
		return npu_fail(-EINVAL, "command buffer: %u streams, must be 1..%u", n_streams,
				NPU_MAX_CORES);
	return 0;
}

int npu_cmdbuf_create(uint32_t n_streams, struct npu_cmdbuf **out)
{
	struct npu_cmdbuf *cb;
	int rc = check_streams(n_streams);

	if (rc)
		return rc;
	cb = calloc(1, sizeof(*cb));
	if (!cb)
		return npu_fail(-ENOMEM, "command buffer: no memory");
	cb->n_streams = n_streams;
	*out = cb;
	return 0;
}

void npu_cmdbuf_destroy(struct npu_cmdbuf *cb)
{
	if (!cb)
		return;
	for (uint32_t i = 0; i < NPU_MAX_CORES; i++)
		free(cb->stream[i].data);
	free(cb->image);
	free(cb);
}

int npu_cmdbuf_reset(struct npu_cmdbuf *cb, uint32_t n_streams)
{
	int rc = check_streams(n_streams);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < NPU_MAX_CORES; i++) {
		cb->stream[i].size = 0;
		cb->stream[i].depth = 0;
		cb->stream[i].commands = 0;
	}
	cb->n_streams = n_streams;
	cb->error = 0;
	cb->ended = false;
	cb->total = 0;
	cb->n_params = 0;
	cb->image_size = 0;
	return 0;
}

/* Registers r1..r24 that a command names are parameters that a job has to bring. */
static void note_params(struct npu_cmdbuf *cb, const struct cmd_info *info, const void *cmd)
{
	for (const struct cmd_field *f = info->field; f->kind != FIELD_END; f++) {
		unsigned int reg = cmd_field_reg(f, cmd);

		if (reg <= NPU_MAX_PARAMS && reg > cb->n_params)
			cb->n_params = reg;
	}
}

static int check_nesting(struct npu_cmdbuf *cb, uint32_t core, uint8_t opcode)
{
	struct cmdbuf_stream *s = &cb->stream[core];

	if (opcode == NPU_OP_LOOP && s->depth++ == NPU_MAX_LOOP_DEPTH)
		return npu_fail(-E2BIG, "command buffer: core %u: loops nest deeper than %u", core,
				NPU_MAX_LOOP_DEPTH);
	if (opcode == NPU_OP_LOOP_END && !s->depth--)
		return npu_fail(-EINVAL, "command buffer: core %u: LOOP_END without LOOP", core);
	if (opcode == NPU_OP_BREAK && !s->depth)
		return npu_fail(-EINVAL, "command buffer: core %u: BREAK outside a loop", core);
	return 0;
}

static int check_command(struct npu_cmdbuf *cb, uint32_t core, const struct cmd_info *info,
			 const void *cmd)
{
	const struct cmd_field *field;
	const char *why;
	int rc = cmd_check(info, cmd, core, cb->n_streams, &field, &why);

	if (!rc)
		return 0;
	if (!field)
		return npu_fail(rc, "command buffer: core %u, command %u (%s): %s", core,
				cb->stream[core].commands, info->name, why);
	return npu_fail(rc, "command buffer: core %u, command %u (%s): %s is %llu, reg %u: %s "
			"(range %u..%u, multiple of %u)",
			core, cb->stream[core].commands, info->name, field->name,
			(unsigned long long)cmd_field_value(field, cmd), cmd_field_reg(field, cmd),
			why, field->min, field->max, field->mult);
}

static int stream_append(struct cmdbuf_stream *s, const void *cmd, size_t size)
{
	if (s->size + size > s->room) {
		size_t room = s->room ? 2 * s->room : STREAM_ROOM_FIRST;
		uint8_t *data = realloc(s->data, room);

		if (!data)
			return npu_fail(-ENOMEM, "command buffer: no memory for %zu bytes", room);
		s->data = data;
		s->room = room;
	}
	memcpy(s->data + s->size, cmd, size);
	s->size += size;
	s->commands++;
	return 0;
}

static int put_one(struct npu_cmdbuf *cb, uint32_t core, const struct cmd_info *info,
		   const void *cmd)
{
	int rc;

	if (cb->total + info->size > NPU_MAX_CMDBUF_BYTES - sizeof(struct npu_cmdbuf_header))
		return npu_fail(-E2BIG, "command buffer: larger than %u bytes",
				NPU_MAX_CMDBUF_BYTES);
	rc = check_command(cb, core, info, cmd);
	if (!rc)
		rc = check_nesting(cb, core, info->opcode);
	if (!rc)
		rc = stream_append(&cb->stream[core], cmd, info->size);
	if (!rc)
		cb->total += info->size;
	return rc;
}

int cmdbuf_put(struct npu_cmdbuf *cb, uint32_t core, uint8_t opcode, const void *cmd, size_t size)
{
	const struct cmd_info *info = cmd_info_get(opcode);
	uint64_t copy[256 / 8];
	struct npu_cmd_hdr *hdr = (struct npu_cmd_hdr *)copy;
	uint32_t first = core == NPU_ALL_CORES ? 0 : core;
	uint32_t last = core == NPU_ALL_CORES ? cb->n_streams - 1 : core;

	if (cb->error)
		return cb->error;
	if (cb->ended)
		return cb->error = npu_fail(-EINVAL, "command buffer: has ended; reset it first");
	if (last >= cb->n_streams)
		return cb->error = npu_fail(-EINVAL, "command buffer: core %u, it has %u streams",
					    core, cb->n_streams);
	memcpy(copy, cmd, size);
	hdr->opcode = opcode;
	hdr->words = (uint8_t)(size / 8);
	note_params(cb, info, copy);
	for (uint32_t i = first; i <= last && !cb->error; i++)
		cb->error = put_one(cb, i, info, copy);
	return cb->error;
}

int npu_cmdbuf_end(struct npu_cmdbuf *cb)
{
	const struct npu_cmd_hdr end = { .opcode = NPU_OP_END };
	struct npu_cmdbuf_header *h;
	size_t size = NPU_ALIGN_UP(sizeof(*h), (size_t)64);
	uint8_t *image;

	cmdbuf_put(cb, NPU_ALL_CORES, NPU_OP_END, &end, sizeof(end));
	for (uint32_t i = 0; i < cb->n_streams && !cb->error; i++)
		if (cb->stream[i].depth)
			cb->error = npu_fail(-EINVAL, "command buffer: core %u: %u loops are open",
					     i, cb->stream[i].depth);
	if (cb->error)
		return cb->error;
	size += cb->total;
	if (size > NPU_MAX_CMDBUF_BYTES)
		return cb->error = npu_fail(-E2BIG, "command buffer: %zu bytes, at most %u", size,
					    NPU_MAX_CMDBUF_BYTES);
	image = realloc(cb->image, size);
	if (!image)
		return cb->error = npu_fail(-ENOMEM, "command buffer: no memory for %zu bytes",
					    size);
	cb->image = image;
	cb->image_size = (uint32_t)size;
	memset(image, 0, size - cb->total);
	h = (struct npu_cmdbuf_header *)image;
	h->magic = NPU_CMDBUF_MAGIC;
	h->version_major = NPU_CMD_VERSION_MAJOR;
	h->version_minor = NPU_CMD_VERSION_MINOR;
	h->size = cb->image_size;
	h->n_streams = (__u16)cb->n_streams;
	h->n_params = (__u16)cb->n_params;
	size -= cb->total;
	for (uint32_t i = 0; i < cb->n_streams; i++) {
		h->stream[i].offset = (__u32)size;
		h->stream[i].size = (__u32)cb->stream[i].size;
		memcpy(image + size, cb->stream[i].data, cb->stream[i].size);
		size += cb->stream[i].size;
	}
	cb->ended = true;
	return 0;
}

const void *npu_cmdbuf_data(const struct npu_cmdbuf *cb, uint32_t *size)
{
	*size = cb->ended ? cb->image_size : 0;
	return cb->ended ? cb->image : NULL;
}

int npu_cmdbuf_place(const struct npu_cmdbuf *cb, struct npu_buffer *buf, uint64_t va,
		     uint64_t offset, struct npu_job *job)
{
	uint64_t room = npu_buffer_size(buf);
	void *map;
	int rc;

	if (!cb->ended)
		return npu_fail(-EINVAL, "command buffer: has not ended");
	if (offset % 64 || va % 64)
		return npu_fail(-EINVAL, "command buffer: offset %llu and address 0x%llx must be "
				"multiples of 64", (unsigned long long)offset,
				(unsigned long long)va);
	if (offset > room || cb->image_size > room - offset)
		return npu_fail(-ENOSPC, "command buffer: %u bytes at offset %llu do not fit a "
				"buffer of %llu", cb->image_size, (unsigned long long)offset,
				(unsigned long long)room);
	rc = npu_buffer_map(buf, &map);
	if (rc)
		return rc;
	memcpy((uint8_t *)map + offset, cb->image, cb->image_size);
	job->cmdbuf = va + offset;
	job->cmdbuf_size = cb->image_size;
	return 0;
}

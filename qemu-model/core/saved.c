/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "saved.h"

int npu_saved_fill(struct npu_saved **slot, const struct npu_job *job,
		   struct npu_program *program, const struct npu_done *done)
{
	struct npu_saved *saved = malloc(sizeof(*saved));

	if (!saved)
		return -ENOMEM;
	program->users++;
	saved->program = program;
	saved->progress = __atomic_load_n(&job->progress, __ATOMIC_RELAXED);
	saved->done = *done;
	for (uint32_t i = 0; i < program->n_streams; i++) {
		const struct npu_stream *s = &job->streams[i];
		struct npu_saved_stream *to = &saved->stream[i];

		memcpy(to->reg, s->reg, sizeof(to->reg));
		memcpy(to->loop, s->loop, sizeof(to->loop));
		to->commands = s->commands;
		to->pc = s->pc;
		to->depth = s->depth;
		to->mark = s->mark;
		to->ended = s->stop == NPU_STEP_END;
	}
	*slot = saved;
	return 0;
}

void npu_saved_restore(const struct npu_saved *saved, struct npu_job *job)
{
	__atomic_store_n(&job->progress, saved->progress, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < saved->program->n_streams; i++) {
		const struct npu_saved_stream *from = &saved->stream[i];
		struct npu_stream *s = &job->streams[i];

		memcpy(s->reg, from->reg, sizeof(s->reg));
		memcpy(s->loop, from->loop, sizeof(s->loop));
		s->commands = from->commands;
		s->pc = from->pc;
		s->depth = from->depth;
		s->mark = from->mark;
		s->stop = from->ended ? NPU_STEP_END : NPU_STEP_OK;
	}
}

void npu_saved_drop(struct npu_saved **slot)
{
	if (!*slot)
		return;
	npu_program_put((*slot)->program);
	free(*slot);
	*slot = NULL;
}

void npu_saved_add(struct npu_done *sum, const struct npu_done *run)
{
	sum->model_ns += run->model_ns;
	for (unsigned int i = 0; i < NPU_ENGINE_COUNT; i++)
		sum->busy_ns[i] += run->busy_ns[i];
	sum->read_bytes += run->read_bytes;
	sum->write_bytes += run->write_bytes;
	sum->macs += run->macs;
	sum->energy_pj += run->energy_pj;
	sum->host_ns += run->host_ns;
}

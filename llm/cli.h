/* SPDX-License-Identifier: MIT */
/* The commands of npu-llm. */
#ifndef LLM_CLI_H
#define LLM_CLI_H

#include "engine.h"
#include "options.h"

/* Each returns 0 or -errno with text. */
int llm_cmd_run(const struct llm_options *o, struct llm_err *err);
int llm_cmd_bench(const struct llm_options *o, struct llm_err *err);

/*
 * The device to use: the one asked for, else "drm" if there is a node, else "sim", which is said
 * on standard error unless quiet. Errors: a node that is there but cannot be opened.
 */
int llm_pick_device(const struct llm_options *o, const char **device, struct llm_err *err);

/* State of the progress line on standard error; quiet when that is no terminal. */
struct llm_progress {
	bool terminal;
	bool shown;
	uint64_t start_ns;	/* host time */
	unsigned int percent;	/* last shown */
};

void llm_progress_start(struct llm_progress *p, bool quiet);
/* As struct llm_engine_config.progress, with the struct as opaque. */
void llm_progress_update(void *opaque, uint64_t done, uint64_t total);
/* Takes the line away. */
void llm_progress_end(struct llm_progress *p);

#endif

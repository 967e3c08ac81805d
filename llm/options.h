/* SPDX-License-Identifier: MIT */
/* The command line of npu-llm. */
#ifndef LLM_OPTIONS_H
#define LLM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define LLM_MAX_STOPS	16
#define LLM_MAX_IDS	(1u << 20)

enum llm_command { LLM_CMD_RUN, LLM_CMD_BENCH };

struct llm_options {
	enum llm_command command;
	const char *model;		/* -m */
	const char *device;		/* --device; NULL: drm if there is one, else sim */
	const char *prompt;		/* -p, or the contents of -f; NULL: none given */
	size_t prompt_len;		/* bytes; a file may hold zeros */
	uint32_t *ids;			/* --ids, owned; NULL: none given */
	size_t n_ids;
	uint32_t n;			/* -n: tokens to decode at most */
	uint32_t ctx;			/* --ctx; 0: chosen from model and prompt */
	uint32_t chunk;			/* --chunk: prompt tokens a submission, 1..512 */
	uint32_t steps;			/* --steps: decode steps a submission; 0: adapts */
	uint32_t priority;		/* --priority: NPU_PRIORITY_* */
	float temperature;
	uint32_t top_k;
	float top_p;
	float min_p;
	float repeat_penalty;
	float frequency_penalty;
	float presence_penalty;
	uint32_t repeat_last;		/* tokens that the penalties look at */
	uint64_t seed;
	const char *stop[LLM_MAX_STOPS];
	unsigned int n_stops;
	bool ignore_eos;
	bool no_bos;
	bool parse_special;		/* special tokens written out in the prompt count as such */
	bool echo;			/* print the prompt before the text */
	bool json;
	bool quiet;
	const char *dump_logits;
	const char *dump_kv;
	uint32_t bench_prompt;		/* bench -p */
	uint32_t bench_decode;		/* bench -n */
	uint32_t bench_depth;		/* bench --depth: context before measuring */
	uint32_t bench_runs;		/* bench -r */
	char *prompt_storage;		/* owned */
};

/*
 * Parses argv. Returns 0, 1 when help or version was printed and the program should end well, or
 * -errno with text. llm_options_free() in every case.
 */
int llm_options_parse(int argc, char **argv, struct llm_options *o, struct llm_err *err);
void llm_options_free(struct llm_options *o);

#endif

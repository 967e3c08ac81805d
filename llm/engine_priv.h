/* SPDX-License-Identifier: MIT */
/* What the files of the engine share; nobody else includes it. */
#ifndef LLM_ENGINE_PRIV_H
#define LLM_ENGINE_PRIV_H

#include "engine.h"

/* Submissions under way at most */
#define LLM_FLIGHTS	2u

/* Parameters of the command buffers */
enum { P_ROWS, P_POS, P_STEPS, P_COUNT };

/*
 * Command buffers. Few and many rows differ in how attention rounds, as in llama.cpp, whose tokens
 * are met only so; see prompt_graph() in engine.c.
 */
enum llm_graph {
	GRAPH_CHUNK_FEW,	/* rows, pos */
	GRAPH_LAST_FEW,		/* rows, pos; draws the next token */
	GRAPH_CHUNK_MANY,
	GRAPH_LAST_MANY,
	GRAPH_DECODE,		/* pos, steps */
	GRAPH_COUNT
};

/* A buffer bound in the engine's address space; map is NULL where the host has no business. */
struct llm_region {
	struct npu_buffer *buf;
	uint64_t va;
	uint64_t bytes;
	uint8_t *map;
};

struct llm_layer {
	struct npu_weight q, k, v, o, gate, up, down;
	uint64_t attn_norm;	/* device addresses of float [n_embd] */
	uint64_t ffn_norm;
};

struct llm_engine {
	const struct llm_model *model;
	struct npu_device *dev;
	struct npu_vm *vm;
	struct npu_queue *queue;

	struct llm_region weights;
	struct llm_region consts;	/* norms, table of rotations */
	struct llm_region kv;
	struct llm_region io;		/* tokens, sampling parameters, logits */
	struct llm_region work;		/* what the cores exchange */
	struct llm_region code;		/* command buffers */

	uint32_t ctx;			/* positions that may be used */
	uint32_t capacity;		/* ctx rounded up to 16 */
	uint32_t chunk;
	uint32_t repeat_last;
	uint32_t stop_ids[LLM_MAX_STOP_IDS];
	uint32_t n_stop_ids;

	struct npu_weight embd, output;
	struct llm_layer *layer;	/* [n_layer] */
	uint64_t output_norm;		/* device address */
	uint64_t rope;			/* device address */

	uint64_t tokens_va;		/* u32 [capacity + 1] */
	uint64_t params_va;		/* struct npu_sample_params */
	uint64_t logits_va;		/* float [n_vocab] */
	uint32_t *tokens;
	struct npu_sample_params *params;
	const float *logits;

	struct npu_job job[GRAPH_COUNT];

	uint32_t pos;			/* position of the last token drawn; not in the cache yet */
	uint32_t steps;			/* a submission; adapts unless fixed */
	bool steps_fixed;
	uint32_t flights;		/* decode submissions under way at most */
	uint32_t priority;
	uint32_t in_flight;		/* submissions now */
	bool behind[LLM_FLIGHTS];	/* submitted behind another; at seqno % LLM_FLIGHTS */
	uint64_t latency_ns;		/* modelled, of the job that finished last */
	uint64_t token_ns;		/* the same for each of its tokens */
	uint64_t load_ns;
	struct llm_totals prefill_totals, decode_totals;
};

uint64_t llm_now_ns(void);

/* Writes libnpu's text after @what into @err; returns @ret. */
int llm_npu_fail(struct llm_err *err, int ret, const char *what);

/* Makes and binds a buffer; @map asks for a host mapping. The device may write it if @write. */
int llm_region_create(struct llm_engine *e, struct llm_region *r, uint64_t bytes, bool write,
		      bool map, const char *what, struct llm_err *err);
void llm_region_destroy(struct llm_region *r);

/* Waits for a job and adds its figures to @t; a fault becomes an error with text. */
int llm_job_finish(struct llm_engine *e, uint64_t seqno, struct llm_totals *t,
		   struct llm_err *err);

/* engine_load.c: sizes and addresses of all weights, then their contents. */
int llm_engine_load(struct llm_engine *e, const struct llm_engine_config *config,
		    struct llm_err *err);

/* engine_graph.c: all command buffers. */
int llm_engine_record(struct llm_engine *e, struct llm_err *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A model on a device: weights, KV cache, tokens and logits in device buffers, the graph recorded
 * once into command buffers (prompt chunks, decode loop) and replayed with parameters. After
 * llm_engine_create() nothing is allocated; the host touches no weight, activation or logit.
 *
 * One thread at a time.
 */
#ifndef LLM_ENGINE_H
#define LLM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "model.h"
#include "npu.h"

#define LLM_MAX_CHUNK		512
#define LLM_MAX_STEPS		4096	/* decode steps a submission */
#define LLM_MAX_STOP_IDS	32

struct llm_engine;

struct llm_engine_config {
	const char *device;		/* as npu_device_open(); must be given */
	uint32_t ctx;			/* positions, 1..NPU_MAX_KV */
	uint32_t chunk;			/* prompt tokens a submission, 1..LLM_MAX_CHUNK */
	/*
	 * Decode steps a submission, to LLM_MAX_STEPS; 0: adapts. 1 also waits for each before the
	 * next is submitted: then wait_ns is exact.
	 */
	uint32_t steps;
	uint32_t priority;		/* of the queue, NPU_PRIORITY_* */
	uint32_t repeat_last;		/* tokens that penalties see; 0: no penalties */
	const uint32_t *stop_ids;	/* tokens that end the text */
	uint32_t n_stop_ids;
	/* Called while loading with bytes done of total; may be NULL. */
	void (*progress)(void *opaque, uint64_t done, uint64_t total);
	void *opaque;
};

/* What a phase cost; added up over its jobs. */
struct llm_totals {
	uint64_t tokens;
	uint64_t jobs;
	uint64_t host_ns;	/* wall clock of the caller, not the device's own figure */
	uint64_t model_ns;	/* modelled, as all below */
	uint64_t wait_ns;	/* for jobs of others, at least */
	uint64_t busy_ns[NPU_ENGINE_COUNT];
	uint64_t read_bytes;
	uint64_t write_bytes;
	uint64_t macs;
	uint64_t energy_pj;
	uint64_t commands;
};

/* Bytes of device buffers, by use. */
struct llm_memory {
	uint64_t weights;
	uint64_t kv;
	uint64_t other;		/* norms, rotations, tokens, logits, workspace, commands */
};

/*
 * Opens the device and loads the model, which must outlive the engine.
 * Errors, with text: -ENOMEM, -ENODEV, -E2BIG a limit of the device, -EIO the file cannot be read,
 * -EACCES a priority above normal without the right.
 */
int llm_engine_create(const struct llm_model *model, const struct llm_engine_config *config,
		      struct llm_engine **out, struct llm_err *err);
void llm_engine_destroy(struct llm_engine *e);

const struct npu_device_info *llm_engine_device(const struct llm_engine *e);
struct llm_memory llm_engine_memory(const struct llm_engine *e);
uint64_t llm_engine_load_ns(const struct llm_engine *e);	/* host time */
uint32_t llm_engine_ctx(const struct llm_engine *e);

/* Takes effect with the next submission; temperature 0 until then (greedy). */
void llm_engine_sampling(struct llm_engine *e, const struct npu_sample_params *p);

/* Forgets the sequence. */
void llm_engine_reset(struct llm_engine *e);

/*
 * Appends n tokens, n >= 1, and draws the next one into *next.
 * Errors: -ENOSPC the context has no room for them, -EINVAL an id past the vocabulary,
 * -EFAULT ... the device's fault, with text.
 */
int llm_engine_prefill(struct llm_engine *e, const uint32_t *ids, uint32_t n, uint32_t *next,
		       struct llm_err *err);

/*
 * Decodes up to n tokens after the last one drawn. `token` gets each as soon as its job has
 * ended, a stop id as well (then nothing follows); returning false ends early. *n_done counts the
 * calls. Returns 0 at n, at a stop id, when the context is full, or after false.
 */
int llm_engine_decode(struct llm_engine *e, uint32_t n,
		      bool (*token)(void *opaque, uint32_t id), void *opaque, uint32_t *n_done,
		      struct llm_err *err);

/*
 * Modelled latency of the token that the callback is given: its job's time by the job's steps,
 * what it waited for others included.
 */
uint64_t llm_engine_token_ns(const struct llm_engine *e);

/* Tokens that decoding can still append. */
uint32_t llm_engine_room(const struct llm_engine *e);

/* Logits behind the last drawn token: float [n_vocab], valid until the next call. */
const float *llm_engine_logits(const struct llm_engine *e);

/*
 * The KV cache of the first n positions, in the order [layer][K, V][kv head][position][head_dim],
 * halves; llm_engine_kv_bytes(e, n) of them to out.
 */
uint64_t llm_engine_kv_bytes(const struct llm_engine *e, uint32_t n);
void llm_engine_kv_read(const struct llm_engine *e, uint32_t n, void *out);
/* Positions in the cache. */
uint32_t llm_engine_n_past(const struct llm_engine *e);

const struct llm_totals *llm_engine_prefill_totals(const struct llm_engine *e);
const struct llm_totals *llm_engine_decode_totals(const struct llm_engine *e);
void llm_engine_clear_totals(struct llm_engine *e);

#endif

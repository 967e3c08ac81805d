/* SPDX-License-Identifier: MIT */
/* What the tests share: a device with memory, random weights, and plain C arithmetic. */
#ifndef LIBNPU_TESTS_RIG_H
#define LIBNPU_TESTS_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "live.h"
#include "npu.h"

/* A device with one queue and one buffer, from which memory is dealt out. */
struct rig {
	struct npu_device *dev;
	struct npu_vm *vm;
	struct npu_queue *queue;
	struct npu_buffer *buf;
	uint8_t *map;
	uint64_t va;
	uint64_t size;
	uint64_t used;
	bool spoil;		/* scratchpads are overwritten at each safe point */
	uint64_t model_ns;	/* of all jobs that were run */
	uint32_t buffers;	/* command buffers that were run */
	struct live live;	/* of the last one, or of the first that was wrong */
};

/* Exits with a text if the device cannot be had: nothing can be tested then. */
void rig_open(struct rig *r, const char *spec, uint64_t bytes);
void rig_close(struct rig *r);
/* Forgets what was dealt out, and clears it. */
void rig_reset(struct rig *r);

/* Device address of new memory, aligned to 64; exits if there is none left. */
uint64_t rig_alloc(struct rig *r, uint64_t bytes);
void *rig_ptr(const struct rig *r, uint64_t va);

/* Ends cb, runs it and destroys it. Returns npu_result.error, or the failure on the way there. */
int rig_run(struct rig *r, struct npu_cmdbuf *cb, const uint64_t *params, uint32_t n_params,
	    struct npu_result *result);

/* True if what rig_run() has run so far reads nothing across a safe point; else says what does. */
bool rig_live(const struct rig *r);

/* Random numbers, the same everywhere: uniform in [-1, 1), and in [0, n). */
struct rng {
	uint64_t state;
};
float rng_float(struct rng *g);
uint32_t rng_below(struct rng *g, uint32_t n);

float half_to_float(uint16_t h);
uint16_t float_to_half(float f);

/* A weight in the device and the values that it stands for. */
struct matrix {
	struct npu_weight w;
	float *value;		/* [n][k] */
};
/* Random rows as a file has them, re-laid by the device. */
void matrix_make(struct rig *r, struct rng *g, uint32_t type, uint32_t n, uint32_t k,
		 struct matrix *m);
void matrix_free(struct matrix *m);

/* out[m][n] = w * in, with the activations quantised as the weight's type wants. */
void ref_matmul(const struct matrix *w, const float *in, uint32_t m, float *out);
void ref_rmsnorm(const float *in, const float *weight, float eps, uint32_t cols, uint32_t rows,
		 float *out);

/* Sum of squared differences over sum of squares of want. */
double nmse(const float *got, const float *want, uint64_t n);

#endif

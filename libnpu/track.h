/* SPDX-License-Identifier: MIT */
/*
 * Tokens of one core's stream. Each command says what it reads and writes; the tracker
 * answers for which earlier ones it has to wait, and by which token it can be waited for.
 *
 * A token stands for the last command that signals it and for all that did before: their
 * order is kept by the engine if it is the same in-order one, else by waiting for the token before
 * it is used again. So a dependency is never lost, at most a wait is too strict.
 */
#ifndef LIBNPU_TRACK_H
#define LIBNPU_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "npu_cmd.h"

/* Where an access is: offsets of different spaces never overlap. */
enum track_space {
	SPACE_SPAD,
	SPACE_X,		/* memory from here on */
	SPACE_ATT,
	SPACE_FFN,
	SPACE_NORM,
	SPACE_KV,
	SPACE_LOGITS,
	SPACE_CONST,		/* never written by the job */
	SPACE_USER,		/* rows of npu_op_matmul() */
};

struct access {
	uint64_t start;
	uint64_t end;
	uint8_t space;
	bool write;
};

enum track_engine {
	TRACK_MATRIX,
	TRACK_VECTOR,
	TRACK_DMA,
	TRACK_BOTH,		/* matrix and vector */
};

#define TRACK_ACCESSES	40

struct track_token {
	uint8_t count;
	uint8_t engine;		/* of the last command */
	bool used;
	bool all;		/* too much to list: conflicts with everything */
	struct access access[TRACK_ACCESSES];
};

struct track {
	struct track_token token[NPU_MAX_TOKENS];
	uint8_t next[3];	/* of the pools: matrix, vector, DMA */
};

/* Forgets all: everything before has finished (BARRIER, or a wait for all tokens). */
void track_clear(struct track *t);

/* A command of an engine with n accesses; sets its wait and signal. */
void track_command(struct track *t, enum track_engine engine, const struct access *access,
		   uint32_t n, struct npu_cmd_hdr *hdr);

#endif

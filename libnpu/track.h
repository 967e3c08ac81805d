/* SPDX-License-Identifier: MIT */
/*
 * Tokens of one core's stream. Each command says what it reads and writes; the tracker
 * answers for which earlier ones it has to wait, and by which token it can be waited for.
 *
 * The tracker knows of each command which others are certain to have finished before it starts and
 * before it ends: those it waits for, those its in-order engine has done before, and theirs in
 * turn. A wait is written only for what is not certain anyway. A token is used again by a command
 * that ends after the one before, so waiting for the newer never misses the older.
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

#define TRACK_WINDOW	256	/* commands that are remembered */
#define TRACK_ACCESSES	4

/* A set of commands in the window */
struct track_set {
	uint64_t bits[TRACK_WINDOW / 64];
};

struct track_slot {
	struct access access[TRACK_ACCESSES];
	uint8_t n;
	uint8_t token;
	bool used;
	bool all;		/* conflicts with every other: stands for forgotten ones */
	uint32_t number;	/* counts up */
	struct track_set before;	/* have finished when it starts */
	struct track_set after;		/* have finished when it ends, itself too */
};

struct track {
	uint32_t count;		/* commands since the last clear; the next one's number */
	uint8_t next[3];	/* of the pools: matrix, vector, DMA */
	int16_t holder[NPU_MAX_TOKENS];	/* slot that last signalled it; -1: none */
	int16_t last[2];	/* slot of the last command on matrix, vector engine alone; -1 */
	struct track_slot slot[TRACK_WINDOW];
};

void track_init(struct track *t);
/* Forgets all: everything before has finished (BARRIER, or a wait for all tokens). */
void track_clear(struct track *t);

/* A command of an engine with n accesses; sets its wait and signal. */
void track_command(struct track *t, enum track_engine engine, const struct access *access,
		   uint32_t n, struct npu_cmd_hdr *hdr);

#endif

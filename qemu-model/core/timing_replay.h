/* SPDX-License-Identifier: MIT */
/*
 * State of a replay: what timing.c logs and timing_replay.c plays against the machine.
 * Times are picoseconds since the job's start.
 */
#ifndef NPU_CORE_TIMING_REPLAY_H
#define NPU_CORE_TIMING_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "timing.h"

/* Commands of a core that the command processor holds before the oldest has finished */
#define WINDOW		32
/* Pieces in a stream FIFO; it holds four large ones or one a command in the window */
#define PIECES		64
#define MAX_CHANNELS	(NPU_MAX_CORES * 8)
#define NEVER		UINT64_MAX

/* A logged command: 40 bytes, since a job can have millions. */
struct entry {
	uint16_t wait;
	uint16_t signal;
	uint16_t cores;		/* of a barrier; else zero */
	uint8_t opcode;
	uint8_t ordered;	/* its stream waits for the tokens */
	uint64_t matrix_ps;
	uint64_t vector_ps;
	uint64_t dma_bytes;
	uint64_t stream_bytes;
};

/* Parts of a command, each on an engine; also what has to be looked at again. */
#define PART_MATRIX	0x01u
#define PART_VECTOR	0x02u
#define PART_STREAM	0x04u
#define PART_DMA	0x08u
#define KICK_ISSUE	0x10u

/* A command between issue and the end of all before it; others touch its first cache line only. */
struct slot {
	uint32_t deps;		/* slots that have to finish first */
	uint32_t users;		/* slots that wait for this one */
	uint64_t issue;
	uint64_t start;		/* not before: issue and what deps have brought */
	uint64_t finish;	/* of the parts so far */
	uint64_t retired;	/* of the last command in this slot and all before it */
	uint16_t signal;
	uint16_t barrier;	/* mask; else zero */
	uint8_t parts;		/* not yet finished */
	uint8_t ordered;
	uint8_t piece;		/* next piece in the FIFO, and the one past the last */
	uint8_t piece_end;
	uint64_t stream_left;	/* of a stream: bytes still to be requested */
	uint64_t matrix_ps;
	uint64_t vector_ps;
	uint64_t unconsumed;	/* of a stream: bytes not yet taken by its engine */
	uint64_t ps_per_byte;	/* of that engine, 12 bits of fraction */
	uint64_t bytes;		/* of a transfer: still to be started */
} __attribute__((aligned(64)));

/* In-order queue of slots in front of an engine */
struct fifo {
	uint8_t slot[WINDOW];
	uint32_t head, tail;
};

struct piece {
	uint64_t bytes;
	uint64_t began;		/* its transfer */
	uint64_t arrived;
	uint64_t consumed;	/* NEVER: not yet known */
};

struct core {
	/* the log, filled by the thread that executes the core */
	struct entry *log;
	uint32_t log_head, log_tail, log_size;
	/* sums of what was logged */
	uint64_t read_bytes, write_bytes, spad_bytes;
	uint64_t macs_int8, macs_float, vector_ops;

	/* command processor */
	uint32_t index;		/* of the core */
	uint32_t first, next;	/* window, counted since begin */
	uint32_t unfinished;	/* slots */
	uint64_t next_issue;
	uint64_t retired;	/* finish of all before first */
	uint64_t last_finish;
	uint32_t kicks;
	int blocked;		/* slot of a control command that waits for tokens; -1 */
	bool ended;
	/* tokens: time of the last signal, or the slot that will give it */
	uint64_t token_time[NPU_MAX_TOKENS];
	uint16_t token_pending;
	uint8_t token_slot[NPU_MAX_TOKENS];
	/* the last barrier: nothing but streams starts before it */
	uint64_t fence_time;
	int fence;		/* its slot while it is open; -1 */
	int at_barrier;		/* slot of the barrier that this core has reached; -1 */

	/* engines */
	struct fifo matrix, vector, stream, dma[7];
	uint64_t matrix_free, vector_free;
	uint32_t next_dma;
	struct piece piece[PIECES];
	uint32_t piece_head, piece_tail;
	uint64_t fifo_used;	/* bytes */
	uint64_t fifo_room;	/* since when the room is there that was made last */
	uint64_t busy[NPU_ENGINE_COUNT];

	struct slot slot[WINDOW];
} __attribute__((aligned(128)));

struct npu_timing {
	struct npu_machine m;
	uint32_t mhz;		/* clock now; matrix_mhz of the machine is the highest */
	/* derived from both */
	uint64_t cycle_fp;	/* picoseconds, 12 bits of fraction, rounded up */
	uint64_t max_cycles;	/* of a command; more counts as this */
	uint64_t issue_ps;
	uint64_t barrier_ps;
	uint64_t tail_ps;	/* a piece's last bytes through the engine */
	uint64_t latency_ps;
	uint64_t piece_bytes;
	uint64_t fifo_bytes;
	uint32_t per_core;	/* channels; 0 is the stream's */
	uint64_t rate[MAX_CHANNELS + 1];	/* of each of n transfers, 2^-32 bytes a ps */
	uint64_t inverse[MAX_CHANNELS + 1];	/* 2^64 / rate, rounded up */

	uint32_t n_streams;
	uint32_t n_channels;	/* of the job */
	uint64_t now;
	uint32_t n_active;
	/* by channel: */
	uint64_t left[MAX_CHANNELS];	/* 2^-32 bytes of the transfer; NEVER: none active */
	uint64_t starts[MAX_CHANNELS];	/* when the next one does; NEVER: none */
	uint64_t piece_of[MAX_CHANNELS];	/* bytes of it */
	uint64_t active_since[MAX_CHANNELS];
	uint64_t free_at[MAX_CHANNELS];	/* end of the last one */
	uint32_t dirty;		/* cores with kicks */

	struct core core[NPU_MAX_CORES];
};

/*
 * Plays the logs. With all set nothing more will be logged; otherwise it stops where a core whose
 * log has run out could still interfere.
 */
void npu_timing_replay(struct npu_timing *t, bool all);

#endif

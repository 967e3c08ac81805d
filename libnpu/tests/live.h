/* SPDX-License-Identifier: MIT */
/*
 * Proof that safe points are safe: walks through the streams of a command buffer as the device
 * would, and knows of each byte of a scratchpad whether it was written since the last safe MARK.
 */
#ifndef LIBNPU_TESTS_LIVE_H
#define LIBNPU_TESTS_LIVE_H

#include <stdbool.h>
#include <stdint.h>

struct live {
	uint32_t safe;		/* safe MARKs that each stream passes */
	uint32_t commands;	/* of all streams; as often as they are passed */
	uint32_t longest;	/* commands of a stream between two safe points, at most */
	char why[256];		/* what is wrong; empty: nothing */
};

/*
 * True if no command reads from a scratchpad what was there before a safe MARK, all streams pass
 * the same ones, and each comes when all streams have met and nothing has been done since. A token
 * loaded from memory counts as one that ends no loop.
 */
bool live_check(const void *image, uint32_t spad_bytes, const uint64_t *params, uint32_t n_params,
		struct live *out);

/*
 * A copy of the command buffer that overwrites the scratchpad of each stream with spad_bytes from
 * device address `from` at each safe MARK; the caller frees it.
 */
void *live_spoil(const void *image, uint32_t spad_bytes, uint64_t from, uint32_t *size);

#endif

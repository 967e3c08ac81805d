/* SPDX-License-Identifier: MIT */
/*
 * What every command looks like, as data: names, lengths, fields and their ranges. The builder's
 * check, the disassembler and the fault texts read it, so a new command is one entry here.
 */
#ifndef LIBNPU_CMD_TABLE_H
#define LIBNPU_CMD_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "npu_cmd.h"

enum cmd_field_kind {
	FIELD_END = 0,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_HEX64,
	FIELD_F32,
	FIELD_SPAD,		/* u32, scratchpad offset, multiple of `mult` */
	FIELD_MASK,		/* u32, cores */
	FIELD_REG,		/* u8 */
	FIELD_BYTES,		/* u8, 4 or 8 */
	FIELD_COND,		/* u8, one of `names` */
	FIELD_NAME,		/* u8, one of `names` */
	FIELD_ADDR,		/* struct npu_addr */
	FIELD_COUNT,		/* struct npu_count */
};

struct cmd_field {
	const char *name;
	uint8_t kind;		/* enum cmd_field_kind */
	uint8_t offset;
	uint16_t mult;		/* value is a multiple of it; 0: any */
	uint32_t min;
	uint32_t max;		/* 0: any */
	const char *const *names;	/* of the values 0..; NULL ends */
};

#define CMD_FIELDS_MAX 14

struct cmd_info {
	const char *name;
	uint8_t opcode;
	uint8_t size;		/* bytes */
	uint8_t flags;		/* that are known */
	struct cmd_field field[CMD_FIELDS_MAX];
};

/* NULL for an unknown opcode. */
const struct cmd_info *cmd_info_get(uint32_t opcode);

/* Bytes that a field of this kind takes. */
size_t cmd_field_bytes(enum cmd_field_kind kind);

/* Value of a field that is a number; of COUNT the imm, of ADDR the base. */
uint64_t cmd_field_value(const struct cmd_field *f, const void *cmd);

/* Register that a field names: of REG, COUNT, ADDR and register-like ones; else NPU_REG_ZERO. */
unsigned int cmd_field_reg(const struct cmd_field *f, const void *cmd);

/*
 * Checks one whole command of n_streams streams against the table. Returns 0, or -EINVAL with
 * *field (NULL: the header) and *why (a static string).
 */
int cmd_check(const struct cmd_info *info, const void *cmd, uint32_t core, uint32_t n_streams,
	      const struct cmd_field **field, const char **why);

#endif

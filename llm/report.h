/* SPDX-License-Identifier: MIT */
/* Figures for people and, as JSON, for programs. Every time says whether it is modelled or host. */
#ifndef LLM_REPORT_H
#define LLM_REPORT_H

#include <stdio.h>

#include "engine.h"

struct json_object;

/* Rates of a phase on a machine; zero where nothing was done. */
struct llm_rates {
	double host_tok_s;
	double model_tok_s;
	double model_gb_s;		/* 10^9 bytes a second, read and written */
	double model_dram_share;	/* of the DRAM's peak, 0..1 */
	double model_mac_share;		/* of the peak for int8, 0..1 */
	double model_j_token;
};

struct llm_rates llm_rates(const struct llm_totals *t, const struct npu_device_info *d);

/* A line of the summary: "decode   ..." */
void llm_report_phase(FILE *out, const char *name, const struct llm_totals *t,
		      const struct npu_device_info *d);

/* New objects; the caller puts them. NULL: no memory. */
struct json_object *llm_report_phase_json(const struct llm_totals *t,
					  const struct npu_device_info *d);
struct json_object *llm_report_device_json(const struct npu_device_info *d);
struct json_object *llm_report_memory_json(struct llm_memory m);

/* Text of any bytes as a JSON string: what is not UTF-8 becomes U+FFFD. */
struct json_object *llm_json_text(const char *text, size_t len);

#endif

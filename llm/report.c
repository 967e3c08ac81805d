// SPDX-License-Identifier: MIT
#include "report.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "unicode.h"

struct llm_rates llm_rates(const struct llm_totals *t, const struct npu_device_info *d)
{
	struct llm_rates r = { 0 };
	double bytes = (double)t->read_bytes + (double)t->write_bytes;

	if (t->host_ns)
		r.host_tok_s = (double)t->tokens * 1e9 / (double)t->host_ns;
	if (t->model_ns) {
		double ns = (double)t->model_ns;

		r.model_tok_s = (double)t->tokens * 1e9 / ns;
		r.model_gb_s = bytes / ns;
		r.model_dram_share = bytes * 1e3 / (ns * d->dram_mbps);
		r.model_mac_share = (double)t->macs * 1e3 /
				    (ns * d->cores * d->macs * (double)d->matrix_mhz);
	}
	if (t->tokens)
		r.model_j_token = (double)t->energy_pj * 1e-12 / (double)t->tokens;
	return r;
}

void llm_report_phase(FILE *out, const char *name, const struct llm_totals *t,
		      const struct npu_device_info *d)
{
	const struct llm_rates r = llm_rates(t, d);

	fprintf(out, "%-8s %5" PRIu64 " tokens  host %.1f tok/s  modelled %.1f tok/s, %.2f GB/s (%.1f %% of DRAM peak), %.1f %% of MAC peak, %.3g J/token\n",
		name, t->tokens, r.host_tok_s, r.model_tok_s, r.model_gb_s,
		100 * r.model_dram_share, 100 * r.model_mac_share, r.model_j_token);
	if (t->wait_ns)
		fprintf(out, "         waited %.3f ms modelled for jobs of others\n",
			(double)t->wait_ns / 1e6);
}

static void put_u64(struct json_object *o, const char *key, uint64_t v)
{
	json_object_object_add(o, key, json_object_new_uint64(v));
}

static void put_double(struct json_object *o, const char *key, double v)
{
	json_object_object_add(o, key, json_object_new_double(v));
}

struct json_object *llm_report_phase_json(const struct llm_totals *t,
					  const struct npu_device_info *d)
{
	static const char *const engines[NPU_ENGINE_COUNT] = {
		[NPU_ENGINE_MATRIX] = "matrix", [NPU_ENGINE_VECTOR] = "vector",
		[NPU_ENGINE_DMA] = "dma", [NPU_ENGINE_STREAM] = "stream",
	};
	const struct llm_rates r = llm_rates(t, d);
	struct json_object *o = json_object_new_object();
	struct json_object *busy = json_object_new_object();

	put_u64(o, "tokens", t->tokens);
	put_u64(o, "jobs", t->jobs);
	put_u64(o, "commands", t->commands);
	put_u64(o, "host_ns", t->host_ns);
	put_double(o, "host_tok_s", r.host_tok_s);
	put_u64(o, "model_ns", t->model_ns);
	put_u64(o, "model_wait_ns", t->wait_ns);
	put_double(o, "model_tok_s", r.model_tok_s);
	put_double(o, "model_gb_s", r.model_gb_s);
	put_double(o, "model_dram_share", r.model_dram_share);
	put_double(o, "model_mac_share", r.model_mac_share);
	put_double(o, "model_j_token", r.model_j_token);
	put_u64(o, "model_read_bytes", t->read_bytes);
	put_u64(o, "model_write_bytes", t->write_bytes);
	put_u64(o, "model_macs", t->macs);
	put_u64(o, "model_energy_pj", t->energy_pj);
	for (unsigned int i = 0; i < NPU_ENGINE_COUNT; i++)
		put_u64(busy, engines[i], t->busy_ns[i]);
	json_object_object_add(o, "model_busy_ns", busy);
	return o;
}

struct json_object *llm_report_device_json(const struct npu_device_info *d)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "transport", json_object_new_string(d->transport));
	json_object_object_add(o, "node", json_object_new_string(d->node));
	json_object_object_add(o, "firmware", json_object_new_string(d->fw_version));
	put_u64(o, "cores", d->cores);
	put_u64(o, "spad_bytes", d->spad_bytes);
	put_u64(o, "macs", d->macs);
	put_u64(o, "matrix_mhz", d->matrix_mhz);
	put_u64(o, "dram_mbps", d->dram_mbps);
	put_u64(o, "dram_ns", d->dram_ns);
	return o;
}

struct json_object *llm_report_memory_json(struct llm_memory m)
{
	struct json_object *o = json_object_new_object();

	put_u64(o, "weights_bytes", m.weights);
	put_u64(o, "kv_bytes", m.kv);
	put_u64(o, "other_bytes", m.other);
	return o;
}

struct json_object *llm_json_text(const char *text, size_t len)
{
	char *clean = malloc(3 * len + 1);
	struct json_object *o;
	size_t n = 0;

	if (!clean)
		return NULL;
	for (size_t i = 0; i < len; ) {
		uint32_t cp;
		size_t used = utf8_decode(text + i, len - i, &cp);

		if (cp == UTF8_INVALID) {
			memcpy(clean + n, "\xef\xbf\xbd", 3);
			n += 3;
		} else {
			memcpy(clean + n, text + i, used);
			n += used;
		}
		i += used;
	}
	o = json_object_new_string_len(clean, (int)n);
	free(clean);
	return o;
}

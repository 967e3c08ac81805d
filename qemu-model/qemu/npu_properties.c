/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemu/osdep.h"
#include "qapi/error.h"

#include "npu_qemu.h"

static const char *const isa_names[] = {
	[NPU_ISA_BEST] = "best",
	[NPU_ISA_SCALAR] = "scalar",
	[NPU_ISA_AVX2] = "avx2",
	[NPU_ISA_AVX512] = "avx512",
};

static bool npu_profile(const char *name, struct npu_machine *machine,
			Error **errp)
{
	if (!name || !strcmp(name, "default")) {
		*machine = npu_machine_default;
	} else if (!strcmp(name, "small")) {
		*machine = npu_machine_small;
	} else {
		error_setg(errp, "npu: profile '%s' is unknown; take 'default' or 'small'", name);
		return false;
	}
	return true;
}

static bool npu_isa(const char *name, enum npu_isa *isa, Error **errp)
{
	size_t i;

	*isa = NPU_ISA_BEST;
	for (i = 0; name && i < ARRAY_SIZE(isa_names); i++) {
		if (!strcmp(name, isa_names[i])) {
			*isa = i;
			return true;
		}
	}
	if (name)
		error_setg(errp,
			   "npu: isa '%s' is unknown; take 'best', 'scalar', 'avx2' or 'avx512'",
			   name);
	return !name;
}

static bool npu_fused_key(const char *text, struct npu_core_config *config, Error **errp)
{
	size_t i, n = sizeof(config->fused_key);

	if (!text || !*text)
		return true;
	for (i = 0; i < n && g_ascii_isxdigit(text[2 * i]) &&
	     g_ascii_isxdigit(text[2 * i + 1]); i++)
		config->fused_key[i] = g_ascii_xdigit_value(text[2 * i]) << 4 |
				       g_ascii_xdigit_value(text[2 * i + 1]);
	if (i == n && !text[2 * n]) {
		config->has_fused_key = true;
		return true;
	}
	error_setg(errp,
		   "npu: fused-key '%s' is not %zu hexadecimal digits; npu-fw inspect shows an image's key id",
		   text, 2 * n);
	return false;
}

/* struct npu_machine is words only, and none of them is wanted to be zero. */
_Static_assert(sizeof(struct npu_machine) % sizeof(uint32_t) == 0, "words only");

bool npu_properties_to_config(struct npu_properties *props,
			      struct npu_core_config *config, Error **errp)
{
	struct npu_machine profile;
	uint32_t *wanted = (uint32_t *)&props->machine;
	const uint32_t *standard = (const uint32_t *)&profile;
	size_t i;

	memset(config, 0, sizeof(*config));
	if (!npu_profile(props->profile, &profile, errp) ||
	    !npu_isa(props->isa, &config->isa, errp) ||
	    !npu_fused_key(props->fused_key, config, errp))
		return false;
	for (i = 0; i < sizeof(profile) / sizeof(uint32_t); i++)
		if (!wanted[i])
			wanted[i] = standard[i];
	config->machine = props->machine;
	config->threads = props->threads;
	config->security_counter = props->security_counter;
	config->development = props->development;
	return true;
}

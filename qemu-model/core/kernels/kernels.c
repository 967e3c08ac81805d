// SPDX-License-Identifier: MIT
/*
 * The dispatch tables, and what each needs of the host.
 */
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "impl.h"

#define NPU_KERNELS(id, text, suffix) { \
	.isa = id, \
	.name = text, \
	.matmul = { \
		[NPU_WTYPE_F32] = npu_matmul_f32_##suffix, \
		[NPU_WTYPE_F16] = npu_matmul_f16_##suffix, \
		[NPU_WTYPE_Q8_0] = npu_matmul_q8_0_##suffix, \
		[NPU_WTYPE_Q4_0] = npu_matmul_q4_0_##suffix, \
	}, \
	.wrow = { \
		[NPU_WTYPE_F32] = npu_wrow_f32, \
		[NPU_WTYPE_F16] = npu_wrow_f16, \
		[NPU_WTYPE_Q8_0] = npu_wrow_q8_0, \
		[NPU_WTYPE_Q4_0] = npu_wrow_q4_0, \
	}, \
	.relayout = { \
		[NPU_WTYPE_F32] = npu_relayout_f32, \
		[NPU_WTYPE_F16] = npu_relayout_f16, \
		[NPU_WTYPE_Q8_0] = npu_relayout_q8_0, \
		[NPU_WTYPE_Q4_0] = npu_relayout_q4_0, \
	}, \
	.kv_store_k = npu_kv_store_k_##suffix, \
	.kv_store_v = npu_kv_store_v_##suffix, \
	.attn_start = npu_attn_start, \
	.attn_block = npu_attn_block_##suffix, \
	.attn_finish = npu_attn_finish, \
	.rmsnorm = npu_rmsnorm_##suffix, \
	.rope = npu_rope_##suffix, \
	.softmax = npu_softmax_##suffix, \
	.ew = npu_ew_##suffix, \
	.quant_q8 = npu_quant_q8_##suffix, \
	.quant_f16r = npu_quant_f16r_##suffix, \
	.convert = npu_convert_##suffix, \
	.argmax = npu_argmax_##suffix, \
	.topk = npu_topk_##suffix, \
	.penalize = npu_penalize, \
	.sample = npu_sample_##suffix, \
}

static const struct npu_kernels scalar = NPU_KERNELS(NPU_ISA_SCALAR, "scalar", ref);

#if defined(__x86_64__)
static const struct npu_kernels avx2 = NPU_KERNELS(NPU_ISA_AVX2, "avx2", avx2);
static const struct npu_kernels avx512 = NPU_KERNELS(NPU_ISA_AVX512, "avx512", avx512);

static int npu_avx2_supported(void)
{
	unsigned int a, b, c, d;

	/* clang 14 knows no "f16c" */
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

/* Without VNNI the integer dot products are no faster than those of AVX2. */
static int npu_avx512_supported(void)
{
	return npu_avx2_supported() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}
#endif

const struct npu_kernels *npu_kernels_get(enum npu_isa isa)
{
#if defined(__x86_64__)
	if ((isa == NPU_ISA_AVX512 || isa == NPU_ISA_BEST) && npu_avx512_supported())
		return &avx512;
	if ((isa == NPU_ISA_AVX2 || isa == NPU_ISA_BEST) && npu_avx2_supported())
		return &avx2;
#endif
	if (isa == NPU_ISA_SCALAR || isa == NPU_ISA_BEST)
		return &scalar;
	return NULL;
}

int npu_isa_parse(const char *name)
{
	static const char *const names[NPU_ISA_COUNT] = {
		[NPU_ISA_BEST] = "best",
		[NPU_ISA_SCALAR] = "scalar",
		[NPU_ISA_AVX2] = "avx2",
		[NPU_ISA_AVX512] = "avx512",
	};

	for (int i = 0; i < NPU_ISA_COUNT; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

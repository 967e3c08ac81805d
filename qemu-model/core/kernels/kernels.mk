# SPDX-License-Identifier: MIT
# The kernels' objects and how each is compiled, for every Makefile that links them.
# Include after .common.mk and the first target; gives KERNELS_OBJS (in KERNELS_OBJDIR) and their rules.
# Programs that link them need -lm.

KERNELS_DIR    := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
KERNELS_OBJDIR ?= $(BUILD)/qemu-model/core/kernels

KERNELS_SRCS := kernels.c attn.c relayout.c topk.c sample.c \
		matmul_ref.c vector_ref.c quant_ref.c attn_ref.c attn_half_ref.c sample_ref.c
KERNELS_FAST := matmul vector quant attn

KERNELS_AVX2   := -O3 -mavx2 -mfma -mf16c
KERNELS_AVX512 := $(KERNELS_AVX2) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni

ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine)),)
KERNELS_SRCS += $(KERNELS_FAST:%=%_avx2.c) $(KERNELS_FAST:%=%_avx512.c)
endif

KERNELS_OBJS := $(KERNELS_SRCS:%.c=$(KERNELS_OBJDIR)/%.o)

$(KERNELS_OBJDIR)/%_avx2.o: KERNELS_ISA = $(KERNELS_AVX2)
$(KERNELS_OBJDIR)/%_avx512.o: KERNELS_ISA = $(KERNELS_AVX512)

# -ffp-contract=off again, whatever CFLAGS say: the arithmetic is specified to the bit
$(KERNELS_OBJDIR)/%.o: $(KERNELS_DIR)/%.c $(KERNELS_DIR)/kernels.mk
	@mkdir -p $(@D)
	$(call say,CC,$(<:$(TOP)/%=%))
	$(Q)$(CC) $(CFLAGS_ALL) -I$(KERNELS_DIR) $(KERNELS_ISA) -ffp-contract=off -MMD -MP \
		-c -o $@ $<

-include $(KERNELS_OBJS:.o=.d)

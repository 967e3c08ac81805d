# SPDX-License-Identifier: MIT
# make run and make check are all that most people need; make help lists the rest.
#
# Each folder builds and tests itself (make -C FOLDER); here they are put together.
include .common.mk

# V=1 shows each command
MAKEFLAGS += --no-print-directory $(if $(filter 1,$(V)),,-s)

# in the order in which they need each other
FOLDERS := $(patsubst %/Makefile,%,$(wildcard $(addsuffix /Makefile,\
	   uapi firmware-loader qemu-model libnpu llm selftests)))

MODULE := $(BUILD)/driver/npu.ko
MODULE_SOURCES := Kbuild $(wildcard driver/Kbuild driver/*.[ch] driver/*/* uapi/*.h)
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/npu
KDIR ?= $(patsubst %,%/headers,$(shell ls -d $(CACHE)/kernel/6.12.*-amd64 2>/dev/null | \
	sort -V | tail -n 1))

# Folders with a makefile that has the target $(1)
having = $(foreach f,$(FOLDERS),$(if $(shell grep -lE '^([^:#]* )?$(1)( [^:]*)?:([^=]|$$)' $(f)/Makefile),$(f)))

all: module $(FOLDERS:%=all-%)	## build the module, the libraries, the tools and the firmware (no network)

# Set by the caller of make run; taken as they are, whatever characters they hold.
export NPU_MODEL  := $(value MODEL)
export NPU_PROMPT := $(value PROMPT)
export NPU_N      := $(value N)
export NPU_TEMP   := $(value TEMP)
export NPU_SEED   := $(value SEED)
export NPU_ARGS   := $(value ARGS)
export NPU_MEM    := $(value MEM)
export NPU_DEVICE := $(value DEVICE)

run: setup	## decode a story in the guest; MODEL= PROMPT= N= TEMP= SEED=, ARGS= for npu-llm
	$(Q)$(MAKE) all
	$(Q)$(MAKE) decode

# the same without a look at what is to be made
decode:
	$(Q)BUILD='$(BUILD)' selftests/guest/decode

check: setup	## run every test; the last line says how many passed, failed, were skipped
	$(Q)$(MAKE) all
	$(Q)selftests/suites $(BUILD)/check.tap \
		$(foreach f,$(call having,check),'$(f)=$(MAKE) -s -C $(f) check')

setup: packages	## install build packages, get the kernel, build QEMU (run and check do it when needed)
	$(Q)selftests/setup/kernel >/dev/null
	$(Q)MAKE='$(MAKE)' BUILD='$(BUILD)' qemu-model/qemu/build

packages:
	$(Q)selftests/setup/packages

module:		## build the kernel module; KDIR= another kernel's build directory
	$(Q)if [ -z '$(KDIR)' ]; then \
		echo 'module: no kernel headers yet, left out; make setup gets them, or give KDIR='; \
	else \
		$(MAKE) KDIR='$(KDIR)' $(MODULE); \
	fi

$(MODULE): $(MODULE_SOURCES)
	$(call say,KBUILD,driver/npu.ko)
	$(Q)BUILD='$(BUILD)' selftests/setup/module '$(KDIR)'

bench:		## measure; a table, and build/bench.json
	$(Q)$(MAKE) all
	$(Q)BUILD='$(BUILD)' selftests/bench

bench-peers:	## the same beside llama.cpp, in a throw-away root tree (root only)
	$(Q)$(MAKE) all
	$(Q)BUILD='$(BUILD)' selftests/peers/bench

lint: lint-driver $(patsubst %,lint-%,$(call having,lint))	## style, static checks, both compilers
	$(Q)$(MAKE) CC=clang BUILD='$(BUILD)/clang' $(FOLDERS:%=all-%)

lint-driver:
	$(Q)selftests/setup/packages --lint
	$(Q)selftests/lint

fuzz: $(patsubst %,fuzz-%,$(call having,fuzz))	## run the fuzzers, each for a while

check-debug:	## the host's tests again with address and undefined behaviour sanitizers
	$(Q)selftests/suites $(BUILD)/check-debug.tap \
		$(foreach f,$(filter-out selftests,$(call having,check)),\
		'$(f)=$(MAKE) -s -C $(f) SAN=1 check')

check-clean:	## make run and make check in a clean Debian 12 root tree (root only)
	$(Q)selftests/clean-root

docs: $(patsubst %,docs-%,$(call having,docs))	## build the specification and the manuals

install: all $(patsubst %,install-%,$(call having,install))	## install below DESTDIR=, PREFIX=
	$(Q)[ ! -f $(MODULE) ] || install -D -m 644 $(MODULE) \
		"$(DESTDIR)/lib/modules/$$(modinfo -F vermagic $(MODULE) | cut -d ' ' -f 1)/updates/npu.ko"

clean:		## remove what was built here
	$(Q)rm -rf $(BUILD)

distclean: clean	## the same; downloads and QEMU's build stay in the cache

purge: distclean	## remove the cache too
	$(Q)rm -rf '$(CACHE)'

help:		## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

# all-llm, lint-llm, ...: the target in that folder
define each
$(1)-$(2):
	$$(Q)$$(MAKE) -C $(2) $(1)
.PHONY: $(1)-$(2)
endef
$(foreach t,all lint fuzz docs install,$(foreach f,$(FOLDERS),$(eval $(call each,$(t),$(f)))))

.PHONY: all run decode check setup packages module bench bench-peers lint lint-driver fuzz \
	check-debug check-clean docs install clean distclean purge help

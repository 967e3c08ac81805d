# SPDX-License-Identifier: MIT
# Flags and places that every folder's Makefile shares.

TOP   := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
BUILD ?= $(TOP)/build

CC      ?= gcc
AR      ?= ar
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local

WARN   := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes \
	  -Wpointer-arith -Wundef -Wvla
OPT    ?= -O2 -g
# The device's arithmetic is specified to the bit: contraction would change it.
CFLAGS_ALL := -std=gnu11 $(WARN) $(OPT) -ffp-contract=off -fno-math-errno \
	      -fno-strict-aliasing -fPIC -pthread -I$(TOP)/uapi $(CFLAGS)
LDFLAGS_ALL := -pthread $(LDFLAGS)

# SAN=1: address and undefined behaviour sanitizers, in a build tree of their own
ifeq ($(SAN),1)
BUILD := $(TOP)/build/san
CFLAGS_ALL += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_ALL += -fsanitize=address,undefined
endif

# V=1 shows the commands
ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
endif

/* SPDX-License-Identifier: MIT */
/* The firmware, as it was linked; the test host packs it with a configuration of its own. */
	.section .rodata
	.balign 16
	.globl	host_firmware
	.globl	host_firmware_end
	.globl	host_firmware_test
	.globl	host_firmware_test_end
host_firmware:
	.incbin	NPU_FIRMWARE_ELF
host_firmware_end:
	.balign 16
host_firmware_test:
	.incbin	NPU_FIRMWARE_TEST_ELF
host_firmware_test_end:
	.section .note.GNU-stack, "", @progbits

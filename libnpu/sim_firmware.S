/* SPDX-License-Identifier: MIT */
/* The signed firmware image, on whole pages: the device model reads it where it lies. */
	.section .rodata
	.balign 4096
	.globl npu_sim_firmware
	.hidden npu_sim_firmware
npu_sim_firmware:
	.incbin NPU_FW_FILE
	.globl npu_sim_firmware_end
	.hidden npu_sim_firmware_end
npu_sim_firmware_end:
	.balign 4096
	.section .note.GNU-stack, "", %progbits

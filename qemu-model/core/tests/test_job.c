/* SPDX-License-Identifier: MIT */
/*
 * One job from end to end.
 */
#include <string.h>

#include "host.h"
#include "tap.h"

int main(void)
{
	struct host *h = host_new(&npu_machine_default, 64, 0);
	struct npu_done done;
	float *in, *out;
	uint64_t in_va, out_va;
	struct queue q;
	struct vm vm;
	struct cb cb;
	bool ok = true;

	host_boot(h);
	tap_ok(npu_core_reg_read(h->core, NPU_REG_FW_API) ==
	       (NPU_FW_API_MAJOR << 16 | NPU_FW_API_MINOR),
	       "boot: the device runs and states the firmware's API");
	vm_new(&vm, h, 0);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	in_va = vm_alloc(&vm, 4096, &in);
	out_va = vm_alloc(&vm, 4096, &out);
	for (int i = 0; i < 1024; i++)
		in[i] = (float)i;
	cb_init(&cb);
	cb_load(&cb, 0, in_va, 4096);
	cb_ew(&cb, NPU_EW_ADD, 8192, 0, 0, 1024, 1);
	cb_store(&cb, 8192, out_va, 4096);
	((struct npu_cmd_ew *)(cb.buf + sizeof(struct npu_cmdbuf_header) +
			       sizeof(struct npu_cmd_dma)))->b_stride = 0;
	done = cb_run(&cb, &vm, &q, NULL, 0);
	cb_free(&cb);
	for (int i = 0; i < 1024; i++)
		ok &= out[i] == 2 * in[i];
	tap_ok(done.fault == NPU_FAULT_NONE && done.seqno == 1 && done.queue == 0 && ok,
	       "job: LOAD, EW, STORE, END give the right values and one record without a fault");
	tap_ok(done.model_ns && done.read_bytes == 4096 && done.write_bytes == 4096 &&
	       done.commands == 4 && done.host_ns,
	       "job: the record has modelled time, bytes, commands, host time");
	tap_diag("model_ns %llu energy_pj %llu host_ns %llu fault %u at 0x%x value 0x%llx",
		 (unsigned long long)done.model_ns, (unsigned long long)done.energy_pj,
		 (unsigned long long)done.host_ns, done.fault, done.fault_offset,
		 (unsigned long long)done.fault_addr);
	host_free(h);
	return tap_done();
}

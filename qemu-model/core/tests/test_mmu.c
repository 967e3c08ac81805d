/* SPDX-License-Identifier: MIT */
/*
 * Page tables: levels, page sizes, permissions, malformed entries, invalidation.
 */
#include <string.h>

#include "host.h"
#include "tap.h"

#define VA 0x40000000ull	/* first byte of a root entry of its own */

static struct host *h;
static struct vm vm;
static struct queue q;

/* Reads or writes 8 bytes by a job; the fault. */
static struct npu_done touch(uint64_t va, bool write, uint64_t *value)
{
	static uint64_t buffer, out;
	struct npu_cmd_scalar c = {
		.hdr.opcode = write ? NPU_OP_STR : NPU_OP_LDR, .reg = 1, .bytes = 8,
		.addr.base = va,
	};
	struct npu_done done;
	struct cb cb;

	if (!buffer) {
		buffer = vm_alloc(&vm, 4096, NULL);
		out = vm_alloc(&vm, 4096, NULL);
	}
	cb_init(&cb);
	CB_ADD(&cb, c);
	cb_str(&cb, 1, out);
	cb_end(&cb, 1);
	vm_write(&vm, buffer, cb.buf, cb.size);
	done = queue_run(&q, buffer, cb.size, value, 1);
	cb_free(&cb);
	if (done.fault)
		host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
	else
		vm_read(&vm, out, value, 8);
	return done;
}

static bool faults(uint64_t va, bool write, enum npu_fault want)
{
	uint64_t value = 0;
	struct npu_done d = touch(va, write, &value);

	if (d.fault == want && (!want || d.fault_addr == va))
		return true;
	tap_diag("fault %u addr 0x%llx, wanted %u 0x%llx", d.fault,
		 (unsigned long long)d.fault_addr, want, (unsigned long long)va);
	return false;
}

static bool reads(uint64_t va, uint64_t want)
{
	uint64_t value = 0;

	return touch(va, false, &value).fault == NPU_FAULT_NONE && value == want;
}

static void invalidate(uint64_t start, uint64_t size)
{
	struct npu_msg msg = { .type = NPU_MSG_TLB_INVALIDATE };

	msg.tlb_invalidate.start = start;
	msg.tlb_invalidate.size = size;
	host_call(h, &msg);
}

static void test_pages(void)
{
	uint64_t bus = host_alloc(h, 8192), *p = host_ptr(h, bus);

	p[0] = 11;
	p[511] = 12;
	p[512] = 13;
	vm_map(&vm, VA, bus, 4096, 0, false);
	tap_ok(reads(VA, 11) && reads(VA + 4088, 12), "4 KiB: first and last word are read");
	tap_ok(faults(VA + 4096, false, NPU_FAULT_PAGE), "4 KiB: one past the page faults");
	tap_ok(faults(VA, true, NPU_FAULT_PROTECTION), "4 KiB: a read-only page is not written");
	vm_map(&vm, VA + 4096, bus + 4096, 4096, NPU_PTE_WRITE, false);
	tap_ok(reads(VA + 4096, 13), "4 KiB: a page mapped later works without an invalidation");
	tap_ok(faults(VA + 4096, true, NPU_FAULT_NONE),
	       "4 KiB: a page with write access is written");
}

static void test_large(void)
{
	uint64_t bus = NPU_ALIGN_UP(h->next, NPU_LARGE_PAGE_SIZE), va = VA + (4ull << 20);
	uint64_t *p;

	h->next = bus;
	host_alloc(h, 2 * NPU_LARGE_PAGE_SIZE);
	p = host_ptr(h, bus);
	p[0] = 21;
	p[NPU_LARGE_PAGE_SIZE / 8 - 1] = 22;
	p[NPU_LARGE_PAGE_SIZE / 8] = 23;
	vm_map(&vm, va, bus, NPU_LARGE_PAGE_SIZE, NPU_PTE_WRITE, true);
	tap_ok(reads(va, 21) && reads(va + NPU_LARGE_PAGE_SIZE - 8, 22),
	       "2 MiB: first and last word are read");
	tap_ok(faults(va + NPU_LARGE_PAGE_SIZE, false, NPU_FAULT_PAGE),
	       "2 MiB: one past it faults");
	*vm_pte(&vm, va + NPU_LARGE_PAGE_SIZE, NPU_PT_SHIFT_MID) =
		(bus + NPU_PAGE_SIZE) | NPU_PTE_VALID | NPU_PTE_LEAF;
	tap_ok(faults(va + NPU_LARGE_PAGE_SIZE, false, NPU_FAULT_PAGE),
	       "2 MiB: a large page off its alignment faults");
	h->max_map = 64 << 10;
	invalidate(va, NPU_LARGE_PAGE_SIZE);
	tap_ok(reads(va, 21) && reads(va + NPU_LARGE_PAGE_SIZE - 8, 22),
	       "2 MiB: a host that maps in pieces gives the same");
	h->max_map = 0;
}

static void test_entries(void)
{
	uint64_t va = VA + (16ull << 20), bus = host_alloc(h, 4096), *pte, good;
	bool ok = true;

	vm_map(&vm, va, bus, 4096, NPU_PTE_WRITE, false);
	pte = vm_pte(&vm, va, NPU_PT_SHIFT_LAST);
	good = *pte;
	for (unsigned int bit = 0; bit < 64; bit++) {
		if (NPU_PTE_KNOWN >> bit & 1)
			continue;
		*pte = good | 1ull << bit;
		ok &= faults(va, false, NPU_FAULT_PAGE);
	}
	tap_ok(ok, "entries: each unknown bit is a page fault");
	*pte = good & ~NPU_PTE_LEAF;
	ok = faults(va, false, NPU_FAULT_PAGE);
	*pte = good & ~NPU_PTE_VALID;
	ok &= faults(va, false, NPU_FAULT_PAGE);
	tap_ok(ok, "entries: a last entry without LEAF or VALID is a page fault");
	*pte = good;
	tap_ok(reads(va, 0), "entries: the good one works");
	pte = vm_pte(&vm, va, NPU_PT_SHIFT_MID);
	good = *pte;
	invalidate(va, 4096);
	*pte = good | NPU_PTE_WRITE;
	tap_ok(faults(va, false, NPU_FAULT_PAGE),
	       "entries: WRITE in a table's entry is a page fault");
	*pte = good | 1ull << 55;
	tap_ok(faults(va, false, NPU_FAULT_PAGE), "entries: an unknown bit there as well");
	*pte = good;
	pte = vm_pte(&vm, va, NPU_PT_SHIFT_ROOT);
	good = *pte;
	*pte = good | NPU_PTE_LEAF;
	tap_ok(faults(va, false, NPU_FAULT_PAGE), "entries: LEAF in the root is a page fault");
	*pte = (vm.root & NPU_PTE_ADDR_MASK) | NPU_PTE_VALID;
	tap_ok(faults(va, false, NPU_FAULT_PAGE),
	       "entries: a table that points to itself ends after three levels");
	*pte = 0x1000 | NPU_PTE_VALID;
	tap_ok(faults(va, false, NPU_FAULT_BUS),
	       "entries: a table that the bus refuses is a BUS fault");
	*pte = good;
	vm_map(&vm, va + 8192, 0x1000, 4096, 0, false);
	tap_ok(faults(va + 8192, false, NPU_FAULT_BUS),
	       "entries: a page that the bus refuses is a BUS fault");
	tap_ok(reads(va, 0), "entries: its neighbours still work");
}

static void test_range(void)
{
	uint64_t bus = host_alloc(h, 4096);

	vm_map(&vm, 0, bus, 4096, NPU_PTE_WRITE, false);
	vm_map(&vm, NPU_VA_MIN - 4096, bus, 4096, NPU_PTE_WRITE, false);
	vm_map(&vm, NPU_VA_MIN, bus, 4096, NPU_PTE_WRITE, false);
	vm_map(&vm, NPU_VA_SIZE - 4096, bus, 4096, NPU_PTE_WRITE, false);
	tap_ok(faults(0, false, NPU_FAULT_PAGE) && faults(NPU_VA_MIN - 8, false, NPU_FAULT_PAGE),
	       "range: below the lowest address everything faults, mapped or not");
	tap_ok(reads(NPU_VA_MIN, 0), "range: the lowest address works");
	tap_ok(reads(NPU_VA_SIZE - 8, 0), "range: the highest address works");
	tap_ok(faults(NPU_VA_SIZE, false, NPU_FAULT_PAGE) &&
	       faults(1ull << 63, true, NPU_FAULT_PAGE) && faults(~7ull, false, NPU_FAULT_PAGE),
	       "range: past it everything faults");
}

static void test_invalidate(void)
{
	uint64_t va = VA + (32ull << 20), bus = host_alloc(h, 8192), *p = host_ptr(h, bus);
	long maps;

	p[0] = 31;
	p[512] = 32;
	vm_map(&vm, va, bus, 4096, NPU_PTE_WRITE, false);
	tap_ok(reads(va, 31), "invalidate: the old page is read");
	vm_map(&vm, va, bus + 4096, 4096, NPU_PTE_WRITE, false);
	invalidate(va, 4096);
	tap_ok(reads(va, 32), "invalidate: the new page is read after it");
	*vm_pte(&vm, va, NPU_PT_SHIFT_LAST) = 0;
	invalidate(va + 4095, 1);
	tap_ok(faults(va, false, NPU_FAULT_PAGE), "invalidate: one byte of a page is the page");
	maps = h->maps;
	invalidate(0, NPU_VA_SIZE);
	/* Left are the rings and the status page. */
	tap_ok(h->maps == 5 && maps > 5 && reads(VA, 11),
	       "invalidate: of everything ends all mappings of the context");
}

/* A copy that crosses pages of different kinds */
static void test_cross(void)
{
	uint64_t va = VA + (64ull << 20), bus = host_alloc(h, 16384), out;
	uint8_t *p = host_ptr(h, bus), got[8192];
	struct npu_done done;
	struct cb cb;

	for (int i = 0; i < 16384; i++)
		p[i] = (uint8_t)(i * 7 >> 3);
	vm_map(&vm, va, bus + 8192, 4096, 0, false);
	vm_map(&vm, va + 4096, bus, 4096, NPU_PTE_WRITE, false);
	vm_map(&vm, va + 8192, bus + 4096, 4096, 0, false);
	out = vm_alloc(&vm, 8192, NULL);
	cb_init(&cb);
	cb_load(&cb, 0, va + 2048, 8192);
	cb_store(&cb, 0, out, 8192);
	done = cb_run(&cb, &vm, &q, NULL, 0);
	cb_free(&cb);
	vm_read(&vm, out, got, sizeof(got));
	tap_ok(!done.fault && !memcmp(got, p + 8192 + 2048, 2048) && !memcmp(got + 2048, p, 6144),
	       "access: a transfer over pages of any order and kind");
	cb_init(&cb);
	cb_load(&cb, 0, va + 2048, 10240 + 2);
	done = cb_run(&cb, &vm, &q, NULL, 0);
	cb_free(&cb);
	tap_ok(done.fault == NPU_FAULT_PAGE && done.fault_addr == va + 12288,
	       "access: one that runs out of them faults at the first missing page");
	host_call3(h, NPU_MSG_CONTEXT_RESET, 0, 0, 0);
}

int main(void)
{
	h = host_new(&npu_machine_default, 64, 1);
	host_boot(h);
	vm_new(&vm, h, 0);
	queue_new(&q, &vm, 0, NPU_PRIORITY_NORMAL, 16);
	test_pages();
	test_large();
	test_entries();
	test_range();
	test_invalidate();
	test_cross();
	host_free(h);
	return tap_done();
}

// SPDX-License-Identifier: MIT
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "elf_reader.h"
#include "npu_fw_hw.h"

#define PAGE	NPU_CC_PAGE_BYTES

#ifndef EF_RISCV_RVC
#define EF_RISCV_RVC		0x1
#endif
#ifndef EF_RISCV_FLOAT_ABI
#define EF_RISCV_FLOAT_ABI	0x6
#endif

/* Where a refusal is told. */
struct reader {
	char *why;
	size_t why_size;
};

__attribute__((format(printf, 2, 3)))
static int refuse(const struct reader *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->why, r->why_size, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int check_header(const struct reader *r, const Elf32_Ehdr *h, size_t size)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG))
		return refuse(r, "it is no ELF file; name what the linker made");
	if (h->e_ident[EI_CLASS] != ELFCLASS32 || h->e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse(r, "ELF class %u, byte order %u; wanted 32 bits, little-endian",
			      h->e_ident[EI_CLASS], h->e_ident[EI_DATA]);
	if (h->e_machine != EM_RISCV)
		return refuse(r, "ELF machine %u, wanted RISC-V (%u)", h->e_machine, EM_RISCV);
	if (h->e_type != ET_EXEC)
		return refuse(r, "ELF type %u, wanted an executable at a fixed address (%u); link with -static -no-pie",
			      h->e_type, ET_EXEC);
	if (h->e_flags & (EF_RISCV_RVC | EF_RISCV_FLOAT_ABI))
		return refuse(r, "ELF flags %#x: compressed instructions or a floating-point ABI; compile with -march=rv32im_zicsr -mabi=ilp32",
			      h->e_flags);
	if (h->e_phentsize != sizeof(Elf32_Phdr))
		return refuse(r, "its program headers have %u bytes, wanted %zu", h->e_phentsize,
			      sizeof(Elf32_Phdr));
	if (h->e_phoff > size || h->e_phnum > (size - h->e_phoff) / sizeof(Elf32_Phdr))
		return refuse(r, "%u program headers at byte %u lie outside of its %zu bytes",
			      h->e_phnum, h->e_phoff, size);
	return 0;
}

static uint32_t rights(uint32_t flags)
{
	uint32_t out = 0;

	if (flags & PF_X)
		out |= NPU_FW_SECTION_X;
	if (flags & PF_R)
		out |= NPU_FW_SECTION_R;
	/* what is written can be read: there are no pages that are only written */
	if (flags & PF_W)
		out |= NPU_FW_SECTION_R | NPU_FW_SECTION_W;
	return out;
}

static int check_segment(const struct reader *r, const Elf32_Phdr *p, unsigned int i, size_t size)
{
	if (p->p_offset > size || p->p_filesz > size - p->p_offset)
		return refuse(r, "segment %u: %u bytes at byte %u lie outside of its %zu bytes", i,
			      p->p_filesz, p->p_offset, size);
	if (p->p_filesz > p->p_memsz)
		return refuse(r, "segment %u has %u bytes in the file, only %u in memory", i,
			      p->p_filesz, p->p_memsz);
	if (p->p_flags & PF_W && p->p_flags & PF_X)
		return refuse(r, "segment %u at %#x is both written and executed; give code and data segments of their own",
			      i, p->p_vaddr);
	if (!(p->p_flags & (PF_R | PF_W | PF_X)) && p->p_filesz)
		return refuse(r, "segment %u at %#x has no rights but %u bytes; give it rights or no bytes",
			      i, p->p_vaddr, p->p_filesz);
	if (p->p_vaddr != p->p_paddr)
		return refuse(r, "segment %u is loaded to %#x but used at %#x; nobody moves it", i,
			      p->p_paddr, p->p_vaddr);
	if (p->p_vaddr % PAGE)
		return refuse(r, "segment %u at %#x does not start on a page of %u bytes; align it",
			      i, p->p_vaddr, PAGE);
	if (p->p_vaddr < NPU_CC_RAM_BASE || p->p_vaddr >= NPU_CC_HANDOFF ||
	    p->p_memsz > NPU_CC_HANDOFF - p->p_vaddr)
		return refuse(r, "segment %u: %u bytes at %#x, the control core's memory goes from %#x to %#x",
			      i, p->p_memsz, p->p_vaddr, NPU_CC_RAM_BASE, NPU_CC_HANDOFF);
	return 0;
}

static uint32_t end(const struct npu_elf_segment *s)
{
	return s->address + (s->size + PAGE - 1) / PAGE * PAGE;
}

static bool holds_entry(const struct npu_elf *out)
{
	uint32_t i;

	for (i = 0; i < out->n_segments; i++) {
		const struct npu_elf_segment *s = &out->segment[i];

		if (s->rights & NPU_FW_SECTION_X && out->entry >= s->address &&
		    s->file_size >= 4 && out->entry - s->address <= s->file_size - 4)
			return out->entry % 4 == 0;
	}
	return false;
}

int npu_elf_read(const void *elf, size_t size, struct npu_elf *out, char *why, size_t why_size)
{
	const struct reader r = { why, why_size };
	Elf32_Ehdr h;
	unsigned int i;
	uint32_t j;

	memset(out, 0, sizeof(*out));
	if (size < sizeof(h) || size > UINT32_MAX)
		return refuse(&r, "it has %zu bytes, an ELF at least %zu and less than 2^32", size,
			      sizeof(h));
	memcpy(&h, elf, sizeof(h));
	if (check_header(&r, &h, size))
		return -EINVAL;

	for (i = 0; i < h.e_phnum; i++) {
		struct npu_elf_segment *s = &out->segment[out->n_segments];
		Elf32_Phdr p;

		memcpy(&p, (const uint8_t *)elf + h.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type != PT_LOAD || !p.p_memsz)
			continue;
		if (out->n_segments == NPU_FW_MAX_SECTIONS - 1)
			return refuse(&r, "more than %u loadable segments",
				      NPU_FW_MAX_SECTIONS - 1);
		if (check_segment(&r, &p, i, size))
			return -EINVAL;
		*s = (struct npu_elf_segment) {
			.rights = rights(p.p_flags), .address = p.p_vaddr, .size = p.p_memsz,
			.offset = p.p_offset, .file_size = p.p_filesz,
		};
		for (j = 0; j < out->n_segments; j++)
			if (s->address < end(&out->segment[j]) && out->segment[j].address < end(s))
				return refuse(&r, "segment %u at %#x shares a page of %u bytes with that at %#x; align it",
					      i, s->address, PAGE, out->segment[j].address);
		out->n_segments++;
	}
	out->entry = h.e_entry;
	if (!holds_entry(out))
		return refuse(&r, "its entry %#x is no word of an executable segment; set ENTRY() in the linker script",
			      h.e_entry);
	return 0;
}

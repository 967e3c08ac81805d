// SPDX-License-Identifier: MIT
/* Images made from an ELF: what becomes of its segments, and which ELF is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev_key.h"
#include "elf_reader.h"
#include "image.h"
#include "kit.h"
#include "tap.h"

#define RAM	NPU_CC_RAM_BASE
#define R	NPU_FW_SECTION_R
#define W	NPU_FW_SECTION_W
#define X	NPU_FW_SECTION_X

static char why[256];

static const struct npu_fw_header *header(const uint8_t *image)
{
	return (const struct npu_fw_header *)image;
}

static void test_sections(void)
{
	static const struct npu_fw_section wanted[] = {
		{ NPU_FW_SECTION_CODE, R | X, 0, 8, RAM, 8, RAM, 0 },
		{ NPU_FW_SECTION_DATA, R | W, 0, 10, RAM + KIT_PAGE, KIT_PAGE + 1, 0, 0 },
		{ NPU_FW_SECTION_DATA, 0, 0, 0, RAM + 3 * KIT_PAGE, KIT_PAGE, 0, 0 },
		{ NPU_FW_SECTION_DATA, R | W, 0, 0, RAM + 4 * KIT_PAGE, 2 * KIT_PAGE, 0, 0 },
		{ NPU_FW_SECTION_CONFIG, R, 0, 64, 0, 64, 0, 0 },
	};
	struct npu_image_result result;
	struct npu_fw_section s;
	size_t size;
	uint8_t *image = kit_image(&kit_pack, &size);
	bool good = image && header(image)->n_sections == 5;
	unsigned int i;

	for (i = 0; good && i < 5; i++) {
		npu_image_section(image, i, &s);
		good = s.offset % 16 == 0;
		s.offset = 0;
		good = good && !memcmp(&s, &wanted[i], sizeof(s));
	}
	tap_ok(good, "pack: segments become sections with their place, size, rights and entry");
	npu_image_section(image, 0, &s);
	good = !memcmp(image + s.offset, (const uint32_t[]){ 0x10500073, 0xffdff06f }, 8);
	npu_image_section(image, 1, &s);
	tap_ok(good && !memcmp(image + s.offset, "ten bytes", 10) &&
	       npu_image_check(image, size, &npu_image_limits_default, &result) == 0 &&
	       result.api_min == 0x10000 && result.api_max == 0x10005 && result.entry == RAM &&
	       !memcmp(&result.config, &kit_pack.config, sizeof(result.config)),
	       "pack: bytes, APIs and configuration come out as packed");
	free(image);
}

static void test_build_id(void)
{
	struct npu_pack other = kit_pack;
	struct kit_elf elf;
	size_t size, signed_size;
	uint8_t *a = kit_image(&kit_pack, &size), *b = kit_image(&kit_pack, &size);

	memset(b, 0xa5, size);
	npu_pack(&kit_pack, b, size, &size, why, sizeof(why));
	tap_ok(!memcmp(a, b, size),
	       "pack: the same input gives the same bytes, whatever was in the memory before");
	free(b);
	other.seed = npu_dev_key_seed;
	b = kit_image(&other, &signed_size);
	tap_ok(b && signed_size == size && memcmp(header(a)->hash, header(b)->hash, 32) &&
	       !memcmp(header(a)->build_id, header(b)->build_id, 32),
	       "pack: who signs makes no difference to the build id");
	free(b);
	other = kit_pack;
	other.config.heartbeat_ms--;
	b = kit_image(&other, &size);
	tap_ok(b && memcmp(header(a)->build_id, header(b)->build_id, 32),
	       "pack: another configuration gives another build id");
	free(b);
	other = kit_pack;
	kit_elf(&elf);
	elf.code[1]++;
	other.elf = &elf;
	b = kit_image(&other, &size);
	tap_ok(b && memcmp(header(a)->build_id, header(b)->build_id, 32),
	       "pack: another firmware gives another build id");
	free(b);
	free(a);
}

static bool refused(const struct npu_pack *what, const char *wanted)
{
	size_t size = 1;
	int ret;

	why[0] = 0;
	ret = npu_pack(what, NULL, 0, &size, why, sizeof(why));
	if (ret == -EINVAL && !size && !strcmp(why, wanted))
		return true;
	tap_diag("ret %d: %s", ret, why);
	return false;
}

static void test_input(void)
{
	struct npu_pack what = kit_pack;
	uint8_t image[4096];
	size_t size;

	what.version = "";
	tap_ok(refused(&what, "version '', wanted 1 to 31 letters, digits and ._+~-"),
	       "pack: an empty version is refused");
	what.version = "12345678901234567890123456789012";
	tap_ok(refused(&what, "version '12345678901234567890123456789012', "
		       "wanted 1 to 31 letters, digits and ._+~-"),
	       "pack: a version of 32 characters is refused");
	what = kit_pack;
	what.api_min = 0x10006;
	tap_ok(refused(&what, "APIs from 1.6 to 1.5, wanted a rising range of one major"),
	       "pack: APIs in reverse order are refused");
	what.api_max = 0x20007;
	tap_ok(refused(&what, "APIs from 1.6 to 2.7, wanted a rising range of one major"),
	       "pack: APIs of two majors are refused");
	what = kit_pack;
	what.hw_version_min = 0x20000;
	tap_ok(refused(&what, "hardware from 2.0 to 1.0, wanted a rising range"),
	       "pack: hardware versions in reverse order are refused");
	npu_pack(&kit_pack, NULL, 0, &size, why, sizeof(why));
	tap_ok(npu_pack(&kit_pack, image, size - 1, &size, why, sizeof(why)) == -ENOSPC &&
	       npu_pack(&kit_pack, image, size, &size, why, sizeof(why)) == 0,
	       "pack: a byte too little room is told, enough of it is enough");
}

/* The ELF in memory of exactly its size, so that the sanitizers see a read past its end. */
static int read_elf(const struct kit_elf *elf, size_t size, struct npu_elf *out)
{
	void *copy = malloc(size ? size : 1);
	int ret;

	memcpy(copy, elf, size);
	why[0] = 0;
	ret = npu_elf_read(copy, size, out, why, sizeof(why));
	free(copy);
	return ret;
}

static void elf_refused(const struct kit_elf *elf, const char *wanted, const char *name)
{
	struct npu_elf out;
	int ret = read_elf(elf, sizeof(*elf), &out);

	if (!tap_ok(ret == -EINVAL && !strcmp(why, wanted), "elf: %s is refused", name))
		tap_diag("ret %d: %s", ret, why);
}

static void test_elf_header(void)
{
	struct npu_elf out;
	struct kit_elf elf;
	unsigned int wrong = 0;
	size_t n;

	kit_elf(&elf);
	for (n = 0; n < offsetof(struct kit_elf, pad); n++)
		wrong += read_elf(&elf, n, &out) != -EINVAL;
	tap_ok(!wrong, "elf: each truncation is refused");
#define CASE(field, value, name, text) \
	do { \
		kit_elf(&elf); \
		elf.field = (value); \
		elf_refused(&elf, text, name); \
	} while (0)
	CASE(header.e_ident[0], 0, "what is no ELF",
	     "it is no ELF file; name what the linker made");
	CASE(header.e_ident[EI_CLASS], ELFCLASS64, "one of 64 bits",
	     "ELF class 2, byte order 1; wanted 32 bits, little-endian");
	CASE(header.e_ident[EI_DATA], ELFDATA2MSB, "a big-endian one",
	     "ELF class 1, byte order 2; wanted 32 bits, little-endian");
	CASE(header.e_machine, EM_X86_64, "one of another machine",
	     "ELF machine 62, wanted RISC-V (243)");
	CASE(header.e_type, ET_DYN, "one that can be moved",
	     "ELF type 3, wanted an executable at a fixed address (2); link with -static -no-pie");
	CASE(header.e_flags, 1, "one with compressed instructions",
	     "ELF flags 0x1: compressed instructions or a floating-point ABI; "
	     "compile with -march=rv32im_zicsr -mabi=ilp32");
	CASE(header.e_phentsize, 56, "one with other program headers",
	     "its program headers have 56 bytes, wanted 32");
	CASE(header.e_phoff, 0xffffffff, "one with program headers past its end",
	     "4 program headers at byte 4294967295 lie outside of its 200 bytes");
	CASE(header.e_phnum, 5, "one with more program headers than bytes",
	     "5 program headers at byte 52 lie outside of its 200 bytes");
	CASE(header.e_phnum, 0, "one without segments",
	     "its entry 0x10000000 is no word of an executable segment; "
	     "set ENTRY() in the linker script");
	CASE(header.e_entry, RAM + 8, "an entry behind the code",
	     "its entry 0x10000008 is no word of an executable segment; "
	     "set ENTRY() in the linker script");
	CASE(header.e_entry, RAM + 2, "an entry that is not aligned",
	     "its entry 0x10000002 is no word of an executable segment; "
	     "set ENTRY() in the linker script");
	CASE(header.e_entry, RAM + KIT_PAGE, "an entry in data",
	     "its entry 0x10001000 is no word of an executable segment; "
	     "set ENTRY() in the linker script");
}

static void test_elf_segments(void)
{
	struct npu_elf out;
	struct kit_elf elf;

	CASE(segment[KIT_CODE].p_flags, PF_R | PF_W | PF_X, "a segment that is written and executed",
	     "segment 0 at 0x10000000 is both written and executed; "
	     "give code and data segments of their own");
	CASE(segment[KIT_DATA].p_offset, 0xfffffff0, "a segment past the end",
	     "segment 1: 10 bytes at byte 4294967280 lie outside of its 200 bytes");
	CASE(segment[KIT_DATA].p_filesz, 0xffffffff, "a segment of 2^32 - 1 bytes",
	     "segment 1: 4294967295 bytes at byte 188 lie outside of its 200 bytes");
	CASE(segment[KIT_DATA].p_memsz, 9, "a segment with less memory than bytes",
	     "segment 1 has 10 bytes in the file, only 9 in memory");
	CASE(segment[KIT_DATA].p_flags, 0, "a segment with bytes and no rights",
	     "segment 1 at 0x10001000 has no rights but 10 bytes; give it rights or no bytes");
	CASE(segment[KIT_DATA].p_paddr, RAM + 8 * KIT_PAGE, "a segment that would have to be moved",
	     "segment 1 is loaded to 0x10008000 but used at 0x10001000; nobody moves it");
	CASE(segment[KIT_STACK].p_memsz, NPU_CC_HANDOFF - RAM - 4 * KIT_PAGE + 1,
	     "a segment that ends in the hand-over",
	     "segment 3: 241665 bytes at 0x10004000, "
	     "the control core's memory goes from 0x10000000 to 0x1003f000");
	CASE(segment[KIT_STACK].p_memsz, 0xffffffff, "a segment that wraps",
	     "segment 3: 4294967295 bytes at 0x10004000, "
	     "the control core's memory goes from 0x10000000 to 0x1003f000");
	CASE(segment[KIT_GUARD].p_memsz, KIT_PAGE + 1, "a segment in the page of another",
	     "segment 3 at 0x10004000 shares a page of 4096 bytes with that at 0x10003000; "
	     "align it");

	kit_elf(&elf);
	elf.segment[KIT_STACK].p_vaddr += 16;
	elf.segment[KIT_STACK].p_paddr += 16;
	elf_refused(&elf, "segment 3 at 0x10004010 does not start on a page of 4096 bytes; "
		    "align it", "a segment off its page");
	elf.segment[KIT_STACK].p_vaddr = elf.segment[KIT_STACK].p_paddr = 0x80000000;
	elf_refused(&elf, "segment 3: 8192 bytes at 0x80000000, "
		    "the control core's memory goes from 0x10000000 to 0x1003f000",
		    "a segment outside of the memory");

	kit_elf(&elf);
	elf.segment[KIT_STACK].p_memsz = NPU_CC_HANDOFF - RAM - 4 * KIT_PAGE;
	tap_ok(read_elf(&elf, sizeof(elf), &out) == 0 && out.n_segments == 4,
	       "elf: memory filled up to the hand-over is good");
	kit_elf(&elf);
	elf.segment[KIT_GUARD].p_type = PT_NOTE;
	elf.segment[KIT_STACK].p_memsz = 0;
	elf.segment[KIT_DATA].p_flags = PF_W;
	tap_ok(read_elf(&elf, sizeof(elf), &out) == 0 && out.n_segments == 2 &&
	       out.segment[1].rights == (R | W),
	       "elf: notes and empty segments are left out, what is written is readable");
}

/* 16 segments, each on its page; one more than fit beside the configuration. */
static void test_elf_count(void)
{
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segment[16];
		uint32_t code;
	} many;
	struct kit_elf elf;
	struct npu_elf out;
	unsigned int i;

	kit_elf(&elf);
	many.header = elf.header;
	many.header.e_phnum = 16;
	many.code = elf.code[0];
	for (i = 0; i < 16; i++) {
		many.segment[i] = elf.segment[KIT_CODE];
		many.segment[i].p_offset = offsetof(typeof(many), code);
		many.segment[i].p_filesz = 4;
		many.segment[i].p_vaddr += i * KIT_PAGE;
		many.segment[i].p_paddr += i * KIT_PAGE;
	}
	tap_ok(npu_elf_read(&many, sizeof(many), &out, why, sizeof(why)) == -EINVAL &&
	       !strcmp(why, "more than 15 loadable segments"), "elf: a 16th segment is refused");
	many.header.e_phnum = 15;
	tap_ok(npu_elf_read(&many, sizeof(many), &out, why, sizeof(why)) == 0 &&
	       out.n_segments == 15, "elf: 15 segments are good");
}

int main(void)
{
	test_sections();
	test_build_id();
	test_input();
	test_elf_header();
	test_elf_segments();
	test_elf_count();
	return tap_done();
}

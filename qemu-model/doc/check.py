#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does the specification name every number of the contract, with the value that the headers have?

usage: check.py UAPI_DIR DOC_DIR [CC]; TAP on stdout. A name counts as documented when a line of
some chapter has it in ``double backquotes`` and its number, decimal or hexadecimal, as a word; a
text when it stands there in quotes. Each row of NPU_VERSION_TABLE is a row of versioning.rst.
"""
import csv
import glob
import os
import re
import subprocess
import sys
import tempfile

HEADERS = ("npu_regs.h", "npu_cmd.h", "npu_formats.h", "npu_fw_msg.h", "npu_fw_image.h",
           "npu_mmu.h", "npu_fw_hw.h", "npu_flash.h", "npu_versions.h")
# macros with an argument that are places
PLACES = {
    "npu_regs.h": ("NPU_REG_QUEUE_TAIL(0)",),
    "npu_fw_hw.h": ("NPU_CC_QUEUE_TAIL(0)",),
    "npu_flash.h": ("NPU_FLASH_STATE_AT(0)", "NPU_FLASH_STATE_AT(1)"),
}
# groups of names, a promise each; what fits none is in the last
GROUPS = (
    ("registers", r"NPU_REG_(?!COUNT|ZERO|PARAM|TEMP)"),
    ("address map of the control core", r"NPU_CC_(RAM|HANDOFF|PAGE|REGS|WINDOW)"),
    ("registers and operations of the control core", r"NPU_CC_"),
    ("flash", r"NPU_FLASH_"),
    ("opcodes", r"NPU_OP_"),
    ("messages and their status", r"NPU_MSG_(?!RING)"),
    ("boot errors", r"NPU_BOOT_"),
    ("device states", r"NPU_STATE_"),
    ("faults", r"NPU_FAULT_"),
    ("limits", r"NPU_\w*(MAX|MIN)_?"),
    ("page tables", r"NPU_(PT|PTE|PAGE|LARGE|VA)_"),
    ("all other constants", r"NPU_"),
)


def constants(uapi, header, cc):
    """Names and values of the header's constants, numbers or texts, as the compiler sees them."""
    text = open(os.path.join(uapi, header)).read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    texts = dict(re.findall(r'^#define\s+(NPU_\w+)[ \t]+"(.*)"[ \t]*$', text, re.M))
    names = [m[0] for m in re.findall(r"^#define\s+(NPU_\w+)[ \t]+(\S.*)$", text, re.M)]
    for body in re.findall(r"\benum\s+\w+\s*\{(.*?)\}", text, re.S):
        names += re.findall(r"\b(NPU_\w+)\b\s*(?:=[^,]*)?(?:,|$)", body.strip())
    names += PLACES.get(header, ())
    names = [n for n in dict.fromkeys(names) if not n.endswith("_H") and n not in texts]
    values = evaluate(uapi, header, cc, [f'printf("%llu\\n", (unsigned long long)({n}));'
                                         for n in names])
    return dict(zip(names, map(int, values.split()))) | texts


def versions(uapi, cc):
    """Rows of NPU_VERSION_TABLE, with versions as major.minor."""
    row = ('#define ROW(i, p, min, max, mend) printf("%s\\t%s\\t%u.%u\\t%u.%u\\t%s\\n", #i, #p, '
           'NPU_VERSION_MAJOR(min), NPU_VERSION_MINOR(min), NPU_VERSION_MAJOR(max), '
           'NPU_VERSION_MINOR(max), mend);\n')
    text = evaluate(uapi, "npu_versions.h", cc, [row + "NPU_VERSION_TABLE(ROW)"])
    return [line.split("\t") for line in text.splitlines()]


def evaluate(uapi, header, cc, statements):
    """What these statements of C print."""
    with tempfile.TemporaryDirectory() as work:
        source = os.path.join(work, "values.c")
        with open(source, "w") as f:
            f.write(f'#include <stdio.h>\n#include "{header}"\nint main(void)\n{{\n')
            f.write("\n".join(statements) + "\n")
            f.write("\treturn 0;\n}\n")
        program = os.path.join(work, "values")
        subprocess.run([cc, "-I", uapi, source, "-o", program], check=True)
        return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def documented(lines, name, value):
    """Whether a line has both; the second result is a line that has the name only."""
    numbers = re.compile(f'"{re.escape(value)}"' if isinstance(value, str) else
                         rf"\b(0x0*{value:x}|{value})\b", re.I)
    near = None
    for place, line in lines:
        if f"``{name}``" in line:
            if numbers.search(line.replace(f"``{name}``", "")):
                return True, None
            near = place
    return False, near


def main():
    uapi, doc = sys.argv[1:3]
    cc = sys.argv[3] if len(sys.argv) > 3 else "cc"
    lines = []
    for path in sorted(glob.glob(os.path.join(doc, "*.rst"))):
        for number, line in enumerate(open(path), 1):
            lines.append((f"{os.path.basename(path)}:{number}", line))
    count = failed = 0
    for header in HEADERS:
        left = constants(uapi, header, cc)
        for what, pattern in GROUPS:
            mine = {n: v for n, v in left.items() if re.match(pattern, n)}
            left = {n: v for n, v in left.items() if n not in mine}
            if not mine:
                continue
            wrong = []
            for name, value in mine.items():
                good, near = documented(lines, name, value)
                if not good:
                    wrong.append(f"{name} is {value}" +
                                 (f" ({value:#x})" if isinstance(value, int) else "") +
                                 (f", {near} has another number or none" if near else ""))
            count += 1
            failed += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {count} specification: {header}: {what}: "
                  f"{len(mine)} named with their numbers")
            for line in wrong:
                print(f"# {line}")
    with open(os.path.join(doc, "versioning.rst")) as chapter:
        told = [[cell.strip() for cell in row]
                for row in csv.reader(chapter, skipinitialspace=True)]
    rows = versions(uapi, cc)
    wrong = [row for row in rows if row not in told] if rows else [["any"]]
    parts = {(row[0], row[1]) for row in rows}
    stale = [row for row in told if tuple(row[:2]) in parts and row not in rows]
    count += 1
    failed += bool(wrong or stale)
    print(f"{'not ok' if wrong or stale else 'ok'} {count} specification: npu_versions.h: "
          f"compatibility: {len(rows)} rows are those of the chapter")
    for row in wrong:
        print(f"# versioning.rst has no row: {', '.join(row)}")
    for row in stale:
        print(f"# versioning.rst has a row that the table has not: {', '.join(row)}")
    links = [(place, target) for place, line in lines
             for target in re.findall(r"`<(\w+\.rst)>`_", line)]
    broken = [f"{place}: {target}" for place, target in links
              if not os.path.exists(os.path.join(doc, target))]
    count += 1
    failed += bool(broken)
    print(f"{'not ok' if broken else 'ok'} {count} specification: "
          "every chapter that is named is there")
    for line in broken:
        print(f"# {line}")
    print(f"1..{count}")
    return failed != 0


sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does the specification name every number of the contract, with the value that the headers have?

usage: check.py UAPI_DIR DOC_DIR [CC]; TAP on stdout. A name counts as documented when a line of
some chapter has it in ``double backquotes`` and its number, decimal or hexadecimal, as a word.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

HEADERS = ("npu_regs.h", "npu_cmd.h", "npu_formats.h", "npu_fw_msg.h", "npu_fw_image.h",
           "npu_mmu.h")
# groups of names, a promise each; what fits none is in the last
GROUPS = (
    ("registers", r"NPU_REG_(?!COUNT|ZERO|PARAM|TEMP)"),
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
    """Names and values of the header's integer constants, as the compiler sees them."""
    text = open(os.path.join(uapi, header)).read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    names = [m[0] for m in re.findall(r"^#define\s+(NPU_\w+)[ \t]+(\S.*)$", text, re.M)]
    for body in re.findall(r"\benum\s+\w+\s*\{(.*?)\}", text, re.S):
        names += re.findall(r"\b(NPU_\w+)\b\s*(?:=[^,]*)?(?:,|$)", body.strip())
    if header == "npu_regs.h":
        names.append("NPU_REG_QUEUE_TAIL(0)")
    names = [n for n in dict.fromkeys(names) if not n.endswith("_H")]
    with tempfile.TemporaryDirectory() as work:
        source = os.path.join(work, "values.c")
        with open(source, "w") as f:
            f.write(f'#include <stdio.h>\n#include "{header}"\nint main(void)\n{{\n')
            for n in names:
                f.write(f'\tprintf("%llu\\n", (unsigned long long)({n}));\n')
            f.write("\treturn 0;\n}\n")
        program = os.path.join(work, "values")
        subprocess.run([cc, "-I", uapi, source, "-o", program], check=True)
        values = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return dict(zip(names, map(int, values.split())))


def documented(lines, name, value):
    """Whether a line has both; the second result is a line that has the name only."""
    numbers = re.compile(rf"\b(0x0*{value:x}|{value})\b", re.I)
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
                    wrong.append(f"{name} is {value} ({value:#x})" +
                                 (f", {near} has another number or none" if near else ""))
            count += 1
            failed += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {count} specification: {header}: {what}: "
                  f"{len(mine)} named with their numbers")
            for line in wrong:
                print(f"# {line}")
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

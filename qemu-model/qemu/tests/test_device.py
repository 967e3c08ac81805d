#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The device as a PCI function of QEMU, driven through qtest without a guest.

usage: test_device.py QEMU UAPI_DIR IMAGE NPU_FW; TAP on stdout. What the device computes is tested on the
core library; here are identity, registers over PCI, DMA, interrupts, bus mastering and resets.
"""
import json
import os
import random
import re
import select
import struct
import subprocess
import sys
import tempfile
import time

QEMU, UAPI, IMAGE, NPU_FW = sys.argv[1:5]
QEMU_ARGS = [QEMU, "-M", "q35", "-nodefaults", "-display", "none", "-accel", "qtest",
             "-L", os.path.join(os.path.dirname(QEMU), "share")]
SLOT = 4
BAR_REGS = 0xe0000000
BAR_MSIX = 0xe0100000
RAM = 0x100000              # scratch memory, 1 MiB and up
IRQ_AT = 0x180000           # where interrupts land: 4 bytes a vector
RAM_END = 64 << 20

count = failed = 0


def ok(good, name):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} qemu: {name}", flush=True)


def constants():
    """The #defines and enum values of registers and messages."""
    text = "".join(open(os.path.join(UAPI, name)).read()
                   for name in ("npu_regs.h", "npu_fw_msg.h", "npu_fw_image.h"))
    found = dict(re.findall(r"#define\s+(NPU_\w+)\s+(0x[0-9a-fA-F]+|\d+)u?\b", text))
    found.update(re.findall(r"^\t(NPU_\w+)\s*=\s*(0x[0-9a-f]+|\d+)", text, re.M))
    return {name: int(value, 0) for name, value in found.items()}


C = constants()


class Machine:
    def __init__(self, *properties):
        device = ",".join(["npu", f"addr={SLOT}", "id=npu0", "threads=2", *properties])
        self.run = subprocess.Popen(
            [*QEMU_ARGS, "-m", "64M", "-qtest", "stdio", "-qtest-log", "/dev/null",
             "-device", device],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ask(self, line):
        self.run.stdin.write(line + "\n")
        self.run.stdin.flush()
        if not select.select([self.run.stdout], [], [], 20)[0]:
            raise RuntimeError(f"no answer to {line!r}")
        answer = self.run.stdout.readline().split()
        if not answer or answer[0] != "OK":
            raise RuntimeError(f"{line!r}: {answer}")
        return int(answer[1], 16) if len(answer) > 1 else None

    def readl(self, addr):
        return self.ask(f"readl {addr:#x}")

    def writel(self, addr, value):
        self.ask(f"writel {addr:#x} {value:#x}")

    def bytes(self, addr, size):
        return self.ask(f"read {addr:#x} {size:#x}").to_bytes(size, "big")

    def put(self, addr, data):
        self.ask(f"write {addr:#x} {len(data):#x} 0x{data.hex()}")

    def fill(self, addr, size, value):
        self.ask(f"memset {addr:#x} {size:#x} {value:#x}")

    def config(self, offset, size=4):
        self.ask(f"outl 0xcf8 {0x80000000 | SLOT << 11 | offset & ~3:#x}")
        return self.ask(f"in{'bwl'[size // 2]} {0xcfc + (offset & 3):#x}")

    def set_config(self, offset, value, size=4):
        self.ask(f"outl 0xcf8 {0x80000000 | SLOT << 11 | offset & ~3:#x}")
        self.ask(f"out{'bwl'[size // 2]} {0xcfc + (offset & 3):#x} {value:#x}")

    def reg(self, name):
        return self.readl(BAR_REGS + C["NPU_REG_" + name])

    def set_reg(self, name, value):
        self.writel(BAR_REGS + C["NPU_REG_" + name], value)

    def capability(self, wanted):
        at = self.config(0x34, 1)
        while at:
            if self.config(at, 1) == wanted:
                return at
            at = self.config(at + 1, 1)
        return None

    def enable(self, command=0x6):
        """BARs, memory decoding and (0x4) bus mastering."""
        self.set_config(0x10, BAR_REGS)
        self.set_config(0x14, 0)
        self.set_config(0x20, BAR_MSIX)
        self.set_config(0x04, command, 2)

    def enable_msix(self):
        at = self.capability(0x11)
        for vector in range(C["NPU_MSIX_COUNT"]):
            entry = BAR_MSIX + 16 * vector
            self.writel(entry, IRQ_AT + 4 * vector)
            self.writel(entry + 4, 0)
            self.writel(entry + 8, 0xa0 + vector)
            self.writel(entry + 12, 0)
        self.set_config(at + 2, self.config(at + 2, 2) | 0x8000, 2)
        self.fill(IRQ_AT, 16, 0)

    def interrupt_seen(self, vector, seconds=5.0):
        """Waits for a vector's message in memory, which is cleared."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.readl(IRQ_AT + 4 * vector) == 0xa0 + vector:
                self.writel(IRQ_AT + 4 * vector, 0)
                return True
            time.sleep(0.01)
        return False

    def dma(self, addr, size, control):
        """A self-test transfer; its status."""
        self.set_reg("TEST_DMA_LO", addr & 0xffffffff)
        self.set_reg("TEST_DMA_HI", addr >> 32)
        self.set_reg("TEST_DMA_SIZE", size)
        self.set_reg("TEST_DMA_CTRL", C["NPU_TEST_DMA_" + control])
        return self.reg("TEST_DMA_STATUS")

    def quit(self):
        """Ends QEMU by itself: its exit status and what it said."""
        self.run.terminate()
        return self.run.wait(20), self.run.stderr.read()


def test_identity(m):
    ok(m.config(0) == C["NPU_PCI_VENDOR"] | C["NPU_PCI_DEVICE"] << 16 and
       m.config(8) == C["NPU_PCI_CLASS"] << 16 | C["NPU_PCI_REVISION"],
       "vendor, device, class and revision are those of npu_regs.h")
    express = m.capability(0x10)
    ok(express is not None and m.config(express + 4) & 1 << 28,
       "it is a PCI Express function with function-level reset")
    msix = m.capability(0x11)
    ok(msix is not None and m.config(msix + 2, 2) & 0x7ff == C["NPU_MSIX_COUNT"] - 1 and
       m.config(msix + 4) & 7 == C["NPU_BAR_MSIX"], "MSI-X has its vectors in its own BAR")
    m.set_config(0x10, 0xffffffff)
    ok(m.config(0x10) & ~0xf == 2 ** 32 - C["NPU_BAR_REGS_SIZE"], "the registers' BAR has its size")


def test_registers(m):
    m.enable()
    ok(m.reg("ID") == C["NPU_ID"] and m.reg("CORES") == 4 and m.reg("DRAM_MBPS") == 128000,
       "the registers describe the default machine")
    m.set_reg("TEST_VALUE", 0x12345678)
    ok(m.reg("TEST_VALUE") == 0x2468acf0, "a written value reads back twice")
    ok(m.reg("STATE") == C["NPU_STATE_IDLE"], "it waits for an image")


def test_dma(m):
    m.fill(RAM, 4096, 0x11)
    ok(m.dma(RAM + 7, 1001, "FILL") == 0 and
       m.bytes(RAM, 4096) == b"\x11" * 7 + bytes([C["NPU_TEST_DMA_PATTERN"]]) * 1001 +
       b"\x11" * (4096 - 1008), "DMA writes what it should and nothing else")
    ok(m.dma(RAM, 7, "INVERT") == 0 and m.bytes(RAM, 7) == b"\xee" * 7, "DMA reads memory")
    bus = C["NPU_BOOT_BUS"]
    ok(m.dma(BAR_REGS, 64, "FILL") == bus and m.dma(BAR_MSIX, 64, "CLEAR") == bus,
       "DMA into its own BARs is refused")
    ok(m.dma(0xfee00000, 64, "FILL") == bus and m.dma(1 << 45, 64, "FILL") == bus,
       "DMA to what is not RAM is refused")
    ok(m.dma(RAM_END - 32, 64, "FILL") == bus, "DMA past the end of RAM is refused")
    m.set_config(4, 0x2, 2)
    m.fill(RAM, 64, 0x22)
    ok(m.dma(RAM, 64, "FILL") == bus and m.bytes(RAM, 64) == b"\x22" * 64,
       "without bus mastering DMA is refused")
    m.set_config(4, 0x6, 2)
    ok(m.dma(RAM, 64, "FILL") == 0, "with bus mastering again it works")


def test_interrupts(m):
    m.enable_msix()
    for vector, name in (("EVENT", "events"), ("DONE", "completions")):
        m.set_reg("TEST_IRQ", C["NPU_MSIX_" + vector])
        ok(m.interrupt_seen(C["NPU_MSIX_" + vector]), f"the vector of {name} is raised")
    m.set_reg("TEST_IRQ", 2)
    m.set_reg("TEST_IRQ", 0xffffffff)
    ok(m.reg("ID") == C["NPU_ID"], "a vector that is none does no harm")


def test_reset(m):
    express = m.capability(0x10)
    m.set_reg("TEST_DMA_LO", RAM)
    m.set_reg("FW_SIZE", 123)
    m.set_config(express + 8, m.config(express + 8, 2) | 0x8000, 2)
    ok(m.config(4, 2) & 0x4 == 0, "function-level reset turns bus mastering off")
    m.enable()
    ok(m.reg("FW_SIZE") == 0 and m.reg("TEST_DMA_LO") == 0,
       "function-level reset clears the registers")
    ok(m.dma(RAM, 64, "FILL") == 0, "after a function-level reset the device works")
    before = m.reg("RESETS")
    m.set_reg("CTRL", C["NPU_CTRL_RESET"])
    end = time.monotonic() + 5
    while m.reg("STATE") != C["NPU_STATE_IDLE"] and time.monotonic() < end:
        time.sleep(0.01)
    ok(m.reg("STATE") == C["NPU_STATE_IDLE"] and m.reg("RESETS") == before + 1,
       "a device reset is counted")


# Where the driver's memory lies, each far from the next
IMAGE_AT, PARAMS, H2D, D2H, DONE, STATUS = (RAM + i * 0x10000 for i in range(1, 7))


def boot(m, image):
    """Boots image, or with none of its bytes what is in flash; the state that it ends in."""
    if image:
        m.put(IMAGE_AT, image)
    m.fill(PARAMS, 0x60000, 0)
    m.put(PARAMS, struct.pack("<IIQQQQQIIII", 128, C["NPU_FW_API_MAJOR"] << 16, H2D, D2H, DONE,
                              STATUS, 0, 16, 16, 64, 0))
    for name, value in (("FW_ADDR", IMAGE_AT), ("BOOT", PARAMS)):
        m.set_reg(name + "_LO", value)
        m.set_reg(name + "_HI", 0)
    m.set_reg("FW_SIZE", len(image))
    m.set_reg("BOOT", 1)
    end = time.monotonic() + 5
    while m.reg("STATE") == C["NPU_STATE_BOOTING"] and time.monotonic() < end:
        time.sleep(0.01)
    return m.reg("STATE")


def test_boot(m):
    m.enable()
    ok(boot(m, bytes(256)) == C["NPU_STATE_ERROR"] and
       m.reg("ERROR") == C["NPU_BOOT_MAGIC"] and m.reg("ERROR_FOUND") == 0,
       "zeros are refused as an image")
    image = open(IMAGE, "rb").read()
    ok(boot(m, image[:-1] + bytes([image[-1] ^ 1])) == C["NPU_STATE_ERROR"] and
       m.reg("ERROR") == C["NPU_BOOT_HASH"], "an altered image is refused")
    ok(boot(m, image) == C["NPU_STATE_RUNNING"], "the image of this tree boots after refused ones")

    m.enable_msix()
    m.set_reg("D2H_ARM", 0)
    ok(m.interrupt_seen(C["NPU_MSIX_EVENT"]) and m.readl(D2H) == C["NPU_MSG_EVENT_READY"],
       "the first message says that the firmware is ready, and raises the vector of events")
    m.set_reg("D2H_ARM", 1)
    m.put(H2D, struct.pack("<HHIQ", C["NPU_MSG_PING"], 0, 77, 0x1122334455667788))
    m.set_reg("H2D_TAIL", 1)
    answer = struct.pack("<HHIQ", C["NPU_MSG_PING"] | C["NPU_MSG_REPLY"], 0, 77, 0x1122334455667788)
    ok(m.interrupt_seen(C["NPU_MSIX_EVENT"]) and m.bytes(D2H + 64, 16) == answer,
       "a message is answered")


def test_storm(m, writes=4000):
    """Whatever a guest writes: registers, rings, PCI command, function-level resets."""
    rng = random.Random(1)
    express = m.capability(0x10)
    image = open(IMAGE, "rb").read()
    for i in range(writes):
        value = rng.choice((0, 1, 2, 3, rng.getrandbits(5), rng.getrandbits(32), RAM, H2D, DONE))
        kind = rng.randrange(40)
        if kind < 20:
            m.writel(BAR_REGS + 4 * rng.randrange(0x88), value)
        elif kind < 26:
            m.writel(BAR_REGS + rng.randrange(0, C["NPU_BAR_REGS_SIZE"], 4), value)
        elif kind < 34:
            m.put(rng.choice((H2D, D2H, DONE, STATUS, PARAMS)) + rng.randrange(0, 512, 8),
                  rng.randbytes(8) if rng.randrange(2) else struct.pack("<HHI", value % 64, 0, 1))
        elif kind < 37:
            m.set_config(4, rng.choice((0x6, 0x6, 0x2, 0x4)), 2)
        elif kind < 38:
            m.set_config(express + 8, m.config(express + 8, 2) | 0x8000, 2)
            m.enable()
        else:
            m.enable()
            boot(m, image) if rng.randrange(2) else m.set_reg("H2D_TAIL", i)
    m.set_config(express + 8, m.config(express + 8, 2) | 0x8000, 2)
    m.enable()
    ok(m.reg("ID") == C["NPU_ID"] and boot(m, image) == C["NPU_STATE_RUNNING"],
       f"{writes} arbitrary writes do no harm that a reset does not mend")


def test_properties():
    m = Machine("profile=small", "spad=2M", "drop-interrupts=on")
    m.enable()
    ok(m.reg("CORES") == 1 and m.reg("DRAM_MBPS") == 34000 and m.reg("SPAD_BYTES") == 2 << 20,
       "a profile and a property over it make the machine")
    m.enable_msix()
    m.set_reg("TEST_IRQ", C["NPU_MSIX_DONE"])
    m.set_reg("TEST_IRQ", C["NPU_MSIX_EVENT"])
    ok(m.interrupt_seen(C["NPU_MSIX_EVENT"]) and not m.interrupt_seen(C["NPU_MSIX_DONE"], 0.1),
       "drop-interrupts drops completions and nothing else")
    m.quit()
    for properties, text in (
            ("profile=large", "npu: profile 'large' is unknown; take 'default' or 'small'"),
            ("isa=sse2", "npu: isa 'sse2' is unknown"),
            ("cores=17", "npu: a property is out of range, wanted cores: 1..16")):
        run = subprocess.run([*QEMU_ARGS, "-device", "npu," + properties], capture_output=True,
                             text=True, timeout=20)
        ok(run.returncode == 1 and text in run.stderr, f"{properties} is refused with a reason")


def refusal(m):
    return tuple(m.reg(name) for name in ("ERROR", "ERROR_FOUND", "ERROR_WANTED"))


def test_flash(work):
    flash = os.path.join(work, "flash")
    tool = [NPU_FW, "flash-init", "--golden", IMAGE, "-o", flash, "--slot-size", "262144"]
    subprocess.run(tool, check=True, capture_output=True)
    m = Machine(f"flash={flash}")
    m.enable()
    ok(m.reg("FLASH") == C["NPU_FLASH_PRESENT"] and boot(m, b"") == C["NPU_STATE_RUNNING"] and
       m.reg("FW_SOURCE") == C["NPU_FW_SOURCE_GOLDEN"] and
       m.reg("FLASH") == C["NPU_FLASH_PRESENT"] | C["NPU_FLASH_BOOTED"],
       "the golden image boots out of a file")
    run = subprocess.run([NPU_FW, "stage", flash, IMAGE], capture_output=True, text=True)
    ok(run.returncode == 1 and "in use" in run.stderr,
       "npu-fw does not write to the flash of a running device")
    run = subprocess.run([*QEMU_ARGS, "-device", f"npu,flash={flash}"], capture_output=True,
                         text=True, timeout=20)
    ok(run.returncode == 1 and f"npu: flash '{flash}' is in use" in run.stderr,
       "nor does a second device")
    m.quit()
    subprocess.run([NPU_FW, "stage", flash, IMAGE], check=True, capture_output=True)
    m = Machine(f"flash={flash}")
    m.enable()
    ok(boot(m, b"") == C["NPU_STATE_RUNNING"] and
       m.reg("FW_SOURCE") == C["NPU_FW_SOURCE_SLOT_A"], "a staged image boots out of its slot")
    end = time.monotonic() + 5
    while m.reg("SECURITY") != 1 and time.monotonic() < end:
        time.sleep(0.01)
    m.quit()
    run = subprocess.run([NPU_FW, "status", flash, "--json"], capture_output=True, text=True)
    ok(json.loads(run.stdout)["slot_a"]["state"] == "confirmed",
       "and is confirmed in the file when its boot was healthy")
    for path, text in (("/nonexistent", "npu: flash: "), ("/dev/null", "is empty")):
        run = subprocess.run([*QEMU_ARGS, "-device", f"npu,flash={path}"], capture_output=True,
                             text=True, timeout=20)
        ok(run.returncode == 1 and text in run.stderr, f"flash={path} is refused with a reason")


def test_life_cycle():
    image = open(IMAGE, "rb").read()
    m = Machine("development=off")
    m.enable()
    ok(m.reg("LIFECYCLE") == 0 and boot(m, image) == C["NPU_STATE_ERROR"] and
       refusal(m)[::2] == (C["NPU_BOOT_DEV_KEY"], 1),
       "in production state the development key is refused")
    m.quit()
    m = Machine("security-counter=9")
    m.enable()
    ok(m.reg("LIFECYCLE") == 1 and m.reg("SECURITY") == 9 and
       boot(m, image) == C["NPU_STATE_ERROR"] and refusal(m) == (C["NPU_BOOT_SECURITY"], 1, 9),
       "security-counter keeps older images out")
    m.quit()
    run = subprocess.run([*QEMU_ARGS, "-device", "npu,fused-key=12"], capture_output=True,
                         text=True, timeout=20)
    ok(run.returncode == 1 and "npu: fused-key '12' is not 64 hexadecimal digits" in run.stderr,
       "fused-key=12 is refused with a reason")


def main():
    m = Machine()
    test_identity(m)
    test_registers(m)
    test_dma(m)
    test_interrupts(m)
    test_reset(m)
    test_boot(m)
    test_storm(m)
    status, said = m.quit()
    ok(status == 0 and "assert" not in said.lower(), "QEMU ends in good order")
    test_properties()
    test_life_cycle()
    with tempfile.TemporaryDirectory() as work:
        test_flash(work)
    print(f"1..{count}")
    return failed != 0


sys.exit(main())

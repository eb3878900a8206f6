"""Virtual devices: they end with the program that started them, also when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ecg_edge.ecg.errors import ToolError
from ecg_edge.host.devices import platformio
from ecg_edge.host.devices.images import describe_file, elf_machine, require_arm_image

DEVICE = """#!/bin/sh
echo $$
exec sleep 600
"""
HOLD = """
import sys, time
from pathlib import Path
from ecg_edge.host.devices.emulator import native_device
with native_device(Path(sys.argv[1])) as port:
    print(port, flush=True)
    time.sleep(600)
"""


def elf(machine: int) -> bytes:
    """Make the header of an ELF file, little-endian."""
    return b"\x7fELF\x01\x01\x01" + bytes(9) + (2).to_bytes(2, "little") + machine.to_bytes(2, "little")


def runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal to orphans is Linux's")
def test_a_killed_program_leaves_no_device_behind(tmp_path: Path) -> None:
    device = tmp_path / "device"
    device.write_text(DEVICE)
    device.chmod(0o755)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(device)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    pid = int(holder.stdout.readline())
    assert runs(pid)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    for _ in range(600):
        if not runs(pid):
            return
        time.sleep(0.1)
    pytest.fail(f"process {pid} still runs")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "an empty file"),
        (b"#!/bin/sh\n", "a script"),
        (b"hostname\n", "a text file"),
        (b"\x00\x01\x02", "a file that is no ELF program"),
        (elf(62), "a program for x86-64"),
        (elf(40), "a program for Arm"),
        (elf(4000), "a program for machine 4000"),
    ],
)
def test_files_are_described(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(content)
    assert describe_file(path) == text


def test_only_an_image_for_arm_is_booted(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(elf(40))
    require_arm_image(path)
    assert elf_machine(path) == 40
    path.write_bytes(elf(94))
    with pytest.raises(ToolError, match="a program for Xtensa"):
        require_arm_image(path)


def test_a_program_older_than_the_firmware_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rhythm rules that changed after the build look like a device that differs, which they are not."""
    source, program = tmp_path / "lib" / "rules.h", tmp_path / ".pio" / "build" / "native" / "firmware"
    for path in (source, program):
        path.parent.mkdir(parents=True)
        path.touch()
    monkeypatch.setattr(platformio, "firmware_project", lambda: tmp_path)
    os.utime(source, (1000, 1000))
    assert platformio.present_program("native") == program
    os.utime(source, (2e9, 2e9))
    os.utime(program, (1000, 1000))
    with pytest.raises(
        ToolError, match=r"older than .*rules\.h\. Build it with `ecg-edge build --env native`"
    ):
        platformio.present_program("native")
    program.unlink()
    with pytest.raises(ToolError, match="not found"):
        platformio.present_program("native")

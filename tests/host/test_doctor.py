"""Checks of prerequisites on simulated computers: programs are shell scripts, versions a dictionary."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_edge.host.cli import main as cli
from ecg_edge.host.pipeline import doctor

Installer = Callable[[str, str], None]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installer:
    """Empty the PATH; the function returned puts one shell script there."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def install(name: str, script: str) -> None:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return install


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The installed distributions, as the checks find them."""
    installed: dict[str, str] = {}

    def version(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    return installed


@pytest.mark.parametrize(
    ("version", "status"), [((3, 9), "fail"), ((3, 10), "ok"), ((3, 13), "ok"), ((3, 14), "fail")]
)
def test_python(version: tuple[int, int], status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", (*version, 1))
    assert doctor.check_python().status == status


def test_signal_path_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.sys.modules, "ecg_edge.firmware.binding._ecg_core", None)
    check = doctor.check_signal_path()
    assert (check.status, "make setup" in check.fix) == ("fail", True)


def test_signal_path_older_than_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "new.c").touch()
    os.utime(tmp_path / "new.c", (2**32, 2**32))
    monkeypatch.setattr(doctor, "CORE_SOURCES", tmp_path)
    check = doctor.check_signal_path()
    assert (check.status, "is older than" in check.found) == ("fail", True)


def test_tensorflow_pairing(versions: dict[str, str]) -> None:
    assert doctor.check_tensorflow().status == "warn"
    versions["tensorflow"] = "2.20.0"
    assert doctor.check_tensorflow().status == "fail"
    versions["tf-keras"] = "2.19.0"
    check = doctor.check_tensorflow()
    assert (check.status, check.fix) == ("fail", "install the matching pair: pip install 'tf-keras==2.20.*'")
    versions["tf-keras"] = "2.20.1"
    assert doctor.check_tensorflow().status == "ok"


def test_pruning_toolkit(versions: dict[str, str]) -> None:
    assert doctor.check_model_optimization().status == "warn"
    versions["tensorflow-model-optimization"] = "0.8.1"
    assert doctor.check_model_optimization().status == "ok"


@pytest.mark.parametrize(("machine", "status"), [("x86_64", "fail"), ("aarch64", "warn")])
def test_tflite_micro_has_wheels_for_one_machine(
    machine: str, status: str, versions: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setattr(doctor.platform, "machine", lambda: machine)
    assert doctor.check_tflite_micro().status == status
    versions["tflite-micro"] = "0.dev1"
    assert doctor.check_tflite_micro().status == "ok"


def test_c_compiler(programs: Installer) -> None:
    assert doctor.check_c_compiler().status == "fail"
    programs("cc", "echo cc 12.2")
    assert doctor.check_c_compiler().found == "cc 12.2"


def test_arm_compiler_missing(programs: Installer) -> None:
    assert "apt-get install gcc-arm-none-eabi" in doctor.check_arm_compiler().fix


def test_arm_compiler_without_newlib(programs: Installer) -> None:
    programs("arm-none-eabi-gcc", 'case $1 in --version) echo gcc 12;; *) echo "libc.a";; esac')
    check = doctor.check_arm_compiler()
    assert (check.found, check.fix) == ("gcc 12, without newlib", "apt-get install libnewlib-arm-none-eabi")


def test_arm_compiler_complete(programs: Installer) -> None:
    programs("arm-none-eabi-gcc", 'case $1 in --version) echo gcc 12;; *) echo "/usr/lib/libc.a";; esac')
    assert doctor.check_arm_compiler().status == "ok"


@pytest.mark.parametrize(("machines", "status"), [("netduino2", "fail"), ("netduinoplus2  Netduino", "ok")])
def test_emulator_needs_the_machine(machines: str, status: str, programs: Installer) -> None:
    assert doctor.check_emulator().found == "qemu-system-arm is missing"
    programs("qemu-system-arm", f'case $1 in --version) echo QEMU 7.2;; *) echo "{machines}";; esac')
    assert doctor.check_emulator().status == status


def test_program_that_fails_counts_as_missing(programs: Installer) -> None:
    programs("qemu-system-arm", "exit 1")
    assert doctor.check_emulator().found == "qemu-system-arm is missing"


def test_serial_port_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from serial.tools import list_ports

    port = tmp_path / "ttyUSB0"
    port.touch()
    monkeypatch.setattr(list_ports, "comports", lambda: [type("Port", (), {"device": str(port)})()])
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    check = doctor.check_serial()
    assert (check.status, str(port) in check.found) == ("warn", True)
    assert check.fix.startswith(f"sudo usermod -aG {port.group()} $USER")


def test_board_that_is_flashed_by_a_tool(programs: Installer) -> None:
    check = next(check for check in doctor.check_boards() if check.name == "board stm32f405")
    assert (check.status, check.found) == ("warn", "dfu-util is missing")
    assert "apt-get install dfu-util" in check.fix
    programs("dfu-util", "")
    assert [c.status for c in doctor.check_boards() if c.name == "board stm32f405"] == ["ok"]


def test_board_whose_platform_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path))
    (check,) = (check for check in doctor.check_boards() if check.name == "board esp32dev")
    assert (check.status, "espressif32" in check.found) == ("warn", True)
    assert "ecg-edge build --env esp32dev" in check.fix
    (tmp_path / "platforms" / "espressif32@6.13.0").mkdir(parents=True)
    (tmp_path / "platforms" / "espressif32@6.13.0" / "platform.json").touch()
    (check,) = (check for check in doctor.check_boards() if check.name == "board esp32dev")
    assert check.status == "ok"


def test_a_board_that_is_complete(programs: Installer) -> None:
    programs("arm-none-eabi-gcc", 'case $1 in --version) echo gcc 12;; *) echo "/usr/lib/nano.specs";; esac')
    programs("npm", "")
    checks = {check.name: check for check in doctor.run_board_checks("pico")}
    assert [checks[name].status for name in ("parts", "compiler", "emulator", "flash tool")] == ["ok"] * 4
    assert checks["optional functions"].status == "warn"
    assert "board_notify" in checks["optional functions"].found
    assert checks["on silicon"].status == "warn"


def test_what_a_board_lacks_on_this_computer(
    programs: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path))
    checks = {check.name: check for check in doctor.run_board_checks("stm32f405")}
    assert checks["compiler"].status == checks["emulator"].status == "fail"
    assert "apt-get install gcc-arm-none-eabi" in checks["compiler"].fix
    assert checks["flash tool"].found == "dfu-util is missing"
    checks = {check.name: check for check in doctor.run_board_checks("esp32s3")}
    assert "is not downloaded" in checks["compiler"].found
    assert "none is known" in checks["emulator"].found


def test_a_board_that_is_none_yet() -> None:
    (check,) = doctor.run_board_checks("mine")
    assert (check.status, check.found) == ("fail", "missing: [env:mine] in firmware/platformio.ini")


def test_virtual_boards_and_variants_are_not_checked_twice() -> None:
    assert [check.name for check in doctor.check_boards()] == [
        "board stm32f405",
        "board nucleo_f446re",
        "board esp32dev",
    ]


def test_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECG_EDGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert doctor.check_records().status == "warn"
    assert doctor.check_records(tmp_path).status == "fail"
    (tmp_path / "mitdb").mkdir()
    (tmp_path / "mitdb" / "100.hea").touch()
    assert doctor.check_records(tmp_path).found == f"mitdb 1 in {tmp_path}"


def test_package_of_scores(versions: dict[str, str]) -> None:
    check = doctor.check_scikit_learn()
    assert (check.status, check.fix.endswith("pip install -e '.[evaluate]'")) == ("warn", True)
    versions["scikit-learn"] = "1.9.1"
    assert doctor.check_scikit_learn().status == "ok"


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        ("ok", 0, "All prerequisites are here."),
        ("warn", 0, "Nothing that must be there is missing; see the warnings above."),
        ("fail", 1, "Prerequisites are missing; see above."),
    ],
)
def test_exit_code_and_json(
    status: str, code: int, verdict: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check = doctor.Check("thing", status, "found", "fix")
    monkeypatch.setattr("ecg_edge.host.cli.commands.doctor.run_checks", lambda data: [check])
    with pytest.raises(SystemExit) as stop:
        cli.main(["doctor", "--json", "-"])
    assert (stop.value.code or 0) == code
    expected = {"name": "thing", "status": status, "found": "found", "fix": "fix"}
    assert json.loads(capsys.readouterr().out) == {"ok": code == 0, "checks": [expected]}
    with pytest.raises(SystemExit):
        cli.main(["doctor"])
    assert capsys.readouterr().out.splitlines()[-1] == verdict


def test_every_check_that_is_not_ok_names_a_fix() -> None:
    checks = doctor.run_checks()
    assert {check.name for check in checks} > {
        "Python",
        "TensorFlow",
        "ARM compiler",
        "emulator",
        "PlatformIO",
    }
    assert all(check.fix for check in checks if check.status != doctor.OK)

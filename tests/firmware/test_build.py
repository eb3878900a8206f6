"""Building with PlatformIO: without a network, with any bundle, and with errors that say what to do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from platformio.dependencies import get_core_dependencies
from semantic_version import SimpleSpec, Version

from ecg_edge.ecg.errors import BundleError, ToolError
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.emulator import emulator, native_device

ARM_ELF_HEAD = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\x00\x28\x00"
DEAD_PROXY = "http://127.0.0.1:9"  # nobody listens there


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One build folder for all tests, so that what is the same is compiled once."""
    return tmp_path_factory.mktemp("build")


@pytest.fixture
def fresh_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PlatformIO's packages in an empty folder, and no way to reach a server."""
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, DEAD_PROXY)
    return tmp_path / "core"


@pytest.fixture
def copied_bundle(shipped_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the shipped bundle that a test may spoil."""
    return shutil.copytree(shipped_bundle, tmp_path / "bundle")


def test_setup_makes_the_version_that_platformio_wants(fresh_core: Path) -> None:
    assert not pio.is_set_up()
    package = pio.setup_platformio()
    assert pio.is_set_up()
    about = (package / "package.json").read_text()
    wanted = SimpleSpec(get_core_dependencies()["tool-scons"].replace("~", "~="))
    made = Version(about.split('"version": "')[1].split('"')[0])
    assert made in wanted


def test_setup_again_changes_nothing(fresh_core: Path) -> None:
    package = pio.setup_platformio()
    before = (package / "scons.py").stat().st_mtime_ns
    pio.setup_platformio()
    assert (package / "scons.py").stat().st_mtime_ns == before


def test_setup_turns_telemetry_off(fresh_core: Path) -> None:
    pio.setup_platformio()
    command = [sys.executable, "-m", "platformio", "settings", "get", "enable_telemetry"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r"enable_telemetry\s+No", told)


@pytest.mark.slow
def test_a_build_needs_no_network(fresh_core: Path, shipped_bundle: Path, build_dir: Path) -> None:
    program = pio.build("native", shipped_bundle, build_dir)
    assert program.is_file()
    size = pio.sizes(program)
    assert size.flash_bytes > size.ram_bytes > 1000


@pytest.mark.slow
def test_another_bundle_is_built_in(shipped_bundle: Path, copied_bundle: Path, build_dir: Path) -> None:
    header = copied_bundle / "c" / "model_info.h"
    header.write_text(header.read_text().replace('NLRAV_LABELS "', 'NLRAV_LABELS "other,'))
    first = pio.build("native", shipped_bundle, build_dir).read_bytes()
    second = pio.build("native", copied_bundle, build_dir).read_bytes()
    again = pio.build("native", shipped_bundle, build_dir).read_bytes()
    assert [b"other,N" in program for program in (first, second, again)] == [False, True, False]


CMAKE = """
function(idf_component_register)
    message(STATUS "${ARGV}")
endfunction()
function(target_compile_definitions)
endfunction()
include("%s")
"""


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
@pytest.mark.parametrize("folders", [("",), ("first", "second")])
def test_esp_idf_gets_the_c_of_all_models(
    folders: tuple[str, ...], tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in folders:
        (tmp_path / "c" / folder).mkdir(parents=True)
        for name in ("model_info.c", "network.c"):
            (tmp_path / "c" / folder / name).touch()
    script = tmp_path / "main.cmake"
    script.write_text(CMAKE % (project_root / "firmware/src/CMakeLists.txt"))
    monkeypatch.setenv("ECG_EDGE_C", str(tmp_path / "c"))
    monkeypatch.setenv("ECG_EDGE_ENGINE", "generated")
    done = subprocess.run(["cmake", "-P", str(script)], capture_output=True, text=True, check=True)
    words = (done.stdout + done.stderr).replace("-- ", "").strip().split(";")
    expected = {str(path) for path in (tmp_path / "c").rglob("*.c")}
    assert {word for word in words if word.startswith(str(tmp_path)) and word.endswith(".c")} == expected


def test_a_folder_that_is_no_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"network\.c.*ecg-edge export"):
        pio.build("native", tmp_path)


def test_the_compilers_message_is_shown(copied_bundle: Path, build_dir: Path) -> None:
    (copied_bundle / "c" / "network.c").write_text('#error "this network is spoilt"\n')
    with pytest.raises(ToolError, match="this network is spoilt"):
        pio.build("native", copied_bundle, build_dir)


@pytest.mark.parametrize(
    ("environment", "package"), [("stm32f405", "gcc-arm-none-eabi"), ("native", "apt-get install gcc")]
)
def test_a_missing_compiler_is_named(
    environment: str, package: str, monkeypatch: pytest.MonkeyPatch, shipped_bundle: Path
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match=package):
        pio.build(environment, shipped_bundle)


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ToolError, match=r"none\.elf.*ecg-edge build"),
        emulator(tmp_path / "none.elf"),
    ):
        pass
    with pytest.raises(ToolError, match="ecg-edge build"), native_device(tmp_path / "none"):
        pass


def test_a_missing_emulator_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "firmware.elf"
    image.write_bytes(ARM_ELF_HEAD)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match="qemu-system-arm"), emulator(image):
        pass


def test_a_program_that_is_no_firmware_is_told(tmp_path: Path) -> None:
    program = tmp_path / "firmware"
    program.write_text("#!/bin/sh\necho spoilt >&2\n")
    program.chmod(0o755)
    with pytest.raises(ToolError, match=r"spoilt.*ecg-edge build"), native_device(program):
        pass


def test_an_emulator_that_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "qemu-system-arm"
    program.write_text("#!/bin/sh\necho unsupported machine >&2\nexit 1\n")
    program.chmod(0o755)
    image = tmp_path / "firmware.elf"
    image.write_bytes(ARM_ELF_HEAD)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with (
        pytest.raises(ToolError, match="unsupported machine"),
        emulator(image),
    ):
        pass


def test_tflm_on_the_board_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, build_dir: Path) -> None:
    monkeypatch.delenv("ECG_EDGE_TFLM", raising=False)
    with pytest.raises(ToolError, match="ECG_EDGE_TFLM"):
        pio.build("stm32f405_tflm", build_dir=build_dir)

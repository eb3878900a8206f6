"""PlatformIO, set up and run for this project's firmware.

    python -m ecg_edge.host.devices.platformio      set up (nothing to do when it is)
    build("stm32f405", Path("models/nlrav"))    the ELF with that model in it

PlatformIO downloads its build tool, SCons, from its own registry. `setup_platformio` makes that package from
the SCons that pip installed, which is the same version, so that a build needs no registry. Packages stay in
`firmware/.pio/core` (or PLATFORMIO_CORE_DIR); the user's own PlatformIO is not touched.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from ecg_edge.ecg.errors import BundleError, ToolError
from ecg_edge.ecg.files import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "firmware"
DEFAULT_BUNDLE = PROJECT.parent / "models" / "nlrav"
SCONS_PACKAGE = "tool-scons"

_PROGRAMS = {
    "stm32f405": "firmware.elf",
    "stm32f405_tflm": "firmware.elf",
    "native": "firmware",
    "esp32dev": "firmware.elf",
}
ENVIRONMENTS = tuple(_PROGRAMS)

_QUIET = {
    "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
    "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "9999",
    "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
    "PLATFORMIO_NO_ANSI": "true",
}
_SCONS_MAIN = """\
import sys

from SCons.Script.Main import main

sys.exit(main())
"""


@dataclass(frozen=True)
class Sizes:
    """What a firmware image takes on the board, in bytes; RAM without the stack."""

    flash_bytes: int
    ram_bytes: int


def core_dir() -> Path:
    """The folder of PlatformIO's packages for this project."""
    named = os.environ.get("PLATFORMIO_CORE_DIR")
    return Path(named) if named else PROJECT / ".pio" / "core"


def is_set_up() -> bool:
    """Whether a build needs nothing from PlatformIO's registry any more (stm32f405 and native)."""
    return (core_dir() / "packages" / SCONS_PACKAGE / "scons.py").is_file()


def setup_platformio() -> Path:
    """Make PlatformIO's SCons package from the installed SCons, when it is missing, and turn telemetry off.

    Returns
    -------
    Path
        Folder of the package.

    Raises
    ------
    ToolError
        When PlatformIO or SCons is not installed in this Python.
    """
    package = core_dir() / "packages" / SCONS_PACKAGE
    if not is_set_up():
        _installed_version("platformio")
        _write_package(package, _installed_version("scons"))
    state = core_dir() / "appstate.json"
    if not state.exists():
        state.write_text(json.dumps({"settings": {"enable_telemetry": False}}))
    return package


def _installed_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        raise ToolError(
            f"{name} is not installed in {sys.prefix}. Install the project there: `pip install -e .`"
        ) from None


def _write_package(package: Path, scons_version: str) -> None:
    """Lay SCons out as PlatformIO's package of it, in one step, so that a half-made one is never seen."""
    source = Path(str(distribution("scons").locate_file("SCons")))
    major, minor, patch = (int(part) for part in scons_version.split(".")[:3])
    about = {"name": SCONS_PACKAGE, "version": f"{major}.{major}{minor:02d}{patch:02d}.0"}
    spec = {"owner": "platformio", "id": None, "name": SCONS_PACKAGE, "requirements": None, "uri": None}
    fresh = package.with_name(f"{SCONS_PACKAGE}.{os.getpid()}")
    shutil.copytree(source, fresh / "SCons", ignore=shutil.ignore_patterns("__pycache__"))
    (fresh / "package.json").write_text(json.dumps({**about, "description": "SCons, as pip installed it"}))
    (fresh / ".piopm").write_text(json.dumps({"type": "tool", **about, "spec": spec}))
    (fresh / "scons.py").write_text(_SCONS_MAIN)
    shutil.rmtree(package, ignore_errors=True)
    fresh.replace(package)


def program_path(environment: str, build_dir: Path | None = None) -> Path:
    """Where the build of `environment` leaves its ELF or program."""
    return (build_dir or PROJECT / ".pio" / "build") / environment / _PROGRAMS[environment]


def build(environment: str, bundle: Path | None = None, build_dir: Path | None = None) -> Path:
    """Build the firmware of one environment with one model in it.

    Parameters
    ----------
    environment : str
        One of `ENVIRONMENTS`.
    bundle : Path, optional
        Folder of the model bundle; the shipped one when left out.
    build_dir : Path, optional
        Folder for objects and program; PlatformIO's own in the project when left out.

    Returns
    -------
    Path
        The ELF, or for "native" the program.

    Raises
    ------
    BundleError
        When the bundle has no generated C.
    ToolError
        When a tool is missing or the build fails; the message ends with the compiler's own.
    """
    model = _checked_bundle(bundle or DEFAULT_BUNDLE)
    check_compiler(environment)
    run_platformio(["run", "-e", environment], model, build_dir)
    return program_path(environment, build_dir)


def upload(environment: str, bundle: Path | None = None, port: str | None = None) -> None:
    """Build the firmware of `environment` and write it to the board that is plugged in.

    Raises
    ------
    ToolError
        When no board is found or its tool (esptool, dfu-util, OpenOCD) fails.
    """
    check_compiler(environment)
    if environment.startswith("stm32f405") and shutil.which("dfu-util") is None:
        raise ToolError(
            "dfu-util is missing, and it writes to an STM32F405 over USB: apt-get install dfu-util"
        )
    arguments = ["run", "-e", environment, "-t", "upload"]
    run_platformio(
        [*arguments, "--upload-port", port] if port else arguments, _checked_bundle(bundle or DEFAULT_BUNDLE)
    )


def run_platformio(arguments: list[str], bundle: Path | None = None, build_dir: Path | None = None) -> str:
    """Run `pio` in the firmware project, one at a time in a build folder, and return what it printed.

    Raises
    ------
    ToolError
        When it fails.
    """
    setup_platformio()
    command = [sys.executable, "-m", "platformio", *arguments]
    with _lock(build_dir or PROJECT / ".pio" / "build"):
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=_environment(bundle, build_dir),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )
    if done.returncode != 0:
        raise ToolError(_failure(arguments, done.stdout))
    return done.stdout


def sizes(program: Path) -> Sizes:
    """Flash and RAM that an ELF takes: text and data, data and bss."""
    with program.open("rb") as file:
        try:
            sections = [section.header for section in ELFFile(file).iter_sections()]
        except ELFError as error:
            raise ToolError(f"{program}: not an ELF file ({error}). Build it again.") from None
    loaded = [header for header in sections if header.sh_flags & SH_FLAGS.SHF_ALLOC]
    writable = [header for header in loaded if header.sh_flags & SH_FLAGS.SHF_WRITE]
    return Sizes(
        flash_bytes=sum(header.sh_size for header in loaded if header.sh_type != "SHT_NOBITS"),
        ram_bytes=sum(header.sh_size for header in writable),
    )


def check_compiler(environment: str) -> None:
    """Raise a ToolError that says how to mend it when the compiler of `environment` is missing."""
    if environment.startswith("stm32f405"):
        _check_arm_compiler()
    elif environment == "native" and shutil.which("gcc") is None:
        raise ToolError("gcc is missing, and env:native needs it: apt-get install gcc")


def _check_arm_compiler() -> None:
    compiler = shutil.which("arm-none-eabi-gcc")
    mend = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
    if compiler is None:
        raise ToolError(f"arm-none-eabi-gcc is missing, and env:stm32f405 needs it: {mend}")
    found = subprocess.run([compiler, "-print-file-name=nano.specs"], capture_output=True, text=True).stdout
    if not Path(found.strip()).is_absolute():
        raise ToolError(f"{compiler} has no newlib (nano.specs): {mend}")


def _checked_bundle(bundle: Path) -> Path:
    missing = [name for name in ("network.c", "model_info.c") if not (bundle / "c" / name).is_file()]
    if missing:
        raise BundleError(
            f"{bundle}: no generated C ({', '.join(missing)}). A bundle is a folder such as models/nlrav; "
            "make one with `ecg-edge export`."
        )
    return bundle.resolve()


def _environment(bundle: Path | None, build_dir: Path | None) -> dict[str, str]:
    result = {**os.environ, **_QUIET, "PLATFORMIO_CORE_DIR": str(core_dir())}
    if bundle is not None:
        result["ECG_EDGE_BUNDLE"] = str(bundle)
    if build_dir is not None:
        result["PLATFORMIO_BUILD_DIR"] = str(build_dir)
    return result


def _failure(arguments: list[str], printed: str) -> str:
    """The lines of PlatformIO's output that say what went wrong."""
    lines = [
        line for line in printed.splitlines() if re.search(r"error|undefined|cannot|not found", line, re.I)
    ]
    shown = lines[:12] or printed.splitlines()[-12:]
    return f"`pio {' '.join(arguments)}` failed in {PROJECT}:\n" + "\n".join(f"  {line}" for line in shown)


@contextmanager
def _lock(build_dir: Path) -> Iterator[None]:
    """Keep two builds out of one folder; where there is no flock (Windows) the user has to."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    build_dir.mkdir(parents=True, exist_ok=True)
    with (build_dir / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    setup_platformio()

"""Set PlatformIO up and run it for this project's firmware.

    python -m ecg_edge.host.devices.platformio      set up (nothing to do when it is)
    build("stm32f405", Path("models/nlrav"))        the ELF with that model in it

PlatformIO downloads its build tool, SCons, from its own registry. `setup_platformio` makes that package from
the SCons that pip installed, which is the same version, so that a build needs no registry. Packages stay in
`.pio/core` of the firmware project (or PLATFORMIO_CORE_DIR); the user's own PlatformIO is not touched.

In a checkout the firmware project is `firmware/`. An installed package may be read-only and is no place for
objects, so it builds in a copy of that folder in the user's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from ecg_edge.ecg.errors import BundleError, ToolError
from ecg_edge.ecg.files import IS_CHECKOUT, PROJECT_ROOT, cache_folder
from ecg_edge.host.devices.boards import BOARDS
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE, c_prefix, load_bundle

SCONS_PACKAGE = "tool-scons"
ENVIRONMENTS = tuple(BOARDS)
SOURCES = ("lib", "src", "platforms", "scripts", "platformio.ini")
"""What a build of the firmware is made of, beside the model, in the folder of PlatformIO's project."""

_SOURCE_SUFFIXES = (".c", ".cpp", ".h", ".S", ".ld", ".py")

_QUIET = {
    "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
    "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "9999",
    "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
    "PLATFORMIO_NO_ANSI": "true",
}
_DOWNLOAD_FAILED = re.compile(r"HTTPClientError|InternetConnection|ConnectionError|ProxyError|Max retries")
_SCONS_MAIN = """\
import sys

from SCons.Script.Main import main

sys.exit(main())
"""


@dataclass(frozen=True)
class Sizes:
    """Flash and RAM of a firmware image in bytes; RAM without the stack."""

    flash_bytes: int
    ram_bytes: int


def firmware_project() -> Path:
    """Return the folder of PlatformIO's project: `firmware/`, or for an installed package its copy."""
    sources = PROJECT_ROOT / "firmware"
    if IS_CHECKOUT:
        return sources
    # Two installations must not share a copy: each has its own sources, and PlatformIO keeps absolute paths.
    digest = hashlib.sha256(str(sources).encode()).hexdigest()[:12]
    return cache_folder() / "firmware" / digest


def _copy_sources(project: Path) -> None:
    """Bring the copy of an installed package up to date; files that are the same are not touched."""
    sources = PROJECT_ROOT / "firmware"
    if project == sources:
        return
    for path in sources.rglob("*"):
        target = project / path.relative_to(sources)
        if path.is_file() and "__pycache__" not in path.parts and not _same_bytes(path, target):
            _replace_file(path, target)


def _same_bytes(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _replace_file(source: Path, target: Path) -> None:
    """Copy beside `target` and rename, so that another build never reads half a file."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copyfile(source, fresh)
        fresh.replace(target)
    except OSError as error:
        raise ToolError(
            f"{target}: cannot be written ({error.strerror or error}). The firmware is built in the user's "
            "cache; set XDG_CACHE_HOME to a folder that can be written to."
        ) from None


def core_dir() -> Path:
    """Return the folder of PlatformIO's packages for this project."""
    named = os.environ.get("PLATFORMIO_CORE_DIR")
    return Path(named) if named else firmware_project() / ".pio" / "core"


def is_set_up() -> bool:
    """Tell if a build of stm32f405 or native needs nothing from PlatformIO's registry any more."""
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
    _copy_sources(firmware_project())
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
    """Return the path of the ELF or program that the build of `environment` leaves."""
    return (build_dir or _default_build_dir()) / environment / BOARDS[environment].program


def present_program(environment: str) -> Path:
    """Return the program of the last build of `environment`, unless the firmware has changed since.

    The handshake tells another model or signal path from the reference's, but not other rhythm rules.

    Raises
    ------
    ToolError
        When there is no program, or a source of the firmware is newer.
    """
    program, fix = program_path(environment), f"Build it with `ecg-edge build --env {environment}`."
    if not program.is_file():
        raise ToolError(f"{program}: not found. {fix}")
    newest = max(_sources(), key=lambda path: path.stat().st_mtime_ns)
    if newest.stat().st_mtime_ns > program.stat().st_mtime_ns:
        raise ToolError(f"{program}: older than {newest}. {fix}")
    return program


def _sources() -> Iterator[Path]:
    for path in (firmware_project() / name for name in SOURCES):
        yield from (found for found in path.rglob("*") if found.suffix in _SOURCE_SUFFIXES)
        if path.is_file():
            yield path


def _default_build_dir() -> Path:
    return firmware_project() / ".pio" / "build"


def build(
    environment: str,
    bundle: Path | None = None,
    build_dir: Path | None = None,
    further: Sequence[Path] = (),
    update_key: str = "",
) -> Path:
    """Build the firmware of one environment with a model in it, or with several that share one arena.

    Parameters
    ----------
    environment : str
        One of `ENVIRONMENTS`.
    bundle : Path, optional
        Folder of the model bundle; the shipped one when left out.
    build_dir : Path, optional
        Folder for objects and program; PlatformIO's own in the project when left out.
    further : sequence of Path
        Folders of further bundles, with other names. Their self-tests run at boot; `bundle` labels the beats.
    update_key : str
        Public key of updates by Bluetooth, in hexadecimal; without one the firmware takes none.

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
    models = _checked_models(environment, bundle, further)
    check_compiler(environment)
    run_platformio(["run", "-e", environment], models, build_dir, update_key)
    program = program_path(environment, build_dir)
    program.touch()  # it is left as it was where sources were written again with the same content
    return program


def upload(
    environment: str,
    bundle: Path | None = None,
    port: str | None = None,
    further: Sequence[Path] = (),
    update_key: str = "",
) -> None:
    """Build the firmware of `environment` and write it to the board that is plugged in.

    Parameters
    ----------
    environment : str
        One of `ENVIRONMENTS` whose board is not virtual.
    bundle : Path, optional
        Folder of the model bundle; the shipped one when left out.
    port : str, optional
        Serial port of a board that is flashed over one; the first that answers when left out.
    further, update_key
        As in `build`.

    Raises
    ------
    ToolError
        When no board is found, its tool (esptool, dfu-util) is missing or fails, or a port is named for a
        board that is not flashed over one.
    """
    board = BOARDS[environment]
    models = _checked_models(environment, bundle, further)
    check_compiler(environment)
    if port and not board.flash_port:
        raise ToolError(
            f"{port}: {environment} is not flashed over a serial port. {board.flash_tool or 'The command'} "
            "finds the board on USB: leave --port out."
        )
    if board.flash_tool and shutil.which(board.flash_tool) is None:
        raise ToolError(
            f"{board.flash_tool} is missing, and it writes to the {board.name}: {board.flash_install}"
        )
    arguments = ["run", "-e", environment, "-t", "upload"]
    named = ["--upload-port", port] if port else []
    run_platformio([*arguments, *named], models, update_key=update_key)


def run_platformio(
    arguments: list[str],
    bundles: Sequence[Path] = (),
    build_dir: Path | None = None,
    update_key: str = "",
) -> str:
    """Run `pio` in the firmware project, one at a time in a build folder, and return what it printed.

    Raises
    ------
    ToolError
        When it fails.
    """
    command = [sys.executable, "-m", "platformio", *arguments]
    with _lock(build_dir or _default_build_dir()):
        setup_platformio()
        done = subprocess.run(
            command,
            cwd=firmware_project(),
            env={**_environment(bundles, build_dir), "ECG_EDGE_UPDATE_KEY": update_key},
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
    """Flash and RAM that an ELF takes: text and data; data, bss, and what is copied there to run."""
    with program.open("rb") as file:
        try:
            elf = ELFFile(file)
            copied = [part for part in elf.iter_segments("PT_LOAD") if part["p_vaddr"] != part["p_paddr"]]
            sections = [
                section for section in elf.iter_sections() if section["sh_flags"] & SH_FLAGS.SHF_ALLOC
            ]
        except ELFError as error:
            raise ToolError(f"{program}: not an ELF file ({error}). Build it again.") from None
    in_ram = [
        section
        for section in sections
        if section["sh_flags"] & SH_FLAGS.SHF_WRITE
        or any(part.section_in_segment(section) for part in copied)
    ]
    return Sizes(
        flash_bytes=sum(section["sh_size"] for section in sections if section["sh_type"] != "SHT_NOBITS"),
        ram_bytes=sum(section["sh_size"] for section in in_ram),
    )


def check_compiler(environment: str) -> None:
    """Check that the compiler of `environment` is installed.

    Raises
    ------
    ToolError
        With the command that installs it.
    """
    board = BOARDS[environment]
    if not board.compiler:
        return
    compiler = shutil.which(board.compiler)
    if compiler is None:
        raise ToolError(
            f"{board.compiler} is missing, and env:{environment} needs it: {board.compiler_install}"
        )
    if board.compiler_file and not _finds(compiler, board.compiler_file):
        raise ToolError(f"{compiler} does not find {board.compiler_file}: {board.compiler_install}")


def _finds(compiler: str, name: str) -> bool:
    command = [compiler, f"-print-file-name={name}"]
    found = subprocess.run(command, capture_output=True, text=True).stdout
    return Path(found.strip()).is_absolute()


def takes_one_model(environment: str) -> bool:
    """Tell if an image of this environment holds one model only: TFLM's arena is that of one."""
    return environment.endswith("_tflm")


def _checked_models(environment: str, bundle: Path | None, further: Sequence[Path]) -> list[Path]:
    models = [_checked_bundle(path) for path in (bundle or BOARD_BUNDLE, *further)]
    if further:
        _check_several(environment, models)
    return models


def _checked_bundle(bundle: Path) -> Path:
    missing = [
        name for name in ("network.c", "model_info.c", "model.h") if not (bundle / "c" / name).is_file()
    ]
    if missing:
        raise BundleError(
            f"{bundle}: no generated C ({', '.join(missing)}). A bundle is a folder such as models/nlrav; "
            "make one with `ecg-edge export`."
        )
    return bundle.resolve()


def _check_several(environment: str, models: Sequence[Path]) -> None:
    """Refuse, before PlatformIO starts, several models where the build takes one or their C symbols clash."""
    if takes_one_model(environment):
        raise ToolError(f"{environment} takes one model: leave the further ones out.")
    names = [load_bundle(model).manifest.name for model in models]
    if len({c_prefix(name) for name in names}) < len(names):
        raise ToolError(
            f"models in one image need different names, and these are {', '.join(names)}: export one of them "
            "under another name."
        )


def _environment(bundles: Sequence[Path], build_dir: Path | None) -> dict[str, str]:
    result = {**os.environ, **_QUIET, "PLATFORMIO_CORE_DIR": str(core_dir())}
    if bundles:
        result["ECG_EDGE_BUNDLE"] = os.pathsep.join(map(str, bundles))
    if build_dir is not None:
        result["PLATFORMIO_BUILD_DIR"] = str(build_dir)
    return result


def _failure(arguments: list[str], printed: str) -> str:
    """Compose the message of a failed run from the lines of PlatformIO's output that name the fault."""
    platform = _platform_of(arguments)
    if platform and _DOWNLOAD_FAILED.search(printed):
        return (
            f"{platform} cannot be downloaded: PlatformIO's registry does not "
            "answer. The first build for this board needs the network, later ones do not. Connect, or set "
            "HTTPS_PROXY, and run the command again."
        )
    lines = [
        line for line in printed.splitlines() if re.search(r"error|undefined|cannot|not found", line, re.I)
    ]
    shown = lines[:12] or printed.splitlines()[-12:]
    return f"`pio {' '.join(arguments)}` failed in {firmware_project()}:\n" + "\n".join(
        f"  {line}" for line in shown
    )


def _platform_of(arguments: list[str]) -> str:
    """Return the platform that PlatformIO downloads for the environment in `arguments`, if any."""
    return next((board.platform for board in BOARDS.values() if board.environment in arguments), "")


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

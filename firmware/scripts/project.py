"""PlatformIO extra script: what of the firmware is not in this folder.

That is the model bundle, named by the environment variable ECG_EDGE_BUNDLE, and the project's version. SCons
builds them in for our own platforms; for ESP-IDF they are handed to CMake. Several bundles, separated as in
PATH, are built into one image with one arena; the first one labels the beats.
"""

# ruff: noqa: F821 (PlatformIO gives Import and env)

import os
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

Import("env")

ENGINES = {
    "generated": ("model.h", "model_info.c", "model_info.h", "network.c", "network.h"),
    "tflm": ("model.h", "model_data.c", "model_data.h", "model_info.c", "model_info.h", "op_resolver.h"),
}
PROJECT = Path(env.subst("$PROJECT_DIR"))


def stop(message: str) -> None:
    """End the build with a message."""
    sys.stderr.write(message + "\n")
    env.Exit(2)


def bundle_folders(engine: str) -> list[Path]:
    """The C folders of the bundles, checked for what the engine needs."""
    named = os.environ.get("ECG_EDGE_BUNDLE", "../models/nlrav-all").split(os.pathsep)
    folders = [(PROJECT / name).resolve() / "c" for name in named]
    for folder in folders:
        missing = [name for name in ENGINES[engine] if not (folder / name).is_file()]
        if missing:
            stop(
                f"{folder}: {', '.join(missing)} not found. Set ECG_EDGE_BUNDLE to the folder of a model "
                "bundle, such as models/nlrav, that `ecg-edge export` wrote."
            )
    return folders


def symbol_of(folder: Path) -> str:
    """The prefix of a bundle's C symbols, as its model.h has it."""
    return re.search(r"#define ECG_MODEL (\w+)_model", (folder / "model.h").read_text(encoding="utf-8"))[1]


def shared_header(symbols: list[str]) -> str:
    """The model.h of a firmware with several models: the largest arena serves them all."""
    includes = [f'#include "{symbol}/{name}.h"' for symbol in symbols for name in ("model_info", "network")]
    arena = "0"
    for symbol in symbols:
        size = f"{symbol.upper()}_ARENA_BYTES"
        arena = f"({size} > {arena} ? {size} : {arena})"
    lines = [
        *includes,
        f"#define ECG_MODEL {symbols[0]}_model",
        f"#define ECG_MODEL_LABELS {symbols[0].upper()}_LABELS",
        f"#define ECG_MODELS {{{', '.join(f'&{symbol}_model' for symbol in symbols)}}}",
        f"#define ECG_MODEL_ARENA_BYTES {arena}",
    ]
    return "\n".join(["#ifndef ECG_MODEL_H", "#define ECG_MODEL_H", *lines, "#endif", ""])


def copy_bundles(folders: list[Path], target: Path, engine: str) -> None:
    """Copy what the engine needs of each bundle; several get a folder each and one model.h above."""
    if len(folders) == 1:
        copy_changed(folders[0], target, ENGINES[engine])
        return
    symbols = [symbol_of(folder) for folder in folders]
    if engine != "generated" or len(set(symbols)) < len(symbols):
        stop("several bundles in one image need different names and the generated engine.")
    for folder in target.glob("*"):
        if folder.is_dir() and folder.name not in symbols:  # of another build
            shutil.rmtree(folder)
    for folder, symbol in zip(folders, symbols, strict=True):
        copy_changed(folder, target / symbol, tuple(n for n in ENGINES[engine] if n != "model.h"))
    write_changed(target / "model.h", shared_header(symbols).encode())


def project_version(pyproject: Path) -> str:
    """The version in pyproject.toml, so that it is written once; an installed package has no such file."""
    if not pyproject.is_file():
        return metadata.version("ecg-edge")
    found = re.search(r'^version = "([^"]+)"', pyproject.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        stop(f'{pyproject}: no line `version = "..."`; the firmware reports that version.')
    return found.group(1)


def copy_changed(source: Path, target: Path, names: tuple[str, ...]) -> None:
    """Copy the files whose content differs, so that no other is built again."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        write_changed(target / name, (source / name).read_bytes())


def write_changed(path: Path, content: bytes) -> None:
    """Write a file when its content differs."""
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)


def build_with_scons(folders: list[Path], version: str, engine: str) -> None:
    """The engine and the version, for our own platforms.

    The bundle is copied into the build folder: were its own path in every compiler call, another bundle would
    build everything again.
    """
    copy = Path(env.subst("$BUILD_DIR")) / ("bundle_c" if len(folders) == 1 else "bundles_c")
    copy_bundles(folders, copy, engine)
    env.Append(
        CFLAGS=["-std=c99"],
        CPPDEFINES=[("FIRMWARE_VERSION", env.StringifyMacro(version))],
        CPPPATH=[str(copy), "$PROJECT_DIR/lib/ecg_nn/include", "$PROJECT_DIR/lib/ecg_link/include"],
    )
    if engine == "tflm":
        add_tflm()
    env.BuildSources("$BUILD_DIR/bundle", str(copy))


def tflm_path(name: str, what: str) -> Path:
    """The file or folder that an environment variable names."""
    value = os.environ.get(name, "")
    if not value or not Path(value).exists():
        stop(f"{name} is not set to {what} (docs/explanation/engine.md, TFLM on a board): {value or 'unset'}")
    return Path(value).resolve()


def add_tflm() -> None:
    """TensorFlow Lite Micro as its own build leaves it: a source tree for the headers, and the library.

    Its headers are given as system headers, for this project's warnings are not theirs.
    """
    tree = tflm_path("ECG_EDGE_TFLM", "a source tree of TensorFlow Lite Micro")
    library = tflm_path("ECG_EDGE_TFLM_LIBRARY", "the libtensorflow-microlite.a built from it for this board")
    downloads = tree / "tensorflow/lite/micro/tools/make/downloads"
    headers = [tree]
    for third_party in (tree / "third_party", downloads):
        headers += [third_party / "flatbuffers/include", third_party / "gemmlowp", third_party / "ruy"]
    system = [option for folder in headers if folder.is_dir() for option in ("-isystem", str(folder))]
    env.Append(
        CPPDEFINES=["ECG_ENGINE_TFLM", "TF_LITE_STATIC_MEMORY", "TF_LITE_STRIP_ERROR_STRINGS", "NDEBUG"],
        CXXFLAGS=["-std=c++17", *system],
        LIBS=[env.File(str(library)), "stdc++", "m"],
        # Its abort() would reach for libc's heap, which begins at `end`. Nothing else takes memory there.
        LINKFLAGS=["-Wl,--defsym=end=bss_end"],
    )


def build_with_cmake(folders: list[Path], version: str, engine: str) -> None:
    """The same for src/CMakeLists.txt, in the environment, as ESP-IDF reads that file also where CMake's own
    variables are not set; CMake runs again when any of it is another than the last time.
    """
    build = Path(env.subst("$BUILD_DIR"))
    folder = folders[0] if len(folders) == 1 else build / "bundles_c"
    if len(folders) > 1:
        copy_bundles(folders, folder, engine)
    names = {"ECG_EDGE_C": str(folder), "ECG_EDGE_VERSION": version, "ECG_EDGE_ENGINE": engine}
    os.environ.update(names)
    names["ECG_EDGE_UPDATE_KEY"] = os.environ.get("ECG_EDGE_UPDATE_KEY", "")
    build.mkdir(parents=True, exist_ok=True)
    before, now = build / "ecg_edge.txt", f"{names} {[str(folder) for folder in folders]}"
    if not before.is_file() or before.read_text(encoding="utf-8") != now:
        (build / "CMakeCache.txt").unlink(missing_ok=True)
        before.write_text(now, encoding="utf-8")


engine = env.GetProjectOption("custom_engine", "generated")
with_cmake = "espidf" in env.GetProjectOption("framework", [])
if engine not in ENGINES:
    stop(f"custom_engine = {engine}: it is one of {', '.join(ENGINES)}.")
folders = bundle_folders(engine)
version = project_version(PROJECT.parent / "pyproject.toml")
print(f"Model bundle: {', '.join(str(folder.parent) for folder in folders)}, engine: {engine}")
if with_cmake:
    build_with_cmake(folders, version, engine)
else:
    build_with_scons(folders, version, engine)

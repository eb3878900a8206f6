"""PlatformIO extra script: what of the firmware is not in this folder.

That is the model bundle, named by the environment variable ECG_EDGE_BUNDLE, and the project's version. SCons
builds them in for our own platforms; for ESP-IDF they are handed to CMake.
"""

# ruff: noqa: F821 (PlatformIO gives Import and env)

import os
import re
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


def bundle_folder(engine: str) -> Path:
    """The bundle's folder with the generated C, checked for what the engine needs."""
    folder = (PROJECT / os.environ.get("ECG_EDGE_BUNDLE", "../models/nlrav")).resolve() / "c"
    missing = [name for name in ENGINES[engine] if not (folder / name).is_file()]
    if missing:
        stop(
            f"{folder}: {', '.join(missing)} not found. Set ECG_EDGE_BUNDLE to the folder of a model bundle, "
            "such as models/nlrav, that `ecg-edge export` wrote."
        )
    return folder


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
        content = (source / name).read_bytes()
        if not (target / name).is_file() or (target / name).read_bytes() != content:
            (target / name).write_bytes(content)


def build_with_scons(folder: Path, version: str, engine: str) -> None:
    """The engine and the version, for our own platforms.

    The bundle is copied into the build folder: were its own path in every compiler call, another bundle would
    build everything again.
    """
    copy = Path(env.subst("$BUILD_DIR")) / "bundle_c"
    copy_changed(folder, copy, ENGINES[engine])
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


def build_with_cmake(folder: Path, version: str, engine: str) -> None:
    """The same for src/CMakeLists.txt, in the environment, as ESP-IDF reads that file also where CMake's own
    variables are not set; CMake runs again when any of it is another than the last time.
    """
    names = {"ECG_EDGE_C": str(folder), "ECG_EDGE_VERSION": version, "ECG_EDGE_ENGINE": engine}
    os.environ.update(names)
    build = Path(env.subst("$BUILD_DIR"))
    build.mkdir(parents=True, exist_ok=True)
    before = build / "ecg_edge.txt"
    if not before.is_file() or before.read_text(encoding="utf-8") != str(names):
        (build / "CMakeCache.txt").unlink(missing_ok=True)
        before.write_text(str(names), encoding="utf-8")


engine = env.GetProjectOption("custom_engine", "generated")
with_cmake = "espidf" in env.GetProjectOption("framework", [])
if engine not in ENGINES:
    stop(f"custom_engine = {engine}: it is one of {', '.join(ENGINES)}.")
folder = bundle_folder(engine)
version = project_version(PROJECT.parent / "pyproject.toml")
print(f"Model bundle: {folder.parent}, engine: {engine}")
if with_cmake:
    build_with_cmake(folder, version, engine)
else:
    build_with_scons(folder, version, engine)

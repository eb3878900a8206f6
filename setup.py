"""Packages and C extensions, which pyproject.toml cannot describe.

The folders `ecg`, `training`, `quantize`, `firmware` and `host` become `ecg_edge.<folder>`, and `models`
becomes data beside them. They are named here and not found through the links in `ecg_edge/`, so that a
checkout without symbolic links (Windows) and the source archive, which holds each file once, build the same
wheel.
"""

from setuptools import find_packages, setup

FOLDERS = ("ecg", "training", "quantize", "firmware", "host")
PATTERNS = [pattern for folder in FOLDERS for pattern in (folder, f"{folder}.*")]

setup(
    packages=[
        "ecg_edge",
        "ecg_edge.models",
        *(f"ecg_edge.{name}" for name in find_packages(include=PATTERNS)),
    ],
    package_dir={f"ecg_edge.{folder}": folder for folder in (*FOLDERS, "models")},
    cffi_modules=[
        "firmware/binding/build_ecg_core.py:ffibuilder",
        "firmware/binding/build_ecg_rhythm.py:ffibuilder",
    ],
)

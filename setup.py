"""The C extensions `_ecg_core` and `_ecg_rhythm`, which pyproject.toml cannot describe."""

from setuptools import setup

setup(
    cffi_modules=[
        "firmware/binding/build_ecg_core.py:ffibuilder",
        "firmware/binding/build_ecg_rhythm.py:ffibuilder",
    ]
)

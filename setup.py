"""What pyproject.toml cannot say: the device's C, built as `ecg_edge.firmware._ecg_core`, `._ecg_rhythm`."""

from setuptools import setup

setup(
    cffi_modules=[
        "firmware/python/build_ecg_core.py:ffibuilder",
        "firmware/python/build_ecg_rhythm.py:ffibuilder",
    ]
)

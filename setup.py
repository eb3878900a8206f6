"""What pyproject.toml cannot say: build the C signal path as `ecg_edge.firmware._ecg_core`."""

from setuptools import setup

setup(cffi_modules=["firmware/python/build_ecg_core.py:ffibuilder"])

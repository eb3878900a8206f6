"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecg_edge.host import console

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def wide_tables() -> None:
    """Tables as wide as they like: pytest-xdist's workers have a terminal of 80 columns."""
    console.out.width = console.err.width = console.TABLE_WIDTH


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder laid out like PhysioNet's, with the MIT-BIH records; skips where there is none."""
    folder = os.environ.get("ECG_EDGE_DATA")
    if not folder or not (Path(folder) / "mitdb" / "100.dat").is_file():
        pytest.skip("ECG_EDGE_DATA does not name a folder with mitdb/100.dat")
    return Path(folder)


@pytest.fixture(scope="session")
def shipped_bundle() -> Path:
    """Folder of the model bundle that comes with the project."""
    return ROOT / "models" / "nlrav"

"""Small records of the tests' own making."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_edge.training import beats, synthetic


@pytest.fixture(scope="session")
def synthetic_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a synthetic database: nine patients, two minutes each."""
    root = tmp_path_factory.mktemp("records")
    synthetic.make_database(root, patients=9, minutes=2.0, seed=5)
    return root


@pytest.fixture(scope="session")
def beat_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder of the test session's own."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(beat_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "cache_folder", lambda: beat_cache)


@pytest.fixture
def record_folder(tmp_path: Path) -> Path:
    """Root of a database "mitdb" with one record "900": V5 and MLII, 720 samples, three annotations."""
    folder = tmp_path / "mitdb"
    folder.mkdir()
    random = np.random.default_rng(3)
    wfdb.wrsamp(
        "900",
        fs=360,
        units=["mV", "mV"],
        sig_name=["V5", "MLII"],
        d_signal=random.integers(-500, 500, (720, 2)),
        fmt=["212", "212"],
        adc_gain=[200, 200],
        baseline=[0, 0],
        write_dir=str(folder),
    )
    wfdb.wrann(
        "900",
        "atr",
        np.array([10, 370, 640]),
        ["+", "N", "V"],
        aux_note=["(N", "", ""],
        write_dir=str(folder),
    )
    return tmp_path

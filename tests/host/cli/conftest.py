"""Records for the tests of commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_edge.ecg.annotations import Annotations, write_annotations
from tests.support.simulated import FS_HZ, make_ecg


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with mitdb/100, svdb/800 and own/r1, 330 s of synthetic ECG; own/r1 has no annotations."""
    root = tmp_path_factory.mktemp("records")
    samples, peaks = make_ecg(330.0)
    for database, name in (("mitdb", "100"), ("svdb", "800"), ("own", "r1")):
        folder = root / database
        folder.mkdir()
        lead = "ECG1" if database == "svdb" else "MLII"
        where = {"write_dir": str(folder), "fmt": ["16"], "adc_gain": [200], "baseline": [0]}
        signal = samples.astype(np.int64).reshape(-1, 1)
        wfdb.wrsamp(name, fs=FS_HZ, units=["mV"], sig_name=[lead], d_signal=signal, **where)
        if database != "own":
            write_annotations(folder, name, "atr", Annotations.of(peaks, ["N"] * len(peaks)), FS_HZ)
    return root

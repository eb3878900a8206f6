"""Detection on real records stays above floors below the measured figures (docs/explanation/detector.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.scoring import match_beats
from ecg_edge.firmware import FS_HZ, process

LEARNING = 300 * FS_HZ  # EC57 does not score the first five minutes
WINDOW = 54  # 150 ms


def detect(folder: Path, database: str, name: str) -> tuple[int, int, int, float]:
    """Beats found, beats missed, false detections, median distance of the R peaks in samples."""
    record = load_record(folder, database, name)
    reference = np.asarray(record.beat_samples, np.int64)
    found = process(record.samples, adu_per_mv=int(record.adu_per_mv))["r_sample"].astype(np.int64)
    pairs = match_beats(reference, found, WINDOW)
    matched = reference[pairs[:, 0]] >= LEARNING
    hits = int(matched.sum())
    distance = np.abs(found[pairs[:, 1]] - reference[pairs[:, 0]])[matched]
    missed = int((reference >= LEARNING).sum()) - hits
    return hits, missed, int((found >= LEARNING).sum()) - hits, float(np.median(distance))


@pytest.mark.records
@pytest.mark.parametrize(
    ("name", "missed", "false"),
    [
        ("100", 1, 0),  # its last beat is cut off by the end of the record
        ("105", 20, 40),
        ("108", 8, 14),
        ("113", 3, 2),
        ("116", 16, 5),
        ("203", 12, 9),
        ("231", 1, 1),
    ],
)
def test_mitdb(data_dir: Path, name: str, missed: int, false: int) -> None:
    _, found_missed, found_false, distance = detect(data_dir, "mitdb", name)
    assert found_missed <= missed
    assert found_false <= false
    assert distance <= 3


@pytest.mark.records
@pytest.mark.parametrize(
    ("name", "sensitivity", "predictivity"),
    [
        ("118e24", 1.0, 0.999),
        ("119e18", 0.999, 0.997),
        ("118e12", 0.995, 0.955),
        ("119e06", 0.97, 0.81),
    ],
)
def test_nstdb(data_dir: Path, name: str, sensitivity: float, predictivity: float) -> None:
    hits, missed, false, distance = detect(data_dir, "nstdb", name)
    assert hits / (hits + missed) >= sensitivity
    assert hits / (hits + false) >= predictivity
    assert distance <= 3


@pytest.mark.records
def test_ventricular_flutter_has_intervals(data_dir: Path) -> None:
    record = load_record(data_dir, "mitdb", "207")
    found = process(record.samples)["r_sample"].astype(np.int64)
    waves = np.asarray(record.annotation_samples, np.int64)[record.annotation_symbols == "!"]
    near = np.abs(waves[:, None] - found[None, :]).min(axis=1) <= WINDOW
    assert near.mean() > 0.84
    assert np.diff(found).max() < 4 * FS_HZ

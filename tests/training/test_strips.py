"""Training beats from strips of known rhythm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.writers.wfdb import write_record
from ecg_edge.training.datasets import extra_beats
from ecg_edge.training.recipes import Data, Recipe
from ecg_edge.training.strips import strip_beats
from tests.support.core_signals import beats_at

RHYTHMS = {"A00008": "N", "A00016": "N", "A00024": "A", "A00032": "O", "A00012": "N"}


@pytest.fixture
def strips(tmp_path: Path) -> Path:
    """Strips of 30 s: 100 regular beats a minute, then one early wide beat."""
    r_peaks = np.arange(300, 9000, 216)
    samples = beats_at(r_peaks, 10800) + np.random.default_rng(1).normal(0, 2, 10800).astype(np.int16)
    samples += beats_at(np.array([9098]), 10800, [(0, 14, -1.4), (25, 14, 0.7)])
    folder = tmp_path / "cinc2017"
    for name in RHYTHMS:
        write_record(folder, name, samples, fs_hz=360, adu_per_mv=200, lead="ECG")
    (folder / "REFERENCE-v3.csv").write_text("".join(f"{name},{kind}\n" for name, kind in RHYTHMS.items()))
    return tmp_path


def test_beats_of_normal_rhythm_train_as_n(strips: Path) -> None:
    found = strip_beats(strips)
    assert set(found.records.tolist()) == {"cinc2017/A00008", "cinc2017/A00016"}
    assert set(found.symbols.tolist()) == {"N", ""}


def test_beats_of_fibrillation_train_as_n_under_a_name_of_their_own(strips: Path) -> None:
    found = strip_beats(strips, name="cinc2017-fibrillation")
    assert not set(found.records.tolist()) & set(strip_beats(strips).records.tolist())
    data = Data(peaks="detected", extra=("cinc2017-fibrillation",), keep_every_nth_normal=3)
    (beats,) = extra_beats(Recipe("strips", data=data), strips, ())
    assert len(beats) == len(found) > 0
    assert set(beats.symbols.tolist()) == {"N"}


def test_an_early_beat_of_another_shape_is_no_n(strips: Path) -> None:
    (found,) = extra_beats(Recipe("strips", data=Data(peaks="detected", extra=("cinc2017",))), strips, ())
    beats = found[found.records == "cinc2017/A00008"]
    assert 35 < len(beats) <= 41
    assert beats.features["r_sample"].max() < 9000
    data = Data(peaks="detected", extra=("cinc2017",), false_detections=True)
    (with_false,) = extra_beats(Recipe("strips", data=data), strips, ())
    early = with_false[with_false.any_conduction]
    assert len(early) == 2 and len(with_false) == len(found) + 2
    assert early.features["r_sample"].min() > 9000
    data = Data(peaks="detected", extra=("cinc2017-fibrillation",), false_detections=True)
    (fibrillation,) = extra_beats(Recipe("strips", data=data), strips, ())
    assert not fibrillation.any_conduction.any(), "there it may be a V"


def test_a_recipe_takes_every_nth_of_them(strips: Path) -> None:
    data = Data(peaks="detected", extra=("cinc2017",), keep_every_nth_normal=3)
    (beats,) = extra_beats(Recipe("strips", data=data), strips, ())
    assert len(beats) == -(-(strip_beats(strips).symbols == "N").sum() // 3)


def test_strips_without_their_rhythms_are_an_error(strips: Path) -> None:
    (strips / "cinc2017" / "REFERENCE-v3.csv").unlink()
    with pytest.raises(RecordError, match=r"REFERENCE-v3.csv: cannot be read"):
        strip_beats(strips)

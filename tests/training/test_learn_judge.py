"""The script that learns the detector's judge sees the candidates that the signal path itself judges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.firmware import process
from ecg_edge.training.learn_judge import Variant, build, c_array, judge
from ecg_edge.training.records import load_record


@pytest.mark.records
def test_the_harness_accepts_the_beats_of_the_signal_path(data_dir: Path) -> None:
    record = load_record(data_dir, "mitdb", "213")
    variant = Variant("clean", record.samples, record.annotation_samples, record.adu_per_mv)
    rows = judge(build(), variant, mode=2)
    accepted = rows["at"][rows["beat"] == 1].astype(np.int64)
    beats = process(record.samples)["r_sample"].astype(np.int64)
    assert np.array_equal(accepted[: len(beats)], beats)


def test_a_matrix_is_written_one_row_a_line() -> None:
    text = c_array("TABLE", "int16_t", np.array([[1, -2], [3, 4]]))
    assert text == "static const int16_t TABLE[4] = {\n    1, -2,\n    3, 4};\n"

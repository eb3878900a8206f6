"""Annotation files: written, read back, converted, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecg_edge.ecg.annotations import Annotations, read_annotations, write_annotations
from ecg_edge.ecg.errors import OutputError, RecordError
from ecg_edge.ecg.records import Timing, read_timing

MARK = st.tuples(
    st.integers(0, 5000),
    st.sampled_from("NVA/f~+[]"),
    st.sampled_from([0, 1, 16, 48, -1]),
    st.sampled_from(["", "(AFIB"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.lists(MARK, max_size=30))
def test_what_was_written_is_read(tmp_path: Path, marks: list[tuple[int, str, int, str]]) -> None:
    at = np.cumsum([mark[0] for mark in marks], dtype=np.int64)
    given_ones = Annotations.of(at, [m[1] for m in marks], [m[2] for m in marks], [m[3] for m in marks])
    write_annotations(tmp_path, "r", "qrs", given_ones, 360)
    read = read_annotations(tmp_path, "r", "qrs", 360)
    assert read.samples.tolist() == given_ones.samples.tolist()
    assert read.symbols.tolist() == given_ones.symbols.tolist()
    assert read.subtype.tolist() == given_ones.subtype.tolist()
    assert read.aux == given_ones.aux


def test_another_time_resolution_is_converted(tmp_path: Path) -> None:
    write_annotations(tmp_path, "r", "qrs", Annotations.of([360, 541, 1000], "NNN"), 360)
    # 541 / 360 s are 192.36 samples at 128 Hz, 1000 / 360 s are 355.56.
    assert read_annotations(tmp_path, "r", "qrs", 128).samples.tolist() == [128, 192, 356]
    assert read_annotations(tmp_path, "r", "qrs").samples.tolist() == [360, 541, 1000]


def test_a_step_of_centuries_is_written_in_parts(tmp_path: Path) -> None:
    times = [0, 5, 2**31 + 4, 2**40, 2**40]
    write_annotations(tmp_path, "r", "qrs", Annotations.of(times, "NNNNN"), 360)
    assert read_annotations(tmp_path, "r", "qrs").samples.tolist() == times
    assert wfdb.rdann(str(tmp_path / "r"), "qrs").sample.tolist() == times


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"r\.qrs: not found"):
        read_annotations(tmp_path, "r", "qrs")


def test_truncated_file(tmp_path: Path) -> None:
    path = write_annotations(tmp_path, "r", "qrs", Annotations.of([10, 700], "NV"), 360)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(RecordError, match=r"r\.qrs: truncated"):
        read_annotations(tmp_path, "r", "qrs")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_annotations(tmp_path / "file", "r", "qrs", Annotations.of([10], "N"), 360)


def test_order_and_lengths_are_checked() -> None:
    with pytest.raises(ValueError, match="order of time"):
        Annotations.of([20, 10], "NN")
    with pytest.raises(ValueError, match="differ in length"):
        Annotations.of([10, 20], "N")


def test_timing(tmp_path: Path) -> None:
    (tmp_path / "r.hea").write_text("r 1 128 230400\nr.dat 212 200 10 0 0 0 0 ECG1\n")
    assert read_timing(tmp_path, "r") == Timing(128, 230400)
    assert read_timing(tmp_path, "r").length_s == 1800
    with pytest.raises(RecordError, match=r"s\.hea: not found"):
        read_timing(tmp_path, "s")
    (tmp_path / "t.hea").write_text("t 1 128\nt.dat 212 200 10 0 0 0 0 ECG1\n")
    with pytest.raises(RecordError, match=r"t\.dat: not found"):
        read_timing(tmp_path, "t")

"""Time without samples in EDF+: what its annotations name is no signal, whoever reads the record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.edf_gaps import FILL_NOTE, Gaps
from ecg_edge.ecg.records import load_record

edfio = pytest.importorskip("edfio")

SAMPLES = (np.arange(7200) % 200 - 100).astype(np.int16)
SIGNAL = {"label": "ECG II", "physical_dimension": "mV", "digital_range": (-2000, 2000)}


def write(folder: Path, *notes: tuple[float, float, str], samples: np.ndarray = SAMPLES) -> None:
    folder.mkdir()
    signal = edfio.EdfSignal(samples / 200, 360, physical_range=(-10, 10), **SIGNAL)
    edfio.Edf([signal], annotations=[edfio.EdfAnnotation(*note) for note in notes]).write(folder / "a.edf")


@pytest.mark.parametrize("fs_hz", [250, 360, 500])
def test_a_gap_is_no_signal(tmp_path: Path, fs_hz: int) -> None:
    filled = SAMPLES.copy()
    filled[3600:4320] = -2000
    write(tmp_path / "d", (10.0, 2.0, "gap: lost"), (14.0, 1.0, "V run"), samples=filled)
    record = load_record(tmp_path, "d", "a.edf", fs_hz=fs_hz)
    assert record.invalid_spans.tolist() == [[10 * fs_hz, 12 * fs_hz]]
    assert abs(record.samples.astype(int)).max() < 1.2 * record.adu_per_mv


def test_what_fills_the_last_second_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "d", (19.5, 0.5, FILL_NOTE))
    record = load_record(tmp_path, "d", "a.edf")
    assert len(record.samples) == 7020 and not len(record.invalid_spans)


def test_samples_that_spell_a_gap_are_samples(tmp_path: Path) -> None:
    write(tmp_path / "d", (14.0, 1.0, "V run"))
    path = tmp_path / "d" / "a.edf"
    content, spelled = bytearray(path.read_bytes()), b"+10\x152\x14gap: lost\x14\0\0"
    start = int(content[184:192])
    content[start : start + len(spelled)] = spelled
    path.write_bytes(content)
    assert not len(load_record(tmp_path, "d", "a.edf").invalid_spans)


def test_a_gap_before_the_first_or_behind_the_last_sample_is_cut() -> None:
    gaps = Gaps(((0.0, 0.5), (1.5, 9.0)))
    assert np.flatnonzero(gaps.mask(10, 5)).tolist() == [0, 1, 8, 9]

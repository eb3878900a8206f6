"""Written records, read by wfdb and by the project's own reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_edge.ecg.errors import OutputError
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.writers.wfdb import write_record


@pytest.mark.parametrize(("limit", "format"), [(2047, "212"), (2048, "16"), (32767, "16")])
@pytest.mark.parametrize("count", [99, 100])
def test_a_written_record_is_read_by_wfdb_and_here(
    tmp_path: Path, limit: int, format: str, count: int
) -> None:
    samples = np.linspace(-limit, limit, count).astype(np.int64)
    comments = ["made by a test"]
    write_record(tmp_path / "d", "r", samples, fs_hz=360, adu_per_mv=200, lead="MLII", comments=comments)
    read = wfdb.rdrecord(str(tmp_path / "d" / "r"), physical=False)
    assert (read.fmt, read.fs, read.sig_name, read.adc_gain) == ([format], 360, ["MLII"], [200.0])
    assert read.d_signal[:, 0].tolist() == samples.tolist()
    assert read.comments == comments
    record = load_record(tmp_path, "d", "r")
    assert (record.samples.tolist(), record.adu_per_mv) == (samples.tolist(), 200)


def test_a_fractional_rate_is_written_exactly(tmp_path: Path) -> None:
    header = write_record(tmp_path, "r", np.zeros(10, np.int16), fs_hz=249.9, adu_per_mv=200, lead="II")
    assert header.read_text().startswith("r 1 249.9 10\n")


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "d").touch()
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write_record(tmp_path / "d", "r", np.zeros(10, np.int16), fs_hz=360, adu_per_mv=200, lead="II")

"""Files of synthetic records."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_edge.ecg.annotations import read_annotations
from ecg_edge.ecg.errors import OutputError, SynthesisError
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.synthetic import files
from ecg_edge.ecg.synthetic.generator import Settings, generate

DEPRESSION = Settings("st-depression", seed=7, leads=("II", "V5"))


def test_a_record_reads_as_any_other(tmp_path: Path) -> None:
    header, truth = files.write_wfdb(tmp_path / "own", DEPRESSION, 70)
    assert header.name == "st_depression_007.hea"
    record, made = load_record(tmp_path, "own", header.stem), generate(DEPRESSION, 70)
    assert (record.lead, record.fs_hz, record.adu_per_mv) == ("II", 360, 200)
    np.testing.assert_array_equal(record.samples, made.samples[:, 0])
    assert record.beat_samples.tolist() == [beat.sample for beat in made.truth.beats]
    assert record.annotation_notes[0] == "(N" and truth == made.truth


def test_wfdb_s_own_library_reads_it_and_the_checksums_fit(tmp_path: Path) -> None:
    header, _ = files.write_wfdb(tmp_path, DEPRESSION, 10)
    name = str(header.with_suffix(""))
    record = wfdb.rdrecord(name, physical=False)
    assert record.sig_name == ["II", "V5"] and record.checksum == record.calc_checksum()
    assert any("ST: -0." in line for line in record.comments)
    waves = read_annotations(tmp_path, header.stem, "waves", 360)
    assert "".join(waves.symbols[:9].tolist()) == "(p)(N)(t)"


def test_the_table_of_beats(tmp_path: Path) -> None:
    header, truth = files.write_wfdb(tmp_path, DEPRESSION, 10)
    with header.with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(truth.beats) and rows[2]["symbol"] == "N"
    assert float(rows[2]["r_s"]) == pytest.approx(truth.beats[2].sample / 360, abs=1e-4)
    assert float(rows[2]["st_60_mv"]) == pytest.approx(truth.beats[2].st_60_mv, abs=1e-4)


def test_a_wrong_length_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError):
        files.write_wfdb(tmp_path / "own", DEPRESSION, -60)
    assert not (tmp_path / "own").exists()


def test_a_full_disk_leaves_no_record_and_removes_the_old_one(tmp_path: Path) -> None:
    """The limit on the size of files stands for the full disk: a write fails in the middle."""
    files.write_wfdb(tmp_path, Settings(), 5)
    command = f"ulimit -f 64; {sys.executable} -m ecg_edge.host.cli.main synth --minutes 5 {tmp_path}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("cannot be written") == 1 and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_annotation_file_that_fails_leaves_no_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *_: object) -> None:
        raise OutputError(f"{path}: full")

    monkeypatch.setattr(files, "_write_table", fail)
    with pytest.raises(OutputError, match="full"):
        files.write_wfdb(tmp_path, Settings(), 5)
    assert not list(tmp_path.iterdir())


def test_edf(tmp_path: Path) -> None:
    pytest.importorskip("edfio", reason="edfio is not installed (the extra edf)")
    path, _ = files.write_edf(tmp_path / "own", DEPRESSION, 20.5)
    record, made = load_record(tmp_path, "own", path.name, lead="ECG II"), generate(DEPRESSION, 20)
    np.testing.assert_array_equal(record.samples, made.samples[:, 0])
    assert record.adu_per_mv == 200

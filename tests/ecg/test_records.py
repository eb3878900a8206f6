"""Reading records: what comes out, and the message for every way in which a record can be bad."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_edge.ecg.databases import DATABASES, records_in
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.labels import aami_of
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.splits import DS1, DS2


def test_reads_the_lead_asked_for_with_its_annotations(record_folder: Path) -> None:
    both = wfdb.rdrecord(str(record_folder / "mitdb" / "900"), physical=False).d_signal
    record = load_record(record_folder, "mitdb", "900")
    assert (record.name, record.database, record.lead, record.adu_per_mv) == ("900", "mitdb", "MLII", 200)
    np.testing.assert_array_equal(record.samples, both[:, 1])
    assert record.samples.dtype == np.int16
    assert record.duration_s == 2.0
    assert record.annotation_symbols.tolist() == ["+", "N", "V"]
    assert record.annotation_notes == ("(N", "", "")
    assert record.beat_samples.tolist() == [370, 640]
    assert record.beat_symbols.tolist() == ["N", "V"]


def test_names_the_leads_that_there_are(record_folder: Path) -> None:
    with pytest.raises(RecordError, match=r"900\.hea: no lead 'V1'; the record has V5, MLII"):
        load_record(record_folder, "mitdb", "900", lead="V1")


def test_auto_takes_mlii_else_the_first_lead(record_folder: Path) -> None:
    assert load_record(record_folder, "mitdb", "900", lead="auto").lead == "MLII"
    header = record_folder / "mitdb" / "900.hea"
    header.write_text(header.read_text().replace("MLII", "V1"))
    assert load_record(record_folder, "mitdb", "900", lead="auto").lead == "V5"


def test_no_annotator_reads_the_signal_alone(record_folder: Path) -> None:
    (record_folder / "mitdb" / "900.atr").unlink()
    assert len(load_record(record_folder, "mitdb", "900", annotator=None).annotation_samples) == 0


@pytest.mark.parametrize("suffix", ["hea", "dat", "atr"])
def test_names_a_missing_file(record_folder: Path, suffix: str) -> None:
    (record_folder / "mitdb" / f"900.{suffix}").unlink()
    with pytest.raises(RecordError, match=rf"900\.{suffix}: not found"):
        load_record(record_folder, "mitdb", "900", annotations_required=True)


def test_names_a_missing_annotator(record_folder: Path) -> None:
    with pytest.raises(RecordError, match=r"900\.qrs: not found"):
        load_record(record_folder, "mitdb", "900", annotator="qrs", annotations_required=True)


def test_names_a_truncated_signal_file_and_both_sizes(record_folder: Path) -> None:
    path = record_folder / "mitdb" / "900.dat"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(RecordError, match=r"900\.dat: truncated: 2000 bytes, its header asks for 2160"):
        load_record(record_folder, "mitdb", "900")


def test_names_a_signal_file_whose_checksum_is_wrong(record_folder: Path) -> None:
    path = record_folder / "mitdb" / "900.dat"
    content = bytearray(path.read_bytes())
    content[1001] ^= 0x10  # third byte of a pair: the second signal's low bits
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"900\.dat: damaged: lead MLII has the checksum"):
        load_record(record_folder, "mitdb", "900")


@pytest.mark.parametrize(
    "text",
    ["", "no header at all\n", "900 2 360 720\n", "900 2 360 0\n900.dat 212 200 12 0 0 0 0 MLII\n"],
    ids=["empty", "no header", "no signals", "one signal of two"],
)
def test_names_a_damaged_header(record_folder: Path, text: str) -> None:
    (record_folder / "mitdb" / "900.hea").write_text(text)
    with pytest.raises(RecordError, match=r"900\.hea: damaged header"):
        load_record(record_folder, "mitdb", "900")


def test_names_a_format_that_is_not_read(record_folder: Path) -> None:
    header = record_folder / "mitdb" / "900.hea"
    header.write_text(header.read_text().replace(" 212 ", " 99 "))
    with pytest.raises(RecordError, match=r"900\.dat: format 99.*8, 16, 24"):
        load_record(record_folder, "mitdb", "900")


def test_names_a_truncated_annotation_file(record_folder: Path) -> None:
    path = record_folder / "mitdb" / "900.atr"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(RecordError, match=r"900\.atr: truncated"):
        load_record(record_folder, "mitdb", "900")


def test_resamples_to_360_hz_and_moves_the_annotations(tmp_path: Path) -> None:
    (tmp_path / "svdb").mkdir()
    t = np.arange(1280) / 128
    wave = np.rint(1000 * np.sin(2 * np.pi * 3 * t)).astype(int)[:, None]
    folder, scale = str(tmp_path / "svdb"), {"adc_gain": [100], "baseline": [0]}
    wfdb.wrsamp("900", 128, ["mV"], ["ECG1"], d_signal=wave, fmt=["212"], write_dir=folder, **scale)
    wfdb.wrann("900", "atr", np.array([128, 640]), ["N", "S"], write_dir=folder)
    record = load_record(tmp_path, "svdb", "900", lead="auto")
    assert (record.fs_hz, record.adu_per_mv, len(record.samples)) == (360, 100, 3600)
    assert record.annotation_samples.tolist() == [360, 1800]
    inner = slice(360, 3240)
    expected = 1000 * np.sin(2 * np.pi * 3 * np.arange(3600) / 360)
    np.testing.assert_allclose(record.samples[inner], expected[inner], atol=5)


@pytest.mark.records
def test_totals_of_mitdb(data_dir: Path) -> None:
    """Against the annotation counts that PhysioNet's own tools give."""
    assert set(records_in(data_dir, "mitdb")) == set(DATABASES["mitdb"].records)
    records = {name: load_record(data_dir, "mitdb", name, lead="auto") for name in DATABASES["mitdb"].records}
    symbols = Counter(symbol for record in records.values() for symbol in record.beat_symbols.tolist())
    assert sum(len(record.annotation_symbols) for record in records.values()) == 112_647
    assert symbols.total() == 109_494
    assert [symbols[label] for label in "NLRAV"] == [75052, 8075, 7259, 2546, 7130]
    assert len(records["100"].beat_samples) == 2273
    expected = {DS1: (45866, 944, 3788, 415, 8), DS2: (44259, 1837, 3221, 388, 7)}
    for names, counts in expected.items():
        classes = Counter(aami_of(symbol) for name in names for symbol in records[name].beat_symbols.tolist())
        assert tuple(classes[name] for name in "NSVFQ") == counts


@pytest.mark.records
def test_leads_and_gains_of_mitdb_and_nstdb(data_dir: Path) -> None:
    assert load_record(data_dir, "mitdb", "114").lead == "MLII"
    with pytest.raises(RecordError, match=r"102\.hea: no lead 'MLII'; the record has V5, V2"):
        load_record(data_dir, "mitdb", "102", lead="MLII")
    assert load_record(data_dir, "mitdb", "102", lead="auto").lead == "V5"
    if records_in(data_dir, "nstdb"):
        assert load_record(data_dir, "nstdb", "bw", lead="noise1", annotator=None).adu_per_mv == 200
        assert load_record(data_dir, "nstdb", "118e00").samples[0] == -167  # format 16

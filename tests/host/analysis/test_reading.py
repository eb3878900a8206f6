"""One's own recordings: every format that is read, and a clear error for what is not."""

from __future__ import annotations

from datetime import datetime, time, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from ecg_edge.ecg import memory
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.writers.wfdb import write_record
from ecg_edge.host.analysis.reading import Reading, merged, read_own
from ecg_edge.host.live.items import Gap, LeadChange, Origin, Wave
from ecg_edge.host.recording.recorder import Recorder
from tests.support import wfdb_files
from tests.support.simulated import make_ecg

SAMPLES = make_ecg(20.0)[0]
MILLIVOLTS = Reading(rate_hz=360, unit="mV")
ADU = Reading(rate_hz=360, gain=200)


def written(path: Path, head: str = "", separator: str = ",", columns: int = 1) -> Path:
    rows = [separator.join([f"{value / 200:.3f}"] * columns) for value in SAMPLES.tolist()]
    path.write_text(head + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("head", ["", "ecg\n", "# made by a sketch\nECG (mV)\n\n", "\ufeffecg\n", "% raw\n"])
def test_text_with_one_sample_a_line(tmp_path: Path, head: str) -> None:
    own = read_own(written(tmp_path / "a.csv", head), MILLIVOLTS)
    record = own.record
    assert (record.fs_hz, record.adu_per_mv, own.own_hz) == (360, 1000, 360)
    assert np.array_equal(record.samples, SAMPLES * 5)


@pytest.mark.parametrize(("unit", "factor"), [("V", 0.001), ("mV", 1), ("uV", 1000)])
def test_units_give_the_same_signal(tmp_path: Path, unit: str, factor: float) -> None:
    np.savetxt(tmp_path / "a.txt", SAMPLES / 200 * factor, fmt="%.7g")
    record = read_own(tmp_path / "a.txt", Reading(rate_hz=360, unit=unit)).record
    assert np.array_equal(record.samples, SAMPLES * 5)


def test_adc_units_keep_their_values(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "a.txt", SAMPLES, fmt="%d")
    record = read_own(tmp_path / "a.txt", ADU).record
    assert record.adu_per_mv == 200 and np.array_equal(record.samples, SAMPLES)
    coarse = read_own(tmp_path / "a.txt", Reading(rate_hz=360, unit="adu", gain=2)).record
    assert np.abs(coarse.samples / coarse.adu_per_mv - SAMPLES / 2).max() < 0.03


def test_the_only_column_that_is_no_time_is_the_lead(tmp_path: Path) -> None:
    rows = "".join(f"{k / 360:.4f};{value}\n" for k, value in enumerate(SAMPLES.tolist()))
    (tmp_path / "a.csv").write_text("time (s);II\n" + rows)
    record = read_own(tmp_path / "a.csv", ADU).record
    assert record.lead == "II" and np.array_equal(record.samples, SAMPLES)


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("time;ECG\n", "{k:.3f};{mv:.3f}\n"),
        ("time,ECG,\n", "{k:.3f},{mv:.3f},\n"),
        ("time,ECG\n", "{k:.3f},{mv:.3f},,\n\n"),
        ('"time","ECG"\n', '"{k:.3f}","{mv:.3f}"\n'),
        ('"time, s";"ECG"\n', '{k:.3f};"{mv:.3f}"  # noted\n'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_harmless_differences_of_tables(tmp_path: Path, head: str, row: str, encoding: str) -> None:
    rows = "".join(row.format(k=k / 360, mv=value / 200) for k, value in enumerate(SAMPLES.tolist()))
    (tmp_path / "a.csv").write_text(head + rows, encoding=encoding)
    record = read_own(tmp_path / "a.csv", MILLIVOLTS).record
    assert record.lead == "ECG" and np.array_equal(record.samples, SAMPLES * 5)


def test_names_may_be_in_latin_1(tmp_path: Path) -> None:
    rows = "\n".join(map(str, SAMPLES.tolist()))
    (tmp_path / "a.csv").write_text(f"\xb5V\n{rows}", encoding="latin-1")
    record = read_own(tmp_path / "a.csv", ADU).record
    assert record.lead == "\xb5V" and np.array_equal(record.samples, SAMPLES)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_between_semicolons_or_tabs(tmp_path: Path, separator: str) -> None:
    rows = [
        f"{k}{separator}{value / 200:.3f}\n".replace(".", ",") for k, value in enumerate(SAMPLES.tolist())
    ]
    path = tmp_path / "a.csv"
    path.write_text("".join(rows))
    record = read_own(path, Reading("1", 360, "mV")).record
    assert np.array_equal(record.samples, SAMPLES * 5)
    path.write_text("".join([*rows, f"7200{separator}0.5\n"]))
    with pytest.raises(RecordError, match=r"line 7201 is no row of numbers: .* no decimal points"):
        read_own(path, Reading("1", 360, "mV"))


def test_commas_that_may_be_decimal_commas_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for head, row in (("", "0,{0}\n"), ("ECG\n", "-0,{0}\n"), ("time,ECG\n", "0,{0},0,{0}\n")):
        path.write_text(head + "".join(row.format(k % 1000) for k in range(7200)))
        with pytest.raises(RecordError, match=r"may be decimal commas\. Write decimal points"):
            read_own(path, Reading("1", 360, "mV"))
    whole = "".join(f"{k},{value}\n" for k, value in enumerate(SAMPLES.tolist()))
    for head in ("n,ECG\n", ""):  # values below 0 are no digits after a comma
        path.write_text(head + whole)
        assert np.array_equal(read_own(path, Reading("1", 360, gain=200)).record.samples, SAMPLES)
    for head, lead in (("n,ECG\n", "ECG"), ("", "1")):  # the first column increases: no digits
        path.write_text(head + whole.replace("-", ""))
        assert np.array_equal(read_own(path, Reading(lead, 360, gain=200)).record.samples, np.abs(SAMPLES))


def test_a_bad_line_is_quoted_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for content, said in (
        ("ECG\n" + "1\n\n" * 60_000 + "foo\n", "line 120002 is no row of numbers: 'foo'"),
        ("a\n\n" + "1,2\n" * 10 + "3,\n4,5\n", "line 13 is no row of numbers: '3,'"),
        ("a,b\n" + "1,2\n" * 10 + ",\n4,5\n", "line 12 is no row of numbers: ','"),
        ("t,ECG\n" + "2026-01-01T00:00:00,1\n" * 9, "line 4 .*: '2026-01-01T00:00:00,1'.* no dates"),
        ("a\nb\nc\nd\ne\n1\n", "line 4 is no row of numbers: 'd'. Expected: up to 3 lines of names"),
        ("1\n" + "\0" * 200_000, r"line 2 is no row of numbers: '(.x00){14}.*\.\.\."),
        ('"' + "x" * 200_000 + '"\n' + "1,2\n" * 9, "may be decimal commas"),
    ):
        path.write_text(content)
        with pytest.raises(RecordError, match=said):
            read_own(path, Reading("0", 360, "mV"))


def test_two_columns_need_a_name(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "a,b\n", columns=2)
    with pytest.raises(RecordError, match=r"several columns \(a, b\)\. Name one with --lead"):
        read_own(path, MILLIVOLTS)
    for lead in ("b", "B", "1"):
        assert read_own(path, Reading(lead, 360, "mV")).record.lead == "b"
    with pytest.raises(RecordError, match="no column 'c'; it has a, b"):
        read_own(path, Reading("c", 360, "mV"))


def test_another_rate_is_brought_to_the_nearest_board(tmp_path: Path) -> None:
    own = read_own(written(tmp_path / "a.csv"), Reading(rate_hz=720, unit="mV"))
    assert own.record.fs_hz == 500 and len(own.record.samples) == len(SAMPLES) * 500 / 720


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", r"7,202 rows of 2 numbers"), ("a.mat", r"the array `val` has 7,200 values")],
)
def test_a_table_that_needs_more_memory_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    written(tmp_path / "a.csv", "t,ecg\n", columns=2)
    scipy.io.savemat(tmp_path / "a.mat", {"val": SAMPLES[np.newaxis]})
    monkeypatch.setattr(memory, "free_bytes", lambda: 100_000)
    with pytest.raises(RecordError, match=rf"{name}: {text}\. Reading it takes about 0\.\d GB of memory"):
        read_own(tmp_path / name, ADU)


def test_matlab_files_of_a_challenge(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "A1.mat", {"val": SAMPLES[np.newaxis]})
    assert np.array_equal(read_own(tmp_path / "A1.mat", ADU).record.samples, SAMPLES)
    with pytest.raises(RecordError, match="does not state its rate"):
        read_own(tmp_path / "A1.mat", Reading())
    scipy.io.savemat(tmp_path / "A2.mat", {"other": SAMPLES})
    with pytest.raises(RecordError, match="has no array `val`"):
        read_own(tmp_path / "A2.mat", ADU)
    (tmp_path / "A3.mat").write_bytes(b"no MATLAB file")
    with pytest.raises(RecordError, match="damaged MATLAB file"):
        read_own(tmp_path / "A3.mat", ADU)


@pytest.mark.parametrize(
    ("name", "unit_s", "rate_hz", "said"),
    [
        ("time", 1.0, 360, ""),
        ("time", 1.0, 250, "by its column 'time' the file has 360 samples a second, not 250: check --rate"),
        ("time_ms", 1e-3, 360, ""),
        ("ms", 1e-3, 125, "by its column 'ms' the file has 360 samples a second, not 125: check --rate"),
        ("seconds", 1e-6, 360, ""),
        ("sample", 1 / 360, 250, ""),
        ("time", 1000.0, 250, ""),
    ],
)
def test_a_rate_that_the_column_of_times_contradicts(
    tmp_path: Path, name: str, unit_s: float, rate_hz: float, said: str
) -> None:
    rows = np.stack([np.arange(7200) / 360 / unit_s, SAMPLES / 200], axis=1)
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header=f"{name},ECG", comments="")
    assert read_own(tmp_path / "t.csv", Reading(rate_hz=rate_hz, unit="mV")).rate_doubt == said


@pytest.mark.parametrize("name", ["r1", "r1.hea", "r1.dat"])
def test_a_record_by_any_of_its_names(tmp_path: Path, name: str) -> None:
    header = write_record(tmp_path, "r1", SAMPLES, fs_hz=360, adu_per_mv=200, lead="II")
    own = read_own(tmp_path / name, Reading())
    assert np.array_equal(own.record.samples, SAMPLES) and own.started is None
    header.write_text(
        header.read_text().replace(f"360 {len(SAMPLES)}", f"360 {len(SAMPLES)} 21:30:05 1/2/2026")
    )
    assert read_own(tmp_path / name, Reading()).started == datetime(
        2026, 2, 1, 21, 30, 5, tzinfo=timezone.utc
    )
    with pytest.raises(RecordError, match="states its own rate and gain"):
        read_own(tmp_path / name, MILLIVOLTS)


def test_a_recording_tells_when_an_electrode_was_off(tmp_path: Path) -> None:
    origin = Origin("port", "board", 360, 200, "II", ("N",))
    with Recorder(tmp_path / "night", origin) as recorder:
        recorder.take([Wave(0, SAMPLES[:3600]), LeadChange(1000, 1), LeadChange(2000, 0)])
        recorder.take([Gap(3600, 4000, "lost", True), Wave(4000, SAMPLES[4000:]), LeadChange(7000, 2)])
    own = read_own(tmp_path / "night", Reading())
    assert own.off_spans.tolist() == [[1000, 2000], [3600, 4000], [7000, 7200]]
    assert own.started is not None


@pytest.mark.parametrize("microsecond", [0, 1_331, 53_268, 532_680, 999_999])
def test_gaps_of_a_recording_in_edf_are_no_signal(tmp_path: Path, microsecond: int) -> None:
    pyedflib = pytest.importorskip("pyedflib")
    from ecg_edge.host.recording.edf import write_edf
    from ecg_edge.host.recording.recording import Recording

    origin = Origin("port", "board", 360, 200, "II", ("N",))
    started = datetime(2026, 1, 2, 3, 4, 5, microsecond, tzinfo=timezone.utc)
    with Recorder(tmp_path / "night", origin, started=started) as recorder:
        recorder.take(
            [Wave(0, SAMPLES[:3600]), Gap(3600, 4000, "lost", True), Wave(4000, SAMPLES[4000:7000])]
        )
    path = write_edf(Recording(tmp_path / "night"), tmp_path / "night.edf")
    own = read_own(path, Reading())
    assert own.off_spans.tolist() == [[3600, 4000]]
    assert len(own.record.samples) == 7000  # without what fills the last second
    assert np.array_equal(own.record.samples[:3600], SAMPLES[:3600])
    assert (own.record.samples[3600:4000] == SAMPLES[3599]).all()
    assert np.array_equal(own.record.samples[4000:7000], SAMPLES[4000:7000])
    with pyedflib.EdfReader(str(path)) as reader:
        assert reader.getStartdatetime() == datetime(2026, 1, 2, 3, 4, 5)
        assert reader.readAnnotations()[0] == pytest.approx([10, 7000 / 360], abs=1e-4)


def test_a_gap_at_the_end_stays_where_the_fill_goes(tmp_path: Path) -> None:
    edfio = pytest.importorskip("edfio")
    signal = edfio.EdfSignal(SAMPLES / 200, 360, label="ECG II", physical_dimension="mV")
    gaps = [(15.0, 4.5, "gap: lost"), (19.5, 0.5, "gap: the recording has ended")]
    edfio.Edf([signal], annotations=[edfio.EdfAnnotation(*gap) for gap in gaps]).write(tmp_path / "a.edf")
    own = read_own(tmp_path / "a.edf", Reading())
    assert own.off_spans.tolist() == [[5400, 7020]] and len(own.record.samples) == 7020


def test_gaps_count_from_the_first_sample(tmp_path: Path) -> None:
    """A file that begins between two seconds, as other programs may write it."""
    edfio = pytest.importorskip("edfio")
    signal = edfio.EdfSignal(SAMPLES / 200, 360, label="ECG II", physical_dimension="mV")
    annotations = [edfio.EdfAnnotation(10.0, 2.0, "gap: lost")]
    begin = time(3, 4, 5, 250_000)
    edfio.Edf([signal], starttime=begin, annotations=annotations).write(tmp_path / "a.edf")
    assert b"+0.25\x14\x14" in (tmp_path / "a.edf").read_bytes()
    assert read_own(tmp_path / "a.edf", Reading()).off_spans.tolist() == [[3600, 4320]]


def test_gaps_that_overlap_are_one(tmp_path: Path) -> None:
    edfio = pytest.importorskip("edfio")
    signal = edfio.EdfSignal(SAMPLES / 200, 360, label="ECG II", physical_dimension="mV")
    gaps = [(5.0, 5.0), (6.0, 1.0), (9.0, 2.0), (15.0, 1.0)]
    annotations = [edfio.EdfAnnotation(onset, length, "gap: lost") for onset, length in gaps]
    edfio.Edf([signal], annotations=annotations).write(tmp_path / "a.edf")
    assert read_own(tmp_path / "a.edf", Reading()).off_spans.tolist() == [[1800, 3960], [5400, 5760]]


def test_spans_that_overlap_or_touch_are_joined() -> None:
    one, other = np.array([[20, 30], [0, 10], [25, 26]]), np.array([[10, 12], [40, 40]])
    assert merged(one, other).tolist() == [[0, 12], [20, 30]]
    assert merged(np.zeros((0, 2), np.int64)).shape == (0, 2)


@pytest.mark.parametrize(("frame_hz", "per_frame"), [("10", 36), ("62.5", 4)])
def test_the_rate_is_that_of_the_lead_with_several_samples_a_frame(
    tmp_path: Path, frame_hz: str, per_frame: int
) -> None:
    layout = {"rate": frame_hz, "layout": f"x{per_frame}", "length": str(len(SAMPLES) // per_frame)}
    wfdb_files.write_record(tmp_path, "r", SAMPLES, **layout)
    own = read_own(tmp_path / "r", Reading())
    rate_hz = float(frame_hz) * per_frame
    assert own.own_hz == rate_hz and own.record.fs_hz == rate_hz
    assert np.array_equal(own.record.samples, SAMPLES)


def test_the_rate_is_that_of_the_lead_not_of_the_fastest_signal(tmp_path: Path) -> None:
    slow, fast = SAMPLES[::2].astype(np.int64), SAMPLES.astype(np.int64)
    signals = [("ECG I", "mV", (-5.0, 5.0), slow), ("ECG II", "mV", (-5.0, 5.0), fast)]
    wfdb_files.write_edf(tmp_path / "a.edf", signals, records=20)
    assert [read_own(tmp_path / "a.edf", Reading(lead)).own_hz for lead in ("ECG I", "ECG II")] == [180, 360]


def test_samples_that_look_like_a_time_are_none(tmp_path: Path) -> None:
    """The samples of a file without annotations hold any bytes."""
    edfio = pytest.importorskip("edfio")
    signal = edfio.EdfSignal(SAMPLES / 200, 360, label="ECG II", physical_dimension="mV")
    edfio.Edf([signal]).write(tmp_path / "a.edf")
    content = bytearray((tmp_path / "a.edf").read_bytes())
    content[-720:-712] = b"+.\x14\x14+1.\x14"
    (tmp_path / "a.edf").write_bytes(content)
    assert read_own(tmp_path / "a.edf", Reading()).off_spans.tolist() == []


def test_edf(tmp_path: Path) -> None:
    edfio = pytest.importorskip("edfio")
    signal = edfio.EdfSignal(SAMPLES / 200, 360, label="ECG II", physical_dimension="mV")
    edfio.Edf([signal]).write(tmp_path / "a.edf")
    own = read_own(tmp_path / "a.edf", Reading())
    assert own.record.fs_hz == 360 and own.record.duration_s == 20


BAD: list[tuple[str, str | None, dict[str, Any], str]] = [
    ("gone.csv", None, {"rate_hz": 360, "unit": "mV"}, "not found"),
    ("gone", None, {}, "not found"),
    ("a.wav", "RIFF", {}, "a format that is not read"),
    ("a.csv", "", {"rate_hz": 360, "unit": "mV"}, "has no samples"),
    ("a.csv", "ecg\n", {"rate_hz": 360, "unit": "mV"}, "has no samples"),
    ("a.csv", "1\n2\nx\n", {"rate_hz": 360, "unit": "mV"}, "line 3 is no row of numbers"),
    ("a.csv", "1,2\n2\n", {"rate_hz": 360, "unit": "mV", "lead": "0"}, "line 2 is no row of numbers"),
    ("a.csv", "1\nnan\n", {"rate_hz": 360, "unit": "mV"}, "value 2 of ECG is nan; 1 in all"),
    ("a.csv", "1\ninf\n", {"rate_hz": 360, "unit": "mV"}, "value 2 of ECG is inf"),
    ("a.csv", "1\n2\n", {"rate_hz": 360, "unit": "mV"}, "0.0 s long; an analysis needs 10 s"),
    ("a.csv", "1\n2\n", {}, "does not state its rate. Name it: --rate 250"),
    ("a.csv", "time_s,ecg\n0,1\n0.002,2\n0.004,1\n", {}, "Name it: --rate 500, by its column 'time_s'"),
    ("a.csv", "time,ecg\n0,1\n8,2\n16,1\n", {}, "Name it: --rate 125, by its column 'time'"),
    ("a.csv", "time,ecg\n0,1\n1,2\n2,1\n", {}, "Name it: --rate 250."),
    ("a.csv", "1\n2\n", {"rate_hz": 360}, "does not state its unit"),
    ("a.csv", "1\n2\n", {"rate_hz": 360, "unit": "adu"}, "ADC units need the gain"),
    ("a.csv", "1\n2\n", {"rate_hz": 360, "unit": "mV", "gain": 3}, "--gain is for ADC units"),
    ("a.csv", "1\n2\n", {"rate_hz": 360, "unit": "furlong"}, "Unit 'furlong' is not known"),
    ("a.csv", "1\n2\n", {"rate_hz": 49, "unit": "mV"}, "49 Hz cannot be analyzed: 50 to 10000 Hz"),
    ("a.csv", "1\n2\n", {"rate_hz": float("nan"), "unit": "mV"}, "nan Hz cannot be analyzed"),
    ("a.csv", "1\n2\n", {"rate_hz": 360, "gain": -1}, "is not above 0"),
    ("a.csv", "1\n2\n", {"rate_hz": 360, "gain": float("inf")}, "is not above 0"),
]


@pytest.mark.parametrize(("name", "content", "reading", "message"), BAD)
def test_every_bad_input_has_a_message(
    tmp_path: Path, name: str, content: str | None, reading: dict[str, Any], message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(RecordError, match=message.replace("(", r"\(")):
        read_own(tmp_path / name, Reading(**reading))


@pytest.mark.parametrize("name", [".", "", "/", ".."])
def test_a_folder_is_no_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    with pytest.raises(RecordError, match=r"a folder\. Name a record"):
        read_own(Path(name), Reading())


def test_a_replay_session_is_pointed_to_record(tmp_path: Path) -> None:
    (tmp_path / "frames.log.gz").touch()
    with pytest.raises(RecordError, match="ecg-edge record --from"):
        read_own(tmp_path, Reading())

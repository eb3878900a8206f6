"""`ecg-edge evaluate annotations` and `evaluate detector`, on synthetic records and on a real one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ecg_edge.ecg.annotations import Annotations, read_annotations, write_annotations
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.records import Record, Timing
from ecg_edge.ecg.scoring import compare_beats
from ecg_edge.firmware import BEAT_DTYPE, CHANGE_DTYPE, FLAG_UNCLASSIFIABLE, VENTRICULAR_DTYPE, Processed
from ecg_edge.host.cli.commands.evaluate import detector as detect
from ecg_edge.host.cli.main import app
from ecg_edge.host.evaluation import detector as detection
from ecg_edge.host.evaluation.sources import Conditions, Source
from ecg_edge.quantize.bundle.engines import Inputs
from ecg_edge.quantize.bundle.manifest import MANIFEST_NAME
from tests.support.simulated import make_bundle

FS_HZ = 360
MINUTE = 60 * FS_HZ
BEATS = np.arange(6 * MINUTE, 10 * MINUTE, FS_HZ)  # 240 beats, all after the learning period


def write_record(root: Path, database: str, name: str, fs_hz: int = FS_HZ) -> None:
    """Header and reference annotations; no signal."""
    folder = root / database
    folder.mkdir(parents=True, exist_ok=True)
    lines = f"{name} 1 {fs_hz} {10 * 60 * fs_hz}\n{name}.dat 212 200 11 1024 0 0 0 MLII\n"
    (folder / f"{name}.hea").write_text(lines)
    at = BEATS * fs_hz // FS_HZ
    write_annotations(folder, name, "atr", Annotations.of(at, ["N"] * len(at)), fs_hz)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """mitdb with a record of DS1, one of DS2 and a paced one; nstdb with two noise levels; svdb at 128 Hz."""
    for name in ("101", "100", "102"):
        write_record(tmp_path, "mitdb", name)
    for name in ("118e24", "119e24", "118e_6"):
        write_record(tmp_path, "nstdb", name)
    write_record(tmp_path, "svdb", "800", fs_hz=128)
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write_test_beats(root: Path, database: str, name: str, at: np.ndarray) -> None:
    write_annotations(root / database, name, "qrs", Annotations.of(at, ["N"] * len(at)), FS_HZ)


def test_score_prints_and_writes_the_figures(root: Path, tmp_path: Path) -> None:
    for name, missed in (("100", 12), ("101", 0), ("102", 0)):
        write_test_beats(root, "mitdb", name, BEATS[missed:])
    result = run(
        "evaluate",
        "annotations",
        "mitdb",
        "-t",
        "qrs",
        "--data",
        root,
        "--per-record",
        "--json",
        tmp_path / "s.json",
    )
    assert result.exit_code == 0, result.output
    assert "Beat-by-beat comparison results for record 100" in result.stdout
    assert "Total QRS complexes: 720  Total VEBs: 0  Total SVEBs: 0" in result.stdout
    figures = json.loads((tmp_path / "s.json").read_text())["mitdb"]
    assert figures["gross"]["qrs_se"] == pytest.approx(708 / 720)
    assert figures["records"]["100"]["qrs_se"] == pytest.approx(228 / 240)
    assert figures["average"]["veb_se"] is None
    assert figures["veb_runs"]["gross"]["couplet_se"] is None


def test_score_takes_test_annotations_from_elsewhere(root: Path, tmp_path: Path) -> None:
    write_test_beats(tmp_path / "found", "mitdb", "100", BEATS[::2])
    result = run(
        "evaluate", "annotations", "mitdb/100", "-t", "qrs", "--data", root, "--test-dir", tmp_path / "found"
    )
    assert result.exit_code == 0, result.output
    assert "Gross" + " " * 78 + "  50.00 100.00" in result.stdout


def test_score_with_json_on_standard_output(root: Path) -> None:
    write_test_beats(root, "mitdb", "100", BEATS)
    result = run("evaluate", "annotations", "mitdb/100", "-t", "qrs", "--data", root, "--json", "-")
    assert json.loads(result.stdout)["mitdb"]["gross"]["qrs_ppv"] == 1


def test_score_start_and_window(root: Path) -> None:
    write_test_beats(root, "mitdb", "100", BEATS + 30)  # 83 ms late
    options = ("evaluate", "annotations", "mitdb/100", "-t", "qrs", "--data", root, "--json", "-")
    wide, narrow = run(*options), run(*options, "--match-window-ms", "80", "--start-s", "480")
    assert json.loads(wide.stdout)["mitdb"]["gross"]["qrs_se"] == 1
    assert json.loads(narrow.stdout)["mitdb"]["gross"]["qrs_se"] == 0
    assert np.sum(json.loads(narrow.stdout)["mitdb"]["records"]["100"]["table"][0]) == 120


def test_score_names_what_is_missing(root: Path) -> None:
    result = run("evaluate", "annotations", "mitdb/100", "-t", "qrs", "--data", root)
    assert isinstance(result.exception, RecordError)
    assert "100.qrs: not found" in str(result.exception)
    none = run("evaluate", "annotations", "mitdb", "-t", "qrs", "-r", "ari", "--data", root)
    assert isinstance(none.exception, RecordError) and "'ari'" in str(none.exception)


BAD = (7 * MINUTE, 8 * MINUTE)


def processed(samples: np.ndarray, bad: tuple[int, int] | None = None) -> Processed:
    """Beats at `samples`; those in the bad stretch are unclassifiable."""
    beats = np.zeros(len(samples), BEAT_DTYPE)
    beats["r_sample"] = samples
    spans = np.array([bad] if bad else [], np.int64).reshape(-1, 2)
    for start, end in spans:
        beats["flags"][(samples >= start) & (samples < end)] = FLAG_UNCLASSIFIABLE
    return Processed(beats, np.empty(0, CHANGE_DTYPE), spans, np.empty(0, VENTRICULAR_DTYPE))


def no_signal(source: Source, conditions: Conditions) -> Record:
    """A record without samples: the detector under test makes its beats up."""
    nothing = np.zeros(0, np.int64)
    rate = conditions.fs_hz or FS_HZ
    return Record(
        *(source.name, source.database, rate, 200, source.lead, np.zeros(10, np.int16)),
        *(nothing, np.zeros(0, "U1"), ()),
    )


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Misses every fourth beat of 100, finds twice too many in 118e_6, is 3 samples late everywhere."""

    def find(record: Record, mains_hz: int) -> Processed:
        assert (record.fs_hz, mains_hz) == (FS_HZ, 60)
        if record.name == "100":
            return processed(np.delete(BEATS, np.s_[::4]) + 3)
        if record.name == "118e_6":
            return processed(np.arange(BEATS[0], BEATS[-1] + FS_HZ, FS_HZ // 2) + 3, BAD)
        return processed(BEATS + 3)

    monkeypatch.setattr(detection, "process", find)
    monkeypatch.setattr(detection, "read_source", no_signal)


@pytest.mark.usefixtures("detector")
def test_detect_scores_splits_and_noise_levels_apart(root: Path, tmp_path: Path) -> None:
    options = ("--data", root, "--json", tmp_path / "d.json", "--per-record")
    result = run("evaluate", "detector", "mitdb", "nstdb", "svdb", *options)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "d.json").read_text())
    assert {name: list(groups) for name, groups in figures.items()} == {
        "mitdb": ["DS1", "DS2", "all"],
        "nstdb": ["24 dB", "-6 dB", "all"],
        "svdb": ["development", "all"],
    }
    assert list(figures["mitdb"]["all"]["from_300_s"]["records"]) == ["100", "101", "102"]
    assert figures["mitdb"]["DS1"]["from_300_s"]["gross"]["qrs_se"] == 1
    assert figures["mitdb"]["DS2"]["from_300_s"]["gross"]["qrs_se"] == 0.75
    assert figures["mitdb"]["all"]["from_300_s"]["gross"]["qrs_se"] == pytest.approx(660 / 720)
    assert figures["nstdb"]["24 dB"]["from_300_s"]["average"]["qrs_ppv"] == 1
    assert figures["nstdb"]["-6 dB"]["from_300_s"]["gross"]["qrs_ppv"] == pytest.approx(0.5)
    assert figures["nstdb"]["-6 dB"]["from_300_s"]["gross"]["qrs_f1"] == pytest.approx(2 / 3)
    assert figures["svdb"]["all"]["from_300_s"]["gross"] == {
        "qrs_se": 1,
        "qrs_ppv": 1,
        "qrs_f1": 1,
        "rr_error_ms": 0,
        "shutdown_s": 0,
        "offset_ms": 1000 / 128,
    }
    assert figures["mitdb"]["all"]["from_300_s"]["records"]["101"]["offset_ms"] == pytest.approx(3000 / 360)
    assert "DS2" in result.stdout and "75.00" in result.stdout


@pytest.mark.usefixtures("detector")
def test_an_average_gives_every_person_the_same_weight(tmp_path: Path) -> None:
    """201 and 202 are one person; of 100 every fourth beat is missed."""
    for name in ("100", "201", "202"):
        write_record(tmp_path, "mitdb", name)
    result = run("evaluate", "detector", "mitdb", "--data", tmp_path, "--json", "-", "-q")
    scores = json.loads(result.stdout)["mitdb"]["all"]["from_300_s"]
    assert scores["average"]["qrs_se"] == pytest.approx((0.75 + 1) / 2)
    assert scores["gross"]["qrs_se"] == pytest.approx(660 / 720)
    assert list(scores["records"]) == ["100", "201", "202"]


@pytest.mark.usefixtures("detector")
def test_detect_leaves_annotation_files_at_the_records_own_rate(root: Path, tmp_path: Path) -> None:
    assert (
        run("evaluate", "detector", "svdb", "--data", root, "--write-annotations", tmp_path / "out").exit_code
        == 0
    )
    written = read_annotations(tmp_path / "out" / "svdb", "800", detect.ANNOTATOR, 128)
    assert written.samples.tolist() == (BEATS // FS_HZ * 128 + 1).tolist()
    assert set(written.symbols) == {"N"}


@pytest.mark.usefixtures("detector")
def test_detect_with_json_on_standard_output(root: Path) -> None:
    result = run("evaluate", "detector", "svdb", "--data", root, "--json", "-")
    assert json.loads(result.stdout)["svdb"]["all"]["from_300_s"]["beats"] == 240


def test_a_rate_that_no_board_has_is_refused(root: Path) -> None:
    result = run("evaluate", "detector", "svdb", "--data", root, "--fs", "128")
    assert result.exit_code == 2
    assert "250, 360, 500 Hz" in result.output


def test_beats_in_bad_signal_are_unclassifiable() -> None:
    beats = processed(BEATS[:3], (int(BEATS[2]), int(BEATS[2]) + 1)).beats
    assert detection.to_annotations(beats, FS_HZ).symbols.tolist() == ["N", "N", "Q"]


@pytest.mark.usefixtures("detector")
def test_silence_in_bad_signal_is_scored_beside_every_beat(root: Path, tmp_path: Path) -> None:
    """Twice too many beats in four minutes; in the second of them, which is bad, 60 of 240 are missed."""
    options = ("--data", root, "--json", tmp_path / "d.json", "--write-annotations", tmp_path / "out")
    result = run("evaluate", "detector", "nstdb/118e_6", *options)
    assert result.exit_code == 0, result.output
    assert "good signal" in result.stdout
    figures = json.loads((tmp_path / "d.json").read_text())["nstdb"]["-6 dB"]["from_300_s"]
    assert (figures["gross"]["qrs_se"], figures["gross"]["shutdown_s"]) == (1, 0)
    silent = figures["silent_in_bad_signal"]
    assert silent["gross"]["qrs_se"] == pytest.approx(180 / 240)
    assert silent["gross"]["qrs_ppv"] == 0.5
    assert silent["gross"]["shutdown_s"] == silent["records"]["118e_6"]["shutdown_s"] == 60
    assert silent["gross"]["shutdown_share"] == pytest.approx(0.1)
    written = read_annotations(tmp_path / "out" / "nstdb", "118e_6", detect.SILENT_ANNOTATOR, FS_HZ)
    marks = written.symbols == "~"
    assert written.samples[marks].tolist() == list(BAD) and written.subtype[marks].tolist() == [0x30, 0]
    assert not np.any((written.samples > BAD[0]) & (written.samples < BAD[1]))
    every = read_annotations(tmp_path / "out" / "nstdb", "118e_6", detect.ANNOTATOR, FS_HZ)
    assert (every.symbols == "Q").sum() == 120 and "~" not in every.symbols


def test_bad_signal_to_the_end_ends_with_the_record() -> None:
    """bxb counts no beat as missed in a shutdown without an end."""
    made = processed(BEATS, (int(BEATS[-10]), 10 * MINUTE))
    every = detection.to_annotations(made.beats, FS_HZ)
    silent = detection.without_bad_signal(every, made, Timing(FS_HZ, 10 * MINUTE))
    assert silent.samples[-1] == 10 * MINUTE - 1
    reference = Annotations.of(BEATS, ["N"] * len(BEATS))
    result = compare_beats(reference, silent, fs_hz=FS_HZ, end_s=600)
    assert result.missed_in_shutdown().hits == 10 and result.shutdown_s == 10


class FakeEngine:
    """Says V for every third beat."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, inputs: Inputs) -> np.ndarray:
        """Logits, shape (n, 5)."""
        logits = np.zeros((len(inputs["beat"]), 5), np.int8)
        logits[::3, 4] = 1
        return logits


@pytest.mark.usefixtures("detector")
def test_labels_of_a_model_are_scored_too(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecg_edge.host.reference.decisions.GeneratedEngine", FakeEngine)
    bundle = make_bundle(tmp_path / "bundle")
    result = run(
        "evaluate", "detector", "nstdb", "--data", root, "--model", bundle.path, "--json", tmp_path / "d.json"
    )
    assert result.exit_code == 0, result.output
    assert re.search(r"VEB Se %\s+VEB \+P %", result.stdout)
    assert "trained on none of these records" in result.stdout
    figures = json.loads((tmp_path / "d.json").read_text())["nstdb"]["24 dB"]["from_300_s"]
    assert figures["gross"]["veb_ppv"] == figures["silent_in_bad_signal"]["gross"]["veb_ppv"] == 0


def test_a_model_of_another_signal_path_is_refused(root: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    path = bundle.path / MANIFEST_NAME
    manifest = json.loads(path.read_text())
    manifest["core_fingerprint"] ^= 1
    path.write_text(json.dumps(manifest))
    result = run("evaluate", "detector", "svdb", "--data", root, "--model", bundle.path)
    assert result.exit_code != 0 and "signal path" in str(result.exception or result.output)


@pytest.mark.parametrize(
    ("database", "names", "seen"),
    [
        ("mitdb", ["100", "101"], ["101"]),
        ("svdb", ["800"], ["800"]),
        ("nstdb", ["118e06", "119e06"], ["118e06"]),
    ],
)
def test_patients_that_the_network_has_seen_are_named(
    database: str, names: list[str], seen: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecg_edge.host.reference.decisions.GeneratedEngine", FakeEngine)
    bundle = make_bundle(tmp_path / "bundle")
    manifest = json.loads((bundle.path / MANIFEST_NAME).read_text())
    manifest["training"] = {"database": "mitdb", "records": ["101", "118", "svdb/800"]}
    (bundle.path / MANIFEST_NAME).write_text(json.dumps(manifest))
    assert detection.Labeller(bundle.path).trained_on(database, names) == seen


@pytest.mark.records
def test_detect_on_a_real_record(data_dir: Path) -> None:
    result = run("evaluate", "detector", "mitdb/100", "--data", data_dir, "--json", "-")
    gross = json.loads(result.stdout)["mitdb"]["all"]["from_300_s"]["gross"]
    assert gross["qrs_se"] > 0.995 and gross["qrs_ppv"] > 0.995

"""What the device reports of one's own recording: the same as live, its figures, strips, files and page."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ecg_edge.ecg.annotations import read_annotations
from ecg_edge.ecg.errors import OutputError, RecordError, ToolError
from ecg_edge.firmware.binding.rhythm import END
from ecg_edge.host.analysis import figures as figures_module
from ecg_edge.host.analysis.device import DeviceReport, run_device
from ecg_edge.host.analysis.figures import figures_of
from ecg_edge.host.analysis.files import write_files
from ecg_edge.host.analysis.highlights import STRIP_S, highlights
from ecg_edge.host.analysis.hrv import normal_intervals, variability
from ecg_edge.host.analysis.reading import OwnRecording, Reading, read_own
from ecg_edge.host.cli import main as command_line
from ecg_edge.host.cli.commands import analyze as command
from ecg_edge.host.link.messages import Beat, RhythmEvent
from ecg_edge.host.live.computed import ComputedDevice
from ecg_edge.host.recording.recorder import Recorder
from ecg_edge.host.report import pdf
from ecg_edge.host.report.analysis_page import write_page
from ecg_edge.quantize.bundle.engines import Inputs
from tests.support.made_reports import made_record
from tests.support.made_session import FS_HZ, ORIGIN, items
from tests.support.simulated import LABELS, make_bundle, make_ecg
from tests.support.wfdb_files import write_record


class ShapeEngine:
    """V for a beat that points down, else N."""

    name = "shape"

    def run(self, inputs: Inputs) -> np.ndarray:
        """Compute outputs, shape (n, 5)."""
        window = inputs["beat"][:, :, 0].astype(np.int64)
        down = -window.min(axis=1, initial=0) > window.max(axis=1, initial=0)
        outputs = np.zeros((len(window), len(LABELS)), np.int8)
        outputs[:, 0], outputs[:, 4] = np.where(down, -100, 100), np.where(down, 100, -100)
        return outputs


def recording(samples: np.ndarray, off: tuple[tuple[int, int], ...] = ()) -> OwnRecording:
    spans = np.array(off, np.int64).reshape(-1, 2)
    return OwnRecording(Path("own.csv"), made_record(samples, "own"), Fraction(360), spans)


def run(samples: np.ndarray, off: tuple[tuple[int, int], ...] = ()) -> DeviceReport:
    return run_device(recording(samples, off), ShapeEngine(), LABELS, 60)


@pytest.fixture(scope="module")
def report() -> DeviceReport:
    """Four minutes: a pause, a run of beats that point down, silence, and an electrode off."""
    samples, peaks = make_ecg(240.0)
    samples = samples.copy()
    lost = peaks[60]
    noise = np.random.default_rng(1).normal(samples[lost - 121], 4, 920)
    samples[lost - 120 : lost + 800] = np.rint(noise)  # three beats: a pause
    for peak in peaks[120:126]:
        samples[peak - 60 : peak + 60] = -samples[peak - 60 : peak + 60]
    return run(samples, ((70_000, 75_000),))


def test_it_is_what_the_device_reports_live(report: DeviceReport) -> None:
    samples, off = report.own.record.samples, report.own.off_spans
    device = ComputedDevice(ShapeEngine(), LABELS, 360, 200, 60)
    messages, at = [], 0
    while at < len(samples):
        flags = 3 * bool(((off[:, 0] <= at) & (at < off[:, 1])).any())
        borders = [border for border in [*off.ravel().tolist(), len(samples)] if border > at]
        end = min([at + 240, *borders])
        messages += device.push(samples[at:end], flags)
        at = end
    messages += device.finish()
    beats = [message for message in messages if isinstance(message, Beat)]
    assert [beat.r_sample for beat in beats] == report.beats["r_sample"].tolist()
    assert [beat.input_crc32 for beat in beats] == report.beats["crc32"].tolist()
    live = [message for message in messages if isinstance(message, RhythmEvent)]
    assert ended(report.events) == ended(live)


def ended(events: list[RhythmEvent]) -> set[tuple[int, ...]]:
    """What each episode and heart rate is in the end; when it is told depends on the size of the blocks."""
    return {(e.kind, e.onset, e.end, e.beats, e.rate_x10, e.confidence) for e in events if e.phase == END}


def test_quality_and_wear_time(report: DeviceReport) -> None:
    quality = figures_of(report)["quality"]
    assert quality["duration_s"] == 240 and quality["worn_s"] == pytest.approx(240 - 5000 / 360, abs=0.01)
    assert quality["readable_s"] < quality["worn_s"]
    unread = quality["duration_s"] - quality["readable_s"]
    assert sum(quality["bad_by_reason_s"].values()) == pytest.approx(unread, abs=0.2)
    assert "electrode off" in quality["bad_by_reason_s"]


def test_time_without_values_cannot_be_read() -> None:
    figures = figures_of(run(np.zeros(30 * 360, np.int16), ((0, 30 * 360),)))
    quality, (hour,) = figures["quality"], figures["hours"]
    assert (quality["worn_s"], quality["readable_s"], hour["readable_s"]) == (0, 0, 0)
    assert quality["bad_by_reason_s"] == {"electrode off": 30}
    assert figures["limits"] == ["30 s cannot be read: nothing is known of that time"]


def test_figures_of_beats_and_rhythm(report: DeviceReport) -> None:
    figures = figures_of(report)
    assert figures["beats"]["V"] == figures["ventricular_beats"] == 6
    assert sum(figures["beats"].values()) == len(report.beats)
    kinds = {kind["kind"]: kind for kind in figures["kinds"]}
    assert kinds["V run"]["episodes"] == 1 and kinds["V run"]["most_beats"] == 6
    assert figures["pauses"] == kinds["pause"]["episodes"] >= 1
    assert figures["longest_pause_s"] == kinds["pause"]["longest_s"]
    assert figures["largest_rr"]["ms"] == pytest.approx(1000 * figures["longest_pause_s"], abs=10)
    assert 70 < figures["mean_bpm"] < 80
    (hour,) = figures["hours"]
    assert hour["beats"] == len(report.beats) and hour["ventricular"] == 6
    json.dumps(figures)


def test_hours_add_up(report: DeviceReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures_module, "HOUR_S", 60)
    hours = figures_module.hours_of(report)
    assert len(hours) == 4 and sum(hour["beats"] for hour in hours) == len(report.beats)
    readable = figures_module.quality_of(report)["readable_s"]
    assert sum(hour["readable_s"] for hour in hours) == pytest.approx(readable, abs=0.3)


def test_variability_of_known_intervals() -> None:
    seconds, rr = 700, np.tile([0.78, 0.82], 450)
    peaks = np.rint((0.5 + np.cumsum(rr)) * 360).astype(np.int64)
    beats = peaks[peaks < seconds * 360 - 400]
    t = np.arange(-100, 101) / 360
    wave = np.rint(240 * np.exp(-0.5 * (t / 0.012) ** 2)).astype(np.int16)
    samples = np.rint(np.random.default_rng(2).normal(0, 3, seconds * 360)).astype(np.int16)
    for peak in beats:
        samples[peak - 100 : peak + 101] += wave
    figures = variability(run(samples))
    assert figures["mean_nn_ms"] == pytest.approx(800, abs=1)
    assert figures["sdnn_ms"] == pytest.approx(20, abs=1.5)
    assert figures["rmssd_ms"] == pytest.approx(40, abs=2)
    assert figures["pnn50"] == 0 and figures["segments"] == 2 and figures["sdann_ms"] < 1


def test_only_intervals_between_normal_beats_count(report: DeviceReport) -> None:
    chosen = normal_intervals(report)
    assert chosen.any()
    ventricular = np.flatnonzero(report.symbols == "V")
    assert not chosen[ventricular].any() and not chosen[ventricular + 1].any()
    assert (report.beats["rr_samples"][chosen] < 1.2 * 0.8 * 360).all()


def test_too_few_intervals_give_no_variability() -> None:
    figures = variability(run(make_ecg(20.0)[0]))
    assert figures["sdnn_ms"] is None and figures["rmssd_ms"] is None and figures["sdann_ms"] is None


def test_silence_gives_no_figures_and_no_error(tmp_path: Path) -> None:
    quiet = run(np.zeros(3600, np.int16))
    figures = figures_of(quiet)
    assert figures["beats"] == {} and figures["mean_bpm"] is None and figures["largest_rr"] is None
    manifest = make_bundle(tmp_path / "bundle").manifest
    assert (
        "No episodes" in write_page(quiet, figures, manifest, "x", tmp_path / "q.html").read_text()
        or (figures["kinds"])
    )


def test_what_limits_the_report_is_said(tmp_path: Path) -> None:
    low = run((make_ecg(60.0)[0] / 40).astype(np.int16))  # R waves of 0.03 mV
    figures = figures_of(low)
    assert figures["quality"]["readable_s"] == 60 and len(low.beats) == 0
    assert figures["fibrillation_share"] is None
    (limit,) = figures["limits"]
    assert re.match(r"no beat was found in the 1 min 0 s that can be read, so nothing is known", limit)
    page = write_page(low, figures, make_bundle(tmp_path / "bundle").manifest, "x", tmp_path / "low.html")
    assert limit in page.read_text() and "No event of high priority" not in page.read_text()

    plain = run(make_ecg(60.0)[0])
    assert figures_of(plain)["limits"] == []
    doubted = replace(plain, own=replace(plain.own, rate_doubt="check --rate"))
    assert figures_of(doubted)["limits"] == ["check --rate"]
    for rate_hz, said in ((Fraction(64), 0), (Fraction(125, 2), 1)):
        slow = replace(plain, own=replace(plain.own, own_hz=rate_hz))
        assert len(figures_of(slow)["limits"]) == said
    assert figures_of(slow)["limits"][0].startswith("the file has 62.5 samples a second: below 64 a QRS")

    mostly_off = run(np.concatenate([make_ecg(30.0)[0], np.zeros(60 * 360, np.int16)]))
    assert re.match(r"59\.\d+ s cannot be read", figures_of(mostly_off)["limits"][0])


@pytest.mark.parametrize(
    ("unit", "size"), [("V", "more than 20 mV"), ("uV", "less than 0.05 mV"), ("mV", None)]
)
def test_a_wrong_unit_is_said(unit: str, size: str | None, tmp_path: Path) -> None:
    limit = f"the signal spans {size} in two seconds, and an ECG about 1 mV: check --unit or --gain"
    np.savetxt(tmp_path / "own.csv", make_ecg(60.0)[0] / 200, fmt="%.4f")
    own = read_own(tmp_path / "own.csv", Reading(rate_hz=360, unit=unit))
    limits = figures_of(run_device(own, ShapeEngine(), LABELS, 60))["limits"]
    assert (limit in limits) if size else limits == []
    stated = replace(own, is_unit_named=False)
    assert limit not in figures_of(run_device(stated, ShapeEngine(), LABELS, 60))["limits"]


def test_electrodes_that_were_off_most_of_the_time_are_no_wrong_unit(tmp_path: Path) -> None:
    samples = np.concatenate([make_ecg(30.0)[0], np.zeros(60 * 360, np.int16)])
    np.savetxt(tmp_path / "own.csv", samples / 200, fmt="%.4f")
    own = read_own(tmp_path / "own.csv", Reading(rate_hz=360, unit="mV"))
    (limit,) = figures_of(run_device(own, ShapeEngine(), LABELS, 60))["limits"]
    assert "cannot be read" in limit


def test_strips_of_each_kind_label_and_extreme(report: DeviceReport) -> None:
    found = highlights(report)
    titles = [one.title for one in found]
    assert any(title.startswith("V run") for title in titles)
    assert any(title.startswith("Largest RR interval") for title in titles)
    assert any(title.startswith("A beat labelled V, of 6") for title in titles)
    assert all(0 <= one.start_s <= 240 - STRIP_S and one.rests_on for one in found)
    order = [("high", "medium", "low", "none", "technical").index(one.priority) for one in found]
    assert order == sorted(order)
    run_v = next(one for one in found if one.title.startswith("V run"))
    assert "6 beats" in run_v.rests_on and "signal quality" in run_v.rests_on
    quiet = run(np.concatenate([make_ecg(30.0)[0], np.zeros(60 * 360, np.int16)]))
    unreadable = [one for one in highlights(quiet) if one.title == "Signal unreadable"]
    assert [one.rests_on.endswith("no beats found") for one in unreadable] == [True]


def test_files_can_be_read_again(report: DeviceReport, tmp_path: Path) -> None:
    write_files(report, tmp_path, "own")
    beats = read_annotations(tmp_path, "own", "dev", 360, 360)
    assert beats.samples.tolist() == report.beats["r_sample"].tolist()
    assert beats.symbols.tolist() == report.symbols.tolist()
    notes = read_annotations(tmp_path, "own", "rhy", 360, 360)
    assert any(note.startswith("V run: ") for note in notes.aux) and "electrode off" in notes.aux
    rows = list(csv.DictReader((tmp_path / "own-beats.csv").read_text().splitlines()))
    assert len(rows) == len(report.beats) and [row["label"] for row in rows] == report.symbols.tolist()
    episodes = list(csv.DictReader((tmp_path / "own-episodes.csv").read_text().splitlines()))
    assert len(episodes) == len(report.episodes) and {"V run", "pause"} <= {row["kind"] for row in episodes}


def test_the_page_stands_alone_and_states_the_figures(report: DeviceReport, tmp_path: Path) -> None:
    manifest = make_bundle(tmp_path / "bundle").manifest
    figures = figures_of(report)
    html = write_page(report, figures, manifest, "shape", tmp_path / "own.html").read_text()
    assert not re.search(r"<script|@import|https?://|src=", html)
    svgs = re.findall(r"<svg class.*?</svg>", html, re.S)
    assert svgs and all('role="img"' in svg and "<title>" in svg for svg in svgs)
    assert not re.search(r'[dxy]="[^"]*\d\.\d\d', "".join(svgs))
    assert len(html) < 200_000
    for text in ("Not a medical device", manifest.model_sha256, "V run", "Task Force", "electrode off"):
        assert text in html
    assert all(f'id="{name}"' in html for name in re.findall(r'href="#([a-z]+)"', html))
    for head in re.findall(r"<th[ >][^>]*", html):
        assert "scope=" in head


# ---- the command ------------------------------------------------------------------------------------


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle whose engine is `ShapeEngine`; the current folder is a temporary one."""
    bundle = make_bundle(tmp_path / "bundle")
    monkeypatch.setattr(command, "_engine", lambda bundle: ShapeEngine())
    monkeypatch.chdir(tmp_path)
    np.savetxt("night.csv", make_ecg(60.0)[0], fmt="%d")
    return bundle.path


def analyze(*arguments: str) -> int:
    result = CliRunner().invoke(command_line.app, ["analyze", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code


def test_the_command_writes_everything(stub: Path) -> None:
    options = ("--rate", "360", "--gain", "200", "--model", str(stub), "--json", "out.json")
    assert analyze("night.csv", *options) == 0
    names = {path.name for path in Path("analysis").iterdir()}
    assert names == {"night.html", "night.dev", "night.rhy", "night-beats.csv", "night-episodes.csv"}
    figures = json.loads(Path("out.json").read_text())["night"]
    assert figures["lead"] == "ECG" and figures["quality"]["duration_s"] == 60


@pytest.mark.parametrize("file", ["heart", "night.csv"])
def test_beats_that_a_device_told_are_kept(stub: Path, file: str) -> None:
    name = Path(file).stem
    with Recorder(Path(name), ORIGIN) as recorder:
        recorder.take(items(0, 20 * FS_HZ))
    told = Path(f"{name}.dev").read_bytes()
    options = () if name == "heart" else ("--rate", "360", "--gain", "200")
    with pytest.raises(OutputError, match=rf"{name}\.dev: holds the beats of a recording.*--out"):
        analyze(file, *options, "--out", ".", "--model", str(stub))
    assert Path(f"{name}.dev").read_bytes() == told
    assert analyze(file, *options, "--out", "elsewhere", "--model", str(stub)) == 0


def test_the_command_says_what_limits_a_report(stub: Path) -> None:
    np.savetxt("low.csv", make_ecg(60.0)[0] // 40, fmt="%d")
    options = ["--rate", "360", "--gain", "200", "--model", str(stub), "--quiet"]
    result = CliRunner().invoke(command_line.app, ["analyze", "low.csv", *options])
    assert result.exit_code == 0
    assert re.match(r"warning: low: no beat was found in the 1 min 0 s that can be read", result.stderr)
    assert re.search(r"beats +none", result.stdout)


def test_nothing_is_written_for_a_bad_file(stub: Path) -> None:
    Path("bad.csv").write_text("1\nx\n")
    with pytest.raises(Exception, match="line 2 is no row of numbers"):
        analyze("bad.csv", "--rate", "360", "--gain", "200", "--model", str(stub))
    assert list(Path("analysis").iterdir()) == []


def test_files_of_one_name_are_refused(stub: Path) -> None:
    with pytest.raises(Exception, match=r"Two files are called night: .* a folder of its own: --out"):
        analyze("night.csv", "other/night.csv", "--rate", "360", "--gain", "200", "--model", str(stub))


def test_results_that_are_replaced_are_named(stub: Path) -> None:
    options = ["--rate", "360", "--gain", "200", "--model", str(stub)]
    for replaced in (False, True):
        result = CliRunner().invoke(command_line.app, ["analyze", "night.csv", *options])
        assert ("night.html, replaced\n" in result.stdout) == replaced


@pytest.mark.parametrize("name", ["213", "mitdb/213", "mitdb"])
def test_records_by_the_names_of_every_command(
    name: str, stub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record(tmp_path / "data" / "mitdb", "213", make_ecg(30.0)[0], rest=" 16 0 0 0 0 MLII")
    arguments = (name, "--model", str(stub), "--json", "out.json")
    assert analyze(*arguments, "--data", "data") == 0
    figures = json.loads(Path("out.json").read_text())["213"]
    assert figures["lead"] == "MLII" and figures["quality"]["duration_s"] == 30
    monkeypatch.setenv("ECG_EDGE_DATA", "data")
    with pytest.raises(RecordError, match=r"999: not found in data, which has the databases mitdb\."):
        analyze("999", "--model", str(stub))
    with pytest.raises(RecordError, match=r"gone\.csv: not found\. Name a record, or an EDF, CSV"):
        analyze("gone.csv", "--model", str(stub), "--rate", "360", "--unit", "mV")


@pytest.mark.parametrize(("trained", "seen"), [(["213"], True), (["100"], False)])
def test_a_record_that_trained_the_network_is_named(
    trained: list[str], seen: bool, stub: Path, tmp_path: Path
) -> None:
    manifest = json.loads((stub / "manifest.json").read_text())
    manifest["training"] = {"database": "mitdb", "records": trained}
    (stub / "manifest.json").write_text(json.dumps(manifest))
    write_record(tmp_path / "data" / "mitdb", "213", make_ecg(30.0)[0], rest=" 16 0 0 0 0 MLII")
    result = CliRunner().invoke(
        command_line.app, ["analyze", "mitdb/213", "--data", "data", "--model", str(stub)]
    )
    page, said = Path("analysis/213.html").read_text(), "trained on the beats of this record"
    assert (said in page, said in " ".join(result.stderr.split())) == (seen, seen)
    assert ("other people." in page.replace("nothing about other people.", "")) != seen


def test_pdf_without_a_browser_is_refused_at_once(stub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with pytest.raises(ToolError, match="PDF needs Chromium or Chrome"):
        analyze("night.csv", "--rate", "360", "--gain", "200", "--model", str(stub), "--pdf")


@pytest.mark.slow
@pytest.mark.skipif(pdf.find_browser() is None, reason="needs Chromium")
def test_pdf_by_a_browser(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>Page</p>")
    assert pdf.write_pdf(tmp_path / "a.html", tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
